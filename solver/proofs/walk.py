"""What one environment installs, by walking the lock as its installer does.

This is the meaning that the clauses are to have; a counterexample is only told once its walk confirms it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import TypeAlias

from satlock.records import dataclass, field
from satlock.solver.lockfiles.model import (
    AllOf,
    AnyOf,
    Bring,
    Comparison,
    Condition,
    Edge,
    Lockfile,
    Switch,
    Thing,
    Whether,
)
from satlock.solver.proofs.environments import is_opaque, opaque_question, true_of

__all__ = ["Here", "Point", "Walk", "Watched", "holds", "walk"]


@dataclass(frozen=True)
class Point:
    """One environment, with everything chosen in it."""

    variables: Mapping[str, str]
    """Marker variables."""
    switches: frozenset[Switch]
    """What is on, of the lock's switches."""
    opaque: Mapping[Comparison, bool]
    """Answers to the opaque questions; what is not listed does not hold."""

    def on(self, switch: Switch) -> bool:
        """Whether something is chosen."""
        return switch in self.switches

    def meets(self, comparison: Comparison) -> bool:
        """Whether a comparison holds."""
        if is_opaque(comparison):
            question, agrees = opaque_question(comparison)
            return self.opaque.get(question, False) == agrees
        return true_of(comparison, self.variables[comparison.variable])

    def value(self, variable: str) -> str:
        """What a marker variable says."""
        return self.variables[variable]


@dataclass(frozen=True)
class Watched:
    """An environment that notes what is asked of it: where all of that has the same answers, the same is found."""

    point: Point
    asked: dict[Comparison | Switch, bool] = field(default_factory=dict)

    def on(self, switch: Switch) -> bool:
        return self.asked.setdefault(switch, self.point.on(switch))

    def meets(self, comparison: Comparison) -> bool:
        return self.asked.setdefault(comparison, self.point.meets(comparison))

    def value(self, variable: str) -> str:
        found = self.point.value(variable)
        self.asked[Comparison(variable, "==", found)] = True
        return found


Here: TypeAlias = Point | Watched


@dataclass(frozen=True)
class Walk:
    """What an installer reaches."""

    reached: Mapping[str, Edge]
    """The nodes, each with the edge along which it was reached first."""
    refused: str | None = None
    """Why the installer installs nothing."""

    def path(self, node: str) -> list[Edge]:
        """The edges from the project to a node."""
        edges: list[Edge] = []
        here: str | None = node
        while here is not None:
            edges.append(self.reached[here])
            here = edges[-1].source
        return edges[::-1]


