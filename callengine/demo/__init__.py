"""The demo: an engine of its own, a caller of recorded speech, and what people get to see of both."""
