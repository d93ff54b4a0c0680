"""What the members of a workspace share: the settings of its root, their Pythons and their conflicts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.encoder.project.layers import NOTHING_AROUND, Around, uv_settings
from satlock.encoder.project.pins import Declared, read_conflicts, read_indexes
from satlock.encoder.project.project import (
    Choice,
    Index,
    Member,
    Project,
    ProjectError,
    Requirement,
    Source,
    Unsatisfiable,
)
from satlock.encoder.project.settings import merge_settings, settings_of, without_sources
from satlock.encoder.project.sourcing import Ground, read_sources
from satlock.encoder.project.tables import Groups, flat, read_extras, read_groups, read_name, tables_of
from satlock.encoder.project.values import Value
from satlock.encoder.project.workspace import Workspace, pythons_of, read_member, workspace_of
from satlock.records import dataclass, replace

__all__ = ["Shared", "as_one", "declared_by", "inherited", "shared_settings"]

_OF_EACH_MEMBER = ("sources", "dependency-groups", "dev-dependencies", "default-groups", "conflicts")
"""Settings that a member states for itself; all others are those of the root."""


@dataclass(frozen=True)
class Shared:
    """The settings of a project, seen from its workspace."""

    settings: Mapping[str, Value]
    """Of the root, which is the project itself where there is no workspace."""
    own_settings: Mapping[str, Value] | None = None
    """Of the project itself where it is not the root."""
    workspace: Workspace | None = None

    @property
    def own(self) -> Mapping[str, Value]:
        return self.settings if self.own_settings is None else self.own_settings

    def sources(
        self, path: Path, declared: Declared, indexes: tuple[Index, ...], required: Collection[str], warnings: list[str]
    ) -> tuple[dict[str, tuple[Source, ...]], tuple[Index, ...]]:
        """The project's own sources, and for all other packages those of the root; and the indexes that they name."""
        found, indexes = self._sources(path, declared, indexes, required, warnings)
        without = without_sources(self.settings)
        return {name: sources for name, sources in found.items() if not without(name)}, indexes

    def _sources(
        self, path: Path, declared: Declared, indexes: tuple[Index, ...], required: Collection[str], warnings: list[str]
    ) -> tuple[dict[str, tuple[Source, ...]], tuple[Index, ...]]:
        members = self.workspace.references if self.workspace is not None else {}
        if self.own_settings is None or self.workspace is None:
            ground = Ground(path.parent, members, required=required)
            return read_sources(self.settings.get("sources"), indexes, declared, ground, warnings), indexes
        added = [
            replace(index, explicit=True, default=False)
            for index in read_indexes({k: v for k, v in self.own_settings.items() if k == "index"}, warnings)
            if index.name and all(index.name != other.name for other in indexes)
        ]
        indexes = (*added, *indexes)
        root = self.workspace
        ground = Ground(root.root.parent, members, required=required)
        shared = read_sources(self.settings.get("sources"), indexes, _declared(root), ground, warnings)
        ground = Ground(path.parent, members, required=required)
        own = read_sources(self.own_settings.get("sources"), indexes, declared, ground, warnings)
        return {**{name: inherited(sources, declared) for name, sources in shared.items()}, **own}, indexes

    def conflicts(self, declared: Declared) -> tuple[tuple[Choice, ...], ...]:
        """Those that the members of the workspace state, in the order of their names."""
        own = read_conflicts(self.own.get("conflicts"), declared)
        found = [] if self.workspace is not None else [own]
        if self.workspace is not None:
            for name, (tables, settings) in _files(self.workspace).items():
                if name == (declared.name or ""):
                    found.append(own)
                elif "conflicts" in settings:
                    stated = read_conflicts(settings["conflicts"], declared_by(tables, settings))
                    found.append(tuple(tuple(_named(c, name, declared.name) for c in choices) for choices in stated))
        return tuple(conflict for conflicts in found for conflict in conflicts)

    def check(
        self, path: Path, name: str | None, requirements: Iterable[Requirement], sources: Mapping[str, object]
    ) -> None:
        """Raises ProjectError where a member is required and nothing says that it is the member that is meant.

        Where a source says something else the two contradict each other, and it is Unsatisfiable.
        """
        if self.workspace is None:
            return
        without = without_sources(self.settings)
        stated = [self.settings.get("sources"), self.own.get("sources")]
        from_workspace = {name for value in stated if value is not None for name in _taken_from_workspace(value)}
        for requirement in requirements:
            named = requirement.name in self.workspace.members and requirement.name != name
            taken = requirement.name in from_workspace or without(requirement.name)
            if not named or taken or requirement.url is not None:
                continue
            advice = f"add {requirement.name} = {{ workspace = true }} to [tool.uv.sources]"
            if requirement.name in sources:
                advice = f"in [tool.uv.sources], write {requirement.name} = {{ workspace = true }}"
            raise (Unsatisfiable if requirement.name in sources else ProjectError)(
                f"{requirement.origin} in {path} requires '{requirement.name}', a member of the workspace, and no "
                f"source takes it from there; {advice}."
            )

    def folder_of(self, path: Path) -> Path:
        """Where the root of the workspace is; the folder of the file at ``path`` where there is no workspace."""
        return path.parent if self.workspace is None else self.workspace.root.parent

    def pythons(self, read: Callable[[Value | None], SpecifierSet], value: Value | None) -> SpecifierSet:
        """The Pythons that every member of the workspace admits; ``read`` is also asked where none of them says any."""
        stated = pythons_of(self.workspace) if self.workspace is not None else []
        own = read(value) if value is not None or not stated else SpecifierSet()
        return _intersection([own, *stated])

    def members(self, name: str | None) -> tuple[Member, ...]:
        if self.workspace is None:
            return ()
        return tuple(read_member(self.workspace, other) for other in self.workspace.members if other != name)


