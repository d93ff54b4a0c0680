"""What a ``pyproject.toml`` says to whoever reads the lock beside it, read no further than somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from satlock.encoder.project.tables import tables_of
from satlock.encoder.project.values import Value
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
    return Pyproject(tables_of(path) if path.is_file() else {})
