"""What a lock installs once the choices are made: the entries, each with the marker of where."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, from_marker, from_python_specifier
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import ProjectError
from satlock.records import dataclass
from satlock.solver.lockfiles.model import PRODUCTION, Entry, Lockfile, Switch, Thing, node_of
from satlock.solver.lockfiles.reach import Reach

__all__ = ["Installed", "installed"]


@dataclass(frozen=True)
class Installed:
    """One entry of a lock, where it is installed."""

    entry: Entry
    marker: str | None
    """On the platform and the Python alone; None where it is installed everywhere that is asked for."""


def installed(lockfile: Lockfile, switches: Iterable[Switch], within: Marker | None = None) -> tuple[Installed, ...]:
    """What a lock of any format installs, in the order of the file.

    Args:
        switches: what is chosen, of the lock's switches; everything else is not.
        within: the environments that matter; all of the lock's by default.

    Raises:
        ProjectError: the choices exclude each other, no environment is left, or an environment would get two entries
            of one name.
    """
    chosen = frozenset(switches)
    reach = Reach(lockfile, lambda names: TRUE if chosen.issuperset(names) else FALSE)
    _refuse(reach)
    where = all_of([from_python_specifier(lockfile.requires_python), reach.formula(lockfile.environments)])
    domain = Domain(all_of([where, from_marker(within)]))
    if not domain.satisfiable(TRUE):
        raise ProjectError(f"The lock is not for the environments that are asked for ({within or 'none are left'}).")
    shortener = Shortener(domain)
    regions = reach.regions(domain, shortener)
    _refuse_active(reach, domain)
    found = [(entry, regions.get(node_of(entry.number), FALSE)) for entry in lockfile.entries]
    found = [(entry, region) for entry, region in found if domain.satisfiable(region)]
    _refuse_duplicates(found, domain)
    return tuple(Installed(entry, shortener.marker(region)) for entry, region in found)


def _refuse_duplicates(found: list[tuple[Entry, Formula]], domain: Domain) -> None:
    by_name: dict[str, list[tuple[Entry, Formula]]] = {}
    for entry, region in found:
        by_name.setdefault(entry.name, []).append((entry, region))
    for entries in by_name.values():
        for (one, here), (other, there) in combinations(entries, 2):
            both = domain.witness(here, there)
            if both is not None:
                raise ProjectError(
                    f"With these choices the lock installs both {one} and {other} ({one.source}; {other.source}), "
                    f"e.g. for {both}; choose fewer extras and groups."
                )


def _refuse(reach: Reach) -> None:
    """Raises ProjectError where the choices exclude each other."""
    for members in reach.lockfile.conflicts:
        for one, other in combinations(members, 2):
            if one.item != other.item and reach.picked(one.item) is reach.picked(other.item) is TRUE:
                raise ProjectError(f"{one.label} and {other.label} are in conflict; choose one of them.")


def _refuse_active(reach: Reach, domain: Domain) -> None:
    """Raises ProjectError where what is chosen brings together somewhere what excludes each other."""
    force = reach.in_force(domain)
    for pair in reach.lockfile.rivals:
        both = domain.witness(*(force.get(name, FALSE) for name in pair))
        if both is not None:
            named = [one.label if isinstance(one, Thing) else str(one) for one in pair if one != PRODUCTION]
            rivals = " and ".join(named)
            raise ProjectError(
                f"{rivals} are in conflict, and these choices bring both, e.g. for {both}; choose fewer."
            )
    for members in reach.lockfile.conflicts:
        for one, other in combinations(members, 2):
            if one.item != other.item and one.extra and other.extra:
                both = domain.witness(reach.active(one.item), reach.active(other.item))
                if both is not None:
                    raise ProjectError(
                        f"{one.label} and {other.label} are in conflict, and both are active with these choices, "
                        f"e.g. for {both}."
                    )
