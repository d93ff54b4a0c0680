"""Which Python a project is worked on with, where the project itself does not say which Pythons it is for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

__all__ = ["python_in_use"]

_VERSION = re.compile(r"(?<![\d.])(3)(?:\.(\d{1,2})|(\d{1,2})\b)")
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def python_in_use(folder: Path, top: Path) -> tuple[str, str]:
    """The minor version of the Python that is used in ``folder``, e.g. ``3.12``, and what says so.

    As in uv: ``UV_PYTHON``, a ``.python-version`` in the folder or above it up to ``top``, the environment of the
    project; else the Python that runs.
    """
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    asked = os.environ.get("UV_PYTHON", "").strip()
    if asked and (found := _of_request(asked, here)):
        return found, "UV_PYTHON"
    for above in (folder, *folder.parents):
        for name in (".python-version", ".python-versions"):
            if (asked := _first_line(above / name)) and (found := _of_request(asked, here)):
                return found, name
        if above == top:
            break
    if found := _of_environment(top / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")):
        return found, "the project's environment"
    return here, "the Python that runs satlock"


def _of_request(asked: str, here: str) -> str | None:
    """What a request for a Python comes to: a version, a range, the name of an interpreter or the path of one."""
    if os.path.sep in asked or os.path.exists(asked):
        return _of_path(Path(asked).expanduser())
    try:
        admitted = SpecifierSet(asked)
    except InvalidSpecifier:
        found = _VERSION.search(asked)
        return f"3.{found[2] or found[3]}" if found else None
    if admitted.contains(f"{here}.99") or admitted.contains(f"{here}.0"):
        return here
    minors = [f"3.{minor}" for minor in range(100)]
    return next((each for each in minors if admitted.contains(f"{each}.0") or admitted.contains(f"{each}.99")), None)


def _of_path(path: Path) -> str | None:
    if path.is_dir():
        return _of_environment(path) or _of_path(path / "bin" / "python")
    if found := _of_environment(path.parent.parent):
        return found
    try:
        done = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _of_environment(folder: Path) -> str | None:
    """What a virtual environment says of its Python."""
    try:
        lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    said = dict(line.replace(" ", "").split("=", 1) for line in lines if "=" in line)
    found = _VERSION.match(said.get("version_info", said.get("version", "")))
    return f"3.{found[2]}" if found and found[2] else None


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
