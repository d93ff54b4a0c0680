"""Where a lock that is there installs each of its entries."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from packaging.markers import Marker

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, chosen, from_marker
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import Choice
from satlock.encoder.project.universe import Universe
from satlock.solver.lockfiles.model import AllOf, AnyOf, Comparison, Condition, Lockfile, Switch
from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["CannotFollow", "regions_of"]

_LARGE = 24
_ROUNDS = 8
"""What activates an extra on the way may depend on what is active; more rounds than this say that it never settles."""


class CannotFollow(Exception):
    """What is active along the lock does not settle; names what it is about."""


def regions_of(standing: Standing, universe: Universe, project: str | None) -> list[Formula]:
    """For each entry the environments that install it.

    Args:
        project: the name of the project itself.

    Raises:
        CannotFollow: that cannot be said.
    """
    if standing.graph is None:
        return [from_marker(entry.marker) for entry in standing.entries]
    reached = _Reading(standing.graph, universe, project or "").reached()
    return [reached.get(str(number), FALSE) for number in range(len(standing.entries))]


@dataclass
class _Reading:
    """The nodes of a ``uv.lock``, reached along its edges, in the words of the project's choices."""

    graph: Lockfile
    universe: Universe
    project: str
    _active: dict[str, Formula] = field(default_factory=dict)
    """When an item is active that edges activate, as far as that is known."""

    @property
    def domain(self) -> Domain:
        return self.universe.domain

    def reached(self) -> dict[str, Formula]:
        """The least fixpoint, where what is active is what the edges that are followed activate."""
        changing = [item for item in self.graph.items.values() if item.activators]
        asked = {name.partition(" ")[2] for edge in self.graph.edges for name in _switches(edge.condition)}
        for item in changing:
            self._active[item.name] = self.universe.active.get(self._choice(item.name), self._marked(item.needs))
        by_name = {edge.name: edge for edge in self.graph.edges}
        for _ in range(_ROUNDS):
            regions = self._follow()
            settled = True
            for item in (one for one in changing if one.name in asked):
                found = [self._marked(item.needs)]
                for name in item.activators:
                    edge = by_name[name]
                    source = TRUE if edge.source is None else regions.get(edge.source, FALSE)
                    found.append(source & self._formula(edge.condition))
                active = any_of(found)
                if not self.domain.equivalent(active, self._active[item.name]):
                    self._active[item.name], settled = active, False
            if settled:
                return regions
        raise CannotFollow(", ".join(item.name for item in changing if item.name in asked))

    def _follow(self) -> dict[str, Formula]:
        leaving: dict[str | None, list[tuple[tuple[str, ...], Formula]]] = {}
        for edge in self.graph.edges:
            leaving.setdefault(edge.source, []).append((edge.targets, self._formula(edge.condition)))
        shortener = Shortener(self.domain)
        regions: dict[str, Formula] = {}
        waiting: deque[str | None] = deque([None])
        while waiting:
            node = waiting.popleft()
            here = TRUE if node is None else regions[node]
            for targets, condition in leaving.get(node, ()):
                if not self.domain.satisfiable(here, condition):
                    continue
                for target in targets:
                    known = regions.get(target, FALSE)
                    if not self.domain.satisfiable(here, condition, ~known):
                        continue
                    grown = any_of((known, all_of((here, condition))))
                    if len(grown.atoms) + len(grown.args) > _LARGE:
                        grown = shortener.formula(grown)
                    regions[target] = TRUE if self.domain.implies(TRUE, grown) else grown
                    if target not in waiting:
                        waiting.append(target)
        return regions

    def _formula(self, condition: Condition) -> Formula:
        if isinstance(condition, Switch):
            kind, _, name = condition.name.partition(" ")
            if kind in ("picked", "active", "early"):
                found = self._active[name] if name in self._active else self._marked(self.graph.items[name].needs)
            else:
                found = self._picked((condition.name,))
            return found if condition.on else ~found
        if isinstance(condition, Comparison):
            return _compared(str(condition))
        assert isinstance(condition, (AllOf, AnyOf))
        if isinstance(condition, AnyOf):
            return any_of(map(self._formula, condition.parts))
        picked = [part.name for part in condition.parts if isinstance(part, Switch) and part.on and _is_pick(part.name)]
        rest = [part for part in condition.parts if not (isinstance(part, Switch) and part.name in picked)]
        return all_of([self._picked(tuple(picked)) if picked else TRUE, *map(self._formula, rest)])

    def _picked(self, switches: Iterable[str] | None) -> Formula:
        """Where all of these are picked at the start, and nothing is where there are none to pick."""
        if switches is None:
            return FALSE
        said: Mapping[str, str] = dict(reversed(name.partition(" ")[::2]) for name in switches)
        package = next((name for name, kind in said.items() if kind == "project"), "")
        owner = "" if package == self.project else package
        found = []
        for name, kind in said.items():
            if kind == "group":
                found.append(chosen(Choice("group", name, owner)))
            elif kind == "extra":
                found.append(self._installed(owner) & chosen(Choice("extra", name, owner)))
            elif kind == "production":
                found.append(self._installed(owner))
        return all_of(found) if found else self._installed(owner)

    def _marked(self, needs: Iterable[str] | None) -> Formula:
        """Where a marker finds picked what these say; an extra is, whatever becomes of the project that has it."""
        needs = None if needs is None else tuple(needs)
        if needs is None or not any(name.startswith("extra ") for name in needs):
            return self._picked(needs)
        package = next((name.removeprefix("project ") for name in needs if name.startswith("project ")), "")
        owner = "" if package == self.project else package
        names = (name.removeprefix("extra ") for name in needs if name.startswith("extra "))
        return all_of(chosen(Choice("extra", name, owner)) for name in names)

    def _installed(self, package: str) -> Formula:
        """Where a project is installed itself: its production dependencies."""
        itself = Choice("project", "", package)
        return chosen(itself) if itself in self.universe.active.get(itself, TRUE).atoms else TRUE

    def _choice(self, code: str) -> Choice:
        """The choice that a marker means with ``extra-4-demo-cpu``."""
        kind, size, rest = code.split("-", 2)
        package, name = rest[: int(size)], rest[int(size) + 1 :]
        return Choice(kind, name, "" if package == self.project else package)  # type: ignore[arg-type]  # uv has no other


def _is_pick(name: str) -> bool:
    return name.partition(" ")[0] in ("project", "production", "extra", "group")


def _switches(condition: Condition) -> Iterable[str]:
    if isinstance(condition, Switch):
        yield condition.name
    elif isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from _switches(part)


@lru_cache(maxsize=4096)
def _compared(text: str) -> Formula:
    return from_marker(Marker(text))
