"""What ``uv.lock`` says of source trees and archives beside their edges: what their own files state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from satlock.corpora.references import Direct, GitReference
from satlock.encoder.markers.specifiers import parse_requirement
from satlock.encoder.markers.structure import without_extra
from satlock.encoder.project.direct import reference_of_url
from satlock.encoder.project.lowering import groups_of_tree, lowering_of
from satlock.encoder.project.project import Choice, Member, Project, Requirement, StatedGroups
from satlock.encoder.project.tables import Groups, flat, pythons_of_group
from satlock.records import replace
from satlock.solver.writing.uvlock.graph import Graph
from satlock.solver.writing.uvlock.lowering import Lowering
from satlock.solver.writing.uvlock.text import array, inline, short, table

__all__ = [
    "default_groups_of",
    "default_groups_text",
    "group_pythons",
    "groups_in",
    "groups_of",
    "metadata_of",
    "pythons_of_member",
]


def groups_of(name: str, graph: Graph, project: Project) -> Iterator[str]:
    """The groups of a member of the workspace."""
    member = _member(name, project)
    if member is not None:
        of_member = groups_in(member)
        listed = {
            group: graph.section(Choice("group", group, name), flat(of_member, group))
            for group in sorted(member.groups)
        }
        yield from table(
            "[package.dev-dependencies]", {group: array(items) for group, items in listed.items() if items}
        )
        yield from group_pythons("package", member)


def group_pythons(header: str, owner: Project | Member) -> list[str]:
    """``group-requires-python``: for which Pythons the groups are, where that is not every one."""
    groups = groups_in(owner)
    found = {name: pythons_of_group(groups, name) for name in sorted(groups.listed)}
    said = {name: inline(",".join(map(str, specifiers))) for name, specifiers in found.items() if specifiers}
    return table(f"[{header}.group-requires-python]", said)


def default_groups_of(name: str, project: Project) -> str | None:
    """What a member says of its default groups, as it is written in a lock; None where it says nothing."""
    member = _member(name, project)
    return None if member is None else default_groups_text(member.default_groups)


def pythons_of_member(name: str, project: Project) -> list[str]:
    """What a member says of the Pythons of its groups, as it is written in a lock."""
    member = _member(name, project)
    return [] if member is None else group_pythons("package", member)


def default_groups_text(groups: StatedGroups | None) -> str | None:
    """Default groups as they are written in a lock."""
    return None if groups is None else inline(groups if groups == "all" else list(groups))


def metadata_of(direct: Direct, project: Project, folder: Path) -> Iterator[str]:
    """``package.metadata`` of what may change without its name: all but commits, as in uv.

    Raises ProjectError where the file of a source tree is broken.
    """
    if isinstance(direct.reference, GitReference):
        return
    sources = lowering_of(direct).sources
    indexes = {index.name: index.url for index in project.indexes if index.name}
    indexes |= {source.index: source.url for found in sources.values() for source in found if source.url}
    lowering = Lowering(direct.metadata.name, sources, indexes, folder)
    required: list[Mapping[str, object]] = []
    for line in direct.metadata.requires_dist:
        requirement, extra = _split(line, direct)
        required += lowering.all([requirement], Choice("extra", extra) if extra else None)
    required.sort(key=lambda item: (str(item["name"]), str(item)))
    extras = direct.metadata.provides_extra
    yield from table(
        "[package.metadata]",
        {
            "requires-dist": short(required) if required else None,
            "provides-extras": inline(list(extras)) if extras else None,
        },
    )
    listed = groups_of_tree(direct)
    groups = {group: lowering.all(flat(listed, group), Choice("group", group)) for group in sorted(listed.listed)}
    yield from table("[package.metadata.requires-dev]", {group: short(items) for group, items in groups.items()})


def groups_in(owner: Project | Member) -> Groups:
    """The groups of the project, or of a member of its workspace."""
    return Groups(owner.groups, owner.group_includes, owner.group_pythons)


def _member(name: str, project: Project) -> Member | None:
    if not project.whole_workspace:
        return None
    return next((member for member in project.members if member.name == name), None)


def _split(line: str, direct: Direct) -> tuple[Requirement, str]:
    """A requirement without the extra that lists it, and that extra."""
    requirement = parse_requirement(line, direct.metadata.name)
    if requirement.url is not None:
        base = Path(direct.tree) if direct.tree else None
        requirement = replace(requirement, reference=reference_of_url(requirement.url, base))
    extra, rest = without_extra(requirement.marker)
    return replace(requirement, marker=rest), extra
