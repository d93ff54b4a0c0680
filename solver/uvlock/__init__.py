"""Writing ``uv.lock``."""
