"""Changes to a ``pyproject.toml``, as data: to be applied to its tables, told to a person, and written as JSON."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from satlock.encoder.markers.specifiers import parse_strict_requirement
from satlock.encoder.project.project import Requirement
from satlock.encoder.project.values import Value
from satlock.records import dataclass

__all__ = ["Amendment", "InList", "Setting", "Written", "amended", "inline", "setting_path", "written_requirements"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class InList:
    """An item of a list that is added (``old`` is None), removed (``new`` is None) or replaced."""

    path: Path
    old: Any
    new: Any

    def apply(self, document: dict[str, Any]) -> None:
        table = _table(document, self.path[:-1])
        items = table.setdefault(self.path[-1], [])
        if isinstance(items, (dict, str)):
            items = [items]
        if self.old is None:
            items = [*items, self.new]
        else:
            kept = (self.new if item == self.old else item for item in items)
            items = [item for item in kept if item is not None]
        table[self.path[-1]] = items

    def __str__(self) -> str:
        where = dotted(self.path)
        if self.old is None:
            return f"in {where}, add {inline(self.new)}"
        if self.new is None:
            return f"in {where}, remove {inline(self.old)}"
        return f"in {where}, change {inline(self.old)} to {inline(self.new)}"

    def as_json(self) -> dict[str, Any]:
        return {"key": list(self.path), "remove": self.old, "add": self.new}


@dataclass(frozen=True)
class Setting:
    """A key that gets another value; None takes it away."""

    path: Path
    value: Any

    def apply(self, document: dict[str, Any]) -> None:
        table = _table(document, self.path[:-1])
        if self.value is None:
            table.pop(self.path[-1], None)
        else:
            table[self.path[-1]] = copy.deepcopy(self.value)

    def __str__(self) -> str:
        table, key = dotted(self.path[:-1]), _key(self.path[-1])
        return f"in [{table}], remove {key}" if self.value is None else f"in [{table}], {key} = {inline(self.value)}"

    def as_json(self) -> dict[str, Any]:
        return {"key": list(self.path), "set": self.value}


Amendment: TypeAlias = InList | Setting


def amended(document: Mapping[str, Any], amendments: Iterable[Amendment]) -> dict[str, Any]:
    """The tables after these changes; those that are given stay as they are."""
    changed = copy.deepcopy(dict(document))
    for amendment in amendments:
        amendment.apply(changed)
    return changed


def _table(document: dict[str, Any], path: Path) -> dict[str, Any]:
    table = document
    for key in path:
        table = table.setdefault(key, {})
    return table


def setting_path(document: Mapping[str, Any], key: str, *, only_satlock: bool = False) -> Path:
    """Where a setting stands, or is to be added: ``[tool.satlock]`` wins where it has the key."""
    own = document.get("tool", {}).get("satlock", {})
    return ("tool", "satlock", key) if only_satlock or key in own else ("tool", "uv", key)


@dataclass(frozen=True)
class Written:
    """A requirement where it is written in the file."""

    path: Path
    """Of the list that holds it."""
    item: str
    requirement: Requirement

    @property
    def is_constraint(self) -> bool:
        return self.path[0] == "tool" and self.path[-1] == "constraint-dependencies"

    @property
    def is_override(self) -> bool:
        return self.path[0] == "tool" and self.path[-1] == "override-dependencies"


def written_requirements(document: Mapping[str, Any]) -> Iterator[Written]:
    """Every requirement that the project itself writes, constraints and overrides included, in the order of the file.

    The ``origin`` of each is that of the same requirement in the project that is read from these tables.
    """
    for path in _lists_of_requirements(document):
        value: Value = Value(document, "", "")
        for key in path:
            value = value.at(key, value.raw[key])  # type: ignore[index]
        for item in value.raw if isinstance(value.raw, list) else ():
            if isinstance(item, str):
                yield Written(path, item, parse_strict_requirement(item, value.where))


def _lists_of_requirements(document: Mapping[str, Any]) -> Iterator[Path]:
    project = document.get("project", {})
    if "dependencies" in project:
        yield "project", "dependencies"
    for extra in project.get("optional-dependencies", {}):
        yield "project", "optional-dependencies", extra
    for group in document.get("dependency-groups", {}):
        yield "dependency-groups", group
    for key in ("dev-dependencies", "constraint-dependencies", "override-dependencies"):
        path = setting_path(document, key)
        if key in document.get("tool", {}).get(path[1], {}):
            yield path


def dotted(path: Path) -> str:
    """A key as it is written in a TOML file."""
    return ".".join(map(_key, path))


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def inline(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
