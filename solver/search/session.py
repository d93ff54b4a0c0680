"""The solver session: the one place that holds PySAT solvers, and that keeps them up with the growing formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pysat.solvers import Solver

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import Fact
from satlock.encoder.markers.marker import TRUE, Formula

__all__ = ["Session"]

_SOLVER = "minisat22"
"""Few questions take more than a few conflicts, and this one can be told how much to spend on a question."""
_GLANCES = 20
"""How many times as much is spent to see whether a fact is needless."""
_MOST_TRIED = 32
"""In a core of more facts than this, none is asked for a model to see whether it is needed: models are large."""
_CONFLICTS, _PROPAGATIONS = 60, 1_000
"""What is spent to see at a glance that assumptions clash; if they do not, all variables would be given values."""


class Session:
    """Two incremental solvers over one :class:`Encoding`, each brought up to date when it is asked.

    The first has a selector for each region that facts are stated for, so it needs few assumptions, and a clash names
    the regions in which it arises. It answers all questions but one. The second has a selector for each fact. It is
    asked only which facts a clash is made of (:meth:`core`).
    """

    def __init__(self, encoding: Encoding, stated: Callable[[Formula], Formula] = lambda own: TRUE) -> None:
        """
        Args:
            stated: the region whose selector the facts of an own region get; TRUE where they need none.
        """
        self._encoding, self._stated = encoding, stated
        self._solver = Solver(_SOLVER)
        self._sent = 0
        self.regions: dict[int, Formula] = {}
        """What each selector of a region stands for."""
        self._selector_of: dict[Formula, int] = {}
        self._explainer: Solver | None = None
        self._explained = 0
        self._selectors: list[int] = []
        self.calls = 0
        self._model: list[int] = []

    def close(self) -> None:
        self._solver.delete()
        if self._explainer is not None:
            self._explainer.delete()

    def solve(self, assumptions: Sequence[int]) -> bool:
        """Whether the formula has a model under the assumptions; the model is kept for :meth:`interval`."""
        self._bring_up()
        self.calls += 1
        if not self._solver.solve(assumptions=[*self.regions, *assumptions]):
            return False
        self._model = self._solver.get_model()
        return True

    def clash(self, assumptions: Sequence[int]) -> list[int] | None:
        """Those of the assumptions, and of the selectors of regions, that have no model together; None for no clash.

        Then the model is kept, as by :meth:`solve`.
        """
        self._bring_up()
        return self.clash_among([*self.regions, *assumptions])

    def clash_among(self, assumptions: Sequence[int]) -> list[int] | None:
        """As :meth:`clash`, without the selectors that are not among the assumptions: their facts do not count."""
        self._bring_up()
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
        self._bring_up()
        self.calls += 1
        return _glance(self._solver, assumptions, glances)

    def propagates(self, assumptions: Sequence[int]) -> set[int]:
        """Literals that follow from assumptions by unit propagation."""
        self._bring_up()
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

    def core(self, assumptions: Sequence[int], among: Callable[[Fact], bool] | None = None) -> list[Fact]:
        """A minimal set of facts that clash under ``assumptions``: without any one of them the rest has a model.

        Of more than ``_MOST_TRIED`` facts only what is seen at a glance to be needless is left out.

        Args:
            among: the facts that count; by default all.

        Raises:
            AssertionError: there is no clash.
        """
        explainer = self._bring_up_explainer()
        facts = zip(self._selectors, self._encoding.facts, strict=False)
        fact_of = {selector: fact for selector, fact in facts if among is None or among(fact)}

        def clash(subset: Iterable[int]) -> list[int] | None:
            clashing = not explainer.solve(assumptions=[*assumptions, *subset])
            return _within(subset, explainer.get_core() or ()) if clashing else None

        kept = clash(fact_of)
        if kept is None:
            raise AssertionError("a core was asked of a formula that has a model")
        kept = _trimmed(kept, clash)
        # Most facts that are not needed are seen to be so at a glance. To see that one is needed takes a whole model.
        kept = _minimised(kept, lambda subset: _within(subset, _glance(explainer, [*assumptions, *subset], _GLANCES)))
        kept = _minimised(kept, clash) if len(kept) <= _MOST_TRIED else kept
        return [fact_of[literal] for literal in kept]

    def _bring_up(self) -> None:
        """Gives the first solver the clauses that are new, each with its selector."""
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

    def _bring_up_explainer(self) -> Solver:
        """The second solver, with all clauses."""
        encoding = self._encoding
        if self._explainer is None:
            self._explainer = Solver(_SOLVER)
        selected: list[list[int]] = []
        for clause, fact in zip(encoding.clauses[self._explained :], encoding.fact_of[self._explained :], strict=True):
            while fact >= len(self._selectors):
                self._selectors.append(encoding.fresh())
            selected.append(clause if fact < 0 else [-self._selectors[fact], *clause])
        self._explained = len(encoding.clauses)
        self._explainer.append_formula(selected)
        return self._explainer


def _glance(solver: Solver, assumptions: Sequence[int], glances: int = 1) -> list[int] | None:
    """Assumptions that clash, if little work shows that; otherwise None."""
    solver.conf_budget(_CONFLICTS * glances)
    solver.prop_budget(_PROPAGATIONS * glances)
    if solver.solve_limited(assumptions=assumptions) is not False:
        return None
    return list(solver.get_core() or ())


Clash = Callable[[list[int]], list[int] | None]
"""Those of some literals that clash; None where they do not."""


def _within(subset: Iterable[int], core: Iterable[int] | None) -> list[int] | None:
    if core is None:
        return None
    needed = set(core)
    return [literal for literal in subset if literal in needed]


def _trimmed(kept: list[int], clash: Clash) -> list[int]:
    """What is left of a clash when it is asked for alone, again and again."""
    while (smaller := clash(kept)) is not None and len(smaller) < len(kept):
        kept = smaller
    return kept


def _minimised(kept: list[int], clash: Clash) -> list[int]:
    """A clash without what it can do without, as far as ``clash`` sees that. Each literal is left out once."""
    for literal in reversed(kept):
        if literal in kept:
            smaller = clash([other for other in kept if other != literal])
            # Where the others clash, the solver's core of them is kept, which may lack still more.
            kept = kept if smaller is None else smaller
    return kept
