"""Which choices of a project bring which others along in every environment, as far as its files say so.

A conflict may be between extras of other packages, members of the workspace above all. What the project chooses for
itself then excludes each other if it brings these along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from encoder.values import Value
from encoder.workspace import workspace_of

__all__ = ["ALWAYS_ON", "Thing", "conflicts_of", "is_own", "pulls_of"]

Thing: TypeAlias = tuple[str, str, str]
"""(``extra``, ``group`` or ``project``, name, package): something that can be active. The project itself has no name
as a package."""

ALWAYS_ON: Thing = ("project", "", "")
"""The project itself."""


def is_own(thing: Thing) -> bool:
    """Whether it is something that is chosen for the project itself."""
    return thing[0] != "project" and not thing[2]


def conflicts_of(path: Path, top: Mapping[str, Value]) -> Iterator[tuple[Thing, ...]]:
    """The conflicts that the project at ``path`` and its workspace state."""
    own = _name(top)
    yield from _conflicts(top, own, own)
    workspace = workspace_of(path)
    if workspace is not None:
        from .reading import parse

        for file in dict.fromkeys((workspace.root, *workspace.members.values())):
            if not file.samefile(path):
                other = parse(file)
                yield from _conflicts(other, own, _name(other))


def _conflicts(top: Mapping[str, Value], own: str, owner: str) -> Iterator[tuple[Thing, ...]]:
    tool = top["tool"].table() if "tool" in top else {}
    tables = [tool[name].table() for name in ("uv", "satlock") if name in tool]
    stated = next((table["conflicts"] for table in reversed(tables) if "conflicts" in table), None)
    for members in stated.items() if stated is not None else ():
        things = (_thing(item, own, owner) for item in members.items())
        yield tuple(dict.fromkeys(thing for thing in things if thing is not None))


def _thing(item: Value, own: str, owner: str) -> Thing | None:
    """The member of a conflict that an entry names, which the file of ``owner`` states."""
    table = item.table()
    package = table["package"].name("package name") if "package" in table else owner
    package = "" if package == own else package
    for kind in ("extra", "group"):
        if kind in table:
            return kind, table[kind].name(f"name of a {kind}"), package
    return ("project", "", package) if "package" in table else None


def pulls_of(path: Path, top: Mapping[str, Value]) -> dict[Thing, tuple[Thing, ...]]:
    """For each thing the others that bring it along, the project at ``path`` and the members of its workspace asked."""
    direct: dict[Thing, set[Thing]] = {}
    own = _name(top)
    for here, target in _edges(top, own, ""):
        direct.setdefault(here, set()).add(target)
    workspace = workspace_of(path)
    for name, file in workspace.members.items() if workspace is not None else ():
        if name != own:
            from .reading import parse

            for here, target in _edges(parse(file), own, name):
                direct.setdefault(here, set()).add(target)
    found: dict[Thing, set[Thing]] = {}
    for start in direct:
        todo, seen = [start], {start}
        while todo:
            for other in direct.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
                    found.setdefault(other, set()).add(start)
    return {thing: tuple(sorted(by)) for thing, by in found.items()}


def _name(top: Mapping[str, Value]) -> str:
    project = top["project"].table() if "project" in top else {}
    return project["name"].name() if "name" in project else ""


def _edges(top: Mapping[str, Value], own: str, package: str) -> Iterator[tuple[Thing, Thing]]:
    """What the things of one package bring along without a marker."""
    project = top["project"].table() if "project" in top else {}
    lists: list[tuple[Thing, Value]] = []
    if "dependencies" in project:
        lists.append((("project", "", package), project["dependencies"]))
    extras = project.get("optional-dependencies")
    for key, items in extras.table().items() if extras is not None else ():
        lists.append((("extra", extras.key_name(key, "name of an extra"), package), items))  # type: ignore[union-attr]
    groups = top.get("dependency-groups")
    for key, items in groups.table().items() if groups is not None else ():
        lists.append((("group", groups.key_name(key, "name of a group"), package), items))  # type: ignore[union-attr]
    for here, items in lists:
        if here[0] == "extra" and package:
            yield here, ("project", "", package)
        for item in items.items():
            if isinstance(item.raw, dict):
                if "include-group" in item.raw:
                    yield here, ("group", item.table()["include-group"].name("name of a group"), package)
                continue
            try:
                requirement = Requirement(item.text())
            except InvalidRequirement:
                continue
            if requirement.marker is None:
                name = canonicalize_name(requirement.name)
                target = "" if name == own else name
                if target:
                    yield here, ("project", "", target)
                yield from ((here, ("extra", canonicalize_name(extra), target)) for extra in requirement.extras)
