"""A corpus that keeps every answer: to solve the same project once more, slightly changed, asks for little anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from corpora.facts import Corpus, Guess, Listing, Metadata, MetadataOutcome, NeedsBuild, Unavailable, Wanted

__all__ = ["Remembered"]


class Remembered:
    """Answers are those of the corpus behind it, each asked for once.

    With ``builds`` off nothing more is built: what only a build could tell cannot be had then, and ``unbuilt`` says
    that this happened.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._listings: dict[tuple[str, str], Listing | None] = {}
        self._metadata: dict[tuple[Wanted, bool], MetadataOutcome] = {}
        self.builds = True
        self.unbuilt = False

    @property
    def default_index(self) -> str | None:
        """What stands for the default index in a snapshot."""
        return getattr(self._corpus, "default_index", None)

    @property
    def progress(self) -> object:
        """The counters of a live corpus; None where nothing is fetched."""
        return getattr(self._corpus, "progress", None)

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        pairs = list(wanted)
        unknown = [pair for pair in dict.fromkeys(pairs) if pair not in self._listings]
        if unknown:
            self._listings.update(self._corpus.listings(unknown))
        return {pair: self._listings[pair] for pair in pairs}

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        unknown = [one for one in dict.fromkeys(wanted) if self._known(one) is None]
        refused = [one for one in unknown if one.build and not self.builds]
        asked = [one for one in unknown if one not in set(refused)]
        if asked:
            for one, outcome in self._corpus.metadata(asked).items():
                self._metadata[one, one.build] = outcome
        self.unbuilt = self.unbuilt or bool(refused)
        reason = Unavailable("would have to be built")
        return {one: self._known(one) or reason for one in wanted}

    def _known(self, wanted: Wanted) -> MetadataOutcome | None:
        found = self._metadata.get((wanted, wanted.build))
        if found is None and not wanted.build:
            built = self._metadata.get((_with_build(wanted), True))
            return built if isinstance(built, Metadata) else None
        if found is None and wanted.build:
            plain = self._metadata.get((_without_build(wanted), False))
            return plain if plain is not None and not isinstance(plain, NeedsBuild) else None
        return found

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        if self.builds:
            self._corpus.prefetch(listings, metadata, then)

    def close(self) -> None:
        self._corpus.close()


def _with_build(wanted: Wanted) -> Wanted:
    return Wanted(wanted.index, wanted.name, wanted.version, wanted.files, True)


def _without_build(wanted: Wanted) -> Wanted:
    return Wanted(wanted.index, wanted.name, wanted.version, wanted.files, False)
