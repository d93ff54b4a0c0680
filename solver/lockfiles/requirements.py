"""What asks for packages besides the lock's edges: lines of metadata, the project's lists, and what ``uv.lock`` notes.

A *line* is one requirement, whoever states it. The *owner* of lines is an entry of the lock or the project.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.specifiers import parse_requirement
from satlock.encoder.project.project import DependencyMetadata, Requirement, Scope, ScopedExclude
from satlock.encoder.project.settings import (
    read_dependency_metadata,
    read_excludes,
    read_names,
    read_overrides,
    settings_of,
)
from satlock.encoder.project.values import Value
from satlock.records import dataclass, field
from satlock.solver.lockfiles.markers import condition_of, replace
from satlock.solver.lockfiles.model import (
    ALWAYS,
    NEVER,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    LockfileError,
    all_of,
    any_of,
    comparisons,
)
from satlock.solver.lockfiles.pyproject import keyed, read_pyproject

__all__ = ["OWN", "Edits", "Line", "Listed", "ProjectLists", "edits_noted_by_uv", "lines_of_uv", "noted_by_uv",
           "read_line", "read_lists", "selected"]  # fmt: skip

_DIRECT = ("url", "git", "path", "directory", "editable", "virtual", "workspace")


class Listed(NamedTuple):
    """A list of requirements: the project's (or a package's) own, that of one of its extras, or of one of its groups.

    As a text, as variables and certificates have it, ``""``, ``[cpu]`` or ``{dev}``.
    """

    kind: Literal["project", "extra", "group"]
    name: str = ""
    """Empty for ``project``."""

    @property
    def extra(self) -> str:
        """The extra whose list it is; empty where it is no extra's."""
        return self.name if self.kind == "extra" else ""

    def __str__(self) -> str:
        if self.kind == "project":
            return ""
        return f"[{self.name}]" if self.kind == "extra" else f"{{{self.name}}}"


OWN = Listed("project")
"""What is required wherever the owner is installed."""


@dataclass(frozen=True)
class Line:
    """One requirement."""

    text: str
    """As a person reads it; PEP 508 where it is from metadata."""
    name: str
    extras: tuple[str, ...]
    specifier: SpecifierSet
    marker: Condition
    """With its comparisons on ``extra``."""
    direct: bool = False
    """It names an address instead of versions."""


@dataclass(frozen=True)
class Edits:
    """What the project changes in everybody's requirements."""

    overrides: tuple[Line, ...] = ()
    constraints: tuple[Line, ...] = ()
    excludes: frozenset[str] = frozenset()
    stated: tuple[DependencyMetadata, ...] = ()
    """``dependency-metadata``: in place of what a package says."""
    scoped_overrides: tuple[tuple[Scope, tuple[Line, ...]], ...] = ()
    scoped_excludes: tuple[ScopedExclude, ...] = ()
    no_build: bool = False
    no_build_package: frozenset[str] = frozenset()
    """What may not be built to learn what it requires."""

    def may_build(self, name: str) -> bool:
        return not self.no_build and name not in self.no_build_package


@dataclass(frozen=True)
class ProjectLists:
    """The lists of one project."""

    name: str = ""
    lists: Mapping[Listed, tuple[Line, ...]] = field(default_factory=dict)
    includes: tuple[tuple[str, str], ...] = ()
    """Groups, and those that they include."""
    dynamic: bool = False
    """Its own dependencies are not in the file."""
    pythons: Mapping[Listed, Condition] = field(default_factory=dict)
    """For which Pythons a list is, where that is not for all."""
    elsewhere: str = ""
    """The table with further requirements, in a form of another tool's own."""


def read_line(text: str, origin: str) -> Line:
    """A line of metadata, repaired as uv repairs it.

    Raises:
        ValueError: where it cannot be read.
    """
    return _line(parse_requirement(text, origin))


def _line(requirement: Requirement, text: str = "") -> Line:
    marker = condition_of(str(requirement.marker)) if requirement.marker is not None else ALWAYS
    for comparison in comparisons(marker):
        if comparison.variable in ("extras", "dependency_groups"):
            raise ValueError(f"{requirement.text!r} asks for {comparison.variable}")
        if comparison.variable == "extra" and comparison.operator not in ("==", "!="):
            raise ValueError(f"{requirement.text!r} compares extra with {comparison.operator!r}")
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    what = f" @ {requirement.url} " if requirement.url else str(requirement.specifier)
    return Line(
        text or f"{requirement.name}{extras}{what}" + (f"; {requirement.marker}" if requirement.marker else ""),
        requirement.name,
        requirement.extras,
        requirement.specifier,
        replace(marker, _with_plain_extra),
        requirement.url is not None,
    )


