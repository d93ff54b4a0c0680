"""Which ranks of a cell count as admissible: being behind them is what has to be accounted for."""

from __future__ import annotations

from collections.abc import Callable

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import Formula

__all__ = ["Admissible"]


class Admissible:
    """The ranks that are not held back, not capped, and not refused where the cell may be asked for."""

    def __init__(self, encoding: Encoding, held: Callable[[Cell], int], capped: Callable[[Cell], int]) -> None:
        """
        Args:
            held: ranks that are not to be chosen as things stand.
            capped: ranks that the project's constraints forbid, so that being behind them is nobody's fault.
        """
        self._encoding, self._held, self._capped = encoding, held, capped
        self._refused: dict[Cell, tuple[Formula, int]] = {}

    def ranks(self, cell: Cell) -> int:
        """The admissible ranks; all that are not held back where none is left."""
        demand = cell.nodes[""].demand
        known = self._refused.get(cell)
        if known is None or known[0] is not demand:
            ranks = 0
            for region, admitted in cell.candidates.admission():
                if self._encoding.domain.satisfiable(demand, cell.region, ~region):
                    ranks |= admitted
            known = self._refused[cell] = demand, ranks
        possible = cell.candidates.everything & ~self._held(cell)
        return possible & ~known[1] & ~self._capped(cell) or possible

    def newest(self, cell: Cell) -> int:
        """The newest admissible rank; 0 or less where there is none."""
        return self.ranks(cell).bit_length() - 1
