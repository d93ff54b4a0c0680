"""What is asked for in each environment, as a graph beside the lock's own, read a second time."""

from __future__ import annotations

from dataclasses import dataclass

from satlock.solver.checking.environments import Cells, Row
from satlock.solver.checking.markers import ALWAYS, Bad, Condition, Switch, both
from satlock.solver.checking.model import Edge, Entry, Lock
from satlock.solver.checking.owners import Asking, Line, Owner
from satlock.solver.checking.versions import admits
from satlock.solver.checking.walk import met

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
    edges, unmet = list(asked.choices), []
    todo = [(key, "") for key in asked.owners if key != "project"]
    for edge in asked.choices:
        key, which = edge.name.removeprefix("choose "), ""
        for mark in "[{":
            if mark in key:
                key, _, rest = key.partition(mark)
                which = mark + rest
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
                edges.append(Edge(f"{node}~include {other}", node, [_node(key, f"{{{other}}}")], ALWAYS))
                todo.append((key, f"{{{other}}}"))
        for label, line, condition in _edited(owner, which, asked):
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
        for _, _, condition in Owner("", {"": [line]}).of(""):
            for number, entry in enumerate(lock.entries):
                if entry.name != line.name or not entry.version or line.direct:
                    continue
                if not admits(line.versions, entry.version):
                    name = f"unmet {number}~constraint {place}"
                    unmet.append(Unmet(name, entry.name, str(number), condition, line, ()))
    return edges, unmet


def _node(key: str, which: str) -> str:
    return key if not which and key != "project" else f"asked {key}{which}"


def _edited(owner: Owner, which: str, asked: Asking) -> list[tuple[str, Line, Condition]]:
    """One list of an owner, as the project's overrides and exclusions leave it."""
    found, done = [], set()
    for place, line, condition in owner.of(which):
        if line.name in asked.excludes or line.name in done:
            continue
        instead = [(i, other) for i, other in enumerate(asked.overrides) if other.name == line.name]
        if not instead:
            found.append((str(place), line, condition))
            continue
        done.add(line.name)
        for i, other in instead:
            found += [(f"override {i}", other, when) for _, _, when in Owner("", {"": [other]}).of("")]
    return found


def _meets(line: Line, entry: Entry, owner: Owner, key: str, asked: Asking) -> bool:
    afar = entry.source.split(" ")[0] not in ("registry", "index", "legacy", "")
    if afar and (line.direct or owner.own):
        return True
    if line.direct or not line.versions.strip():
        return not line.direct
    if not entry.version:
        if key not in asked.unexamined:
            raise Bad(f"the certificate judges a requirement on {entry.name}, which has no version")
        return True
    return admits(line.versions, entry.version)


def in_force(edges: list[Edge], reached: set[str], cells: Cells, places: dict[str, Row], on: set[str]) -> set[str]:
    """What the lock installs, and what is asked of it, in one environment."""
    switches = on | {f"reach {node}" for node in reached}
    force = {node for node in reached if not node.startswith("asked ")}
    grown = True
    while grown:
        new = {
            target for edge in edges if edge.source is None or edge.source in force
            if met(edge.condition, cells, places, switches) for target in edge.targets
        } - force  # fmt: skip
        grown = bool(new)
        force |= new
    return force
