"""A core-guided optimiser that lives as long as the formula grows, and whose prices are paid region by region.

The algorithm is OLL (Andres, Kaufmann, Matheis, Schaub: Unsatisfiability-based optimization in clasp, 2012) as in RC2
(Ignatiev, Morgado, Marques-Silva, 2019), with stratification by weight. Each soft literal belongs to cells. A core is
paid only where all its cells are one region, the one in which the facts behind it are in force (see ``prices``); so the
lower bound falls apart into bounds that hold environment by environment.

A core found once stays one when clauses are added. What it rests on is noted with it: a core is taken back, and those
that were built on it, when a cell of its was divided, or an assumption was given up.

Weights may be any non-negative integers; lexicographic tiers are weights of different magnitude, far enough apart
that no sum of one tier reaches the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import Formula
from satlock.records import dataclass
from satlock.solver.objective.prices import Divided, Prices
from satlock.solver.search.session import Session

__all__ = ["Optimiser", "Totalizer"]

_STRATUM = 3
"""Soft literals of weights within a factor of 2 ** this are looked at together."""
_MOST_TO_MINIMISE = 8
_GLANCES = 10
"""How many times as much is spent to see whether a lowered wish clashes: the order of daily releases alone takes a
thousand propagations."""
_MOST_SMALL = 8
"""Cores that are paid for among soft literals of little weight, in one call where not all has to be exact yet."""
_ALL = 1 << 1000
"""More than all soft literals weigh together."""

Lowered = Callable[[int, int, Callable[[int], bool]], int]


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

    def retire(self) -> None:
        """Makes what it means void, once nobody asks it any more: a solver drops its clauses."""
        for part in self._halves:
            part.retire()
        if self._halves:
            for literal in self._outputs:
                self._add([literal])


@dataclass(eq=False)
class _Payment:
    """One core that was paid for."""

    core: tuple[int, ...]
    weight: int
    grounds: frozenset[int]
    """The assumptions that it rests on."""
    made: list[int]
    """Soft literals that it brought in, with its weight each."""
    total: Totalizer | None = None
    """What counts how many of its core are lost, where there are several."""


class Optimiser:
    """Finds the least total weight of soft literals that must be false, under assumptions that must hold.

    After :meth:`optimise`, a model has the least cost if and only if it satisfies all of :attr:`softs` (for some
    value of the auxiliary variables), so these are the assumptions for whatever comes after.
    """

    def __init__(self, encoding: Encoding, session: Session, prices: Prices | None = None) -> None:
        """
        Args:
            prices: what decides whether a core is paid for or divides cells; None where all count as one region.
        """
        self._encoding, self._session, self._prices = encoding, session, prices
        self.softs: dict[int, int] = {}
        """What is still wanted: literals that are assumed, with what is left of their weights."""
        self.cost = 0
        """The proven lower bound; after :meth:`optimise` the optimum."""
        self.cells: dict[int, frozenset[Cell]] = {}
        """For each soft literal the cells that it stands for."""
        self._payments: dict[_Payment, None] = {}
        self._paid_with: dict[int, dict[_Payment, None]] = {}
        """For each soft literal the payments whose cores it is in."""
        self._counts: dict[int, tuple[Totalizer, int]] = {}
        self._of_cell: dict[Cell, dict[int, None]] = {}
        self._about: dict[Cell, set[int]] = {}
        """For each cell all soft literals that stand for it, also with others."""
        # Of the call of :meth:`optimise` at hand:
        self._fixed: Sequence[int] = ()
        self._grounds: list[int] = []
        self._reasons: list[list[int]] = []
        self._divided: dict[Cell, Formula] = {}
        self._aside: set[int] = set()
        self.is_open = False
        """Whether cores of little weight were left."""
        self._spent: Callable[[int], None] = lambda literal: None
        self._lowered: Lowered = lambda literal, enough, clashes: 0

    def want(self, literal: int, weight: int, cell: Cell | None = None) -> None:
        """A soft literal of a cell; wanted twice, its weights add up."""
        self._want(literal, weight, frozenset((cell,)) if cell is not None else frozenset())
        if cell is not None:
            self._of_cell.setdefault(cell, {})[literal] = None

    def _want(self, literal: int, weight: int, cells: frozenset[Cell]) -> None:
        self.softs[literal] = self.softs.get(literal, 0) + weight
        if literal not in self.cells:
            self.cells[literal] = cells
            for cell in cells:
                self._about.setdefault(cell, set()).add(literal)

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

    def forget(self, literals: Iterable[int]) -> None:
        """Takes soft literals back altogether, and what was paid with them."""
        for literal in literals:
            for payment in list(self._paid_with.pop(literal, ())):
                self._take_back(payment)
            self.softs.pop(literal, None)
            self.cells.pop(literal, None)

    def forget_cell(self, cell: Cell) -> None:
        """Takes back all that was wanted of a cell."""
        self.forget(self._of_cell.pop(cell, ()))
        self._about.pop(cell, None)

    def renounce(self, assumed: Set[int]) -> None:
        """Takes back what rests on other assumptions than these."""
        for payment in [payment for payment in self._payments if not payment.grounds <= assumed]:
            self._take_back(payment)

    def optimise(
        self,
        fixed: Sequence[int],
        spent: Callable[[int], None] = lambda literal: None,
        lowered: Lowered = lambda literal, enough, clashes: 0,
        *,
        little: int = 0,
    ) -> None:
        """Raises the lower bound until a model meets it (``docs/solver.md#the-best-in-each-environment``).

        Args:
            fixed: assumptions, which have a model.
            spent: told of each soft literal that is given up for good; it may want further ones.
            lowered: moves a soft literal's weight to a weaker one that still clashes, or weight of stronger ones to it,
                until it weighs ``enough``, if it can; returns what has the weight now, or 0 where nothing moved.
            little: once the turn comes to weights below 8 times this, only ``_MOST_SMALL`` cores are paid for.

        Raises:
            Divided: some cores are no price of whole cells.
        """
        self._fixed, self._spent, self._lowered = fixed, spent, lowered
        self._divided, self._aside, self.is_open = {}, set(), False
        self._give_up_implied(fixed)
        level = _stratum(self.softs.values()) if self._clash(fixed, self._looked_at(0)) is not None else 0
        small = 0
        while level:
            core = self._clash(fixed, self._looked_at(level))
            if core is not None:
                small += level < little
                if small > _MOST_SMALL:
                    self._aside.update(core)
                    self.is_open = True
                else:
                    self._answer(core)
                continue
            below = [weight for weight in self.softs.values() if weight < level]
            level = _stratum(below) if below else 0
        if self._divided:
            raise Divided(list(self._divided.items()))

    def _looked_at(self, level: int) -> list[int]:
        """The soft literals of at least a weight, without those that wait for cells to be divided."""
        softs, aside = self.softs.items(), self._aside
        return [literal for literal, weight in softs if weight >= level and literal not in aside]

    def _give_up_implied(self, fixed: Sequence[int]) -> None:
        """Pays for what unit propagation alone forbids: a hundred pins cost a look each, and no search."""
        while True:
            implied = self._session.propagates(fixed)
            lost = [literal for literal in self._looked_at(0) if -literal in implied]
            if not lost:
                return
            for literal in lost:
                if literal in self.softs and literal not in self._aside:
                    core = self._clash(fixed, [literal])
                    assert core is not None
                    self._answer(core)

    def _answer(self, core: list[int]) -> None:
        """Pays for a core, or leaves it alone until no other core is left, where cells must be divided first."""
        try:
            self._pay(core)
        except Divided as divided:
            self._aside.update(core)
            for cell, formula in divided.parts:
                self._divided.setdefault(cell, formula)
                self._aside |= self._about.get(cell, set())

    def _clash(self, fixed: Sequence[int], softs: Sequence[int]) -> list[int] | None:
        """Soft literals that cannot all be had, and in ``_grounds`` what else that rests on; None if they can."""
        return self._parted(self._session.clash([*fixed, *softs]), softs)

    def _parted(self, found: list[int] | None, softs: Iterable[int]) -> list[int] | None:
        if found is None:
            return None
        wanted = set(softs)
        self._grounds = [literal for literal in found if literal not in wanted]
        return [literal for literal in found if literal in wanted]

    def _pay(self, core: list[int]) -> None:
        """Pays for a core, or has the cells divided that it is no price of."""
        if not core:
            raise AssertionError("the assumptions of an optimum have no model")
        core = self._minimised(core)
        self._reasons = [self._grounds]
        if self._prices is not None and not self._prices.is_whole(self._grounds, self._cells_of(core)):
            # On fewer grounds it may be the price of more environments.
            narrowed, grounds = self._prices.narrowed(core, self._grounds, self._cells_of(core))
            if len(grounds) < len(self._grounds):
                self._grounds = grounds
                core = self._minimised(narrowed)
            self._reasons = self._prices.reasons(core, self._grounds, self._cells_of(core), self._fixed)
        # What is lowered is no core any more where that is not seen at a glance; it is found again then.
        core = self._weightier(core)
        if core:
            self._relax(core)

    def _cells_of(self, core: Sequence[int]) -> frozenset[Cell]:
        return frozenset[Cell]().union(*(self.cells[literal] for literal in core))

    def _minimised(self, core: list[int]) -> list[int]:
        """Drops what is not needed, the least weight first: the bound rises by the least weight that stays."""
        core = self._trimmed(core)
        grounds = self._grounds
        core = sorted(core, key=lambda literal: (self.softs[literal], literal))
        if 1 < len(core) <= _MOST_TO_MINIMISE:
            for literal in list(core):
                if literal in core and len(core) > 1:
                    others = [other for other in core if other != literal]
                    found = self._session.refuted([*grounds, *others])
                    smaller = self._parted(found, others)
                    if smaller is not None:
                        core, grounds = [other for other in core if other in set(smaller)], self._grounds
        self._grounds = grounds
        return core

    def _trimmed(self, core: list[int]) -> list[int]:
        """What is left of a core when it is asked for alone, again and again: cheap, and mostly enough."""
        while len(core) > 2:
            smaller = self._parted(self._session.refuted([*self._grounds, *core]), core)
            if smaller is None or len(smaller) >= len(core):
                break
            core = smaller
        return core

    def _weightier(self, core: list[int]) -> list[int]:
        """A core of weaker soft literals that weigh more, where there are any; empty if that is not seen to clash."""
        for _ in range(2 * len(core)):
            literal = min(core, key=lambda one: (self.softs[one], one))
            others = [other for other in core if other != literal]
            enough = max((self.softs[other] for other in others), default=_ALL)
            weaker = self._lowered(literal, enough, partial(self._are_refuted, others))
            if not weaker:
                break
            # Two steps of a ladder may be in a core that is not minimal: one may have been moved to the other.
            left = [other for other in others if other in self.softs and other != weaker]
            if (weaker != literal or len(left) < len(others)) and not self._are_refuted(left, weaker):
                return []
            core = [*left, weaker]
        return core

    def _are_refuted(self, others: Sequence[int], literal: int) -> bool:
        """Whether a core with one other literal is one for all its reasons, as far as that is seen at a glance."""
        refuted, reasons = self._session.refuted, self._reasons
        return all(refuted([*grounds, *others, literal], _GLANCES) is not None for grounds in reasons)

    def _relax(self, core: list[int]) -> None:
        weight = min(self.softs[literal] for literal in core)
        self.cost += weight
        regions = self._session.regions
        grounds = frozenset(literal for grounds in self._reasons for literal in grounds if literal not in regions)
        payment = _Payment(tuple(core), weight, grounds, [])
        self._payments[payment] = None
        cells = self._cells_of(core)
        for literal in core:
            self._paid_with.setdefault(literal, {})[payment] = None
            self.unwant(literal, weight)
            if literal in self._counts:
                self._count(*self._counts[literal], payment, self.cells[literal])
        if len(core) > 1:
            total = payment.total = Totalizer(
                [-literal for literal in core], self._encoding.fresh, self._encoding.state
            )
            self._count(total, 1, payment, cells)
        for literal in core:
            if literal not in self.softs:
                self._spent(literal)

    def _count(self, total: Totalizer, known: int, payment: _Payment, cells: frozenset[Cell]) -> None:
        """Once ``known`` of a totalizer's literals have been paid for, one more costs as much again."""
        if known < total.size:
            literal = -total.output(known + 1)
            self._counts[literal] = (total, known + 1)
            self._want(literal, payment.weight, cells)
            payment.made.append(literal)

    def _take_back(self, payment: _Payment) -> None:
        """Takes a payment back, and all that was built on it; in a loop, since they may be a thousand in a row."""
        gone: dict[_Payment, None] = {payment: None} if payment in self._payments else {}
        waiting = list(gone)
        while waiting:
            for literal in waiting.pop().made:
                later = [one for one in self._paid_with.get(literal, ()) if one not in gone]
                gone.update(dict.fromkeys(later))
                waiting += later
        for one in gone:
            del self._payments[one]
            self.cost -= one.weight
            if one.total is not None:
                one.total.retire()
            for literal in one.core:
                self._paid_with.get(literal, {}).pop(one, None)
                if literal in self.cells:
                    self.softs[literal] = self.softs.get(literal, 0) + one.weight
        # Only now: what one of them brought in once more may have been used by another that it was built on.
        for literal, weight in [(literal, one.weight) for one in gone for literal in one.made]:
            if not self.unwant(literal, weight):
                raise AssertionError("what a payment brought in was used, and not given back")


def _stratum(weights: Iterable[int]) -> int:
    return max(1, max(weights) >> _STRATUM)
