"""Where things are kept between runs, unless the command line says otherwise, and under what names."""

from __future__ import annotations

import os
import sys

try:
    from _blake2 import blake2b  # hashlib would load all of OpenSSL for it
except ImportError:
    from hashlib import blake2b

__all__ = ["default_folder", "entry_name"]


def entry_name(key: str, kind: str = "") -> str:
    """The file name, of 32 hexadecimal digits, for what is kept under ``key``; other kinds have other names."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16, person=kind.encode()).hexdigest()


def default_folder() -> str:
    """The platform's user cache folder for satlock."""
    if sys.platform.startswith("linux"):
        # What platformdirs says there; importing it would take longer than all that a run without a search does.
        return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "satlock")
    from platformdirs import user_cache_dir

    return user_cache_dir("satlock", appauthor=False)
