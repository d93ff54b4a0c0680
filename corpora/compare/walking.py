"""Where other resolvers walk: each is run on a project against a live index that is recorded while it reads.

A resolver that backtracks reads versions that no lock names and that are far from the newest. A snapshot that holds
them leads it the way that it went when the snapshot was made.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from satlock.corpora.compare.asked import asked_by
from satlock.corpora.compare.peers import PEERS, PeerError, Place, installed, outcome_of, python_for
from satlock.corpora.compare.running import Limits, measured
from satlock.corpora.facts import Corpus
from satlock.corpora.recorded.served import Served
from satlock.corpora.recorded.serving import CorpusServer

__all__ = ["Walk", "walk"]

_SETTINGS = re.compile(r"(PIP|UV|POETRY|PDM|PYTHON|VIRTUAL_ENV)(_.*)?|PYTHON.*")


class Walk(NamedTuple):
    """How far a resolver came. ``outcome`` is as in a comparison: locked, no-lock, gave-up, failed, time, memory."""

    peer: str
    version: str
    outcome: str
    seconds: float
    said: str
    lock: str | None = None
    """The text of the lockfile that it wrote, if it did."""


def walk(
    corpus: Corpus,
    pyproject: str,
    peers: Iterable[str],
    *,
    indexes: Sequence[str],
    default_index: str,
    environments: Path,
    limits: Limits,
) -> Iterator[Walk]:
    """Runs each peer once on a project; what it reads is asked of ``corpus``.

    Args:
        pyproject: the text of the project's ``pyproject.toml``.
        indexes: the addresses that it names.
        environments: the folder where the peers are installed.
    """
    asked = asked_by(pyproject)
    python = python_for(asked.requires_python)
    every = tuple(dict.fromkeys(index.rstrip("/") for index in (default_index, *indexes)))
    with (
        CorpusServer(Served(corpus, whole=True), every, default_index.rstrip("/")) as server,
        tempfile.TemporaryDirectory(prefix="satlock-walk-") as scratch,
    ):
        for name in peers:
            peer = PEERS[name]
            refusal = peer.refuses(asked) or ("" if python else f"there is no Python {asked.requires_python} here")
            if refusal or python is None:
                yield Walk(name, "", "unsupported", 0.0, refusal)
                continue
            try:
                resolver = installed(peer, python, environments)
            except PeerError as error:
                yield Walk(name, "", "failed", 0.0, str(error))
                continue
            folder, cache = Path(scratch, name), Path(scratch, f"{name}-cache")
            folder.mkdir()
            cache.mkdir()
            place = Place(folder, cache, server.url(every[0], asked.exclude_newer), python)
            text = pyproject
            for index in sorted(every, key=len, reverse=True):
                text = text.replace(f'"{index}"', f'"{server.url(index, asked.exclude_newer)}"')
            (folder / "pyproject.toml").write_text(text + peer.tables(place), encoding="utf-8")
            lines = "".join(f"{requirement}\n" for requirement in asked.dependencies)
            (folder / "requirements.in").write_text(lines, encoding="utf-8")
            run = measured(
                [*resolver.program, *(_pip(place) if name == "pip" else peer.arguments(place))],
                folder=folder,
                env={**_environment(Path(scratch)), **peer.variables(place)},
                limits=limits,
            )
            written = folder / peer.lockfile
            lock = written.read_text(encoding="utf-8") if written.is_file() else None
            outcome = outcome_of(name, run.code, run.stopped, run.said, lock is not None)
            yield Walk(name, resolver.version, outcome, run.seconds, run.said, lock)


def _pip(place: Place) -> list[str]:
    """Its ``lock`` cannot write down files without hashes, such as a live index that is recorded is served with."""
    return ["install", "--dry-run", "--ignore-installed", "--quiet", "--no-input", "--index-url", place.index,
            "--cache-dir", str(place.cache), "--requirement", "requirements.in", "--report", "pylock.toml"]  # fmt: skip


def _environment(home: Path) -> dict[str, str]:
    """The variables of this process without what configures one of the tools."""
    kept = {name: value for name, value in os.environ.items() if not _SETTINGS.fullmatch(name)}
    return {**kept, "HOME": str(home), "PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1"}
