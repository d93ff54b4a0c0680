"""Lockfiles in which each entry decides for itself: ``pylock.toml`` (PEP 751), ``poetry.lock`` and ``pdm.lock``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from satlock.corpora.names import canonicalize_name
from satlock.encoder.project.values import Value, shown
from satlock.records import dataclass
from satlock.solver.lockfiles.following import (
    Candidate,
    alternatives,
    follow,
    needs_of_pdm,
    needs_of_poetry,
    roots_of_pdm,
    roots_of_poetry,
)
from satlock.solver.lockfiles.markers import read_marker, replace
from satlock.solver.lockfiles.model import (
    ALWAYS,
    NEVER,
    AnyOf,
    Comparison,
    Condition,
    Edge,
    Entry,
    Lockfile,
    LockfileError,
    Source,
    Switch,
    Whether,
    all_of,
    any_of,
    node_of,
)
from satlock.solver.lockfiles.uv_lock import file_name, sha256_of

__all__ = ["read_pdm_lock", "read_poetry_lock", "read_pylock"]


@dataclass(frozen=True)
class _Decided:
    """An entry and when it is installed."""

    entry: Entry
    condition: Condition


def _lockfile(
    kind: str,
    decided: Iterable[_Decided],
    requires_python: str,
    switches: Iterable[Switch],
    environments: Condition = ALWAYS,
) -> Lockfile:
    found = tuple(decided)
    return Lockfile(
        kind=kind,
        entries=tuple(item.entry for item in found),
        edges=tuple(
            Edge(str(item.entry.number), None, (node_of(item.entry.number),), item.condition, step="its own marker")
            for item in found
        ),
        requires_python=requires_python,
        environments=environments,
        switches=tuple(dict.fromkeys(switches)),
    )


def _membership(switches: frozenset[Switch]) -> Callable[[Comparison], Condition]:
    """Reads ``'x' in extras`` and ``'x' in dependency_groups``; what the lock does not declare is never chosen."""

    def asked(comparison: Comparison) -> Condition:
        if comparison.variable not in ("extras", "dependency_groups"):
            return comparison
        if comparison.operator not in ("in", "not in") or not comparison.reversed:
            raise LockfileError(
                f"The pylock.toml has the marker {shown(str(comparison))}; only 'in' and 'not in' apply to "
                f"{comparison.variable}."
            )
        kind = "extra" if comparison.variable == "extras" else "group"
        return _whether(Switch(kind, canonicalize_name(comparison.text)), comparison.operator == "in", switches)

    return asked


def _whether(switch: Switch, on: bool, switches: frozenset[Switch]) -> Condition:
    if switch in switches:
        return Whether(switch, on)
    return NEVER if on else ALWAYS


def read_pylock(top: dict[str, Value]) -> Lockfile:
    """Reads a PEP 751 lock, which ``packaging`` validates first.

    Raises:
        ProjectError: where it is not valid.
    """
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        lock = Pylock.from_dict({key: value.raw for key, value in top.items()})
    except (PylockValidationError, PylockUnsupportedVersionError) as error:
        raise LockfileError(f"The pylock.toml is not valid: {' '.join(str(error).split())[:300]}.") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise LockfileError(f"The pylock.toml is not valid: {' '.join(str(error).split())[:300]}.") from None
    switches = [Switch("extra", canonicalize_name(name)) for name in lock.extras or ()]
    # What is installed by default is in force whether or not it can be chosen.
    groups = dict.fromkeys((*(lock.dependency_groups or ()), *(lock.default_groups or ())))
    switches += [Switch("group", canonicalize_name(name)) for name in groups]
    asked = _membership(frozenset(switches))
    decided = []
    for number, (package, raw) in enumerate(zip(lock.packages, top["packages"].items(), strict=True)):
        files = [file.filename for file in package.wheels or ()]
        files += [package.sdist.filename] if package.sdist is not None else []
        other = next((kind for kind in ("vcs", "directory", "archive") if getattr(package, kind) is not None), None)
        entry = Entry(
            number,
            str(package.name),
            str(raw.table()["version"].raw) if package.version is not None else "",
            Source("index", package.index) if package.index and other is None else Source(other or ""),
            tuple(files),
            builds=other is not None,
            hashes=tuple(
                (file.filename, file.hashes["sha256"])
                for file in (*(package.wheels or ()), *((package.sdist,) if package.sdist is not None else ()))
                if "sha256" in file.hashes
            ),
        )
        decided.append(_Decided(entry, replace(read_marker(raw.table().get("marker")), asked)))
    environments = [read_marker(item) for item in top["environments"].items()] if "environments" in top else []
    return _lockfile(
        "pylock",
        decided,
        str(lock.requires_python) if lock.requires_python is not None else "",
        switches,
        any_of(*environments) if environments else ALWAYS,
    )


def read_poetry_lock(top: dict[str, Value], project: dict[str, Value] | None = None) -> Lockfile:
    """Reads a ``poetry.lock`` of version 2.1, in which each package lists its groups and its marker for each.

    In earlier ones that follows from the project.

    Args:
        project: the ``pyproject.toml``, where there is one.

    Raises:
        ProjectError: where it is not as Poetry writes it.
    """
    metadata = top["metadata"].table() if "metadata" in top else {}
    version = metadata["lock-version"].text() if "lock-version" in metadata else "unknown"
    extras = [
        top["extras"].key_name(key, "name of an extra") for key in (top["extras"].table() if "extras" in top else {})
    ]
    packages = [item.table() for item in top["package"].items()] if "package" in top else []
    if version in ("1.0", "1.1", "2.0"):
        if project is None:
            raise LockfileError(
                f"This poetry.lock is of version {version}, which does not say when a package is installed; name the "
                "folder of its pyproject.toml, from which that follows, or write it again with Poetry 2."
            )
        return _followed_poetry(packages, project, metadata, extras)
    if version != "2.1":
        raise LockfileError(f"This poetry.lock is of version {shown(version)}; satlock reads versions 1.0 to 2.1.")
    groups = {group for package in packages for group in _groups(package, "poetry.lock")}
    switches = [*_named("extra", extras), *_named("group", groups)]
    known = frozenset(switches)

    def asked(comparison: Comparison) -> Condition:
        if comparison.variable != "extra":
            return comparison
        return _whether(Switch("extra", canonicalize_name(comparison.text)), comparison.operator == "==", known)

    decided = []
    for number, package in enumerate(packages):
        markers = package.get("markers")
        by_group: dict[str, Condition] = dict.fromkeys(_groups(package, "poetry.lock"), ALWAYS)
        if markers is not None and isinstance(markers.raw, dict):
            by_group |= {markers.key_name(key, "group"): read_marker(item) for key, item in markers.table().items()}
        elif markers is not None:
            by_group = dict.fromkeys(by_group, read_marker(markers))
        parts = [
            all_of(Whether(switch), replace(marker, asked))
            for group, marker in by_group.items()
            if (switch := Switch("group", group)) in known
        ]
        decided.append(_Decided(_legacy_entry(number, package, "poetry.lock"), any_of(*parts)))
    python = metadata.get("python-versions")
    return _lockfile("poetry", decided, _poetry_python(python), switches)


def _followed_poetry(
    packages: list[dict[str, Value]], project: dict[str, Value], metadata: dict[str, Value], extras: list[str]
) -> Lockfile:
    listed = metadata["files"].table() if "files" in metadata else {}
    candidates = []
    for number, package in enumerate(packages):
        name = package["name"].text() if "name" in package else ""
        # Before version 2.0 the files of all packages are in one table.
        with_files = {**({"files": listed[name]} if name in listed else {}), **package}
        entry = _legacy_entry(number, with_files, "poetry.lock")
        pythons = alternatives(package["python-versions"]) if "python-versions" in package else ("",)
        candidates.append(Candidate(entry, pythons, needs_of_poetry(package)))
    groups: list[str] = []
    roots = list(roots_of_poetry(project, groups, extras))
    switches = [*_named("extra", extras), *_named("group", set(groups))]
    return follow("poetry", candidates, roots, _poetry_python(metadata.get("python-versions")), switches)


def _named(kind: str, names: Iterable[str]) -> list[Switch]:
    return [Switch(kind, name) for name in sorted(names)]


def _groups(package: dict[str, Value], file: str) -> list[str]:
    if "groups" not in package:
        raise LockfileError(f"A package of the {file} does not list its groups; write the lock again.")
    return [group.name("name of a group") for group in package["groups"].items("a list of groups")]


def _poetry_python(value: Value | None) -> str:
    """Poetry's ``>=3.9,<4.0``, or its caret and tilde, as a PEP 440 specifier."""
    text = value.text() if value is not None else ""
    if not text.strip() or text.strip() == "*":
        return ""
    parts = []
    for part in (part.strip() for part in text.split(",")):
        numbers = part[1:].split(".")
        if part.startswith("^") and all(n.isdigit() for n in numbers):
            parts.append(f">={part[1:]},<{int(numbers[0]) + 1}.0")
        elif part.startswith("~") and not part.startswith("~=") and all(n.isdigit() for n in numbers):
            upper = f"{numbers[0]}.{int(numbers[1]) + 1}" if len(numbers) > 1 else f"{int(numbers[0]) + 1}.0"
            parts.append(f">={part[1:]},<{upper}")
        else:
            parts.append(f"=={part}" if part[:1].isdigit() else part)
    assert value is not None
    return str(Value(",".join(parts), value.file, value.where).specifiers())


