"""The admissible ranks of a cell: a lock is behind where it has an older one than the newest of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from satlock.encoder.formula.cells import Cell
from satlock.encoder.markers.marker import TRUE, Formula, any_of
from satlock.solver.objective.environments import Environments

__all__ = ["Admissible"]


class Admissible:
    """The ranks that are not held back, nor capped in all of the cell, nor refused wherever it may be asked for."""

    def __init__(
        self,
        environments: Environments,
        held: Callable[[Cell], int],
        caps: Callable[[Cell], Sequence[tuple[Formula, int]]],
    ) -> None:
        """
        Args:
            held: the ranks that are held back, which the project does not ask for.
            caps: what the project's constraints admit of a cell, by the region of each. No lock is behind what they
                forbid.
        """
        self._environments, self.held, self._caps = environments, held, caps
        self._refused: dict[Cell, tuple[Formula, int]] = {}

    def ranks(self, cell: Cell) -> int:
        """The admissible ranks. Where there are none, all that are not held back."""
        demand = cell.nodes[""].demand
        known = self._refused.get(cell)
        if known is None or known[0] is not demand:
            ranks = 0
            for region, admitted in cell.candidates.admission():
                if not self._environments.meet(demand, cell.region, region):
                    ranks |= admitted
            known = self._refused[cell] = demand, ranks
        possible = cell.candidates.everything & ~self.held(cell)
        admissible = possible & ~known[1]
        for region, admitted in self._caps(cell):
            if self._environments.within(cell.region, region):
                admissible &= admitted
        return admissible or possible

    def where(self, cell: Cell, ranks: int) -> Formula:
        """Where in a cell one of these ranks at least is admissible; TRUE where that is all of the cell."""
        left, parts = ranks, []
        for region, admitted in cell.candidates.admission():
            if ranks & admitted:
                left &= ~admitted
                parts.append(region & ~self._capped(cell, ranks & admitted))
        if left:
            parts.append(~self._capped(cell, left))
        region = any_of(parts)
        return TRUE if self._environments.within(cell.region, region) else region

    def _capped(self, cell: Cell, ranks: int) -> Formula:
        """Where a constraint of the project forbids all of these ranks."""
        return any_of(region for region, admitted in self._caps(cell) if not admitted & ranks)

    def newest(self, cell: Cell) -> int:
        """The newest admissible rank; 0 or less where there is none."""
        return self.ranks(cell).bit_length() - 1
