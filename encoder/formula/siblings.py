"""Builds of one public version in one index, such as 2.5.1 and 2.5.1+cpu: which of them serves which platform.

The PyTorch indexes list 2.5.1+cpu for Linux and Windows and plain 2.5.1 for macOS: neither alone is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import Formula, any_of, matches
from satlock.encoder.markers.tags import installs_on, platforms_of

__all__ = ["divide"]

_SYSTEMS = ("linux", "darwin", "win32", "android", "ios", "emscripten", "wasi")


def divide(siblings: Sequence[Sequence[str]], domain: Domain) -> list[Formula]:
    """The region of each sibling, given its file names, the preferred one first.

    The regions are disjoint and cover the universe. Where nothing installs, the first stands for the version, so
    that it is chosen and its absence can be told.
    """
    platforms = [any_of(platforms_of(name, domain.satisfiable) for name in files) for files in siblings]
    installs = [any_of(installs_on(name) for name in files) for files in siblings]
    regions = [_region(place, platforms, installs, domain) for place in range(1, len(siblings))]
    return [~any_of(regions), *regions]


def _region(place: int, platforms: Sequence[Formula], installs: Sequence[Formula], domain: Domain) -> Formula:
    """Where a build serves that is not the first.

    It has the whole of an operating system where no sibling serves any machine of it, and the platforms that are its
    alone. On those that it shares, the first serves that installs.
    """
    others = any_of(platform for i, platform in enumerate(platforms) if i != place)
    before = any_of(installs[:place])
    parts = []
    for system in _SYSTEMS:
        here = matches("sys_platform", system)
        if not domain.satisfiable(platforms[place], here):
            continue
        if not domain.satisfiable(others, here):
            parts.append(here)
        elif not domain.satisfiable(platforms[place], others, here):
            parts.append(platforms[place] & here)
        else:
            parts += [platforms[place] & ~others & here, installs[place] & others & ~before & here]
    return any_of(parts)
