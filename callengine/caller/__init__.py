"""The other end of the line: a caller that behaves as Asterisk does on the wire, and a crowd of them."""