def _with_plain_extra(comparison: Comparison) -> Condition:
    if comparison.variable != "extra":
        return comparison
    return Comparison("extra", comparison.operator, canonicalize_name(comparison.text))


def selected(lines: Iterable[Line], extra: str = "", *, listed: bool = False) -> Iterator[tuple[int, Line, Condition]]:
    """The lines that ``extra`` adds, or those of the package itself for ``""``: their places, and when they hold.

    ``listed`` says that all of them are in one list of their own, such as that of an extra in a ``pyproject.toml``.
    """
    for place, line in enumerate(lines):
        if any(comparison.variable == "extra" for comparison in comparisons(line.marker)):
            condition = _decided(line.marker, lambda asked: (asked.text == extra) == (asked.operator == "=="))
        else:
            condition = NEVER if extra and not listed else line.marker
        if condition != NEVER:
            yield place, line, condition


def _decided(condition: Condition, holds: Callable[[Comparison], bool]) -> Condition:
    """The condition with its comparisons on ``extra`` decided, and without what follows from that."""
    if isinstance(condition, Comparison):
        return (ALWAYS if holds(condition) else NEVER) if condition.variable == "extra" else condition
    if not isinstance(condition, (AllOf, AnyOf)):
        return condition
    ending, neutral = (NEVER, ALWAYS) if isinstance(condition, AllOf) else (ALWAYS, NEVER)
    parts = [_decided(part, holds) for part in condition.parts]
    if ending in parts:
        return ending
    return (all_of if isinstance(condition, AllOf) else any_of)(*(part for part in parts if part != neutral))


def read_lists(path: Path) -> tuple[ProjectLists, Edits]:
    """The lists of a ``pyproject.toml``, and what it changes for everybody; one that is not there has neither.

    Raises:
        ProjectError: where what is read of it is wrong.
    """
    stated = read_pyproject(path)
    lists: dict[Listed, tuple[Line, ...]] = {OWN: ()}
    includes: list[tuple[str, str]] = []
    for kind, name, items in stated.lists():
        entries = list(items.items("a list of requirements"))
        key = Listed(kind, name)
        lines = tuple(_of_value(item) for item in entries if kind != "group" or not isinstance(item.raw, dict))
        lists[key] = lists.get(key, ()) + lines
        including = [item.table() for item in entries if kind == "group" and isinstance(item.raw, dict)]
        includes += [(name, t["include-group"].name("name of a group")) for t in including if "include-group" in t]
    dynamic = [item.text() for item in stated.project["dynamic"].items()] if "dynamic" in stated.project else []
    found = ProjectLists(
        stated.name,
        lists,
        tuple(includes),
        bool({"dependencies", "optional-dependencies"}.intersection(dynamic)),
        {Listed("group", group): condition_of(marker) for group, marker in stated.pythons().items()},
        _elsewhere(stated.tool),
    )
    return found, _edits(settings_of(stated.top, []))


def _edits(settings: dict[str, Value]) -> Edits:
    overrides, scoped_overrides = read_overrides(settings.get("override-dependencies"))
    excludes, scoped_excludes = read_excludes(settings.get("exclude-dependencies"))
    constraints = settings.get("constraint-dependencies")
    return Edits(
        tuple(_line(requirement) for requirement in overrides),
        _lines(constraints),
        excludes,
        read_dependency_metadata(settings.get("dependency-metadata")),
        tuple((one.scope, tuple(_line(requirement) for requirement in one.requirements)) for one in scoped_overrides),
        scoped_excludes,
        "no-build" in settings and settings["no-build"].flag(),
        frozenset(read_names(settings.get("no-build-package"))),
    )


def _elsewhere(tool: dict[str, Value]) -> str:
    """The first table in which Poetry or PDM keep requirements in a form of their own."""
    for name, keys in (("poetry", ("dependencies", "group", "dev-dependencies")), ("pdm", ("dev-dependencies",))):
        table = tool[name].table() if name in tool else {}
        for key in keys:
            if key in table and (name, key, list(table[key].table())) != ("poetry", "dependencies", ["python"]):
                return f"tool.{name}.{key}"
    return ""


