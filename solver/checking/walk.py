"""Walks a lock in one environment as its installer does, for the environments that a certificate says were walked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from satlock.solver.checking.environments import Cells, Row
from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    AllOf,
    AnyOf,
    Condition,
    Is,
    Switch,
    is_opaque,
    opaque_name,
)
from satlock.solver.checking.model import Edge, Lock

__all__ = ["Here", "installed", "met"]


class Here:
    """One environment, which notes what is asked of it: where all of that has the same answers, a walk is the same."""

    def __init__(self, cells: Cells, places: Mapping[str, Row], on: Iterable[str]) -> None:
        self._cells, self._places, self._on = cells, places, frozenset(on)
        self.asked: dict[str | Is | tuple[str, Row], bool] = {}
        """The answers: of switches and opaque questions by name, of comparisons, and of places on an axis."""

    def on(self, name: str) -> bool:
        """Whether a switch or an opaque question is on."""
        return self.asked.setdefault(name, name in self._on)

    def holds(self, leaf: Is) -> bool:
        if is_opaque(leaf):
            name, positive = opaque_name(leaf)
            return self.on(name) == positive
        if leaf not in self.asked:
            self.asked[leaf] = self._cells.value(leaf, self._places)
        return self.asked[leaf]

    def at(self, axis: str, row: Row) -> bool:
        """Whether the environment is at this place of an axis."""
        return self.asked.setdefault((axis, row), self._places[axis] == row)


def met(condition: Condition, here: Here, on: Callable[[str], bool]) -> bool:
    """Whether a condition holds in one environment; ``on`` says so of switches."""
    if isinstance(condition, AllOf):
        return all(met(part, here, on) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(met(part, here, on) for part in condition.parts)
    if isinstance(condition, Switch):
        return on(condition.name) == condition.on
    return here.holds(condition)


def installed(lock: Lock, here: Here) -> set[str] | None:
    """The nodes that are reached; None where the installer refuses."""
    if not met(lock.environments, here, here.on) or not all(map(here.on, lock.required)):
        return None
    if any(not here.on(other) and here.on(one) for one, other in lock.implied):
        return None
    force: dict[str, bool] = {}
    if any(all(_in_force(lock, here, name, force) for name in pair) for pair in lock.rivals):
        return None
    active: set[str] = set()
    """What was activated on the way, besides what is picked."""

    def picked(code: str) -> bool:
        needs = lock.needs.get(code)
        return needs is not None and all(map(here.on, needs))

    def on(name: str) -> bool:
        kind, _, code = name.partition(" ")
        if kind in ("active", "early"):
            return code in active or picked(code)
        return picked(code) if kind == "picked" else here.on(name)

    after: dict[str | None, list[Edge]] = {}
    for edge in lock.edges:
        after.setdefault(edge.source, []).append(edge)
    start = []
    for edge in after.get(None, []):
        if met(edge.condition, here, on):
            start.append(edge)
            active.update(edge.activates)
    if lock.conflicts:
        _first_walk(after, start, here, active, picked)
    for members in lock.conflicts:
        for (_, one, extra), (_, other, too) in combinations(members, 2):
            kind = "active" if extra and too else "picked"
            if one != other and on(f"{kind} {one}") and on(f"{kind} {other}"):
                return None
    reached = {target for edge in start for target in edge.targets}
    todo = list(reached)
    while todo:
        for edge in after.get(todo.pop(), []):
            if not reached.issuperset(edge.targets) and met(edge.condition, here, on):
                todo += [target for target in edge.targets if target not in reached]
                reached.update(edge.targets)
    return reached


def _in_force(lock: Lock, here: Here, wanted: str, known: dict[str, bool]) -> bool:
    """Whether something is chosen, or brought along by what is in force."""
    if wanted not in known:
        ways, todo = {wanted}, [wanted]
        while todo and not known.get(wanted):
            name = todo.pop()
            known[wanted] = not name or here.on(name)
            for by, brought, condition in lock.brings if not known[wanted] else []:
                if brought == name and by not in ways and met(condition, here, lambda name: False):
                    ways.add(by)
                    todo.append(by)
    return known[wanted]


def _first_walk(
    after: dict[str | None, list[Edge]],
    start: list[Edge],
    here: Here,
    active: set[str],
    picked: Callable[[str], bool],
) -> None:
    """Adds to ``active`` what is found on the way. A way to a node is the set of edges on it that depend on it."""
    known: dict[str, Condition] = {}
    ways: dict[str, set[frozenset[Condition]]] = {}
    queue: list[str] = []

    def come(node: str, new: set[frozenset[Condition]]) -> None:
        every = ways.get(node, set()) | new
        least = {way for way in every if not any(other < way for other in every)}
        if len(least) > 64:
            least = {frozenset()}
        if least != ways.get(node):
            ways[node] = least
            queue.append(node)

    def reduced(condition: Condition) -> Condition:
        """The condition without what is decided."""
        if isinstance(condition, Switch) and condition.name.split(" ")[0] in ("picked", "active", "early"):
            return condition
        if not isinstance(condition, AllOf | AnyOf):
            return ALWAYS if met(condition, here, here.on) else NEVER
        ending = NEVER if isinstance(condition, AllOf) else ALWAYS
        parts = []
        for part in condition.parts:
            own = reduced(part)
            if own == ending:
                return ending
            parts += [own] if own not in (ALWAYS, NEVER) else []
        return parts[0] if len(parts) == 1 else type(condition)(tuple(parts))

    def asked_of(edge: Edge) -> Condition:
        if edge.name not in known:
            known[edge.name] = reduced(edge.condition)
        return known[edge.name]

    def holds(part: Condition, now: set[str]) -> bool:
        return met(part, here, lambda name: (code := name.partition(" ")[2]) in now or picked(code))

    for edge in start:
        own = asked_of(edge)
        if own != NEVER:
            for target in edge.targets:
                come(target, {frozenset() if own == ALWAYS else frozenset((own,))})
    place = 0
    while place < len(queue):
        node = queue[place]
        place += 1
        for edge in after.get(node, []):
            own = asked_of(edge)
            if own == NEVER:
                continue
            further = {way if own == ALWAYS else way | {own} for way in ways[node]}
            now = active.union(edge.activates)
            if any(all(holds(part, now) for part in way) for way in further):
                active.update(edge.activates)
                for target in edge.targets:
                    come(target, further)
