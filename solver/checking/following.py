"""Locks that do not say when an entry is installed, followed a second time from the project's own tables.

Each requirement leads to the newest entry that it admits there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from satlock.solver.checking.deciding import legacy_entry, poetry_python
from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    Bad,
    Condition,
    Is,
    Switch,
    both,
    either,
    parse,
    plain,
    replaced,
)
from satlock.solver.checking.model import Edge, Lock, Origin, Table
from satlock.solver.checking.owners import read_line
from satlock.solver.checking.versions import admits, order_of, parts_of

__all__ = ["follow", "is_followed"]

_SIGN = r"~=|===|==|!=|<=|>=|<|>"
_BEFORE_2_1 = ("1.0", "1.1", "2.0")


class _Need(NamedTuple):
    name: str
    extras: tuple[str, ...]
    versions: list[str]
    """Specifiers, one of which has to admit the version."""
    condition: Condition


class _Candidate(NamedTuple):
    number: int
    version: str
    pythons: list[str]
    needs: dict[str, list[_Need]]


def is_followed(kind: str, top: Table) -> bool:
    """Whether a lock of this kind says no more of an entry than what it requires."""
    metadata = top.get("metadata", {})
    if kind == "pdm":
        return "inherit_metadata" not in metadata.get("strategy", []) and "targets" not in metadata
    return kind == "poetry" and metadata.get("lock-version") in _BEFORE_2_1


def follow(lock: Lock, top: Table, project: Table) -> None:
    """Reads such a lock.

    Raises:
        Bad: where it, or what the project requires, cannot be read.
    """
    lock.followed = True
    poetry = lock.kind == "poetry"
    candidates = _of_poetry(lock, top) if poetry else _of_pdm(lock, top)
    groups = [plain(group) for group in top.get("metadata", {}).get("groups", ["default"])]
    extras = [plain(extra) for extra in top.get("extras", {})]
    roots = list(_roots_of_poetry(project, extras) if poetry else _roots_of_pdm(project, groups))
    if poetry:
        groups = [group for group, _ in _lists_of_poetry(project)]
        lock.python = poetry_python(top["metadata"].get("python-versions", ""))
    lock.switches = [f"extra {extra}" for extra in sorted(extras)] + [f"group {one}" for one in sorted(set(groups))]
    named: dict[str, list[_Candidate]] = {}
    for candidate in candidates:
        named.setdefault(lock.entries[candidate.number].name, []).append(candidate)
    for place, need in enumerate(roots):
        lock.edges += _edges(f"root {place}", None, need, named)
    for candidate in candidates:
        for extra, needs in candidate.needs.items():
            node = f"{candidate.number}[{extra}]" if extra else str(candidate.number)
            for place, need in enumerate(needs):
                lock.edges += _edges(f"{node}.{place}", node, need, named)


def _edges(name: str, source: str | None, need: _Need, named: dict[str, list[_Candidate]]) -> Iterator[Edge]:
    fits = [one for one in named.get(need.name, []) if any(admits(text, one.version) for text in need.versions)]
    if len(fits) > 1:
        fits.sort(key=lambda one: _order(one.version), reverse=True)
    before = need.condition
    for one in fits:
        found = [_bounds(python) for python in one.pythons]
        here = both(before, either(*(inside for inside, _ in found))) if len(fits) > 1 else before
        targets = [str(one.number), *(f"{one.number}[{extra}]" for extra in need.extras if extra in one.needs)]
        yield Edge(f"{name}>{one.number}", source, targets, here)
        before = both(before, both(*(outside for _, outside in found)))


def _order(version: str) -> tuple[object, ...]:
    parts = parts_of(version)
    if parts is None:
        raise Bad(f"the lockfile has several entries of a name, one of version {version[:40]!r}, which is none")
    return order_of(parts)


def _bounds(python: str) -> tuple[Condition, Condition]:
    """Where a specifier admits the Python, and where it does not."""
    opposite = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
    pairs: list[tuple[str, str]] = []
    for sign, version in re.findall(rf"({_SIGN})\s*([^\s,]+)", python):
        if sign == "~=":
            pairs += [(">=", version), ("==", version.rpartition(".")[0] + ".*")]
        else:
            pairs.append(("==" if sign == "===" else sign, version))
    inside = both(*(Is("python_full_version", sign, version) for sign, version in pairs))
    return inside, either(*(Is("python_full_version", opposite[sign], version) for sign, version in pairs))


def _of_poetry(lock: Lock, top: Table) -> list[_Candidate]:
    files = top.get("metadata", {}).get("files", {})
    found = []
    for number, package in enumerate(top.get("package", [])):
        listed = {"files": files[package["name"]]} if package["name"] in files else {}
        lock.entries.append(legacy_entry({**listed, **package}))
        needs = [need for name, value in package.get("dependencies", {}).items() for need, _ in _needs(name, value)]
        extras = [plain(extra) for extra in package.get("extras", {})]
        pythons = _alternatives(package.get("python-versions", ""))
        found.append(_Candidate(number, lock.entries[-1].version, pythons,
                                {extra: list(_asked(needs, extra)) for extra in ("", *extras)}))  # fmt: skip
    return found


def _asked(needs: Iterable[_Need], extra: str) -> Iterator[_Need]:
    """The requirements that an extra adds; under no extra those that need none."""
    for need in needs:
        with_it, without = (replaced(need.condition, partial(_decided, one)) for one in (extra, ""))
        if with_it != NEVER and (not extra or with_it != without):
            yield need._replace(condition=with_it)


def _decided(extra: str, leaf: Is) -> Condition:
    if leaf.variable != "extra":
        return leaf
    return ALWAYS if (plain(leaf.text) == extra and bool(extra)) == (leaf.operator == "==") else NEVER


def _lists_of_poetry(project: Table) -> list[tuple[str, Table]]:
    poetry = project.get("tool", {}).get("poetry", {})
    if "dependencies" not in poetry:
        raise Bad("the project has no [tool.poetry.dependencies], which say when an entry of the lockfile is installed")
    lists = [("main", poetry["dependencies"])]
    lists += [(plain(name), group["dependencies"]) for name, group in poetry.get("group", {}).items()
              if "dependencies" in group]  # fmt: skip
    return lists + ([("dev", poetry["dev-dependencies"])] if "dev-dependencies" in poetry else [])


def _roots_of_poetry(project: Table, extras: list[str]) -> Iterator[_Need]:
    by: dict[str, list[str]] = {}
    for extra, names in project.get("tool", {}).get("poetry", {}).get("extras", {}).items():
        for name in names:
            by.setdefault(plain(name), []).append(plain(extra))
    for group, listed in _lists_of_poetry(project):
        for name, value in listed.items():
            for need, optional in _needs(name, value) if plain(name) != "python" else ():
                chosen: Condition = Switch(f"group {group}")
                if optional:
                    asking = (Switch(f"extra {extra}") for extra in by.get(need.name, ()) if extra in extras)
                    chosen = both(chosen, either(*asking))
                yield need._replace(condition=both(chosen, need.condition))


def _needs(name: str, value: object) -> Iterator[tuple[_Need, bool]]:
    """A requirement as Poetry writes it, and whether it is optional."""
    if isinstance(value, list):
        for one in value:
            yield from _needs(name, one)
    elif isinstance(value, str):
        yield _Need(plain(name), (), _alternatives(value), ALWAYS), False
    elif isinstance(value, dict):
        parts = [parse(value["markers"])] if value.get("markers", "").strip() else []
        if "python" in value:
            parts.append(either(*(_bounds(one)[0] for one in _alternatives(value["python"]))))
        if "platform" in value:
            parts.append(Is("sys_platform", "==", value["platform"]))
        extras = tuple(plain(extra) for extra in value.get("extras", []))
        versions = _alternatives(value.get("version", ""))
        yield _Need(plain(name), extras, versions, both(*parts)), bool(value.get("optional", False))
    else:
        raise Bad(f"a requirement on {name[:40]!r} cannot be followed")


def _alternatives(text: str) -> list[str]:
    """Poetry's constraint as specifiers, one of which is to hold."""
    return [",".join(filter(None, (_clause(*one) for one in re.findall(rf"\s*(\^|{_SIGN}|~|=)?\s*([^\s,|]+)", part))))
            for part in re.split(r"\|\|?", text)]  # fmt: skip


