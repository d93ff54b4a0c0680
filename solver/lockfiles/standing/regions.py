"""Where a lock that is there installs each of its entries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache

from packaging.markers import Marker

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, chosen, from_marker
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import Choice
from satlock.solver.lockfiles.model import AllOf, AnyOf, Comparison, Condition, Edge, Lockfile, Switch
from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["CannotFollow", "regions_of"]

_LARGE = 24


class CannotFollow(Exception):
    """The lock asks for something on the way that is no choice of the project."""


def regions_of(standing: Standing, domain: Domain) -> list[Formula]:
    """For each entry the environments that install it.

    Raises:
        CannotFollow: that cannot be said.
    """
    if standing.graph is None:
        return [from_marker(entry.marker) for entry in standing.entries]
    reached = _reached(standing.graph, domain)
    return [reached.get(str(number), FALSE) for number in range(len(standing.entries))]


def _reached(graph: Lockfile, domain: Domain) -> dict[str, Formula]:
    """The nodes of a ``uv.lock``: the least fixpoint along its edges."""
    asked = _switches(graph)
    leaving: dict[str | None, list[tuple[Edge, Formula]]] = {}
    for edge in graph.edges:
        leaving.setdefault(edge.source, []).append((edge, _formula(edge.condition, asked)))
    shortener = Shortener(domain)
    regions: dict[str, Formula] = {}
    waiting: deque[str | None] = deque([None])
    while waiting:
        node = waiting.popleft()
        here = TRUE if node is None else regions[node]
        for edge, condition in leaving.get(node, ()):
            if not domain.satisfiable(here, condition):
                continue
            for target in edge.targets:
                known = regions.get(target, FALSE)
                if not domain.satisfiable(here, condition, ~known):
                    continue
                grown = any_of((known, all_of((here, condition))))
                if len(grown.atoms) + len(grown.args) > _LARGE:
                    grown = shortener.formula(grown)
                regions[target] = TRUE if domain.implies(TRUE, grown) else grown
                if target not in waiting:
                    waiting.append(target)
    return regions


def _switches(graph: Lockfile) -> Callable[[str], Formula]:
    """What each switch of a lock asks of the project's choices."""
    several = sum(name.startswith("project ") for name in graph.switches) > 1

    def asked(name: str) -> Formula:
        kind, _, rest = name.partition(" ")
        if kind in ("picked", "active", "early"):
            item = graph.items[rest]
            if item.activators:
                raise CannotFollow(rest)
            return FALSE if item.needs is None else all_of(asked(need) for need in item.needs)
        if kind == "extra":
            return chosen(Choice("extra", rest))
        if kind == "group":
            return chosen(Choice("group", rest))
        if several:
            raise CannotFollow(name)
        return TRUE

    return asked


def _formula(condition: Condition, asked: Callable[[str], Formula]) -> Formula:
    if isinstance(condition, Switch):
        found = asked(condition.name)
        return found if condition.on else ~found
    if isinstance(condition, Comparison):
        return _compared(str(condition))
    parts = [_formula(part, asked) for part in condition.parts]
    assert isinstance(condition, (AllOf, AnyOf))
    return all_of(parts) if isinstance(condition, AllOf) else any_of(parts)


@lru_cache(maxsize=4096)
def _compared(text: str) -> Formula:
    return from_marker(Marker(text))