def _lines(value: Value | None) -> tuple[Line, ...]:
    return tuple(_of_value(item) for item in value.items("a list of requirements")) if value is not None else ()


def _of_value(item: Value) -> Line:
    try:
        return _line(item.requirement(item.where), item.text())
    except ValueError as error:
        raise LockfileError(f"{item.where} in {item.file} cannot be read: {error}.") from None


def lines_of_uv(value: Value | None, *, scoped: bool = True) -> tuple[Line, ...]:
    """What ``uv.lock`` notes of requirements: tables with a name, extras, a specifier, a marker, and where from.

    Args:
        scoped: whether tables for one package are read too, which are none.

    Raises:
        LockfileError: where one is not as uv writes it.
    """
    items = value.items("a list of tables") if value is not None else ()
    return tuple(_line_of_uv(item) for item in items if scoped or "dependencies" not in item.table())


def _scope(package: Value) -> Scope:
    table = package.table()
    return Scope(table["name"].name(), table["version"].version() if "version" in table else None)


def _line_of_uv(item: Value) -> Line:
    table = item.table()
    if "name" not in table:
        raise item.error("has no name", "write the lock again with uv")
    name = table["name"].name()
    extras = [extra.name("name of an extra") for extra in table["extras"].items()] if "extras" in table else []
    specifier = table["specifier"].text() if "specifier" in table else ""
    address = next((re.sub(r"\s", "%20", str(table[key].raw)) or "." for key in _DIRECT if key in table), "")
    try:
        versions = SpecifierSet("" if specifier == "*" else specifier)
        marker = condition_of(table["marker"].text()) if "marker" in table else ALWAYS
    except (InvalidSpecifier, ValueError) as error:
        raise LockfileError(f"{item.where} in {item.file} cannot be read: {error}.") from None
    shown = f"[{','.join(sorted(set(extras)))}]" if extras else ""
    text = f"{name}{shown}" + (f" @ {address} " if address else str(versions))
    if "marker" in table:
        text += f"; {table['marker'].text()}"
    return Line(text, name, tuple(sorted(set(extras))), versions, replace(marker, _with_plain_extra), bool(address))


def noted_by_uv(package: dict[str, Value]) -> ProjectLists:
    """What ``uv.lock`` notes of the requirements of an entry that is no release of an index.

    Raises:
        LockfileError: where it is not as uv writes it.
    """
    noted = package["metadata"].table() if "metadata" in package else {}
    lines = lines_of_uv(noted.get("requires-dist"))
    lists = {OWN: lines}
    offers = noted["provides-extras"].items() if "provides-extras" in noted else ()
    offered = [extra.name("name of an extra") for extra in offers]
    mentioned = [c.text for line in lines for c in comparisons(line.marker) if c.variable == "extra"]
    for extra in dict.fromkeys((*offered, *mentioned)):
        lists[Listed("extra", extra)] = lines
    for group, items in keyed(noted.get("requires-dev", noted.get("dependency-groups")), "group"):
        lists[Listed("group", group)] = lines_of_uv(items)
    return ProjectLists(package["name"].name(), lists)


def edits_noted_by_uv(manifest: dict[str, Value]) -> Edits:
    """What ``uv.lock`` notes of the changes that the project makes; for a lock without its project."""
    scoped = [item.table() for item in manifest["overrides"].items()] if "overrides" in manifest else []
    for_one = [table for table in scoped if "dependencies" in table]
    without = list(manifest["excludes"].items()) if "excludes" in manifest else []
    return Edits(
        lines_of_uv(manifest.get("overrides"), scoped=False),
        lines_of_uv(manifest.get("constraints")),
        frozenset(item.name() for item in without if not isinstance(item.raw, dict)),
        read_dependency_metadata(manifest.get("dependency-metadata")),
        tuple((_scope(table["package"]), lines_of_uv(table["dependencies"])) for table in for_one),
        tuple(
            ScopedExclude(_scope(table["package"]), tuple(name.name() for name in table["dependencies"].items()))
            for table in (item.table() for item in without if isinstance(item.raw, dict))
        ),
    )
