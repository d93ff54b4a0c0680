"""Asks a SAT solver for an environment, and takes no answer that a walk does not confirm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from satlock.encoder.markers.grid import AXES
from satlock.encoder.markers.regions import closure
from satlock.solver.lockfiles.model import LockfileError
from satlock.solver.proofs.obligation import Clause, Obligation
from satlock.solver.proofs.passing import Passed, passing_clause, widen
from satlock.solver.proofs.walk import Here, Point, Walk, walk

__all__ = ["Search", "example_of"]

_TRIES = 2000
_LIKELY = (
    "posix linux Linux",
    "nt win32 Windows",
    "posix darwin Darwin",
    "cpython CPython",
    "x86_64",
    "AMD64",
    "arm64",
)


def example_of(obligation: Obligation, none: str = "") -> Point:
    """An environment that the obligation speaks of: what is said of none means nothing.

    Raises:
        LockfileError: where there is none; it says ``none``, or why a lock is for none.
    """
    with Search(obligation) as search:
        found = search.example()
    if found is not None:
        return found
    if obligation.lockfile.rivals:
        raise LockfileError(
            "By the project's conflicts there is no environment to ask about: its own requirements bring along "
            "what excludes each other; change its conflicts or these requirements."
        )
    raise LockfileError(none or "There is no environment that the lock is for, so there is nothing to prove of it.")


class Search:
    """A solver session over one obligation."""

    def __init__(self, obligation: Obligation) -> None:
        from pysat.solvers import Solver

        self.obligation = obligation
        self.passed: list[Passed] = []
        """Environments that the clauses admit and whose walk refutes nothing."""
        self._solver: Any = Solver("g4", bootstrap_with=obligation.clauses)

    def __enter__(self) -> Search:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._solver.delete()

    def add(self, clauses: Iterable[Clause]) -> None:
        for clause in clauses:
            self._solver.add_clause(clause)

    def find(self, goal: int, confirms: Callable[[Walk, Here], bool]) -> tuple[Point, Walk] | None:
        """An environment that meets the goal: the fewest choices, and the common platforms, first. None proves none.

        Raises:
            LockfileError: where too many environments would have to be walked one by one.
        """
        for _ in range(_TRIES):
            if not self._solve([goal]):
                return None
            point = self._point(self._settle([goal]))
            walked = walk(self.obligation.lockfile, point)
            if walked.refused is None and confirms(walked, point):
                return point, walked
            self.passed.append(widen(self.obligation, goal, point, confirms))
            self.add([passing_clause(self.obligation, self.passed[-1])])
        raise LockfileError(
            "This lock's extras activate each other in so many ways that satlock cannot decide; simplify its conflicts."
        )

    def example(self) -> Point | None:
        """The plainest environment that the obligation speaks of; None where there is none.

        The session is of no use afterwards: what the installer refuses is left out of it.
        """
        for _ in range(_TRIES):
            if not self._solve([]):
                break
            fixed = self._settle([])
            point = self._point(fixed)
            if walk(self.obligation.lockfile, point).refused is None:
                return point
            self.add([tuple(-literal for literal in fixed)])
        return None

    def _solve(self, assumptions: list[int]) -> bool:
        """Whether there is an answer without loops; clauses against those that come up are added."""
        while self._solver.solve(assumptions=assumptions):
            true = {literal for literal in self._solver.get_model() if literal > 0}
            loops = [(kind, nodes) for kind in ("reach", "may") if (nodes := self._unfounded(kind, true))]
            if not loops:
                return True
            for kind, nodes in loops:
                self.add(self.obligation.loop(kind, nodes))
        return False

    def _unfounded(self, kind: str, true: set[int]) -> list[str]:
        """The nodes that are reached in the model although nothing leads to them from outside."""
        found = self.obligation
        via = "via" if kind == "reach" else "may via"

        def on(name: str) -> bool:
            return found.knows(name) and found.variable(name) in true

        claimed = [node for node in found.edges_into if on(f"{kind} {node}")]
        used = {node: [e.source for e in found.edges_into[node] if on(f"{via} {e.name}")] for node in claimed}
        after: dict[str | None, list[str]] = {}
        for node, sources in used.items():
            for source in sources:
                after.setdefault(source, []).append(node)
        grounded = closure([None], lambda node: after.get(node, ()))
        return [node for node in claimed if node not in grounded]

    def _settle(self, fixed: list[int]) -> list[int]:
        """Literals that fix one environment: what can be off is off, and what is common comes first."""
        found = self.obligation
        lockfile = found.lockfile
        off = [*found.opaque, *map(str, reversed(lockfile.switches))]
        for name in off:
            if found.knows(name):
                literal = found.variable(name)
                fixed = [*fixed, -literal] if self._solve([*fixed, -literal]) else [*fixed, literal]
        for axis in found.axes.asked[1:]:
            places = range(found.axes.size(axis))
            values = [found.axes.value(axis, place) for place in places]
            for place in sorted(places, key=lambda i: _LIKELY.index(values[i]) if values[i] in _LIKELY else 99):
                if self._solve([*fixed, found.place(axis, place)]):
                    fixed = [*fixed, found.place(axis, place)]
                    break
        for place in range(found.axes.size(0)):
            if self._solve([*fixed, found.place(0, place)]):
                return [*fixed, found.place(0, place)]
        raise AssertionError("an environment has a Python")

    def _point(self, fixed: list[int]) -> Point:
        found = self.obligation
        chosen = {found.names[literal] for literal in fixed if literal > 0}
        places = [
            next(i for i in range(found.axes.size(axis)) if found.axes.label(axis, i) in chosen)
            if axis in found.axes.asked
            else 0
            for axis in range(len(AXES))
        ]
        return Point(
            found.axes.variables(places),
            frozenset(switch for switch in found.lockfile.switches if str(switch) in chosen),
            {asked: name in chosen for name, asked in found.opaque.items()},
        )
