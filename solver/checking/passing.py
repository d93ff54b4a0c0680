"""Environments that a certificate says were walked, walked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

from satlock.solver.checking.environments import Cells, Row
from satlock.solver.checking.further import Goals
from satlock.solver.checking.markers import Bad
from satlock.solver.checking.model import Lock
from satlock.solver.checking.walk import installed

__all__ = ["Box", "box_clause", "box_of", "walk_again"]

_MOST = 4096
"""Environments in one box, as whoever writes certificates has it too."""
_MOST_BOXES = 2000

_Environment = tuple[dict[str, Row], set[str]]
"""A place on each axis, and the switches and opaque questions that are on."""


@dataclass(frozen=True)
class Box:
    """Some environments: places on each axis, and the choices that have one answer in all of them."""

    goal: str
    places: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, bool]


def box_of(words: object, cells: Cells) -> Box:
    """A box as a certificate has it.

    Raises:
        Bad: where it is none.
    """
    axes = tuple(cells.rows)
    if not isinstance(words, dict) or set(words) != {"goal", "fixed", *axes} or not isinstance(words["fixed"], dict):
        raise Bad("the certificate has a box of environments that is none")
    for axis in axes:
        known = {cells.value_at(axis, row) for row in cells.rows[axis]}
        listed = words[axis]
        if not isinstance(listed, list) or not listed or not known.issuperset(listed):
            raise Bad("the certificate has a box of environments that the lockfile does not have")
    if not all(isinstance(answer, bool) for answer in words["fixed"].values()):
        raise Bad("the certificate has a box of environments that is none")
    return Box(str(words["goal"]), {axis: tuple(words[axis]) for axis in axes}, words["fixed"])


def walk_again(lock: Lock, boxes: list[Box], inputs: list[str], goals: Goals) -> None:
    """That no environment of the boxes refutes its goal.

    Raises:
        Bad: where one does, or they are too many.
    """
    if len(boxes) > _MOST_BOXES:
        raise Bad("the certificate has too many boxes of environments")
    names = {goal: name for name, goal in goals.names.items()}
    cells = goals.clauses.cells
    for box in boxes:
        if box.goal not in names:
            raise Bad("the certificate walks for a goal that it does not have")
        for places, on in _environments(box, cells, inputs):
            reached = installed(lock, cells, places, on)
            if reached is not None and goals.guilty(names[box.goal], reached, places, on):
                name = names[box.goal]
                raise Bad(f"an environment that the certificate calls walked refutes the claim about {name}")


def _environments(box: Box, cells: Cells, inputs: list[str]) -> list[_Environment]:
    rows: list[list[Row]] = []
    for axis, known in cells.rows.items():
        by_label = {cells.value_at(axis, row): row for row in known}
        rows.append([by_label[label] for label in dict.fromkeys(box.places[axis])])
    if not set(box.fixed) <= set(inputs):
        raise Bad("the certificate has a box with unknown choices")
    free = [name for name in inputs if name not in box.fixed]
    size = 1 << len(free)
    for some in rows:
        size *= len(some)
    if size > _MOST:
        raise Bad("the certificate has a box of too many environments")
    impossible = set(cells.impossible())
    found = []
    for answers in product((False, True), repeat=len(free)):
        on = {name for name, answer in zip(free, answers, strict=True) if answer}
        on |= {name for name, answer in box.fixed.items() if answer}
        for row in product(*rows):
            places = dict(zip(cells.rows, row, strict=True))
            if (places["platform"], places["machine"]) not in impossible:
                found.append((places, on))
    return found


def box_clause(box: Box, cells: Cells, number: Callable[[str], int]) -> set[int]:
    """The goal fails, or the environment is outside the box."""
    clause = {-number(box.goal)}
    for axis, rows in cells.rows.items():
        inside = [row for row in rows if cells.value_at(axis, row) in box.places[axis]]
        if len(inside) == 1:
            clause.add(-number(cells.label(axis, inside[0])))
        else:
            clause |= {number(cells.label(axis, row)) for row in rows if row not in inside}
    return clause | {number(name) * (-1 if on else 1) for name, on in box.fixed.items()}
