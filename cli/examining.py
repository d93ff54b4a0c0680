"""Where ``satlock prove --complete`` gets metadata from: the indexes of the lock, as the command line maps them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from satlock.cli.failures import WRONG, Ended
from satlock.cli.inputs import Inputs
from satlock.cli.progress import Progress
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.corpora.facts import Corpus
    from satlock.solver.lockfiles.reading import Reading
    from satlock.solver.proofs.examining import SecondLook
    from satlock.solver.proofs.owners import Asking

__all__ = ["WhereFrom", "ask_indexes"]


@dataclass(frozen=True)
class WhereFrom:
    """What the options say."""

    default_index: str | None
    index: dict[str, str]
    """By the name that the project gives an index, or by the address that the lock has for it."""
    corpus: Path | None
    offline: bool
    cache_dir: Path | None
    no_cache: bool

    def open(self, named: Iterable[tuple[str, str]] = ()) -> Corpus:
        """The indexes, those of the project ``named`` as (name, address) among them."""
        given = Inputs(Path(), self.default_index, self.index, self.corpus, self.offline, self.cache_dir,
                       self.no_cache, None)  # fmt: skip
        return given.corpus(named=named)


def ask_indexes(reading: Reading, given: WhereFrom, *, quiet: bool = False) -> tuple[Asking, SecondLook | None]:
    """Everything that the project and the candidates ask for, and who can look again at one of their files.

    Raises:
        Ended: where the command line does not say which index stands for which.
        ProjectError: where the project or the lock's notes cannot be read.
        CorpusError: where a snapshot cannot be read.
    """
    from satlock.solver.proofs.examining import SecondLook, examine
    from satlock.solver.proofs.owners import asking_of

    asking = asking_of(reading, reading.beside)
    if not asking.wanted:
        return asking, None
    named = [(index.name, index.url) for index in reading.project.indexes]
    corpus = given.open(named)
    try:
        addresses = _Addresses(reading, given, corpus, asking)
        with Progress(lambda: _told(corpus, len(asking.wanted)), shown=not quiet):
            examine(asking, corpus, addresses.of, asking.edits.may_build)
        return asking, SecondLook(lambda: given.open(named), addresses.of)
    finally:
        corpus.close()


def _told(corpus: Corpus, count: int) -> str:
    requests = corpus.progress
    done = f", {requests.requests_done} requests" if requests is not None and requests.requests_done else ""
    return f"Reading the metadata of {count} candidates{done}"


class _Addresses:
    """Where to ask for what a lock has from an index."""

    def __init__(self, reading: Reading, given: WhereFrom, corpus: Corpus, asking: Asking) -> None:
        from satlock.corpora.index.address import without_credentials

        self._given, self._corpus = given, corpus
        self._indexes = reading.project.indexes
        self._declared = {without_credentials(index.url).rstrip("/"): index for index in self._indexes}
        self._mapped = {key.rstrip("/"): url for key, url in given.index.items() if "://" in key}
        self._recorded: frozenset[str] = frozenset(index.rstrip("/") for index in corpus.indexes)
        self._check(given, {entry.source.address for entry in asking.wanted})

    def _check(self, given: WhereFrom, recorded: set[str]) -> None:
        known = {index.name for index in self._indexes} | {key for key in given.index if "://" in key}
        for name, url in given.index.items():
            if name not in known:
                raise Ended(
                    WRONG,
                    f"--index {name} names an index that the project does not declare.",
                    "Write --index ADDRESS=URL with the address that the lock has, or --default-index URL.",
                )
            _refuse_no_url("--index", url)
        if given.default_index is not None:
            _refuse_no_url("--default-index", given.default_index)
            unknown = sorted(address for address in recorded if self._is_unknown(address))
            if len(unknown) > 1:
                raise Ended(
                    WRONG,
                    f"--default-index could stand for {' or '.join(unknown[:4])}, which the project does not declare.",
                    "Write --index ADDRESS=URL for each of them.",
                )

    def _is_unknown(self, address: str) -> bool:
        return "://" in address and not ({address} & (self._declared.keys() | self._mapped.keys() | self._recorded))

    def of(self, address: str) -> str | None:
        """The address to ask; None where the lock names none that can be asked."""
        if address in self._mapped:
            return self._mapped[address]
        declared = self._declared.get(address)
        if declared is not None:
            default = self._given.default_index if declared.default else None
            return self._given.index.get(declared.name) or default or declared.url
        if not address:
            return self._default()
        if not address.startswith(("http://", "https://", "file://")):
            return None
        instead = self._given.default_index or self._corpus.default_index
        return instead if instead and self._is_unknown(address) else address

    def _default(self) -> str:
        stated = next((index.url for index in self._indexes if index.default), None)
        known = self._given.default_index or stated or self._corpus.default_index
        if known:
            return known
        from satlock.corpora.index.default_index import default_index_url

        return default_index_url()


def _refuse_no_url(option: str, url: str) -> None:
    if not url.startswith(("http://", "https://", "file://")):
        raise Ended(WRONG, f"{option} is {url[:80]!r}, which is not a URL; write 'https://...'.")
