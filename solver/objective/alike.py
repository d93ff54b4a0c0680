"""What comes over all environments together, once each has its best: few candidates."""

from __future__ import annotations

from functools import cached_property

from satlock.encoder.formula.cells import Cell, Package
from satlock.encoder.formula.encoding import Encoding
from satlock.solver.objective.maxsat import Optimiser, Totalizer
from satlock.solver.search.session import Session

__all__ = ["Alike"]


class Alike:
    """The fewest packages with several candidates, and the fewest candidates.

    A cell is *new* if it is present and no cell before it has the same candidate; a package has as many candidates
    as it has new cells.
    """

    def __init__(self, encoding: Encoding, session: Session, optimiser: Optimiser, *, several: int, more: int) -> None:
        """
        Args:
            several: the weight of a second candidate of a package.
            more: the weight of each further one.
        """
        self._encoding, self._session, self._optimiser = encoding, session, optimiser
        self._several, self._more = several, more
        self._ties: dict[tuple[Cell, Cell], int] = {}
        self._counted: dict[str, tuple[list[Cell], list[int]]] = {}

    def bring_up(self) -> bool:
        """Counts the candidates of packages whose cells are others than they were; whether there are any."""
        changed = False
        bounds = _Bounds(self._encoding, self._session)
        for package in self._encoding.packages.values():
            if package.name in self._encoding.single_version:
                continue
            cells, wanted = self._counted.get(package.name, ([], []))
            if len(package.cells) > 1 and cells != package.cells:
                self._optimiser.forget(wanted)
                self._counted[package.name] = list(package.cells), self._count(package, bounds)
                changed = True
        return changed

    def _count(self, package: Package, bounds: _Bounds) -> list[int]:
        new: list[int] = []
        present = [self._encoding.at_least(cell, 1) for cell in package.cells]
        for place, cell in enumerate(package.cells):
            literal = self._encoding.fresh()
            clause = [literal, -cell.guard, -present[place]]
            for before, other in enumerate(package.cells[:place]):
                if other.candidates is cell.candidates and bounds.overlap(other, cell):
                    same = self._same(other, cell)
                    self._encoding.state([-same, present[before]])
                    clause.append(same)
            self._encoding.state(clause)
            new.append(literal)
        total = Totalizer(new, self._encoding.fresh, self._encoding.state)
        wanted = []
        for count in range(2, len(new) + 1):
            wanted.append(-total.output(count))
            self._optimiser.want(wanted[-1], self._several if count == 2 else self._more)
        return wanted

    def _same(self, one: Cell, other: Cell) -> int:
        if (one, other) not in self._ties:
            self._ties[one, other] = self._encoding.tie(one, other)
        return self._ties[one, other]


class _Bounds:
    """Between which ranks cells lie as long as they live, as far as unit propagation tells."""

    def __init__(self, encoding: Encoding, session: Session) -> None:
        self._encoding, self._session = encoding, session
        self._known: dict[Cell, tuple[int, int]] = {}

    @cached_property
    def _implied(self) -> set[int]:
        return self._session.propagates([cell.guard for cell in self._encoding.living()])

    def overlap(self, one: Cell, other: Cell) -> bool:
        """Whether two cells may have the same candidate."""
        (low, high), (least, most) = self._of(one), self._of(other)
        return low <= most and least <= high

    def _of(self, cell: Cell) -> tuple[int, int]:
        if cell not in self._known:
            implied, at_least = self._implied, cell.at_least
            low = max((rank for rank in cell.thresholds if at_least[rank] in implied), default=1)
            above = min(
                (rank for rank in cell.thresholds if -at_least[rank] in implied), default=cell.candidates.top + 1
            )
            self._known[cell] = low, above - 1
        return self._known[cell]
