"""The conflicts of a project as uv has them, and what uv does not see of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import combinations

from satlock.encoder.markers.marker import FALSE, with_choices
from satlock.encoder.project.project import Choice, Project, ProjectError
from satlock.encoder.project.universe import Universe

__all__ = ["expanded", "refuse_unseen"]

Conflict = frozenset[Choice]


def expanded(project: Project) -> tuple[Conflict, ...]:
    """The sets that uv works with: those that are stated, then those that follow from groups that include others."""
    stated = [frozenset(members) for members in project.conflicts]
    inferred: dict[Conflict, None] = {}
    for included, includers in _includers(project.group_includes).items():
        for members in [*stated, *inferred]:
            if included in members:
                found = (members - {included} | {by} for by in includers)
                inferred.update((new, None) for new in found if new not in stated and len(new) > 1)
    return (*stated, *inferred)


def _includers(includes: Mapping[str, tuple[str, ...]]) -> dict[Choice, list[Choice]]:
    """For each group those that include it, over any number of steps."""
    found: dict[Choice, list[Choice]] = {}
    for name in includes:
        todo, seen = [name], {name}
        while todo:
            for other in includes.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
                    found.setdefault(Choice("group", other), []).append(Choice("group", name))
    return found


def refuse_unseen(project: Project, universe: Universe, seen: tuple[Conflict, ...]) -> None:
    """Refuses a project where uv lets choices be made together that bring conflicting ones along.

    The lock says nothing of them, so that uv would install whatever comes.

    Raises:
        ProjectError: names the conflict that uv has to be told of.
    """
    pairs = {frozenset(pair) for members in seen for pair in combinations(members, 2)}
    for members in project.conflicts:
        for one, other in combinations(dict.fromkeys(members), 2):
            for first in _bringing(universe, one):
                for second in _bringing(universe, other):
                    chosen = dict.fromkeys(choice for choice in (first, second) if choice is not None)
                    if len(chosen) == 2 and frozenset(chosen) in pairs:
                        continue
                    raise ProjectError(_unseen(project, one, other, tuple(chosen)))


def _bringing(universe: Universe, choice: Choice) -> Iterator[Choice | None]:
    """What makes a choice active; None where it always is, at least somewhere."""
    if with_choices(universe.active[choice], frozenset()) is not FALSE:
        yield None
        return
    for other in universe.active:
        if with_choices(universe.active[choice], frozenset((other,))) is not FALSE:
            yield other


def _unseen(project: Project, one: Choice, other: Choice, chosen: tuple[Choice, ...]) -> str:
    if len(chosen) < 2:
        what = f"{chosen[0]} brings" if chosen else "the project's own dependencies bring"
        return (
            f"{project.path}: {what} both {one} and {other}, which are in conflict, and uv lets it be installed; "
            "drop one of them there, or write a pylock.toml."
        )
    entry = ", ".join(map(_spelled, chosen))
    return (
        f"{project.path}: {chosen[0]} and {chosen[1]} bring {one} and {other}, which are in conflict, and uv does not "
        f"see that; add [{entry}] to tool.uv.conflicts for a uv.lock, or write a pylock.toml."
    )


def _spelled(choice: Choice) -> str:
    """A choice as an entry of ``conflicts``."""
    keys = {"package": choice.package, choice.kind: choice.name}
    return f"{{ {', '.join(f'{key} = {json.dumps(said)}' for key, said in keys.items() if said)} }}"
