"""Around any voice: text made fit to be spoken, speech kept for the next time, a second voice that takes over."""
