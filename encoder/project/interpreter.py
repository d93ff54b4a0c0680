"""Which Python stands in for a missing ``requires-python``: the one that the project is worked on with.

The order is uv's: what was asked for (``--python``, ``UV_PYTHON``), ``.python-version``, the project's virtual
environment. Where none of these is there uv takes a Python of the machine, and satlock the one that runs it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from satlock.records import dataclass

__all__ = ["PythonInUse", "python_in_use"]

_FILES = (".python-version", ".python-versions")
_VERSION = (
    r"(?i:(?:(?:python|cpython|pypy|graalpy|pyodide|cp|pp|gp)[@-]?)?(?P<major>\d)(?:\.?(?P<minor>\d{1,3}))?"
    r"(?:\.\d+)*(?:\.?(?:a|b|rc|alpha|beta|candidate|final)\.?\d+)?(?:t|d|\+[a-z+]+)?(?:-.*)?)"
)
"""A request for a version, as uv takes them: ``3.12``, ``312``, ``cpython@3.12.4``, ``cpython-3.12.4-linux-x86_64``."""
_ASK = "import sys; print(*sys.version_info[:2])"
_SECONDS = 20
"""How long a Python may take to tell its version."""


@dataclass(frozen=True)
class PythonInUse:
    """A Python's minor version, and where it was found."""

    version: tuple[int, int]
    why: str
    """What says so."""

    @property
    def lower_bound(self) -> str:
        """The Pythons from it on, as a specifier."""
        return f">={self.version[0]}.{self.version[1]}"


def python_in_use(folder: Path, top: Path | None, *, request: str | None = None, files: bool = True) -> PythonInUse:
    """The Python that is used in ``folder``.

    Args:
        top: the root of the project, the last folder that may have a ``.python-version``; None where there is none.
        request: the Python that was asked for, as uv takes it: a version, a name or a path; else ``UV_PYTHON`` is.
        files: whether ``.python-version`` counts.
    """
    for asked, who in ((request, "--python"), (os.environ.get("UV_PYTHON"), "UV_PYTHON")):
        if asked and (found := _of_request(asked)) is not None:
            return PythonInUse(found, who)
    for file in _version_files(folder, top) if files else ():
        for line in _requests(file):
            if (found := _of_request(line)) is not None:
                return PythonInUse(found, file.name)
            break
    environment = os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    if top is not None and (found := _of_environment(top / environment)) is not None:
        return PythonInUse(found, "the project's environment")
    return PythonInUse(sys.version_info[:2], "the Python that runs satlock")


def _version_files(folder: Path, top: Path | None) -> Iterator[Path]:
    folder, last = Path(os.path.abspath(folder)), None if top is None else Path(os.path.abspath(top))
    for place in (folder, *folder.parents):
        yield from (place / name for name in _FILES if (place / name).is_file())
        if place == last:
            break
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "uv")
    if sys.platform == "win32":
        user = Path(os.environ.get("APPDATA") or Path.home(), "uv")
    yield from (user / name for name in _FILES if (user / name).is_file())


def _requests(file: Path) -> Iterator[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    yield from (line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def _of_request(request: str) -> tuple[int, int] | None:
    told = re.fullmatch(_VERSION, request.strip())
    if told is not None and told["minor"]:
        return int(told["major"]), int(told["minor"])
    if told is not None or request.strip().lower() in ("any", "default", "cpython", "python"):
        return sys.version_info[:2]
    try:
        return _first_in(SpecifierSet(request))
    except InvalidSpecifier:
        pass
    path = Path(request).expanduser()
    if path.is_dir():
        return _of_environment(path) or next(
            (_told_by(str(place)) for place in (path / "bin" / "python", path / "python.exe") if place.is_file()), None
        )
    if path.is_file():
        return _of_environment(path.parent.parent) or _told_by(str(path))
    from shutil import which

    named = which(request)
    return _told_by(named) if named is not None else None


def _first_in(admitted: SpecifierSet) -> tuple[int, int] | None:
    """The first that a range admits: the running one, then the newest on ``PATH``, then the oldest there is."""
    running = sys.version_info[:2]

    def fits(minor: int) -> bool:
        return any(admitted.contains(f"3.{minor}.{patch}") for patch in (0, 99))

    if fits(running[1]):
        return running
    fitting = [minor for minor in range(100) if fits(minor)]
    from shutil import which

    here = (minor for minor in reversed(fitting) if which(f"python3.{minor}"))
    found = next(here, fitting[0] if fitting else None)
    return None if found is None else (3, found)


def _told_by(python: str) -> tuple[int, int] | None:
    import subprocess

    try:
        done = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=_SECONDS, check=True)
        major, minor = map(int, done.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return major, minor


def _of_environment(folder: Path) -> tuple[int, int] | None:
    """What a virtual environment says of its Python."""
    try:
        lines = (folder / "pyvenv.cfg").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    said = dict(line.replace(" ", "").split("=", 1) for line in lines if "=" in line)
    told = re.fullmatch(_VERSION, said.get("version_info") or said.get("version") or "")
    return (int(told["major"]), int(told["minor"])) if told is not None and told["minor"] else None
