"""Builds of one public version in one index, such as 2.5.1 and 2.5.1+cpu: which of them serves which platform.

The PyTorch indexes list 2.5.1+cpu for Linux and Windows and plain 2.5.1 for macOS: neither alone is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, Formula, any_of, matches
from satlock.encoder.markers.tags import installs_on, platforms_of

__all__ = ["divide"]

_SYSTEMS = ("linux", "darwin", "win32", "android", "ios", "emscripten", "wasi")


def divide(siblings: Sequence[Sequence[str]], domain: Domain) -> list[Formula]:
    """The region of each sibling, given its file names, the preferred one first.

    The regions are disjoint and cover the universe. Where nothing installs, the first stands for the version, so
    that it is chosen and its absence can be told.
    """
    platforms = [any_of(platforms_of(name, domain.satisfiable) for name in files) for files in siblings]
    if any(domain.satisfiable(one, other) for one, other in combinations(platforms, 2)):
        regions = _first_that_installs(siblings)
    else:
        regions = [FALSE, *(_in_short(i, platforms, domain) for i in range(1, len(platforms)))]
    return [~any_of(regions[1:]), *regions[1:]]


def _first_that_installs(siblings: Sequence[Sequence[str]]) -> list[Formula]:
    regions: list[Formula] = []
    taken: Formula = FALSE
    for files in siblings:
        installs = any_of(installs_on(name) for name in files)
        regions.append(installs & ~taken)
        taken = taken | installs
    return regions


def _in_short(place: int, platforms: Sequence[Formula], domain: Domain) -> Formula:
    """A build's platforms; the whole of an operating system where no sibling serves any machine of it."""
    others = any_of(platform for i, platform in enumerate(platforms) if i != place)
    parts = []
    for system in _SYSTEMS:
        here = matches("sys_platform", system)
        if domain.satisfiable(platforms[place], here):
            parts.append(platforms[place] & here if domain.satisfiable(others, here) else here)
    return any_of(parts)
