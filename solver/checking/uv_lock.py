"""Reads ``uv.lock`` for the checker. One that is not well formed makes the check fail, with whatever sentence."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    Bad,
    Condition,
    Is,
    Switch,
    both,
    either,
    leaves,
    plain,
    replaced,
)
from satlock.solver.checking.model import Edge, Entry, Lock, Origin, Table
from satlock.solver.checking.refused import rivals_of
from satlock.solver.checking.uv_markers import covered_by, uv_marker

__all__ = ["file_name", "file_sha256", "noted_groups", "read_uv_lock"]


_SOURCES = ("registry", "git", "url", "path", "directory", "editable", "virtual")


def _source(table: Table) -> Origin:
    kinds = [kind for kind in _SOURCES if kind in table]
    if len(kinds) != 1:
        raise Bad("the lockfile has an entry that is from no place, or from two")
    return Origin(kinds[0], str(table[kinds[0]]))


def file_name(address: str) -> str:
    """The name of the file at an address, as its installer reads it: without a query, and with its escapes undone."""
    return unquote(address.partition("?")[0].partition("#")[0].rpartition("/")[2])


def _files(package: Table) -> list[tuple[str, str]]:
    """Wheels and source distributions, with their digests. Where several things say how one is called, the address
    does, as uv has it."""
    found = []
    for kind in ("wheels", "sdist"):
        listed = package.get(kind, [])
        for file in listed if kind == "wheels" else [listed] if listed else []:
            told = next((str(file[key]) for key in ("url", "path", "filename") if key in file), "")
            name = file_name(told) if "url" in file else told.rpartition("/")[2]
            if name.endswith(".whl") != (kind == "wheels") and name:
                raise Bad(f"the lockfile has the file {name[:80]!r} among those that it is none of")
            found.append((name, file_sha256(file)))
    return found


def file_sha256(file: Table) -> str:
    """The digest of a file that states it as ``sha256:…``; empty where it states none."""
    sort, _, digest = str(file.get("hash", "")).partition(":")
    return digest if sort == "sha256" else ""


def _alone(leaf: Is) -> Condition:
    if leaf.variable != "extra":
        return leaf
    return ALWAYS if leaf.operator == "!=" else NEVER


def read_uv_lock(lock: Lock, top: Table) -> None:
    if top.get("version") != 1 or "distribution" in top:
        raise Bad("the lockfile is of a version that is not known here")
    packages, manifest = top.get("package", []), top.get("manifest", {})
    for package in packages:
        source, named = _source(package["source"]), _files(package)
        lock.entries.append(
            Entry(
                plain(package["name"]),
                package.get("version", ""),
                source,
                [name for name, _ in named],
                source.kind in ("git", "directory", "editable", "virtual"),
                {name: digest for name, digest in named if digest},
            )
        )
    names = [entry.name for entry in lock.entries]
    if len({(entry.name, entry.version, entry.source) for entry in lock.entries}) < len(names):
        raise Bad("the lockfile has an entry twice")
    roots = [names.index(member) for member in map(plain, manifest.get("members", []))]
    if any(names.count(names[root]) > 1 for root in roots):
        raise Bad("the lockfile has two entries of a member of the workspace")
    if not roots:
        roots = [i for i, entry in enumerate(lock.entries) if entry.source.kind in ("editable", "virtual", "directory")
                 and entry.source.place in (".", "")]  # fmt: skip
    if not roots and names and not {"requirements", "dependency-groups"} & manifest.keys():
        raise Bad("the lockfile names no member, and has no entry for the project itself")
    extras: set[str] = set()
    groups: set[str] = set()
    for number, package in enumerate(packages):
        name, project = names[number], f"project {names[number]}"
        if number in roots:
            lock.edges.append(Edge(f"root {number}", None, [str(number)], both(Switch(project), Switch("production"))))
            lock.needs[f"project-{len(name)}-{name}"] = [project, "production"]
        _uv_list(lock, package.get("dependencies", []), f"{number}.", str(number))
        for key, items in package.get("optional-dependencies", {}).items():
            extra = plain(key)
            _uv_list(lock, items, f"{number}[{extra}].", f"{number}[{extra}]")
            if number in roots:
                extras.add(extra)
                needs = [project, f"extra {extra}"]
                node = f"{number}[{extra}]"
                lock.edges.append(Edge(f"root {node}", None, [node], both(*(Switch(need) for need in needs))))
                lock.needs[f"extra-{len(name)}-{name}-{extra}"] = needs
        for key, items in noted_groups(package).items() if number in roots else ():
            group = plain(key)
            groups.add(group)
            needs = [project, f"group {group}"]
            lock.needs[f"group-{len(name)}-{name}-{group}"] = needs
            before = len(lock.edges)
            _uv_list(lock, items, f"{number}{{{group}}}.", None)
            for edge in lock.edges[before:]:
                edge.condition = both(*(Switch(need) for need in needs), edge.condition)
    _uv_manifest(lock, manifest, packages, groups)
    things: list[list[tuple[str, str, str]]] = []
    for members in top.get("conflicts", []):
        found = []
        things.append([])
        for item in members:
            package = plain(item["package"])
            kind = "extra" if "extra" in item else "group" if "group" in item else "project"
            own = plain(item[kind]) if kind != "project" else ""
            code = f"{kind}-{len(package)}-{package}" + (f"-{own}" if own else "")
            lock.needs.setdefault(code, None)
            things[-1].append((kind, package, own))
            label = f"{kind} {own!r} of {package!r}" if own else f"{kind} {package!r}"
            found.append((label, code, kind == "extra"))
        lock.conflicts.append(found)
    _uv_activity(lock, {
        f"{number}[{plain(key)}]"
        for number, package in enumerate(packages) for key in package.get("optional-dependencies", {})
    })  # fmt: skip
    lock.python = top.get("requires-python", "")
    if top.get("supported-markers"):
        lock.environments = either(*(uv_marker(marker, _alone) for marker in top["supported-markers"]))
    lock.covered = covered_by(top.get("resolution-markers", []))
    projects = list(dict.fromkeys(f"project {names[number]}" for number in roots))
    lock.switches = [*projects, "production", *(f"extra {e}" for e in sorted(extras))]
    lock.switches += [f"group {g}" for g in sorted(groups)]
    lock.required = projects if len(projects) == 1 else []
    lock.implied = [(f"extra {e}", "production") for e in sorted(extras)]
    lock.rivals = rivals_of(packages, [names[number] for number in roots] if "members" in manifest else [], things)


def noted_groups(table: Table, key: str = "dev-dependencies") -> Table:
    """The lists of groups, which have a second name."""
    if key in table and "dependency-groups" in table:
        raise Bad("the lockfile lists groups twice")
    found: Table = table[key] if key in table else table.get("dependency-groups", {})
    return found


def _uv_list(lock: Lock, items: list[Table], prefix: str, source: str | None) -> None:
    for place, item in enumerate(items):
        name = plain(item["name"])
        fits = [i for i, entry in enumerate(lock.entries) if entry.name == name]
        if "version" in item:
            fits = [i for i in fits if lock.entries[i].version == item["version"]]
        if "source" in item:
            fits = [i for i in fits if lock.entries[i].source == _source(item["source"])]
        if len(fits) != 1:
            raise Bad(f"the lockfile asks for {name}, which fits {len(fits)} entries")
        extras = [plain(extra) for extra in item.get("extra", [])]
        lock.edges.append(Edge(
            f"{prefix}{place}", source, [str(fits[0]), *(f"{fits[0]}[{extra}]" for extra in extras)],
            uv_marker(item["marker"]) if "marker" in item else ALWAYS,
            [f"extra-{len(name)}-{name}-{extra}" for extra in extras],
        ))  # fmt: skip


def _uv_manifest(lock: Lock, manifest: Table, packages: list[Any], groups: set[str]) -> None:
    lists = [("requirements", "production", manifest.get("requirements", []))]
    for key, items in manifest.get("dependency-groups", {}).items():
        lists.append((f"{{{plain(key)}}}", f"group {plain(key)}", items))
        groups.add(plain(key))
    for prefix, switch, items in lists:
        for place, item in enumerate(items):
            extras = [plain(extra) for extra in item.get("extras", [])]
            marker = uv_marker(item["marker"], _alone) if "marker" in item else ALWAYS
            for number, package in enumerate(packages):
                if lock.entries[number].name != plain(item["name"]):
                    continue
                forks = package.get("resolution-markers")
                fork = either(*(uv_marker(text, _alone) for text in forks)) if forks is not None else ALWAYS
                targets = [str(number), *(f"{number}[{extra}]" for extra in extras)]
                own = [f"extra-{len(plain(item['name']))}-{plain(item['name'])}-{extra}" for extra in extras]
                edge = Edge(f"{prefix}.{place}>{number}", None, targets, both(Switch(switch), marker, fork))
                edge.activates = own if switch != "production" else []
                lock.edges.append(edge)


def _uv_activity(lock: Lock, offered: set[str]) -> None:
    for edge in lock.edges:
        edge.activates = [code for code, node in zip(edge.activates, edge.targets[1:], strict=False) if node in offered]
        for leaf in leaves(edge.condition):
            if leaf.variable == "extra":
                if leaf.operator not in ("==", "!="):
                    raise Bad("the lockfile has a marker on extra that is neither == nor !=")
                lock.needs.setdefault(leaf.text, None)
    for edge in lock.edges:
        for code in edge.activates:
            if code in lock.needs:
                lock.activators.setdefault(code, []).append(edge.name)
                if edge.source is None:
                    lock.early.setdefault(code, []).append(edge.name)
    for edge in lock.edges:

        def asked(leaf: Is, edge: Edge = edge) -> Condition:
            if leaf.variable != "extra":
                return leaf
            if edge.source is not None:
                kind = "active" if leaf.text in lock.activators else "picked"
            elif leaf.text in edge.activates:
                return ALWAYS if leaf.operator == "==" else NEVER
            else:
                kind = "early" if leaf.text in lock.early else "picked"
            return Switch(f"{kind} {leaf.text}", leaf.operator == "==")

        edge.condition = replaced(edge.condition, asked)
    if not lock.conflicts:
        lock.needs, lock.activators, lock.early = dict.fromkeys(lock.needs), {}, {}
