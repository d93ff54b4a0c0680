"""The reading of one ``pyproject.toml`` into a :class:`~satlock.encoder.project.project.Project`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.encoder.project.interpreter import python_in_use
from satlock.encoder.project.layers import NOTHING_AROUND, Around
from satlock.encoder.project.misspelt import misspelt
from satlock.encoder.project.pins import Declared, in_place_of_indexes, read_cutoffs_per_index, read_indexes
from satlock.encoder.project.project import Project, ProjectError, Requirement, Unsatisfiable
from satlock.encoder.project.settings import (
    disjoint,
    read_default_groups,
    read_excludes,
    read_markers,
    read_names,
    read_overrides,
    resolving_of,
    settings_of,
    warnings_of_prereleases,
)
from satlock.encoder.project.sharing import Shared, as_one, shared_settings
from satlock.encoder.project.tables import read_extras, read_groups, read_name, tables_of, uv_of
from satlock.encoder.project.values import Value, shown
from satlock.records import replace

__all__ = ["project_of", "read_project"]


def read_project(
    path: Path,
    *,
    default_index: str | None = None,
    named_indexes: Mapping[str, str] | None = None,
    requires_python: SpecifierSet | None = None,
    around: Around = NOTHING_AROUND,
    now: datetime | None = None,
    document: Mapping[str, object] | None = None,
    whole_workspace: bool = False,
) -> Project:
    """Read what a project asks from its ``pyproject.toml``, or from the one in the folder ``path``.

    ``[project]`` is read as in PEP 621, requirements as in PEP 508, ``[dependency-groups]`` as in PEP 735, and
    ``[tool.uv]`` as in uv's settings reference, overridden key by key by ``[tool.satlock]``.

    ``default_index``, ``named_indexes`` and ``requires_python`` are the command line's ``--default-index``, ``--index``
    and ``--requires-python``; ``around`` is what else is set outside of the project.
    ``whole_workspace`` asks for every member of its workspace with its extras and groups, not for this project alone.
    ``now`` is the moment from which durations in ``exclude-newer`` count back; without it, the present.
    ``document`` is read in place of what the file says: the file as it would be after a change.

    Raises :class:`ProjectError`, and nothing else, for whatever is wrong with the file. What could influence a lock
    and is not supported yet does not fail: it is named in :attr:`Project.warnings`.
    """
    if path.is_dir():
        path = path / "pyproject.toml"
    tables = tables_of(path, document)
    found = project_of(
        path,
        tables,
        default_index=default_index,
        named_indexes=named_indexes,
        requires_python=requires_python,
        around=around,
        now=now,
    )
    stated = "project" in tables or "dependency-groups" in tables
    if not (stated or found.groups or found.members or _is_root(tables)):
        empty = f"{path} has neither a [project] nor a [dependency-groups] table, so there is nothing to lock."
        found = replace(found, warnings=(*found.warnings, empty))
    if whole_workspace:
        return replace(found, whole_workspace=True)
    return as_one(found) if found.name is None else found


def _is_root(tables: Mapping[str, Value]) -> bool:
    """Whether it is the root of a workspace, if of one without members."""
    return "workspace" in uv_of(tables)


def project_of(
    path: Path,
    tables: Mapping[str, Value],
    *,
    named: bool = True,
    default_index: str | None = None,
    named_indexes: Mapping[str, str] | None = None,
    requires_python: SpecifierSet | None = None,
    around: Around = NOTHING_AROUND,
    now: datetime | None = None,
) -> Project:
    """The project that the top-level tables of ``path`` describe; one without a name where it is not ``named``.

    The rest is as in :func:`read_project`.
    """
    warnings = list(misspelt(tables))
    if named:
        shared = shared_settings(path, tables, warnings, around)
    else:
        shared = Shared(around.over(settings_of(tables, warnings)))
    settings, own = shared.settings, shared.own
    project = tables["project"].table() if "project" in tables else None
    name = read_name(tables["project"], project) if project is not None and named else None
    if project is not None and named and "version" in project:
        project["version"].version()
    _refuse_dynamic(project or {})
    dependencies = project["dependencies"].requirements() if project and "dependencies" in project else ()
    extras = read_extras((project or {}).get("optional-dependencies"))
    found_groups = read_groups(
        tables.get("dependency-groups"), own.get("dev-dependencies"), own.get("dependency-groups")
    )
    groups, includes = found_groups.listed, found_groups.includes
    listed = (dependencies, *extras.values(), *groups.values())
    _check_self_references(path, name, extras, listed)
    _refuse_other_versions(path, name, (project or {}).get("version"), listed)
    warnings += (
        f"{each.origin} requires {shown(each.text)}, which is the project itself, so no package is locked for it; "
        "rename the project if one of an index is meant."
        for each in dependencies
        if each.name == name and not each.extras
    )

    declared = Declared(name, extras, groups)
    warnings += warnings_of_prereleases(settings)
    indexes = read_indexes(settings, warnings, default_index=default_index, named_indexes=named_indexes)
    indexes = in_place_of_indexes(settings.get("no-index"), indexes)
    requirements = (*dependencies, *(r for rs in (*extras.values(), *groups.values()) for r in rs))
    sources, indexes = shared.sources(path, declared, indexes, {each.name for each in requirements}, warnings)
    shared.check(path, name, requirements, sources)
    constraints = settings.get("constraint-dependencies")
    overrides, scoped_overrides = read_overrides(settings.get("override-dependencies"))
    excludes, scoped_excludes = read_excludes(settings.get("exclude-dependencies"))
    now = now or datetime.now(UTC)
    return Project(
        path=path,
        name=name,
        requires_python=(
            shared.pythons(
                lambda value: _requires_python(
                    value, path.parent, shared.folder_of(path) if named else None, around, warnings, named=named
                ),
                (project or {}).get("requires-python"),
            )
            if requires_python is None
            else requires_python
        ),
        dependencies=dependencies,
        extras=extras,
        groups=groups,
        group_includes=includes,
        group_pythons=found_groups.pythons,
        default_groups=read_default_groups(own.get("default-groups"), groups),
        conflicts=shared.conflicts(declared),
        sources=sources,
        indexes=indexes,
        constraints=constraints.requirements() if constraints else (),
        overrides=overrides,
        excludes=excludes,
        scoped_overrides=scoped_overrides,
        scoped_excludes=scoped_excludes,
        environments=disjoint(settings.get("environments"), read_markers(settings.get("environments"))),
        required_environments=read_markers(settings.get("required-environments")),
        exclude_newer_index=read_cutoffs_per_index(settings.get("index"), indexes, now),
        single_version=read_names(settings.get("single-version")),
        **resolving_of(settings, now),
        members=shared.members(name),
        metadata_per_wheel=frozenset(read_names(settings.get("metadata-per-wheel"))),
        warnings=tuple(warnings),
    )


def _refuse_dynamic(project: Mapping[str, Value]) -> None:
    dynamic = project.get("dynamic")
    for item in dynamic.items("a list of field names") if dynamic else ():
        if item.text("the name of a field as a string") in ("dependencies", "optional-dependencies"):
            raise item.error(
                f"is {item.raw!r}, so only a build of the project would tell", f"write {item.raw} into [project] itself"
            )


def _requires_python(
    value: Value | None, place: Path, top: Path | None, around: Around, warnings: list[str], *, named: bool
) -> SpecifierSet:
    if value is None:
        found = python_in_use(place, top, request=around.python, files=around.files)
        warnings.append(
            f"{'project.' if named else ''}requires-python is missing, so the lock is for Python {found.lower_bound} "
            f"({found.why}); add it to say which Pythons the project is for."
        )
        return SpecifierSet(found.lower_bound)
    specifiers = value.specifiers()
    if all(each.operator in ("<", "<=", "!=") for each in specifiers):
        warnings.append(f"{value.where} has no lower bound, so the lock is for every older Python too; add one.")
    return specifiers


def _refuse_other_versions(
    path: Path, name: str | None, version: Value | None, lists: tuple[tuple[Requirement, ...], ...]
) -> None:
    """Raises Unsatisfiable where the project requires another version of itself than it is."""
    if name is None or version is None or not isinstance(version.raw, str):
        return  # only a build tells it
    try:
        own = Version(version.raw)
    except InvalidVersion:
        return
    for requirement in (requirement for each in lists for requirement in each if requirement.name == name):
        if requirement.specifier and not requirement.specifier.contains(own, prereleases=True):
            raise Unsatisfiable(
                f"{requirement.origin} in {path} requires {shown(requirement.text)}, and the project itself is "
                f"{name} {own}; change the requirement, or rename the project if one of an index is meant."
            )


def _check_self_references(
    path: Path,
    name: str | None,
    extras: Mapping[str, object],
    lists: tuple[tuple[Requirement, ...], ...],
) -> None:
    for requirement in (requirement for each in lists for requirement in each if requirement.name == name):
        for extra in requirement.extras:
            if extra not in extras:
                raise ProjectError(
                    f"{requirement.origin} in {path} requires {shown(requirement.text)}, but the project has no "
                    f"extra '{extra}'; add it to [project.optional-dependencies]."
                )
