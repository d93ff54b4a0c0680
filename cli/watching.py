"""Watching a run: what it asked of its corpus, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from satlock.cli.phases import Phases
from satlock.corpora.facts import Corpus, Delegating, Metadata, Unavailable

if TYPE_CHECKING:
    from satlock.corpora.facts import File, Listing, MetadataOutcome, Unhashed, Wanted
    from satlock.corpora.references import DirectOutcome, Reference

__all__ = ["Watched"]


class Watched(Delegating):
    """A corpus that remembers what it was asked for. Answers are those of the corpus it watches."""

    def __init__(self, corpus: Corpus, phases: Phases) -> None:
        super().__init__(corpus)
        self._phases = phases
        self.found: dict[tuple[str, str], Listing] = {}
        """By index (without credentials) and name."""
        self.unavailable: dict[tuple[str, str, str], str] = {}
        """Why the metadata of (index, name, version) could not be had."""
        self.gone: dict[tuple[str, str, str], str] = {}
        """Those among them, and others, of which no file is there any more, though an index lists them."""
        self.unbuilt: dict[tuple[str, str, str], Unavailable] = {}
        """What came of builds that failed, by (index, name, version)."""
        self.doubts: dict[str, tuple[str, str]] = {}
        """One sentence for each file that was not what it should be, or was refused, where another file served; with
        the name and the version."""
        self.searched: dict[str, list[str]] = {}
        """The indexes (without credentials) that were asked for each name, in order."""
        self.noted: dict[tuple[str, str, str], None] = {}
        """(index, name, version) of which only what a source distribution notes of itself was read."""
        self.metadata_read = 0

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
            key = one.index, one.name, one.version
            if isinstance(outcome, Metadata):
                self.doubts.update(dict.fromkeys(outcome.doubts, (one.name, one.version)))
                self.noted.update({key: None} if outcome.noted else {})
            elif isinstance(outcome, Unavailable):
                self.unavailable[key] = outcome.reason
                self.unbuilt.update({key: outcome} if outcome.cause == "unbuilt" else {})
                self.gone.update({key: outcome.reason} if outcome.cause == "gone" and not one.part else {})
        return answers

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        with self._phases.phase("sources"):
            answers = self._corpus.direct(wanted)
        for reference, outcome in answers.items():
            if isinstance(outcome, Unavailable) and outcome.cause == "unbuilt":
                self.unbuilt["", str(reference), ""] = outcome
        return answers

    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        with self._phases.phase("hashing"):
            answers = self._corpus.hashed(wanted)
        for one, outcome in answers.items():
            if isinstance(outcome, Unavailable) and outcome.cause == "gone":
                self.gone[one.index, one.name, one.version] = outcome.reason
        return answers
