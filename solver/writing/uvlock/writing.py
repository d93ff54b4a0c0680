"""A lock as ``uv.lock``: what uv installs from, and repeats of the project to see that the two belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from satlock.corpora.facts import File
from satlock.corpora.references import UrlReference
from satlock.encoder.markers.releases import spelled_by_uv
from satlock.encoder.project.project import Choice, Project, ProjectError, Scope, Source
from satlock.encoder.project.tables import flat
from satlock.encoder.project.universe import Universe
from satlock.encoder.project.uv_view import Cutoff, UvView
from satlock.solver.lockfiles.lock import Lock, LockedPackage
from satlock.solver.writing.uvlock.conflicts import Conflict, expanded, unlisted
from satlock.solver.writing.uvlock.graph import Graph
from satlock.solver.writing.uvlock.lowering import Lowering, specifier_text
from satlock.solver.writing.uvlock.markers import spelling_of
from satlock.solver.writing.uvlock.members import (
    default_groups_of,
    default_groups_text,
    group_pythons,
    groups_in,
    groups_of,
    metadata_of,
)
from satlock.solver.writing.uvlock.sources import direct_file_item, file_item, moment
from satlock.solver.writing.uvlock.text import Item, array, inline, lines, nested, short, table

__all__ = ["stated_of", "to_uv_lock"]

_NEVER = "0001-01-01T00:00:00Z"


def to_uv_lock(
    lock: Lock, project: Project, universe: Universe, view: UvView, folder: Path, *, objective: str | None = None
) -> str:
    """The text of the ``uv.lock`` in ``folder``; the same lock gives the same bytes.

    Args:
        view: the project as uv reads it, which is what uv holds against the lock.
        objective: what the lock was asked to be, where uv has no word for it; uv passes it over.

    Raises:
        ProjectError: uv could not be told what the lock says.
    """
    _refuse_credentials(lock)
    conflicts = expanded(view.project)
    met = unlisted(project, universe, conflicts)
    name = view.project.name or ""
    members = frozenset(choice for conflict in conflicts for choice in conflict)
    graph = Graph(lock, universe, project, spelling_of(name), members, met, folder)
    named = view.project.name is not None or project.whole_workspace
    entries = [
        (_order(package), [*_entry(package, graph, named, project), *_stated(package, project, folder)])
        for package in lock.packages
    ]
    if view.project.name is not None:
        entries.append(((name, Version("0"), ""), list(_own_entry(graph, view, folder))))
    body = [
        *_head(view.project, conflicts),
        *_options(view, objective),
        *_manifest(view, folder),
        *(line for _, entry in sorted(entries, key=lambda found: found[0]) for line in ("", "[[package]]", *entry)),
    ]
    return "\n".join(body) + "\n"


def _refuse_credentials(lock: Lock) -> None:
    """uv repeats a direct URL as it is written, to compare it later; no lock that is written here holds a password."""
    for package in lock.packages:
        reference = package.direct.reference if package.direct is not None else None
        if isinstance(reference, UrlReference) and reference.secret:
            raise ProjectError(
                f"{package.name} comes from a URL with credentials ({reference}), which a uv.lock would have to "
                "repeat; leave them out of the URL and put them into a .netrc file, or write a pylock.toml."
            )


def stated_of(view: UvView, folder: Path) -> str:
    """What a ``uv.lock`` repeats of its project, with the project's own entry and no other."""
    project = view.project
    own = ["", "[[package]]", f"name = {inline(project.name)}", *_version_and_source(view), *_metadata(project, folder)]
    body = [
        *_head(project, expanded(project)),
        *_options(view),
        *_manifest(view, folder),
        *(own if project.name is not None else ()),
    ]
    return "\n".join(body) + "\n"


def _version_and_source(view: UvView) -> list[str]:
    return lines(
        {
            "version": inline(view.version) if view.version else None,
            "source": inline({view.source: "."}),
            "default-groups": default_groups_text(view.default_groups),
        }
    )


def _order(package: LockedPackage) -> tuple[str, Version, str]:
    return package.name, Version(package.version), package.index


