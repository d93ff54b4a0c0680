"""What a new lock installs otherwise than the one before it, and in which environments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, Formula, any_of
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.universe import Universe
from satlock.solver.lockfiles.lock import Lock

if TYPE_CHECKING:
    from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["Move", "moves"]

_Places = Mapping[str, Formula]
"""Where each version of a package is installed."""


@dataclass(frozen=True)
class Move:
    """One package that is at other versions than before, somewhere."""

    name: str
    before: tuple[str, ...]
    """The versions before; none where it is new there."""
    after: tuple[str, ...]
    """The versions now; none where it is gone there."""
    marker: str | None = None
    """Where; None where that is wherever the package is or was installed."""


def moves(before: Standing | None, after: Lock, universe: Universe, project: str | None) -> list[Move]:
    """The packages of which a new lock has other versions than the one before, by name.

    ``universe`` has the environments of the new lock; the ``project`` itself is left out.
    """
    old = _installed(before, universe, project) if before is not None else {}
    new, domain = _of_lock(after), universe.domain
    shortener = Shortener(domain)
    found: list[Move] = []
    for name in sorted({*old, *new} - {project or ""}):
        was, now = old.get(name, {}), new.get(name, {})
        if not (was and now and ("" in was or "" in now)):  # a folder whose version no lock tells
            found += _moves_of(name, was, now, domain, shortener)
    return found


def _installed(standing: Standing, universe: Universe, project: str | None) -> dict[str, dict[str, Formula]]:
    """By package and version; where the old lock cannot be followed in the new environments, everywhere."""
    from satlock.solver.lockfiles.reach import Unsettled
    from satlock.solver.lockfiles.standing.regions import regions_of

    try:
        regions: Sequence[Formula] | None = regions_of(standing, universe, project)
    except Unsettled:
        regions = None
    found: dict[str, dict[str, Formula]] = {}
    for number, entry in enumerate(standing.entries):
        if standing.form == "uv" and regions is not None and regions[number] is FALSE:
            continue
        version = f"{entry.version}{_commit(entry.commit[3]) if entry.commit else ''}"
        places = found.setdefault(entry.name, {})
        if regions is not None:
            places[version] = any_of((places.get(version, FALSE), regions[number]))
        else:
            places[version] = FALSE
    return found


def _of_lock(lock: Lock) -> dict[str, dict[str, Formula]]:
    found: dict[str, dict[str, Formula]] = {}
    for package in lock.packages:
        direct = package.direct
        told = "" if direct is not None and direct.dynamic else package.version
        version = f"{told}{_commit(direct.commit) if direct is not None and direct.commit else ''}"
        places = found.setdefault(package.name, {})
        places[version] = any_of((places.get(version, FALSE), package.region))
    return found


def _commit(commit: str) -> str:
    return f" ({commit[:8]})"


def _moves_of(name: str, old: _Places, new: _Places, domain: Domain, shortener: Shortener) -> Iterable[Move]:
    before, after = _sorted(old), _sorted(new)
    if not old or not new:
        return [Move(name, before, after)]
    if any(region is FALSE for region in old.values()):  # where the old ones were is not known
        return [] if before == after else [Move(name, before, after)]
    pieces = [
        ((was,) if was else (), (now,) if now else (), region)
        for was, now, region in _pieces(old, new)
        if was != now and domain.satisfiable(region)
    ]
    whole = len(before) == len(after) == 1 and len(pieces) == 1 and pieces[0][0] and pieces[0][1]
    return [Move(name, was, now, None if whole else shortener.marker(region)) for was, now, region in pieces]


def _pieces(old: _Places, new: _Places) -> Iterable[tuple[str, str, Formula]]:
    """Each version before with each version now, and what is new or gone, with the environments of that."""
    gone, fresh = ~any_of(new.values()), ~any_of(old.values())
    for was in _sorted(old):
        for now in _sorted(new):
            yield was, now, old[was] & new[now]
        yield was, "", old[was] & gone
    for now in _sorted(new):
        yield "", now, new[now] & fresh


def _sorted(versions: Iterable[str]) -> tuple[str, ...]:
    def key(text: str) -> tuple[bool, Version, str]:
        try:
            return True, Version(text.partition(" ")[0]), text
        except InvalidVersion:
            return False, Version("0"), text

    return tuple(sorted(versions, key=key))
