"""Why a package is in a lock: the shortest ways from the project to it, one for each part of where they differ."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import TRUE, Formula, all_of
from satlock.encoder.markers.regions import Regions
from satlock.records import dataclass
from satlock.solver.search.reached import edges_from
from satlock.solver.search.selection import Selection

__all__ = ["Way", "shortest_ways"]


@dataclass(frozen=True)
class Way:
    """A chain of requirements from the project to a package, and where no shorter one leads there."""

    steps: tuple[Edge, ...]
    region: Formula


def shortest_ways(encoding: Encoding, selection: Selection, targets: Collection[Cell]) -> list[Way]:
    """The ways to any of ``targets``, the shortest first; together they lead there wherever anything does.

    Breadth first; a way goes on only where no other has been before it, so each is a shortest one in its region.
    """
    seen: Regions[tuple[Cell, str]] = Regions(encoding.domain)
    found: list[Way] = []
    waiting: deque[tuple[Cell | None, str, Formula, tuple[Edge, ...]]] = deque([(None, "", TRUE, ())])
    while waiting:
        cell, extra, region, steps = waiting.popleft()
        for edge in edges_from(encoding, selection, cell, extra):
            for target in edge.package.cells:
                if target not in selection.ranks:
                    continue
                for wanted in ("", *edge.dependency.extras):
                    before, parts = seen.at((target, wanted)), (region, edge.region, target.region)
                    if not seen.grow((target, wanted), *parts, within=target.region):
                        continue
                    here = seen.in_short(all_of((*parts, ~before)))
                    waiting.append((target, wanted, here, (*steps, edge)))
                    if target in targets and not wanted:
                        found.append(Way((*steps, edge), here))
    return found