def _legacy_entry(number: int, package: dict[str, Value], file: str) -> Entry:
    if "name" not in package:
        raise LockfileError(f"Entry {number + 1} of package in the {file} has no name.")
    source = package["source"].table() if "source" in package else {}
    kind = source["type"].text() if "type" in source else ""
    url = source["url"].text() if "url" in source else ""
    reference = source["resolved_reference"].text() if "resolved_reference" in source else ""
    plain = [Source(key, package[key].text()) for key in ("git", "url", "path") if key in package]
    listed = [item.table() for item in package["files"].items()] if "files" in package else []
    files = [
        (told["file"].text() if "file" in told else file_name(told["url"].text()), told)
        for told in listed
        if "file" in told or "url" in told
    ]
    return Entry(
        number,
        package["name"].name(),
        package["version"].text() if "version" in package else "",
        plain[0] if plain and not kind else Source(kind, url, reference),
        tuple(name for name, _ in files),
        builds=kind in ("git", "directory", "url", "file") or bool(plain),
        hashes=tuple((name, digest) for name, told in files if (digest := sha256_of(told))),
    )


def read_pdm_lock(top: dict[str, Value], project: dict[str, Value] | None = None) -> Lockfile:
    """Reads a ``pdm.lock`` with the strategy ``inherit_metadata``, in which packages have their groups and markers.

    In others that follows from the project. Entries of one package with different extras are one candidate.

    Raises:
        ProjectError: where it is not as PDM writes it.
    """
    metadata = top["metadata"].table() if "metadata" in top else {}
    version = metadata["lock_version"].text() if "lock_version" in metadata else "unknown"
    if not version.startswith("4."):
        raise LockfileError(f"This pdm.lock is of version {shown(version)}; satlock reads version 4.")
    strategy = [item.text() for item in metadata["strategy"].items()] if "strategy" in metadata else []
    packages = [item.table() for item in top["package"].items()] if "package" in top else []
    names = [item.name("name of a group") for item in metadata["groups"].items()] if "groups" in metadata else []
    if "inherit_metadata" not in strategy:
        if project is None or "targets" in metadata:
            raise LockfileError(
                "This pdm.lock does not say when a package is installed; name the folder of its pyproject.toml, from "
                "which that follows, or write it again with the strategy inherit_metadata."
            )
        return _followed_pdm(packages, project, names or ["default"])
    groups = {*names, *(group for package in packages for group in _groups(package, "pdm.lock"))}
    switches = _named("group", groups)
    merged: dict[tuple[str, str, Source], _Decided] = {}
    for package in packages:
        entry = _legacy_entry(len(merged), package, "pdm.lock")
        chosen = AnyOf(tuple(Whether(Switch("group", group)) for group in _groups(package, "pdm.lock")))
        condition = all_of(any_of(chosen), read_marker(package.get("marker")))
        key = (entry.name, entry.version, entry.source)
        if key in merged:
            first = merged[key]
            merged[key] = _Decided(first.entry, any_of(first.condition, condition))
        else:
            merged[key] = _Decided(entry, condition)
    targets = [item.table() for item in metadata["targets"].items()] if "targets" in metadata else []
    pythons = {str(target["requires_python"].specifiers()) if "requires_python" in target else "" for target in targets}
    common = pythons.pop() if len(pythons) == 1 else None
    environments = [_target(target, python_too=common is None) for target in targets]
    return _lockfile("pdm", merged.values(), common or "", switches, any_of(*environments) if environments else ALWAYS)


