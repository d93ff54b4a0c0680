"""Workspaces as uv has them: the root, its members, and who belongs to which (``[tool.uv.workspace]``)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from packaging.specifiers import SpecifierSet

from satlock.corpora.references import PathReference
from satlock.encoder.project.project import Member, ProjectError
from satlock.encoder.project.tables import read_groups, read_name, stated_default_groups, tables_of, uv_of
from satlock.encoder.project.values import Value, shown
from satlock.records import dataclass

__all__ = ["Workspace", "members_at", "pythons_of", "read_member", "workspace_of", "workspaces_found_once"]


_Stamps: TypeAlias = tuple[tuple[str, tuple[int, int] | None], ...]
"""Of files, as they were when they were read."""


@dataclass(frozen=True)
class Workspace:
    """A workspace on this machine."""

    root: Path
    """The ``pyproject.toml`` of its root."""
    tables: Mapping[str, Value]
    """What the root's file says."""
    members: Mapping[str, Path]
    """The ``pyproject.toml`` of each member by name, the root's own included where it is a project."""

    def folder_of(self, name: str) -> PathReference:
        """A member as a reference; editable, where no source says otherwise."""
        folder = self.members[name].parent
        given = os.path.relpath(folder, self.root.parent)
        installed = self.installs(name)
        editable = installed and self._taken.get(name) is not False
        return PathReference(str(folder), True, editable, installed, True, given)

    def installs(self, name: str) -> bool:
        """Whether a member is installed itself, and not only what it requires.

        ``tool.uv.package`` says so; else a build system does, or a source with ``workspace = true`` that names it.
        """
        tables = self._tables_of(self.members[name])
        told = uv_of(tables).get("package")
        return told.flag() if told is not None else "build-system" in tables or name in self._taken

    @cached_property
    def files(self) -> frozenset[Path]:
        """The ``pyproject.toml`` of each member."""
        return frozenset(self.members.values())

    @cached_property
    def references(self) -> dict[str, PathReference]:
        return {name: self.folder_of(name) for name in self.members}

    @cached_property
    def _taken(self) -> dict[str, bool | None]:
        """The packages that a source takes from the workspace, whoever states it, with its ``editable``.

        Raises:
            ProjectError: one is to be editable by one source, and not by another.
        """
        found: dict[str, bool | None] = {}
        for path in dict.fromkeys((self.root, *self.members.values())):
            tables = self._tables_of(path)
            own = read_name(tables["project"], tables["project"].table()) if "project" in tables else None
            for name, source in _sources_in(tables):
                if name == own or "workspace" not in source or source["workspace"].raw is not True:
                    continue
                told = source["editable"].flag() if "editable" in source else None
                if told is not None and found.get(name, told) not in (told, None):
                    raise source["editable"].error(
                        f"takes '{name}' {'' if told else 'not '}as editable, and another member of the workspace the "
                        "other way",
                        "let all of them say the same",
                    )
                found[name] = told if told is not None else found.get(name)
        return found

    def _tables_of(self, path: Path) -> Mapping[str, Value]:
        return self.tables if path == self.root else tables_of(path)


_ONCE: ContextVar[dict[Path, Workspace] | None] = ContextVar("workspaces of this run", default=None)


@contextmanager
def workspaces_found_once() -> Iterator[None]:
    """Within it, a workspace stays as it is when it is first looked for: each of hundreds of members asks for it."""
    token = _ONCE.set({})
    try:
        yield
    finally:
        _ONCE.reset(token)


_FOUND: dict[Path, tuple[_Stamps, Workspace]] = {}
"""By root."""


def workspace_of(path: Path, top: Path | None = None) -> Workspace | None:
    """The workspace that the project at ``path`` (a ``pyproject.toml``) is the root or a member of.

    As uv does, the folders above are looked at for a root whose members it is among; ``top`` is the last of them.

    Raises:
        ProjectError: the root's file is broken, or two members have one name.
    """
    path = Path(os.path.abspath(path))
    for folder in (path.parent, *path.parent.parents):
        candidate = folder / "pyproject.toml"
        if candidate.is_file():
            tables = tables_of(candidate)
            declared = _declared(tables)
            if declared is not None:
                workspace = _workspace_at(candidate, tables, declared)
                return workspace if candidate == path or path in workspace.files else None
        if folder == top:
            break
    return None


def members_at(root: Path) -> Mapping[str, Path] | None:
    """The members of the workspace with its root at this ``pyproject.toml``; None where it has none there.

    As in uv, a project that belongs to no workspace is one of its own.

    Raises:
        ProjectError: as for :func:`workspace_of`.
    """
    if not root.is_file():
        return None
    workspace = workspace_of(root)
    if workspace is not None:
        return workspace.members if workspace.root == root else None
    tables = tables_of(root)
    if "project" not in tables:
        return None
    return {read_name(tables["project"], tables["project"].table()): root}


