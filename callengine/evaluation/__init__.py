"""How well recognisers understand a shop's own recordings, and how soon: what `callengine evaluate` is made of."""
