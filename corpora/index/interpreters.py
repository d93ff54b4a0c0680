"""Which Python builds a source distribution: one that the package admits, and the project where it can be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.index.building import Building

__all__ = ["NoPython", "interpreter_for", "uv_program", "version_of"]

_SECONDS = 20
_ASK = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
_NEWEST, _OLDEST = 30, 7
_ONE_AT_A_TIME = Lock()
"""What uv's package asks of ``sysconfig`` may be half made while another thread asks for the first time."""


class NoPython(Exception):
    """No Python of this machine serves; the text is a clause."""


def interpreter_for(building: Building, admitted: str | None) -> str:
    """The path of a Python, the first of these that serves: the one that the project is worked on with, the one that
    runs satlock, others of this machine, the newest first.

    Args:
        admitted: the package's Requires-Python. As elsewhere an upper bound of it is no obstacle, where there is no
            Python below it.

    Raises NoPython.
    """
    if building.environment is not None and (own := _in_environment(Path(building.environment))) is not None:
        version = version_of(own)
        if version is not None and _admits(admitted, version):
            return own
    wanted = (*filter(None, (admitted, building.requires_python)),)
    for specifiers in (wanted, (admitted,) if admitted else ()):
        for path, version in _found(building, ",".join(specifiers)):
            if all(_admits(specifier, version) for specifier in specifiers):
                return path
    running = _running()
    if not _admits(_lower_bounds(admitted), running):
        raise NoPython(f"it requires Python {admitted}, and no such Python was found on this machine")
    return sys.executable


def _found(building: Building, wanted: str) -> Iterator[tuple[str, Version]]:
    """Pythons of this machine, as far as they may be of use."""
    if building.python is not None and building.python != sys.version_info[:2]:
        yield from _named(f"{building.python[0]}.{building.python[1]}")
    yield sys.executable, _running()
    for minor in range(_NEWEST, _OLDEST, -1):
        if _may_admit(wanted, minor):
            yield from _named(f"3.{minor}", ask_uv=False)
    program = uv_program()
    if program is not None and wanted:
        path = _by_uv(program, wanted)
        if path is not None and (version := version_of(path)) is not None:
            yield path, version


def _named(version: str, *, ask_uv: bool = True) -> Iterator[tuple[str, Version]]:
    program = uv_program() if ask_uv else None
    for path in (shutil.which(f"python{version}"), _by_uv(program, version) if program is not None else None):
        if path is not None and (found := version_of(path)) is not None:
            yield path, found


def _running() -> Version:
    return Version(".".join(map(str, sys.version_info[:3])))


def _admits(specifier: str | None, version: Version) -> bool:
    try:
        return not specifier or SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def _may_admit(wanted: str, minor: int) -> bool:
    return any(_admits(wanted, Version(f"3.{minor}.{patch}")) for patch in (0, 99))


def _lower_bounds(specifier: str | None) -> str:
    try:
        found = SpecifierSet(specifier or "")
    except InvalidSpecifier:
        return ""
    return ",".join(str(one) for one in found if one.operator in (">=", ">", "~="))


def _in_environment(folder: Path) -> str | None:
    places = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((str(place) for place in places if place.is_file()), None)


def uv_program() -> str | None:
    """The path of uv, where there is one."""
    from importlib.util import find_spec

    if find_spec("uv") is not None:
        try:
            from uv import find_uv_bin

            with _ONE_AT_A_TIME:
                return str(find_uv_bin())
        except (ImportError, OSError):
            pass
    return shutil.which(os.environ.get("UV") or "uv")


@lru_cache(maxsize=256)
def _by_uv(program: str, request: str) -> str | None:
    command = [program, "python", "find", request, "--no-python-downloads", "--no-project", "--no-config", "-q"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip() or None


@lru_cache(maxsize=256)
def version_of(path: str) -> Version | None:
    """The version of a Python; None where the file at this path is none."""
    try:
        ran = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=_SECONDS, check=True)
        return Version(ran.stdout.strip())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
