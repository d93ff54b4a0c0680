"""Which environments reach which entry, as clauses.

Every variable has a name that says what it means, and every clause follows from the lockfile alone by the rules of
``docs/proofs.md``, so that another program can write the same clauses down. Conditions are only ever needed in one
direction (what was reached had a reason), and markers have no negation, so a clause is written for each part of a
condition and none for its converse.

Cycles would justify themselves by these clauses alone. A set of nodes is reached only along an edge from outside:
:meth:`Obligation.loop` says so for one set, and is called for those that come up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import combinations

from satlock.encoder.markers.regions import closure
from satlock.records import dataclass, field, replace
from satlock.solver.lockfiles.model import AllOf, AnyOf, Comparison, Condition, Edge, Item, Lockfile, Switch, Whether
from satlock.solver.proofs.environments import Axes, is_opaque, opaque_question, opaque_variable

__all__ = ["Clause", "Obligation", "obligation_of", "opposite"]

Clause = tuple[int, ...]


_SHARED = ("via ", "may via ", "part ", "condition ")
"""What the variables of conditions begin with whose parts are named after what they say, and not after their place."""


def told(condition: Condition) -> str:
    """A condition as a text, by which its variable is called. Words of a lock are quoted, lest two read alike."""
    if isinstance(condition, Whether):
        return f"{'' if condition.on else 'not '}{json.dumps(str(condition.switch))}"
    if isinstance(condition, Comparison):
        sides = (condition.variable, json.dumps(condition.text))
        text = f" {condition.operator} ".join(sides[::-1] if condition.reversed else sides)
        return f"not {text}" if condition.denied else text
    join, empty = (" and ", "always") if isinstance(condition, AllOf) else (" or ", "never")
    return f"({join.join(map(told, condition.parts))})" if condition.parts else empty


def _of_several(lockfile: Lockfile) -> dict[str, str]:
    """The variable of each condition that several edges have, for each of them: named after one of them."""
    edges: dict[str, list[str]] = {}
    for edge in lockfile.edges:
        if isinstance(edge.condition, (AllOf, AnyOf)) and edge.condition.parts:
            edges.setdefault(told(edge.condition), []).append(edge.name)
    return {name: f"condition {min(names)}" for names in edges.values() if len(names) > 1 for name in names}


@dataclass
class Obligation:
    """Named variables and the clauses over them."""

    lockfile: Lockfile
    axes: Axes
    names: list[str] = field(default_factory=lambda: [""])
    """The name of each variable, from 1."""
    clauses: list[Clause] = field(default_factory=list)
    edges_into: dict[str, list[Edge]] = field(default_factory=dict)
    """The edges into each node that matters here."""
    loops: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """The sets for which :meth:`loop` was called: ``reach`` or ``may``, and the nodes."""
    opaque: dict[str, Comparison] = field(default_factory=dict)
    """The variable of each question of which nothing is known, and the comparison that it is in its positive form."""
    shared: dict[str, str] = field(init=False)
    """The variable of the condition of each edge that has it in common with another one."""
    _numbers: dict[str, int] = field(default_factory=dict)
    _seen: set[Clause] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shared = _of_several(self.lockfile)

    def variable(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number

    def knows(self, name: str) -> bool:
        """Whether some clause speaks of this variable."""
        return name in self._numbers

    def add(self, literals: Iterable[int]) -> None:
        """Adds a clause, unless it is there or holds anyway."""
        clause = tuple(sorted(set(literals), key=abs))
        if clause not in self._seen and not any(-literal in clause for literal in clause):
            self._seen.add(clause)
            self.clauses.append(clause)

    def imply(self, when: Sequence[int], condition: Condition, name: str) -> None:
        """Where every literal of ``when`` is false, ``condition`` holds. Parts of it are named after ``name``."""
        if isinstance(condition, AllOf):
            for place, part in enumerate(condition.parts):
                self.imply(when, part, f"{name}/{place}")
            return
        literals = list(when)
        parts = condition.parts if isinstance(condition, AnyOf) else (condition,)
        for place, part in enumerate(parts):
            if isinstance(part, Comparison):
                found = self._holds(part)
                if found is None:
                    return
                literals += found
            elif isinstance(part, Whether):
                literals.append(self.variable(str(part.switch)) * (1 if part.on else -1))
            elif part == AllOf(()):
                return
            else:
                # Locks with conflicts say the same of hundreds of edges.
                shared = name.startswith(_SHARED)
                inner = f"part {told(part)}" if shared else f"{name}/{place}"
                known = shared and self.knows(inner)
                literals.append(self.variable(inner))
                if not known:
                    self.imply((-self.variable(inner),), part, inner)
        self.add(literals)

    def require(self, unless: int, edge: Edge) -> None:
        """Where ``unless`` is false, the condition of an edge holds."""
        shared = self.shared.get(edge.name, "")
        if not shared:
            self.imply((unless,), edge.condition, f"via {edge.name}")
            return
        known = self.knows(shared)
        self.add((unless, self.variable(shared)))
        if not known:
            self.imply((-self.variable(shared),), edge.condition, shared)

    def _holds(self, comparison: Comparison) -> list[int] | None:
        """Literals one of which is true where the comparison holds; None where it holds everywhere."""
        if is_opaque(comparison):
            question, agrees = opaque_question(comparison)
            name = opaque_variable(question)
            self.opaque[name] = question
            return [self.variable(name) * (1 if agrees else -1)]
        axis, places = self.axes.where(replace(comparison, denied=False) if comparison.denied else comparison)
        everywhere = range(self.axes.size(axis))
        chosen = [place for place in everywhere if (place in places) != comparison.denied]
        return None if len(chosen) == len(everywhere) else [self.place(axis, place) for place in chosen]

    def place(self, axis: int, place: int) -> int:
        return self.variable(self.axes.label(axis, place))

    def loop(self, kind: str, nodes: Iterable[str]) -> list[Clause]:
        """Says that a set of nodes is reached only along an edge from outside the set; returns the clauses."""
        members = tuple(sorted(nodes))
        self.loops.append((kind, members))
        before = len(self.clauses)
        via = "via" if kind == "reach" else "may via"
        outside = [
            self.variable(f"{via} {edge.name}")
            for node in members
            for edge in self.edges_into[node]
            if edge.source not in members
        ]
        for node in members:
            self.add((-self.variable(f"{kind} {node}"), *outside))
        return self.clauses[before:]


def obligation_of(lockfile: Lockfile, axes: Axes, wanted: Iterable[str]) -> Obligation:
    """The clauses for the environments, the choices, and everything on a way to the ``wanted`` nodes."""
    found = Obligation(lockfile, axes)
    edges = {edge.name: edge for edge in lockfile.edges}
    moving = {name: item for name, item in lockfile.items.items() if item.activators}
    activating = [edges[name] for item in moving.values() for name in item.activators]
    into: dict[str, list[Edge]] = {}
    for edge in lockfile.edges:
        for target in edge.targets:
            into.setdefault(target, []).append(edge)
    sources = [edge.source for edge in activating if edge.source is not None]
    for node in _ancestors(into, (*wanted, *sources)):
        found.edges_into[node] = list(dict.fromkeys(into.get(node, ())))
    _say_environment(found)
    _say_choices(found)
    for node, incoming in found.edges_into.items():
        found.add((-found.variable(f"reach {node}"), *(found.variable(f"via {edge.name}") for edge in incoming)))
    needed = {edge.name: edge for incoming in found.edges_into.values() for edge in incoming}
    needed |= {edge.name: edge for edge in activating if edge.source is None}
    for edge in needed.values():
        via = -found.variable(f"via {edge.name}")
        if edge.source is not None:
            found.add((via, found.variable(f"reach {edge.source}")))
        found.require(via, edge)
    if moving:
        _say_activation(found, moving, activating, _ancestors(into, sources))
    return found


def _ancestors(into: dict[str, list[Edge]], nodes: Iterable[str]) -> list[str]:
    """The nodes and everything before them, in the order of the search."""
    return [*closure(nodes, lambda node: (edge.source for edge in into.get(node, ()) if edge.source is not None))]


def _say_environment(found: Obligation) -> None:
    axes = found.axes
    for axis in axes.asked:
        places = [found.place(axis, place) for place in range(axes.size(axis))]
        found.add(places)
        for i, one in enumerate(places):
            for other in places[:i]:
                found.add((-one, -other))
    for platform, machine in axes.phantoms():
        found.add((-found.place(1, platform), -found.place(3, machine)))
    found.imply((), found.lockfile.environments, "environments")


def _say_choices(found: Obligation) -> None:
    lockfile = found.lockfile
    for switch in lockfile.required:
        found.add((found.variable(str(switch)),))
    for one, other in lockfile.implied:
        found.add((-found.variable(str(one)), found.variable(str(other))))
    for place, bring in enumerate(lockfile.brings):
        # What is brought along is in force; nothing has to say that nothing else is, since rivals only exclude.
        unless = [found.variable(str(bring.brought))] + ([-found.variable(str(bring.by))] if bring.by else [])
        found.imply(unless, opposite(bring.condition), f"brings {place}")
    for rivals in lockfile.rivals:
        found.add(-found.variable(str(one)) for one in rivals)
    for item in lockfile.items.values():
        picked = found.variable(f"picked {item.name}")
        if item.needs is None:
            found.add((-picked,))
            continue
        needs = [found.variable(str(switch)) for switch in item.needs]
        for need in needs:
            found.add((-picked, need))
        found.add((picked, *(-need for need in needs)))
    for members in lockfile.conflicts:
        for left, right in combinations(members, 2):
            pair = [Switch("picked", left.item), Switch("picked", right.item)]
            if left.extra and right.extra:
                pair = [lockfile.items[member.item].switch for member in (left, right)]
            if pair[0] != pair[1]:
                found.add(-found.variable(str(switch)) for switch in pair)


def _say_activation(found: Obligation, moving: dict[str, Item], activating: list[Edge], before: list[str]) -> None:
    """Bounds what the first walk activates: at most what it *may* reach, at least what it *surely* reaches.

    What is active changes during that walk. An edge whose marker asks for something that an edge can activate may be
    followed whatever the final answer is, and is not sure to be, nor is what lies behind it. *Early* is what is active
    while the edges that start at the project are followed.
    """
    followed = {edge.name: edge for node in before for edge in found.edges_into[node]}
    followed |= {edge.name: edge for edge in activating}
    for node in before:
        found.add((-found.variable(f"may {node}"),
                   *(found.variable(f"may via {edge.name}") for edge in found.edges_into[node])))  # fmt: skip
    for edge in followed.values():
        via, sure = found.variable(f"may via {edge.name}"), found.variable(f"sure via {edge.name}")
        if edge.source is not None:
            found.add((-via, found.variable(f"may {edge.source}")))
        found.imply((-via,), _relaxed(edge.condition, edge, moving), f"may via {edge.name}")
        if any(switch.name in moving for switch in _switches(edge.condition)):
            continue
        when = [sure] + ([-found.variable(f"sure {edge.source}")] if edge.source is not None else [])
        found.imply(when, opposite(edge.condition), f"sure via {edge.name}")
        for target in edge.targets:
            if target in before:
                found.add((-sure, found.variable(f"sure {target}")))
        for name in edge.activates:
            if name in moving:
                found.add((-sure, found.variable(f"active {name}")))
    for item in moving.values():
        picked, active = found.variable(f"picked {item.name}"), found.variable(f"active {item.name}")
        found.add((-picked, active))
        found.add((-active, picked, *(found.variable(f"may via {name}") for name in item.activators)))
        if item.early:
            early = found.variable(f"early {item.name}")
            found.add((-picked, early))
            found.add((-early, active))
            found.add((-early, picked, *(found.variable(f"via {name}") for name in item.early)))


def _switches(condition: Condition) -> list[Switch]:
    if isinstance(condition, Whether):
        return [condition.switch]
    if isinstance(condition, (AllOf, AnyOf)):
        return [switch for part in condition.parts for switch in _switches(part)]
    return []


def _relaxed(condition: Condition, edge: Edge, moving: dict[str, Item]) -> Condition:
    """The condition as it may be met during the first walk."""
    if isinstance(condition, Whether) and condition.switch.kind == "active":
        own = condition.switch.name in edge.activates
        return condition if condition.on and not own else AllOf(())
    if isinstance(condition, (AllOf, AnyOf)):
        return type(condition)(tuple(_relaxed(part, edge, moving) for part in condition.parts))
    return condition


def opposite(condition: Condition) -> Condition:
    """The condition's negation."""
    if isinstance(condition, Whether):
        return Whether(condition.switch, not condition.on)
    if isinstance(condition, Comparison):
        return replace(condition, denied=not condition.denied)
    other = AnyOf if isinstance(condition, AllOf) else AllOf
    return other(tuple(opposite(part) for part in condition.parts))
