"""What uv refuses to install of a ``uv.lock`` before it walks: members that bring each other's rivals along.

Before it walks, uv looks which members of the workspace the chosen ones reach, whatever the markers on the way say. A
conflict with one of them counts as if that one had been chosen (``detect_conflicts``, uv 0.13.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TypeAlias

from satlock.encoder.project.values import Value
from satlock.solver.lockfiles.model import PRODUCTION, Switch
from satlock.solver.lockfiles.pyproject import keyed

__all__ = ["rivals_of"]

Way: TypeAlias = frozenset[Switch]
"""Switches that are on together."""
_Node: TypeAlias = tuple[str, str]
"""A package, and one of its extras or nothing."""

_MOST_WAYS = 4096
"""For how many combinations two members are compared; beyond that a refusal may go unnoticed, and proofs are harder."""


def rivals_of(
    packages: Sequence[dict[str, Value]],
    members: Iterable[str],
    conflicts: Iterable[Sequence[tuple[str, str, str]]],
) -> tuple[tuple[Switch, ...], ...]:
    """The sets of switches that uv refuses together, without those that name both members of a conflict themselves.

    Args:
        members: of the workspace.
        conflicts: (kind, package, name) of each member of each set.
    """
    tables = {package["name"].name(): package for package in packages}
    after = {node: nodes for name, table in tables.items() for node, nodes in _nodes(name, table)}
    ways: dict[str, set[Way]] = {}
    for member in members:
        for way, start in _choices(member, tables[member]):
            for reached in _closure(start, after) & tables.keys():
                ways.setdefault(reached, set()).add(way)
        ways.setdefault(member, set()).add(frozenset((Switch("project", member),)))
    found: dict[Way, None] = {}
    for things in conflicts:
        for one, other in combinations(things, 2):
            found.update(dict.fromkeys(_together(one, other, ways)))
    return tuple(tuple(sorted(way)) for way in found)


def _choices(member: str, table: dict[str, Value]) -> Iterator[tuple[Way, list[_Node]]]:
    """What can be chosen of a member, and what that starts with."""
    project = Switch("project", member)
    yield frozenset((project, PRODUCTION)), [(member, "")]
    for extra, _ in keyed(table.get("optional-dependencies"), "extra"):
        yield frozenset((project, PRODUCTION, Switch("extra", extra))), [(member, extra)]
    for group, items in keyed(table.get("dev-dependencies", table.get("dependency-groups")), "group"):
        yield frozenset((project, Switch("group", group))), [*_targets(items)]


def _targets(items: Value | None) -> Iterator[_Node]:
    for item in items.items() if items is not None else ():
        table = item.table()
        name = table["name"].name()
        yield name, ""
        for extra in table["extra"].items() if "extra" in table else ():
            yield name, extra.name()


def _nodes(name: str, table: dict[str, Value]) -> Iterator[tuple[_Node, list[_Node]]]:
    """A package and each of its extras, with what they lead to."""
    yield (name, ""), [*_targets(table.get("dependencies"))]
    for extra, items in keyed(table.get("optional-dependencies"), "extra"):
        yield (name, extra), [*_targets(items)]


def _closure(start: Iterable[_Node], after: Mapping[_Node, list[_Node]]) -> set[str]:
    """The packages that nodes reach, whatever markers say."""
    seen = set(start)
    todo = list(seen)
    while todo:
        new = {node for node in after.get(todo.pop(), ()) if node not in seen}
        seen |= new
        todo += new
    return {name for name, _ in seen}


def _together(one: tuple[str, str, str], other: tuple[str, str, str], ways: Mapping[str, set[Way]]) -> list[Way]:
    """The least choices for which two members of a conflict count both, but for those of the two themselves."""
    (mine, itself), (theirs, too) = (_active(thing, ways) for thing in (one, other))
    if one == other or len(mine) * len(theirs) > _MOST_WAYS or len(mine) + len(theirs) == 2:
        return []
    both = {here | there for here, there in product(mine, theirs)}
    least = [way for way in both if not any(less < way for less in both)]
    return sorted((way for way in least if not itself | too <= way), key=sorted)


def _active(thing: tuple[str, str, str], ways: Mapping[str, set[Way]]) -> tuple[set[Way], Way]:
    """For which choices a member of a conflict counts, and that of it alone."""
    kind, package, name = thing
    chosen = frozenset((PRODUCTION if kind == "project" else Switch(kind, name),))
    return {way | chosen for way in ways.get(package, ())}, chosen | {Switch("project", package)}
