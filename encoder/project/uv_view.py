"""What uv reads of a project and repeats in its lock, to see later whether the lock still belongs to the project.

``[tool.satlock]`` is not read here: uv does not know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from packaging.specifiers import SpecifierSet

from satlock.encoder.project.cutoffs import iso_duration
from satlock.encoder.project.layers import NOTHING_AROUND, Around
from satlock.encoder.project.project import Project, ProjectError, Requirement, StatedGroups
from satlock.encoder.project.reading import project_of
from satlock.encoder.project.script import tables_of_script
from satlock.encoder.project.settings import settings_of
from satlock.encoder.project.sharing import shared_settings
from satlock.encoder.project.tables import stated_default_groups, tables_of, uv_of
from satlock.encoder.project.uv_keys import refuse_keys
from satlock.encoder.project.values import Value, shown
from satlock.encoder.project.workspace import workspace_of
from satlock.records import dataclass, replace

__all__ = ["Cutoff", "UvView", "refuse_unlisted_scopes", "uv_view_of"]


@dataclass(frozen=True)
class Cutoff:
    """``exclude-newer`` as uv notes it."""

    moment: datetime | None
    span: str | None = None
    """The ISO 8601 duration, where one was given in place of a moment."""


@dataclass(frozen=True)
class UvView:
    """A project as uv sees it."""

    project: Project
    version: str | None
    """None where only a build of the project tells it."""
    source: Literal["editable", "directory", "virtual"]
    """How the project is installed itself; ``virtual`` where only what it requires is."""
    exclude_newer: Cutoff | None
    exclude_newer_package: Mapping[str, Cutoff | None]
    build_constraints: tuple[Requirement, ...]
    default_groups: StatedGroups | None = None
    """As they are written."""


def uv_view_of(
    path: Path,
    *,
    default_index: str | None = None,
    named_indexes: Mapping[str, str] | None = None,
    requires_python: SpecifierSet | None = None,
    around: Around = NOTHING_AROUND,
    document: Mapping[str, object] | None = None,
) -> UvView:
    """Reads the ``pyproject.toml`` or script at ``path`` as uv does; the rest are options of the command line.

    ``document`` is read in place of what a ``pyproject.toml`` says: the file as it would be after a change.

    Raises:
        ProjectError: where uv would not take the project.
    """
    script = path.suffix != ".toml"
    top = dict(tables_of_script(path, []) if script else tables_of(path, document))
    tool = top.get("tool")
    if tool is not None and isinstance(tool.raw, dict):
        refuse_keys(uv_of(top), script=script)
        top["tool"] = replace(tool, raw={key: table for key, table in tool.raw.items() if key != "satlock"})
    project = project_of(
        path,
        top,
        named=not script,
        default_index=default_index,
        named_indexes=named_indexes,
        requires_python=requires_python,
        around=around,
    )
    if project.name is None and any(not choice.package for members in project.conflicts for choice in members):
        raise ProjectError(
            f"tool.uv.conflicts in {project.path} has an entry without a package, and there is no [project] that it "
            "could be of; add package = 'NAME' to it, or write a pylock.toml."
        )
    _refuse_undeclared_indexes(project, top, named_indexes or {})
    stated = top["project"].table() if "project" in top and not script else {}
    uv = uv_of(top)
    settings = around.over(settings_of(top, [])) if script else shared_settings(path, top, [], around).settings
    per_package = settings["exclude-newer-package"].table() if "exclude-newer-package" in settings else {}
    build_constraints = uv.get("build-constraint-dependencies")
    return UvView(
        project,
        _version(stated),
        "virtual" if script else _source(path, top, uv, project.name),
        _cutoff(settings["exclude-newer"], project.exclude_newer) if "exclude-newer" in settings else None,
        {
            settings["exclude-newer-package"].key_name(key, "package name"): _cutoff(item, moment)
            for (key, item), moment in zip(per_package.items(), project.exclude_newer_package.values(), strict=True)
        },
        build_constraints.requirements() if build_constraints is not None else (),
        None if script else stated_default_groups(uv.get("default-groups")),
    )


def _refuse_undeclared_indexes(project: Project, top: Mapping[str, Value], named: Mapping[str, str]) -> None:
    """Refuses what uv refuses: a source with an index that a ``uv.toml`` declares, and not the project's own file."""
    workspace = workspace_of(project.path) if project.path.suffix == ".toml" else None
    files = [top, *([workspace.tables] if workspace is not None else [])]
    declared = {
        entry.table()["name"].raw
        for tables in files
        for entry in (uv_of(tables)["index"].items() if "index" in uv_of(tables) else ())
        if "name" in entry.table()
    }
    for name, sources in project.sources.items():
        for index in [source.index for source in sources if source.index]:
            if index not in declared and index not in named:
                raise ProjectError(
                    f"tool.uv.sources.{name} in {project.path} names the index {shown(index)}, which is declared in a "
                    "uv.toml alone, and uv takes no such project; declare it in [[tool.uv.index]], or write a "
                    "pylock.toml."
                )


def refuse_unlisted_scopes(view: UvView) -> None:
    """Refuses what uv refuses: a source for an extra or group that does not itself list the package.

    Raises:
        ProjectError: names the source.
    """
    project = view.project
    for name, sources in project.sources.items():
        for choice in [source.choice for source in sources if source.choice is not None]:
            listed = (project.extras if choice.kind == "extra" else project.groups).get(choice.name, ())
            if not any(requirement.name == name for requirement in listed):
                raise ProjectError(
                    f"tool.uv.sources.{name} in {project.path} is for {choice}, which does not list {name} itself, and "
                    f"uv takes no such project; write it in [tool.satlock.sources], add {name} to the {choice.kind}, "
                    "or write a pylock.toml."
                )


def _source(
    path: Path, top: Mapping[str, Value], uv: Mapping[str, Value], name: str | None
) -> Literal["editable", "directory", "virtual"]:
    workspace = workspace_of(path)
    if workspace is not None and name is not None and name in workspace.members:
        reference = workspace.references[name]
        return "virtual" if not reference.package else "editable" if reference.editable else "directory"
    package = uv["package"].flag() if "package" in uv else "build-system" in top
    return "editable" if package else "virtual"


def _version(stated: Mapping[str, Value]) -> str | None:
    if not stated:
        return None
    if "version" not in stated:
        dynamic = stated["dynamic"].raw if "dynamic" in stated else ()
        if isinstance(dynamic, list) and "version" in dynamic:
            return None
        raise ProjectError(f"project in {stated['name'].file} has no version, which uv needs; add version = '0.1.0'.")
    return stated["version"].version()


def _cutoff(value: Value, moment: datetime | None) -> Cutoff | None:
    if moment is None:
        return None
    raw = value.raw
    if isinstance(raw, str) and (span := iso_duration(raw)) is not None:
        return Cutoff(None, span)
    return Cutoff(raw.astimezone(UTC) if isinstance(raw, datetime) else moment) if isinstance(raw, str | date) else None
