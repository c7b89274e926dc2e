"""The engine's numbers (DESIGN section 6), measured: `make bench`, or `python -m tests.bench PART ...`."""
