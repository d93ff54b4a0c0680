"""Where a file installs, as a marker formula: the platform compatibility tags of a wheel (PEP 425, 600, 656, 730,
738), read for what a marker can tell. Versions of libc or macOS are no marker's business and are ignored here."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from .marker import FALSE, TRUE, Formula, any_of, matches, python_at_least

__all__ = ["installs_on", "platforms_of", "wheel_tags"]

_LINUX = re.compile(r"(?:many|musl)?linux(?:\d+|_\d+_\d+|)_(?P<machine>.+)")
_MACOS = re.compile(r"macosx_\d+_\d+_(?P<machine>.+)")
_PYTHON = re.compile(r"(?P<implementation>[a-z]+)(?P<major>\d)(?P<minor>\d*)")
_WINDOWS = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64", "win_ia64": "ia64"}
_FAT = {"universal2": ("x86_64", "arm64"), "universal": ("x86_64", "i386", "ppc"), "intel": ("x86_64", "i386")}
_IMPLEMENTATION_OF = {"cp": "cpython", "pp": "pypy", "graalpy": "graalpy"}


@lru_cache(maxsize=8192)
def wheel_tags(filename: str) -> frozenset[Tag]:
    """The tags in a wheel's name; none where it does not parse."""
    try:
        return parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return frozenset()


@lru_cache(maxsize=8192)
def installs_on(filename: str) -> Formula:
    """The environments where this wheel installs. A source distribution installs anywhere."""
    if not filename.endswith(".whl"):
        return TRUE
    tags = sorted(wheel_tags(filename), key=str)
    return any_of(_platform(tag.platform) & _python(tag.interpreter, tag.abi) for tag in tags)


def platforms_of(filename: str, admitted: Callable[[Formula], bool]) -> Formula:
    """The platforms where this file installs under some Python that is ``admitted``."""
    if not filename.endswith(".whl"):
        return TRUE
    tags = sorted(wheel_tags(filename), key=str)
    return any_of(_platform(tag.platform) for tag in tags if admitted(_python(tag.interpreter, tag.abi)))


def _platform(platform: str) -> Formula:
    if platform == "any":
        return TRUE
    if platform in _WINDOWS:
        return matches("sys_platform", "win32") & matches("platform_machine", _WINDOWS[platform])
    for pattern, system in ((_LINUX, "linux"), (_MACOS, "darwin")):
        found = pattern.fullmatch(platform)
        if found:
            machines = _FAT.get(found["machine"], (found["machine"],))
            return matches("sys_platform", system) & any_of(matches("platform_machine", m) for m in machines)
    system = platform.partition("_")[0]
    return matches("sys_platform", system) if system in ("android", "ios", "emscripten", "wasi") else FALSE


def _python(interpreter: str, abi: str) -> Formula:
    found = _PYTHON.fullmatch(interpreter)
    if found is None:
        return FALSE
    major = int(found["major"])
    minor = int(found["minor"]) if found["minor"] else 0
    since = python_at_least((major, minor, 0))
    # py3 is Python 3 and, as far as anybody knows, what comes after; py38 is 3.8 and later.
    onward = since & ~python_at_least((3, 0, 0)) if major == 2 else since
    implementation = found["implementation"]
    if implementation == "py":
        return onward
    running = matches("implementation_name", _IMPLEMENTATION_OF.get(implementation, implementation))
    if abi == "abi3" and implementation == "cp":
        return running & onward
    return running & since & ~python_at_least((major, minor + 1, 0))
