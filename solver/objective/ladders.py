"""The age of one cell as soft literals: one for each threshold that tells ages apart, from the top down.

A *step* is a threshold with its soft literal, and a *flight* is a run of steps. A step is only taken once the one above
it has been given up for good: until then it is implied. What the formula tells apart later, just above a step that was
taken, gets weight from that step. Where too little of it is left there, a soft literal against the ranks between the
two alone gets it. So cores and bounds survive.

A core that would hold for much older ranks as well need not be paid for step by step: its step is *lowered* at once
(order encodings make this easy). The ranks in between become a flight of their own, of which hardly ever more than the
first step is taken. Steps that were taken already are *gathered* in the lowest that clashes: what is left of their
weights is moved there, and each of them is wanted against the ranks in between alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import Formula
from satlock.records import dataclass, field
from satlock.solver.galloping import first
from satlock.solver.objective.maxsat import Optimiser

__all__ = ["Ladder"]


@dataclass(eq=False)
class _Flight:
    """Steps that speak of the ranks from ``floor`` up to the one below ``ceiling``."""

    floor: int
    ceiling: int
    below: int = 0
    """How far behind ranks of the flight below all its steps count: in days or in ticks."""
    ended: bool = False
    """Whether other flights go on where this one's steps end."""
    steps: list[int] = field(default_factory=list)
    """The thresholds taken, sorted."""
    literals: dict[int, int] = field(default_factory=dict)
    """The soft literal of each step; where its weight was moved, the one that it got then."""
    counted: dict[int, int] = field(default_factory=dict)
    """For each step how far behind the ranks from there to the next one count; at the ceiling this says nothing."""
    between: set[int] = field(default_factory=set)
    """Steps whose literal is only against the ranks from some lower step up to them."""


