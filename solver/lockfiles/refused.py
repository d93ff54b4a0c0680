"""What uv refuses to install of a ``uv.lock`` before it walks: members that bring each other's rivals along.

Before it walks, uv looks which members of the workspace the chosen ones reach, whatever the markers on the way say. A
conflict with one of them counts as if that one had been chosen (``detect_conflicts``, uv 0.13.9).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import TypeAlias

from satlock.encoder.markers.regions import closure
from satlock.solver.lockfiles.model import PRODUCTION, Lockfile, Switch, Thing, at_node

__all__ = ["rivals_of"]

Way: TypeAlias = frozenset[Switch]
"""Switches that are on together."""
_Node: TypeAlias = tuple[str, str]
"""A package, and one of its extras or nothing."""

_MOST_WAYS = 4096
"""For how many combinations two members are compared; beyond that a refusal may go unnoticed, and proofs are harder."""


def rivals_of(lock: Lockfile) -> tuple[tuple[Switch, ...], ...]:
    """The sets of switches that uv refuses together, without those that name both members of a conflict themselves."""
    after = _steps(lock)
    ways: dict[str, set[Way]] = {}
    for member, way, start in _choices(lock):
        for reached in {name for name, _ in closure(start, lambda node: after.get(node, ()))}:
            ways.setdefault(reached, set()).add(way)
        ways.setdefault(member, set()).add(frozenset((Switch("project", member),)))
    found: dict[Way, None] = {}
    for members in lock.conflicts:
        for one, other in combinations((member.thing for member in members), 2):
            found.update(dict.fromkeys(_together(one, other, ways)))
    return tuple(tuple(sorted(way)) for way in found)


def _choices(lock: Lockfile) -> Iterator[tuple[str, Way, list[_Node]]]:
    """What can be chosen of each member, and what that starts with."""
    groups: dict[tuple[str, str], list[_Node]] = {}
    for edge in lock.edges:
        if edge.source is not None or not edge.member:
            continue
        targets = [_named(lock, node) for node in edge.targets]
        if edge.group:
            groups.setdefault((edge.member, edge.group), []).extend(targets)
            continue
        for _, extra in targets:
            chosen = [PRODUCTION, *([Switch("extra", extra)] if extra else [])]
            yield edge.member, frozenset((Switch("project", edge.member), *chosen)), targets
    for (member, group), targets in groups.items():
        yield member, frozenset((Switch("project", member), Switch("group", group))), targets


def _named(lock: Lockfile, node: str) -> _Node:
    number, extra = at_node(node)
    return lock.entries[number].name, extra


def _steps(lock: Lockfile) -> dict[_Node, list[_Node]]:
    """What packages and their extras lead to. Of several entries of one name uv looks at the last."""
    last = {entry.name: entry.number for entry in lock.entries}
    after: dict[_Node, list[_Node]] = {}
    for edge in lock.edges:
        if edge.source is not None:
            here = _named(lock, edge.source)
            if last[here[0]] == at_node(edge.source)[0]:
                after.setdefault(here, []).extend(_named(lock, node) for node in edge.targets)
    return after


def _together(one: Thing, other: Thing, ways: Mapping[str, set[Way]]) -> list[Way]:
    """The least choices for which two members of a conflict count both, but for those of the two themselves."""
    (mine, itself), (theirs, too) = (_active(thing, ways) for thing in (one, other))
    if one == other or len(mine) * len(theirs) > _MOST_WAYS or len(mine) + len(theirs) == 2:
        return []
    both = {here | there for here, there in product(mine, theirs)}
    least = [way for way in both if not any(less < way for less in both)]
    return sorted((way for way in least if not itself | too <= way), key=sorted)


def _active(thing: Thing, ways: Mapping[str, set[Way]]) -> tuple[set[Way], Way]:
    """For which choices a member of a conflict counts, and that of it alone."""
    kind, name, package = thing
    chosen = frozenset((PRODUCTION if kind == "project" else Switch(kind, name),))
    return {way | chosen for way in ways.get(package, ())}, chosen | {Switch("project", package)}
