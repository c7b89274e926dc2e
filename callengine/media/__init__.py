"""The wire and the clock."""
