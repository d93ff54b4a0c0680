"""``uv.lock``: the graph that ``uv sync`` walks.

From each chosen member along its ``dependencies``, the ``optional-dependencies`` of the chosen extras and the
``dev-dependencies`` of the chosen groups. Conflict markers (``extra == 'extra-4-test-cpu'``) ask what is active; uv
finds that in a first walk, and installs what a second one reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from satlock.encoder.project.values import Value, shown
from satlock.records import dataclass, field
from satlock.records import replace as changed
from satlock.solver.lockfiles.markers import replace
from satlock.solver.lockfiles.model import (
    NEVER,
    PRODUCTION,
    AllOf,
    Comparison,
    Condition,
    ConflictItem,
    Edge,
    Entry,
    Item,
    Lockfile,
    LockfileError,
    Source,
    Switch,
    Thing,
    Whether,
    all_of,
    any_of,
    node_of,
)
from satlock.solver.lockfiles.pyproject import keyed
from satlock.solver.lockfiles.uv_markers import covered_by, uv_marker

__all__ = ["file_name", "read_uv_lock", "sha256_of"]

_SOURCES = ("registry", "git", "url", "path", "directory", "editable", "virtual")


@dataclass
class _Reader:
    """What is known of the file so far."""

    entries: list[Entry] = field(default_factory=list)
    by_name: dict[str, list[Entry]] = field(default_factory=dict)
    fork_markers: dict[int, Condition] = field(default_factory=dict)
    roots: dict[str, Entry] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    """The extras of each member that have dependencies."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)
    """The nodes of extras that the lock lists; any other extra has no dependencies, and uv does not activate it."""


def read_uv_lock(top: dict[str, Value]) -> Lockfile:
    """Reads the tables of a ``uv.lock``.

    Raises:
        ProjectError: where something in it is not as uv writes it.
    """
    version = top["version"].raw if "version" in top else None
    if version != 1:
        raise LockfileError(f"This uv.lock is of version {shown(version)}; satlock reads version 1.")
    reader = _Reader()
    packages = [item.table() for item in top["package"].items()] if "package" in top else []
    for number, package in enumerate(packages):
        _read_entry(reader, number, package)
    manifest = top["manifest"].table() if "manifest" in top else {}
    _find_roots(reader, manifest, top)
    for entry, package in zip(reader.entries, packages, strict=True):
        _read_edges(reader, entry, package)
    _read_manifest(reader, manifest)
    conflicts = tuple(_read_conflicts(reader, top))
    _note_items(reader)
    if not conflicts:
        # Then uv does not find out what is active: nothing is.
        reader.items = {code: Item(code, None) for code in reader.items}
    extras = sorted({extra for names in reader.extras.values() for extra in names})
    groups = sorted({group for names in reader.groups.values() for group in names})
    projects = [Switch("project", name) for name in reader.roots]
    supported = top.get("supported-markers")
    lock = Lockfile(
        kind="uv",
        entries=tuple(reader.entries),
        edges=tuple(changed(edge, condition=_resolved(reader, edge)) for edge in reader.edges),
        requires_python=str(top["requires-python"].specifiers()) if "requires-python" in top else "",
        environments=_environments(supported),
        covered=covered_by(top.get("resolution-markers")),
        switches=(
            *projects,
            PRODUCTION,
            *(Switch("extra", name) for name in extras),
            *(Switch("group", name) for name in groups),
        ),
        required=tuple(projects) if len(projects) == 1 else (),
        implied=tuple((Switch("extra", name), PRODUCTION) for name in extras),
        items=dict(sorted(reader.items.items())),
        conflicts=conflicts,
    )
    if not conflicts or "members" not in manifest:
        return lock
    from satlock.solver.lockfiles.refused import rivals_of  # few locks ask for it

    return changed(lock, rivals=rivals_of(lock))


def _environments(supported: Value | None) -> Condition:
    if supported is None:
        return AllOf(())
    markers = [uv_marker(item) for item in supported.items("a list of markers")]
    return any_of(*(replace(marker, _no_extra) for marker in markers)) if markers else AllOf(())


def _no_extra(comparison: Comparison) -> Condition:
    """Where uv evaluates a marker without extras, none is active."""
    if comparison.variable != "extra":
        return comparison
    return AllOf(()) if comparison.operator == "!=" else NEVER


