"""A lock as it was at some revision of its Git repository, with the project beside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from satlock.cli.failures import WRONG, Ended
from satlock.cli.lockfile import LOCKFILES, lockfile_in

__all__ = ["lock_at"]

_MOST_PROJECTS = 500
_PATIENCE = 60
"""Seconds for one answer of git."""


@contextmanager
def lock_at(place: str) -> Iterator[Path]:
    """The lockfile that ``place`` names: a file, a folder, ``REVISION:PATH`` as git spells it, or a revision.

    Of a revision alone it is the lock of this folder. What comes from git is laid into a folder that goes again.

    Raises:
        Ended: there is no such lock.
    """
    path = Path(place)
    if path.is_file():
        yield path
        return
    if path.is_dir():
        yield lockfile_in(path)
        return
    revision, colon, inside = place.partition(":")
    commit = _commit(revision) if revision else None
    if commit is None:
        raise Ended(WRONG, f"{place} is no lockfile, no folder with one, and no revision of a Git repository here.")
    with TemporaryDirectory(prefix="satlock-") as folder:
        yield _laid_out(commit, inside if colon else "", place, Path(folder))


def _git(*arguments: str) -> bytes | None:
    """What git answers; None where it fails."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, check=False, timeout=_PATIENCE, env=environment,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _commit(revision: str) -> str | None:
    if revision.startswith("-"):
        return None
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return found.decode().strip() if found else None


def _laid_out(commit: str, inside: str, place: str, folder: Path) -> Path:
    """Writes the lock and the projects of a commit into a folder, and returns where the lock is."""
    prefix = (_git("rev-parse", "--show-prefix") or b"").decode().strip()
    listed = _git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit) or b""
    names = [name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]
    if inside:
        # As git has it: from the root, or from here where it begins with a dot.
        wanted = [os.path.normpath(prefix + inside) if inside.startswith(".") else inside]
    else:
        wanted = [prefix + name for name in LOCKFILES]
    lock = next((name for name in wanted if name in names), None)
    if lock is None:
        what = f"{os.path.normpath(inside)} is not in" if inside else "There is no lockfile of this folder in"
        raise Ended(WRONG, f"{what} the revision {place.partition(':')[0]}; name one that is: REVISION:PATH.")
    projects = [name for name in names if name.rpartition("/")[2] == "pyproject.toml"]
    for name in [lock, *projects[:_MOST_PROJECTS]]:
        text = _git("cat-file", "blob", f"{commit}:{name}")
        target = folder.joinpath(*PurePosixPath(name).parts)
        if text is None or folder not in target.parents or ".." in target.parts:
            raise Ended(WRONG, f"{place}: git cannot read {name} there.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    return folder.joinpath(*PurePosixPath(lock).parts)
