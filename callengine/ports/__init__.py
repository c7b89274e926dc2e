"""What a call asks of the world: small Protocols and frozen dataclasses, one port a file."""
