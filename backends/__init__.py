"""Everything that configuration swaps: recognisers, voices, dialog."""
