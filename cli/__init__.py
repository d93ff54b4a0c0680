"""satlock: cli."""
