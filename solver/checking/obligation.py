"""The clauses of an obligation, written down a second time from the lockfile, by the rules of ``docs/proofs.md``.

It shares no code with the encoder that a proof was found with, and is as plain as it can be: no sharing of parts, no
order, a set of clauses over the variables of the certificate's legend.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import combinations

from satlock.solver.checking.environments import Cells
from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    AllOf,
    AnyOf,
    Bad,
    Condition,
    Is,
    Switch,
    is_opaque,
    opaque_name,
)
from satlock.solver.checking.model import Edge, Lock

__all__ = ["Clauses"]


def told(condition: Condition) -> str:
    """A condition as a text, by which its variable is called; what a lock chooses in it is quoted."""
    if isinstance(condition, Switch):
        return json.dumps(condition.name) if condition.on else f"not {json.dumps(condition.name)}"
    if isinstance(condition, Is):
        text = json.dumps(condition.text)
        sides = (text, condition.variable) if condition.backwards else (condition.variable, text)
        return f"{sides[0]} {condition.operator} {sides[1]}"
    if not condition.parts:
        return "always" if isinstance(condition, AllOf) else "never"
    join = " and " if isinstance(condition, AllOf) else " or "
    return f"({join.join(map(told, condition.parts))})"


def _conditions(lock: Lock) -> dict[str, str]:
    """For each edge whose condition another one has too: what that condition is called, after one of them."""
    first: dict[str, str] = {}
    known: dict[str, str] = {}
    twice: set[str] = set()
    for edge in lock.edges:
        if isinstance(edge.condition, AllOf | AnyOf) and edge.condition.parts:
            known[edge.name] = text = told(edge.condition)
            if text in first:
                twice.add(text)
            first[text] = min(edge.name, first.get(text, edge.name))
    return {name: f"condition {first[text]}" for name, text in known.items() if text in twice}


class Clauses:
    """A growing set of clauses; a clause is a set of literals over numbered names."""

    def __init__(self, lock: Lock, cells: Cells, legend: Sequence[str], most: int) -> None:
        self.lock, self.cells, self._most = lock, cells, most
        self.numbers = {name: number for number, name in enumerate(legend, 1)}
        if len(self.numbers) != len(legend):
            raise Bad("the legend has a name twice")
        self.found: set[frozenset[int]] = set()
        self.parts: set[str] = set()
        """Parts of conditions that are said already."""
        self.into: dict[str, list[Edge]] = {}
        self.conditions = _conditions(lock)
        """What the condition of an edge is called that is also that of another one."""

    def number(self, name: str) -> int:
        # A name that the legend does not have makes a clause that the certificate does not have.
        return self.numbers.setdefault(name, len(self.numbers) + 1)

    def say(self, literals: Iterable[int]) -> None:
        clause = frozenset(literals)
        if not any(-literal in clause for literal in clause):
            self.found.add(clause)
            if len(self.found) > self._most:
                raise Bad("the lockfile leads to more clauses than the certificate has")

    def place(self, axis: str, row: tuple[str, ...]) -> int:
        return self.number(self.cells.label(axis, row))

    def imply(self, unless: Sequence[int], condition: Condition, name: str, denied: bool = False) -> None:
        """One of ``unless``, or the condition holds (does not hold, where ``denied``)."""
        if isinstance(condition, AnyOf if denied else AllOf):
            for i, part in enumerate(condition.parts):
                self.imply(unless, part, f"{name}/{i}", denied)
            return
        clause = list(unless)
        for i, part in enumerate(condition.parts if isinstance(condition, AllOf | AnyOf) else (condition,)):
            if isinstance(part, Switch):
                clause.append(self.number(part.name) * (1 if part.on != denied else -1))
            elif isinstance(part, Is) and is_opaque(part):
                asked, positive = opaque_name(part)
                clause.append(self.number(asked) * (1 if positive != denied else -1))
            elif isinstance(part, Is):
                axis, rows = self.cells.where(part)
                every = self.cells.every[axis]
                chosen = [row for row in every if (row in rows) != denied]
                if len(chosen) == len(every):
                    return
                clause += [self.place(axis, row) for row in chosen]
            elif part == (NEVER if denied else ALWAYS):
                return
            else:
                shared = not denied and name.startswith(("via ", "may via ", "part ", "condition "))
                own = f"part {told(part)}" if shared else f"{name}/{i}"
                clause.append(self.number(own))
                if not (shared and own in self.parts):
                    self.parts.add(own)
                    self.imply((-self.number(own),), part, own, denied)
        self.say(clause)

    def say_everything(self, wanted: Iterable[str]) -> None:
        """All that follows from the lockfile for the nodes on a way to the ``wanted`` ones."""
        lock = self.lock
        edges_into: dict[str, list[Edge]] = {}
        for edge in lock.edges:
            for target in dict.fromkeys(edge.targets):
                edges_into.setdefault(target, []).append(edge)
        by_name = {edge.name: edge for edge in lock.edges}
        activating = [by_name[name] for names in lock.activators.values() for name in names]
        starts = {edge.source for edge in activating if edge.source is not None}
        cone = self._before({*wanted, *starts}, edges_into)
        self.into = {node: edges_into.get(node, []) for node in cone}
        self._say_environment()
        self._say_choices()
        for node in cone:
            self.say([-self.number(f"reach {node}"), *(self.number(f"via {e.name}") for e in self.into[node])])
        needed = {e.name: e for incoming in self.into.values() for e in incoming}
        for edge in (needed | {e.name: e for e in activating if e.source is None}).values():
            via = self.number(f"via {edge.name}")
            if edge.source is not None:
                self.say([-via, self.number(f"reach {edge.source}")])
            shared = self.conditions.get(edge.name)
            if shared is None:
                self.imply([-via], edge.condition, f"via {edge.name}")
                continue
            self.say([-via, self.number(shared)])
            if shared not in self.parts:
                self.parts.add(shared)
                self.imply([-self.number(shared)], edge.condition, shared)
        if lock.activators:
            self._say_first_walk(activating, self._before(starts, edges_into))

    @staticmethod
    def _before(nodes: set[str], edges_into: dict[str, list[Edge]]) -> set[str]:
        found, todo = set(nodes), list(nodes)
        while todo:
            for edge in edges_into.get(todo.pop(), ()):
                if edge.source is not None and edge.source not in found:
                    found.add(edge.source)
                    todo.append(edge.source)
        return found

    def _say_environment(self) -> None:
        for axis, rows in self.cells.rows.items():
            places = [self.place(axis, row) for row in rows]
            self.say(places)
            for one, other in combinations(places, 2):
                self.say([-one, -other])
        for platform, machine in self.cells.impossible():
            self.say([-self.place("platform", platform), -self.place("machine", machine)])
        self.imply([], self.lock.environments, "environments")

    def _say_choices(self) -> None:
        lock = self.lock
        for name in lock.required:
            self.say([self.number(name)])
        for one, other in lock.implied:
            self.say([-self.number(one), self.number(other)])
        for code, needs in lock.needs.items():
            picked = self.number(f"picked {code}")
            if needs is None:
                self.say([-picked])
            else:
                for need in needs:
                    self.say([-picked, self.number(need)])
                self.say([picked, *(-self.number(need) for need in needs)])
        for i, (by, brought, condition) in enumerate(lock.brings):
            unless = [self.number(brought), *([-self.number(by)] if by else [])]
            self.imply(unless, condition, f"brings {i}", denied=True)
        for rivals in lock.rivals:
            self.say(-self.number(name) for name in rivals)
        for members in lock.conflicts:
            for (_, one, extra), (_, other, too) in combinations(members, 2):
                if one != other:
                    self.say(
                        -self.number(f"{'active' if extra and too and code in lock.activators else 'picked'} {code}")
                        for code in (one, other)
                    )

    def _say_first_walk(self, activating: list[Edge], before: set[str]) -> None:
        lock = self.lock
        edges = {e.name: e for node in before for e in self.into[node]} | {e.name: e for e in activating}
        for node in before:
            self.say([-self.number(f"may {node}"), *(self.number(f"may via {e.name}") for e in self.into[node])])
        for edge in edges.values():
            may, sure = self.number(f"may via {edge.name}"), self.number(f"sure via {edge.name}")
            if edge.source is not None:
                self.say([-may, self.number(f"may {edge.source}")])
            self.imply([-may], self._loosened(edge.condition, edge), f"may via {edge.name}")
            if self._asks_what_moves(edge.condition):
                continue
            unless = [sure] + ([-self.number(f"sure {edge.source}")] if edge.source is not None else [])
            self.imply(unless, edge.condition, f"sure via {edge.name}", denied=True)
            for target in edge.targets:
                if target in before:
                    self.say([-sure, self.number(f"sure {target}")])
            for code in edge.activates:
                if code in lock.activators:
                    self.say([-sure, self.number(f"active {code}")])
        for code, names in lock.activators.items():
            picked, active = self.number(f"picked {code}"), self.number(f"active {code}")
            self.say([-picked, active])
            self.say([-active, picked, *(self.number(f"may via {name}") for name in names)])
            if code in lock.early:
                early = self.number(f"early {code}")
                self.say([-picked, early])
                self.say([-early, active])
                self.say([-early, picked, *(self.number(f"via {name}") for name in lock.early[code])])

    def _loosened(self, condition: Condition, edge: Edge) -> Condition:
        if isinstance(condition, Switch) and condition.name.startswith("active "):
            own = condition.name.removeprefix("active ") in edge.activates
            return condition if condition.on and not own else ALWAYS
        if isinstance(condition, AllOf | AnyOf):
            return type(condition)(tuple(self._loosened(part, edge) for part in condition.parts))
        return condition

    def _asks_what_moves(self, condition: Condition) -> bool:
        if isinstance(condition, Switch):
            return condition.name.partition(" ")[2] in self.lock.activators
        return isinstance(condition, AllOf | AnyOf) and any(map(self._asks_what_moves, condition.parts))

    def say_loop(self, kind: str, nodes: Sequence[str]) -> None:
        """What is reached inside a set of nodes was reached along an edge from outside it."""
        if kind not in ("reach", "may") or not all(node in self.into for node in nodes):
            raise Bad("the certificate speaks of a loop that the lockfile does not have")
        inside = set(nodes)
        via = "via" if kind == "reach" else "may via"
        doors = [
            self.number(f"{via} {edge.name}")
            for node in inside
            for edge in self.into[node]
            if edge.source is None or edge.source not in inside
        ]
        for node in inside:
            self.say([-self.number(f"{kind} {node}"), *doors])
