"""The obligation of *complete*, written down a second time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from satlock.solver.checking.demands import Unmet, demands_of, in_force
from satlock.solver.checking.environments import cells_of
from satlock.solver.checking.further import Asked, Goals
from satlock.solver.checking.markers import ALWAYS, Bad, both, leaves, plain
from satlock.solver.checking.model import Edge, Lock
from satlock.solver.checking.obligation import Clauses
from satlock.solver.checking.owners import Asking, Record, read_asked, read_line
from satlock.solver.checking.pulls import bounds_of, steps_of
from satlock.solver.checking.walk import Here, met

__all__ = ["complete_goals"]


def complete_goals(asked: Asked, record: Record) -> Goals:
    """One goal for each claimed name that has requirements: one of them is in force and not met.

    Raises:
        Bad: where the claims are not those of the lockfile, or the record does not fit it.
    """
    lock = replace(asked.lock, edges=_where_covered(asked.lock))
    asking = read_asked(lock, asked.top, asked.project, record, bounds_of(asked.project or {}))
    if asked.project is not None:
        asking.steps = steps_of(asked.project, plain(asked.project.get("project", {}).get("name", "")), "")
    edges, unmet = demands_of(lock, asking)
    _check_claims(asked, asking, unmet)
    extended = replace(
        lock,
        edges=[*lock.edges, *edges],
        switches=[*lock.switches, *asking.switches],
        implied=[*lock.implied, *((one, "production") for one in asking.switches if one.startswith("extra "))],
    )
    further = [lock.covered, *(edge.condition for edge in edges), *(one.condition for one in unmet)]
    cells = cells_of([*asked.comparisons(), *(leaf for one in further for leaf in leaves(one))], lock.python)
    clauses = Clauses(extended, cells, asked.legend, asked.most)
    own = {target for edge in edges for target in edge.targets}
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

    def guilty(name: str, reached: set[str], here: Here) -> bool:
        force = in_force(edges, reached, here)
        return any(
            one.claim == name and one.bearer in force and not reached.intersection(one.meet)
            and met(one.condition, here, here.on)
            for one in unmet
        )  # fmt: skip

    goals = {claim: f"wrong {claim}" for claim in asked.claims if claim in by_claim}
    return Goals(clauses, goals, guilty)


def _where_covered(lock: Lock) -> list[Edge]:
    """The lock's edges, where each first step from its members, and from what its manifest requires, asks that the
    lock covers the environment."""
    if lock.covered == ALWAYS:
        return lock.edges
    # What a group of a member lists is called after the number of that member.
    firm = {edge.name: edge for edge in lock.edges if edge.source is None and not edge.name[0].isdigit()}
    nodes = {None, *(target for edge in firm.values() for target in edge.targets)}
    return [
        replace(edge, condition=both(edge.condition, lock.covered))
        if edge.source in nodes and edge.name not in firm
        else edge
        for edge in lock.edges
    ]


def _say_forwards(clauses: Clauses, lock: Lock) -> None:
    """Whatever has a reason is reached: an edge of the lock whose source is reached and whose condition holds."""
    said: set[str] = set()
    for edge in lock.edges:
        mine = [target for target in edge.targets if target in clauses.into]
        if not mine:
            continue
        via = clauses.number(f"via {edge.name}")
        unless = [via] + ([-clauses.number(f"reach {edge.source}")] if edge.source is not None else [])
        shared = clauses.conditions.get(edge.name)
        if shared is None:
            clauses.imply(unless, edge.condition, f"not via {edge.name}", denied=True)
        else:
            clauses.say([*unless, -clauses.number(shared)])
            if shared not in said:
                said.add(shared)
                clauses.imply([clauses.number(shared)], edge.condition, f"not {shared}", denied=True)
        for target in mine:
            clauses.say([-via, clauses.number(f"reach {target}")])


def _check_claims(asked: Asked, asking: Asking, unmet: Sequence[Unmet]) -> None:
    silent = {asked.lock.entries[int(key)].name if key != "project" else "(project)" for key in asking.unexamined}
    for name, numbers in asked.claims.items():
        mine = asked.entries_of(name)
        known = bool(mine) or (name == "(project)" and "project" in asking.owners)
        if mine != numbers or not known:
            raise Bad(f"the lockfile has other entries of {name} than the certificate says")
        if name in silent:
            raise Bad(f"the certificate claims {name}, whose requirements it does not know")
    if set(asked.requirements) != {one.name for one in unmet}:
        raise Bad("the certificate lists other requirements than there are")
    for one in unmet:
        said = read_line(asked.requirements[one.name])
        same = (said.name, said.extras, said.marker) == (one.line.name, one.line.extras, one.line.marker)
        if (
            not same
            or _clauses(said.versions) != _clauses(one.line.versions)
            or not _shows(said.address, one.line.address)
        ):
            raise Bad(f"the certificate shows another requirement than {one.name} is")


def _shows(said: str, address: str) -> bool:
    """Whether an address is that one; who asks for it may be hidden."""
    pieces = said.split("****")
    return len(pieces) < 4 and bool(said) == bool(address) and (
        re.fullmatch("[^/]*".join(map(re.escape, pieces)), address) is not None)  # fmt: skip


def _clauses(versions: str) -> set[str]:
    return {"".join(part.split()) for part in versions.split(",") if part.strip()}
