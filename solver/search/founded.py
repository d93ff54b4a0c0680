"""Nothing is opened by who is selected, but reached by nobody.

The formula lets a yanked release serve where a requirement asks for it whose source is selected
(``encoder.formula.support``). A model may select that source though nobody in the lock asks for it, or for the sake of
the very release it opens. Such a selection is refused, as those of answer sets are: what asks in a circle must be asked
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
    """What was refused so far."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._refused: list[tuple[Hold, dict[Package, frozenset[Edge]]]] = []
        """Each holds as long as nobody else is known to ask for these packages."""

    def forget(self) -> None:
        """Gives up what was refused before somebody else was found who asks."""
        for one in list(self._refused):
            hold, askers = one
            if any(frozenset(package.incoming) != known for package, known in askers.items()):
                hold.cell.holds = [other for other in hold.cell.holds if other is not hold]
                self._refused.remove(one)

    def refuse(self, selection: Selection) -> bool:
        """Refuses a selection in which something is opened by who is reached by nobody; False where all is well."""
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
        """States that where a release is opened by nobody, somebody else would have to be selected who asks.

        Those who are reached by nobody there are one circle: they count only as far as somebody from outside of it,
        who is reached, would ask for one of them if he were of another version.
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
        assert node.cell is not None
        incoming = node.cell.package.incoming
        return [edge for edge in incoming if not node.extra or node.extra in edge.dependency.extras]

    def _state(self, cell: Cell, rank: int, where: Formula, others: Mapping[int, Cell], circle: list[Package]) -> None:
        encoding, opening, still = self._encoding, cell.openings[rank], self._encoding.fresh()
        sources = dict.fromkeys(source for source in others.values() if source is not cell)
        fact = Unasked(where, (*sources, cell), None, 1 << rank, opening.kind)
        taken = [-cell.guard, -encoding.at_least(cell, rank), encoding.at_least(cell, rank + 1)]
        encoding.add(fact, [*taken, *others, -still])
        hold = Hold(cell, opening.kind, 1 << rank, still, fact)
        cell.holds.append(hold)
        askers = {package: frozenset(package.incoming) for package in (cell.package, *circle)}
        self._refused.append((hold, askers))
