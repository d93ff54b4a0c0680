"""What one environment installs, by walking the lock as its installer does.

This is the meaning that the clauses are to have; a counterexample is only told once its walk confirms it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from solver.lockfiles.model import AllOf, AnyOf, Condition, Edge, Lockfile, Switch

from .environments import is_opaque, true_of

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

    The first walk finds what is active, and asks each edge what is active *so far*, with what the edge itself would
    activate. The second one installs.
    """
    active = {
        name for name, item in lockfile.items.items() if item.needs is not None and point.switches.issuperset(item.needs)
    }  # fmt: skip
    picked = frozenset(active)
    refused = _refusal(lockfile, point)
    edges: dict[str | None, list[Edge]] = {}
    for edge in lockfile.edges:
        edges.setdefault(edge.source, []).append(edge)

    def followed(edge: Edge, own: tuple[str, ...]) -> bool:
        def switch(name: str) -> bool:
            kind, _, rest = name.partition(" ")
            if kind == "picked":
                return rest in picked
            if kind == "active":
                return rest in active or rest in own
            return name in point.switches

        return holds(edge.condition, point, switch)

    def once(activating: bool) -> dict[str, Edge]:
        reached: dict[str, Edge] = {}
        queue: deque[str] = deque()

        def take(edge: Edge) -> None:
            for target in edge.targets:
                if target not in reached:
                    reached[target] = edge
                    queue.append(target)

        for edge in edges.get(None, ()):
            if followed(edge, ()):
                take(edge)
        while queue:
            for edge in edges.get(queue.popleft(), ()):
                if followed(edge, edge.activates if activating else ()):
                    if activating:
                        active.update(edge.activates)
                    take(edge)
        return reached

    if lockfile.conflicts:
        once(activating=True)
    for members in lockfile.conflicts:
        for one, other in combinations(members, 2):
            on = active if one.extra and other.extra else picked
            if one.item != other.item and on.issuperset((one.item, other.item)):
                refused = f"{one.label} and {other.label} are in conflict"
    return Walk(once(activating=False), refused)


def _refusal(lockfile: Lockfile, point: Point) -> str | None:
    if not holds(lockfile.environments, point, lambda name: name in point.switches):
        return "the lock is not for this environment"
    if not point.switches.issuperset(lockfile.required):
        return "nothing is chosen"
    if any(one in point.switches and other not in point.switches for one, other in lockfile.implied):
        return "extras need the project"
    if any(point.switches.issuperset(names) for names in lockfile.forbidden):
        return "the project forbids this choice"
    return None
