"""What is checked: the lockfile and the project, as who checks says, and never as the certificate does.

The lockfile is the one that was named, or else the one that the certificate names if it lies in the folder that holds
the certificate. Its format follows from its name. Its project is in the folder that was named, or else beside the
lockfile; the other files of its workspace are those that a search from there finds.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from satlock.solver.checking.deciding import read_pdm_lock, read_poetry_lock, read_pylock
from satlock.solver.checking.files import NotGiven, read_file
from satlock.solver.checking.following import follow, is_followed
from satlock.solver.checking.markers import Bad, is_plain
from satlock.solver.checking.model import Lock, Table
from satlock.solver.checking.pulls import axioms_of, with_root, workspace_files
from satlock.solver.checking.uv_lock import read_uv_lock

__all__ = ["Source", "Subject", "check_stated", "named_lockfile", "project_of", "read_lockfile", "subject_of"]

_BY_NAME = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm"}
HEARD = frozenset(("index-pins", "complete", "optimality"))
"""The properties of a ``uv.lock`` that its project has a say in; in other locks it always has."""


@dataclass(frozen=True)
class Source:
    """A file that was read, once, for all that is checked of it."""

    path: Path
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def table(self) -> Table:
        """What it says, as TOML."""
        try:
            return tomllib.loads(self.content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise NotGiven(f"{self.path} is not valid TOML") from None


@dataclass(frozen=True)
class Subject:
    """What is checked."""

    lockfile: Source | None
    """None where the claim is that there is none."""
    kind: str
    project: Source | None
    workspace: tuple[Source, ...] = ()
    """The other files of the project's workspace, which state conflicts as well."""

    @cached_property
    def stated(self) -> Table:
        """What the project says, with the settings that it shares with its workspace; nothing where there is none."""
        if self.project is None:
            return {}
        return with_root(self.project.table, [one.table for one in self.workspace])


def subject_of(lockfile: Path, folder: Path | None, properties: set[str]) -> Subject:
    """The lockfile with its project.

    Args:
        folder: that of the project, where who checks names it.

    Raises:
        NotGiven: where a file is missing, or is not what it has to be.
    """
    kind = _kind_of(lockfile)
    source = Source(lockfile, read_file(lockfile))
    if kind == "uv" and not properties & HEARD:
        return Subject(source, kind, None)
    # The lock of a script has nothing to do with the project in whose folder the script lies.
    if folder is None and kind == "uv" and lockfile.name != "uv.lock":
        return Subject(source, kind, None)
    beside = (folder or lockfile.parent) / "pyproject.toml"
    if not os.path.exists(beside):
        if folder is not None:
            raise NotGiven(f"{folder} has no pyproject.toml")
        return Subject(source, kind, None)
    others = workspace_files(beside) if kind != "uv" else []
    return Subject(source, kind, Source(beside, read_file(beside)), tuple(Source(o, read_file(o)) for o in others))


def project_of(folder: Path, project: Path | None) -> Subject:
    """The project of which a certificate claims that it has no lock: the one around its folder, unless it is named.

    Raises:
        NotGiven: where there is none.
    """
    path = (project or Path(os.path.abspath(folder)).parent) / "pyproject.toml"
    if not os.path.exists(path):
        advice = "" if project is not None else "; name its folder with --project"
        raise NotGiven(f"there is no {path}{advice}")
    others = tuple(Source(other, read_file(other)) for other in workspace_files(path))
    return Subject(None, "", Source(path, read_file(path)), others)


def _kind_of(path: Path) -> str:
    """The format of a lockfile, by its name.

    Raises:
        NotGiven: where that tells none.
    """
    if path.name in _BY_NAME:
        return _BY_NAME[path.name]
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", path.name):
        return "pylock"
    if path.suffix == ".lock" and os.path.isfile(path.with_suffix("")):
        return "uv"
    raise NotGiven(
        f"the format of {path} does not follow from its name; it has to be called pylock.toml, pylock.NAME.toml, "
        "uv.lock, poetry.lock or pdm.lock, or like the script beside it with .lock at the end"
    )


