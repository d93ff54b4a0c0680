"""Where a file installs: the platform compatibility tags of a wheel (PEP 425, 600, 656, 730, 738, 783), read for what
a marker can tell.

Versions of libc or macOS, and glibc or musl, are no marker's business and are ignored. A free-threaded Python is
another Python, which no marker tells from the usual one: what installs only there installs nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import product

from satlock.encoder.markers.marker import FALSE, TRUE, Formula, any_of, matches, python_at_least
from satlock.records import dataclass

__all__ = ["Fit", "fits_of", "installs_on", "may_install_on", "platforms_of"]

_LINUX = re.compile(r"(?:many|musl)?linux(?:\d+|_\d+_\d+|)_(?P<machine>.+)")
_MACOS = re.compile(r"macosx_\d+_\d+_(?P<machine>.+)")
_PYTHON = re.compile(r"(?P<implementation>py|cp|pp|graalpy)(?P<major>\d)(?P<minor>\d*)")
_WINDOWS = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64", "win_ia64": "ia64"}
_FAT = {"universal2": ("x86_64", "arm64"), "universal": ("x86_64", "i386", "ppc"), "intel": ("x86_64", "i386")}
_ELSEWHERE = {
    "android": "android",
    "ios": "ios",
    "emscripten": "emscripten",
    "pyodide": "emscripten",
    "pyemscripten": "emscripten",
    "wasi": "wasi",
}
"""``sys_platform`` by the first word of a tag; Pyodide is Python on Emscripten."""
_IMPLEMENTATION_OF = {"cp": "cpython", "pp": "pypy", "graalpy": "graalpy"}

_Minor = tuple[int, int]
_STABLE_ABI = (3, 2)
"""The first release that has one."""


@dataclass(frozen=True)
class Fit:
    """The environments that one tag of a wheel speaks of; None stands for any."""

    implementation: str | None
    since: _Minor
    before: _Minor | None
    """The first minor release of Python that it does not fit any more."""
    system: str | None
    """``sys_platform``."""
    machines: tuple[str, ...] | None
    """``platform_machine``."""

    @property
    def platform(self) -> Formula:
        system = TRUE if self.system is None else matches("sys_platform", self.system)
        if self.machines is None:
            return system
        return system & any_of(matches("platform_machine", machine) for machine in self.machines)

    @property
    def python(self) -> Formula:
        running = TRUE if self.implementation is None else matches("implementation_name", self.implementation)
        since = python_at_least((*self.since, 0))
        return running & since if self.before is None else running & since & ~python_at_least((*self.before, 0))

    def runs_on(self, python: _Minor) -> bool:
        """Whether it fits a minor release of Python."""
        return self.since <= python and (self.before is None or python < self.before)

    def admits(self, python: _Minor, implementation: str, system: str, machine: str | None) -> bool:
        """Whether it fits one minor release of an implementation on one kind of machine."""
        return (
            self.runs_on(python)
            and self.implementation in (None, implementation)
            and self.system in (None, system)
            and (self.machines is None or machine in self.machines)
        )


def fits_of(filename: str) -> tuple[Fit, ...]:
    """Where a wheel installs, tag by tag; nowhere if its name has no tags."""
    tags = _tags_of(filename)
    return _fits(*tags) if tags else ()


def installs_on(filename: str) -> Formula:
    """The environments where this file installs. A source distribution installs anywhere."""
    if not filename.endswith(".whl"):
        return TRUE
    tags = _tags_of(filename)
    return _installs(*tags) if tags else FALSE


def may_install_on(filename: str) -> Formula:
    """The same for who decides what is left out: a free-threaded Python counts, and unknown tags may fit anywhere."""
    if not filename.endswith(".whl"):
        return TRUE
    tags = _tags_of(filename)
    return _may_install(*tags) if tags else TRUE


def _tags_of(filename: str) -> tuple[str, str, str] | None:
    """The last three parts of a wheel's name. Thousands of wheels share them: what follows is found once for each."""
    parts = filename.removesuffix(".whl").lower().rsplit("-", 3)
    return (parts[1], parts[2], parts[3]) if len(parts) == 4 and "-" in parts[0] else None


@lru_cache(maxsize=8192)
def _fits(interpreters: str, abis: str, platforms: str) -> tuple[Fit, ...]:
    tags = product(interpreters.split("."), abis.split("."), platforms.split("."))
    return tuple(dict.fromkeys(fit for tag in tags if (fit := _fit(*tag)) is not None))


@lru_cache(maxsize=8192)
def _installs(interpreters: str, abis: str, platforms: str) -> Formula:
    return any_of(fit.platform & fit.python for fit in _fits(interpreters, abis, platforms))


@lru_cache(maxsize=8192)
def _may_install(interpreters: str, abis: str, platforms: str) -> Formula:
    usual = re.sub(r"\b(cp\d+|abi3)t\b", r"\1", abis)
    return _installs(interpreters, usual, platforms) if _fits(interpreters, usual, platforms) else TRUE


def platforms_of(filename: str, admitted: Callable[[Formula], bool]) -> Formula:
    """The platforms where this file installs under some Python that is ``admitted``."""
    if not filename.endswith(".whl"):
        return TRUE
    return any_of(fit.platform for fit in fits_of(filename) if admitted(fit.python))


def _fit(interpreter: str, abi: str, platform: str) -> Fit | None:
    if platform == "any" and abi != "none":
        return None
    pythons, place = _pythons(interpreter, abi), _place(platform)
    return None if pythons is None or place is None else Fit(*pythons, *place)


def _pythons(interpreter: str, abi: str) -> tuple[str | None, _Minor, _Minor | None] | None:
    found = _PYTHON.fullmatch(interpreter)
    if found is None:
        return None
    since = (int(found["major"]), int(found["minor"] or 0))
    following = (since[0], since[1] + 1)
    implementation = found["implementation"]
    if implementation == "py":
        # py3 is Python 3 and, as far as anybody knows, what comes after; py38 is 3.8 and later.
        return (None, since, (3, 0) if since[0] == 2 else None) if abi == "none" else None
    if implementation == "cp" and abi == "abi3":
        return ("cpython", since, None) if since >= _STABLE_ABI else None
    fits = abi == "none" or _is_abi_of(abi, implementation, found["major"] + found["minor"])
    return (_IMPLEMENTATION_OF[implementation], since, following) if fits else None


def _is_abi_of(abi: str, implementation: str, minor: str) -> bool:
    """Whether a minor release of an implementation has an ABI; the free-threaded one of CPython does not count."""
    if implementation == "cp":
        return abi in (f"cp{minor}", f"cp{minor}m", f"cp{minor}u", f"cp{minor}mu")
    if implementation == "pp":
        return abi.startswith(f"pypy{minor}_")
    return abi.startswith("graalpy") and f"_{minor}" in abi


def _place(platform: str) -> tuple[str | None, tuple[str, ...] | None] | None:
    if platform == "any":
        return None, None
    if platform in _WINDOWS:
        return "win32", (_WINDOWS[platform],)
    for pattern, system in ((_LINUX, "linux"), (_MACOS, "darwin")):
        found = pattern.fullmatch(platform)
        if found:
            return system, _FAT.get(found["machine"], (found["machine"],))
    elsewhere = _ELSEWHERE.get(platform.partition("_")[0])
    return None if elsewhere is None else (elsewhere, None)