def _clause(sign: str, text: str) -> str:
    found = re.match(r"\d+(?:\.\d+)*", text)
    if text == "*":
        return ""
    if sign not in ("^", "~") or found is None:
        return ("==" if sign in ("", "=") else sign) + text
    numbers = list(map(int, found[0].split(".")))
    if sign == "~":
        kept = numbers[:2]
    else:
        nonzero = [place for place, number in enumerate(numbers) if number]
        kept = numbers[: (nonzero[0] if nonzero else len(numbers) - 1) + 1]
    return f">={text},<{'.'.join(map(str, [*kept[:-1], kept[-1] + 1]))}"


def _of_pdm(lock: Lock, top: Table) -> list[_Candidate]:
    found: dict[tuple[str, str, Origin], _Candidate] = {}
    for package in top.get("package", []):
        entry = legacy_entry(package)
        key = (entry.name, entry.version, entry.source)
        if key not in found:
            pythons = [package.get("requires_python", "")]
            found[key] = _Candidate(len(lock.entries), entry.version, pythons, {"": []})
            lock.entries.append(entry)
        needs = [need for need in map(_pdm_need, package.get("dependencies", [])) if need.name != entry.name]
        for extra in [plain(extra) for extra in package.get("extras", [])] or [""]:
            found[key].needs[extra] = needs
    return list(found.values())


def _roots_of_pdm(project: Table, groups: list[str]) -> Iterator[_Need]:
    about = project.get("project")
    if about is None or "dynamic" in about:
        raise Bad("the project does not list what it requires, which says when an entry of the lockfile is installed")
    lists = [("default", about.get("dependencies", []))]
    for table in (about.get("optional-dependencies", {}), project.get("dependency-groups", {}),
                  project.get("tool", {}).get("pdm", {}).get("dev-dependencies", {})):  # fmt: skip
        lists += [(plain(name), lines) for name, lines in table.items()]
    for group, lines in lists:
        for need in map(_pdm_need, lines) if group in groups else ():
            yield need._replace(condition=both(Switch(f"group {group}"), need.condition))


def _pdm_need(text: object) -> _Need:
    if not isinstance(text, str):
        raise Bad("the project has a requirement that cannot be followed")
    line = read_line(text)
    return _Need(line.name, line.extras, ["" if line.direct else line.versions], line.marker)
