"""From the clausal proof that a solver logs (DRUP) to one whose every step names its reasons (LRAT).

The solver only says which clauses it learned. Going backwards from the empty clause, each learned clause that is
needed is derived again by unit propagation from those before it; the clauses that propagate are its reasons. What is
never needed is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from satlock.records import dataclass

__all__ = ["Step", "elaborate", "logged_proof"]


@dataclass(frozen=True)
class Step:
    """A derived clause, and the numbers (from 1) of the clauses it follows from, in the order of propagation."""

    number: int
    clause: tuple[int, ...]
    reasons: tuple[int, ...]


def logged_proof(clauses: Sequence[tuple[int, ...]], goals: Sequence[int] = ()) -> list[tuple[int, ...]]:
    """The clauses that a fresh solver learns until it finds that there is no answer.

    Args:
        goals: literals of which the last clause says that one is true. Each is refuted alone, one after the other: what
            is learned of one says nothing of the others, so it is short.

    Raises:
        ValueError: where there is an answer.
    """
    from pysat.solvers import Solver

    learned: list[tuple[int, ...]] = []
    solver: Any = Solver("g4", bootstrap_with=clauses, with_proof=True)
    try:
        read = 0
        for goal in (*goals, None):
            if solver.solve(assumptions=[] if goal is None else [goal]):
                raise ValueError("the clauses have a model")
            lines = solver.get_proof() or []
            # Deletions only make a checker faster, and Glucose logs a stray "0" now and then; the last step is ours.
            found = [tuple(map(int, line.split()[:-1])) for line in lines[read:] if not line.startswith("d")]
            read = len(lines)
            learned += [clause for clause in found if clause]
            if goal is not None:
                learned.append((-goal,))
                solver.add_clause([-goal])
    finally:
        solver.delete()
    return [*learned, ()]


def elaborate(clauses: Sequence[tuple[int, ...]], learned: Sequence[tuple[int, ...]]) -> list[Step]:
    """The steps of a proof of the last of ``learned`` from ``clauses``, which have the numbers from 1.

    Raises:
        ValueError: where a learned clause does not follow by unit propagation.
    """
    checker = _Propagation([*clauses, *learned])
    needed = {len(clauses) + len(learned) - 1}
    found: list[tuple[int, list[int]]] = []
    for index in range(len(clauses) + len(learned) - 1, len(clauses) - 1, -1):
        if index in needed:
            reasons = checker.derive(index)
            if reasons is None:
                raise ValueError(f"step {index - len(clauses) + 1} of the logged proof does not follow")
            needed.update(reasons)
            found.append((index, reasons))
    numbers = {index: index + 1 for index in range(len(clauses))}
    steps: list[Step] = []
    for index, reasons in reversed(found):
        numbers[index] = len(clauses) + len(steps) + 1
        steps.append(
            Step(numbers[index], learned[index - len(clauses)], tuple(numbers[reason] for reason in reasons))
        )  # fmt: skip
    return steps


class _Propagation:
    """Unit propagation with two watched literals, over a growing or shrinking front of one list of clauses."""

    def __init__(self, clauses: list[tuple[int, ...]]) -> None:
        self._clauses = [list(dict.fromkeys(clause)) for clause in clauses]
        self._watches: dict[int, list[int]] = {}
        self._units: list[int] = []
        for index, clause in enumerate(self._clauses):
            if len(clause) == 1:
                self._units.append(index)
            elif clause:
                for literal in clause[:2]:
                    self._watches.setdefault(literal, []).append(index)

    def derive(self, index: int) -> list[int] | None:
        """The reasons by which the clauses before ``index`` imply it, in order; None where they do not."""
        reason: dict[int, int | None] = {}
        trail: list[int] = []
        for literal in self._clauses[index]:
            if -literal not in reason:
                reason[-literal] = None
                trail.append(-literal)
        conflict = self._propagate(index, reason, trail)
        if conflict is None:
            return None
        wanted = {-literal for literal in self._clauses[conflict]}
        used: list[int] = []
        for literal in reversed(trail):
            by = reason[literal]
            if literal in wanted and by is not None:
                used.append(by)
                wanted.update(-other for other in self._clauses[by] if other != literal)
        return [*reversed(used), conflict]

    def _propagate(self, limit: int, reason: dict[int, int | None], trail: list[int]) -> int | None:
        """Extends ``trail``; returns the clause that is false in the end."""
        for index in self._units:
            if index >= limit:
                break
            literal = self._clauses[index][0]
            if -literal in reason:
                return index
            if literal not in reason:
                reason[literal] = index
                trail.append(literal)
        place = 0
        while place < len(trail):
            false = -trail[place]
            place += 1
            watching = self._watches.get(false)
            if not watching:
                continue
            kept: list[int] = []
            for turn, index in enumerate(watching):
                clause = self._clauses[index]
                if index >= limit:
                    kept.append(index)
                    continue
                if clause[0] == false:
                    clause[0], clause[1] = clause[1], clause[0]
                first = clause[0]
                if first in reason:
                    kept.append(index)
                    continue
                for other in range(2, len(clause)):
                    if -clause[other] not in reason:
                        clause[1], clause[other] = clause[other], clause[1]
                        self._watches.setdefault(clause[1], []).append(index)
                        break
                else:
                    kept.append(index)
                    if -first in reason:
                        self._watches[false] = kept + watching[turn + 1 :]
                        return index
                    reason[first] = index
                    trail.append(first)
            self._watches[false] = kept
        return None
