"""Environments that a certificate says were walked, walked again."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from satlock.solver.checking.environments import Cells, Row
from satlock.solver.checking.further import Goals
from satlock.solver.checking.markers import Bad, Is
from satlock.solver.checking.model import Lock
from satlock.solver.checking.walk import Here, installed

__all__ = ["Box", "box_clause", "box_of", "each_kind", "walk_again"]

_MOST = 4096
"""Environments in one box, as whoever writes certificates has it too."""
_MOST_BOXES = 2000
_MOST_WALKS = 65536
"""In all boxes together, of one environment of each kind."""


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
    walks = 0
    for box in boxes:
        if box.goal not in names:
            raise Bad("the certificate walks for a goal that it does not have")
        if not set(box.fixed) <= set(inputs):
            raise Bad("the certificate has a box with unknown choices")
        cells, name = goals.clauses.cells, names[box.goal]
        rows = {
            axis: [row for row in known if cells.value_at(axis, row) in box.places[axis]]
            for axis, known in cells.rows.items()
        }
        if math.prod(map(len, rows.values())) << (len(inputs) - len(box.fixed)) > _MOST:
            raise Bad("the certificate has a box of too many environments")

        def refuted(here: Here, name: str = name) -> bool:
            reached = installed(lock, here)
            return reached is not None and goals.guilty(name, reached, here)

        for found, _ in each_kind(rows, box.fixed, cells, inputs, refuted):
            walks += 1
            if walks > _MOST_WALKS:
                raise Bad("the certificate has boxes of too many environments")
            if found:
                raise Bad(f"an environment that the certificate calls walked refutes the claim about {name}")


_Answer = TypeVar("_Answer")


def each_kind(
    rows: Mapping[str, list[Row]],
    fixed: Mapping[str, bool],
    cells: Cells,
    inputs: Collection[str],
    ask: Callable[[Here], _Answer],
) -> Iterator[tuple[_Answer, Mapping[str, list[Row]]]]:
    """The answer of each kind of environment, with the places that it has on each axis.

    What gives the same answers to all that was asked of one environment is of its kind, and needs no asking.
    """
    impossible = set(cells.impossible())
    todo = [(rows, fixed)]
    while todo:
        rows, fixed = todo.pop()
        pairs = (pair for pair in product(rows["platform"], rows["machine"]) if pair not in impossible)
        pair = next(pairs, None)
        if pair is None:
            continue
        places = {axis: some[0] for axis, some in rows.items()}
        places["platform"], places["machine"] = pair
        here = Here(cells, places, [name for name, on in fixed.items() if on])
        answer = ask(here)
        for question, said in here.asked.items():
            if isinstance(question, str):
                if question in inputs and question not in fixed:
                    todo.append((rows, {**fixed, question: not said}))
                    fixed = {**fixed, question: said}
                continue
            axis, some = cells.where(question) if isinstance(question, Is) else (question[0], [question[1]])
            others = [row for row in rows.get(axis, ()) if (row in some) != said]
            if others:
                todo.append(({**rows, axis: others}, fixed))
                rows = {**rows, axis: [row for row in rows[axis] if row not in others]}
        yield answer, rows


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