def holds(condition: Condition, here: Here, on: Callable[[Switch], bool]) -> bool:
    """Whether a condition is met."""
    if isinstance(condition, AllOf):
        return all(holds(part, here, on) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(holds(part, here, on) for part in condition.parts)
    if isinstance(condition, Whether):
        return on(condition.switch) == condition.on
    return here.meets(condition)


def walk(lockfile: Lockfile, here: Here) -> Walk:
    """Walks a lock in one environment; for ``uv.lock`` twice, as uv does.

    The first walk finds what is active, the second one installs. Nothing is asked of the environment before the answer
    matters.
    """
    refused = _refusal(lockfile, here)
    if refused is not None:
        return Walk({}, refused)
    picked = _Picked(lockfile, here)
    active: set[str] = set()
    """What was activated on the way. What is picked is active as well."""

    def on(switch: Switch) -> bool:
        kind, item = switch
        if kind == "picked":
            return picked(item)
        return item in active or picked(item) if kind in ("active", "early") else here.on(switch)

    edges: dict[str | None, list[Edge]] = {}
    for edge in lockfile.edges:
        edges.setdefault(edge.source, []).append(edge)
    reached: dict[str, Edge] = {}
    start: list[Edge] = []
    for edge in edges.get(None, ()):
        if holds(edge.condition, here, on):
            start.append(edge)
            active.update(edge.activates)
            for target in edge.targets:
                reached.setdefault(target, edge)
    if lockfile.conflicts:
        _activate(edges, start, here, active, picked)
    for members in lockfile.conflicts:
        for one, other in combinations(members, 2):
            kind = "active" if one.extra and other.extra else "picked"
            if one.item != other.item and on(Switch(kind, one.item)) and on(Switch(kind, other.item)):
                return Walk({}, f"{one.label} and {other.label} are in conflict")
    queue = deque(reached)
    while queue:
        for edge in edges.get(queue.popleft(), ()):
            if holds(edge.condition, here, on):
                for target in edge.targets:
                    if target not in reached:
                        reached[target] = edge
                        queue.append(target)
    return Walk(reached)


class _Picked:
    """What is picked at the start."""

    def __init__(self, lockfile: Lockfile, here: Here) -> None:
        self._items, self._here = lockfile.items, here

    def __call__(self, name: str) -> bool:
        item = self._items.get(name)
        return item is not None and item.needs is not None and all(map(self._here.on, item.needs))


_MOST_WAYS = 64


def _activate(
    edges: Mapping[str | None, list[Edge]],
    start: Iterable[Edge],
    here: Here,
    active: set[str],
    picked: Callable[[str], bool],
) -> None:
    """uv's first walk, which adds to ``active``.

    An edge is followed if some way to it and its own marker hold by what is active *so far*, together with what the
    edge itself activates; a node is visited again when there is a new way to it.
    """
    ways: dict[str, frozenset[frozenset[Condition]]] = {}
    queue: deque[str] = deque()
    known: dict[str, Condition | bool] = {}

    def asked_of(edge: Edge) -> Condition | bool:
        if edge.name not in known:
            known[edge.name] = _asked_of_switches(edge.condition, here)
        return known[edge.name]

    def come(node: str, new: Iterable[frozenset[Condition]]) -> None:
        everything = ways.get(node, frozenset()).union(new)
        least = frozenset(way for way in everything if not any(other < way for other in everything))
        if len(least) > _MOST_WAYS:
            least = frozenset((frozenset(),))
        if least != ways.get(node):
            ways[node] = least
            queue.append(node)

    for edge in start:
        way = asked_of(edge)
        for target in edge.targets:
            come(
                target, [frozenset() if way is True else frozenset((way,))] if not isinstance(way, bool) or way else []
            )
    while queue:
        node = queue.popleft()
        for edge in edges.get(node, ()):
            asked = asked_of(edge)
            if asked is False:
                continue
            further = [way if asked is True else way | {asked} for way in ways[node]]
            now = active.union(edge.activates)

            def on(switch: Switch, now: set[str] = now) -> bool:
                return switch.name in now or picked(switch.name)

            if any(all(holds(part, here, on) for part in way) for way in further):
                active.update(edge.activates)
                for target in edge.targets:
                    come(target, further)


def _asked_of_switches(condition: Condition, here: Here) -> Condition | bool:
    """What a condition still asks of what is active, once the environment and the choices are known."""
    if isinstance(condition, Whether):
        if condition.switch.kind in ("picked", "active", "early"):
            return condition
        return here.on(condition.switch) == condition.on
    if isinstance(condition, (AllOf, AnyOf)):
        decided = isinstance(condition, AnyOf)
        parts = []
        for part in condition.parts:
            found = _asked_of_switches(part, here)
            if found is decided:
                return decided
            if not isinstance(found, bool):
                parts.append(found)
        if not parts:
            return not decided
        return parts[0] if len(parts) == 1 else type(condition)(tuple(parts))
    return here.meets(condition)


def _refusal(lockfile: Lockfile, here: Here) -> str | None:
    if not holds(lockfile.environments, here, here.on):
        return "the lock is not for this environment"
    if not all(map(here.on, lockfile.required)):
        return "nothing is chosen"
    if any(not here.on(other) and here.on(one) for one, other in lockfile.implied):
        return "extras need the project"
    brought: dict[Switch | Thing, list[Bring]] = {}
    for bring in lockfile.brings:
        brought.setdefault(bring.brought, []).append(bring)
    known: dict[Switch | Thing, bool] = {}
    for pair in lockfile.rivals:
        if all(_in_force(one, brought, here, known) for one in pair):
            return "the project's conflicts forbid this choice"
    return None


def _in_force(
    wanted: Switch | Thing,
    brought: Mapping[Switch | Thing, list[Bring]],
    here: Here,
    known: dict[Switch | Thing, bool],
) -> bool:
    """Whether something is chosen, or brought along by what is in force in this environment."""
    if wanted not in known:
        seen: set[Switch | Thing | None] = {wanted}
        todo: list[Switch | Thing | None] = [wanted]
        found = False
        while todo and not found:
            one = todo.pop()
            found = one is None or (isinstance(one, Switch) and here.on(one))
            for bring in brought.get(one, ()) if one is not None and not found else ():
                if bring.by not in seen and holds(bring.condition, here, lambda switch: False):
                    seen.add(bring.by)
                    todo.append(bring.by)
        known[wanted] = found
    return known[wanted]
