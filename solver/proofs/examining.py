"""Asks the indexes what the candidates of a lock require."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from packaging.version import InvalidVersion, Version

from satlock.corpora.facts import (
    Corpus,
    CorpusError,
    File,
    Listing,
    Metadata,
    NeedsBuild,
    Unavailable,
    Unreachable,
    Wanted,
)
from satlock.corpora.index.address import without_credentials
from satlock.corpora.index.file_order import files_in_order
from satlock.records import dataclass, replace
from satlock.solver.lockfiles.model import Entry
from satlock.solver.lockfiles.requirements import OWN, Line
from satlock.solver.proofs.installable import fitting
from satlock.solver.proofs.owners import Asking, ReadFrom, owner_of_metadata
from satlock.solver.proofs.walk import Point

__all__ = ["SecondLook", "examine"]

_MOST_FILES = 3
_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")


def examine(
    asking: Asking, corpus: Corpus, address: Callable[[str], str | None], may_build: Callable[[str], bool]
) -> bool:
    """Adds the owners of what the indexes say of the wanted entries; the others become unexamined.

    ``address`` says where to ask for what the lock has from an index, None where that is no address; ``may_build``
    whether the source distribution of a package may be built. Returns whether something outside failed.
    """
    asking.day = (corpus.recorded or asking.day)[: len(asking.day)]
    places = {entry.number: address(entry.source.address) for entry in asking.wanted}
    listings, failed = _listed(
        corpus, [(place, e.name) for e in asking.wanted if (place := places[e.number]) is not None]
    )
    wanted: dict[int, Wanted] = {}
    for entry in asking.wanted:
        found = _wanted(entry, places[entry.number], listings, failed)
        if isinstance(found, Wanted):
            wanted[entry.number] = found
        else:
            asking.unexamined[str(entry.number)] = found
    outcomes, broken = _each(corpus.metadata, list(wanted.values()))
    silent = [one for one, said in outcomes.items() if isinstance(said, NeedsBuild)]
    to_build = [replace(one, build=True) for one in silent if may_build(one.name)]
    built, unbuilt = _each(corpus.metadata, to_build)
    for entry in asking.wanted:
        if entry.number not in wanted:
            continue
        one, key = wanted[entry.number], str(entry.number)
        with_build = replace(one, build=True)
        failure = broken.get(one) or unbuilt.get(with_build)
        said = built.get(with_build) or outcomes.get(one)
        if isinstance(said, Metadata) and failure is None:
            try:
                owner = owner_of_metadata(entry, said.requires_dist, without_credentials(one.index))
                asking.owners[key] = replace(owner, read_from=_read_from(entry, one))
            except ValueError as error:
                asking.unexamined[key] = f"its metadata cannot be read: {error}"
        else:
            asking.unexamined[key] = failure or _why(said)
    return bool(failed or broken or unbuilt)


def _read_from(entry: Entry, one: Wanted) -> ReadFrom:
    """The file of the lock that speaks for a candidate: of all its wheels, or else sources, the first."""
    mine = [file for some in files_in_order(one.files) for file in some if file.filename in entry.files]
    place = ReadFrom(entry.source.address, without_credentials(one.index).rstrip("/"))
    if not mine:
        return place
    digest = dict(mine[0].metadata or ()).get("sha256", "")
    return replace(place, file=mine[0].filename, sha256=entry.hash_of(mine[0].filename), metadata=digest)


@dataclass(frozen=True)
class SecondLook:
    """Looks whether a requirement that is not met is one of the file that would be installed there.

    Wheels of one version may differ in what they require, and :func:`examine` asks one of them for all.
    """

    open_corpus: Callable[[], Corpus]
    """A corpus that has not been asked for the candidate yet."""
    address: Callable[[str], str | None]

    def __call__(self, entry: Entry, line: Line, point: Point) -> str:
        """Why the requirement is in doubt; empty where it stands."""
        files = fitting(entry.files, point.variables)
        for name in files[:_MOST_FILES]:
            said = self._requirements(entry, name)
            if said is None or line in said:
                return ""
        if not files:
            return ""
        return f"its wheels require different things: {line.text} is not required by {', '.join(files[:_MOST_FILES])}"

    def _requirements(self, entry: Entry, filename: str) -> tuple[Line, ...] | None:
        """What one file requires; None where that cannot be told."""
        place = self.address(entry.source.address)
        if place is None:
            return None
        corpus = self.open_corpus()
        try:
            listing = corpus.listings([(place, entry.name)])[place, entry.name]
            wanted = _wanted(entry, place, {(place, entry.name): listing}, {})
            if isinstance(wanted, str):
                return None
            mine = tuple(file for file in wanted.files if file.filename == filename)
            said = corpus.metadata([one := replace(wanted, files=mine)])[one] if mine else None
            if not isinstance(said, Metadata):
                return None
            return owner_of_metadata(entry, said.requires_dist, place).lists[OWN]
        except (CorpusError, ValueError):
            return None
        finally:
            corpus.close()


def _listed(
    corpus: Corpus, pairs: Sequence[tuple[str, str]]
) -> tuple[dict[tuple[str, str], Listing | None], dict[tuple[str, str], str]]:
    """The listings. An index that cannot be reached for one name is not asked for the others, which takes its time."""
    first = {place: (place, name) for place, name in reversed(pairs)}
    gone: dict[str, str] = {}
    for place, pair in first.items():
        try:
            corpus.listings([pair])
        except Unreachable as error:
            gone[place] = str(error).rstrip(".")
        except CorpusError:
            continue
    answers, failed = _each(corpus.listings, [pair for pair in pairs if pair[0] not in gone])
    return answers, failed | {pair: gone[pair[0]] for pair in pairs if pair[0] in gone}


def _each(
    ask: Callable[[Sequence[_Key]], Mapping[_Key, _Answer]], keys: Sequence[_Key]
) -> tuple[dict[_Key, _Answer], dict[_Key, str]]:
    """The answers, and for what could not be asked, why. One failure does not stand for all."""
    keys = list(dict.fromkeys(keys))
    try:
        return dict(ask(keys)), {}
    except CorpusError:
        pass
    answers: dict[_Key, _Answer] = {}
    failed: dict[_Key, str] = {}
    for key in keys:
        try:
            answers.update(ask([key]))
        except CorpusError as error:
            failed[key] = str(error).rstrip(".")
    return answers, failed


def _wanted(
    entry: Entry,
    place: str | None,
    listings: Mapping[tuple[str, str], Listing | None],
    failed: Mapping[tuple[str, str], str],
) -> Wanted | str:
    """What to ask of an index, or why that cannot be asked."""
    if place is None:
        return f"the lock has it from {entry.source.address}, which is no index that can be asked"
    if (place, entry.name) in failed:
        return failed[place, entry.name]
    listing, shown = listings[place, entry.name], without_credentials(place)
    try:
        version = str(Version(entry.version))
    except InvalidVersion:
        return f"the lock gives it the version {entry.version!r}, which is none"
    release = next((r for r in listing.releases if r.version == version), None) if listing is not None else None
    if listing is None or release is None:
        return f"{shown} has no {entry.name}" + (f" {version}" if listing is not None else "")
    return Wanted(place, entry.name, version, _of_lock(release.files, entry))


def _of_lock(files: tuple[File, ...], entry: Entry) -> tuple[File, ...]:
    """Those of a release's files that the lock has; all of them where it has none of them."""
    return tuple(file for file in files if file.filename in entry.files) or files


def _why(said: Metadata | NeedsBuild | Unavailable | None) -> str:
    if isinstance(said, Unavailable):
        return f"its metadata cannot be had: {said.reason}"
    return "it would have to be built to tell its requirements, which the project forbids"
