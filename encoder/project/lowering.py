"""What a source tree's own sources make of its requirements: each from the index, repository, archive or folder."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from satlock.corpora.names import canonicalize_name
from satlock.corpora.references import Direct, GitReference, PathReference
from satlock.encoder.markers.marker import FALSE, from_marker
from satlock.encoder.project.dependencies import Dependency
from satlock.encoder.project.direct import reference_of_url
from satlock.encoder.project.pins import Declared, read_indexes
from satlock.encoder.project.project import Index, Project, Source
from satlock.encoder.project.settings import settings_of
from satlock.encoder.project.sharing import declared_by, inherited
from satlock.encoder.project.sourcing import Ground, read_sources
from satlock.encoder.project.tables import Groups, read_groups, tables_of
from satlock.encoder.project.values import Value
from satlock.encoder.project.workspace import workspace_of
from satlock.records import dataclass, field, replace

__all__ = ["Lowering", "groups_of_tree", "indexes_of_trees", "lowering_of"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""The name that a requirement begins with."""


@dataclass(frozen=True)
class Lowering:
    """The sources of one source tree."""

    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    base: Path | None = None
    """What paths in its metadata start at; None where it may name none."""

    def apply(self, dependency: Dependency, kind: str, name: str) -> Iterator[Dependency]:
        """A requirement that the extra or group ``name`` lists (``""`` for none), by what each source makes of it.

        Raises:
            ValueError: it is a direct reference that cannot be locked.
        """
        if dependency.url is not None:
            try:
                yield replace(dependency, reference=reference_of_url(dependency.url, self.base))
            except ValueError as error:
                raise ValueError(f"{dependency.text!r} {error}") from None
            return
        rest = dependency.marker
        for source in self.sources.get(dependency.name, ()):
            if source.choice is not None and (source.choice.kind, source.choice.name) != (kind, name):
                continue
            scope = from_marker(source.marker, name if kind == "extra" else "")
            here = dependency.marker & scope
            rest &= ~scope
            if here is not FALSE:
                index = (source.index, source.url) if source.index else None
                yield replace(dependency, marker=here, reference=source.reference, index=index)
        if rest is not FALSE:
            yield replace(dependency, marker=rest)


def groups_of_tree(direct: Direct) -> Groups:
    """The dependency groups that a source tree states; an archive states none.

    Raises:
        ProjectError: its file is broken.
    """
    file = Path(direct.tree, "pyproject.toml")
    if not direct.tree or not file.is_file():
        return Groups({}, {}, {})
    tables = tables_of(file)
    settings = settings_of(tables, [])
    return read_groups(
        tables.get("dependency-groups"), settings.get("dev-dependencies"), settings.get("dependency-groups")
    )


def lowering_of(direct: Direct) -> Lowering:
    """The sources that apply to what a candidate requires: those of its ``pyproject.toml``, and of its workspace.

    An archive has none: it was made to be installed from anywhere.

    Raises:
        ProjectError: its file is broken.
    """
    reference = direct.reference
    local = isinstance(reference, PathReference)
    file = Path(direct.tree, "pyproject.toml")
    if not direct.tree or not file.is_file():
        return Lowering(base=Path(reference.path).parent if isinstance(reference, PathReference) else None)
    tables = tables_of(file)
    settings = settings_of(tables, [])
    top = Path(direct.top) if direct.top else None
    workspace = workspace_of(file, top)
    groups = read_groups(tables.get("dependency-groups"), settings.get("dev-dependencies"))
    declared = Declared(direct.metadata.name, direct.metadata.provides_extra, groups.listed)
    git = reference if isinstance(reference, GitReference) else None
    members = workspace.references if workspace is not None else {}
    required: set[str] = {
        canonicalize_name(name[0]) for line in direct.metadata.requires_dist if (name := _NAME.match(line))
    }
    required.update(requirement.name for listed in groups.listed.values() for requirement in listed)

    def read(given: Mapping[str, Value], folder: Path, declared: Declared) -> dict[str, tuple[Source, ...]]:
        indexes = read_indexes({key: value for key, value in given.items() if key == "index"}, [])
        if workspace is not None and folder != workspace.root.parent:
            shared = settings_of(workspace.tables, [])
            indexes += read_indexes({key: value for key, value in shared.items() if key == "index"}, [])
        ground = Ground(folder, members, direct.metadata.name, git, top, frozenset())
        return read_sources(_of(given.get("sources"), required), indexes, declared, ground, [])

    found: dict[str, tuple[Source, ...]] = {}
    if workspace is not None and workspace.root != file:
        shared = settings_of(workspace.tables, [])
        of_root = read(shared, workspace.root.parent, declared_by(workspace.tables, shared))
        found = {name: inherited(sources, declared) for name, sources in of_root.items()}
    found |= read(settings, file.parent, declared)
    return Lowering(found, file.parent if local else None)


def indexes_of_trees(project: Project) -> Iterator[Index]:
    """The indexes that the members of the project's workspace, and the folders that it takes packages from, declare.

    Raises:
        ProjectError: the file of one is broken.
    """
    folders = [member.folder for member in project.members]
    named = (source.reference for sources in project.sources.values() for source in sources)
    folders += [reference for reference in named if isinstance(reference, PathReference) and reference.folder]
    for folder in dict.fromkeys(folders):
        file = Path(folder.path, "pyproject.toml")
        if file.is_file():
            settings = settings_of(tables_of(file), [])
            yield from read_indexes({key: value for key, value in settings.items() if key == "index"}, [])


def _of(sources: Value | None, names: Collection[str]) -> Value | None:
    """The entries of ``sources`` for these packages: a workspace may have hundreds, and a member needs a few."""
    if sources is None or not isinstance(sources.raw, dict):
        return sources
    return replace(sources, raw={key: raw for key, raw in sources.raw.items() if canonicalize_name(key) in names})
