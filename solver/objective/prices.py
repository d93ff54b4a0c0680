"""What a core of wishes means: a price that is real in a region, or cells to be divided.

A *core* is a set of soft literals that cannot all be had, with the grounds of that: guards of cells, selectors of the
regions that facts are stated for, and what else is assumed. In every environment that lies in all of these regions, and
in all cells of the soft literals, the facts are in force, and the price must be paid. Outside of them it need not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.domain import Point
from satlock.encoder.markers.marker import Formula, all_of, any_of
from satlock.solver.objective.environments import Environments
from satlock.solver.search.refinement import undecided
from satlock.solver.search.session import Session

__all__ = ["Divided", "Prices"]


class Divided(Exception):
    """Cells that must be divided before anything is paid, each with what divides it."""

    def __init__(self, parts: Sequence[tuple[Cell, Formula]]) -> None:
        super().__init__(parts)
        self.parts = parts


class Prices:
    """Decides between paying and dividing. Packages that must have one version are never divided."""

    def __init__(self, encoding: Encoding, session: Session, environments: Environments) -> None:
        self._encoding, self._session, self._environments = encoding, session, environments
        self.assumed: dict[int, frozenset[Cell]] = {}
        """Cells that assumptions speak of which are neither guards nor selectors."""
        self.within: dict[int, Formula] = {}
        """Where in these cells the assumption is in force, if not everywhere."""
        self._known_for: object = None
        self._there: dict[Point, tuple[list[int], int]] = {}
        """By environment the assumptions in force there, and how many selectors were looked at; for ``_known_for``."""

    def region(self, literal: int) -> tuple[Formula, ...]:
        """Where an assumption is in force."""
        if literal in self._session.regions:
            return (self._session.regions[literal],)
        cell = self._encoding.guarded.get(literal)
        if cell is not None:
            return (cell.region,)
        cells = tuple(cell.region for cell in self.assumed.get(literal, ()))
        return (*cells, self.within[literal]) if literal in self.within else cells

    def narrowed(self, core: list[int], grounds: list[int], cells: Iterable[Cell]) -> tuple[list[int], list[int]]:
        """The same core on fewer grounds: without those that are not in force in all of its cells, where it can be."""
        within, own = self._environments.within, {cell.region: None for cell in cells}
        regions = {literal: self.region(literal) for literal in grounds}
        partial = [one for one in grounds if not all(within(cell, part) for part in regions[one] for cell in own)]
        for literal in partial:
            if literal in grounds:
                rest = [other for other in grounds if other != literal]
                found = self._session.refuted([*rest, *core])
                if found is not None:
                    needed = set(found)
                    core = [other for other in core if other in needed]
                    grounds = [other for other in rest if other in needed]
        return core, grounds

    def is_whole(self, grounds: Iterable[int], cells: Iterable[Cell]) -> bool:
        """Whether grounds are in force in all of some cells, and these cells are one region."""
        seen, cells = self._environments, list(cells)
        regions = [region for literal in grounds for region in self.region(literal)]
        common = seen.common([*regions, *(cell.region for cell in cells)])
        return all(seen.within(cell.region, part) for cell in cells for part in common)

    def reasons(
        self, core: Sequence[int], grounds: list[int], cells: Iterable[Cell], fixed: Sequence[int]
    ) -> list[list[int]]:
        """The grounds of a core that is the price of whole cells: one list, or one for each part that has its own.

        Args:
            fixed: all assumptions that there are, but for selectors.

        Raises:
            Divided: it is none.
        """
        cells = _in_order(cells)
        common = self._common(grounds, cells)
        if not common:
            return [grounds]
        found, covered = [], []
        while True:
            if self._environments.meet(*common):
                found.append(grounds)
                covered.append(all_of(common))
            if not self._same(cells):
                break
            point = self._environments.point(cells[0].region, ~any_of(covered))
            if point is None:
                return found
            clash = self._session.clash_among([*self._in_force(point, fixed), *core])
            if clash is None:
                break
            _, grounds = self.narrowed(list(core), [one for one in clash if one not in set(core)], cells)
            common = self._common(grounds, cells)
            if not all(self._environments.lies_in(point, region) for region in common):
                break
        if covered:
            common = [any_of(covered)]
        self._divide(core, grounds, cells, common)
        return [grounds]

    def _common(self, grounds: Iterable[int], cells: Iterable[Cell]) -> list[Formula]:
        """The regions whose conjunction is where grounds are in force in all of some cells."""
        regions = [region for literal in grounds for region in self.region(literal)]
        return self._environments.common([*regions, *(cell.region for cell in cells)])

    def _same(self, cells: Sequence[Cell]) -> bool:
        """Whether cells have one region."""
        first, within = cells[0].region, self._environments.within
        return all(within(cell.region, first) and within(first, cell.region) for cell in cells[1:])

    def _in_force(self, point: Point, fixed: Sequence[int]) -> list[int]:
        """The selectors and further assumptions that are in force in one environment."""
        known_for = tuple(fixed), self._environments.domain.grid
        if self._known_for != known_for:
            self._known_for, self._there = known_for, {}
        regions = list(self._session.regions)
        there, seen = self._there.get(point, ([], 0))
        new = [*regions[seen:], *(() if seen else fixed)]
        lies_in = self._environments.lies_in
        there += [literal for literal in new if all(lies_in(point, region) for region in self.region(literal))]
        self._there[point] = there, len(regions)
        return there

    def _divide(
        self, core: Sequence[int], grounds: Sequence[int], cells: Sequence[Cell], common: Sequence[Formula]
    ) -> None:
        seen, frozen = self._environments, self._encoding.single_version
        if seen.meet(*common):
            parts = [(cell, seen.cut(cell.region, common)) for cell in cells if cell.package.name not in frozen]
            divided = [(cell, formula) for cell, formula in parts if formula is not None]
        else:
            divided = self._contradictory(core, list(grounds), cells)
        if divided:
            raise Divided(divided)

    def _contradictory(
        self, core: Sequence[int], grounds: Sequence[int], cells: Sequence[Cell]
    ) -> list[tuple[Cell, Formula]]:
        """The grounds of a core are nowhere in force together: what to divide so that it is none."""
        regions = [region for literal in grounds for region in self.region(literal)]
        guarded = [self._encoding.guarded[literal] for literal in grounds if literal in self._encoding.guarded]
        assumed = [cell for literal in grounds for cell in _in_order(self.assumed.get(literal, ()))]
        involved = [*cells, *guarded, *assumed]
        cut = self._undecided(self._environments.of, [*regions, *(cell.region for cell in cells)], involved)
        # The facts themselves tell more exactly, but to find them takes far longer.
        return cut or self._between_facts(core, grounds, cells)

    def _between_facts(
        self, core: Sequence[int], grounds: Sequence[int], cells: Sequence[Cell]
    ) -> list[tuple[Cell, Formula]]:
        assumed = [literal for literal in grounds if literal not in self._session.regions]
        facts = self._session.core([*assumed, *core])
        involved = [*cells, *(cell for literal in assumed for cell in _in_order(self.assumed.get(literal, ())))]
        regions = [region for fact in facts for region in fact.regions] + [cell.region for cell in involved]
        involved += [cell for fact in facts for cell in fact.cells if cell.alive]
        return self._undecided(self._environments.of, regions, involved) or self._undecided(
            _as_it_is, regions, involved
        )

    def _undecided(
        self, view: Callable[[Formula], Formula], regions: Iterable[Formula], involved: Iterable[Cell]
    ) -> list[tuple[Cell, Formula]]:
        cut = undecided(self._encoding.domain, map(view, regions), involved, self._encoding.single_version)
        return [] if cut is None else [(cell, cut[0]) for cell in cut[1]]


def _in_order(cells: Iterable[Cell]) -> list[Cell]:
    """Sets of cells have another order in each process; what is divided first must not depend on that."""
    return sorted(cells, key=lambda cell: cell.guard)


def _as_it_is(formula: Formula) -> Formula:
    return formula
