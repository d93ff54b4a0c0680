"""Lockfiles for the checker: its own reading of them, into plain tuples.

The lockfile is taken to be well formed: one that is not makes the check fail, with whatever sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from satlock.solver.checking.conditions import ALWAYS, NEVER, Bad, Condition, both, either, leaves, parse, plain

__all__ = ["Edge", "Lock", "read_lock"]


@dataclass
class Edge:
    name: str
    source: str | None
    targets: list[str]
    condition: Condition
    activates: list[str] = field(default_factory=list)


@dataclass
class Lock:
    kind: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    """``name``, ``version``, ``source``, ``files``, ``builds``."""
    edges: list[Edge] = field(default_factory=list)
    python: str = ""
    environments: Condition = ALWAYS
    switches: list[str] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    implied: list[tuple[str, str]] = field(default_factory=list)
    needs: dict[str, list[str] | None] = field(default_factory=dict)
    activators: dict[str, list[str]] = field(default_factory=dict)
    early: dict[str, list[str]] = field(default_factory=dict)
    conflicts: list[list[tuple[str, str, bool]]] = field(default_factory=list)
    brings: list[tuple[str, str, Condition]] = field(default_factory=list)
    """By what, what is put in force, and where."""
    rivals: list[tuple[str, str]] = field(default_factory=list)
    """Pairs that are never in force together."""


def read_lock(kind: str, top: dict[str, Any]) -> Lock:
    lock = Lock(kind)
    {"uv": _uv, "pylock": _pylock, "poetry": _poetry, "pdm": _pdm}[kind](lock, top)
    return lock


def _source(table: dict[str, Any]) -> str:
    for kind in ("registry", "git", "url", "path", "directory", "editable", "virtual"):
        if kind in table:
            return f"{kind} {table[kind]}".rstrip()
    raise Bad("the lockfile has an entry without a source")


def _last_part(file: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        if key in file:
            return str(file[key]).split("#")[0].split("/")[-1]
    return ""


def _alone(leaf: Condition) -> Condition:
    if leaf[1] != "extra":
        return leaf
    return ALWAYS if leaf[2] == "!=" else NEVER


def _uv(lock: Lock, top: dict[str, Any]) -> None:
    packages, manifest = top.get("package", []), top.get("manifest", {})
    for package in packages:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        source = _source(package["source"])
        lock.entries.append({
            "name": plain(package["name"]), "version": package.get("version", ""), "source": source,
            "files": [_last_part(file, ("filename", "url", "path")) for file in files],
            "builds": source.split(" ")[0] in ("git", "directory", "editable", "virtual"),
        })  # fmt: skip
    names = [entry["name"] for entry in lock.entries]
    if "members" in manifest:
        roots = [names.index(plain(member)) for member in manifest["members"]]
    else:
        local = {"editable .", "virtual .", "directory ."}
        roots = [i for i, entry in enumerate(lock.entries) if entry["source"] in local]
    extras: set[str] = set()
    groups: set[str] = set()
    for number, package in enumerate(packages):
        name, project = names[number], f"project {names[number]}"
        if number in roots:
            lock.edges.append(Edge(f"root {number}", None, [str(number)], both(("on", project), ("on", "production"))))
            lock.needs[f"project-{len(name)}-{name}"] = [project, "production"]
        _uv_list(lock, package.get("dependencies", []), f"{number}.", str(number))
        for key, items in package.get("optional-dependencies", {}).items():
            extra = plain(key)
            _uv_list(lock, items, f"{number}[{extra}].", f"{number}[{extra}]")
            if number in roots:
                extras.add(extra)
                needs = [project, f"extra {extra}"]
                node = f"{number}[{extra}]"
                lock.edges.append(Edge(f"root {node}", None, [node], both(*(("on", need) for need in needs))))
                lock.needs[f"extra-{len(name)}-{name}-{extra}"] = needs
        for key, items in package.get("dev-dependencies", {}).items() if number in roots else ():
            group = plain(key)
            groups.add(group)
            needs = [project, f"group {group}"]
            lock.needs[f"group-{len(name)}-{name}-{group}"] = needs
            before = len(lock.edges)
            _uv_list(lock, items, f"{number}{{{group}}}.", None)
            for edge in lock.edges[before:]:
                edge.condition = both(*(("on", need) for need in needs), edge.condition)
    _uv_manifest(lock, manifest, packages, groups)
    for members in top.get("conflicts", []):
        found = []
        for item in members:
            package = plain(item["package"])
            kind = "extra" if "extra" in item else "group" if "group" in item else "project"
            own = plain(item[kind]) if kind != "project" else ""
            code = f"{kind}-{len(package)}-{package}" + (f"-{own}" if own else "")
            lock.needs.setdefault(code, None)
            label = f"{kind} {own!r} of {package!r}" if own else f"{kind} {package!r}"
            found.append((label, code, kind == "extra"))
        lock.conflicts.append(found)
    _uv_activity(lock, {
        f"{number}[{plain(key)}]"
        for number, package in enumerate(packages) for key in package.get("optional-dependencies", {})
    })  # fmt: skip
    lock.python = top.get("requires-python", "")
    if top.get("supported-markers"):
        lock.environments = either(*(parse(marker, _alone) for marker in top["supported-markers"]))
    projects = list(dict.fromkeys(f"project {names[number]}" for number in roots))
    lock.switches = [*projects, "production", *(f"extra {e}" for e in sorted(extras))]
    lock.switches += [f"group {g}" for g in sorted(groups)]
    lock.required = projects if len(projects) == 1 else []
    lock.implied = [(f"extra {e}", "production") for e in sorted(extras)]


def _uv_list(lock: Lock, items: list[dict[str, Any]], prefix: str, source: str | None) -> None:
    for place, item in enumerate(items):
        name = plain(item["name"])
        fits = [i for i, entry in enumerate(lock.entries) if entry["name"] == name]
        if "version" in item:
            fits = [i for i in fits if lock.entries[i]["version"] == item["version"]]
        if "source" in item:
            fits = [i for i in fits if lock.entries[i]["source"] == _source(item["source"])]
        if len(fits) != 1:
            raise Bad(f"the lockfile asks for {name}, which fits {len(fits)} entries")
        extras = [plain(extra) for extra in item.get("extra", [])]
        lock.edges.append(Edge(
            f"{prefix}{place}", source, [str(fits[0]), *(f"{fits[0]}[{extra}]" for extra in extras)],
            parse(item["marker"]) if "marker" in item else ALWAYS,
            [f"extra-{len(name)}-{name}-{extra}" for extra in extras],
        ))  # fmt: skip


def _uv_manifest(lock: Lock, manifest: dict[str, Any], packages: list[Any], groups: set[str]) -> None:
    lists = [("requirements", "production", manifest.get("requirements", []))]
    for key, items in manifest.get("dependency-groups", {}).items():
        lists.append((f"{{{plain(key)}}}", f"group {plain(key)}", items))
        groups.add(plain(key))
    for prefix, switch, items in lists:
        for place, item in enumerate(items):
            extras = [plain(extra) for extra in item.get("extras", [])]
            marker = parse(item["marker"], _alone) if "marker" in item else ALWAYS
            for number, package in enumerate(packages):
                if lock.entries[number]["name"] != plain(item["name"]):
                    continue
                forks = package.get("resolution-markers")
                fork = either(*(parse(text, _alone) for text in forks)) if forks is not None else ALWAYS
                targets = [str(number), *(f"{number}[{extra}]" for extra in extras)]
                own = [f"extra-{len(plain(item['name']))}-{plain(item['name'])}-{extra}" for extra in extras]
                edge = Edge(f"{prefix}.{place}>{number}", None, targets, both(("on", switch), marker, fork))
                edge.activates = own if switch != "production" else []
                lock.edges.append(edge)


def _uv_activity(lock: Lock, offered: set[str]) -> None:
    for edge in lock.edges:
        edge.activates = [code for code, node in zip(edge.activates, edge.targets[1:], strict=False) if node in offered]
        for leaf in leaves(edge.condition):
            if leaf[1] == "extra":
                if leaf[2] not in ("==", "!="):
                    raise Bad("the lockfile has a marker on extra that is neither == nor !=")
                lock.needs.setdefault(leaf[3], None)
    for edge in lock.edges:
        for code in edge.activates:
            if code in lock.needs:
                lock.activators.setdefault(code, []).append(edge.name)
                if edge.source is None:
                    lock.early.setdefault(code, []).append(edge.name)
    for edge in lock.edges:

        def asked(leaf: Condition, edge: Edge = edge) -> Condition:
            if leaf[1] != "extra":
                return leaf
            if edge.source is not None:
                kind = "active" if leaf[3] in lock.activators else "picked"
            elif leaf[3] in edge.activates:
                return ALWAYS if leaf[2] == "==" else NEVER
            else:
                kind = "early" if leaf[3] in lock.early else "picked"
            return ("on" if leaf[2] == "==" else "off", f"{kind} {leaf[3]}")

        edge.condition = _replaced(edge.condition, asked)
    if not lock.conflicts:
        lock.needs, lock.activators, lock.early = dict.fromkeys(lock.needs), {}, {}


def _replaced(condition: Condition, leaf: Any) -> Condition:
    if condition[0] == "is":
        return leaf(condition)  # type: ignore[no-any-return]
    if condition[0] in ("on", "off"):
        return condition
    join = both if condition[0] == "all" else either
    return join(*(_replaced(part, leaf) for part in condition[1:]))


def _deciding(lock: Lock, conditions: list[Condition]) -> None:
    lock.edges = [Edge(str(i), None, [str(i)], condition) for i, condition in enumerate(conditions)]


def _choice(lock: Lock, name: str, on: bool) -> Condition:
    if name not in lock.switches:
        return NEVER if on else ALWAYS
    return ("on" if on else "off", name)


def _pylock(lock: Lock, top: dict[str, Any]) -> None:
    choices = [f"extra {plain(name)}" for name in top.get("extras", [])]
    choices += [f"group {plain(name)}" for name in top.get("dependency-groups", [])]
    lock.switches = list(dict.fromkeys(choices))

    def asked(leaf: Condition) -> Condition:
        if leaf[1] not in ("extras", "dependency_groups"):
            return leaf
        if leaf[2] not in ("in", "not in") or not leaf[4]:
            raise Bad("the lockfile has a marker on extras or groups that is neither 'in' nor 'not in'")
        return _choice(lock, f"{'extra' if leaf[1] == 'extras' else 'group'} {leaf[3]}", leaf[2] == "in")

    conditions = []
    for package in top["packages"]:
        other = next((kind for kind in ("vcs", "directory", "archive") if kind in package), None)
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        lock.entries.append({
            "name": plain(package["name"]), "version": package.get("version", ""),
            "source": f"index {package['index']}" if package.get("index") else other or "",
            "files": [file["name"] if "name" in file else _last_part(file, ("url", "path")) for file in files],
            "builds": other is not None,
        })  # fmt: skip
        conditions.append(parse(package["marker"], asked) if "marker" in package else ALWAYS)
    _deciding(lock, conditions)
    lock.python = top.get("requires-python", "")
    if top.get("environments"):
        lock.environments = either(*(parse(marker) for marker in top["environments"]))


def _legacy(package: dict[str, Any]) -> dict[str, Any]:
    source = package.get("source", {})
    own = [str(package[key]) for key in ("git", "url", "path") if key in package]
    parts = [source.get("type", ""), source.get("url", ""), source.get("resolved_reference", ""), *own]
    return {
        "name": plain(package["name"]), "version": package.get("version", ""),
        "source": " ".join(part for part in parts if part),
        "files": [file["file"] if "file" in file else _last_part(file, ("url",))
                  for file in package.get("files", []) if "file" in file or "url" in file],
        "builds": source.get("type", "") in ("git", "directory", "url", "file") or bool(own),
    }  # fmt: skip


def _poetry(lock: Lock, top: dict[str, Any]) -> None:
    groups = {plain(group) for package in top.get("package", []) for group in package["groups"]}
    lock.switches = [f"extra {name}" for name in sorted({plain(key) for key in top.get("extras", {})})]
    lock.switches += [f"group {group}" for group in sorted(groups)]

    def asked(leaf: Condition) -> Condition:
        return _choice(lock, f"extra {leaf[3]}", leaf[2] == "==") if leaf[1] == "extra" else leaf

    conditions = []
    for package in top.get("package", []):
        lock.entries.append(_legacy(package))
        markers = package.get("markers")
        each: dict[str, Any] = {plain(group): None for group in package["groups"]}
        if isinstance(markers, dict):
            each.update((plain(group), text) for group, text in markers.items())
        elif markers is not None:
            each = dict.fromkeys(each, markers)
        conditions.append(either(*(
            both(("on", f"group {group}"), parse(text, asked) if text is not None else ALWAYS)
            for group, text in each.items() if group in groups
        )))  # fmt: skip
    _deciding(lock, conditions)
    lock.python = _poetry_python(top.get("metadata", {}).get("python-versions", ""))


def _poetry_python(text: str) -> str:
    if text.strip() in ("", "*"):
        return ""
    found = []
    for part in text.split(","):
        one = part.strip()
        simple = re.fullmatch(r"([~^])(\d+)(?:\.(\d+))?((?:\.\d+)*)", one)
        if simple:
            low = one[1:]
            caret = simple[1] == "^" or simple[3] is None
            high = f"{int(simple[2]) + 1}.0" if caret else f"{simple[2]}.{int(simple[3]) + 1}"
            found.append(f">={low},<{high}")
        else:
            found.append(f"=={one}" if one[:1].isdigit() else one)
    return ",".join(found)


def _pdm(lock: Lock, top: dict[str, Any]) -> None:
    metadata = top.get("metadata", {})
    groups = {plain(group) for group in metadata.get("groups", [])}
    merged: dict[tuple[str, str, str], tuple[int, Condition]] = {}
    for package in top.get("package", []):
        entry = _legacy(package)
        groups.update(plain(group) for group in package["groups"])
        chosen = either(*(("on", f"group {plain(group)}") for group in package["groups"]))
        condition = both(chosen, parse(package["marker"]) if "marker" in package else ALWAYS)
        key = (entry["name"], entry["version"], entry["source"])
        if key in merged:
            number, before = merged[key]
            merged[key] = (number, either(before, condition))
        else:
            merged[key] = (len(lock.entries), condition)
            lock.entries.append(entry)
    _deciding(lock, [condition for _, condition in merged.values()])
    lock.switches = [f"group {group}" for group in sorted(groups)]
    targets = metadata.get("targets", [])
    pythons = {tuple(_specifiers(target)) for target in targets}
    lock.python = ",".join(pythons.pop()) if len(pythons) == 1 else ""
    if targets:
        lock.environments = either(*(_target(target, not lock.python) for target in targets))


def _specifiers(target: dict[str, Any]) -> list[str]:
    return sorted("".join(part.split()) for part in target.get("requires_python", "").split(",") if part.strip())


def _target(target: dict[str, Any], python_too: bool) -> Condition:
    asked = []
    for part in _specifiers(target) if python_too else ():
        found = re.fullmatch(r"(===|~=|==|!=|<=|>=|<|>)(.*)", part)
        if found is None:
            raise Bad("the lockfile has a target whose requires_python cannot be read")
        asked.append(("python_full_version", found[1], found[2]))
    name, _, rest = target.get("platform", "").partition("_")
    system = {"windows": "win32", "win": "win32", "macos": "darwin"}.get(name, "linux" if name in _LINUXES else "")
    if system:
        asked.append(("sys_platform", "==", system))
        machine = rest.lstrip("0123456789_") or ("arm64" if system == "darwin" else "x86_64")
        if machine in ("x86_64", "amd64" if system == "win32" else "x86_64"):
            asked.append(("platform_machine", "==", "AMD64" if system == "win32" else "x86_64"))
        elif machine == "aarch64" and system != "win32":
            asked.append(("platform_machine", "==", "arm64" if system == "darwin" else "aarch64"))
        elif machine == "arm64" and system != "linux":
            asked.append(("platform_machine", "==", "ARM64" if system == "win32" else "arm64"))
    if target.get("implementation") in ("cpython", "pypy"):
        asked.append(("implementation_name", "==", target["implementation"]))
    return both(*(("is", *one, False) for one in asked))


_LINUXES = ("linux", "manylinux", "musllinux", "alpine")
