"""The obligation of *complete*, written down a second time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from satlock.solver.checking.asking import Asked, Line, Owner, read_asked, read_line
from satlock.solver.checking.cells import Cells, Row, cells_of
from satlock.solver.checking.conditions import ALWAYS, Bad, Condition, both, leaves
from satlock.solver.checking.locks import Edge, Lock
from satlock.solver.checking.rebuild import Clauses
from satlock.solver.checking.versions import admits
from satlock.solver.checking.walks import met

__all__ = ["complete_goals"]

Guilty = Callable[[str, set[str], dict[str, Row], set[str]], bool]


@dataclass(frozen=True)
class _Unmet:
    name: str
    claim: str
    bearer: str
    condition: Condition
    line: Line
    meet: tuple[str, ...]
    """The nodes of the entries that meet it."""


def complete_goals(  # noqa: PLR0917
    lock: Lock,
    top: dict[str, Any],
    words: dict[str, Any],
    legend: list[str],
    project: dict[str, Any] | None,
    recorded: dict[str, Any],
) -> tuple[Clauses, dict[str, str], Guilty]:
    """The clauses of a certificate, the names of its goals, and who is guilty where.

    Raises:
        Bad: where its claims are not those of the lockfile.
    """
    asked = read_asked(lock, top, project, recorded)
    edges, unmet = _demands(lock, asked)
    _check_claims(lock, asked, words, unmet)
    extended = replace(
        lock,
        edges=[*lock.edges, *edges],
        switches=[*lock.switches, *asked.switches],
        implied=[*lock.implied, *((one, "production") for one in asked.switches if one.startswith("extra "))],
    )
    conditions = [lock.environments, *(edge.condition for edge in extended.edges), *(one.condition for one in unmet)]
    conditions += [condition for _, _, condition in lock.brings]
    cells = cells_of([leaf for condition in conditions for leaf in leaves(condition)], lock.python)
    clauses = Clauses(extended, cells, legend)
    own = {edge.targets[0] for edge in edges if edge.targets} | {t for edge in edges for t in edge.targets}
    clauses.say_everything({*map(str, range(len(lock.entries))), *own, *(one.bearer for one in unmet)})
    _say_forwards(clauses, lock)
    by_claim: dict[str, list[str]] = {}
    for one in unmet:
        wrong = -clauses.number(one.name)
        by_claim.setdefault(one.claim, []).append(one.name)
        clauses.say([wrong, clauses.number(f"reach {one.bearer}")])
        clauses.imply([wrong], one.condition, one.name)
        for node in one.meet:
            clauses.say([wrong, -clauses.number(f"reach {node}")])
    for claim, names in by_claim.items():
        clauses.say([-clauses.number(f"wrong {claim}"), *map(clauses.number, names)])

    def guilty(name: str, reached: set[str], places: dict[str, Row], on: set[str]) -> bool:
        force = _in_force(edges, reached, cells, places, on)
        return any(
            one.claim == name and one.bearer in force and not reached.intersection(one.meet)
            and met(one.condition, cells, places, on)
            for one in unmet
        )  # fmt: skip

    goals = {claim: f"wrong {claim}" for claim in words["claims"] if claim in by_claim}
    return clauses, goals, guilty


def _say_forwards(clauses: Clauses, lock: Lock) -> None:
    """Whatever has a reason is reached: an edge of the lock whose source is reached and whose condition holds."""
    for edge in lock.edges:
        mine = [target for target in edge.targets if target in clauses.into]
        if not mine:
            continue
        via = clauses.number(f"via {edge.name}")
        unless = [via] + ([-clauses.number(f"reach {edge.source}")] if edge.source is not None else [])
        clauses.imply(unless, edge.condition, f"not via {edge.name}", denied=True)
        for target in mine:
            clauses.say([-via, clauses.number(f"reach {target}")])


def _check_claims(lock: Lock, asked: Asked, words: dict[str, Any], unmet: list[_Unmet]) -> None:
    silent = {lock.entries[int(key)]["name"] if key != "project" else "(project)" for key in asked.unexamined}
    for name, numbers in words["claims"].items():
        mine = [str(number) for number, entry in enumerate(lock.entries) if entry["name"] == name]
        known = bool(mine) or (name == "(project)" and "project" in asked.owners)
        if mine != numbers or not known:
            raise Bad(f"the lockfile has other entries of {name} than the certificate says")
        if name in silent:
            raise Bad(f"the certificate claims {name}, whose requirements it does not know")
    if set(words["requirements"]) != {one.name for one in unmet}:
        raise Bad("the certificate lists other requirements than there are")
    for one in unmet:
        said = read_line(words["requirements"][one.name])
        same = (said.name, said.extras, said.marker) == (one.line.name, one.line.extras, one.line.marker)
        if not same or (not one.line.direct and _clauses(said.versions) != _clauses(one.line.versions)):
            raise Bad(f"the certificate shows another requirement than {one.name} is")


def _clauses(versions: str) -> set[str]:
    return {"".join(part.split()) for part in versions.split(",") if part.strip()}


def _demands(lock: Lock, asked: Asked) -> tuple[list[Edge], list[_Unmet]]:
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
            fits = [str(i) for i, entry in enumerate(lock.entries) if entry["name"] == line.name]
            if line.extras:
                for other in [one for one in fits if one in asked.owners]:
                    targets = [_node(other, f"[{extra}]") for extra in line.extras]
                    edges.append(Edge(f"{name}>{other}", node, targets, both(condition, ("on", f"reach {other}"))))
                    todo += [(other, f"[{extra}]") for extra in line.extras]
                if owner.own and line.name == asked.itself and "project" in asked.owners:
                    targets = [_node("project", f"[{extra}]") for extra in line.extras]
                    edges.append(Edge(f"{name}>project", node, targets, condition))
                    todo += [("project", f"[{extra}]") for extra in line.extras]
            if line.name != asked.itself:
                meet = tuple(one for one in fits if _meets(line, lock.entries[int(one)], owner, key, asked))
                unmet.append(_Unmet(f"unmet {name}", owner.claim, node, condition, line, meet))
    for place, line in enumerate(asked.constraints):
        for _, _, condition in Owner("", {"": [line]}).of(""):
            for number, entry in enumerate(lock.entries):
                if entry["name"] != line.name or not entry["version"] or line.direct:
                    continue
                if not admits(line.versions, entry["version"]):
                    name = f"unmet {number}~constraint {place}"
                    unmet.append(_Unmet(name, entry["name"], str(number), condition, line, ()))
    return edges, unmet


def _node(key: str, which: str) -> str:
    return key if not which and key != "project" else f"asked {key}{which}"


def _edited(owner: Owner, which: str, asked: Asked) -> list[tuple[str, Line, Condition]]:
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


def _meets(line: Line, entry: dict[str, Any], owner: Owner, key: str, asked: Asked) -> bool:
    afar = entry["source"].split(" ")[0] not in ("registry", "index", "legacy", "")
    if afar and (line.direct or owner.own):
        return True
    if line.direct or not line.versions.strip():
        return not line.direct
    if not entry["version"]:
        if key not in asked.unexamined:
            raise Bad(f"the certificate judges a requirement on {entry['name']}, which has no version")
        return True
    return admits(line.versions, entry["version"])


def _in_force(edges: list[Edge], reached: set[str], cells: Cells, places: dict[str, Row], on: set[str]) -> set[str]:
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
