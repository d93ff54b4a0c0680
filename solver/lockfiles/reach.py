"""Where each entry of a lock is reached: the least fixpoint along its edges, as formulas over the environments."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from packaging.markers import Marker

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, from_marker
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import ProjectError
from satlock.solver.lockfiles.model import AllOf, AnyOf, Comparison, Condition, Edge, Lockfile, Switch

__all__ = ["Reach"]

_MOST_ROUNDS = 20


class Reach:
    """Follows a lock's edges with formulas over the environments in the place of conditions."""

    def __init__(self, lockfile: Lockfile, asked: Callable[[str], Formula]) -> None:
        """``asked`` tells where a switch of the lock is on."""
        self.lockfile, self._asked = lockfile, asked
        self._picked = {
            name: FALSE if item.needs is None else all_of(asked(need) for need in item.needs)
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

    def in_force(self, domain: Domain) -> dict[str, Formula]:
        """Where each thing that the project's conflicts speak of is in force."""
        force = {"": TRUE, **{name: self._asked(name) for name in self.lockfile.switches}}
        changed = True
        while changed:
            changed = False
            for bring in self.lockfile.brings:
                way = force.get(bring.by, FALSE) & self.formula(bring.condition)
                known = force.get(bring.brought, FALSE)
                if not domain.implies(way, known):
                    force[bring.brought], changed = known | way, True
        return force

    def picked(self, item: str) -> Formula:
        """Where an item was chosen at the start."""
        return self._picked[item]

    def active(self, item: str) -> Formula:
        """Where an item is active, as far as :meth:`regions` has found out."""
        return self._active[item]

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
        return self._asked(name)

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
