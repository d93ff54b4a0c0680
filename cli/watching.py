"""Watching a run: what it asked of its corpus, what came of it, and how long it waited for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from satlock.corpora.facts import Corpus, File, Guess, Listing, MetadataOutcome, Unavailable, Unhashed, Wanted
    from satlock.corpora.references import DirectOutcome, Reference

__all__ = ["Phases", "Watched"]


@dataclass
class Phases:
    """Seconds by phase, in the order in which they began; ``now`` is the one that is under way."""

    seconds: dict[str, float] = field(default_factory=dict)
    now: str = ""
    started: float = field(default_factory=time.perf_counter)
    _since: float = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times the block; what a phase inside of it takes counts as that one's."""
        before = self.now
        self._turn(name)
        try:
            yield
        finally:
            self._turn(before)

    def _turn(self, name: str) -> None:
        moment = time.perf_counter()
        if self.now:
            self.seconds[self.now] += moment - self._since
        self.now, self._since = name, moment
        if name:
            self.seconds.setdefault(name, 0.0)

    @property
    def total(self) -> float:
        return time.perf_counter() - self.started


class Watched:
    """A corpus that remembers what it was asked for. Answers are those of the corpus it watches."""

    def __init__(self, corpus: Corpus, phases: Phases) -> None:
        self._corpus, self._phases = corpus, phases
        self.found: dict[tuple[str, str], Listing] = {}
        """By index (without credentials) and name."""
        self.unavailable: dict[tuple[str, str, str], str] = {}
        """Why the metadata of (index, name, version) could not be had."""
        self.gone: dict[tuple[str, str, str], str] = {}
        """Those among them, and others, of which no file is there any more, though an index lists them."""
        self.unbuilt: dict[tuple[str, str, str], Unavailable] = {}
        """What came of builds that failed, by (index, name, version)."""
        self.doubts: dict[str, None] = {}
        """One sentence for each file that was not what it should be, or was refused, where another file served."""
        self.searched: dict[str, list[str]] = {}
        """The indexes (without credentials) that were asked for each name, in order."""
        self.noted: dict[tuple[str, str, str], None] = {}
        """(index, name, version) of which only what a source distribution notes of itself was read."""
        self.metadata_read = 0

    @property
    def default_index(self) -> str | None:
        """What stands for the default index in a snapshot."""
        return getattr(self._corpus, "default_index", None)

    @property
    def requests(self) -> Any:
        """The counters of a live corpus; None where nothing is fetched."""
        return getattr(self._corpus, "progress", None)

    @property
    def fetches(self) -> bool:
        """Whether files can be downloaded."""
        return getattr(self._corpus, "fetches", False)

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        from satlock.corpora.index.address import without_credentials

        wanted = list(wanted)
        for index, name in wanted:
            self.searched.setdefault(name, []).append(without_credentials(index))
        with self._phases.phase("listings"):
            answers = self._corpus.listings(wanted)
        self.found.update({(found.index, found.name): found for found in answers.values() if found is not None})
        return answers

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        with self._phases.phase("metadata"):
            answers = self._corpus.metadata(wanted)
        self.metadata_read += len(answers)
        for one, outcome in answers.items():
            self.doubts.update(dict.fromkeys(getattr(outcome, "doubts", ())))
            if getattr(outcome, "noted", False):
                self.noted[one.index, one.name, one.version] = None
            reason = getattr(outcome, "reason", None)
            if reason is not None:
                self.unavailable[one.index, one.name, one.version] = reason
            if getattr(outcome, "cause", None) == "unbuilt":
                self.unbuilt[one.index, one.name, one.version] = cast("Unavailable", outcome)
            if getattr(outcome, "cause", None) == "gone" and not one.part:
                self.gone[one.index, one.name, one.version] = reason or ""
        return answers

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        with self._phases.phase("sources"):
            answers = self._corpus.direct(wanted)
        for reference, outcome in answers.items():
            if getattr(outcome, "cause", None) == "unbuilt":
                self.unbuilt["", str(reference), ""] = cast("Unavailable", outcome)
        return answers

    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        with self._phases.phase("hashing"):
            answers = self._corpus.hashed(wanted)
        for one, outcome in answers.items():
            if getattr(outcome, "cause", None) == "gone":
                self.gone[one.index, one.name, one.version] = getattr(outcome, "reason", "")
        return answers

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        self._corpus.prefetch(listings, metadata, then)

    def close(self) -> None:
        self._corpus.close()
