"""Where things are kept between runs, unless the command line says otherwise."""

from __future__ import annotations

from pathlib import Path

__all__ = ["default_folder"]


def default_folder() -> Path:
    """The platform's user cache folder for satlock."""
    from platformdirs import user_cache_path

    return user_cache_path("satlock", appauthor=False)
