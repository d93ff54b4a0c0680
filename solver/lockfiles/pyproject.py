"""What a ``pyproject.toml`` says to whoever reads the lock beside it, read no further than somebody asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from satlock.encoder.project.tables import tables_of
from satlock.encoder.project.values import Value
from satlock.encoder.project.workspace import workspace_of
from satlock.records import dataclass

__all__ = ["Pyproject", "keyed", "read_pyproject"]


@dataclass(frozen=True)
class Pyproject:
    """What a ``pyproject.toml`` says."""

    top: Mapping[str, Value]

    @property
    def project(self) -> dict[str, Value]:
        return self.top["project"].table() if "project" in self.top else {}

    @property
    def tool(self) -> dict[str, Value]:
        return self.top["tool"].table() if "tool" in self.top else {}

    @property
    def settings(self) -> list[dict[str, Value]]:
        """``tool.uv`` and ``tool.satlock``, as far as they are there; the latter wins."""
        return [self.tool[name].table() for name in ("uv", "satlock") if name in self.tool]

    @property
    def name(self) -> str:
        """Of the project; empty where it has none."""
        return self.project["name"].name() if "name" in self.project else ""

    def pythons(self) -> dict[str, str]:
        """For which Pythons each group is that says so, as a marker; what they leave out in between is not heard."""
        found: dict[str, str] = {}
        for table in self.settings:
            for group, said in keyed(table.get("dependency-groups"), "group"):
                value = said.table().get("requires-python")
                bounds = sorted(str(one) for one in value.specifiers() if one.operator != "!=") if value else []
                if bounds:
                    found[group] = " and ".join(_BOUND.sub(r"python_full_version \1 '\2'", bound) for bound in bounds)
        return found

    def lists(self) -> Iterator[tuple[Literal["project", "extra", "group"], str, Value]]:
        """The lists of requirements, each with what it is of; that of the project itself has no name."""
        if "dependencies" in self.project:
            yield "project", "", self.project["dependencies"]
        for extra, items in keyed(self.project.get("optional-dependencies"), "extra"):
            yield "extra", extra, items
        for group, items in keyed(self.top.get("dependency-groups"), "group"):
            yield "group", group, items
        development = [table["dev-dependencies"] for table in self.settings if "dev-dependencies" in table]
        if development:
            yield "group", "dev", development[-1]


_BOUND = re.compile(r"([=<>!~]+)(.+)")


def keyed(value: Value | None, what: str) -> Iterator[tuple[str, Value]]:
    """The entries of a table by the names of its extras or groups; ``what`` says which of the two they are."""
    if value is not None:
        for key, items in value.table().items():
            yield value.key_name(key, f"name of {'an' if what == 'extra' else 'a'} {what}"), items


def read_pyproject(path: Path) -> Pyproject:
    """Reads a ``pyproject.toml``; one that is not there says nothing.

    Raises:
        ProjectError: where it cannot be read or is not TOML.
    """
    if not path.is_file():
        return Pyproject({})
    top = tables_of(path)
    workspace = workspace_of(path)
    return Pyproject(top if workspace is None or workspace.root.samefile(path) else _with_root(top, workspace.tables))


_OF_EACH_MEMBER = (
    "sources",
    "index",
    "workspace",
    "dependency-groups",
    "dev-dependencies",
    "default-groups",
    "conflicts",
)


def _raw(value: Value | None) -> dict[str, Any]:
    return {key: item.raw for key, item in value.table().items()} if value is not None else {}


def _with_root(top: Mapping[str, Value], root: Mapping[str, Value]) -> dict[str, Value]:
    """What a member of a workspace says, with the settings of the root in place of its own, as they count for it."""
    mine, shared = (tables["tool"].table() if "tool" in tables else {} for tables in (top, root))
    merged: dict[str, object] = {name: value.raw for name, value in mine.items()}
    for name in ("uv", "satlock"):
        own, theirs = (_raw(tool.get(name)) for tool in (mine, shared))
        settings = {key: value for key, value in theirs.items() if key not in _OF_EACH_MEMBER}
        settings |= {key: value for key, value in own.items() if key in _OF_EACH_MEMBER}
        if "sources" in theirs:
            settings["sources"] = {**theirs["sources"], **own.get("sources", {})}
        named = [one.get("name") for one in theirs.get("index", [])]
        added = [
            {**one, "explicit": True, "default": False} for one in own.get("index", []) if one.get("name") not in named
        ]
        if added or named:
            settings["index"] = [*added, *theirs.get("index", [])]
        merged[name] = settings
    place = next(iter(top.values()), None)
    return {**top, "tool": Value(merged, place.file if place is not None else "pyproject.toml", "tool")}
