"""Walks a lock in one environment as its installer does, for the environments that a certificate says were walked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from satlock.solver.checking.environments import Cells, Row
from satlock.solver.checking.markers import ALWAYS, NEVER, AllOf, AnyOf, Condition, Switch, is_opaque, opaque_name
from satlock.solver.checking.model import Edge, Lock

__all__ = ["installed", "met"]


def met(condition: Condition, cells: Cells, places: dict[str, Row], on: set[str]) -> bool:
    """Whether a condition holds in one environment."""
    if isinstance(condition, AllOf):
        return all(met(part, cells, places, on) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(met(part, cells, places, on) for part in condition.parts)
    if isinstance(condition, Switch):
        return (condition.name in on) == condition.on
    if is_opaque(condition):
        name, positive = opaque_name(condition)
        return (name in on) == positive
    return cells.value(condition, places)


def installed(lock: Lock, cells: Cells, places: dict[str, Row], on: set[str]) -> set[str] | None:
    """The nodes that are reached; None where the installer refuses."""
    if not met(lock.environments, cells, places, on) or not on.issuperset(lock.required):
        return None
    if any(one in on and other not in on for one, other in lock.implied):
        return None
    if lock.rivals:
        force = {"", *on}
        here = [(by, brought) for by, brought, condition in lock.brings if met(condition, cells, places, on)]
        while new := {brought for by, brought in here if by in force} - force:
            force |= new
        if any(force.issuperset(pair) for pair in lock.rivals):
            return None
    picked = {code for code, needs in lock.needs.items() if needs is not None and on.issuperset(needs)}
    active = set(picked)
    after: dict[str | None, list[Edge]] = {}
    for edge in lock.edges:
        after.setdefault(edge.source, []).append(edge)
    start = []
    for edge in after.get(None, []):
        if met(edge.condition, cells, places, on | _switches(picked, active)):
            start.append(edge)
            active.update(edge.activates)
    if lock.conflicts:
        _first_walk(after, start, lambda part, now: met(part, cells, places, on | _switches(now, now)), active)
    for members in lock.conflicts:
        for (_, one, extra), (_, other, too) in combinations(members, 2):
            if one != other and {one, other} <= (active if extra and too else picked):
                return None
    switches = on | _switches(picked, active)
    reached = {target for edge in start for target in edge.targets}
    todo = list(reached)
    while todo:
        for edge in after.get(todo.pop(), []):
            if met(edge.condition, cells, places, switches):
                todo += [target for target in edge.targets if target not in reached]
                reached.update(edge.targets)
    return reached


def _switches(picked: set[str], active: set[str]) -> set[str]:
    return {f"picked {c}" for c in picked} | {f"{kind} {c}" for kind in ("active", "early") for c in active}


def _first_walk(
    after: dict[str | None, list[Edge]],
    start: list[Edge],
    holds: Callable[[Condition, set[str]], bool],
    active: set[str],
) -> None:
    """Adds to ``active`` what is found on the way. A way to a node is the set of edges on it that depend on it."""
    conditions = {edge.name: edge.condition for edges in after.values() for edge in edges}
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
            return ALWAYS if holds(condition, active) else NEVER
        ending = NEVER if isinstance(condition, AllOf) else ALWAYS
        parts = [reduced(part) for part in condition.parts]
        if ending in parts:
            return ending
        parts = [part for part in parts if part not in (ALWAYS, NEVER)]
        return parts[0] if len(parts) == 1 else type(condition)(tuple(parts))

    known = {name: reduced(condition) for name, condition in conditions.items()}
    for edge in start:
        own = known[edge.name]
        if own != NEVER:
            for target in edge.targets:
                come(target, {frozenset() if own == ALWAYS else frozenset((own,))})
    place = 0
    while place < len(queue):
        here = queue[place]
        place += 1
        for edge in after.get(here, []):
            own = known[edge.name]
            if own == NEVER:
                continue
            further = {way if own == ALWAYS else way | {own} for way in ways[here]}
            now = active.union(edge.activates)
            if any(all(holds(part, now) for part in way) for way in further):
                active.update(edge.activates)
                for target in edge.targets:
                    come(target, further)
