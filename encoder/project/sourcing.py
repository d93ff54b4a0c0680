"""``[tool.uv.sources]``: for each package where it comes from, with the scope of that, as uv documents it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from satlock.corpora.references import GitReference, PathReference, Reference
from satlock.encoder.project.direct import git_reference, inside, lfs_by_default, local_path, reference_of_url
from satlock.encoder.project.pins import Declared
from satlock.encoder.project.project import Choice, Index, Source
from satlock.encoder.project.values import Value, first_line, shown
from satlock.encoder.project.workspace import members_at
from satlock.records import dataclass, field, replace

__all__ = ["Ground", "read_sources"]

_KINDS = ("index", "git", "url", "path", "workspace")
_SCOPE = ("extra", "group", "marker")
_KEYS = {
    "index": ("index",),
    "git": ("git", "rev", "tag", "branch", "subdirectory", "lfs"),
    "url": ("url", "subdirectory"),
    "path": ("path", "editable", "package"),
    "workspace": ("workspace", "editable"),
}


@dataclass(frozen=True)
class Ground:
    """Where a project stands: what its paths start at, and the members of its workspace."""

    folder: Path
    members: Mapping[str, PathReference] = field(default_factory=dict)
    owner: str = ""
    """The name of the source tree; empty for the project itself."""
    git: GitReference | None = None
    """The repository that the folder was checked out from: its paths are folders of this repository."""
    top: Path | None = None
    """The top of that checkout."""
    required: Collection[str] | None = None
    """The names that the project itself requires; None where that is not known."""


def read_sources(
    value: Value | None, indexes: Collection[Index], declared: Declared, ground: Ground, warnings: list[str]
) -> dict[str, tuple[Source, ...]]:
    """The sources of each package, in the order of the file. Whether scopes overlap is not decided here."""
    sources: dict[str, tuple[Source, ...]] = {}
    if value is None:
        return sources
    seen: set[str] = set()
    for key, item in value.table().items():
        name = value.key_name(key, "package name")
        if name in seen:
            raise item.error(f"is a second key for the package '{name}'", "join the two in one list")
        seen.add(name)
        entries = [item] if isinstance(item.raw, dict) else list(item.items("a table or a list of tables"))
        found = [_one_source(name, entry, indexes, declared, ground, warnings) for entry in entries]
        _refuse_unmarked(item, entries)
        if kept := tuple(source for source in found if source is not None):
            sources[name] = kept
    return sources


def _refuse_unmarked(item: Value, entries: Sequence[Value]) -> None:
    """Raises ProjectError where one of several sources for the same extra, group or everything holds there always."""
    scopes: dict[tuple[object, object], list[bool]] = {}
    for entry in entries:
        table = entry.table()
        scope = tuple(table[kind].raw if kind in table else None for kind in ("extra", "group"))
        scopes.setdefault((scope[0], scope[1]), []).append("marker" in table)
    if any(len(marked) > 1 and not all(marked) for marked in scopes.values()):
        raise item.error(
            "has several entries of one scope, one of them without a marker", "give each a marker of its own"
        )


def _one_source(  # noqa: PLR0917
    name: str, entry: Value, indexes: Collection[Index], declared: Declared, ground: Ground, warnings: list[str]
) -> Source | None:
    table = entry.table()
    kinds = [kind for kind in _KINDS if kind in table]
    if not kinds:
        raise entry.error("has no source", f"add one of {', '.join(_KINDS)}")
    if len(kinds) > 1:
        raise entry.error(f"has both {kinds[0]} and {kinds[1]}", "keep one of them")
    kind = kinds[0]
    for key, item in table.items():
        if key not in (*_KEYS[kind], *_SCOPE):
            known = any(key in keys for keys in _KEYS.values())
            problem = f"does not belong to a source with {kind}" if known else "is unknown"
            raise item.error(problem, f"use {', '.join(_KEYS[kind])}, with extra, group or marker")
    if "extra" in table and "group" in table:
        raise entry.error("has both extra and group", "write one entry for each of them")
    scope = next((declared.choice(table[kind], kind) for kind in ("extra", "group") if kind in table), None)
    if scope is not None and ground.owner:
        scope = Choice(scope.kind, scope.name, ground.owner)
    marker = table["marker"].marker() if "marker" in table else None
    if kind == "index":
        index = table["index"].text("the name of an index as a string")
        known_index = next((one for one in indexes if one.name == index), None)
        if known_index is None:
            raise table["index"].error(
                f"names the unknown index {shown(index)}", "declare it in [[tool.uv.index]] or with --index NAME=URL"
            )
        return Source(index, scope, marker, url=known_index.url if ground.owner else "")
    if kind == "workspace":
        own = not isinstance(table["workspace"].raw, str)
        member = (_member if own else _member_elsewhere)(name, entry, table, ground, warnings)
        return None if member is None else Source("", scope, marker, member)
    try:
        return Source("", scope, marker, _reference(kind, table, ground))
    except ValueError as error:
        raise table[kind].error(f"is {shown(table[kind].raw)}, which {first_line(error)}", "correct it") from None


def _reference(kind: str, table: Mapping[str, Value], ground: Ground) -> Reference:
    """Raises ValueError where it refers to nothing that can be locked."""
    subdirectory = table["subdirectory"].text() if "subdirectory" in table else ""
    if kind == "git":
        said = [key for key in ("rev", "tag", "branch") if key in table]
        if len(said) > 1:
            raise table[said[1]].error(f"stands beside {said[0]}", "keep one of them")
        ref = table[said[0]].text() if said else ""
        lfs = table["lfs"].flag() if "lfs" in table else lfs_by_default()
        url = table["git"].text("the URL of a repository as a string")
        return git_reference(url.removeprefix("git+"), said[0] if said else None, ref, subdirectory, lfs=lfs)
    if kind == "url":
        found = reference_of_url(table["url"].text("a URL as a string"), ground.folder)
        if subdirectory and not isinstance(found, PathReference | GitReference):
            return replace(found, subdirectory=inside(subdirectory))
        return found
    written = table["path"].text("a path as a string")
    editable = table["editable"].flag() if "editable" in table else None
    package = table["package"].flag() if "package" in table else None
    found_path = local_path(written, ground.folder, editable=editable, package=package)
    if found_path.folder or not editable:
        return _in_checkout(found_path, ground)
    raise ValueError("is an archive, and cannot be editable")


def _in_checkout(found: PathReference, ground: Ground) -> Reference:
    """A path in a repository is a folder of that repository."""
    if ground.git is None or ground.top is None:
        return found
    place = Path(os.path.realpath(found.path))
    top = Path(os.path.realpath(ground.top))
    if not place.is_relative_to(top):
        raise ValueError("leads out of its repository")
    if not found.folder:
        raise ValueError("is an archive in a repository, which satlock cannot lock")
    folder = place.relative_to(top).as_posix()
    return replace(ground.git, subdirectory="" if folder == "." else folder)


def _member(
    name: str, entry: Value, table: Mapping[str, Value], ground: Ground, warnings: list[str]
) -> Reference | None:
    if not table["workspace"].flag():
        raise table["workspace"].expected("true, or another source")
    found = ground.members.get(name)
    if found is None:
        if ground.required is not None and name not in ground.required:
            warnings.append(f"{entry.where} names '{name}', which no member of the workspace is; it has no effect.")
            return None
        raise entry.error(
            f"takes '{name}' from the workspace, which has no member of that name",
            "add its folder to members in [tool.uv.workspace]",
        )
    return _in_checkout(found, ground)


def _member_elsewhere(
    name: str, entry: Value, table: Mapping[str, Value], ground: Ground, warnings: list[str]
) -> Reference | None:
    """``workspace = "../other"``: a member of the workspace with its root in that folder, which uv asks for by name."""
    written = table["workspace"].text()
    if not ground.owner and ground.required is not None and name not in ground.required:
        warnings.append(f"{entry.where} names '{name}', which the project does not require; it has no effect.")
        return None
    root = Path(os.path.normpath(os.path.join(os.path.abspath(ground.folder), written)))
    members = members_at(root / "pyproject.toml")
    if members is None:
        raise table["workspace"].error(
            f"is {shown(written)}, where no workspace has its root", "name the folder of its root"
        )
    if name not in members:
        raise entry.error(f"takes '{name}' from a workspace that has no member of that name", "correct the folder")
    told = table["editable"].flag() if "editable" in table else True
    found = local_path(os.path.relpath(members[name].parent, ground.folder), ground.folder)
    return _in_checkout(replace(found, editable=found.package and told), ground)
