"""What a new lock installs otherwise than the one before it, and in which environments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import InvalidVersion, Version

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, Formula, any_of
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass
from satlock.solver.lockfiles.lock import Lock

if TYPE_CHECKING:
    from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["Move", "moves"]


class _At(NamedTuple):
    """A version of a package, and the start of its commit where it comes from a repository."""

    version: str
    commit: str = ""

    def __str__(self) -> str:
        return f"{self.version} ({self.commit})" if self.commit else self.version


_UNTOLD = _At("")
_Places = Mapping[_At, Formula]
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
        if not (was and now and (_UNTOLD in was or _UNTOLD in now)):  # a folder whose version no lock tells
            found += _moves_of(name, was, now, domain, shortener)
    return found


def _installed(standing: Standing, universe: Universe, project: str | None) -> dict[str, dict[_At, Formula]]:
    """By package and version; where the old lock cannot be followed in the new environments, everywhere."""
    from satlock.solver.lockfiles.reach import Unsettled
    from satlock.solver.lockfiles.standing.regions import regions_of

    try:
        regions: Sequence[Formula] | None = regions_of(standing, universe, project)
    except Unsettled:
        regions = None
    found: dict[str, dict[_At, Formula]] = {}
    for number, entry in enumerate(standing.entries):
        if standing.form == "uv" and regions is not None and regions[number] is FALSE:
            continue
        version = _At(entry.version, entry.commit[3][:8] if entry.commit else "")
        places = found.setdefault(entry.name, {})
        if regions is not None:
            places[version] = any_of((places.get(version, FALSE), regions[number]))
        else:
            places[version] = FALSE
    return found


def _of_lock(lock: Lock) -> dict[str, dict[_At, Formula]]:
    found: dict[str, dict[_At, Formula]] = {}
    for package in lock.packages:
        direct = package.direct
        told = "" if direct is not None and direct.dynamic else package.version
        version = _At(told, direct.commit[:8] if direct is not None and direct.commit else "")
        places = found.setdefault(package.name, {})
        places[version] = any_of((places.get(version, FALSE), package.region))
    return found


def _moves_of(name: str, old: _Places, new: _Places, domain: Domain, shortener: Shortener) -> Iterable[Move]:
    before, after = tuple(map(str, sorted(old, key=_order))), tuple(map(str, sorted(new, key=_order)))
    if not old or not new:
        return [Move(name, before, after)]
    if any(region is FALSE for region in old.values()):  # where the old ones were is not known
        return [] if before == after else [Move(name, before, after)]
    pieces = [
        ((str(was),) if was else (), (str(now),) if now else (), region)
        for was, now, region in _pieces(old, new)
        if was != now and domain.satisfiable(region)
    ]
    whole = len(before) == len(after) == 1 and len(pieces) == 1 and pieces[0][0] and pieces[0][1]
    return [Move(name, was, now, None if whole else shortener.marker(region)) for was, now, region in pieces]


def _pieces(old: _Places, new: _Places) -> Iterable[tuple[_At | None, _At | None, Formula]]:
    """Each version before with each version now, and what is new or gone, with the environments of that."""
    gone, fresh = ~any_of(new.values()), ~any_of(old.values())
    for was in sorted(old, key=_order):
        for now in sorted(new, key=_order):
            yield was, now, old[was] & new[now]
        yield was, None, old[was] & gone
    for now in sorted(new, key=_order):
        yield None, now, new[now] & fresh


def _order(at: _At) -> tuple[bool, Version, _At]:
    try:
        return True, Version(at.version), at
    except InvalidVersion:
        return False, Version("0"), at