def _taken_from_workspace(sources: Value) -> Iterator[str]:
    """The packages that an entry of ``sources`` with ``workspace = true`` names."""
    for key, item in sources.table().items():
        entries = [item] if isinstance(item.raw, dict) else item.items("a table or a list of tables")
        if any(isinstance(entry.raw, dict) and entry.raw.get("workspace") is True for entry in entries):
            yield sources.key_name(key, "package name")


def _intersection(sets: Iterable[SpecifierSet]) -> SpecifierSet:
    """What all of them admit, without the bounds that others imply."""
    kept = {str(specifier): specifier for specifiers in sets for specifier in specifiers}
    for operator, tightest in ((">=", max), ("<", min)):
        bounds = {text: Version(s.version) for text, s in kept.items() if s.operator == operator}
        for text, bound in bounds.items():
            if bound != tightest(bounds.values()):
                del kept[text]
    return SpecifierSet(",".join(kept))


def shared_settings(
    path: Path, tables: Mapping[str, Value], warnings: list[str], around: Around = NOTHING_AROUND
) -> Shared:
    """The settings of the project at ``path``, with those of its workspace, and with what is set ``around`` it.

    Raises:
        ProjectError: a file with settings is broken.
    """
    workspace = workspace_of(path)
    if workspace is None or workspace.root.samefile(path):
        return Shared(_settings(path.parent, tables, warnings, around), workspace=workspace)
    unheard: list[str] = []
    own = settings_of(tables, unheard)
    warnings += [
        f"{value.where} in {path} has no effect: in a workspace that of the root, {workspace.root}, counts."
        for key, value in own.items()
        if key not in (*_OF_EACH_MEMBER, "index")
    ]
    return Shared(_settings(workspace.root.parent, workspace.tables, warnings, around), own, workspace)


def _settings(folder: Path, tables: Mapping[str, Value], warnings: list[str], around: Around) -> dict[str, Value]:
    tools = tables["tool"].table() if "tool" in tables else {}
    return around.over(merge_settings(uv_settings(folder, tables, around, warnings), tools.get("satlock"), warnings))


def as_one(project: Project) -> Project:
    """A workspace whose root is no project, as uv installs it: all members, an extra or group in all that have it."""

    def listed(member: Member, text: str, where: str) -> Requirement:
        extras = (text,) if text else ()
        shown = f"{member.name}[{text}]" if text else member.name
        return Requirement(member.name, extras, SpecifierSet(), None, None, shown, where, member.folder)

    extras: dict[str, tuple[Requirement, ...]] = {}
    groups = dict(project.groups)
    for member in project.members:
        for extra in member.extras:
            one = listed(member, extra, f"extra {extra} of {member.path}")
            extras[extra] = (*extras.get(extra, ()), one)
        for group in member.groups:
            own = Groups(member.groups, member.group_includes, member.group_pythons)
            groups[group] = (*groups.get(group, ()), *flat(own, group))
    return replace(
        project,
        dependencies=tuple(listed(member, "", "tool.uv.workspace.members") for member in project.members),
        extras=extras,
        groups=groups,
        default_groups=project.default_groups or (("dev",) if "dev" in groups else ()),
    )


def _files(workspace: Workspace) -> dict[str, tuple[Mapping[str, Value], Mapping[str, Value]]]:
    """The tables and the settings of each member, and of a root that is no project (under an empty name)."""
    found: dict[str, tuple[Mapping[str, Value], Mapping[str, Value]]] = {}
    if workspace.root not in workspace.members.values():
        found[""] = (workspace.tables, settings_of(workspace.tables, []))
    for name, path in workspace.members.items():
        tables = workspace.tables if path == workspace.root else tables_of(path)
        found[name] = (tables, settings_of(tables, []))
    return dict(sorted(found.items()))


def _declared(workspace: Workspace) -> Declared:
    return declared_by(workspace.tables, settings_of(workspace.tables, []))


def declared_by(tables: Mapping[str, Value], settings: Mapping[str, Value]) -> Declared:
    """The extras and groups that the file of a project declares."""
    project = tables["project"].table() if "project" in tables else {}
    groups = read_groups(tables.get("dependency-groups"), settings.get("dev-dependencies")).listed
    name = read_name(tables["project"], project) if project else None
    return Declared(name, read_extras(project.get("optional-dependencies")), groups)


def inherited(sources: tuple[Source, ...], declared: Declared) -> tuple[Source, ...]:
    """Of the root's sources those that mean something in a member: an extra is one of its own."""
    known = {"extra": declared.extras, "group": declared.groups}
    return tuple(s for s in sources if s.choice is None or s.choice.name in known.get(s.choice.kind, ()))


def _named(choice: Choice, by: str, project: str | None) -> Choice:
    """A choice that the member ``by`` names, as the project that is locked names it."""
    package = choice.package or by
    return choice._replace(package="" if package == project else package)
