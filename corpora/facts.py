"""What an index says about packages, as plain immutable facts.

Nothing here fetches, solves or decides: these are the values that flow from a corpus (a live index or a
recorded snapshot) to the encoder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Literal, TypeAlias

from satlock.corpora.columns import Columns
from satlock.corpora.releases import File, Release
from satlock.records import dataclass, field

if TYPE_CHECKING:
    from typing import Self

    from satlock.corpora.index.transport import Progress
    from satlock.corpora.references import DirectOutcome, Reference

__all__ = [
    "Cause",
    "Corpus",
    "CorpusError",
    "Delegating",
    "File",
    "Listing",
    "Metadata",
    "MetadataOutcome",
    "NeedsBuild",
    "Release",
    "Unavailable",
    "Unhashed",
    "Unreachable",
    "Wanted",
]


@dataclass(frozen=True)
class Listing:
    """Every release of one package in one index, oldest version first."""

    name: str
    index: str
    """The index as it was asked for (its URL without credentials, or its name in a snapshot)."""
    releases: Sequence[Release]
    skipped: tuple[tuple[str, str], ...] = ()
    """(file name, reason) of files that could not be understood."""

    @cached_property
    def columns(self) -> Columns:
        """The releases by what they are asked for."""
        return Columns.of(self.releases)


Cause: TypeAlias = Literal["unreadable", "unbuilt", "forbidden", "gone", "refused", "false"]
"""Why a file tells nothing: nobody can read it, it cannot be built, or is not to be, its server has it no more, its
server refuses it, or it is not the file that its index promises."""


@dataclass(frozen=True)
class Metadata:
    """Core metadata of one candidate, as far as resolution needs it."""

    name: str
    version: str
    requires_dist: tuple[str, ...]
    """As written; lines that do not parse are left to the reader of this value."""
    requires_python: str | None
    provides_extra: tuple[str, ...]
    """Normalised names."""
    noted: bool = field(default=False, compare=False)
    """Whether this is what a source distribution notes of itself, which a build of it might change."""
    doubts: tuple[str, ...] = field(default=(), compare=False)
    """One sentence for each file of the candidate that should have told this, and was refused, gone, not the one that
    its index promises, or nothing that can be read."""


@dataclass(frozen=True)
class NeedsBuild:
    """Only a PEP 517 build could tell this candidate's metadata, and building was not asked for."""

    hint: Metadata | None = None
    """What the source distribution noted of itself when it was made; not binding."""


@dataclass(frozen=True)
class Unavailable:
    """No metadata can be had for this candidate; ``reason`` is one clause for a person."""

    reason: str
    cause: Cause = "unreadable"
    """Where files of the candidate differ in it, the one that most forbids to go on as if there were nothing."""
    output: tuple[str, ...] = field(default=(), compare=False)
    """The last lines of a build that failed."""
    hint: Metadata | None = field(default=None, compare=False)
    """What the source distribution whose build failed notes of itself."""


@dataclass(frozen=True)
class Wanted:
    """A request for the metadata of one candidate, from these of its files."""

    index: str
    name: str
    version: str
    files: tuple[File, ...] = field(hash=False, compare=False)
    build: bool = False
    """Whether an sdist may be built when nothing cheaper tells."""
    part: str = ""
    """Where a version's wheels are asked apart, what tells these of its files from the others; empty for the files
    among which is the one that is asked where they are not."""


@dataclass(frozen=True)
class Unhashed:
    """A request for the hash of a file that its index tells none of."""

    index: str
    name: str
    version: str
    file: File


MetadataOutcome: TypeAlias = Metadata | NeedsBuild | Unavailable


Guess: TypeAlias = Callable[["Listing | Metadata"], tuple[list[tuple[str, str]], list[Wanted]]]
"""From what has arrived to the listings and metadata that are likely to be needed next."""


class CorpusError(Exception):
    """The corpus as a whole failed: an index cannot be reached, a snapshot cannot be read (exit code 3).

    The message is one sentence for a person and holds no credentials.
    """


class Unreachable(CorpusError):
    """An index gave no answer, however often it was asked."""


class Corpus(ABC):
    """Where package facts come from. Answers never depend on the order of requests."""

    default_index: str | None = None
    """The index that stands for the default one, where the corpus was recorded from one."""
    recorded: str = ""
    """When (RFC 3339); empty for what is live."""
    fetches: bool = False
    """Whether files can be downloaded."""
    fresh_until: float = inf
    """Until when its listings so far may be used without asking again, in seconds since the epoch."""
    progress: Progress | None = None
    """The counters of what fetches; None where nothing is fetched."""

    @property
    def indexes(self) -> tuple[str, ...]:
        """The URLs of the indexes that were recorded; none for what is live."""
        return ()

    def packages(self, index: str) -> tuple[str, ...]:
        """The names that were recorded of an index; none for what is live."""
        return ()

    @abstractmethod
    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        """Listings for (index URL, normalised name) pairs, all at once; None where the index has no such package.

        Raises CorpusError where an index fails otherwise.
        """

    @abstractmethod
    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        """Metadata for candidates, all at once."""

    @abstractmethod
    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        """What repositories, archives and folders come to, all at once; what must be built for that is built.

        Raises CorpusError where one cannot be reached.
        """

    @abstractmethod
    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        """The files with hash and size, found by downloading them, all at once. Raises CorpusError."""

    def prefetch(  # noqa: B027  # to heed no hint is right
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        """A hint that these may soon be asked for. Never blocks, never raises, never builds, changes no answer.

        Args:
            then: told of each that has arrived, in a thread of the corpus; says what else may be asked for.
        """

    def close(self) -> None:  # noqa: B027  # most hold nothing open
        """Ends what runs, and finishes writing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Delegating(Corpus):
    """A corpus before another one, whose answers it passes on; those that watch, remember or record are of its kind."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.default_index, self.recorded = corpus.default_index, corpus.recorded
        self.fetches, self.progress = corpus.fetches, corpus.progress

    @property
    def fresh_until(self) -> float:  # type: ignore[override]  # which is read alone
        return self._corpus.fresh_until

    @property
    def indexes(self) -> tuple[str, ...]:
        return self._corpus.indexes

    def packages(self, index: str) -> tuple[str, ...]:
        return self._corpus.packages(index)

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        return self._corpus.listings(wanted)

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        return self._corpus.metadata(wanted)

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        return self._corpus.direct(wanted)

    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        return self._corpus.hashed(wanted)

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        self._corpus.prefetch(listings, metadata, then)

    def close(self) -> None:
        self._corpus.close()
