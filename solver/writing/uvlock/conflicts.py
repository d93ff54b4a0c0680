"""The conflicts of a project as uv has them, and what uv makes of choices that bring conflicting ones along."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from satlock.encoder.markers.marker import FALSE, with_choices
from satlock.encoder.project.project import Choice, Project, ProjectError
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass
from satlock.solver.writing.uvlock.hashed import Item, Table, hash_of_item, hash_of_set

__all__ = ["Conflict", "Unlisted", "expanded", "unlisted", "warning_of_export"]

Conflict = frozenset[Choice]


def expanded(project: Project) -> tuple[Conflict, ...]:
    """The sets that uv works with: those that are stated, then those that follow from groups that include others.

    All in the order in which uv has them.
    """
    stated = [frozenset(members) for members in project.conflicts]
    if not project.group_includes or not any(item.kind == "group" for members in stated for item in members):
        return tuple(stated)
    name = project.name or ""
    known: dict[frozenset[Item], None] = {_items(members, name): None for members in stated}
    seeded = len(known)
    substitutes = _substitutes(list(known), project)
    for item in _ordered(substitutes):
        found: Table[frozenset[Item]] = Table(hash_of_set)
        for members in known:
            for by in substitutes[item] if item in members else ():
                if (new := members - {item} | {by}) not in known:
                    found.add(new)
        known |= dict.fromkeys(found)
    inferred = list(known)[seeded:]
    return (*stated, *(frozenset(_choice(item, name) for item in members) for members in inferred))


def _items(members: Conflict, name: str) -> frozenset[Item]:
    return frozenset((choice.package or name, choice.kind, choice.name) for choice in members)


def _choice(item: Item, name: str) -> Choice:
    package, kind, named = item
    return Choice(kind, named, "" if package == name else package)  # type: ignore[arg-type]  # it was one


def _ordered(substitutes: Mapping[Item, object]) -> Iterator[Item]:
    table: Table[Item] = Table(hash_of_item)
    for item in substitutes:
        table.add(item)
    return iter(table)


def _substitutes(stated: Sequence[frozenset[Item]], project: Project) -> dict[Item, Table[Item]]:
    """For each group in a conflict those that include it, over any number of steps."""
    kinds = {"extra": 0, "group": 1, "project": 2}
    nodes: dict[str, Item] = {}
    carried: dict[str, Table[Item]] = {}
    for members in stated:
        for item in sorted(members, key=lambda item: (item[0], kinds[item[1]], item[2])):
            if item[1] == "group" and item[2] not in nodes:
                nodes[item[2]] = item
                carried[item[2]] = Table(hash_of_item)
                carried[item[2]].add(item)
    for group in sorted(project.groups):
        if group not in nodes:
            nodes[group] = (project.name or "", "group", group)
            carried[group] = Table(hash_of_item)
    includers: dict[str, list[str]] = {group: [] for group in nodes}
    for group in sorted(project.group_includes):
        for included in project.group_includes[group]:
            includers[included].insert(0, group)
    found: dict[Item, Table[Item]] = {}
    for group in _included_first(includers):
        for by in includers[group]:
            for item in carried[group]:
                found.setdefault(item, Table(hash_of_item)).add(nodes[by])
            carried[by].update(carried[group])
    return found


def _included_first(includers: Mapping[str, Sequence[str]]) -> list[str]:
    """The groups, each before those that include it."""
    finished: dict[str, None] = {}
    seen: set[str] = set()
    for start in includers:
        waiting = [start]
        while waiting:
            group = waiting[-1]
            if group in seen:
                finished.setdefault(waiting.pop())
                continue
            seen.add(group)
            waiting += (by for by in includers[group] if by not in seen)
    return list(reversed(finished))


@dataclass(frozen=True)
class Unlisted:
    """Two choices that no set lists, and that bring along two that are in conflict."""

    chosen: tuple[Choice, ...]
    """One, where it brings both."""
    brought: tuple[Choice, Choice]

    def __str__(self) -> str:
        verb = "bring" if len(self.chosen) > 1 else "brings"
        return f"{' and '.join(map(str, self.chosen))} {verb} {self.brought[0]} and {self.brought[1]}"

    def entry(self, project: str) -> str:
        """As a set of ``conflicts`` in the file of ``project``."""
        return f"[{', '.join(_spelled(choice, project) for choice in self.chosen)}]"


def unlisted(project: Project, universe: Universe, seen: Iterable[Conflict]) -> tuple[Unlisted, ...]:
    """The choices that bring conflicting ones along without being listed as a conflict.

    uv refuses their installation, where the lock has the steps from the one to the other: while it follows them, it
    finds two extras active that are in conflict. It looks at extras alone.

    Raises:
        ProjectError: names what uv would let be installed together. The lock says nothing of that, so that uv would
            install whatever comes.
    """
    pairs = {frozenset(pair) for members in seen for pair in combinations(members, 2)}
    found: dict[Unlisted, None] = {}
    for members in project.conflicts:
        for one, other in combinations(dict.fromkeys(members), 2):
            for first in _bringing(universe, one):
                for second in _bringing(universe, other):
                    chosen = _together(first, second)
                    if frozenset((first, second)) in pairs or (len(chosen) == 2 and frozenset(chosen) in pairs):
                        continue
                    new = Unlisted(chosen, (one, other))
                    told = frozenset((one, other)) in pairs and None not in (first, second)
                    if not told or not _is_refused(new, project):
                        raise ProjectError(_let_through(project, new))
                    found[new] = None
    return tuple(found)


def warning_of_export(project: Project, universe: Universe, seen: Iterable[Conflict]) -> str | None:
    """What a person has to know where conflicts are not listed: uv does not look at them when it exports a lock.

    Of those it looks at projects alone, as before an installation.
    """
    met = [one for one in unlisted(project, universe, seen) if any(choice.kind != "project" for choice in one.brought)]
    if not met:
        return None
    more = f" (and {len(met) - 1} more)" if len(met) > 1 else ""
    advice = f"; add {met[0].entry(project.name or '')} to tool.uv.conflicts" if len(met[0].chosen) > 1 else ""
    return (
        f"{met[0]}, which are in conflict{more}: uv sync refuses that, but uv export writes what both require{advice}."
    )


def _together(*choices: Choice | None) -> tuple[Choice, ...]:
    """The choices without repetition, and without the project that an extra is installed with anyway."""
    found = dict.fromkeys(choice for choice in choices if choice is not None)
    owners = {choice.package for choice in found if choice.kind == "extra"}
    return tuple(choice for choice in found if choice.kind != "project" or choice.package not in owners)


def _bringing(universe: Universe, choice: Choice) -> Iterator[Choice | None]:
    """What makes a choice active; None where it always is, at least somewhere."""
    active = universe.active[choice]
    if with_choices(active, frozenset()) is not FALSE:
        yield None
        return
    for other in universe.active:
        itself = Choice("project", "", other.package)
        if with_choices(active, frozenset((other, itself) if other.kind == "extra" else (other,))) is FALSE:
            continue
        if other.kind != "extra" or with_choices(active, frozenset((itself,))) is FALSE:
            yield other


def _is_refused(met: Unlisted, project: Project) -> bool:
    """Whether uv refuses an installation: two extras, each of which it sees become active, or two projects.

    Before it follows a lock it looks at all projects that are reached, unless groups are installed alone.
    """
    alone = all(choice.kind == "group" for choice in met.chosen)
    if not alone and all(choice.kind == "project" and choice.package for choice in met.brought):
        return True
    if any(choice.kind != "extra" for choice in met.brought):
        return False
    first = met.chosen[0]
    return len(met.chosen) == 2 or (not first.package and (first.kind != "project" or bool(project.members)))


def _let_through(project: Project, met: Unlisted) -> str:
    if len(met.chosen) < 2:
        what = f"{met.chosen[0]} brings" if met.chosen else "the project's own dependencies bring"
        return (
            f"{project.path}: {what} both {met.brought[0]} and {met.brought[1]}, which are in conflict, and uv lets it "
            "be installed; drop one of them there, or write a pylock.toml."
        )
    entry = met.entry(project.name or "")
    return (
        f"{project.path}: {met}, which are in conflict, and uv does not see that; add {entry} to tool.uv.conflicts for "
        "a uv.lock, or write a pylock.toml."
    )


def _spelled(choice: Choice, project: str) -> str:
    """A choice as an entry of ``conflicts``."""
    package = choice.package or (project if choice.kind == "project" else "")
    keys = {"package": package, choice.kind: choice.name}
    return f"{{ {', '.join(f'{key} = {json.dumps(said)}' for key, said in keys.items() if said)} }}"
