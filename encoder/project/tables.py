"""The tables of a ``pyproject.toml`` that say what a project is called, and what its extras and groups list."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.regular_files import read_regular
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import ProjectError, Requirement, StatedGroups
from satlock.encoder.project.values import Value, first_line, shown
from satlock.records import dataclass, replace

__all__ = [
    "Groups",
    "broken_at",
    "flat",
    "for_pythons",
    "load",
    "pythons_of_group",
    "read_extras",
    "read_groups",
    "read_name",
    "stated_default_groups",
    "tables_of",
    "tool_of",
    "uv_of",
]


@dataclass(frozen=True)
class Groups:
    """The dependency groups of a file, by name."""

    listed: Mapping[str, tuple[Requirement, ...]]
    """Only what each itself lists."""
    includes: Mapping[str, tuple[str, ...]]
    pythons: Mapping[str, SpecifierSet]
    """For which Pythons all is that a group lists or includes, where that is not every one (a setting of uv)."""


def load(path: Path) -> dict[str, object]:
    """The tables of a ``pyproject.toml``, not to be changed. Raises :class:`ProjectError` where it cannot be read."""
    try:
        text = read_regular(path).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        raise ProjectError(f"{path} cannot be read ({reason}); name a folder with a pyproject.toml.") from error
    try:
        return _parsed(text)
    except RecursionError as error:
        raise ProjectError(f"{path} is not valid TOML (it is nested too deeply); make it flatter.") from error
    except (ValueError, OverflowError) as error:
        raise ProjectError(f"{path} is not valid TOML ({broken_at(error, text)}); correct it there.") from error


def tables_of(path: Path, document: Mapping[str, object] | None = None) -> dict[str, Value]:
    """The top-level tables of a ``pyproject.toml``, or of what is to be read in its place.

    Raises:
        ProjectError: it cannot be read.
    """
    return Value(load(path) if document is None else document, str(path), "").table()


def tool_of(tables: Mapping[str, Value], name: str) -> Value | None:
    """The table of a tool; None where there is none."""
    return tables["tool"].table().get(name) if "tool" in tables else None


def uv_of(tables: Mapping[str, Value]) -> dict[str, Value]:
    """The keys of ``[tool.uv]``."""
    table = tool_of(tables, "uv")
    return table.table() if table is not None else {}


def broken_at(error: BaseException, text: str) -> str:
    """What is wrong with a TOML text, with its line and column."""
    said = first_line(error)
    if said.endswith("(at end of document)"):
        lines = text.rstrip("\n").split("\n")
        place = f"(at line {len(lines)}, column {len(lines[-1]) + 1}, the end of the file)"
        return said.replace("(at end of document)", place)
    return said


@lru_cache(maxsize=1024)
def _parsed(text: str) -> dict[str, object]:
    """Parsed once: in a workspace every member asks for the files of all."""
    return tomllib.loads(text)


def read_name(value: Value, project: Mapping[str, Value]) -> str:
    if "name" not in project:
        raise value.error("has no name", "add the name of the project")
    return project["name"].name("project name")


def stated_default_groups(value: Value | None) -> StatedGroups | None:
    """``default-groups`` as it is written; None where it is not."""
    if value is None:
        return None
    if value.raw == "all":
        return "all"
    return tuple(sorted(item.name("group name") for item in value.items('a list of groups, or "all"')))


def read_extras(value: Value | None) -> dict[str, tuple[Requirement, ...]]:
    extras: dict[str, tuple[Requirement, ...]] = {}
    for key, item in value.table().items() if value else ():
        name = value.key_name(key, "extra name") if value else key
        if name in extras:
            raise item.error(f"is a second extra named '{name}' after normalisation", "rename one of them")
        extras[name] = item.requirements()
    return extras


def read_groups(value: Value | None, dev: Value | None, settings: Value | None = None) -> Groups:
    """The groups of ``[dependency-groups]``; ``tool.uv.dev-dependencies`` add to ``dev``, which nothing can include.

    ``settings`` is ``[tool.uv.dependency-groups]``: a ``requires-python`` for each group.
    """
    groups: dict[str, tuple[Requirement, ...]] = {}
    includes: dict[str, tuple[Value, ...]] = {}
    for key, item in value.table().items() if value else ():
        name = value.key_name(key, "group name") if value else key
        if name in groups:
            raise item.error(f"is a second group named '{name}' after normalisation", "rename one of them")
        entries = list(item.items("a list of requirements"))
        groups[name] = tuple(entry.requirement(item.where) for entry in entries if not isinstance(entry.raw, dict))
        includes[name] = tuple(_include(entry) for entry in entries if isinstance(entry.raw, dict))
    for included in includes.values():
        for item in included:
            if item.name("group name") not in groups:
                raise item.error(f"names the unknown group {shown(item.raw)}", "add it to [dependency-groups]")
    names = {name: tuple(item.name() for item in included) for name, included in includes.items() if included}
    if value is not None and names:
        _refuse_cycles(value, groups, names)
    pythons = dict(_pythons_of_groups(settings, groups))
    for name, specifiers in pythons.items():
        groups[name] = tuple(for_pythons(requirement, specifiers) for requirement in groups[name])
    if dev is not None:
        groups["dev"] = groups.get("dev", ()) + dev.requirements()
    return Groups(groups, names, pythons)


def _pythons_of_groups(settings: Value | None, groups: Mapping[str, object]) -> Iterator[tuple[str, SpecifierSet]]:
    for key, item in settings.table().items() if settings is not None else ():
        name = item.key_name(key, "group name")
        if name not in groups:
            raise item.error("is no group of [dependency-groups]", "add the group there, or drop it here")
        for setting, value in item.table().items():
            if setting != "requires-python":
                raise value.error("is unknown", "use requires-python")
            yield name, value.specifiers()


def for_pythons(requirement: Requirement, specifiers: SpecifierSet | None) -> Requirement:
    """A requirement that holds for some Pythons only: within these bounds, as uv has it."""
    bounds = [each for each in specifiers or () if each.operator != "!="]
    if not bounds:
        return requirement
    marker = Marker(" and ".join(f"python_full_version {each.operator} '{each.version}'" for each in bounds))
    return replace(requirement, marker=marker if requirement.marker is None else requirement.marker & marker)


def flat(groups: Groups, name: str) -> list[Requirement]:
    """What a group lists, and what it includes."""
    found = list(groups.listed[name])
    for other in groups.includes.get(name, ()):
        found += (for_pythons(each, groups.pythons.get(name)) for each in flat(groups, other))
    return found


def pythons_of_group(groups: Groups, name: str) -> list[Specifier]:
    """For which Pythons all is that a group lists: what it says, and what those say that it includes, by version."""
    found = list(groups.pythons.get(name, ()))
    for other in groups.includes.get(name, ()):
        found += pythons_of_group(groups, other)
    return sorted(found, key=lambda one: Version(one.version.removesuffix(".*")))


def _include(entry: Value) -> Value:
    table = entry.table()
    if list(table) != ["include-group"]:
        raise entry.expected("a requirement or {include-group = ...}")
    return table["include-group"]


def _refuse_cycles(value: Value, groups: Mapping[str, object], includes: Mapping[str, tuple[str, ...]]) -> None:
    """Let packaging walk the includes: their order and their cycles are as PEP 735 has them."""
    from packaging.dependency_groups import DependencyGroupResolver

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
