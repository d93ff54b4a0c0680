"""Marker texts of lockfiles as conditions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from satlock.encoder.markers.structure import Asked, Marker, folded
from satlock.encoder.project.values import Value, first_line, shown
from satlock.solver.lockfiles.model import ALWAYS, AllOf, AnyOf, Comparison, Condition, LockfileError, all_of, any_of

__all__ = ["condition_of", "read_marker", "replace"]

_LONGEST = 200_000


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
        return folded(Marker(text), _compared, lambda parts: all_of(*parts), lambda parts: any_of(*parts))
    except ValueError as error:
        raise ValueError(first_line(error)) from None


def _compared(asked: Asked) -> Comparison:
    if not asked.plain:
        raise ValueError("it compares two variables or two constants")
    return Comparison(asked.variable, asked.operator, asked.text, asked.flipped)


def replace(condition: Condition, asked: Callable[[Comparison], Condition]) -> Condition:
    """The condition with each comparison replaced by what ``asked`` says of it."""
    if isinstance(condition, Comparison):
        return asked(condition)
    if isinstance(condition, AllOf):
        return all_of(*(replace(part, asked) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return any_of(*(replace(part, asked) for part in condition.parts))
    return condition
