"""The resolvers that are compared: how each is installed, given its project, run, and understood."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from packaging.specifiers import SpecifierSet

from satlock.corpora.compare.asked import Asked
from satlock.records import dataclass

__all__ = ["PEERS", "Peer", "PeerError", "Place", "Resolver", "installed", "outcome_of", "python_for", "variables_of"]


class PeerError(Exception):
    """A peer cannot be had (exit code 3); the message is one sentence."""


@dataclass(frozen=True)
class Place:
    """Where one run takes place."""

    project: Path
    cache: Path
    index: str
    """The address of the served default index."""
    python: str
    """The interpreter of the project's environment."""
    requires_python: str = ""
    """Of the project."""


@dataclass(frozen=True)
class Resolver:
    """A resolver in its environment."""

    name: str
    version: str
    program: tuple[str, ...]
    """The start of its command."""


@dataclass(frozen=True)
class Peer:
    """A resolver, as far as it differs from others."""

    name: str
    package: str
    """Its distribution; with the extra that holds the versions its authors tested, where it has one."""
    module: str
    """What runs it: ``python -m MODULE``; empty for a program of its own."""
    lockfile: str
    universal: bool
    """Whether its lock is for every environment, and not just for the machine that locks."""
    arguments: Callable[[Place], list[str]]
    variables: Callable[[Place], dict[str, str]] = lambda place: {}
    tables: Callable[[Place], str] = lambda place: ""
    """What is added to the ``pyproject.toml``."""
    any_python: bool = False
    """Whether it locks for a Python that it does not run on itself; then it is the newest that runs on ours."""
    refuses: Callable[[Asked], str] = lambda asked: ""
    """Why it has no way to express a project; empty where it has one."""


def _single(asked: Asked) -> str:
    if asked.choices:
        return "its lock has no extras and groups to choose from"
    return _unpinned(asked)


def _unpinned(asked: Asked) -> str:
    if asked.pins:
        return "it has no indexes that depend on extras or markers"
    if asked.overrides or asked.constraints:
        return "it does not read overrides and constraints of the project"
    return ""


def _no_conflicts(asked: Asked) -> str:
    return "it knows no extras that conflict" if asked.conflicts else _unpinned(asked)


def _satlock(place: Place) -> list[str]:
    return ["lock", "--quiet", "--project", str(place.project), "--default-index", place.index,
            "--cache-dir", str(place.cache)]  # fmt: skip


def _uv(place: Place) -> list[str]:
    return ["lock", "--quiet", "--project", str(place.project), "--default-index", place.index,
            "--cache-dir", str(place.cache), "--python", place.python, "--no-python-downloads"]  # fmt: skip


def _pip(place: Place) -> list[str]:
    return ["lock", "--quiet", "--no-input", "--index-url", place.index, "--cache-dir", str(place.cache),
            "--requirement", "requirements.in", "--output", "pylock.toml"]  # fmt: skip


def _pip_tools(place: Place) -> list[str]:
    return ["compile", "--quiet", "--index-url", place.index, "--cache-dir", str(place.cache / "tools"), "--no-config",
            "--pip-args", f"--cache-dir {place.cache / 'pip'}", "--no-emit-index-url", "--no-strip-extras",
            "--allow-unsafe",
            "--no-header", "--output-file", "requirements.txt", "requirements.in"]  # fmt: skip


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("satlock", "satlock", "satlock", "pylock.toml", True, _satlock),
        Peer("uv", "uv", "", "uv.lock", True, _uv, any_python=True),
        Peer("pip", "pip", "pip", "pylock.toml", False, _pip, refuses=_single),
        Peer(
            "poetry",
            "poetry",
            "poetry",
            "poetry.lock",
            True,
            lambda place: ["lock", "--no-interaction", "--no-ansi", "--directory", str(place.project)],
            lambda place: {
                "POETRY_CACHE_DIR": str(place.cache),
                "POETRY_VIRTUALENVS_CREATE": "false" if place.python == sys.executable else "true",
                "PATH": os.pathsep.join([str(Path(place.python).parent), os.environ.get("PATH", "")]),
            },
            lambda place: (
                '\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "world"\n'
                f'url = "{place.index}/"\npriority = "primary"\n'
                # It takes "no upper bound" at its word, and many releases say "<4.0": its own way to narrow the lock.
                f'\n[tool.poetry.dependencies]\npython = "{place.requires_python or ">=3.8"},<4.0"\n'
            ),
            any_python=True,
            refuses=_no_conflicts,
        ),
        Peer(
            "pdm",
            "pdm[locked]",
            "pdm",
            "pdm.lock",
            True,
            lambda place: ["lock", "--quiet", "--project", str(place.project), "--group", ":all"],
            lambda place: {
                "PDM_CACHE_DIR": str(place.cache),
                "PDM_CHECK_UPDATE": "0",
                "PDM_USE_VENV": "0",
                "PDM_PYTHON": place.python,
                "PDM_IGNORE_SAVED_PYTHON": "1",
            },
            lambda place: (
                f'\n[tool.pdm]\ndistribution = false\n\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{place.index}/"\n'
                "verify_ssl = false\n"
            ),
            refuses=_no_conflicts,
        ),
        Peer("pip-tools", "pip-tools", "piptools", "requirements.txt", False, _pip_tools, refuses=_single),
    )
}
"""By name, in the order in which they are shown."""

