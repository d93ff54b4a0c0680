"""``satlock lock --report``: one file from which somebody else can repeat a run.

It is a snapshot of all that the indexes answered, which ``--corpus`` takes, with the project, the lock that was there,
the versions and the settings beside it. Credentials are left out of all of it.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satlock.cli.failures import FAILED, Ended
from satlock.cli.inputs import Inputs
from satlock.cli.terminal import say, say_warning
from satlock.records import dataclass, field

if TYPE_CHECKING:
    from satlock.corpora.facts import Corpus
    from satlock.corpora.recorded.recording import Recording
    from satlock.encoder.project.project import Project

__all__ = ["Reported", "reported"]

_OURS = ("build", "click", "httpx", "packaging", "pyreqwest", "python-sat", "rich", "tomlkit", "z3-solver")
_SECRET = ("PASSWORD", "TOKEN", "USERNAME", "SECRET", "KEY")
_MOST_MEMBERS = 200


@dataclass(frozen=True)
class Reported(Inputs):
    """Inputs whose corpora keep what they answer."""

    recordings: list[Recording] = field(default_factory=list)
    default_indexes: list[str] = field(default_factory=list)

    def corpus(self, *projects: Project, settled: bool = False, named: Iterable[tuple[str, str]] = ()) -> Corpus:
        from satlock.corpora.recorded.recording import Recording

        found = Recording(super().corpus(*projects, settled=settled, named=named))
        self.recordings.append(found)
        return found

    def index_for(self, project: Project, corpus: Corpus | None) -> str:
        found = super().index_for(project, corpus)
        self.default_indexes.append(found)
        return found


@contextmanager
def reported(given: Inputs, path: Path, lock: Path | None) -> Iterator[Reported]:
    """The inputs to run with; when the block ends, in whatever way, the report is written.

    Args:
        lock: the lock that is there.

    Raises:
        Ended: it cannot be written.
    """
    watched = Reported(**{name: getattr(given, name) for name in given.__dataclass_fields__})
    there = lock.read_bytes() if lock is not None and lock.is_file() else None
    ended: BaseException | None = None
    try:
        yield watched
    except BaseException as error:
        ended = error
        raise
    finally:
        _write(watched, path, (lock.name, there) if lock is not None and there is not None else None, ended)


def _write(given: Reported, path: Path, lock: tuple[str, bytes] | None, ended: BaseException | None) -> None:
    from satlock.corpora.index.address import without_credentials
    from satlock.corpora.recorded.recording import merged
    from satlock.corpora.recorded.snapshot import write_snapshot

    listings, metadata = merged(recording.facts for recording in given.recordings)
    default = without_credentials(given.default_indexes[0]) if given.default_indexes else None
    beside = {"report.json": json.dumps(_told(given, ended), indent=2).encode() + b"\n", **_project(given)}
    if lock is not None:
        beside[f"project/{lock[0]}"] = _clean(lock[1])
    try:
        write_snapshot(
            path,
            {(without_credentials(index), name): listing for (index, name), listing in listings.items()},
            metadata,
            recorded=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            default_index=default,
            beside=beside,
        )
    except OSError as error:
        if ended is None:
            raise Ended(FAILED, f"{path} cannot be written ({error.strerror or error}).") from None
        say_warning(f"the report {path} cannot be written ({error.strerror or error})")
        return
    say(f"Wrote what was asked and answered to {path}; look at it before you pass it on.")


def _told(given: Reported, ended: BaseException | None) -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    from satlock.corpora.index.redaction import redacted

    def known(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    variables = {
        name: "(not shown)" if any(word in name.upper() for word in _SECRET) else redacted(value)
        for name, value in sorted(os.environ.items())
        if name.startswith(("SATLOCK_", "UV_", "PIP_"))
    }
    lines = ended.lines if isinstance(ended, Ended) else (str(ended),) if ended is not None else ()
    return {
        "schema": "satlock/report",
        "version": 1,
        "satlock": known("satlock"),
        "packages": {name: known(name) for name in _OURS},
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "arguments": [redacted(word) for word in sys.argv[1:]],
        "environment": variables,
        "kind": given.kind,
        "ended": None if ended is None else {"with": type(ended).__name__, "said": [redacted(line) for line in lines]},
        "again": f"python -m zipfile -e REPORT DIR; satlock lock{_options()} --corpus REPORT {_place(given)}",
    }


def _options() -> str:
    """Those of the run that its repetition needs; where it looks and writes is the repetition's own matter."""
    from satlock.cli.pasting import given_options

    places = ("directory", "project", "source", "script", "output", "certificate")
    answers = ("default_index", "corpus", "offline", "cache_dir", "no_cache", "report")
    return given_options(without=(*places, *answers))


def _place(given: Reported) -> str:
    """The project in the unpacked report."""
    return "--project DIR/project" if given.source.is_dir() else f"DIR/project/{shlex.quote(given.source.name)}"


def _project(given: Reported) -> dict[str, bytes]:
    """The project's file, and those of its workspace."""
    from satlock.encoder.project.project import ProjectError
    from satlock.encoder.project.workspace import workspace_of

    source = given.source
    file = source / "pyproject.toml" if source.is_dir() else source
    if not file.is_file():
        return {}
    found = {f"project/{file.name}": _clean(file.read_bytes())}
    try:
        workspace = workspace_of(file) if given.kind == "project" else None
    except ProjectError:
        workspace = None
    if workspace is None:
        return found
    root = workspace.root.parent
    files = [workspace.root, *workspace.members.values()]
    return {f"project/{one.relative_to(root).as_posix()}": _clean(one.read_bytes()) for one in files[:_MOST_MEMBERS]}


def _clean(content: bytes) -> bytes:
    from satlock.corpora.index.redaction import redacted

    return redacted(content.decode("utf-8", "replace")).encode()
