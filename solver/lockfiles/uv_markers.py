"""Markers of ``uv.lock``, as uv reads them; it differs from what pip and ``packaging`` make of the same text.

Seen with uv 0.13.9: comparisons of a Python with what is no version are left out, and lists of Pythons are lists, where
others look for a text in a text; a pre-release counts as its release; strings have no escapes; and the release and the
version of a platform are compared by their letters.
"""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name, is_normalized_name

from satlock.encoder.markers.ordered import AS_TEXT
from satlock.encoder.project.values import Value, shown
from satlock.solver.lockfiles.markers import read_marker, replace
from satlock.solver.lockfiles.model import Comparison, Condition, comparisons

__all__ = ["by_letters", "uv_marker"]

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
