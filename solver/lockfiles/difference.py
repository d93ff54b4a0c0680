"""What one lock installs otherwise than another, environment by environment. The two may be of different formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from packaging.version import InvalidVersion, Version

from satlock.corpora.index.address import without_credentials
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import ProjectError
from satlock.records import dataclass
from satlock.solver.lockfiles.files import LockedFile, files_of
from satlock.solver.lockfiles.graph import LockGraph
from satlock.solver.lockfiles.model import Entry, Source

__all__ = ["Change", "Difference", "Held", "compared"]

Kind = Literal["added", "removed", "newer", "older", "changed", "files"]


@dataclass(frozen=True)
class Held:
    """What a lock has of a package."""

    version: str
    source: str
    """Where it comes from, in the lock's own words; empty where the lock does not tell."""


@dataclass(frozen=True)
class Change:
    """One package that is another in some environments."""

    name: str
    kind: Kind
    """``changed`` where it comes from elsewhere, ``files`` where the same version has other files or hashes."""
    before: Held | None
    """None where it was not installed."""
    after: Held | None
    marker: str | None
    """Where; None where that is everywhere that both locks are for."""
    files: tuple[str, ...] = ()
    """Names of files whose hashes are not what they were."""


@dataclass(frozen=True)
class Difference:
    """What one lock has otherwise."""

    changes: tuple[Change, ...]
    unchanged: int
    """How many packages are the same wherever both locks are for."""
    gone: str | None
    """The environments that only the first lock is for, as a marker; None where there are none."""
    new: str | None
    """Those that only the second is for."""

    @property
    def counts(self) -> dict[str, int]:
        """How many packages have changed, by kind."""
        return dict(Counter(kind for _, kind in dict.fromkeys((one.name, one.kind) for one in self.changes)))


def compared(before: LockGraph, after: LockGraph) -> Difference:
    """What changes from one lock to another.

    Raises:
        ProjectError: no environment is one that both are for.
    """
    domain = Domain(all_of((before.universe, after.universe)))
    if not domain.satisfiable(TRUE):
        raise ProjectError("The two locks have no environment in common: nothing can be compared.")
    shortener = Shortener(domain)
    old, new = _Side(before), _Side(after)
    names = sorted({*old.parts, *new.parts})
    changes = [change for name in names for change in _of_name(name, old, new, domain, shortener)]
    changed = {change.name for change in changes}
    return Difference(
        tuple(changes),
        sum(name not in changed for name in names),
        _beyond(before, after),
        _beyond(after, before),
    )


class _Side:
    """One of the locks: its entries by name."""

    def __init__(self, graph: LockGraph) -> None:
        self.graph = graph
        self.files = files_of(graph.reading)
        self.parts: dict[str, list[tuple[Entry, Formula]]] = {}
        for entry in graph.packages:
            self.parts.setdefault(entry.name, []).append((entry, graph.regions[entry.number]))

    def of(self, name: str) -> list[tuple[Entry | None, Formula]]:
        """The entries of a name, and the rest of the environments, in which it is not installed."""
        parts = self.parts.get(name, [])
        return [*parts, (None, ~any_of(region for _, region in parts) if parts else TRUE)]


def _of_name(name: str, old: _Side, new: _Side, domain: Domain, shortener: Shortener) -> Iterator[Change]:
    found: dict[tuple[Kind, Held | None, Held | None, tuple[str, ...]], Formula] = {}
    for one, here in old.of(name):
        for other, there in new.of(name):
            if (one or other) and domain.satisfiable(here, there):
                told = _told(one, other, old, new)
                if told is not None:
                    found[told] = any_of((found.get(told, FALSE), all_of((here, there))))
    for (kind, before, after, files), region in found.items():
        yield Change(name, kind, before, after, shortener.marker(region), files)
    # Where only one of the locks is for, nothing can have changed; what is nowhere else is told all the same.
    for side, lonely in ((old, new), (new, old)):
        for entry, region in side.parts.get(name, ()):
            if not domain.satisfiable(region) and name not in lonely.parts:
                held = _held(entry)
                marker = side.graph.marker(region)
                gone = side is old
                yield Change(
                    name, "removed" if gone else "added", held if gone else None, None if gone else held, marker
                )


def _told(
    one: Entry | None, other: Entry | None, old: _Side, new: _Side
) -> tuple[Kind, Held | None, Held | None, tuple[str, ...]] | None:
    """What has changed from one entry to another; None where nothing has."""
    before, after = _held(one), _held(other)
    if before is None or after is None:
        return ("added" if before is None else "removed"), before, after, ()
    if before.version != after.version:
        return _direction(before.version, after.version), before, after, ()
    assert one is not None and other is not None
    if any(one.source) and any(other.source) and _place(one.source) != _place(other.source):
        return "changed", before, after, ()
    files = tuple(sorted(_other_hashes(old.files[one.number], new.files[other.number])))
    return ("files", before, after, files) if files else None


def _held(entry: Entry | None) -> Held | None:
    return None if entry is None else Held(entry.version, str(_shown(entry.source)))


def _shown(source: Source) -> Source:
    """A source without credentials."""
    return source._replace(place=without_credentials(source.place)) if "://" in source.place else source


def _place(source: Source) -> Source:
    """Where something comes from, as all formats say it: the kinds of indexes have several names."""
    kind = "index" if source.kind in ("registry", "index", "legacy") else source.kind
    return Source(kind, _shown(source).address, source.reference)


def _direction(before: str, after: str) -> Kind:
    try:
        return "newer" if Version(after) > Version(before) else "older"
    except InvalidVersion:
        return "changed"


def _other_hashes(before: tuple[LockedFile, ...], after: tuple[LockedFile, ...]) -> Iterator[str]:
    """The files that both name with hashes that contradict each other."""
    known = {file.name: dict(file.hashes) for file in before}
    for file in after:
        there = known.get(file.name, {})
        if any(there.get(algorithm, digest) != digest for algorithm, digest in file.hashes):
            yield file.name


def _beyond(one: LockGraph, other: LockGraph) -> str | None:
    """The environments that one lock is for and another is not, as a marker."""
    domain = Domain(one.universe)
    rest = ~other.universe
    return (Shortener(domain).marker(rest) or "everywhere") if domain.satisfiable(rest) else None
