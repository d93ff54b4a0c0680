"""Loading: the metadata and listings that a selection needs and the formula lacks, all at once, the dearest last.

What is not loaded counts as nothing, which only relaxes the problem. So an optimum that is fully loaded is an optimum
of everything; and what else is fetched ahead never changes an answer. What a yanked release needs is an exception:
see :meth:`Loading.load_askers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from satlock.encoder.formula.candidates import Candidates, descending
from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.solver.search.selection import Selection
from satlock.solver.search.sources import Sources

__all__ = ["Loading"]

_MOST_AHEAD = 64
"""Candidates of a cell that are loaded, and as many that are fetched, along with one."""
_FIRST_MOVES = 2
"""Moves down of a cell with which nothing is loaded ahead, only fetched."""
_ASKERS, _OTHERS = 32, 8
"""Candidates of a cell that are read at once for a yanked release: where others of the package ask for it, and where
none does."""
_MOST_FOR_YANKED = 256
"""Candidates that are read in all to find one that pins a yanked release."""


class Loading:
    """What was read, and how far the search has come down in each cell."""

    def __init__(self, encoding: Encoding, sources: Sources, held: Callable[[Cell], int], *, downwards: bool) -> None:
        """
        Args:
            held: ranks that are not to be chosen as things stand.
            downwards: whether the search comes down from the newest candidates.
        """
        self._encoding, self._sources, self._held, self._downwards = encoding, sources, held, downwards
        self._moves: dict[Cell, int] = {}
        self._read_for_yanked = 0
        self.gave_up = False
        """Whether more could be read for the sake of a yanked release than is worth it."""

    def missing(self, cell: Cell, rank: int) -> bool:
        """Whether a candidate's metadata is not in the formula, and is quick to be had (:meth:`Sources.quick`)."""
        return rank not in cell.attached and self._sources.quick(cell.candidates, rank)

    def load(self, selection: Selection) -> bool:
        """Loads what a selection needs; False where nothing is missing.

        A candidate that must be built counts as one without requirements until all else is known: it is built
        only where the optimum still selects it then.
        """
        missing = [
            (cell, rank) for cell, rank in selection.needed() if rank not in cell.attached or rank in cell.provisional
        ]
        if not missing and not selection.unlisted:
            return False
        if self._attach_hints(missing):
            return True
        contested = self._contested(missing)
        unlisted = [] if contested else selection.unlisted
        due = self._due(contested or missing, unlisted)
        self._attach(due)
        self._expect_below(due)
        if unlisted:
            for name, partition in self._sources.partitions(unlisted).items():
                self._encoding.list_package(name, partition)
            self._sources.expect((), self._newest(unlisted))
        return True

    def load_askers(self, yanked: Cell) -> bool:
        """Loads more candidates and listings, since somebody may be among them who asks for a yanked release.

        What is not loaded counts as nothing. That relaxes the problem, but for this: it asks for nothing.

        Returns:
            False where nothing is left to read, or enough was.
        """
        packages = [package for package in self._encoding.packages.values() if package is not yanked.package]
        asking = {edge.node.cell.package for edge in yanked.package.incoming if edge.node.cell is not None}
        due: list[tuple[Cell, int]] = []
        for package in sorted(packages, key=lambda package: package not in asking):
            for cell in package.cells:
                free = cell.candidates.everything & ~self._held(cell)
                unread = (rank for rank in descending(free) if self.missing(cell, rank))
                due += [(cell, rank) for rank in islice(unread, _ASKERS if package in asking else _OTHERS)]
        self.gave_up = len(due) > _MOST_FOR_YANKED - self._read_for_yanked
        due = due[: _MOST_FOR_YANKED - self._read_for_yanked]
        self._read_for_yanked += len(due)
        self._attach(due)
        if due or self._read_for_yanked >= _MOST_FOR_YANKED:
            return bool(due)
        unlisted = [package.name for package in packages if not package.listed]
        for name, partition in self._sources.partitions(unlisted).items() if unlisted else ():
            self._encoding.list_package(name, partition)
        return bool(unlisted)

    def _due(self, missing: list[tuple[Cell, int]], unlisted: Sequence[str]) -> list[tuple[Cell, int]]:
        """What to read now: the cheapest of what is missing, and what the search is likely to come down to next."""
        costs = [self._sources.cost(cell.candidates, rank) for cell, rank in missing]
        limit = 0 if unlisted else min(costs)
        due = [pair for pair, cost in zip(missing, costs, strict=True) if cost <= limit]
        if limit < 2:
            due += [(cell, other) for cell, rank in due for other in self._ahead(cell, rank)]
        dear = (pair for pair, cost in zip(missing, costs, strict=True) if cost == 1)
        self._sources.expect(unlisted, ((cell.candidates, rank) for cell, rank in dear))
        return due

    def _attach(self, due: list[tuple[Cell, int]]) -> None:
        """Loads metadata and puts it into the formula."""
        self._sources.load((cell.candidates, rank) for cell, rank in due)
        for cell, rank in due:
            loaded = self._sources.loaded(cell.candidates, rank)
            if loaded is not None and (rank not in cell.attached or rank in cell.provisional):
                self._encoding.attach(cell, rank, loaded)
        self._attach_hints(due)

    def _expect_below(self, due: list[tuple[Cell, int]]) -> None:
        """Has the listings fetched that the next optimum is likely to ask for."""
        below = (
            edge.package.name
            for cell, rank in due
            for node in cell.nodes.values()
            for edge in node.of(rank)
            if not edge.package.listed
            if self._encoding.domain.satisfiable(node.demand, edge.region)
        )
        self._sources.expect(dict.fromkeys(below))

    def _contested(self, missing: list[tuple[Cell, int]]) -> list[tuple[Cell, int]]:
        """Of what is missing, the candidates with a wheel whose cell has metadata of other candidates already.

        The search comes down in these cells. They are read before anything else: where that ends in a clash, nobody has
        to wait for the listings of a hundred packages that have no part in it.
        """
        return [
            (cell, rank)
            for cell, rank in missing
            if cell.attached and rank not in cell.provisional and not self._sources.cost(cell.candidates, rank)
        ]

    def _attach_hints(self, missing: list[tuple[Cell, int]]) -> bool:
        """Puts what source distributions note into the formula, as provisional; False where none notes anything.

        Most candidates that need a source build are ruled out by it, and are never built.
        """
        believed = False
        for cell, rank in missing:
            hint = self._sources.hint(cell.candidates, rank)
            if hint is not None and rank not in cell.attached and not cell.lifted >> rank & 1:
                self._encoding.attach(cell, rank, hint, provisional=True)
                believed = True
        return believed

    def _newest(self, names: Sequence[str]) -> Iterator[tuple[Candidates, int]]:
        """The candidates of newly listed packages that the next optimum is likely to select."""
        for name in names:
            package = self._encoding.packages[name]
            for cell in package.cells:
                admitted = cell.candidates.everything & ~self._held(cell)
                for edge in package.incoming:
                    if (cell.guard, 0) in edge.encoded:
                        admitted &= cell.candidates.admitted(edge.dependency.specifier) or admitted
                if admitted:
                    yield cell.candidates, admitted.bit_length() - 1

    def _ahead(self, cell: Cell, rank: int) -> list[int]:
        """Older ranks to load along with one: the more, the oftener the cell came down. As many again are fetched."""
        moves = self._moves.get(cell, 0)
        self._moves[cell] = moves + 1
        if not moves or not self._downwards:
            return []
        free = ((1 << rank) - 2) & ~self._held(cell)
        unread = (other for other in descending(free) if self.missing(cell, other))
        older = list(islice(unread, min(2 << moves, 2 * _MOST_AHEAD)))
        # The first steps down are only fetched ahead: to encode what may never be selected widens demands.
        ahead = older[: len(older) // 2] if moves > _FIRST_MOVES else []
        self._sources.expect((), ((cell.candidates, other) for other in older[len(ahead) :]))
        return ahead
