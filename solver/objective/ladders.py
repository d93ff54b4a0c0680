"""The age of one cell as soft literals: one for each threshold that tells ages apart, from the top down.

A step is only taken once the one above it has been given up for good: until then it is implied. What the formula tells
apart later, between steps that are taken, is put in by moving weight from the step below, or, where a core has used
that weight, by a soft literal against the ranks between. So cores and bounds survive.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.solver.objective.ages import Ages
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.search.session import Session

__all__ = ["Ladder"]


class Ladder:
    """What an optimiser has been told of one cell's age."""

    def __init__(
        self,
        encoding: Encoding,
        session: Session,
        optimiser: Optimiser,
        cell: Cell,
        *,
        ages: Ages,
        unit: int,
        counts: int,
    ) -> None:
        """
        Args:
            unit: what a day weighs.
            counts: the literal under which age counts; 0 where it always does.
        """
        self._encoding, self._session, self._optimiser = encoding, session, optimiser
        self.cell, self.ages, self._unit, self._counts = cell, ages, unit, counts
        self.literals: dict[int, int] = {}
        """The soft literal of each step."""
        self._steps: list[int] = []
        """The thresholds taken, sorted."""
        self._counted: dict[int, int] = {}
        """For each step the days that count for ranks from there to the next one."""
        self._below = 0
        """The days that count for ranks below all steps."""
        self._between: set[int] = set()
        """Steps whose literal is only against the ranks down to the step below."""
        self._seen = 0
        self.owned = 0
        """How many of the literals whoever asked for the ladder has taken note of."""

    def bring_up(self) -> None:
        """Looks at the thresholds that are new."""
        thresholds = self.cell.thresholds
        if self._seen == len(thresholds):
            return
        self._seen = len(thresholds)
        if self._steps:
            for threshold in thresholds[bisect_right(thresholds, self._steps[0]) :]:
                if threshold not in self._counted:
                    self._insert(threshold)
        self.go_on()

    def go_on(self) -> None:
        """Takes the next step that tells ages apart, if the lowest one was given up for good."""
        if self._steps and self.literals[self._steps[0]] in self._optimiser.softs:
            return
        thresholds = self.cell.thresholds
        lowest = self._steps[0] if self._steps else self.cell.candidates.top + 1
        for threshold in reversed(thresholds[: bisect_left(thresholds, lowest)]):
            more = self.ages.up_to(threshold - 1) - self._below
            if threshold > 1 and more > 0:
                self._take(threshold, more)
                self._counted[threshold] = self._below
                self._below += more
                return

    def grow_older(self, ages: Ages) -> bool:
        """Counts what became older as ranks were held back that had not been; False where something became younger."""
        top = self.cell.candidates.top + 1
        ends = [*self._steps[1:], top][: len(self._steps)]
        older = {s: ages.up_to(end - 1) - self._counted[s] for s, end in zip(self._steps, ends, strict=True)}
        more = ages.up_to((self._steps[0] if self._steps else top) - 1) - self._below
        if more < 0 or min(older.values(), default=0) < 0:
            return False
        self.ages = ages
        for (step, days), end in zip(older.items(), ends, strict=True):
            if days:
                self._avoid(step, end, days)
                self._counted[step] += days
        if more and self._steps:
            self._optimiser.want(self.literals[self._steps[0]], more * self._unit)
            self._below += more
        return True

    def _take(self, threshold: int, days: int) -> None:
        literal = self._encoding.at_least(self.cell, threshold)
        if self._counts:
            soft = self._encoding.fresh()
            self._session.add([-soft, -self._counts, literal])
            literal = soft
        insort(self._steps, threshold)
        self.literals[threshold] = literal
        self._optimiser.want(literal, days * self._unit)

    def _insert(self, threshold: int) -> None:
        """A step between two that were taken: ranks from the one below up to it are older than was counted."""
        below = self._steps[bisect_left(self._steps, threshold) - 1]
        counted = self._counted[below]
        days = self.ages.up_to(threshold - 1) - counted
        if days <= 0:
            return
        self._counted[threshold], self._counted[below] = counted, counted + days
        if below not in self._between and self._optimiser.unwant(self.literals[below], days * self._unit):
            self._take(threshold, days)
        else:
            self.literals[threshold] = self._avoid(below, threshold, days)
            self._between.add(threshold)
            insort(self._steps, threshold)

    def _avoid(self, first: int, after: int, days: int) -> int:
        """A soft literal against ranks from ``first`` up to ``after``."""
        literal = self._encoding.fresh()
        at_least = [self._encoding.at_least(self.cell, rank) for rank in (first, after)]
        counts = [-self._counts] if self._counts else []
        self._session.add([-literal, *counts, -at_least[0], at_least[1]])
        self._optimiser.want(literal, days * self._unit)
        return literal
