"""``requires-python`` as ranges of releases, and its spelling in a ``uv.lock``: each set of Pythons has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

__all__ = ["Bound", "release_ranges", "spelled_by_uv"]


class Bound(NamedTuple):
    """A place between two releases."""

    release: tuple[float, ...]
    """Without trailing zeros."""
    after: bool
    """Whether it is behind this release, and not before it."""


Range = tuple[Bound, Bound]
_FIRST, _LAST = Bound((), False), Bound((float("inf"),), False)


def release_ranges(specifiers: SpecifierSet) -> tuple[Range, ...]:
    """The releases that specifiers admit, in order, as ranges that do not touch.

    As in uv only releases count: ``>=3.10rc1`` begins at 3.10, and ``<3.14`` ends before the pre-releases of 3.14. The
    ranges of ``packaging.ranges`` tell pre-releases apart, so two spellings of one set of releases would differ there.
    """
    found: list[Range] = [(_FIRST, _LAST)]
    for specifier in specifiers:
        others = _ranges(specifier)
        found = [
            (max(low, start), min(high, end))
            for low, high in found
            for start, end in others
            if max(low, start) < min(high, end)
        ]
    return tuple(sorted(found))


def _ranges(specifier: Specifier) -> list[Range]:
    text = specifier.version.removesuffix(".*")
    release = Version(text).release
    below, above = Bound(_trimmed(release), False), Bound(_trimmed(release), True)
    if specifier.operator == "~=":
        above = Bound(_trimmed(_next(release[:-1])), False)
    elif text != specifier.version:
        above = Bound(_trimmed(_next(release)), False)
    match specifier.operator:
        case ">=":
            return [(below, _LAST)]
        case ">":
            return [(above, _LAST)]
        case "<":
            return [(_FIRST, below)]
        case "<=":
            return [(_FIRST, above)]
        case "!=":
            return [(_FIRST, below), (above, _LAST)]
    return [(below, above)]


def _next(release: tuple[int, ...]) -> tuple[int, ...]:
    return (*release[:-1], release[-1] + 1)


def _trimmed(release: Iterable[int]) -> tuple[int, ...]:
    parts = [*release]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def spelled_by_uv(specifiers: SpecifierSet) -> SpecifierSet:
    """The same Pythons in uv's words: one lower bound, one upper bound, and the gaps between."""
    written = {_trimmed(release): ".".join(map(str, release)) for release in _releases(specifiers)}

    def text(bound: Bound) -> str:
        known = tuple(int(part) for part in bound.release)
        return written.get(known, ".".join(map(str, known or (0,))))

    ranges = release_ranges(specifiers)
    if not ranges:
        return specifiers
    said: list[str] = []
    for (_, end), (start, _) in pairwise(ranges):
        if end.release == start.release:
            said.append(f"!={text(end)}")
        else:
            said += _gap(end, start)
    (low, _), (_, high) = ranges[0], ranges[-1]
    if (low.release, low.after, high.after) == (high.release, False, True):
        said.append(f"=={text(low)}")
    elif not (low.after or high.after) and 0 < len(low.release) <= 2 and _is_next_minor(low, high):
        said.append(f"=={_minor(low)}.*")
    else:
        said += [f"{'>' if low.after else '>='}{text(low)}"] if low != _FIRST else []
        said += [f"{'<=' if high.after else '<'}{text(high)}"] if high != _LAST else []
    return SpecifierSet(",".join(said))


def _releases(specifiers: SpecifierSet) -> Iterator[tuple[int, ...]]:
    for specifier in specifiers:
        yield Version(specifier.version.removesuffix(".*")).release


def _is_next_minor(low: Bound, high: Bound) -> bool:
    (major, minor), (other, following) = ((*bound.release, 0)[:2] for bound in (low, high))
    return len(high.release) <= 2 and major == other and following == minor + 1


def _minor(bound: Bound) -> str:
    return ".".join(str(int(part)) for part in (*bound.release, 0)[:2])


def _gap(end: Bound, start: Bound) -> list[str]:
    """The minor versions between two ranges; a gap that is no whole number of them uv does not write."""
    if end.after or start.after or max(len(end.release), len(start.release)) > 2:
        return []
    (major, minor), (other, following) = ((*(int(part) for part in bound.release), 0)[:2] for bound in (end, start))
    return [f"!={major}.{m}.*" for m in range(minor, following)] if major == other else []