_NO_LOCK = re.compile(
    r"No solution found|No lock|There is no lock|ResolutionImpossible|No matching distribution|version solving failed"
    r"|Unable to find a resolution|SolverProblemError|Could not find a version|conflicting dependencies"
    r"|ResolutionTooDeep|doesn't match any versions|Cannot find a resolution|not find a (matching )?version",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(r"ResolutionTooDeep|resolution-too-deep|exceeded maximum depth|max(imum)? rounds", re.IGNORECASE)


def outcome_of(peer: str, code: int, stopped: str, said: str, wrote: bool) -> str:
    """How a run ended, in a word: locked, no-lock, gave-up, failed, or the limit that stopped it (time, memory)."""
    if stopped:
        return stopped
    if code == 0 and wrote:
        return "locked"
    if peer == "satlock":
        return "no-lock" if code == 1 else "failed"
    if _GAVE_UP.search(said):
        return "gave-up"
    return "no-lock" if _NO_LOCK.search(said) else "failed"


# Where they are


@lru_cache
def python_for(requires: SpecifierSet) -> str | None:
    """An interpreter that a project admits: the one that runs this, else the newest that is found and runs."""
    if requires.contains(".".join(map(str, sys.version_info[:3]))):
        return sys.executable
    for minor in range(15, 8, -1):
        if any(requires.contains(f"3.{minor}.{patch}") for patch in (0, 9, 25)):
            for python in _pythons(f"3.{minor}"):
                with suppress(PeerError, OSError):
                    if requires.contains(variables_of(python)["python_full_version"]):
                        return python
    return None


def _pythons(version: str) -> Iterator[str]:
    """What may be an interpreter of a version: on the path, among those of uv, among those of pyenv.

    That a file has its name tells nothing: pyenv puts one on the path for every version it has, and most do not run.
    """
    if found := shutil.which(f"python{version}"):
        yield found
    if uv := shutil.which("uv"):
        command = [uv, "python", "find", "--no-python-downloads", "--no-project", "--managed-python", version]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        yield from done.stdout.split("\n")[:1] if done.returncode == 0 else ()
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))


@lru_cache
def installed(peer: Peer, python: str, folder: Path) -> Resolver:
    """The peer in an environment of its own for an interpreter, which is made where it is not there yet.

    Raises PeerError.
    """
    if peer.name == "satlock":
        return Resolver(peer.name, _version(Path(sys.executable), peer.package), (sys.executable, "-m", peer.module))
    place = folder / f"{peer.name}-{variables_of(python)['python_version']}"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{peer.name}-") as scratch:
            made = Path(scratch, "environment")
            _make(peer, python, made)
            try:
                made.rename(place)  # nothing is called by a script with a path in it, so it may move
            except OSError:
                if not place.exists():
                    raise
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    own = scripts / ("python.exe" if sys.platform == "win32" else "python")
    version = _version(own, peer.package)
    return Resolver(peer.name, version, (str(own), "-m", peer.module) if peer.module else (str(scripts / peer.name),))


def _make(peer: Peer, python: str, place: Path) -> None:
    uv = shutil.which("uv")
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    if uv is not None:
        own = str(place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
        steps = [[uv, "venv", "--quiet", "--python", python, str(place)],
                 [uv, "pip", "install", "--quiet", "--python", own, peer.package]]  # fmt: skip
    else:
        own = str(place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
        steps = [[python, "-m", "venv", str(place)],
                 [own, "-m", "pip", "install", "--quiet", "--upgrade", peer.package]]  # fmt: skip
    for step in steps:
        done = subprocess.run(step, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
            raise PeerError(f"{peer.name} cannot be installed for {python}: {said[:300]}")


def _version(python: Path, package: str) -> str:
    asking = f"import importlib.metadata as m; print(m.version({package.partition('[')[0]!r}))"
    done = subprocess.run([str(python), "-c", asking], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


@lru_cache
def variables_of(python: str) -> dict[str, str]:
    """The marker variables (PEP 508) of an interpreter. Raises PeerError where it does not run."""
    done = subprocess.run([python, "-c", _ASKING], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerError(f"{python} is not a Python that runs.")
    told: dict[str, str] = json.loads(done.stdout)
    return told


_ASKING = """
import json, os, platform, sys
full = platform.python_version()
name = sys.implementation.name
print(json.dumps({"os_name": os.name, "sys_platform": sys.platform, "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(), "platform_release": platform.release(),
    "platform_system": platform.system(), "platform_version": platform.version(), "python_full_version": full,
    "python_version": ".".join(full.split(".")[:2]), "implementation_name": name, "implementation_version": full}))
"""
