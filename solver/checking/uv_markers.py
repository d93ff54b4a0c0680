"""Markers of ``uv.lock``, as uv reads them. What it reads otherwise than others do, and never writes, is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from satlock.solver.checking.markers import Bad, Condition, Is, is_plain, parse, replaced

__all__ = ["by_letters", "uv_marker"]

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
