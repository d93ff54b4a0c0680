"""Marker texts of lockfiles as conditions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from packaging.markers import InvalidMarker, Marker

from satlock.encoder.project.values import Value, first_line, shown
from satlock.solver.lockfiles.model import ALWAYS, AllOf, AnyOf, Comparison, Condition, LockfileError, all_of, any_of

__all__ = ["condition_of", "read_marker", "replace"]

_LONGEST = 200_000
_DEEPEST = 50


def read_marker(value: Value | None) -> Condition:
    """The condition that a marker states; :data:`ALWAYS` where there is none.

    Raises:
        LockfileError: where it is not a marker.
    """
    if value is None:
        return ALWAYS
    text = value.text("a marker as a string")
    try:
        return condition_of(text)
    except (ValueError, RecursionError) as error:
        raise LockfileError(
            f"{value.where} in {value.file} is {shown(text)}, which is not a valid marker ({first_line(error)}); "
            "write the lock again with the tool it is from."
        ) from None


@lru_cache(maxsize=65536)
def condition_of(text: str) -> Condition:
    """The condition that a marker's text states; raises ValueError where it is none."""
    if len(text) > _LONGEST:
        raise ValueError("it is too long")
    try:
        return _from_list(Marker(text)._markers, 0)
    except InvalidMarker as error:
        raise ValueError(first_line(error)) from None


def _from_list(items: Any, depth: int) -> Condition:
    if depth > _DEEPEST:
        raise ValueError("its parentheses are nested too deeply")
    alternatives: list[list[Condition]] = [[]]
    for item in items:
        if item == "or":
            alternatives.append([])
        elif item != "and":
            alternatives[-1].append(_from_list(item, depth + 1) if isinstance(item, list) else _from_tuple(item))
    return any_of(*(all_of(*parts) for parts in alternatives))


def _from_tuple(item: Any) -> Comparison:
    left, operator, right = item
    sides = [type(side).__name__ == "Variable" for side in (left, right)]
    if sum(sides) != 1:
        raise ValueError("it compares two variables or two constants")
    backwards = sides[1]
    variable, constant = (right, left) if backwards else (left, right)
    return Comparison(variable.value, operator.value, constant.value, backwards)


def replace(condition: Condition, asked: Callable[[Comparison], Condition]) -> Condition:
    """The condition with each comparison replaced by what ``asked`` says of it."""
    if isinstance(condition, Comparison):
        return asked(condition)
    if isinstance(condition, AllOf):
        return all_of(*(replace(part, asked) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return any_of(*(replace(part, asked) for part in condition.parts))
    return condition
