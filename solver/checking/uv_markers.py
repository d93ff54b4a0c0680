"""Markers of ``uv.lock``, as uv reads them. What it reads otherwise than others do, and never writes, is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from satlock.solver.checking.markers import (
    ALWAYS,
    AllOf,
    AnyOf,
    Bad,
    Condition,
    Is,
    both,
    either,
    is_plain,
    leaves,
    parse,
    plain,
    replaced,
)

__all__ = ["by_letters", "covered_by", "uv_marker"]

_OF_VERSIONS = ("python_version", "python_full_version", "implementation_version")
_BY_TEXT = ("platform_release", "platform_version")


def uv_marker(text: Any, leaf: Callable[[Is], Condition] = lambda found: found) -> Condition:
    """What uv makes of a marker, with ``leaf`` applied to each comparison."""

    def as_uv(found: Is) -> Condition:
        if not _read_alike(found):
            raise Bad(f"the lockfile has the marker {text[:60]!r}, which uv never writes")
        return leaf(_by_letters(found))

    if isinstance(text, str) and "\\" in text:
        raise Bad(f"the lockfile has the marker {text[:60]!r}, which uv never writes")
    return parse(text, as_uv)


def by_letters(condition: Condition) -> Condition:
    """The condition where the release and the version of a platform are compared as uv does it."""
    return replaced(condition, _by_letters)


def covered_by(forks: list[Any]) -> Condition:
    """Where one of these markers holds with some choice of extras."""
    covered = either(*(rest for text in forks for _, rest in _without_extras(uv_marker(text)))) if forks else ALWAYS
    return ALWAYS if isinstance(covered, AnyOf) and ALWAYS in covered.parts else covered


_Way = tuple[frozenset[tuple[str, str]], Condition]


def _without_extras(condition: Condition) -> list[_Way]:
    """For each set of extras that can make a condition hold, what it then asks of the environment."""
    if all(leaf.variable != "extra" for leaf in leaves(condition)):
        return [(frozenset(), condition)]
    if isinstance(condition, Is):
        return [(frozenset([(plain(condition.text), condition.operator)]), ALWAYS)]
    assert isinstance(condition, AllOf | AnyOf)
    listed = [_without_extras(part) for part in condition.parts]
    ways: list[_Way] = [(frozenset(), ALWAYS)]
    for some in listed if isinstance(condition, AllOf) else []:
        if len(ways) * len(some) > 4096:
            raise Bad("the lockfile has resolution-markers that ask for extras in too many ways")
        ways = [(first | second, both(mine, its)) for first, mine in ways for second, its in some]
    if isinstance(condition, AnyOf):
        ways = [way for some in listed for way in some]
    found: dict[frozenset[tuple[str, str]], Condition] = {}
    for extras, rest in ways:
        if len(dict(extras)) == len(extras):
            found[extras] = either(found[extras], rest) if extras in found else rest
    return list(found.items())


def _by_letters(found: Is) -> Is:
    if found.variable not in _BY_TEXT or found.operator.endswith(("in", "as text")):
        return found
    return Is(found.variable, f"{found.turned} as text", found.text)


def _read_alike(found: Is) -> bool:
    operator = found.operator
    if found.variable == "extra":
        return operator in ("==", "!=") and is_plain(found.text)
    if found.variable not in _OF_VERSIONS:
        return operator not in ("~=", "===")
    star = found.text.endswith(".*")
    if star and (operator not in ("==", "!=") or found.backwards):
        return False
    release = found.text.removesuffix(".*").split(".")
    if operator in ("in", "not in", "===") or not all(re.fullmatch("[0-9]+", part) for part in release):
        return False
    return operator != "~=" or len(release) > 1
