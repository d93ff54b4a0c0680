"""What is asked for in each environment, as a graph beside the lock's own, read a second time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from satlock.solver.checking.markers import ALWAYS, NEVER, Bad, Condition, Switch, both, leaves
from satlock.solver.checking.model import Edge, Entry, Lock
from satlock.solver.checking.owners import Asking, Line, Owner, decided
from satlock.solver.checking.pulls import as_setting
from satlock.solver.checking.uv_markers import by_letters
from satlock.solver.checking.versions import admits, order_of, parts_of
from satlock.solver.checking.walk import Here, met

__all__ = ["Unmet", "demands_of", "in_force"]


@dataclass(frozen=True)
class Unmet:
    """A requirement that may be in force without being met."""

    name: str
    claim: str
    bearer: str
    condition: Condition
    line: Line
    meet: tuple[str, ...]
    """The nodes of the entries that meet it."""


def demands_of(lock: Lock, asked: Asking) -> tuple[list[Edge], list[Unmet]]:
    """The edges along which extras are asked for, and every requirement that somebody may have."""
    edges, unmet = list[Edge](), list[Unmet]()
    todo = [(key, "") for key in asked.owners if key != "project"]
    for key, which, condition in asked.choices:
        edges.append(Edge(f"choose {key}{which}", None, [f"asked {key}{which}"], condition))
        todo.append((key, which))
    seen: set[tuple[str, str]] = set()
    while todo:
        key, which = todo.pop()
        if (key, which) in seen or key not in asked.owners:
            continue
        seen.add((key, which))
        owner = asked.owners[key]
        node = _node(key, which)
        for group, other in owner.includes:
            if which == f"{{{group}}}":
                bounds = owner.pythons.get(which, ALWAYS)
                edges.append(Edge(f"{node}~include {other}", node, [_node(key, f"{{{other}}}")], bounds))
                todo.append((key, f"{{{other}}}"))
        entry = lock.entries[int(key)] if key != "project" else None
        for label, line, condition in _edited(owner, entry, which, asked, lock):
            if lock.kind == "uv":
                condition = by_letters(condition)  # noqa: PLW2901
            name = f"{node}~{label}"
            fits = [str(i) for i, entry in enumerate(lock.entries) if entry.name == line.name]
            if line.extras:
                for other in [one for one in fits if one in asked.owners]:
                    targets = [_node(other, f"[{extra}]") for extra in line.extras]
                    edges.append(Edge(f"{name}>{other}", node, targets, both(condition, Switch(f"reach {other}"))))
                    todo += [(other, f"[{extra}]") for extra in line.extras]
                if owner.own and line.name == asked.itself and "project" in asked.owners:
                    targets = [_node("project", f"[{extra}]") for extra in line.extras]
                    edges.append(Edge(f"{name}>project", node, targets, condition))
                    todo += [("project", f"[{extra}]") for extra in line.extras]
            if line.name != asked.itself:
                meet = tuple(one for one in fits if _meets(line, lock.entries[int(one)], owner, key, asked))
                unmet.append(Unmet(f"unmet {name}", owner.claim, node, condition, line, meet))
    for place, line in enumerate(asked.constraints):
        condition = _as_setting(line, asked, lock)
        for number, one in enumerate(lock.entries):
            if condition == NEVER or one.name != line.name or not one.version or line.direct:
                continue
            if not admits(line.versions, one.version):
                unmet.append(Unmet(f"unmet {number}~constraint {place}", one.name, str(number), condition, line, ()))
    return edges, unmet


def _as_setting(line: Line, asked: Asking, lock: Lock) -> Condition:
    """The marker of a line of the settings."""
    found = as_setting(line.marker, asked.steps, lock.kind, [*lock.switches, *asked.switches])
    return by_letters(found) if lock.kind == "uv" else found


def _node(key: str, which: str) -> str:
    return key if not which and key != "project" else f"asked {key}{which}"


def _edited(
    owner: Owner, entry: Entry | None, which: str, asked: Asking, lock: Lock
) -> list[tuple[str, Line, Condition]]:
    """One list of an owner, as the project's overrides and exclusions leave it."""
    extra = which[1:-1] if which.startswith("[") else ""
    instead: dict[str, list[tuple[str, Line]]] = {}
    for i, lines in _for_it(asked.scoped_overrides, entry):
        for j, other in enumerate(lines):
            instead.setdefault(other.name, []).append((f"override {i}.{j}", other))
    without = asked.excludes | {name for _, names in _for_it(asked.scoped_excludes, entry) for name in names}
    found: list[tuple[str, Line, Condition]] = []
    done: set[str] = set()
    for place, line, condition in owner.of(which):
        if line.name in without or line.name in done:
            continue
        general = [(f"override {i}", other) for i, other in enumerate(asked.overrides) if other.name == line.name]
        if line.name in instead:
            done.add(line.name)
            found += [(label, other, decided(other.marker, extra)) for label, other in instead[line.name]]
        elif general:
            done.add(line.name)
            found += [(label, other, _as_setting(other, asked, lock)) for label, other in general]
        else:
            found.append((str(place), line, condition))
    known = {line.name for lines in owner.lists.values() for line in lines}
    for name, others in instead.items():
        for label, other in others if name not in known | without else ():
            if not extra or any(leaf.variable == "extra" for leaf in leaves(other.marker)):
                found.append((label, other, decided(other.marker, extra)))
    return [one for one in found if one[2] != NEVER]


_Said = TypeVar("_Said")


def _for_it(scoped: list[tuple[str, str | None, _Said]], entry: Entry | None) -> list[tuple[int, _Said]]:
    """What is said of this version of a package alone, or else of every version of it; with its place."""
    mine = [(i, *one) for i, one in enumerate(scoped) if entry is not None and one[0] == entry.name]
    mine = [one for one in mine if one[2] is None or (entry is not None and _same(one[2], entry.version))]
    exact = [one for one in mine if one[2] is not None]
    return [(i, said) for i, _, _, said in exact or mine]


def _same(one: str, other: str) -> bool:
    first, second = parts_of(one), parts_of(other)
    return first is not None and second is not None and order_of(first) == order_of(second)


def _meets(line: Line, entry: Entry, owner: Owner, key: str, asked: Asking) -> bool:
    if entry.source.afar and (line.direct or owner.own):
        return True
    if line.direct or not line.versions.strip():
        return not line.direct
    if not entry.version:
        if key not in asked.unexamined:
            raise Bad(f"the certificate judges a requirement on {entry.name}, which has no version")
        return True
    return admits(line.versions, entry.version)


def in_force(edges: list[Edge], reached: set[str], here: Here) -> set[str]:
    """What the lock installs, and what is asked of it, in one environment."""

    def on(name: str) -> bool:
        kind, _, node = name.partition(" ")
        return node in reached if kind == "reach" else here.on(name)

    force = {node for node in reached if not node.startswith("asked ")}
    grown = True
    while grown:
        new = {
            target for edge in edges if edge.source is None or edge.source in force
            if met(edge.condition, here, on) for target in edge.targets
        } - force  # fmt: skip
        grown = bool(new)
        force |= new
    return force
