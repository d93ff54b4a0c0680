"""Packages one after the other, each from when on it is reached, and where it is."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.encoder.markers.regions import Regions
from satlock.solver.objective.environments import Environments
from satlock.solver.search.selection import Selection, Turn, directs

__all__ = ["Reaching"]


class Reaching:
    """What is reached in the environments that an objective looks at, from the project on along what was chosen.

    It is as ``traverse``, but tells environments apart: what is reached in some environments of a cell says nothing of
    the others.
    """

    def __init__(self, encoding: Encoding, environments: Environments, turn: Turn) -> None:
        self._environments, self._turn = environments, turn
        self._direct = directs(encoding)
        self._regions: Regions[tuple[Cell, str]] = Regions(encoding.domain)
        self._chosen: dict[Cell, int] = {}
        self._waiting: list[tuple[tuple[int, str], int, Cell]] = []
        self._unlisted: dict[str, None] = {}
        self._follow(encoding.root.edges, TRUE)
        self._go_on()

    @property
    def selection(self) -> Selection:
        """What was chosen so far."""
        return Selection(dict(self._chosen), set(self._regions), list(self._unlisted))

    def next(self) -> tuple[Cell, bool] | None:
        """The cell whose turn it is, and whether the project itself names its package; None when all are chosen."""
        if not self._waiting:
            return None
        cell = heappop(self._waiting)[-1]
        return cell, cell.package.name in self._direct

    def at(self, cell: Cell) -> Formula:
        """Where a cell is reached; TRUE where that is all of it."""
        region = self._regions.at((cell, ""))
        return TRUE if self._environments.within(cell.region, region) else region

    def choose(self, cell: Cell, rank: int) -> None:
        """Goes on from what a cell was settled at."""
        self._chosen[cell] = rank
        for extra, node in cell.nodes.items():
            if (cell, extra) in self._regions:
                self._follow(node.of(rank), self._regions[cell, extra])
        self._go_on()

    def _go_on(self) -> None:
        for cell, extra in self._regions.grown():
            if cell in self._chosen and extra in cell.nodes:
                self._follow(cell.nodes[extra].of(self._chosen[cell]), self._regions[cell, extra])

    def _follow(self, edges: Iterable[Edge], source: Formula) -> None:
        of, regions = self._environments.of, self._regions
        for edge in edges:
            if not edge.package.listed and self._environments.meet(source, edge.region):
                self._unlisted[edge.package.name] = None
            for cell in edge.package.cells:
                if (cell.guard, 0) in edge.encoded:
                    new, within = (cell, "") not in regions, of(cell.region)
                    for extra in ("", *edge.dependency.extras):
                        regions.grow((cell, extra), source, of(edge.region), within, within=within)
                    if new and (cell, "") in regions:
                        name = cell.package.name
                        heappush(self._waiting, (self._turn(name, name in self._direct), len(regions), cell))
