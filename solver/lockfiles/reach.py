"""Where each entry of a lock is reached: the least fixpoint along its edges, as formulas over the environments."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, compared
from satlock.encoder.markers.ordered import AS_TEXT
from satlock.encoder.markers.regions import Regions
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import ProjectError
from satlock.solver.lockfiles.model import AllOf, Comparison, Condition, Edge, Lockfile, Switch, Thing, Whether

__all__ = ["Reach", "Unsettled"]

_MOST_ROUNDS = 20

_PICKS = ("project", "production", "extra", "group")


class Unsettled(ProjectError):
    """What is active along a lock depends on itself."""


class Reach:
    """Follows a lock's edges with formulas over the environments in the place of conditions."""

    def __init__(
        self,
        lockfile: Lockfile,
        asked: Callable[[tuple[Switch, ...]], Formula],
        marked: Callable[[tuple[Switch, ...]], Formula] | None = None,
    ) -> None:
        """``asked`` tells where all of some switches of the lock are on; ``marked`` where a marker finds them on."""
        self.lockfile, self._asked = lockfile, asked
        self._picked = {
            name: FALSE if item.needs is None else (marked or asked)(item.needs)
            for name, item in lockfile.items.items()
        }
        self._early = dict.fromkeys(lockfile.items, FALSE)
        self._active = dict(self._early)
        edges = {edge.name: edge for edge in lockfile.edges}
        for name, item in lockfile.items.items():
            started = (self.formula(edges[edge].condition) for edge in item.early)
            self._early[name] = any_of([self._picked[name], *started])
        self._active = dict(self._early)

    def in_force(self, domain: Domain) -> Regions[Switch | Thing | None]:
        """Where each thing that the project's conflicts speak of is in force; None stands for what always is."""
        force: Regions[Switch | Thing | None] = Regions(domain)
        force.grow(None, TRUE)
        for switch in self.lockfile.switches:
            force.grow(switch, self._asked((switch,)))
        for cause in force.grown():
            for bring in self.lockfile.brings:
                if bring.by == cause:
                    force.grow(bring.brought, force[cause], self.formula(bring.condition))
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
            # The project that the lock is held to is read so, also where uv compares letters.
            operator = condition.operator.removesuffix(AS_TEXT)
            found = _compared(condition.variable, operator, condition.text, condition.reversed)
            return ~found if condition.denied else found
        if isinstance(condition, Whether):
            found = self._switch(condition.switch)
            return found if condition.on else ~found
        if not isinstance(condition, AllOf):
            return any_of(map(self.formula, condition.parts))
        picks = tuple(part.switch for part in condition.parts if isinstance(part, Whether) and _is_pick(part))
        rest = (part for part in condition.parts if not (isinstance(part, Whether) and _is_pick(part)))
        return all_of([self._asked(picks) if picks else TRUE, *map(self.formula, rest)])

    def _switch(self, switch: Switch) -> Formula:
        known = {"picked": self._picked, "early": self._early, "active": self._active}.get(switch.kind)
        return self._asked((switch,)) if known is None else known.get(switch.name, FALSE)

    def regions(self, domain: Domain, shortener: Shortener | None = None) -> Regions[str]:
        """Where each node is reached, once what is active no longer changes.

        Raises:
            Unsettled: it never stops changing.
        """
        shortener = shortener or Shortener(domain)
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
        raise Unsettled("What is active in this lock depends on itself; lock again to a pylock.toml.")

    def _way(self, edge: Edge, regions: Regions[str]) -> Formula:
        """Where an edge is followed; what it activates itself counts as active on it."""
        before = {code: self._active[code] for code in edge.activates if code in self._active}
        self._active |= dict.fromkeys(before, TRUE)
        try:
            return (TRUE if edge.source is None else regions.at(edge.source)) & self.formula(edge.condition)
        finally:
            self._active |= before

    def _walk(self, domain: Domain, shortener: Shortener) -> Regions[str]:
        leaving: dict[str | None, list[tuple[Formula, tuple[str, ...]]]] = {}
        for edge in self.lockfile.edges:
            leaving.setdefault(edge.source, []).append((self.formula(edge.condition), edge.targets))
        regions: Regions[str] = Regions(domain, shortener)

        def follow(node: str | None, here: Formula) -> None:
            for condition, targets in leaving.get(node, ()):
                for target in targets:
                    regions.grow(target, here, condition)

        follow(None, TRUE)
        for node in regions.grown():
            follow(node, regions[node])
        return regions


def _is_pick(condition: Whether) -> bool:
    return condition.on and condition.switch.kind in _PICKS


_compared = lru_cache(maxsize=4096)(compared)
