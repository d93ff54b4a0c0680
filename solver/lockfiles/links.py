"""Which entry of a lock requires which, as far as the file itself says so, and what the project asks for directly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from satlock.corpora.names import canonicalize_name
from satlock.encoder.project.project import Choice
from satlock.records import dataclass
from satlock.solver.lockfiles.markers import condition_of
from satlock.solver.lockfiles.model import (
    ALWAYS,
    Comparison,
    Condition,
    Edge,
    Lockfile,
    LockfileError,
    at_node,
    node_of,
)
from satlock.solver.lockfiles.pyproject import read_pyproject
from satlock.solver.lockfiles.reading import Reading, packages_of
from satlock.solver.lockfiles.requirements import OWN, ProjectLists, read_lists

__all__ = ["Link", "links_of", "members_of"]


@dataclass(frozen=True)
class Link:
    """A requirement that entries of the lock serve."""

    source: int | None
    """The entry that requires; None for the project."""
    extra: str
    """The extra of ``source`` that brings it; empty where it needs none."""
    targets: tuple[int, ...]
    """The entries that may serve it: in each environment the one that is installed there."""
    condition: Condition
    choice: Choice | None = None
    """The extra or group of the project that lists it."""
    member: str = ""
    """The member of the workspace that lists it."""
    node: str = ""
    """The node of the lock that it leaves; empty where it leaves the project itself."""


def links_of(reading: Reading) -> tuple[Link, ...]:
    """Every requirement that a lock tells of, the project's first.

    Raises:
        ProjectError: where the lock or the project cannot be read.
    """
    lockfile = reading.lockfile
    if lockfile.kind == "uv":
        return tuple(_of_uv(lockfile))
    lists, _ = read_lists(reading.beside)
    read = {"pylock": _of_pylock, "poetry": _of_poetry, "pdm": _of_pdm}[lockfile.kind]
    inner = list(read(lockfile, packages_of(reading)))
    roots = list(_of_project(lockfile, lists))
    roots += _of_poetry_project(lockfile, reading.beside) if lockfile.kind == "poetry" else []
    return (*roots, *_loose(lockfile, [*roots, *inner]), *inner)


def members_of(lockfile: Lockfile) -> dict[int, str]:
    """The entries of a ``uv.lock`` that are the project itself, or a member of its workspace, with their names."""
    return {at_node(edge.targets[0])[0]: edge.member for edge in lockfile.edges if _leads_to_member(edge)}


def _leads_to_member(edge: Edge) -> bool:
    return bool(edge.member) and not edge.group


def _of_uv(lockfile: Lockfile) -> Iterator[Link]:
    members = members_of(lockfile)
    for edge in lockfile.edges:
        if _leads_to_member(edge):
            continue
        targets = (at_node(edge.targets[0])[0],)
        if edge.source is None:
            choice = Choice("group", edge.group) if edge.group else None
            yield Link(None, "", targets, edge.condition, choice, edge.member)
            continue
        source, extra = at_node(edge.source)
        if source in members:
            choice = Choice("extra", extra) if extra else None
            yield Link(None, "", targets, edge.condition, choice, members[source], edge.source)
        else:
            yield Link(source, extra, targets, edge.condition, node=edge.source)


def _of_pylock(lockfile: Lockfile, packages: Sequence[Mapping[str, Any]]) -> Iterator[Link]:
    numbers = _by_name(lockfile)
    for number, package in enumerate(packages):
        for told in package.get("dependencies", ()):
            same = numbers.get(canonicalize_name(told.get("name", "")), [])
            targets = tuple(one for one in same if _is_told(told, packages[one]))
            if targets:
                yield Link(number, "", targets, ALWAYS, node=node_of(number))


def _is_told(told: Mapping[str, Any], package: Mapping[str, Any]) -> bool:
    """Whether an entry is the one that a reference to it names (PEP 751, ``packages.dependencies``)."""
    for key, value in told.items():
        there = package.get(key)
        if key == "name":
            continue
        if isinstance(value, dict) and isinstance(there, dict):
            if not _is_told({k: v for k, v in value.items() if k != "name"}, there):
                return False
        elif there != value:
            return False
    return True


def _of_poetry(lockfile: Lockfile, packages: Sequence[Mapping[str, Any]]) -> Iterator[Link]:
    numbers = _by_name(lockfile)
    for number, package in enumerate(packages):
        for name, asked in package.get("dependencies", {}).items():
            targets = tuple(numbers.get(canonicalize_name(name), ()))
            several = asked if isinstance(asked, list) else [asked]
            markers = [one.get("markers", "") if isinstance(one, dict) else "" for one in several]
            if targets:
                yield from (
                    Link(number, "", targets, _condition(marker), node=node_of(number))
                    for marker in dict.fromkeys(markers)
                )


def _of_pdm(lockfile: Lockfile, packages: Sequence[Mapping[str, Any]]) -> Iterator[Link]:
    numbers = _by_name(lockfile)
    entries = {(entry.name, entry.version): entry.number for entry in lockfile.entries}
    for package in packages:
        here = entries.get((canonicalize_name(package["name"]), package.get("version", "")))
        if here is None:
            continue
        for text in package.get("dependencies", ()):
            try:
                asked = Requirement(text)
            except InvalidRequirement:
                continue
            targets = tuple(one for one in numbers.get(canonicalize_name(asked.name), ()) if one != here)
            if targets:
                yield Link(here, "", targets, _condition(str(asked.marker or "")), node=node_of(here))


def _by_name(lockfile: Lockfile) -> dict[str, list[int]]:
    return {name: [entry.number for entry in entries] for name, entries in lockfile.named().items()}


def _condition(marker: str) -> Condition:
    """The condition of a marker in a lock; what it says of extras is decided by who asks, so it asks for nothing."""
    if not marker or "extra" in marker:
        return ALWAYS
    try:
        return condition_of(marker)
    except (ValueError, RecursionError):
        raise LockfileError(f"The lock has the marker {marker[:100]!r}, which is none; write it again.") from None


def _of_project(lockfile: Lockfile, lists: ProjectLists) -> Iterator[Link]:
    """What the project's own lists ask for."""
    numbers = _by_name(lockfile)
    for which, lines in lists.lists.items():
        choice = Choice(*which) if which != OWN else None
        for line in lines:
            if line.name != lists.name and line.name in numbers:
                yield Link(None, "", tuple(numbers[line.name]), _without_extras(line.marker), choice)


