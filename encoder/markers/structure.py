"""The structure of a marker, which ``packaging`` keeps to itself: walked here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from packaging.markers import Marker

__all__ = ["Asked", "folded", "without_extra"]

_T = TypeVar("_T")
_DEEPEST = 50


class Asked(NamedTuple):
    """One comparison of a marker."""

    variable: str
    operator: str
    text: str
    flipped: bool
    """Whether the constant stands first, as in ``'linux' in sys_platform``."""
    left: str
    """As it is written, with its quotes."""
    right: str
    plain: bool
    """Whether it compares one variable with one constant."""


def folded(
    marker: Marker, asked: Callable[[Asked], _T], all_of: Callable[[list[_T]], _T], any_of: Callable[[list[_T]], _T]
) -> _T:
    """What a marker comes to, from what its comparisons come to. Each join is told of one part or more.

    Raises:
        ValueError: its parentheses are nested too deeply.
    """

    def walk(items: Any, depth: int) -> _T:
        if depth > _DEEPEST:
            raise ValueError("its parentheses are nested too deeply")
        alternatives: list[list[_T]] = [[]]
        for item in items:
            if item == "or":
                alternatives.append([])
            elif item != "and":
                alternatives[-1].append(walk(item, depth + 1) if isinstance(item, list) else asked(_asked(*item)))
        return any_of([all_of(parts) for parts in alternatives])

    return walk(marker._markers, 0)


def without_extra(marker: Marker | None) -> tuple[str, Marker | None]:
    """The one extra that a conjunction asks for, and what else it asks; an empty name and the marker where it is none.

    So the metadata of a package says which of its lists a requirement is in: ``… and extra == 'x'``.
    """
    parts: list[Any] = marker._markers if marker is not None else []
    rest = [part for part in parts if part != "and"]
    asking = [part for part in rest if isinstance(part, tuple) and _is_extra(_asked(*part))]
    if "or" in parts or len(asking) != 1:
        return "", marker
    rest.remove(asking[0])
    if not rest:
        return _asked(*asking[0]).text, None
    kept = Marker(str(marker))
    kept._markers = [each for part in rest for each in ("and", part)][1:]
    return _asked(*asking[0]).text, kept


def _is_extra(asked: Asked) -> bool:
    return (asked.variable, asked.operator) == ("extra", "==")


def _asked(left: Any, operator: Any, right: Any) -> Asked:
    flipped = type(left).__name__ == "Value"
    variable, constant = (right, left) if flipped else (left, right)
    plain = type(variable).__name__ == "Variable" and type(constant).__name__ == "Value"
    texts = left.serialize(), right.serialize()
    return Asked(variable.value, operator.value, constant.value, flipped, *texts, plain)