def _head(project: Project, conflicts: Sequence[Conflict]) -> list[str]:
    sets = [[_conflict_item(project, choice) for choice in sorted(members)] for members in conflicts]
    return lines(
        {
            "version": "1",
            "revision": "5",
            "requires-python": inline(specifier_text(spelled_by_uv(project.requires_python), ", ")),
            "supported-markers": array([str(marker) for marker in project.environments])
            if project.environments
            else None,
            "required-markers": array([str(marker) for marker in project.required_environments])
            if project.required_environments
            else None,
            "conflicts": nested(sets) if sets else None,
        }
    )


def _conflict_item(project: Project, choice: Choice) -> Item:
    item: dict[str, object] = {"package": choice.package or project.name}
    return item if choice.kind == "project" else {**item, choice.kind: choice.name}


def _options(view: UvView, objective: str | None = None) -> Iterator[str]:
    cutoff, project = view.exclude_newer, view.project
    yield from table(
        "[options]",
        {
            "resolution-mode": inline(project.resolution) if project.resolution not in (None, "highest") else None,
            "prerelease-mode": inline(project.prerelease) if project.prerelease != "if-necessary" else None,
            "fork-strategy": inline(project.fork_strategy) if project.fork_strategy != "requires-python" else None,
            "exclude-newer": inline(_said(cutoff)) if cutoff else None,
            "exclude-newer-span": inline(cutoff.span) if cutoff and cutoff.span else None,
            "objective": inline(objective) if objective else None,
        },
    )
    packages = view.project.prerelease_package
    yield from table("[options.prerelease-package]", {name: inline(mode) for name, mode in sorted(packages.items())})
    yield from table(
        "[options.exclude-newer-package]",
        {name: inline(_said_of_package(cutoff)) for name, cutoff in sorted(view.exclude_newer_package.items())},
    )


def _said(cutoff: Cutoff) -> str:
    return _NEVER if cutoff.moment is None else moment(cutoff.moment)


def _said_of_package(cutoff: Cutoff | None) -> object:
    if cutoff is None:
        return False
    return {"timestamp": _NEVER, "span": cutoff.span} if cutoff.span else _said(cutoff)


def _manifest(view: UvView, folder: Path) -> Iterator[str]:
    project = view.project
    own = (project.name,) if project.name else ()
    lowering = _lowering(project, project.name or "", project.sources, folder)
    said: dict[str, Sequence[object]] = {
        "members": sorted((*(member.name for member in project.members), *own)) if project.members else [],
        "requirements": lowering.all(project.dependencies) if project.name is None else [],
        "constraints": lowering.all(project.constraints),
        "overrides": [
            *sorted(
                ({**_scope(o.scope), "dependencies": lowering.all(o.requirements)} for o in project.scoped_overrides),
                key=str,
            ),
            *lowering.all(project.overrides),
        ],
        "excludes": [
            *sorted(({**_scope(e.scope), "dependencies": e.names} for e in project.scoped_excludes), key=str),
            *sorted(project.excludes),
        ],
        "build-constraints": lowering.all(view.build_constraints),
    }
    texts: dict[str, str | None] = {key: short(items) for key, items in said.items() if items}
    own_groups = default_groups_text(view.default_groups) if project.name is None else None
    yield from table("[manifest]", {"members": texts.pop("members", None), "default-groups": own_groups, **texts})
    if project.name is None:
        listed = groups_in(project)
        groups = {name: lowering.all(flat(listed, name)) for name in project.groups}
        yield from table("[manifest.dependency-groups]", {name: short(items) for name, items in sorted(groups.items())})
        yield from group_pythons("manifest", project)
    for metadata in sorted(project.dependency_metadata, key=lambda one: (one.name, one.version or "")):
        yield from table(
            "[[manifest.dependency-metadata]]",
            {
                "name": inline(metadata.name),
                "version": inline(metadata.version) if metadata.version else None,
                "requires-dist": inline(metadata.requires_dist) if metadata.requires_dist else None,
                "requires-python": inline(metadata.requires_python) if metadata.requires_python else None,
                "provides-extra": inline(metadata.provides_extra) if metadata.provides_extra else None,
            },
        )


