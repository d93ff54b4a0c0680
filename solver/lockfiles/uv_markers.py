"""Markers of ``uv.lock``, as uv reads them; it differs from what pip and ``packaging`` make of the same text.

Seen with uv 0.13.9: comparisons of a Python with what is no version are left out, and lists of Pythons are lists, where
others look for a text in a text; a pre-release counts as its release; strings have no escapes; and the release and the
version of a platform are compared by their letters.
"""

from __future__ import annotations

import re

from packaging.utils import is_normalized_name

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.ordered import AS_TEXT
from satlock.encoder.project.values import Value, shown
from satlock.solver.lockfiles.markers import read_marker, replace
from satlock.solver.lockfiles.model import (
    ALWAYS,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    LockfileError,
    all_of,
    any_of,
    comparisons,
)

__all__ = ["by_letters", "covered_by", "uv_marker"]

_OF_VERSIONS = ("python_version", "python_full_version", "implementation_version")
_BY_TEXT = ("platform_release", "platform_version")
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_RELEASE = re.compile(r"[0-9]+(\.[0-9]+)*(\.\*)?")


def uv_marker(value: Value | None) -> Condition:
    """What uv makes of a marker. What other installers read otherwise, and uv never writes, is refused."""
    found = read_marker(value)
    asked = list(comparisons(found))
    if value is not None and ("\\" in value.text() or not all(map(_read_alike, asked))):
        raise value.error(f"is {shown(value.text())}, which uv never writes", "write the lock again with uv")
    return by_letters(found)


def by_letters(condition: Condition) -> Condition:
    """The condition where the release and the version of a platform are compared as uv does it."""
    return (
        replace(condition, _as_text) if any(one.variable in _BY_TEXT for one in comparisons(condition)) else condition
    )


def covered_by(forks: Value | None) -> Condition:
    """Where some marker of the lock's forks holds with some extras, whether or not these can be chosen.

    Seen with uv 0.13.9: it adds this to the marker of each dependency.

    Raises:
        ProjectError: where one is no marker, or asks for extras in too many ways.
    """
    items = [*forks.items("a list of markers")] if forks is not None else []
    if not items:
        return ALWAYS
    covered = any_of(*(rest for item in items for rest in _ways(uv_marker(item)).values()))
    return ALWAYS if isinstance(covered, AnyOf) and ALWAYS in covered.parts else covered


def _ways(condition: Condition) -> dict[frozenset[tuple[str, str]], Condition]:
    """What is left of a condition with each set of extras, asked for or excluded, that can make it hold."""
    if isinstance(condition, Comparison) and condition.variable == "extra":
        return {frozenset(((canonicalize_name(condition.text), condition.operator),)): ALWAYS}
    pairs: list[tuple[frozenset[tuple[str, str]], Condition]] = [(frozenset(), ALWAYS)]
    if not isinstance(condition, (AllOf, AnyOf)) or all(one.variable != "extra" for one in comparisons(condition)):
        pairs = [(frozenset(), condition)]
    elif isinstance(condition, AnyOf):
        pairs = [pair for part in condition.parts for pair in _ways(part).items()]
    else:
        for part in condition.parts:
            ways = _ways(part).items()
            if len(pairs) * len(ways) > _MOST_WAYS:
                raise LockfileError("The resolution-markers of the uv.lock ask for extras in too many ways.")
            pairs = [(one | other, all_of(mine, its)) for one, mine in pairs for other, its in ways]
    found: dict[frozenset[tuple[str, str]], Condition] = {}
    for extras, rest in pairs:
        # No choice has an extra and does not have it.
        if len({name for name, _ in extras}) == len(extras):
            found[extras] = any_of(found[extras], rest) if extras in found else rest
    return found


_MOST_WAYS = 4096


def _read_alike(asked: Comparison) -> bool:
    operator, text = asked.operator, asked.text
    if asked.variable == "extra":
        return operator in ("==", "!=") and is_normalized_name(canonicalize_name(text))
    if asked.variable not in _OF_VERSIONS:
        return operator not in ("~=", "===")
    if operator in ("in", "not in", "===") or not _RELEASE.fullmatch(text) or (operator == "~=" and "." not in text):
        return False
    return not text.endswith(".*") or (operator in ("==", "!=") and not asked.reversed)


def _as_text(asked: Comparison) -> Condition:
    """uv compares these by their letters, whatever they are."""
    if asked.variable not in _BY_TEXT or asked.operator.endswith(("in", "as text")):
        return asked
    operator = _TURNED.get(asked.operator, asked.operator) if asked.reversed else asked.operator
    return Comparison(asked.variable, operator + AS_TEXT, asked.text)
