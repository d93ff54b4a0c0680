"""Where uv and pip keep their configuration, without any import that takes time."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing and collections take their time too
    from collections.abc import Iterator

__all__ = ["configuration", "pip_files", "uv_files"]


def configuration() -> tuple[object, ...]:
    """What decides about the indexes outside of a project: changes whenever that may.

    Holds credentials: nothing but a digest of it may be kept.
    """
    files = [(file, *_stamp(file)) for file in (*uv_files(), *pip_files())]
    return (*files, *sorted((k, v) for k, v in os.environ.items() if k.startswith(("UV_", "PIP_"))))


def _stamp(file: str) -> tuple[int, ...]:
    try:
        found = os.stat(file)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size


def uv_files() -> Iterator[str]:
    """The user's file before the system's."""
    of_system = os.environ.get("UV_NO_SYSTEM_CONFIG", "").lower() not in ("1", "true", "yes", "on", "y", "t")
    if named := os.environ.get("UV_CONFIG_FILE"):
        yield named
        return
    if sys.platform == "win32":
        if appdata := os.environ.get("APPDATA"):
            yield os.path.join(appdata, "uv", "uv.toml")
        if of_system and (program_data := os.environ.get("PROGRAMDATA")):
            yield os.path.join(program_data, "uv", "uv.toml")
        return
    yield os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "uv", "uv.toml")
    for folder in (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if of_system else ():
        if folder:
            yield os.path.join(folder, "uv", "uv.toml")
    if of_system:
        yield "/etc/uv/uv.toml"


def pip_files() -> Iterator[str]:
    """pip's files: PIP_CONFIG_FILE, the virtual environment's, the user's, the system's."""
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    if named:
        yield named
    yield os.path.join(sys.prefix, name)
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        yield os.path.join(os.environ.get("APPDATA") or home, "pip", name)
        yield os.path.join(home, "pip", name)
        if program_data := os.environ.get("PROGRAMDATA"):
            yield os.path.join(program_data, "pip", name)
        return
    if sys.platform == "darwin":
        yield os.path.join(home, "Library", "Application Support", "pip", name)
    yield os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pip", name)
    yield os.path.join(home, ".pip", name)
    for folder in (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        if folder:
            yield os.path.join(folder, "pip", name)
    yield os.path.join("/etc", name)
