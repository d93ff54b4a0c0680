"""What comes over all environments together, once each has its best: few candidates."""

from __future__ import annotations

from satlock.encoder.formula.cells import Cell, Package
from satlock.encoder.formula.encoding import Encoding
from satlock.solver.objective.maxsat import Optimiser, Totalizer

__all__ = ["Alike"]


class Alike:
    """The fewest packages with several candidates, and the fewest candidates.

    A cell is *new* if it is present and no cell before it has the same candidate; a package has as many candidates
    as it has new cells.
    """

    def __init__(self, encoding: Encoding, optimiser: Optimiser, *, several: int, more: int) -> None:
        """
        Args:
            several: the weight of a second candidate of a package.
            more: the weight of each further one.
        """
        self._encoding, self._optimiser, self._several, self._more = encoding, optimiser, several, more
        self._ties: dict[tuple[Cell, Cell], int] = {}
        self._counted: dict[str, tuple[list[Cell], list[int]]] = {}

    def bring_up(self) -> bool:
        """Counts the candidates of packages whose cells are others than they were; whether there are any."""
        changed = False
        for package in self._encoding.packages.values():
            if package.name in self._encoding.single_version:
                continue
            cells, wanted = self._counted.get(package.name, ([], []))
            if len(package.cells) > 1 and cells != package.cells:
                self._optimiser.forget(wanted)
                self._counted[package.name] = list(package.cells), self._count(package)
                changed = True
        return changed

    def _count(self, package: Package) -> list[int]:
        new: list[int] = []
        present = [self._encoding.at_least(cell, 1) for cell in package.cells]
        for place, cell in enumerate(package.cells):
            literal = self._encoding.fresh()
            clause = [literal, -cell.guard, -present[place]]
            for before, other in enumerate(package.cells[:place]):
                if other.candidates is cell.candidates:
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