def named_lockfile(folder: Path, stated: object) -> Path:
    """The lockfile that a certificate names.

    Raises:
        NotGiven: where it does not lie in the folder that holds the certificate.
    """
    above, _, name = str(stated).partition("/")
    if above != ".." or not name or name in (".", "..") or re.search(r"[/\\\0]", name):
        raise NotGiven("the certificate is not beside its lockfile; name the lockfile with --lockfile FILE")
    path = Path(os.path.abspath(folder)).parent / name
    if not os.path.exists(path):
        raise NotGiven(f"{path}, which the certificate is for, is not there; name the lockfile with --lockfile FILE")
    return path


def check_stated(subject: Subject, manifest: Mapping[str, object], *, elsewhere: bool) -> None:
    """That a manifest repeats what is checked, with its digests.

    Args:
        elsewhere: who checks named the project's folder, so that it may lie elsewhere than when it was written.

    Raises:
        Bad: where it says anything else.
    """
    stated = dict(manifest)
    if subject.lockfile is not None:
        path = _same("lockfile", subject.lockfile, stated.pop("lockfile", None))
        if path.rpartition("/")[2] != subject.lockfile.path.name:
            raise Bad(f"the certificate was written for {path[:80]!r}, and not for {subject.lockfile.path.name}")
    elif "lockfile" in stated:
        raise Bad("the certificate names a lockfile, and claims that there is none")
    if subject.project is None:
        if "project" in stated:
            raise Bad("the certificate was written with a project, and the lockfile has none; name it with --project")
    elif "project" not in stated:
        raise Bad(f"the certificate was written without {subject.project.path}, which has a say")
    else:
        path = _same("project", subject.project, stated["project"])
        beside = "pyproject.toml" if subject.lockfile is not None else "../pyproject.toml"
        if path != beside and not elsewhere:
            raise Bad(f"the certificate was written for the project at {path[:80]!r}; name its folder with --project")
    listed = stated.get("workspace", [])
    if not isinstance(listed, list) or len(listed) != len(subject.workspace):
        raise Bad("the certificate was written with other files of the workspace than there are")
    for mine, other in zip(subject.workspace, listed, strict=True):
        assert subject.project is not None
        there = Path(os.path.realpath(mine.path.parent), mine.path.name)
        here = Path(os.path.relpath(there, os.path.realpath(subject.project.path.parent)))
        if not isinstance(other, dict) or other.get("path") != here.as_posix():
            raise Bad("the certificate was written with other files of the workspace than there are")
        _same("file of the workspace", mine, other)


def _same(what: str, mine: Source, stated: object) -> str:
    if not isinstance(stated, dict) or set(stated) != {"path", "sha256"}:
        raise Bad(f"the certificate does not say which {what} it is for")
    if stated["sha256"] != mine.sha256:
        raise Bad(f"{mine.path} is not the {what} that the certificate was written for: its digest differs")
    return str(stated["path"])


def read_lockfile(subject: Subject) -> tuple[Lock, Table]:
    """The lock of a subject, with the axioms of its project, and what TOML says of it."""
    assert subject.lockfile is not None
    top = subject.lockfile.table
    lock = Lock(subject.kind)
    readers = {"uv": read_uv_lock, "pylock": read_pylock, "poetry": read_poetry_lock, "pdm": read_pdm_lock}
    if is_followed(subject.kind, top):
        if subject.project is None:
            raise NotGiven(
                f"{subject.lockfile.path} does not say when a package is installed, and has no pyproject.toml"
            )
        follow(lock, top, subject.project.table)
    else:
        readers[subject.kind](lock, top)
    for entry in lock.entries:
        if not is_plain(entry.name):
            raise Bad(f"the lockfile has the package {entry.name[:60]!r}, which is no name of one")
    if subject.project is not None and subject.kind != "uv":
        others = [other.table for other in subject.workspace]
        if lock.kind == "pdm" and not lock.python and "targets" not in top.get("metadata", {}):
            lock.python = subject.project.table.get("project", {}).get("requires-python", "")
        lock.brings, lock.rivals = axioms_of(subject.project.table, others, lock.kind, lock.switches)
    return lock, top
