"""satlock: solver."""
