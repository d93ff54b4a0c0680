"""A lock as a file: pylock.toml, uv.lock, requirements.txt."""
