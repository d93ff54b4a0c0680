"""Random projects whose extras, groups and members bring each other along, some of it under markers.

What excludes each other is decided here by following these steps in one environment at a time.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.prove.deciding_locks import Deciding
from tests.prove.random_locks import Marker, holds, random_marker, told_apart, written

Thing = tuple[str, str, str]
"""``extra``, ``group`` or ``project``, its name, and the package it belongs to."""

APP: Thing = ("project", "", "app")
SIDE: Thing = ("project", "", "side")


@dataclass
class RandomProject:
    """A project ``app``, and perhaps the member ``side`` of its workspace."""

    things: list[Thing]
    """Those that have a list of requirements."""
    steps: list[tuple[Thing, Thing, Marker | None]] = field(default_factory=list)
    conflicts: list[list[Thing]] = field(default_factory=list)
    """Each stated by the package of its first member."""

    def in_force(self, chosen: set[Thing], environment: dict[str, str]) -> set[Thing]:
        """What is chosen, with all that it brings along; an extra of ``side`` brings ``side``."""
        found = set(chosen)
        while True:
            more = {brought for by, brought, marker in self.steps
                    if by in found and holds(marker, environment, set().__contains__)}  # fmt: skip
            more |= {SIDE for kind, _, package in found | more if kind == "extra" and package == "side"}
            if more <= found:
                return found
            found |= more

    def admits(self, chosen: set[Thing], environment: dict[str, str]) -> bool:
        force = self.in_force(chosen, environment)
        return all(len(force.intersection(members)) < 2 for members in self.conflicts)


def random_project(chance: random.Random, extras: tuple[str, ...], groups: tuple[str, ...]) -> RandomProject:
    things = [APP, *(("extra", name, "app") for name in extras), *(("group", name, "app") for name in groups)]
    if chance.random() < 0.4:
        things += [SIDE, ("extra", "x", "side"), ("extra", "y", "side")]
    found = RandomProject(things)
    brought = [thing for thing in things if thing[0] == "extra"]
    for _ in range(chance.randint(1, 7)):
        by, target = chance.choice(things), chance.choice([*brought, *([SIDE] if SIDE in things else [])])
        if by != target and not (by == APP and chance.random() < 0.6):
            marker = random_marker(chance, [], chance.choice((0, 0, 1, 2))) if chance.random() < 0.75 else None
            found.steps.append((by, target, marker))
    mine = [thing for thing in things if thing[0] == "group"]
    if len(mine) > 1 and chance.random() < 0.3:
        found.steps.append((mine[0], mine[1], None))
    for _ in range(chance.randint(1, 2)):
        found.conflicts.append(chance.sample(things, chance.randint(2, 3)))
    return found


def write_project(project: RandomProject, folder: Path) -> None:
    """Writes ``pyproject.toml``, and that of the member where there is one."""
    for package in dict.fromkeys(thing[2] for thing in project.things):
        place = folder if package == "app" else folder / package
        place.mkdir(exist_ok=True)
        (place / "pyproject.toml").write_text(_text(project, package))


def _text(project: RandomProject, package: str) -> str:
    lines = ["[project]", f'name = "{package}"', 'version = "1"']
    tables: dict[str, list[str]] = {"project": [], "extra": [], "group": []}
    for thing in project.things:
        kind, name, owner = thing
        if owner == package:
            items = ['"numpy"', *(_item(step) for step in project.steps if step[0] == thing)]
            tables[kind].append(f"{name or 'dependencies'} = [{', '.join(items)}]")
    lines += [*tables["project"], "[project.optional-dependencies]", *tables["extra"]]
    lines += ["[dependency-groups]", *tables["group"], "[tool.uv]"]
    stated = [members for members in project.conflicts if members[0][2] == package]
    sets = ("[" + ", ".join(_member(thing, package) for thing in members) + "]" for members in stated)
    lines.append(f"conflicts = [{', '.join(sets)}]")
    if package == "app" and SIDE in project.things:
        lines += ["[tool.uv.workspace]", 'members = ["s*"]']
    return "\n".join(lines) + "\n"


def _item(step: tuple[Thing, Thing, Marker | None]) -> str:
    _, (kind, name, owner), marker = step
    if kind == "group":
        return f'{{ include-group = "{name}" }}'
    extras = f"[{name}]" if name else ""
    return f'"{owner}{extras}{" ; " + written(marker, str) if marker is not None else ""}"'


def _member(thing: Thing, package: str) -> str:
    kind, name, owner = thing
    parts = [f'package = "{owner}"'] if owner != package or kind == "project" else []
    return "{ " + ", ".join([*parts, *([f'{kind} = "{name}"'] if name else [])]) + " }"


def truth_under(
    lock: Deciding, project: RandomProject, kind: str, choices: tuple[tuple[str, str], ...]
) -> set[str] | None:
    """The names of which some admitted environment installs two entries; None where none is admitted."""
    twice: set[str] = set()
    admitted = False
    environments = told_apart([*(marker for *_, marker in lock), *(marker for *_, marker in project.steps)])
    for count in range(len(choices) + 1):
        for on in map(set, itertools.combinations(choices, count)):
            for environment in environments:
                if not project.admits(_chosen(on, kind), environment):
                    continue
                admitted = True
                names = [name for name, _, groups, marker in lock
                         if (not groups or on.intersection(("group", group) for group in groups))
                         and holds(marker, environment, on.__contains__)]  # fmt: skip
                twice.update(name for name in names if names.count(name) > 1)
    return twice if admitted else None


def _chosen(on: set[tuple[str, str]], kind: str) -> set[Thing]:
    """What a person chose of the project by these choices: PDM calls extras groups, and Poetry the project itself."""
    found: set[Thing] = {(what, name, "app") for what, name in on}
    if kind == "pdm":
        found |= {("extra", name, "app") for _, name in on}
    itself = {"poetry": ("group", "main"), "pdm": ("group", "default")}.get(kind)
    return found | {APP} if itself is None or itself in on else found