def _followed_pdm(packages: list[dict[str, Value]], project: dict[str, Value], groups: list[str]) -> Lockfile:
    candidates: dict[tuple[str, str, Source], Candidate] = {}
    for package in packages:
        entry = _legacy_entry(len(candidates), package, "pdm.lock")
        if "requires_python" in package:
            package["requires_python"].specifiers()
        python = package["requires_python"].text() if "requires_python" in package else ""
        mine = candidates.setdefault((entry.name, entry.version, entry.source), Candidate(entry, (python,), {"": []}))
        mine.needs.update(needs_of_pdm(package, entry.name))
    roots = list(roots_of_pdm(project, groups))
    return follow("pdm", list(candidates.values()), roots, "", _named("group", groups))


_SYSTEMS = {"linux": "linux", "manylinux": "linux", "musllinux": "linux", "alpine": "linux", "windows": "win32",
            "win": "win32", "macos": "darwin"}  # fmt: skip
_MACHINES = {
    "linux": {"x86_64": "x86_64", "aarch64": "aarch64", "": "x86_64"},
    "win32": {"amd64": "AMD64", "x86_64": "AMD64", "arm64": "ARM64", "": "AMD64"},
    "darwin": {"arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64", "": "arm64"},
}
"""How each system spells what PDM calls an architecture; the one that is meant where none is named is under ``""``."""


def _target(target: dict[str, Value], *, python_too: bool) -> Condition:
    """Where one of the environments that PDM locked for is: it refuses to install elsewhere.

    A platform that is not known here, and the version of a libc or of macOS, ask for nothing.
    """
    parts: list[Condition] = []
    if python_too and "requires_python" in target:
        specifiers = sorted(target["requires_python"].specifiers(), key=str)
        parts += [Comparison("python_full_version", one.operator, one.version) for one in specifiers]
    system, _, rest = (target["platform"].text() if "platform" in target else "").partition("_")
    if system in _SYSTEMS:
        parts.append(Comparison("sys_platform", "==", _SYSTEMS[system]))
        machine = _MACHINES[_SYSTEMS[system]].get(rest.lstrip("0123456789_"))
        if machine is not None:
            parts.append(Comparison("platform_machine", "==", machine))
    implementation = target["implementation"].text() if "implementation" in target else ""
    if implementation in ("cpython", "pypy"):
        parts.append(Comparison("implementation_name", "==", implementation))
    return all_of(*parts)
