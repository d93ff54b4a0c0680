"""The property *complete*: every requirement in force is met by something that is installed.

The requirements are those of the project, of every installed candidate, and of every extra that one of these asks for.
What a candidate requires is not in a lockfile; it is what its index says, which a certificate records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from satlock.corpora.index.redaction import redacted
from satlock.records import replace
from satlock.solver.lockfiles.model import ALWAYS, Edge, Entry, Lockfile, all_of, node_of
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.lockfiles.requirements import OWN, Line
from satlock.solver.proofs.demands import Demands, Unmet, demands_of
from satlock.solver.proofs.environments import axes_of
from satlock.solver.proofs.further import condition_comparisons
from satlock.solver.proofs.obligation import Obligation, obligation_of, opposite
from satlock.solver.proofs.owners import PROJECT, Asked, Asking, Owner, ReadFrom
from satlock.solver.proofs.search import Search, example_of
from satlock.solver.proofs.unique import Answer, Proof, all_comparisons, refuse_followed
from satlock.solver.proofs.walk import Here, Point, Walk, holds

__all__ = ["prove_complete"]

_T = TypeVar("_T")


Doubt: TypeAlias = Callable[[Entry, Line, Point], str]
"""Why a candidate may not have this requirement in this environment; empty where there is no doubt."""

Broken: TypeAlias = Callable[[Walk, Here], list[Unmet]]


def prove_complete(reading: Reading, asking: Asking, doubt: Doubt | None = None) -> Proof:
    """Decides for each package, and for the project, whether some environment leaves one of its requirements unmet.

    What is in ``doubt`` refutes nothing, and is not decided.

    Raises:
        LockfileError: where a marker asks for what no environment has, or the lock does not tell enough.
    """
    refuse_followed(reading, "--complete")
    demands = demands_of(reading.lockfile, asking)
    lockfile = replace(
        reading.lockfile,
        edges=(*_where_covered(reading.lockfile), *demands.edges),
        switches=(*reading.lockfile.switches, *asking.switches),
        implied=(*reading.lockfile.implied, *asking.implied),
    )
    obligation = _obligation(reading, lockfile, demands)
    named = reading.lockfile.named()
    claims: dict[str, list[Unmet]] = {name: [] for name in named}
    undecided = _undecided(asking, reading.lockfile)
    if PROJECT in asking.owners or PROJECT in asking.unexamined:
        claims["(project)"] = []
    for one in demands.unmet:
        claims.setdefault(one.claim, []).append(one)
    goals: dict[str, int] = {}
    for name, mine in claims.items():
        if mine:
            goal = goals[name] = obligation.variable(f"wrong {name}")
            obligation.add((-goal, *(obligation.variable(one.name) for one in mine)))
            for one in mine:
                _say_unmet(obligation, one)
    example = example_of(obligation)
    answers = []
    with Search(obligation) as search:
        for name in claims:
            entries = tuple(named.get(name, ()))

            dubious: set[str] = set()

            def broken(walked: Walk, here: Here, name: str = name, dubious: set[str] = dubious) -> list[Unmet]:
                return [one for one in demands.broken(walked, here, name) if one.name not in dubious]

            def refutes(walked: Walk, here: Here, broken: Broken = broken) -> bool:
                return bool(broken(walked, here))

            found = search.find(goals[name], refutes) if name in goals else None
            while found is not None:
                one = broken(found[1], found[0])[0]
                why = _doubtful(one, found[0], reading, asking, doubt)
                if not why:
                    break
                undecided.setdefault(name, why)
                dubious.add(one.name)
                search.add([(-obligation.variable(one.name),)])
                found = search.find(goals[name], refutes)
            if found is not None:
                point, walked = found
                answers.append(_refuted(name, entries, point, walked, broken(walked, point)[0], demands, reading))
            else:
                answers.append(Answer(name, entries, undecided=undecided.get(name, "")))
    proven = {answer.name: goals[answer.name] for answer in answers if answer.proven and answer.name in goals}
    passed = tuple(box for box in search.passed if box.goal in proven.values())
    return Proof(
        reading,
        "complete",
        tuple(answers),
        obligation,
        example,
        proven,
        passed,
        {"requirements": {one.name: redacted(one.line.text) for one in demands.unmet}},
        _recorded(asking),
    )


def _obligation(reading: Reading, lockfile: Lockfile, demands: Demands) -> Obligation:
    """The clauses of the lock and of what is asked, and that whatever has a reason is reached."""
    asked = condition_comparisons(
        (lockfile.covered, *(edge.condition for edge in demands.edges), *(one.condition for one in demands.unmet))
    )
    axes = axes_of(dict.fromkeys((*all_comparisons(reading), *asked)), lockfile.requires_python)
    wanted = [*(node_of(entry.number) for entry in lockfile.entries), *demands.nodes]
    obligation = obligation_of(lockfile, axes, wanted)
    known = {edge.name for edge in reading.lockfile.edges}
    followed: dict[str, Edge] = {
        edge.name: edge for into in obligation.edges_into.values() for edge in into if edge.name in known
    }
    for edge in followed.values():
        via = obligation.variable(f"via {edge.name}")
        when = [via] + ([-obligation.variable(f"reach {edge.source}")] if edge.source is not None else [])
        shared = obligation.shared.get(edge.name, "")
        if shared:
            obligation.add((*when, -obligation.variable(shared)))
            when = [obligation.variable(shared)]
        obligation.imply(when, opposite(edge.condition), f"not {shared}" if shared else f"not via {edge.name}")
        for target in edge.targets:
            if target in obligation.edges_into:
                obligation.add((-via, obligation.variable(f"reach {target}")))
    return obligation


def _where_covered(lockfile: Lockfile) -> tuple[Edge, ...]:
    """The lock's edges. A dependency of what it starts with asks that some fork of the lock covers the environment;
    then so does whatever lies behind it."""
    if lockfile.covered == ALWAYS:
        return lockfile.edges
    starts = [edge for edge in lockfile.edges if edge.source is None and not (edge.member and edge.group)]
    names = {edge.name for edge in starts}
    nodes = {None, *(target for edge in starts for target in edge.targets)}
    return tuple(
        replace(edge, condition=all_of(edge.condition, lockfile.covered))
        if edge.source in nodes and edge.name not in names
        else edge
        for edge in lockfile.edges
    )


def _doubtful(one: Unmet, point: Point, reading: Reading, asking: Asking, doubt: Doubt | None) -> str:
    key = one.bearer.key
    owner = asking.owners.get(key)
    if doubt is None or owner is None or not owner.of_index or one.line not in owner.lists[OWN]:
        return ""
    return doubt(reading.lockfile.entries[int(key)], one.line, point)


def _say_unmet(obligation: Obligation, one: Unmet) -> None:
    wrong = -obligation.variable(one.name)
    obligation.add((wrong, obligation.variable(f"reach {one.bearer.node}")))
    obligation.imply((wrong,), one.condition, one.name)
    for number in one.admitted:
        obligation.add((wrong, -obligation.variable(f"reach {node_of(number)}")))


def _undecided(asking: Asking, lockfile: Lockfile) -> dict[str, str]:
    """Why nothing can be said of a name: one of its owners was not examined."""
    found: dict[str, str] = {}
    for key, reason in asking.unexamined.items():
        entry = lockfile.entries[int(key)] if key != PROJECT else None
        found.setdefault(entry.name if entry else "(project)", reason)
    return found


def _refuted(  # noqa: PLR0917
    name: str,
    entries: tuple[Entry, ...],
    point: Point,
    walked: Walk,
    one: Unmet,
    demands: Demands,
    reading: Reading,
) -> Answer:
    lockfile = reading.lockfile
    asked = demands.asked(walked, point)
    key = one.bearer.key
    bearer = (lockfile.entries[int(key)],) if key != PROJECT else ()
    # A group of a member can be chosen alone, and then the member is not installed.
    installed = tuple(entry for entry in bearer if node_of(entry.number) in walked.reached)
    there = [e for e in lockfile.entries if e.name == one.line.name and node_of(e.number) in walked.reached]
    has = ", ".join(f"{e}" + (f" from {e.source}" if any(e.source) else "") for e in there)
    what = f"only {has} is" if has else "nothing of that name is"
    note = f"{_who(one, bearer)} requires {redacted(one.line.text)}, and {what} installed"
    if not holds(lockfile.covered, point, point.on):
        note += ", since none of the lock's resolution-markers holds there"
    chain = _chain(one.bearer, asked, demands, lockfile)
    if len(chain) > 1:
        note += f" (asked for by {' → '.join(chain[:-1])})"
    return Answer(name, entries, point, walked, (*installed, *(e for e in there if e not in installed)), note,
                  requirement=redacted(one.line.text))  # fmt: skip


def _who(one: Unmet, bearer: tuple[Entry, ...]) -> str:
    which = one.bearer.which
    extra = str(which) if which.kind == "extra" else ""
    group = f"the group {which.name!r} of " if which.kind == "group" else ""
    if one.why:
        return one.why
    return f"{group}{bearer[0].name}{extra} {bearer[0].version}".rstrip() if bearer else f"{group}the project{extra}"


def _chain(start: Asked, asked: dict[str, Edge | None], demands: Demands, lockfile: Lockfile) -> list[str]:
    """Who asked for what the lock does not install by itself, from the first to that."""
    found = []
    here: str | None = start.node
    while here is not None and here in demands.nodes:
        key, which = demands.nodes[here]
        title = "the project" if key == PROJECT else lockfile.entries[int(key)].name
        found.append(f"{title}{which}")
        edge = asked[here]
        here = edge.source if edge is not None else None
    if here is not None:
        found.append(str(lockfile.entries[int(here)]))
    return found[::-1]


def _recorded(asking: Asking) -> str:
    """What was taken from where, for the certificate: lines that an index told, and who was not examined."""
    owners: dict[str, dict[str, object]] = {}
    for key, owner in _in_order(asking.owners.items()):
        owners[key] = {"from": owner.origin}
        if owner.of_index:
            owners[key] = {**_where(owner), "requires-dist": [line.text for line in owner.lists[OWN]]}
    found = {"recorded": asking.day, "owners": owners, "unexamined": dict(_in_order(asking.unexamined.items()))}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _where(owner: Owner) -> dict[str, object]:
    """Where an owner's lines were read, without what is not known."""
    place = owner.read_from or ReadFrom(owner.origin, owner.origin)
    further = {"asked": place.asked if place.asked != place.index else "", "file": place.file, "sha256": place.sha256,
               "metadata": place.metadata}  # fmt: skip
    return {"from": place.index, **{key: text for key, text in further.items() if text}}


def _in_order(items: Iterable[tuple[str, _T]]) -> list[tuple[str, _T]]:
    return sorted(items, key=lambda item: (not item[0].isdigit(), int(item[0]) if item[0].isdigit() else 0))
