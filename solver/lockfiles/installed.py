"""What a lock installs once the choices are made: the entries, each with the marker of where."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

from packaging.markers import Marker

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, from_marker, from_python_specifier
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import ProjectError
from satlock.solver.lockfiles.model import AllOf, AnyOf, Comparison, Condition, Edge, Entry, Lockfile, Switch, node_of

__all__ = ["Installed", "installed"]

_MOST_ROUNDS = 20


@dataclass(frozen=True)
class Installed:
    """One entry of a lock, where it is installed."""

    entry: Entry
    marker: str | None
    """On the platform and the Python alone; None where it is installed everywhere that is asked for."""


def installed(lockfile: Lockfile, switches: Iterable[str], within: Marker | None = None) -> tuple[Installed, ...]:
    """What a lock of any format installs, in the order of the file.

    Args:
        switches: what is chosen, of the lock's switches; everything else is not.
        within: the environments that matter; all of the lock's by default.

    Raises:
        ProjectError: the choices exclude each other, no environment is left, or an environment would get two entries
            of one name.
    """
    reach = _Reach(lockfile, frozenset(switches))
    reach.refuse()
    where = all_of([from_python_specifier(lockfile.requires_python), reach.formula(lockfile.environments)])
    domain = Domain(all_of([where, from_marker(within)]))
    if not domain.satisfiable(TRUE):
        raise ProjectError(f"The lock is not for the environments that are asked for ({within or 'none are left'}).")
    shortener = Shortener(domain)
    regions = reach.regions(domain, shortener)
    reach.refuse_active(domain)
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


class _Reach:
    """Follows a lock's edges with formulas over the environments in the place of conditions."""

    def __init__(self, lockfile: Lockfile, switches: frozenset[str]) -> None:
        self.lockfile, self.switches = lockfile, switches
        self._picked = {
            name: TRUE if item.needs is not None and switches.issuperset(item.needs) else FALSE
            for name, item in lockfile.items.items()
        }
        self._early = dict.fromkeys(lockfile.items, FALSE)
        self._active = dict(self._early)
        self._comparisons: dict[Comparison, Formula] = {}
        edges = {edge.name: edge for edge in lockfile.edges}
        for name, item in lockfile.items.items():
            started = (self.formula(edges[edge].condition) for edge in item.early)
            self._early[name] = any_of([self._picked[name], *started])
        self._active = dict(self._early)

    def refuse(self) -> None:
        """Raises ProjectError where the choices exclude each other."""
        for members in self.lockfile.conflicts:
            for one, other in combinations(members, 2):
                if one.item != other.item and self._picked[one.item] is self._picked[other.item] is TRUE:
                    raise ProjectError(f"{one.label} and {other.label} are in conflict; choose one of them.")

    def refuse_active(self, domain: Domain) -> None:
        """Raises ProjectError where what is chosen brings together somewhere what excludes each other."""
        force = self._in_force(domain)
        for pair in self.lockfile.rivals:
            both = domain.witness(*(force.get(name, FALSE) for name in pair))
            if both is not None:
                rivals = " and ".join(name.removeprefix("in force ") for name in pair)
                raise ProjectError(
                    f"{rivals} are in conflict, and these choices bring both, e.g. for {both}; choose fewer."
                )
        for members in self.lockfile.conflicts:
            for one, other in combinations(members, 2):
                if one.item != other.item and one.extra and other.extra:
                    both = domain.witness(self._active[one.item], self._active[other.item])
                    if both is not None:
                        raise ProjectError(
                            f"{one.label} and {other.label} are in conflict, and both are active with these choices, "
                            f"e.g. for {both}."
                        )

    def _in_force(self, domain: Domain) -> dict[str, Formula]:
        """Where each thing that the project's conflicts speak of is in force."""
        force: dict[str, Formula] = {"": TRUE, **dict.fromkeys(self.switches, TRUE)}
        changed = True
        while changed:
            changed = False
            for bring in self.lockfile.brings:
                way = force.get(bring.by, FALSE) & self.formula(bring.condition)
                known = force.get(bring.brought, FALSE)
                if not domain.implies(way, known):
                    force[bring.brought], changed = known | way, True
        return force

    def formula(self, condition: Condition) -> Formula:
        """Where a condition holds, with what is known of the choices."""
        if isinstance(condition, Comparison):
            found = self._comparisons.get(condition)
            if found is None:
                found = self._comparisons[condition] = from_marker(Marker(str(condition)))
            return ~found if condition.denied else found
        if isinstance(condition, Switch):
            found = self._switch(condition.name)
            return found if condition.on else ~found
        join: Callable[[Iterable[Formula]], Formula] = all_of if isinstance(condition, AllOf) else any_of
        assert isinstance(condition, AllOf | AnyOf)
        return join(self.formula(part) for part in condition.parts)

    def _switch(self, name: str) -> Formula:
        kind, _, item = name.partition(" ")
        if kind in ("picked", "early", "active"):
            known = {"picked": self._picked, "early": self._early, "active": self._active}[kind]
            return known.get(item, FALSE)
        return TRUE if name in self.switches else FALSE

    def regions(self, domain: Domain, shortener: Shortener) -> dict[str, Formula]:
        """Where each node is reached, once what is active no longer changes."""
        activating = {code: item.activators for code, item in self.lockfile.items.items() if item.activators}
        edges = {edge.name: edge for edge in self.lockfile.edges}
        for _ in range(_MOST_ROUNDS):
            regions = self._walk(domain, shortener)
            changed = False
            for code, names in activating.items():
                ways = (self._way(edges[name], regions) for name in names)
                found = shortener.formula(any_of([self._early[code], *ways]))
                if not domain.equivalent(found, self._active[code]):
                    self._active[code], changed = found, True
            if not changed:
                return regions
        raise ProjectError("What is active in this lock depends on itself; lock again to a pylock.toml.")

    def _way(self, edge: Edge, regions: dict[str, Formula]) -> Formula:
        """Where an edge is followed; what it activates itself counts as active on it."""
        before = {code: self._active[code] for code in edge.activates if code in self._active}
        self._active |= dict.fromkeys(before, TRUE)
        try:
            return (TRUE if edge.source is None else regions.get(edge.source, FALSE)) & self.formula(edge.condition)
        finally:
            self._active |= before

    def _walk(self, domain: Domain, shortener: Shortener) -> dict[str, Formula]:
        leaving: dict[str | None, list[Edge]] = {}
        for edge in self.lockfile.edges:
            leaving.setdefault(edge.source, []).append(edge)
        regions: dict[str, Formula] = {}
        queue: deque[str | None] = deque((None,))
        while queue:
            here = queue.popleft()
            region = TRUE if here is None else regions[here]
            for edge in leaving.get(here, ()):
                way = region & self.formula(edge.condition)
                if not domain.satisfiable(way):
                    continue
                for target in edge.targets:
                    known = regions.get(target, FALSE)
                    if not domain.implies(way, known):
                        regions[target] = shortener.formula(known | way)
                        if target not in queue:
                            queue.append(target)
        return regions
