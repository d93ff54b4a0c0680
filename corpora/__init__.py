"""satlock: corpora."""
