"""The search: the loop, cores and splits, what is held back, loading, the selection."""