class Ladder:
    """What an optimiser has been told of one cell's age."""

    def __init__(
        self,
        encoding: Encoding,
        optimiser: Optimiser,
        cell: Cell,
        *,
        free: int,
        behind: Callable[[int], int],
        unit: int,
        where: Callable[[Cell, int], Formula],
    ) -> None:
        """
        Args:
            free: the ranks that are admissible.
            behind: how far the best of them is behind that is no higher than a rank, in days or in ticks.
            unit: what one of these weighs.
            where: where in a cell some of given ranks is admissible: elsewhere nobody is behind them.
        """
        self._encoding, self.optimiser = encoding, optimiser
        self.cell, self._free, self._behind, self._unit, self._where = cell, free, behind, unit, where
        self.literals: dict[int, tuple[_Flight, int]] = {}
        """All soft literals, also those whose weight was moved, each with its flight and its step."""
        self._flights = [_Flight(0, cell.candidates.top + 1)]
        self._seen = 0
        self.owned = 0
        """How many of the literals whoever asked for the ladder has taken note of."""

    @property
    def gave_way(self) -> bool:
        """Whether being the newest may have been given up: then one of several ranks may be as good."""
        return any(literal not in self.optimiser.softs for literal in self._flights[0].literals.values())

    def bring_up(self) -> None:
        """Looks at the thresholds that are new."""
        thresholds = self.cell.thresholds
        if self._seen == len(thresholds):
            return
        self._seen = len(thresholds)
        for flight in self._flights:
            if flight.steps:
                first, last = bisect_right(thresholds, flight.steps[0]), bisect_right(thresholds, flight.ceiling)
                for threshold in thresholds[first:last]:
                    if threshold not in flight.counted and not self._insert(flight, threshold):
                        self._start_over()
                        return
            self._go_on(flight)

    def _start_over(self) -> None:
        """Takes all back, and what was paid with it."""
        self.optimiser.forget(list(self.literals))
        self.literals.clear()
        self._flights = [_Flight(0, self.cell.candidates.top + 1)]
        self.owned = 0
        self._go_on(self._flights[0])

    def go_on(self, literal: int) -> None:
        """Takes the next step that tells ages apart after one that was given up for good."""
        self._go_on(self.literals[literal][0])

    def _go_on(self, flight: _Flight) -> None:
        if flight.ended or (flight.steps and flight.literals[flight.steps[0]] in self.optimiser.softs):
            return
        lowest = flight.steps[0] if flight.steps else flight.ceiling
        for threshold in self._lower(lowest, flight.floor):
            more = self._behind(threshold - 1) - flight.below
            if more > 0:
                flight.counted[threshold] = flight.below
                flight.below += more
                self._take(flight, threshold, more * self._unit)
                return

    def _lower(self, than: int, floor: int) -> list[int]:
        """The thresholds below one, the highest first."""
        thresholds = self.cell.thresholds
        return thresholds[bisect_right(thresholds, max(floor, 1)) : bisect_left(thresholds, than)][::-1]

    def lowered(self, literal: int, enough: int, clashes: Callable[[int], bool]) -> int:
        """Moves what is left of a step's weight to the lowest one that clashes, as far down as is asked for.

        A lower step that is new also gets the weight of the days (or ticks) down to it. Where none clashes, see
        :meth:`_gathered`.

        Args:
            enough: the weight that is asked for; once it is reached, no lower step is tried.
            clashes: whether a literal (at least some rank) clashes with the rest of the core.

        Returns:
            the literal that has the weight now: the same where only steps above it were gathered; 0 where none moved.
        """
        flight, step = self.literals[literal]
        left = self.optimiser.softs.get(literal, 0)
        if flight.floor or not left or step in flight.between or flight.literals[step] != literal:
            return 0
        if step != flight.steps[0] or flight.ended:
            return self._gathered(flight, step, enough, clashes)
        below = flight.below
        possible: list[int] = []
        for threshold in self._as_far_as(step, self._lower(step, 0)):
            more = self._behind(threshold - 1) - below
            if more > 0:
                possible.append(threshold)
                if more * self._unit + left >= enough:
                    break
        found = self._lowest(possible, clashes)
        if not found:
            return self._gathered(flight, step, enough, clashes)
        self.optimiser.unwant(literal, left)
        flight.ended = True
        passed = _Flight(found, step, below)
        passed.counted[step] = below
        rest = _Flight(0, found, self._behind(found - 1))
        rest.counted[found] = below
        self._flights += [passed, rest]
        self._take(passed, step, left)
        return self._take(rest, found, left + (rest.below - below) * self._unit)

    def _gathered(self, flight: _Flight, step: int, enough: int, clashes: Callable[[int], bool]) -> int:
        """As :meth:`lowered`, among the steps that were taken; then gathers steps above, as far as is asked for."""
        softs, literals = self.optimiser.softs, flight.literals
        taken = [one for one in flight.steps if one not in flight.between and literals[one] in softs]
        place = bisect_left(taken, step)
        possible, weight = [], softs[literals[step]]
        for one in self._as_far_as(step, reversed(taken[:place])):
            if weight >= enough:
                break
            possible.append(one)
            weight += softs[literals[one]]
        found = self._lowest(possible, clashes) or step
        moved = taken[bisect_right(taken, found) : place + 1]
        weight = sum(softs[literals[one]] for one in (found, *moved))
        for one in self._as_far_as(step, taken[place + 1 :]):
            if weight >= enough:
                break
            moved.append(one)
            weight += softs[literals[one]]
        for one in moved:
            weight = softs[literals[one]]
            self.optimiser.unwant(literals[one], weight)
            self.optimiser.want(literals[found], weight, self.cell)
            self._keep_off(flight, one, found, weight)
        return literals[found] if moved else 0

    def _as_far_as(self, step: int, others: Iterable[int]) -> Iterator[int]:
        """Other thresholds than a step's, as long as they are about the same part of the cell."""
        region = self._region(step)
        return takewhile(lambda one: self._region(one) is region, others)

    def _region(self, threshold: int) -> Formula:
        """Where in the cell anything from a threshold on is admissible."""
        return self._where(self.cell, self._free >> threshold << threshold)

    def _lowest(self, possible: Sequence[int], clashes: Callable[[int], bool]) -> int:
        """The last of some falling thresholds that still clashes; 0 for none."""
        fine = first(len(possible), lambda place: not clashes(self._encoding.at_least(self.cell, possible[place])))
        return possible[-1 if fine is None else fine - 1] if possible and fine != 0 else 0

    def _take(self, flight: _Flight, threshold: int, weight: int) -> int:
        # That the package is there must come from a fact, which has a region: the wish is "absent, or as new as this".
        ranks = self.cell.candidates.everything
        if flight.floor:
            ranks &= ~((1 << threshold) - (1 << flight.floor))
        else:
            ranks = ranks >> threshold << threshold
        return self._want(flight, threshold, ranks, weight)

    def _insert(self, flight: _Flight, threshold: int) -> bool:
        """A step above one that was taken: ranks from that one up to it are further behind than was counted.

        Returns:
            False where the step is about less of the cell than the one below, and the weight that is too much in the
            rest of it cannot be taken from that one any more.
        """
        below = flight.steps[bisect_left(flight.steps, threshold) - 1]
        counted = flight.counted[below]
        more = self._behind(threshold - 1) - counted
        if more <= 0:
            return True
        flight.counted[threshold], flight.counted[below] = counted, counted + more
        weight = more * self._unit
        if below not in flight.between and self.optimiser.unwant(flight.literals[below], weight):
            self._take(flight, threshold, weight)
        elif self._region(threshold) is self._region(below):
            self._keep_off(flight, threshold, below, weight)
        else:
            return False
        return True

    def _keep_off(self, flight: _Flight, threshold: int, below: int, weight: int) -> None:
        """Wants a step against the ranks from a lower one up to it alone."""
        flight.between.add(threshold)
        between = (1 << threshold) - (1 << below)
        self._want(flight, threshold, self.cell.candidates.everything & ~between, weight)

    def _want(self, flight: _Flight, threshold: int, ranks: int, weight: int) -> int:
        """Says what a step means: one of some ranks, where anything from the threshold on is admissible at all."""
        literal = self._encoding.fresh()
        self._encoding.wish(self.cell, literal, ranks, self._region(threshold))
        if threshold not in flight.literals:
            insort(flight.steps, threshold)
        flight.literals[threshold] = literal
        self.literals[literal] = flight, threshold
        self.optimiser.want(literal, weight, self.cell)
        return literal
