"""Markers as they are written (PEP 508): what they compare, and how that is joined.

``packaging`` says what a marker is. It keeps the structure to itself, and takes a tenth of a small lock to import. So
markers of the usual form are read here, to the same structure and the same text; every other one is read by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

__all__ = ["Asked", "Marker", "folded", "without_extra"]

_T = TypeVar("_T")
_DEEPEST = 50

_Items = list[Any]
"""What is joined: comparisons and lists in parentheses, with "and" and "or" between them."""


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


class Marker:
    """A marker; two are equal that have the same structure. Its text is as ``packaging`` writes it.

    Raises:
        ValueError: the text is no marker (``packaging.markers.InvalidMarker``, with where it goes wrong).
        RecursionError: its parentheses are nested too deeply.
    """

    __slots__ = ("_items", "_text")

    def __init__(self, text: str) -> None:
        items = _read(text)
        if items is None:
            from packaging.markers import Marker as Other

            found = Other(text)
            items = list(_converted(found._markers))
        self._join(items)

    def _join(self, items: _Items) -> None:
        while len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        self._items, self._text = items, " ".join(map(_written, items))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<Marker({self._text!r})>"

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Marker) else NotImplemented

    def __and__(self, other: Marker) -> Marker:
        """The marker that holds where both do."""
        left, right = ([part._items] if "or" in part._items else part._items for part in (self, other))
        return _joined([*left, "and", *right])


def folded(
    marker: Marker, asked: Callable[[Asked], _T], all_of: Callable[[list[_T]], _T], any_of: Callable[[list[_T]], _T]
) -> _T:
    """What a marker comes to, from what its comparisons come to. Each join is told of one part or more.

    Raises:
        ValueError: its parentheses are nested too deeply.
    """

    def walk(items: _Items, depth: int) -> _T:
        if depth > _DEEPEST:
            raise ValueError("its parentheses are nested too deeply")
        alternatives: list[list[_T]] = [[]]
        for item in items:
            if item == "or":
                alternatives.append([])
            elif item != "and":
                alternatives[-1].append(walk(item, depth + 1) if isinstance(item, list) else asked(item))
        return any_of([all_of(parts) for parts in alternatives])

    return walk(marker._items, 0)


def without_extra(marker: Marker | None) -> tuple[str, Marker | None]:
    """The one extra that a conjunction asks for, and what else it asks; an empty name and the marker where it is none.

    So the metadata of a package says which of its lists a requirement is in: ``… and extra == 'x'``.
    """
    parts = marker._items if marker is not None else []
    rest = [part for part in parts if part != "and"]
    asking = [part for part in rest if isinstance(part, Asked) and (part.variable, part.operator) == ("extra", "==")]
    if "or" in parts or len(asking) != 1:
        return "", marker
    rest.remove(asking[0])
    return asking[0].text, _joined([each for part in rest for each in ("and", part)][1:]) if rest else None


def _joined(items: _Items) -> Marker:
    made = Marker.__new__(Marker)
    made._join(items)
    return made


def _written(item: Any) -> str:
    if isinstance(item, Asked):
        return f"{item.left} {item.operator} {item.right}"
    if isinstance(item, list):
        return _written(item[0]) if len(item) == 1 else f"({' '.join(map(_written, item))})"
    return str(item)


_VARIABLE = (
    r"python_version|python_full_version|os_name|sys_platform|platform_(?:release|system|version|machine)"
    r"|platform_python_implementation|implementation_(?:name|version)|extras?|dependency_groups"
)
_CONSTANT = r""""[ !#-&(-\[\]-~]*"|'[ !#-&(-\[\]-~]*'"""
_OPERATOR = r"===|==|~=|!=|<=|>=|<|>|\bin\b|\bnot[ \t]+in\b"
_TOKEN = (
    rf"[ \t]*(?:(?P<bracket>[()])|\b(?P<join>and|or)\b"
    rf"|(?:\b(?P<variable>{_VARIABLE})\b[ \t]*(?P<operator>{_OPERATOR})[ \t]*(?P<constant>{_CONSTANT}))"
    rf"|(?:(?P<first>{_CONSTANT})[ \t]*(?P<between>{_OPERATOR})[ \t]*\b(?P<last>{_VARIABLE})\b))[ \t]*"
)
_EXTRA = r"[a-z0-9]+(?:-[a-z0-9]+)*"


@lru_cache(maxsize=1)
def _token() -> re.Pattern[str]:
    """Compiled when there is a marker: a small project has none."""
    return re.compile(_TOKEN)


def _read(text: str) -> _Items | None:
    """The structure of a marker of the usual form; None where it is of another, or none."""
    outer: list[_Items] = []
    items: _Items = []
    place, token = 0, _token()
    while place < len(text):
        found = token.match(text, place)
        if found is None or len(outer) > _DEEPEST:
            return None
        place = found.end()
        bracket, join = found["bracket"], found["join"]
        operand = not items or items[-1] in ("and", "or")
        if bracket == "(" and operand:
            outer.append(items)
            items = []
        elif bracket == ")" and outer and not operand:
            outer[-1].append(items)
            items = outer.pop()
        elif join and not operand:
            items.append(join)
        elif not bracket and not join and operand:
            asked = _compared(found)
            if asked is None:
                return None
            items.append(asked)
        else:
            return None
    return None if outer or not items or items[-1] in ("and", "or") else items


def _compared(found: re.Match[str]) -> Asked | None:
    flipped = found["variable"] is None
    name, text = found["last"] or found["variable"], (found["first"] or found["constant"])[1:-1]
    if name.startswith(("extra", "dependency")) and not re.fullmatch(_EXTRA, text):
        return None  # which names are normalised, and how, is for packaging to say
    said = " ".join((found["between"] or found["operator"]).split())
    left, right = (f'"{text}"', name) if flipped else (name, f'"{text}"')
    return Asked(name, said, text, flipped, left, right, True)


def _converted(items: _Items) -> Iterator[Any]:
    """The structure that ``packaging`` made, walked here and nowhere else."""
    for item in items:
        if isinstance(item, list):
            yield list(_converted(item))
        else:
            yield item if isinstance(item, str) else _asked(*item)


def _asked(left: Any, operator: Any, right: Any) -> Asked:
    flipped = type(left).__name__ == "Value"
    variable, constant = (right, left) if flipped else (left, right)
    plain = type(variable).__name__ == "Variable" and type(constant).__name__ == "Value"
    texts = left.serialize(), right.serialize()
    return Asked(variable.value, operator.value, constant.value, flipped, *texts, plain)
