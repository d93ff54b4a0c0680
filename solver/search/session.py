"""The solver session: it holds the PySAT solver, and keeps it up with the growing formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pysat.solvers import Solver

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import Fact
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.solver.search.explainer import SOLVER, Explainer, glance

__all__ = ["Session"]


class Session:
    """An incremental solver over one :class:`Encoding`, brought up to date when it is asked.

    It has a selector for each region that facts are stated for, so it needs few assumptions, and a clash names the
    regions in which it arises. Which facts a clash is made of (:meth:`core`) another one tells.
    """

    def __init__(self, encoding: Encoding, stated: Callable[[Formula], Formula] = lambda own: TRUE) -> None:
        """
        Args:
            stated: the region whose selector the facts of an own region get; TRUE where they need none.
        """
        self._encoding, self._stated = encoding, stated
        self._solver = Solver(SOLVER)
        self._sent = 0
        self.regions: dict[int, Formula] = {}
        """What each selector of a region stands for."""
        self._selector_of: dict[Formula, int] = {}
        self._explainer: Explainer | None = None
        self.calls = 0
        self._model: list[int] = []

    def close(self) -> None:
        self._solver.delete()
        if self._explainer is not None:
            self._explainer.close()

    def solve(self, assumptions: Sequence[int]) -> bool:
        """Whether the formula has a model under the assumptions; the model is kept for :meth:`interval`."""
        self.bring_up()
        self.calls += 1
        if not self._solver.solve(assumptions=[*self.regions, *assumptions]):
            return False
        self._model = self._solver.get_model()
        return True

    def clash(self, assumptions: Sequence[int]) -> list[int] | None:
        """Those of the assumptions, and of the selectors of regions, that have no model together; None for no clash.

        Then the model is kept, as by :meth:`solve`.
        """
        self.bring_up()
        return self.clash_among([*self.regions, *assumptions])

    def clash_among(self, assumptions: Sequence[int]) -> list[int] | None:
        """As :meth:`clash`, without the selectors that are not among the assumptions: their facts do not count."""
        self.bring_up()
        self.calls += 1
        if self._solver.solve(assumptions=assumptions):
            self._model = self._solver.get_model()
            return None
        return list(self._solver.get_core() or ())

    def refuted(self, assumptions: Sequence[int], glances: int = 1) -> list[int] | None:
        """As :meth:`clash_among`; None also where that is not seen at a glance (``_CONFLICTS``, ``_PROPAGATIONS``).

        Args:
            glances: how many times as much may be spent.
        """
        self.bring_up()
        self.calls += 1
        return glance(self._solver, assumptions, glances)

    def propagates(self, assumptions: Sequence[int]) -> set[int]:
        """Literals that follow from assumptions by unit propagation."""
        self.bring_up()
        return set(self._solver.propagate(assumptions=[*self.regions, *assumptions])[1])

    def prefer(self, literals: Iterable[int]) -> None:
        """Has the solver try these literals first as true: this steers it, and makes no clash and undoes none."""
        self._solver.set_phases(list(literals))

    def holds(self, literal: int) -> bool:
        """Whether the model makes a literal true. Variables newer than the model count as false."""
        variable = abs(literal)
        if variable > len(self._model):
            return literal < 0
        return (self._model[variable - 1] > 0) == (literal > 0)

    def knows(self, literals: Iterable[int]) -> bool:
        """Whether the model makes all of these literals true, and none of them is newer than it."""
        return all(abs(literal) <= len(self._model) and self.holds(literal) for literal in literals)

    def interval(self, cell: Cell) -> tuple[int, int]:
        """The ranks that the model allows a cell; (0, n) where it says nothing."""
        low, high = 0, cell.candidates.top
        known = len(self._model)
        for rank in cell.thresholds:
            literal = cell.at_least[rank]
            if literal > known:
                continue
            if self._model[literal - 1] > 0:
                low = rank
            else:
                high = rank - 1
                break
        return low, high

    def core(self, assumptions: Sequence[int], among: Iterable[Formula] | None = None) -> list[Fact]:
        """A minimal set of facts that clash under ``assumptions``: see :class:`Explainer`."""
        if self._explainer is None:
            self._explainer = Explainer(self._encoding)
        return self._explainer.core(assumptions, among)

    def bring_up(self) -> None:
        """Gives the solver the clauses that are new, each with its selector."""
        encoding = self._encoding
        if self._sent == len(encoding.clauses):
            return
        new: list[list[int]] = []
        for place in range(self._sent, len(encoding.clauses)):
            fact = encoding.fact_of[place]
            selector = self._selector(encoding.facts[fact].own) if fact >= 0 else 0
            new.append([-selector, *encoding.clauses[place]] if selector else encoding.clauses[place])
        self._solver.append_formula(new)
        self._sent = len(encoding.clauses)

    def _selector(self, own: Formula) -> int:
        """The selector for an own region; 0 where its facts need none."""
        if own is TRUE:
            return 0
        found = self._selector_of.get(own)
        if found is None:
            region = self._stated(own)
            known = self._selector_of.get(region, 0) if region is not TRUE else 0
            if region is not TRUE and not known:
                known = self._encoding.fresh()
                self.regions[known] = region
                self._selector_of[region] = known
            found = self._selector_of[own] = known
        return found
