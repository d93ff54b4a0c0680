"""A corpus that keeps every answer: to solve the same project once more, slightly changed, asks for little anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from satlock.corpora.facts import Corpus, Delegating, Guess, Listing, MetadataOutcome, Unavailable, Wanted
from satlock.corpora.references import DirectOutcome, Reference

__all__ = ["Remembered"]


class Remembered(Delegating):
    """Answers are those of the corpus behind it, each asked for once."""

    def __init__(self, corpus: Corpus) -> None:
        super().__init__(corpus)
        self._listings: dict[tuple[str, str], Listing | None] = {}
        self._metadata: dict[Wanted, MetadataOutcome] = {}
        self._direct: dict[Reference, DirectOutcome] = {}
        self.builds = True
        """Whether what was not built before is."""

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        pairs = list(wanted)
        unknown = [pair for pair in dict.fromkeys(pairs) if pair not in self._listings]
        if unknown:
            self._listings.update(self._corpus.listings(unknown))
        return {pair: self._listings[pair] for pair in pairs}

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        unknown = [one for one in dict.fromkeys(wanted) if one not in self._metadata]
        asked = [one for one in unknown if self.builds or not one.build]
        if asked:
            self._metadata.update(self._corpus.metadata(asked))
        not_built = Unavailable("it would have to be built, and is not while ways out are looked for")
        return {one: self._metadata.get(one, not_built) for one in wanted}

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        unknown = [one for one in wanted if one not in self._direct]
        if unknown:
            self._direct.update(self._corpus.direct(unknown))
        return {one: self._direct[one] for one in wanted}

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        unknown = [pair for pair in listings if pair not in self._listings]
        unread = [one for one in metadata if one not in self._metadata]
        if unknown or unread or then is not None:
            self._corpus.prefetch(unknown, unread, then)
