"""What one environment installs, by walking the lock as its installer does.

This is the meaning that the clauses are to have; a counterexample is only told once its walk confirms it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from satlock.solver.lockfiles.model import AllOf, AnyOf, Condition, Edge, Lockfile, Switch
from satlock.solver.proofs.environments import is_opaque, true_of

__all__ = ["Point", "Walk", "walk"]


@dataclass(frozen=True)
class Point:
    """One environment, with everything chosen in it."""

    variables: Mapping[str, str]
    """Marker variables."""
    switches: frozenset[str]
    """What is on, of the lock's switches."""
    opaque: Mapping[str, bool]
    """Answers to the opaque questions; what is not listed does not hold."""


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


def holds(condition: Condition, point: Point, switch: Callable[[str], bool]) -> bool:
    """Whether a condition is met."""
    if isinstance(condition, AllOf):
        return all(holds(part, point, switch) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(holds(part, point, switch) for part in condition.parts)
    if isinstance(condition, Switch):
        return switch(condition.name) == condition.on
    if is_opaque(condition):
        positive = {"!=": "==", "not in": "in"}.get(condition.operator, condition.operator)
        asked = point.opaque.get(str(replace(condition, operator=positive)), False)
        return asked == (positive == condition.operator)
    return true_of(condition, point.variables[condition.variable])


def walk(lockfile: Lockfile, point: Point) -> Walk:
    """Walks a lock in one environment; for ``uv.lock`` twice, as uv does.

    The first walk finds what is active, the second one installs.
    """
    picked = frozenset(
        name
        for name, item in lockfile.items.items()
        if item.needs is not None and point.switches.issuperset(item.needs)
    )
    active = set(picked)

    def switch(name: str) -> bool:
        kind, _, rest = name.partition(" ")
        if kind == "picked":
            return rest in picked
        return rest in active if kind in ("active", "early") else name in point.switches

    edges: dict[str | None, list[Edge]] = {}
    for edge in lockfile.edges:
        edges.setdefault(edge.source, []).append(edge)
    reached: dict[str, Edge] = {}
    start: list[Edge] = []
    for edge in edges.get(None, ()):
        if holds(edge.condition, point, switch):
            start.append(edge)
            active.update(edge.activates)
            for target in edge.targets:
                reached.setdefault(target, edge)
    refused = _refusal(lockfile, point)
    if lockfile.conflicts:
        _activate(edges, start, point, active)
    for members in lockfile.conflicts:
        for one, other in combinations(members, 2):
            on = active if one.extra and other.extra else picked
            if one.item != other.item and on.issuperset((one.item, other.item)):
                refused = f"{one.label} and {other.label} are in conflict"
    queue = deque(reached)
    while queue:
        for edge in edges.get(queue.popleft(), ()):
            if holds(edge.condition, point, switch):
                for target in edge.targets:
                    if target not in reached:
                        reached[target] = edge
                        queue.append(target)
    return Walk(reached, refused)


_MOST_WAYS = 64


def _activate(edges: Mapping[str | None, list[Edge]], start: Iterable[Edge], point: Point, active: set[str]) -> None:
    """uv's first walk, which adds to ``active``.

    An edge is followed if some way to it and its own marker hold by what is active *so far*, together with what the
    edge itself activates; a node is visited again when there is a new way to it.
    """
    ways: dict[str, frozenset[frozenset[Condition]]] = {}
    queue: deque[str] = deque()

    def come(node: str, new: Iterable[frozenset[Condition]]) -> None:
        everything = ways.get(node, frozenset()).union(new)
        least = frozenset(way for way in everything if not any(other < way for other in everything))
        if len(least) > _MOST_WAYS:
            least = frozenset((frozenset(),))
        if least != ways.get(node):
            ways[node] = least
            queue.append(node)

    for edge in start:
        way = _asked_of_switches(edge.condition, point)
        for target in edge.targets:
            come(
                target, [frozenset() if way is True else frozenset((way,))] if not isinstance(way, bool) or way else []
            )
    while queue:
        here = queue.popleft()
        for edge in edges.get(here, ()):
            asked = _asked_of_switches(edge.condition, point)
            if asked is False:
                continue
            further = [way if asked is True else way | {asked} for way in ways[here]]
            now = active.union(edge.activates)

            def switch(name: str, now: set[str] = now) -> bool:
                return name.partition(" ")[2] in now

            if any(all(holds(part, point, switch) for part in way) for way in further):
                active.update(edge.activates)
                for target in edge.targets:
                    come(target, further)


def _asked_of_switches(condition: Condition, point: Point) -> Condition | bool:
    """What a condition still asks of what is active, once the environment and the choices are known."""
    if isinstance(condition, Switch):
        if condition.name.startswith(("picked ", "active ", "early ")):
            return condition
        return (condition.name in point.switches) == condition.on
    if isinstance(condition, (AllOf, AnyOf)):
        decided = isinstance(condition, AnyOf)
        parts = []
        for part in condition.parts:
            found = _asked_of_switches(part, point)
            if found is decided:
                return decided
            if not isinstance(found, bool):
                parts.append(found)
        if not parts:
            return not decided
        return parts[0] if len(parts) == 1 else type(condition)(tuple(parts))
    return holds(condition, point, lambda name: False)


def _refusal(lockfile: Lockfile, point: Point) -> str | None:
    if not holds(lockfile.environments, point, lambda name: name in point.switches):
        return "the lock is not for this environment"
    if not point.switches.issuperset(lockfile.required):
        return "nothing is chosen"
    if any(one in point.switches and other not in point.switches for one, other in lockfile.implied):
        return "extras need the project"
    force = _in_force(lockfile, point) if lockfile.rivals else set()
    if any(force.issuperset(pair) for pair in lockfile.rivals):
        return "the project's conflicts forbid this choice"
    return None


def _in_force(lockfile: Lockfile, point: Point) -> set[str]:
    """What is chosen, and all that this brings along in this environment."""
    force = {"", *point.switches}
    here = [bring for bring in lockfile.brings if holds(bring.condition, point, lambda name: False)]
    while new := {bring.brought for bring in here if bring.by in force} - force:
        force |= new
    return force
