"""Reads the lockfiles whose entries decide for themselves (PEP 751, Poetry, PDM), for the checker."""

from __future__ import annotations

import re

from satlock.solver.checking.markers import ALWAYS, NEVER, Bad, Condition, Is, Switch, both, either, parse, plain
from satlock.solver.checking.model import Edge, Entry, Lock, Origin, Table
from satlock.solver.checking.uv_lock import file_name, file_sha256

__all__ = ["legacy_entry", "poetry_python", "read_pdm_lock", "read_poetry_lock", "read_pylock"]


def _deciding(lock: Lock, conditions: list[Condition]) -> None:
    lock.edges = [Edge(str(i), None, [str(i)], condition) for i, condition in enumerate(conditions)]


def _choice(lock: Lock, name: str, on: bool) -> Condition:
    if name not in lock.switches:
        return NEVER if on else ALWAYS
    return Switch(name, on)


def read_pylock(lock: Lock, top: Table) -> None:
    if top.get("lock-version") != "1.0":
        raise Bad("the lockfile is of a version that is not known here")
    choices = [f"extra {plain(name)}" for name in top.get("extras", [])]
    # What is installed by default is in force whether or not it can be chosen.
    groups = [*top.get("dependency-groups", []), *top.get("default-groups", [])]
    choices += [f"group {plain(name)}" for name in groups]
    lock.switches = list(dict.fromkeys(choices))

    def asked(leaf: Is) -> Condition:
        if leaf.variable not in ("extras", "dependency_groups"):
            return leaf
        if leaf.operator not in ("in", "not in") or not leaf.backwards:
            raise Bad("the lockfile has a marker on extras or groups that is neither 'in' nor 'not in'")
        return _choice(lock, f"{'extra' if leaf.variable == 'extras' else 'group'} {leaf.text}", leaf.operator == "in")

    conditions = []
    for package in top["packages"]:
        other = next((kind for kind in ("vcs", "directory", "archive") if kind in package), None)
        if other and len(package.keys() & {"vcs", "directory", "archive", "sdist", "wheels"}) > 1:
            raise Bad(f"the lockfile has {str(package['name'])[:60]} from two places at once")
        wheels, sdists = package.get("wheels", []), [package["sdist"]] if "sdist" in package else []
        hashes = [(_pylock_name(file), file.get("hashes", {}).get("sha256")) for file in [*wheels, *sdists]]
        if [name.endswith(".whl") for name, _ in hashes] != [True] * len(wheels) + [False] * len(sdists):
            raise Bad(f"the lockfile has a file of {str(package['name'])[:60]} among those that it is none of")
        lock.entries.append(
            Entry(
                plain(package["name"]),
                package.get("version", ""),
                Origin("index", package["index"]) if package.get("index") and not other else Origin(other or ""),
                [name for name, _ in hashes],
                other is not None,
                {name: digest for name, digest in hashes if digest},
            )
        )
        conditions.append(parse(package["marker"], asked) if "marker" in package else ALWAYS)
    _deciding(lock, conditions)
    lock.python = top.get("requires-python", "")
    if top.get("environments"):
        lock.environments = either(*(parse(marker) for marker in top["environments"]))


def _pylock_name(file: Table) -> str:
    if "name" in file or "path" not in file:
        return str(file["name"]) if "name" in file else file_name(file["url"])
    return re.split(r"[/\\]", str(file["path"]))[-1]


def legacy_entry(package: Table) -> Entry:
    source = package.get("source", {})
    told = Origin(source.get("type", ""), source.get("url", ""), source.get("resolved_reference", ""))
    own = [Origin(key, package[key]) for key in ("git", "url", "path") if key in package]
    listed = [file for file in package.get("files", []) if "file" in file or "url" in file]
    named = [(file["file"] if "file" in file else file_name(file["url"]), file_sha256(file)) for file in listed]
    return Entry(
        plain(package["name"]),
        package.get("version", ""),
        own[0] if own and not told.kind else told,
        [name for name, _ in named],
        told.kind in ("git", "directory", "url", "file") or bool(own),
        {name: digest for name, digest in named if digest},
    )


def read_poetry_lock(lock: Lock, top: Table) -> None:
    if top.get("metadata", {}).get("lock-version") != "2.1":
        raise Bad("the lockfile is of a version that is not known here")
    groups = {plain(group) for package in top.get("package", []) for group in package["groups"]}
    lock.switches = [f"extra {name}" for name in sorted({plain(key) for key in top.get("extras", {})})]
    lock.switches += [f"group {group}" for group in sorted(groups)]

    def asked(leaf: Is) -> Condition:
        if leaf.variable == "extra" and leaf.operator not in ("==", "!="):
            raise Bad("the lockfile has a marker on extra that is neither == nor !=")
        return _choice(lock, f"extra {leaf.text}", leaf.operator == "==") if leaf.variable == "extra" else leaf

    conditions = []
    for package in top.get("package", []):
        lock.entries.append(legacy_entry(package))
        markers = package.get("markers")
        each: Table = {plain(group): None for group in package["groups"]}
        if isinstance(markers, dict):
            each.update((plain(group), text) for group, text in markers.items())
        elif markers is not None:
            each = dict.fromkeys(each, markers)
        conditions.append(either(*(
            both(Switch(f"group {group}"), parse(text, asked) if text is not None else ALWAYS)
            for group, text in each.items() if group in groups
        )))  # fmt: skip
    _deciding(lock, conditions)
    lock.python = poetry_python(top.get("metadata", {}).get("python-versions", ""))


def poetry_python(text: str) -> str:
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


def read_pdm_lock(lock: Lock, top: Table) -> None:
    metadata = top.get("metadata", {})
    if not str(metadata.get("lock_version")).startswith("4.") or "inherit_metadata" not in metadata["strategy"]:
        raise Bad("the lockfile is of a version that is not known here")
    groups = {plain(group) for group in metadata.get("groups", [])}
    merged: dict[tuple[str, str, Origin], tuple[int, Condition]] = {}
    for package in top.get("package", []):
        entry = legacy_entry(package)
        groups.update(plain(group) for group in package["groups"])
        chosen = either(*(Switch(f"group {plain(group)}") for group in package["groups"]))
        condition = both(chosen, parse(package["marker"]) if "marker" in package else ALWAYS)
        key = (entry.name, entry.version, entry.source)
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


def _specifiers(target: Table) -> list[str]:
    return sorted("".join(part.split()) for part in target.get("requires_python", "").split(",") if part.strip())


def _target(target: Table, python_too: bool) -> Condition:
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
    return both(*(Is(*one) for one in asked))


_LINUXES = ("linux", "manylinux", "musllinux", "alpine")