def _workspace_at(root: Path, tables: Mapping[str, Value], declared: Value) -> Workspace:
    """The workspace of a root, found anew only if a file has changed: each of its members asks for it."""
    once = _ONCE.get()
    if once is not None and root in once:
        return once[root]
    table = declared.table()
    folders = [
        folder
        for key in ("members", "exclude")
        for name in _patterns(table, key)
        for folder in _matches(root.parent, name)
    ]
    stamps = tuple((str(file), _stamp(file)) for file in (root, *(folder / "pyproject.toml" for folder in folders)))
    kept = _FOUND.get(root)
    if kept is None or kept[0] != stamps:
        kept = _FOUND[root] = stamps, Workspace(root, tables, dict(_members(root, tables, declared)))
    if once is not None:
        once[root] = kept[1]
    return kept[1]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def read_member(workspace: Workspace, name: str) -> Member:
    """A member's groups; what it requires and its extras are in its metadata.

    Raises:
        ProjectError: its file is broken.
    """
    path = workspace.members[name]
    tables = tables_of(path)
    uv = uv_of(tables)
    groups = read_groups(tables.get("dependency-groups"), uv.get("dev-dependencies"), uv.get("dependency-groups"))
    extras = tables["project"].table().get("optional-dependencies")
    names = tuple(extras.key_name(key, "extra name") for key in extras.table()) if extras is not None else ()
    listed = (groups.listed, groups.includes, groups.pythons)
    default_groups = stated_default_groups(uv.get("default-groups"))
    return Member(name, workspace.folder_of(name), path, *listed, names, default_groups)


def pythons_of(workspace: Workspace) -> list[SpecifierSet]:
    """What each member says in ``requires-python``, as far as it does."""
    found = []
    for path in workspace.members.values():
        project = tables_of(path)["project"].table()
        if "requires-python" in project:
            found.append(project["requires-python"].specifiers())
    return found


def _sources_in(tables: Mapping[str, Value]) -> Iterator[tuple[str, dict[str, Value]]]:
    """Each entry of ``tool.uv.sources``, as far as its form is right, which is looked at where it is read."""
    sources = uv_of(tables).get("sources")
    for key, item in sources.table().items() if sources is not None else ():
        for entry in [item] if isinstance(item.raw, dict) else item.items("a table or a list of tables"):
            yield sources.key_name(key, "package name") if sources is not None else key, entry.table()


def _declared(tables: Mapping[str, Value]) -> Value | None:
    return uv_of(tables).get("workspace")


def _members(root: Path, tables: Mapping[str, Value], declared: Value) -> Iterator[tuple[str, Path]]:
    """Name and file of each member, by name; the root is one where it is a project."""
    table = declared.table()
    for key, item in table.items():
        if key not in ("members", "exclude"):
            raise item.error("is unknown", "use members and exclude")
    excluded = {path for pattern in _patterns(table, "exclude") for path in _matches(root.parent, pattern)}
    found: dict[str, Path] = {}
    if "project" in tables:
        found[read_name(tables["project"], tables["project"].table())] = root
    for pattern in _patterns(table, "members"):
        for folder in _matches(root.parent, pattern):
            file = folder / "pyproject.toml"
            if folder in excluded or file == root:
                continue
            if not file.is_file():
                if folder.name.startswith(".") or not any(folder.iterdir()):
                    continue
                raise table["members"].error(
                    f"matches {shown(os.path.relpath(folder, root.parent))}, which has no pyproject.toml",
                    "add one, or name the folder in exclude",
                )
            own = tables_of(file)
            managed = uv_of(own).get("managed")
            if "project" not in own or (managed is not None and not managed.flag()):
                continue
            name = read_name(own["project"], own["project"].table())
            if found.setdefault(name, file) != file:
                raise ProjectError(
                    f"{declared.where} in {root} has two members with the name '{name}' ({found[name].parent} and "
                    f"{folder}); rename one of them."
                )
    yield from sorted(found.items())


def _patterns(table: Mapping[str, Value], key: str) -> list[str]:
    if key not in table:
        return []
    patterns = []
    for item in table[key].items("a list of folders"):
        text = item.text("a folder as a string")
        if os.path.isabs(text) or "\0" in text or not text.strip("./"):
            raise item.error(f"is {shown(text)}", "write a folder, or a pattern for folders, inside of the workspace")
        patterns.append(text.rstrip("/"))
    return patterns


def _matches(folder: Path, pattern: str) -> list[Path]:
    """The folders that a pattern names, in the order of their names."""
    if not any(sign in pattern for sign in "*?["):
        named = Path(os.path.normpath(folder / pattern))
        return [named] if named.is_dir() else []
    above = Path(os.path.normpath(folder / Path(*[part for part in Path(pattern).parts if part == ".."])))
    rest = Path(*[part for part in Path(pattern).parts if part != ".."])
    try:
        return sorted(path for path in above.glob(str(rest)) if path.is_dir())
    except (ValueError, NotImplementedError, OSError):
        return []
