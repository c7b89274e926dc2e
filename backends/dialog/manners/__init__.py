"""How a language model is to behave on the telephone, and what is said where it fails: one file a language."""
