"""Locks that do not say when an entry is installed: that follows from the project's own tables, step by step.

Poetry before 2.0, and PDM without ``inherit_metadata``, note of each entry what it requires, and resolve once more
among the entries when they install. So no two entries of a name are ever installed together. Here each requirement
leads to the newest entry that it admits there, which is what these tools try first; where two requirements lead to
different entries, only their own resolution tells which one serves, or that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.corpora.names import canonicalize_name
from satlock.encoder.project.values import Value, shown
from satlock.records import dataclass, field
from satlock.solver.lockfiles.markers import condition_of, replace
from satlock.solver.lockfiles.model import (
    ALWAYS,
    NEVER,
    Comparison,
    Condition,
    Edge,
    Entry,
    Lockfile,
    LockfileError,
    Switch,
    Whether,
    all_of,
    any_of,
    node_of,
)
from satlock.solver.lockfiles.requirements import read_line

__all__ = ["Candidate", "Need", "alternatives", "follow", "needs_of_pdm", "needs_of_poetry", "roots_of_pdm",
           "roots_of_poetry"]  # fmt: skip

_OPPOSITE = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
_DIGITS = re.compile(r"\d+(?:\.\d+)*")
_BOUND = re.compile(r"(~=|===|==|!=|<=|>=|<|>)\s*([^\s,]+)")
_CLAUSE = re.compile(r"\s*(\^|~=|~|===|==|!=|<=|>=|<|>|=)?\s*([^\s,|]+)")


@dataclass(frozen=True)
class Need:
    """One requirement."""

    name: str
    extras: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("",)
    """Specifiers, one of which has to admit the version."""
    condition: Condition = ALWAYS

    def admits(self, version: str) -> bool:
        try:
            return any(SpecifierSet(one).contains(Version(version), prereleases=True) for one in self.versions)
        except InvalidVersion:
            return self.versions == ("",)


@dataclass
class Candidate:
    """An entry, the Pythons that it is for, and what it and each of its extras requires."""

    entry: Entry
    pythons: tuple[str, ...]
    """Specifiers, one of which has to admit the Python."""
    needs: dict[str, list[Need]] = field(default_factory=dict)


def follow(
    kind: str,
    candidates: Sequence[Candidate],
    roots: Iterable[tuple[str, Need]],
    requires_python: str,
    switches: Iterable[Switch],
) -> Lockfile:
    """The lock in which each requirement leads to the newest entry that it admits.

    Args:
        roots: the project's own requirements, each with what a person calls it.
    """
    named: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        named.setdefault(candidate.entry.name, []).append(candidate)
    edges: list[Edge] = []
    for place, (step, need) in enumerate(roots):
        edges += _edges(f"root {place}", None, need, named, step)
    for candidate in candidates:
        for extra, needs in candidate.needs.items():
            node = node_of(candidate.entry.number, extra)
            for place, need in enumerate(needs):
                edges += _edges(f"{node}.{place}", node, need, named, "")
    entries = tuple(candidate.entry for candidate in candidates)
    return Lockfile(kind, entries, tuple(edges), requires_python, switches=tuple(switches), followed=True)


def _edges(
    name: str, source: str | None, need: Need, named: Mapping[str, list[Candidate]], step: str
) -> Iterator[Edge]:
    fits = [one for one in named.get(need.name, ()) if need.admits(one.entry.version)]
    if len(fits) > 1:
        fits.sort(key=lambda one: _order(one.entry), reverse=True)
    left: Condition = need.condition
    for one in fits:
        inside, outside = _bounds(one.pythons)
        targets = (node_of(one.entry.number), *(node_of(one.entry.number, extra) for extra in need.extras
                                                if extra in one.needs))  # fmt: skip
        condition = all_of(left, inside) if len(fits) > 1 else left
        yield Edge(f"{name}>{one.entry.number}", source, targets, condition, step=step)
        left = all_of(left, outside)


def _order(entry: Entry) -> Version:
    try:
        return Version(entry.version)
    except InvalidVersion:
        raise LockfileError(f"{entry.name} has several entries, one of the version {shown(entry.version)}.") from None


def _bounds(pythons: Sequence[str]) -> tuple[Condition, Condition]:
    """Where one of several specifiers admits the Python, and where none does."""
    found = [_bounds_of(python) for python in pythons]
    return any_of(*(inside for inside, _ in found)), all_of(*(outside for _, outside in found))


def _bounds_of(python: str) -> tuple[Condition, Condition]:
    inside: list[Condition] = []
    outside: list[Condition] = []
    for operator, version in _BOUND.findall(python):
        if operator == "~=":
            start = ".".join(version.split(".")[:-1]) + ".*"
            pairs = [(">=", version), ("==", start)]
        else:
            pairs = [("==" if operator == "===" else operator, version)]
        inside += [Comparison("python_full_version", sign, text) for sign, text in pairs]
        outside += [Comparison("python_full_version", _OPPOSITE[sign], text) for sign, text in pairs]
    return all_of(*inside), any_of(*outside)


# -- Poetry


def roots_of_poetry(project: dict[str, Value], groups: list[str], extras: list[str]) -> Iterator[tuple[str, Need]]:
    """What the tables of a project require, each under the choice of its group."""
    tool = project["tool"].table() if "tool" in project else {}
    poetry = tool["poetry"].table() if "poetry" in tool else {}
    if "dependencies" not in poetry:
        raise LockfileError(
            "The pyproject.toml has no [tool.poetry.dependencies], and only these say when a package of such a "
            "poetry.lock is installed; write the lock again with Poetry 2."
        )
    asked_by: dict[str, list[str]] = {}
    for key, items in (poetry["extras"].table() if "extras" in poetry else {}).items():
        for item in items.items():
            asked_by.setdefault(canonicalize_name(item.text()), []).append(canonicalize_name(key))
    lists = [("main", poetry["dependencies"])]
    for key, table in (poetry["group"].table() if "group" in poetry else {}).items():
        if "dependencies" in table.table():
            lists.append((canonicalize_name(key), table.table()["dependencies"]))
    if "dev-dependencies" in poetry:
        lists.append(("dev", poetry["dev-dependencies"]))
    for group, listed in lists:
        groups.append(group)
        for key, value in listed.table().items():
            name = canonicalize_name(key)
            if name == "python":
                continue
            for need, optional in _poetry_needs(name, value):
                chosen: Condition = Whether(Switch("group", group))
                if optional:
                    by = [Whether(Switch("extra", extra)) for extra in asked_by.get(name, ()) if extra in extras]
                    chosen = all_of(chosen, any_of(*by))
                yield f"group {group!r}", Need(need.name, need.extras, need.versions, all_of(chosen, need.condition))


def needs_of_poetry(package: dict[str, Value]) -> dict[str, list[Need]]:
    """What an entry requires, by the extra that asks for it."""
    listed = package["dependencies"].table() if "dependencies" in package else {}
    needs = [need for key, value in listed.items() for need, _ in _poetry_needs(canonicalize_name(key), value)]
    extras = [canonicalize_name(key) for key in (package["extras"].table() if "extras" in package else {})]
    return {extra: list(_in_extra(needs, extra)) for extra in ("", *extras)}


def _in_extra(needs: Iterable[Need], extra: str) -> Iterator[Need]:
    """The requirements of one extra; under no extra those that ask for none."""

    def asked(comparison: Comparison) -> Condition:
        if comparison.variable != "extra":
            return comparison
        return ALWAYS if (canonicalize_name(comparison.text) == extra) == (comparison.operator == "==") else NEVER

    for need in needs:
        condition = replace(need.condition, asked)
        if condition != NEVER and (not extra or condition != replace(need.condition, _without_extra)):
            yield Need(need.name, need.extras, need.versions, condition)


def _without_extra(comparison: Comparison) -> Condition:
    if comparison.variable != "extra":
        return comparison
    return NEVER if comparison.operator == "==" else ALWAYS


def _poetry_needs(name: str, value: Value) -> Iterator[tuple[Need, bool]]:
    """A requirement as Poetry writes it, and whether it is optional."""
    if isinstance(value.raw, list):
        for item in value.items():
            yield from _poetry_needs(name, item)
        return
    if isinstance(value.raw, str):
        yield Need(name, (), alternatives(value)), False
        return
    table = value.table()
    parts: list[Condition] = []
    if "markers" in table:
        parts.append(_marker(table["markers"]))
    if "python" in table:
        parts.append(_bounds(alternatives(table["python"]))[0])
    if "platform" in table:
        parts.append(Comparison("sys_platform", "==", table["platform"].text()))
    extras = tuple(canonicalize_name(item.text()) for item in table["extras"].items()) if "extras" in table else ()
    versions = alternatives(table["version"]) if "version" in table else ("",)
    yield Need(name, extras, versions, all_of(*parts)), "optional" in table and table["optional"].flag()


def _marker(value: Value) -> Condition:
    try:
        return condition_of(value.text()) if value.text().strip() else ALWAYS
    except (ValueError, RecursionError):
        raise LockfileError(f"{value.where} in {value.file} is {shown(value.text())}, which is no marker.") from None


def alternatives(value: Value) -> tuple[str, ...]:
    """Poetry's constraint as specifiers, one of which is to hold."""
    found = []
    for part in re.split(r"\|\|?", value.text()):
        clauses = [_clause(sign, text) for sign, text in _CLAUSE.findall(part)]
        specifiers = ",".join(clause for clause in clauses if clause)
        try:
            SpecifierSet(specifiers)
        except InvalidSpecifier:
            text = shown(value.text())
            raise LockfileError(f"{value.where} in {value.file} is {text}, which cannot be followed.") from None
        found.append(specifiers)
    return tuple(found)


