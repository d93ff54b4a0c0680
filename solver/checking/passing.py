"""Environments that a certificate says were walked, walked again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from satlock.solver.checking.environments import Cells
from satlock.solver.checking.further import Goals
from satlock.solver.checking.markers import Bad, Is
from satlock.solver.checking.model import Lock
from satlock.solver.checking.walk import Here, installed

__all__ = ["Box", "box_clause", "box_of", "walk_again"]

_MOST = 4096
"""Environments in one box, as whoever writes certificates has it too."""
_MOST_BOXES = 2000


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
    for box in boxes:
        if box.goal not in names:
            raise Bad("the certificate walks for a goal that it does not have")
        for here in _each_kind(box, goals.clauses.cells, inputs):
            reached = installed(lock, here)
            if reached is not None and goals.guilty(names[box.goal], reached, here):
                name = names[box.goal]
                raise Bad(f"an environment that the certificate calls walked refutes the claim about {name}")


def _each_kind(box: Box, cells: Cells, inputs: list[str]) -> Iterator[Here]:
    """One environment of each kind: one that gives the same answers to all that the walk asked needs no walk."""
    if not set(box.fixed) <= set(inputs):
        raise Bad("the certificate has a box with unknown choices")
    by_label = {axis: {cells.value_at(axis, row): row for row in known} for axis, known in cells.rows.items()}
    rows = {axis: [by_label[axis][label] for label in dict.fromkeys(box.places[axis])] for axis in cells.rows}
    if math.prod(map(len, rows.values())) << (len(inputs) - len(box.fixed)) > _MOST:
        raise Bad("the certificate has a box of too many environments")
    impossible = set(cells.impossible())
    todo = [(rows, dict(box.fixed))]
    while todo:
        rows, fixed = todo.pop()
        pairs = [pair for pair in product(rows["platform"], rows["machine"]) if pair not in impossible]
        if not pairs:
            continue
        places = {axis: some[0] for axis, some in rows.items()}
        places["platform"], places["machine"] = pairs[0]
        here = Here(cells, places, [name for name, on in fixed.items() if on])
        yield here
        for question, answer in here.asked.items():
            if isinstance(question, str):
                if question in inputs and question not in fixed:
                    todo.append((rows, {**fixed, question: not answer}))
                    fixed = {**fixed, question: answer}
                continue
            axis, some = cells.where(question) if isinstance(question, Is) else (question[0], [question[1]])
            others = [row for row in rows.get(axis, ()) if (row in some) != answer]
            if others:
                todo.append(({**rows, axis: others}, fixed))
                rows = {**rows, axis: [row for row in rows[axis] if row not in others]}


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
