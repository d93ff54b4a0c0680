"""A yanked release serves only where somebody asks for it whom the project reaches.

The formula lets it serve where a requirement asks for it whose source is selected (``encoder.formula.support``). A
model may select that source though nobody in the lock requires it, or though only the yanked release itself does. Such
a selection is refused by a loop formula, as in answer set programming: of those who ask in a circle, one must be asked
for from outside of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from satlock.encoder.formula.cells import Cell, Edge, Hold, Node, Package
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import Unasked
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, any_of
from satlock.solver.search.reached import reached
from satlock.solver.search.selection import Selection

__all__ = ["Founded"]


class Founded:
    """The loop formulas that were stated so far."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._refused: list[tuple[Hold, dict[Package, frozenset[Edge]]]] = []
        """The hold of each loop formula, and the packages of its circle with who was known to ask for them."""

    def forget(self) -> None:
        """Drops the loop formulas whose packages somebody else is known to ask for by now."""
        for one in list(self._refused):
            hold, askers = one
            if any(frozenset(package.incoming) != known for package, known in askers.items()):
                hold.cell.holds = [other for other in hold.cell.holds if other is not hold]
                self._refused.remove(one)

    def refuse(self, selection: Selection) -> bool:
        """States loop formulas against a selection where they are needed; False where none is."""
        suspects = [
            (cell, rank)
            for cell, rank in selection.ranks.items()
            if rank in cell.openings and cell.candidates.yanked >> rank & 1 and not cell.lifted >> rank & 1
        ]
        if not suspects:
            return False
        regions = reached(self._encoding, selection)
        refused = [self._refuse(cell, rank, selection, regions) for cell, rank in suspects if (cell, "") in regions]
        return any(refused)

    def _refuse(self, cell: Cell, rank: int, selection: Selection, regions: Mapping[tuple[Cell, str], Formula]) -> bool:
        """States the loop formula of a yanked release; False where somebody who is reached asks wherever it is used.

        The circle are those who ask and are not reached in a region where it is used. The formula names who is reached
        there, and would ask for the release or for one of the circle if another version of him were selected.
        """
        satisfiable = self._encoding.domain.satisfiable

        def region_of(edge: Edge) -> Formula:
            source = edge.node.cell
            reach = TRUE if source is None else regions.get((source, edge.node.extra), FALSE)
            return edge.region & reach if source is None or selection.ranks.get(source) == edge.rank else FALSE

        asking = [who for who in cell.askers if isinstance(who, Edge)]
        always = [where for who, where in cell.askers.items() if not isinstance(who, Edge)]
        where = regions[cell, ""] & ~any_of([*always, *map(region_of, asking)])
        if not satisfiable(where):
            return False
        circle: dict[Node, None] = {}
        others: dict[int, Cell] = {}
        waiting = asking
        while waiting:
            edge = waiting.pop()
            source = edge.node.cell
            said = edge.region if source is None else edge.region & source.region
            if edge.node in circle or (source and not source.alive) or not satisfiable(where, said):
                continue
            if satisfiable(where, ~said):
                where &= ~said
                continue
            reach = TRUE if source is None else regions.get((source, edge.node.extra), FALSE)
            if satisfiable(where, ~reach):
                where &= ~reach
                circle[edge.node] = None
                waiting += self._asking_for(edge.node)
            elif source is not None and selection.ranks[source] != edge.rank:
                other = self._encoding.fresh()
                others[other] = source
                for literal in self._encoding.antecedent(edge):
                    self._encoding.state([-other, -literal])
        self._state(cell, rank, where, others, [node.cell.package for node in circle if node.cell])
        return True

    @staticmethod
    def _asking_for(node: Node) -> list[Edge]:
        """The edges to the package of a node; to its extra, where it is one."""
        assert node.cell is not None
        incoming = node.cell.package.incoming
        return [edge for edge in incoming if not node.extra or node.extra in edge.dependency.extras]

    def _state(self, cell: Cell, rank: int, where: Formula, others: Mapping[int, Cell], circle: list[Package]) -> None:
        """States that a candidate is out in a region unless one of some literals is true, as a hold.

        Args:
            others: literals that say that a candidate which would ask is selected, each with its cell.
        """
        encoding, opening, still = self._encoding, cell.openings[rank], self._encoding.fresh()
        sources = dict.fromkeys(source for source in others.values() if source is not cell)
        fact = Unasked(where, (*sources, cell), opening.kind, ranks=1 << rank)
        taken = [-cell.guard, -encoding.at_least(cell, rank), encoding.at_least(cell, rank + 1)]
        encoding.add(fact, [*taken, *others, -still])
        hold = Hold(cell, opening.kind, 1 << rank, still, fact)
        cell.holds.append(hold)
        askers = {package: frozenset(package.incoming) for package in (cell.package, *circle)}
        self._refused.append((hold, askers))
