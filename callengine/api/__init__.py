"""HTTP: health, metrics, calls."""
