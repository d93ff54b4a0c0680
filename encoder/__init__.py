"""satlock: encoder."""
