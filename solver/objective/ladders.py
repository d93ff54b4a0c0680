"""The age of one cell as soft literals: one for each threshold that tells ages apart, from the top down.

A step is only taken once the one above it has been given up for good: until then it is implied. What the formula tells
apart later, between steps that are taken, is put in by moving weight from the step below, or, where a core has used
that weight, by a soft literal against the ranks between. So cores and bounds survive.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import Formula
from satlock.solver.objective.ages import Ages
from satlock.solver.objective.maxsat import Optimiser

__all__ = ["Ladder"]


class Ladder:
    """What an optimiser has been told of one cell's age."""

    def __init__(
        self,
        encoding: Encoding,
        optimiser: Optimiser,
        cell: Cell,
        *,
        ages: Ages,
        unit: int,
        where: Callable[[Cell, int], Formula],
    ) -> None:
        """
        Args:
            unit: what a tick weighs.
            where: where in a cell some of given ranks is admissible: elsewhere nobody is behind them.
        """
        self._encoding, self.optimiser = encoding, optimiser
        self.cell, self.ages, self._unit, self._where = cell, ages, unit, where
        self.literals: dict[int, int] = {}
        """The soft literal of each step."""
        self._steps: list[int] = []
        """The thresholds taken, sorted."""
        self._counted: dict[int, int] = {}
        """For each step the ticks that count for ranks from there to the next one."""
        self._below = 0
        """The ticks that count for ranks below all steps."""
        self._between: set[int] = set()
        """Steps whose literal is only against the ranks down to the step below."""
        self._seen = 0
        self.owned = 0
        """How many of the literals whoever asked for the ladder has taken note of."""

    @property
    def gave_way(self) -> bool:
        """Whether being the newest was given up, so that one of several ranks may be as good."""
        return bool(self._steps) and self.literals[self._steps[-1]] not in self.optimiser.softs

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
        if self._steps and self.literals[self._steps[0]] in self.optimiser.softs:
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

    def _take(self, threshold: int, days: int) -> None:
        # That the package is there must come from a fact, which has a region: the wish is "absent, or as new as this".
        literal = self._encoding.fresh()
        self._wish(literal, threshold, self.cell.candidates.everything >> threshold << threshold)
        insort(self._steps, threshold)
        self.literals[threshold] = literal
        self.optimiser.want(literal, days * self._unit, self.cell)

    def _insert(self, threshold: int) -> None:
        """A step between two that were taken: ranks from the one below up to it are older than was counted."""
        below = self._steps[bisect_left(self._steps, threshold) - 1]
        counted = self._counted[below]
        days = self.ages.up_to(threshold - 1) - counted
        if days <= 0:
            return
        self._counted[threshold], self._counted[below] = counted, counted + days
        if below not in self._between and self.optimiser.unwant(self.literals[below], days * self._unit):
            self._take(threshold, days)
        else:
            self.literals[threshold] = self._avoid(below, threshold, days)
            self._between.add(threshold)
            insort(self._steps, threshold)

    def _avoid(self, first: int, after: int, days: int) -> int:
        """A soft literal against ranks from ``first`` up to ``after``."""
        literal = self._encoding.fresh()
        between = (1 << after) - (1 << first)
        self._wish(literal, after, self.cell.candidates.everything & ~between)
        self.optimiser.want(literal, days * self._unit, self.cell)
        return literal

    def _wish(self, literal: int, threshold: int, ranks: int) -> None:
        """Says what a step means: one of some ranks, where anything from the threshold on is admissible at all."""
        newer = self.ages.free >> threshold << threshold
        self._encoding.wish(self.cell, literal, ranks, self._where(self.cell, newer))