def _clause(sign: str, text: str) -> str:
    if text == "*":
        return ""
    digits = _DIGITS.match(text)
    if sign not in ("^", "~") or digits is None:
        return f"{'==' if sign in ('', '=') else sign}{text}"
    numbers = [int(part) for part in digits[0].split(".")]
    place = min(1, len(numbers) - 1)
    if sign == "^":
        place = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
    upper = [*numbers[:place], numbers[place] + 1]
    return f">={text},<{'.'.join(map(str, upper))}"


# -- PDM


def roots_of_pdm(project: dict[str, Value], groups: list[str]) -> Iterator[tuple[str, Need]]:
    """What the lists of a project require, each under the choice of its group."""
    about = project["project"].table() if "project" in project else {}
    if "project" not in project or "dynamic" in about:
        raise LockfileError(
            "The pyproject.toml does not list what it requires under [project], and only that says when a package of "
            "such a pdm.lock is installed; write the lock again with the strategy inherit_metadata."
        )
    tool = project["tool"].table() if "tool" in project else {}
    pdm = tool["pdm"].table() if "pdm" in tool else {}
    lists: list[tuple[str, Value]] = [("default", about["dependencies"])] if "dependencies" in about else []
    tables = (about.get("optional-dependencies"), project.get("dependency-groups"), pdm.get("dev-dependencies"))
    for table in (table.table() for table in tables if table is not None):
        lists += [(canonicalize_name(key), items) for key, items in table.items()]
    for group, items in lists:
        if group not in groups:
            continue
        for item in items.items():
            need = _pdm_need(item)
            yield f"group {group!r}", Need(need.name, need.extras, need.versions,
                                           all_of(Whether(Switch("group", group)), need.condition))  # fmt: skip


def needs_of_pdm(package: dict[str, Value], name: str) -> dict[str, list[Need]]:
    """What an entry requires; one with extras states what these require, and that it requires itself."""
    items = package["dependencies"].items() if "dependencies" in package else ()
    needs = [need for need in map(_pdm_need, items) if need.name != name]
    stated = package["extras"].items() if "extras" in package else ()
    extras: list[str] = [canonicalize_name(item.text()) for item in stated]
    return dict.fromkeys(extras or [""], needs)


def _pdm_need(item: Value) -> Need:
    try:
        line = read_line(item.text(), item.where)
    except (ValueError, RecursionError):
        where = f"{item.where} in {item.file}"
        raise LockfileError(
            f"{where} is {shown(str(item.raw))}, which is no requirement that can be followed."
        ) from None
    return Need(line.name, line.extras, ("" if line.direct else str(line.specifier),), line.marker)