def _read_entry(reader: _Reader, number: int, package: dict[str, Value]) -> None:
    if "name" not in package or "source" not in package:
        raise LockfileError(f"Entry {number + 1} of package in the uv.lock has no name or no source.")
    name = package["name"].name()
    source = _source(package["source"])
    wheels = [*package["wheels"].items()] if "wheels" in package else []
    files = [*wheels, *([package["sdist"]] if "sdist" in package else [])]
    for place, file in enumerate(files):
        name_of_file = _filename(file)
        if name_of_file and name_of_file.endswith(".whl") != (place < len(wheels)):
            raise file.expected("a wheel" if place < len(wheels) else "a source distribution")
    entry = Entry(
        number,
        name,
        package["version"].text() if "version" in package else "",
        source,
        tuple(_filename(file) for file in files),
        builds=source.kind in ("git", "directory", "editable", "virtual"),
        hashes=tuple((_filename(file), digest) for file in files if (digest := sha256_of(file.table()))),
    )
    same = reader.by_name.setdefault(name, [])
    if any(other.version == entry.version and other.source == source for other in same):
        raise LockfileError(f"{name} {entry.version} is there twice with one source in the uv.lock.")
    same.append(entry)
    reader.entries.append(entry)
    if "resolution-markers" in package:
        markers = [uv_marker(item) for item in package["resolution-markers"].items("a list of markers")]
        reader.fork_markers[number] = any_of(*(replace(marker, _no_extra) for marker in markers))


def _source(value: Value) -> Source:
    table = value.table()
    kinds = [kind for kind in _SOURCES if kind in table]
    if len(kinds) != 1:
        raise value.expected(f"a table with one of {', '.join(_SOURCES)}")
    return Source(kinds[0], table[kinds[0]].text())


def _filename(value: Value) -> str:
    table = value.table()
    if "url" in table:
        return file_name(table["url"].text())
    return next((table[key].text().rpartition("/")[2] for key in ("path", "filename") if key in table), "")


def file_name(address: str) -> str:
    """The name of the file at an address, as uv reads it: without a query, and with its escapes undone."""
    return unquote(address.partition("?")[0].partition("#")[0].rpartition("/")[2])


def sha256_of(file: dict[str, Value]) -> str:
    """The digest of a file that states it as ``sha256:…``; empty where it states none."""
    sort, _, digest = file["hash"].text().partition(":") if "hash" in file else ("", "", "")
    return digest if sort == "sha256" else ""


def _find_roots(reader: _Reader, manifest: dict[str, Value], top: dict[str, Value]) -> None:
    members = [*manifest["members"].items("a list of names")] if "members" in manifest else []
    if members:
        for member in members:
            name = member.name()
            if len(reader.by_name.get(name, ())) != 1:
                raise LockfileError(f"The workspace member {shown(name)} has no entry of its own in the uv.lock.")
            reader.roots[name] = reader.by_name[name][0]
        return
    for entry in reader.entries:
        if entry.source.kind in ("editable", "virtual", "directory") and entry.source.place in (".", ""):
            reader.roots[entry.name] = entry
    if not reader.roots and not {"requirements", "dependency-groups"} & manifest.keys() and reader.entries:
        raise LockfileError(f"{top['package'].file} names no member and has no entry for the project itself.")


def _read_edges(reader: _Reader, entry: Entry, package: dict[str, Value]) -> None:
    here = node_of(entry.number)
    root = reader.roots.get(entry.name) is entry
    project = Switch("project", entry.name)
    if root:
        reader.edges.append(
            Edge(
                f"root {here}",
                None,
                (here,),
                all_of(Whether(project), Whether(PRODUCTION)),
                (),
                f"project {entry.name!r}",
                entry.name,
            )
        )
        reader.items[_encoded("project", entry.name)] = Item(_encoded("project", entry.name), (project, PRODUCTION))
    for edge in _dependencies(reader, package.get("dependencies"), f"{here}.", here):
        reader.edges.append(edge)
    for extra, items in keyed(package.get("optional-dependencies"), "extra"):
        node = node_of(entry.number, extra)
        reader.offered.add(node)
        for edge in _dependencies(reader, items, f"{node}.", node):
            reader.edges.append(edge)
        if root:
            reader.extras.setdefault(entry.name, []).append(extra)
            chosen = (project, Switch("extra", extra))
            reader.edges.append(
                Edge(f"root {node}", None, (node,), all_of(*map(Whether, chosen)), (), f"extra {extra!r}", entry.name)
            )
            code = _encoded("extra", entry.name, extra)
            reader.items[code] = Item(code, chosen)
    for group, items in keyed(_groups_in(package), "group") if root else ():
        reader.groups.setdefault(entry.name, []).append(group)
        chosen = (project, Switch("group", group))
        code = _encoded("group", entry.name, group)
        reader.items[code] = Item(code, chosen)
        for edge in _dependencies(reader, items, f"{here}{{{group}}}.", None):
            reader.edges.append(
                changed(
                    edge,
                    condition=all_of(*map(Whether, chosen), edge.condition),
                    step=f"group {group!r} of {entry.name!r}",
                    member=entry.name,
                    group=group,
                )
            )


def _groups_in(package: Mapping[str, Value]) -> Value | None:
    """The edges of a member's groups; uv's first locks with groups had another word for them."""
    return package.get("dev-dependencies", package.get("dependency-groups"))


def _dependencies(reader: _Reader, value: Value | None, prefix: str, source: str | None) -> Iterator[Edge]:
    for place, item in enumerate(value.items() if value is not None else ()):
        table = item.table()
        target = _target(reader, item, table)
        extras = [extra.name("name of an extra") for extra in table["extra"].items()] if "extra" in table else []
        yield Edge(
            f"{prefix}{place}",
            source,
            (node_of(target.number), *(node_of(target.number, extra) for extra in extras)),
            uv_marker(table.get("marker")),
            tuple(_encoded("extra", target.name, extra) for extra in extras),
        )