def _scope(scope: Scope) -> Item:
    version = {} if scope.version is None else {"version": scope.version}
    return {"package": {"name": scope.package, **version}}


def _lowering(project: Project, name: str, sources: Mapping[str, tuple[Source, ...]], folder: Path) -> Lowering:
    return Lowering(name, sources, {index.name: index.url for index in project.indexes if index.name}, folder)


def _stated(package: LockedPackage, project: Project, folder: Path) -> Iterator[str]:
    return metadata_of(package.direct, project, folder) if package.direct is not None else iter(())


def _entry(package: LockedPackage, graph: Graph, named: bool, project: Project) -> Iterator[str]:
    """The entry of a package; ``named`` says whether there is a project that requires it."""
    said = f"{package.name} {package.version}"
    needs = {
        extra: graph.of_tree(package, extra, need.reached, graph.dependencies(need.requirements, need.reached, said))
        for extra, need in package.needs.items()
    }
    for extra in package.direct.metadata.provides_extra if package.direct is not None else ():
        needs[extra] = needs.get(extra) or graph.never(Choice("extra", extra, package.name))
    own = needs.pop("", [])
    forks = [] if named else graph.fork_markers(package)

    def item(file: File) -> Item:
        if package.direct is not None:
            return direct_file_item(file)
        return file_item(file, package.index, graph.lock.relative)

    files = (*package.files, *package.barred)
    wheels = [item(file) for file in files if file.is_wheel]
    sdists = sorted((file for file in files if not file.is_wheel), key=lambda file: file.filename[-3:] != ".gz")
    yield from lines(
        {
            "name": inline(package.name),
            "version": None if package.direct is not None and package.direct.dynamic else inline(package.version),
            "source": inline(graph.source((package.name, package.version, package.index))),
            "default-groups": default_groups_of(package.name, project),
            "resolution-markers": array(forks) if forks else None,
            "dependencies": array(own) if own else None,
            "sdist": inline(item(sdists[0])) if sdists else None,
            "wheels": array(wheels) if wheels else None,
        }
    )
    yield from table(
        "[package.optional-dependencies]", {extra: array(items) for extra, items in sorted(needs.items()) if items}
    )
    yield from groups_of(package.name, graph, project)


def _own_entry(graph: Graph, view: UvView, folder: Path) -> Iterator[str]:
    """The entry of the project itself."""
    project = view.project
    own = graph.section(None)
    sections = {
        "[package.optional-dependencies]": [Choice("extra", extra) for extra in sorted(project.extras)],
        "[package.dev-dependencies]": [Choice("group", group) for group in sorted(project.groups)],
    }
    groups = groups_in(project)
    listed = {
        choice: graph.section(choice, flat(groups, choice.name) if choice.kind == "group" else ())
        for choices in sections.values()
        for choice in choices
    }
    yield f"name = {inline(project.name)}"
    yield from _version_and_source(view)
    yield from lines({"dependencies": array(own) if own else None})
    for header, choices in sections.items():
        kept = {choice.name: array(listed[choice]) for choice in choices if listed[choice] or choice in graph.asked}
        yield from table(header, kept)
    yield from _metadata(project, folder)


def _metadata(project: Project, folder: Path) -> Iterator[str]:
    """What the project asks, for uv to compare."""
    yield from group_pythons("package", project)
    lowering = _lowering(project, project.name or "", project.sources, folder)
    required = lowering.all(project.dependencies)
    for extra, requirements in project.extras.items():
        required += lowering.all(requirements, Choice("extra", extra))
    required.sort(key=lambda item: (str(item["name"]), str(item)))
    yield from table(
        "[package.metadata]",
        {
            "requires-dist": short(required) if required else None,
            "provides-extras": inline(list(project.extras)) if project.extras else None,
        },
    )
    listed = groups_in(project)
    groups = {group: lowering.all(flat(listed, group), Choice("group", group)) for group in sorted(project.groups)}
    yield from table("[package.metadata.requires-dev]", {group: short(items) for group, items in groups.items()})
