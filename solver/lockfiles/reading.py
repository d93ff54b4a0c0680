"""Reads a lockfile of any format from the file system."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satlock.corpora.regular_files import read_regular
from satlock.encoder.project.tables import tables_of
from satlock.encoder.project.values import Value, first_line
from satlock.records import dataclass, replace
from satlock.solver.lockfiles.model import Lockfile, LockfileError
from satlock.solver.lockfiles.project import ProjectFacts, read_project
from satlock.solver.lockfiles.pulls import axioms_of, workspace_files

__all__ = ["Reading", "digest_of", "packages_of", "parse", "read_lockfile"]

_LARGEST = 64 * 1024 * 1024
"""Bytes; the largest lockfiles that people keep have a few million."""


@dataclass(frozen=True)
class Reading:
    """A lockfile, and what stands behind what was read."""

    path: Path
    digest: str
    """SHA-256 of the lockfile."""
    lockfile: Lockfile
    project: ProjectFacts
    beside: Path
    """Where its ``pyproject.toml`` would be."""
    workspace: tuple[tuple[Path, str], ...] = ()
    """The other files of its workspace with their digests, where their conflicts may have a say."""
    of_script: bool = False
    """It is the lock of a script, which has nothing to do with the project in whose folder the script lies."""
    named_by_format: bool = True
    """Whether the name of the file tells its format."""

    @property
    def has_project(self) -> bool:
        """Whether there is a ``pyproject.toml`` that may have a say."""
        return not self.of_script and self.beside.is_file()


def read_lockfile(path: Path, project: Path | None = None) -> Reading:
    """Reads a lockfile, and the ``pyproject.toml`` in ``project`` (by default: beside it).

    Raises:
        ProjectError: where one of them is missing or broken.
    """
    top = parse(path)
    kind = _kind(path.name, top)
    beside = (project or path.parent) / "pyproject.toml"
    lockfile = _read(kind, top, beside)
    # The lock of a script has nothing to do with the project in whose folder the script lies.
    named_like_script = kind == "uv" and path.name != "uv.lock" and path.with_suffix("").is_file()
    of_script = named_like_script and project is None
    facts = ProjectFacts() if of_script else read_project(beside)
    # uv itself refuses only what the lock's own conflicts forbid.
    if kind != "uv":
        brings, rivals = axioms_of(facts.conflicts, facts.pulls, kind, lockfile.switches)
        lockfile = replace(lockfile, brings=brings, rivals=rivals)
    if kind == "pdm" and not lockfile.requires_python and not _has_targets(top):
        # Such a lock is for the Pythons of its project.
        lockfile = replace(lockfile, requires_python=facts.requires_python)
    others = workspace_files(beside) if beside.is_file() and kind != "uv" else []
    return Reading(
        path,
        digest_of(path),
        lockfile,
        facts,
        beside,
        tuple((file, digest_of(file)) for file in others),
        of_script,
        _kind_by_name(path.name) is not None or named_like_script,
    )


def parse(path: Path) -> dict[str, Value]:
    """The top-level keys of a lockfile.

    Raises:
        ProjectError: where it cannot be read or is not TOML.
    """
    try:
        found = tomllib.loads(read_regular(path, _LARGEST).decode("utf-8").replace("\r\n", "\n"))
    except OSError as error:
        raise LockfileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise LockfileError(f"{path} is not UTF-8.") from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise LockfileError(f"{path} is not valid TOML: {first_line(error)}.") from None
    except RecursionError:
        raise LockfileError(f"{path} is not valid TOML: it is nested too deeply.") from None
    return Value(found, path.name, "").table()


def packages_of(reading: Reading) -> list[Mapping[str, Any]]:
    """The tables of the packages of a lock, in the order of its entries but for PDM, which has several for some.

    Raises:
        ProjectError: where it cannot be read.
    """
    top, key = parse(reading.path), "packages" if reading.lockfile.kind == "pylock" else "package"
    raw = top[key].raw if key in top else []
    return [table for table in raw if isinstance(table, dict)] if isinstance(raw, list) else []


def _has_targets(top: dict[str, Value]) -> bool:
    return "metadata" in top and "targets" in top["metadata"].table()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(read_regular(path)).hexdigest()


def _kind_by_name(name: str) -> str | None:
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return "pylock"
    return {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm"}.get(name)


def _kind(name: str, top: dict[str, Value]) -> str:
    by_name = _kind_by_name(name)
    if by_name is not None:
        return by_name
    if "lock-version" in top:
        return "pylock"
    metadata = top["metadata"].raw if "metadata" in top else None
    if isinstance(metadata, dict):
        return "pdm" if "lock_version" in metadata else "poetry"
    if "requires-python" in top and "version" in top:
        return "uv"
    raise LockfileError(f"{name} is no lockfile that satlock knows: pylock.toml, uv.lock, poetry.lock or pdm.lock.")


def _read(kind: str, top: dict[str, Value], beside: Path) -> Lockfile:
    from satlock.solver.lockfiles import deciding, uv_lock

    if kind in ("poetry", "pdm"):
        project = tables_of(beside) if beside.is_file() else None
        return (deciding.read_poetry_lock if kind == "poetry" else deciding.read_pdm_lock)(top, project)
    return uv_lock.read_uv_lock(top) if kind == "uv" else deciding.read_pylock(top)
