"""Requirements as files other than core metadata hold them, as the lines that core metadata would have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["conditional", "extra_name", "parsed"]

_LONGEST = 10_000
_MOST = 512 << 10
"""Characters, of one requirement and of all together: parsing what is hostile takes long."""
_EXTRA = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def parsed(texts: Iterable[str]) -> list[Requirement]:
    """The requirements; raises ValueError where one is none."""
    from packaging.requirements import Requirement

    left, found = _MOST, []
    for text in texts:
        left -= len(text)
        if len(text) > _LONGEST or left < 0:
            raise ValueError("they are too long")
        try:
            found.append(Requirement(text))
        except RecursionError:
            raise ValueError("a marker is nested too deeply") from None
    return found


def conditional(requirement: Requirement, *, marker: str = "", extra: str = "") -> str:
    """The line for a requirement that applies only under a marker and with an extra (a normalised name).

    Raises ValueError where the marker is none.
    """
    from packaging.markers import Marker

    own = "" if requirement.marker is None else str(requirement.marker)
    parts = [f"({part})" for part in (own, marker) if part] + ([f'extra == "{extra}"'] if extra else [])
    if not parts:
        return str(requirement)
    try:
        requirement.marker = Marker(" and ".join(parts))
    except RecursionError:
        raise ValueError("a marker is nested too deeply") from None
    return str(requirement)


def extra_name(name: str) -> str:
    """The normalised name of an extra; raises ValueError where it is no name."""
    from satlock.corpora.names import canonicalize_name

    normal: str = canonicalize_name(name)
    if not _EXTRA.fullmatch(normal):
        raise ValueError(f"{name[:100]!r} is no name for an extra")
    return normal
