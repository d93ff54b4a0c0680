"""Where things are kept between runs, unless the command line says otherwise."""

from __future__ import annotations

import os
import sys

__all__ = ["default_folder"]


def default_folder() -> str:
    """The platform's user cache folder for satlock."""
    if sys.platform.startswith("linux"):
        # What platformdirs says there; importing it would take longer than all that a run without a search does.
        return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "satlock")
    from platformdirs import user_cache_dir

    return user_cache_dir("satlock", appauthor=False)
