"""Snapshots: recording what an index says, and serving it again."""