def _without_extras(condition: Condition) -> Condition:
    return ALWAYS if isinstance(condition, Comparison) and condition.variable == "extra" else condition


def _of_poetry_project(lockfile: Lockfile, path: Path) -> Iterator[Link]:
    """What ``[tool.poetry]`` lists, in Poetry's own form."""
    table = read_pyproject(path).tool.get("poetry")
    poetry: Any = table.raw if table is not None else {}
    numbers = _by_name(lockfile)
    lists: list[tuple[Choice | None, Any]] = [(None, poetry.get("dependencies", {}))]
    for name, group in (poetry.get("group") or {}).items():
        lists.append((Choice("group", canonicalize_name(name)), (group or {}).get("dependencies", {})))
    for choice, table in lists:
        for name in table:
            if (found := canonicalize_name(name)) in numbers:
                yield Link(None, "", tuple(numbers[found]), ALWAYS, choice)


def _loose(lockfile: Lockfile, links: Iterable[Link]) -> Iterator[Link]:
    """Entries to which nothing leads: the lock does not say who asks for them, so the project is taken to."""
    leading: dict[int | None, list[int]] = {}
    for link in links:
        leading.setdefault(link.source, []).extend(link.targets)
    required = {target for source, targets in leading.items() for target in targets if target != source}
    seen = set[int]()

    def follow(start: Iterable[int]) -> None:
        waiting = [number for number in start if number not in seen]
        while waiting:
            number = waiting.pop()
            seen.add(number)
            waiting += [other for other in leading.get(number, ()) if other not in seen]

    follow(leading.get(None, ()))
    # First what nobody requires, then, in cycles that nothing leads to, whoever comes first.
    for entry in sorted(lockfile.entries, key=lambda one: (one.number in required, one.number)):
        if entry.number not in seen:
            yield Link(None, "", (entry.number,), ALWAYS)
            follow((entry.number,))
