"""The numbers of a conversation (issue 5), at the wire: a whole engine, stand-ins on loopback with stated delays."""
