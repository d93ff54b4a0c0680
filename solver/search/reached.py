"""Where the project reaches what is selected."""

from __future__ import annotations

from collections.abc import Sequence

from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.encoder.markers.regions import Regions
from satlock.solver.search.selection import Selection

__all__ = ["edges_from", "reached"]


def reached(encoding: Encoding, selection: Selection) -> dict[tuple[Cell, str], Formula]:
    """Where the project reaches each selected package and extra: the least fixpoint along active requirements.

    Least, so that a cycle of packages that require each other is not reached by itself.
    """
    regions: Regions[tuple[Cell, str]] = Regions(encoding.domain)

    def follow(cell: Cell | None, extra: str, source: Formula) -> None:
        for edge in edges_from(encoding, selection, cell, extra):
            for target in edge.package.cells:
                if target in selection.ranks:
                    for wanted in ("", *edge.dependency.extras):
                        regions.grow((target, wanted), source, edge.region, target.region, within=target.region)

    follow(None, "", TRUE)
    for cell, extra in regions.grown():
        follow(cell, extra, regions[cell, extra])
    return regions


def edges_from(encoding: Encoding, selection: Selection, cell: Cell | None, extra: str) -> Sequence[Edge]:
    """The edges of what a cell selects, or of an extra of it; of the project where there is no cell."""
    if cell is None:
        return encoding.root.edges
    rank = selection.ranks[cell]
    node = cell.nodes.get(extra)
    return node.of(rank) if node else ()
