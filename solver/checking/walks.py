"""Walks a lock in one environment as its installer does, for the environments that a certificate says were walked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

from satlock.solver.checking.cells import Cells
from satlock.solver.checking.conditions import OPAQUE, Bad, Condition, opaque_name
from satlock.solver.checking.locks import Edge, Lock

__all__ = ["box_clause", "environments_in", "installed", "met"]

Environment = tuple[dict[str, tuple[str, ...]], set[str]]
"""A place on each axis, and the switches and opaque questions that are on."""


def met(condition: Condition, cells: Cells, places: dict[str, tuple[str, ...]], on: set[str]) -> bool:
    """Whether a condition holds in one environment."""
    kind = condition[0]
    if kind in ("all", "any"):
        return (all if kind == "all" else any)(met(part, cells, places, on) for part in condition[1:])
    if kind in ("on", "off"):
        return bool((condition[1] in on) == (kind == "on"))
    if condition[1] in OPAQUE:
        name, positive = opaque_name(condition)
        return (name in on) == positive
    return cells.value(condition, places)


def installed(lock: Lock, cells: Cells, places: dict[str, tuple[str, ...]], on: set[str]) -> set[str] | None:
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
        """The condition without what is decided, with ``("all",)`` for yes and ``("any",)`` for no."""
        if condition[0] in ("on", "off") and condition[1].split(" ")[0] in ("picked", "active", "early"):
            return condition
        if condition[0] not in ("all", "any"):
            return ("all",) if holds(condition, active) else ("any",)
        parts = [reduced(part) for part in condition[1:]]
        if (("any",) if condition[0] == "all" else ("all",)) in parts:
            return ("any",) if condition[0] == "all" else ("all",)
        parts = [part for part in parts if part not in (("all",), ("any",))]
        return parts[0] if len(parts) == 1 else (condition[0], *parts)

    known = {name: reduced(condition) for name, condition in conditions.items()}
    for edge in start:
        own = known[edge.name]
        if own != ("any",):
            for target in edge.targets:
                come(target, {frozenset() if own == ("all",) else frozenset((own,))})
    place = 0
    while place < len(queue):
        here = queue[place]
        place += 1
        for edge in after.get(here, []):
            own = known[edge.name]
            if own == ("any",):
                continue
            further = {way if own == ("all",) else way | {own} for way in ways[here]}
            now = active.union(edge.activates)
            if any(all(holds(part, now) for part in way) for way in further):
                active.update(edge.activates)
                for target in edge.targets:
                    come(target, further)


def environments_in(box: dict[str, Any], cells: Cells, inputs: list[str]) -> list[Environment]:
    """Every environment of a box.

    Raises:
        Bad: where the box is none.
    """
    rows: list[list[tuple[str, ...]]] = []
    for axis, known in cells.rows.items():
        by_label = {cells.label(axis, row).partition(" ")[2]: row for row in known}
        if not box[axis] or not all(label in by_label for label in box[axis]):
            raise Bad("the certificate has a box of environments that the lockfile does not have")
        rows.append([by_label[label] for label in box[axis]])
    fixed = box["fixed"]
    if not set(fixed) <= set(inputs):
        raise Bad("the certificate has a box with unknown choices")
    free = [name for name in inputs if name not in fixed]
    size = 1 << len(free)
    for known in rows:
        size *= len(known)
    if size > 100_000:
        raise Bad("the certificate has a box of too many environments")
    impossible = set(cells.impossible())
    found = []
    for answers in product((False, True), repeat=len(free)):
        on = {name for name, answer in zip(free, answers, strict=True) if answer}
        on |= {name for name, answer in fixed.items() if answer}
        for row in product(*rows):
            places = dict(zip(cells.rows, row, strict=True))
            if (places["platform"], places["machine"]) not in impossible:
                found.append((places, on))
    return found


def box_clause(box: dict[str, Any], cells: Cells, number: Any) -> set[int]:
    """The goal fails, or the environment is outside the box."""
    clause = {-number(box["goal"])}
    for axis, rows in cells.rows.items():
        labels = [cells.label(axis, row) for row in rows]
        inside = [label for label in labels if label.partition(" ")[2] in box[axis]]
        if len(inside) == 1:
            clause.add(-number(inside[0]))
        else:
            clause |= {number(label) for label in labels if label not in inside}
    return clause | {number(name) * (-1 if on else 1) for name, on in box["fixed"].items()}
