"""A core-guided optimiser that lives as long as the formula grows.

The algorithm is OLL (Andres, Kaufmann, Matheis, Schaub: Unsatisfiability-based optimization in clasp, 2012) as in RC2
(Ignatiev, Morgado, Marques-Silva, 2019), with stratification by weight. A core found once stays one when clauses are
added, so its lower bound and its totalizer are kept from one round of metadata to the next.

Weights may be any non-negative integers; lexicographic tiers are weights of different magnitude, far enough apart
that no sum of one tier reaches the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from satlock.solver.search.session import Session

__all__ = ["Optimiser", "Totalizer"]

_STRATUM = 3
"""Soft literals of weights within a factor of 2 ** this are looked at together."""
_MOST_TO_MINIMISE = 60
_CONFLICTS = 2000
"""How much is spent to see whether a core needs one of its literals."""


class Totalizer:
    """Counts literals: ``output(k)`` must be true where k or more of them are (Bailleux, Boufkhad 2003).

    Only this direction is encoded, which is all that a cost needs, and only up to the outputs that were asked for.
    """

    def __init__(self, inputs: Sequence[int], fresh: Callable[[], int], add: Callable[[list[int]], None]) -> None:
        self.size = len(inputs)
        self._fresh, self._add = fresh, add
        self._outputs: list[int] = list(inputs) if self.size == 1 else []
        middle = self.size // 2
        self._halves = [] if self.size < 2 else [Totalizer(p, fresh, add) for p in (inputs[:middle], inputs[middle:])]

    def output(self, count: int) -> int:
        """The literal of *at least count*, for 1 <= count <= size."""
        while len(self._outputs) < count:
            total = len(self._outputs) + 1
            literal = self._fresh()
            left, right = self._halves
            for part in range(max(0, total - right.size), min(total, left.size) + 1):
                clause = [literal]
                if part:
                    clause.append(-left.output(part))
                if total - part:
                    clause.append(-right.output(total - part))
                self._add(clause)
            self._outputs.append(literal)
        return self._outputs[count - 1]


class Optimiser:
    """Finds the least total weight of soft literals that must be false, under assumptions that must hold.

    After :meth:`optimise`, a model has the least cost if and only if it satisfies all of :attr:`softs` (for some
    value of the auxiliary variables), so these are the assumptions for whatever comes after.
    """

    def __init__(self, session: Session, fresh: Callable[[], int]) -> None:
        self._session, self._fresh = session, fresh
        self.softs: dict[int, int] = {}
        """What is still wanted: literals that are assumed, with what is left of their weights."""
        self.cost = 0
        """The proven lower bound; after :meth:`optimise` the optimum."""
        self.relied: set[int] = set()
        """The assumptions on which the cores rest: they are void when one of these is given up."""
        self.cores = 0
        self._counts: dict[int, tuple[Totalizer, int]] = {}

    def want(self, literal: int, weight: int) -> None:
        """A soft literal; wanted twice, its weights add up."""
        self.softs[literal] = self.softs.get(literal, 0) + weight

    def unwant(self, literal: int, weight: int) -> bool:
        """Takes weight back that no core has used; False, and nothing changes, where there is not as much left."""
        left = self.softs.get(literal, 0) - weight
        if left < 0:
            return False
        if left:
            self.softs[literal] = left
        else:
            self.softs.pop(literal, None)
        return True

    def optimise(self, fixed: Sequence[int], spent: Callable[[int], None] = lambda literal: None) -> None:
        """Raises the lower bound until a model meets it.

        Args:
            fixed: assumptions, which have a model.
            spent: told of each soft literal that is given up for good; it may want further ones.
        """
        self._give_up_implied(fixed, spent)
        if self._clash(fixed, list(self.softs)) is None:
            return
        level = _stratum(self.softs.values())
        while True:
            core = self._clash(fixed, [literal for literal, weight in self.softs.items() if weight >= level])
            if core is not None:
                self._relax(self._minimise(fixed, core), spent)
                continue
            below = [weight for weight in self.softs.values() if weight < level]
            if not below:
                return
            level = _stratum(below)

    def _give_up_implied(self, fixed: Sequence[int], spent: Callable[[int], None]) -> None:
        """Pays for what unit propagation alone forbids: a hundred pins cost a look each, and no search."""
        while True:
            implied = self._session.propagates(fixed)
            lost = [literal for literal in self.softs if -literal in implied]
            if not lost:
                return
            self.relied.update(fixed)
            for literal in lost:
                self._relax([literal], spent)

    def _clash(self, fixed: Sequence[int], softs: Sequence[int], conflicts: int = 0) -> list[int] | None:
        """Soft literals that cannot all be had, and in ``_grounds`` what else that rests on; None if they can."""
        found = self._session.clash([*fixed, *softs], conflicts)
        if found is None:
            return None
        wanted = set(softs)
        self._grounds = [literal for literal in found if literal not in wanted]
        return [literal for literal in found if literal in wanted]

    def _minimise(self, fixed: Sequence[int], core: list[int]) -> list[int]:
        """Drops what is not needed, the least weight first: the bound rises by the least weight that stays."""
        grounds = self._grounds
        core = sorted(core, key=lambda literal: (self.softs[literal], literal))
        if 1 < len(core) <= _MOST_TO_MINIMISE:
            for literal in list(core):
                if literal in core and len(core) > 1:
                    smaller = self._clash(fixed, [other for other in core if other != literal], _CONFLICTS)
                    if smaller is not None:
                        core, grounds = [other for other in core if other in set(smaller)], self._grounds
        self.relied.update(grounds)
        return core

    def _relax(self, core: list[int], spent: Callable[[int], None]) -> None:
        if not core:
            raise AssertionError("the assumptions of an optimum have no model")
        weight = min(self.softs[literal] for literal in core)
        self.cost += weight
        self.cores += 1
        for literal in core:
            self.unwant(literal, weight)
            if literal in self._counts:
                self._count(*self._counts[literal], weight)
        if len(core) > 1:
            total = Totalizer([-literal for literal in core], self._fresh, self._session.add)
            self._count(total, 1, weight)
        for literal in core:
            if literal not in self.softs:
                spent(literal)

    def _count(self, total: Totalizer, known: int, weight: int) -> None:
        """Once ``known`` of a totalizer's literals have been paid for, one more costs as much again."""
        if known < total.size:
            literal = -total.output(known + 1)
            self._counts[literal] = (total, known + 1)
            self.want(literal, weight)


def _stratum(weights: Iterable[int]) -> int:
    return max(1, max(weights) >> _STRATUM)