def _target(reader: _Reader, item: Value, table: dict[str, Value]) -> Entry:
    if "name" not in table:
        raise item.error("has no name", "write the lock again with uv")
    name = table["name"].name()
    found = reader.by_name.get(name, [])
    if len(found) > 1 or "version" in table:
        version = table["version"].text() if "version" in table else None
        found = [entry for entry in found if version is None or entry.version == version]
    if "source" in table:
        source = _source(table["source"])
        found = [entry for entry in found if entry.source == source]
    if len(found) != 1:
        problem = "fits no entry" if not found else "fits several entries"
        raise item.error(f"asks for {shown(name)} and {problem} of the lock", "write the lock again with uv")
    return found[0]


def _read_manifest(reader: _Reader, manifest: dict[str, Value]) -> None:
    """Requirements of scripts, and groups of workspaces that are no project."""
    for group, items in (("", manifest.get("requirements")), *keyed(manifest.get("dependency-groups"), "group")):
        prefix, switch = (f"{{{group}}}", Switch("group", group)) if group else ("requirements", PRODUCTION)
        if group:
            reader.groups.setdefault("", []).append(group)
        for place, item in enumerate(items.items() if items is not None else ()):
            table = item.table()
            if "name" not in table:
                raise item.error("has no name", "write the lock again with uv")
            name = table["name"].name()
            marker = replace(uv_marker(table.get("marker")), _no_extra)
            extras = [extra.name("name of an extra") for extra in table["extras"].items()] if "extras" in table else []
            for entry in reader.by_name.get(name, []):
                fork = reader.fork_markers.get(entry.number, AllOf(()))
                reader.edges.append(
                    Edge(
                        f"{prefix}.{place}>{entry.number}",
                        None,
                        (node_of(entry.number), *(node_of(entry.number, extra) for extra in extras)),
                        all_of(Whether(switch), marker, fork),
                        tuple(_encoded("extra", name, extra) for extra in extras) if group else (),
                        step=str(switch) if group else "requirements",
                        group=group,
                    )
                )


def _read_conflicts(reader: _Reader, top: dict[str, Value]) -> Iterator[tuple[ConflictItem, ...]]:
    for members in top["conflicts"].items() if "conflicts" in top else ():
        found = []
        for item in members.items():
            table = item.table()
            if "package" not in table:
                raise item.expected("a table with a package")
            package = table["package"].name()
            kind = "extra" if "extra" in table else "group" if "group" in table else "project"
            name = table[kind].name(f"name of a {kind}") if kind != "project" else ""
            code = _encoded(kind, package, name)
            reader.items.setdefault(code, Item(code, None))
            label = f"{kind} {name!r} of {package!r}" if name else f"{kind} {package!r}"
            found.append(ConflictItem(label, code, Thing(kind, name, package)))
        yield tuple(found)


def _encoded(kind: str, package: str, name: str = "") -> str:
    return f"{kind}-{len(package)}-{package}" + (f"-{name}" if name else "")


def _note_items(reader: _Reader) -> None:
    """Adds what markers ask for, and which edges activate what is asked for."""
    for place, edge in enumerate(reader.edges):
        offered = zip(edge.activates, edge.targets[1:], strict=False)
        activates = tuple(code for code, node in offered if node in reader.offered)
        reader.edges[place] = changed(edge, activates=activates)
    asked = {found for edge in reader.edges for found in _asked(edge.condition)}
    for code in sorted(asked):
        reader.items.setdefault(code, Item(code, None))
    activators: dict[str, list[str]] = {}
    for edge in reader.edges:
        for code in edge.activates:
            activators.setdefault(code, []).append(edge.name)
    for code, item in reader.items.items():
        early = tuple(edge.name for edge in reader.edges if edge.source is None and code in edge.activates)
        reader.items[code] = changed(item, activators=tuple(activators.get(code, ())), early=early)


def _asked(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Comparison):
        if condition.variable == "extra":
            if condition.operator not in ("==", "!="):
                raise LockfileError(f"The uv.lock has the marker {shown(str(condition))}, which uv never writes.")
            yield condition.text
    elif not isinstance(condition, Whether):
        for part in condition.parts:
            yield from _asked(part)


def _resolved(reader: _Reader, edge: Edge) -> Condition:
    """The edge's condition with its conflict markers as switches."""

    def asked(comparison: Comparison) -> Condition:
        if comparison.variable != "extra":
            return comparison
        item = reader.items[comparison.text]
        on = comparison.operator == "=="
        if edge.source is not None:
            return Whether(item.switch, on)
        # uv follows the edges of groups first: what is active then are choices and what such edges activate themselves.
        if item.name in edge.activates:
            return AllOf(()) if on else NEVER
        return Whether(Switch("early" if item.early else "picked", item.name), on)

    return replace(edge.condition, asked)
