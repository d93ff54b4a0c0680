"""The tables of a ``pyproject.toml`` that say what a project is called, and what its extras and groups list."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from packaging.dependency_groups import DependencyGroupResolver

from satlock.encoder.project.project import ProjectError, Requirement
from satlock.encoder.project.values import Value, first_line, shown

__all__ = ["load", "read_extras", "read_groups", "read_name"]


def load(path: Path) -> dict[str, object]:
    """The tables of a ``pyproject.toml``. Raises :class:`ProjectError` where it cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        raise ProjectError(f"{path} cannot be read ({reason}); name a folder with a pyproject.toml.") from error
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ProjectError(f"{path} is not valid TOML (it is nested too deeply); make it flatter.") from error
    except (ValueError, OverflowError) as error:
        raise ProjectError(f"{path} is not valid TOML ({first_line(error)}); correct it there.") from error


def read_name(value: Value, project: Mapping[str, Value]) -> str:
    if "name" not in project:
        raise value.error("has no name", "add the name of the project")
    return project["name"].name("project name")


def read_extras(value: Value | None) -> dict[str, tuple[Requirement, ...]]:
    extras: dict[str, tuple[Requirement, ...]] = {}
    for key, item in value.table().items() if value else ():
        name = value.key_name(key, "extra name") if value else key
        if name in extras:
            raise item.error(f"is a second extra named '{name}' after normalisation", "rename one of them")
        extras[name] = item.requirements()
    return extras


def read_groups(
    value: Value | None, dev: Value | None
) -> tuple[dict[str, tuple[Requirement, ...]], dict[str, tuple[str, ...]]]:
    """What each group itself lists, and which groups it includes; ``tool.uv.dev-dependencies`` add to ``dev``."""
    groups: dict[str, tuple[Requirement, ...]] = {}
    includes: dict[str, tuple[Value, ...]] = {}
    for key, item in value.table().items() if value else ():
        name = value.key_name(key, "group name") if value else key
        if name in groups:
            raise item.error(f"is a second group named '{name}' after normalisation", "rename one of them")
        entries = list(item.items("a list of requirements"))
        groups[name] = tuple(entry.requirement(item.where) for entry in entries if not isinstance(entry.raw, dict))
        includes[name] = tuple(_include(entry) for entry in entries if isinstance(entry.raw, dict))
    if dev is not None:
        groups["dev"] = groups.get("dev", ()) + dev.requirements()
    for included in includes.values():
        for item in included:
            if item.name("group name") not in groups:
                raise item.error(f"names the unknown group {shown(item.raw)}", "add it to [dependency-groups]")
    names = {name: tuple(item.name() for item in included) for name, included in includes.items() if included}
    if value is not None:
        _refuse_cycles(value, groups, names)
    return groups, names


def _include(entry: Value) -> Value:
    table = entry.table()
    if list(table) != ["include-group"]:
        raise entry.expected("a requirement or {include-group = ...}")
    return table["include-group"]


def _refuse_cycles(value: Value, groups: Mapping[str, object], includes: Mapping[str, tuple[str, ...]]) -> None:
    """Let packaging walk the includes: their order and their cycles are as PEP 735 has them."""
    resolver = DependencyGroupResolver(
        {name: [{"include-group": other} for other in includes.get(name, ())] for name in groups}
    )
    for name in groups:
        try:
            resolver.resolve(name)
        except RecursionError as error:
            raise value.error(f"has a chain of includes from '{name}' that is too long", "shorten it") from error
        except Exception as error:  # packaging raises an ExceptionGroup; all but cycles was refused above.
            raise value.error(
                f"has groups that include each other, with '{name}' among them", "break the cycle"
            ) from error
