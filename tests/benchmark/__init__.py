"""satlock and uv in turns on real requirement sets: ``python -m tests.benchmark``."""
