"""Which facts a clash is made of: a minimal set of them, each with a selector of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from pysat.solvers import Solver

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import Fact
from satlock.encoder.markers.marker import Formula

__all__ = ["SOLVER", "Explainer", "glance"]

SOLVER = "minisat22"
"""Few questions take more than a few conflicts, and this one can be told how much to spend on a question."""
_GLANCES = 20
"""How many times as much is spent to see whether a fact is needless."""
_MOST_TRIED = 32
"""In a core of more facts than this, none is asked for a model to see whether it is needed: models are large."""
_CONFLICTS, _PROPAGATIONS = 60, 1_000
"""What is spent to see at a glance that assumptions clash; if they do not, all variables would be given values."""


class Explainer:
    """A solver over all clauses of one :class:`Encoding`, brought up to date when it is asked.

    It is asked once for each clash. What it finds is then minimised in an *excerpt* of the formula: the clauses of the
    facts that are left, with the axioms that say what their literals mean. A model of an excerpt is small.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._solver = Solver(SOLVER)
        self._seen = 0
        self._selectors: list[int] = []
        self._clauses_with: dict[int, list[int]] = {}
        """For each selector the places of the clauses that it is in."""
        self._fact_of: dict[int, Fact] = {}
        self._within: dict[Formula, list[int]] = {}
        """The selectors of the facts of each own region."""
        self._axioms_of: dict[int, list[int]] = {}
        """For each variable the places of the axioms that say what it means: it is the first in them."""
        self._axioms_up_to: dict[int, list[int]] = {}
        """For each variable the places of the axioms in which it is the newest."""

    def close(self) -> None:
        self._solver.delete()

    def core(self, assumptions: Sequence[int], among: Iterable[Formula] | None = None) -> list[Fact]:
        """A minimal set of facts that clash under ``assumptions``: without any one of them the rest has a model.

        Where the excerpt has a model, all of the formula is asked. Then of more than ``_MOST_TRIED`` facts only what is
        seen at a glance to be needless is left out.

        Args:
            among: the own regions of the facts that count; by default all.

        Raises:
            AssertionError: there is no clash.
        """
        self._bring_up()
        regions = self._within if among is None else among
        selectors = sorted(selector for region in regions for selector in self._within.get(region, ()))
        found = _clash(self._solver, assumptions, selectors)
        if found is None:
            raise AssertionError("a core was asked of a formula that has a model")
        kept = _trimmed(found, lambda subset: _clash(self._solver, assumptions, subset))
        clauses = self._excerpt(kept, set(assumptions).intersection(self._solver.get_core() or ()))
        # A solver decides all variables up to the highest one, so those of the excerpt are numbered anew.
        known = sorted({abs(literal) for clause in clauses for literal in clause})
        number = {sign * variable: sign * place for place, variable in enumerate(known, 1) for sign in (1, -1)}
        excerpt = Solver(SOLVER, bootstrap_with=[[number[literal] for literal in clause] for clause in clauses])
        assumed = [number[literal] for literal in assumptions if literal in number]
        smaller = _clash(excerpt, assumed, [number[selector] for selector in kept])
        if smaller is not None:
            smaller = _minimised(smaller, lambda subset: _clash(excerpt, assumed, subset))
            kept = [known[place - 1] for place in smaller]
        else:
            kept = self._minimised(kept, assumptions)
        excerpt.delete()
        return [self._fact_of[literal] for literal in kept]

    def _minimised(self, kept: list[int], assumptions: Sequence[int]) -> list[int]:
        """A clash without what it can do without in all of the formula."""
        # Most facts that are not needed are seen to be so at a glance. To see that one is needed takes a whole model.
        solver = self._solver
        kept = _minimised(kept, lambda rest: _within(rest, glance(solver, [*assumptions, *rest], _GLANCES)))
        return _minimised(kept, lambda rest: _clash(solver, assumptions, rest)) if len(kept) <= _MOST_TRIED else kept

    def _excerpt(self, selectors: Iterable[int], assumed: Collection[int]) -> list[list[int]]:
        """The clauses of some facts, and the axioms that say what their literals and some assumptions mean.

        These are the axioms about an assumption, those that put the ranks of a cell in order, and all that speak of
        nothing else.
        """
        clauses, cell_of = self._encoding.clauses, self._cells()
        places = dict.fromkeys(place for selector in selectors for place in self._clauses_with[selector])
        named = {abs(literal) for literal in assumed}
        places.update(dict.fromkeys(place for variable in named for place in self._axioms_of.get(variable, ())))
        known = named.union(abs(literal) for place in places for literal in clauses[place])
        for cell in {cell_of[variable] for variable in known if variable in cell_of}:
            known.update(cell.at_least.values())
        for variable in sorted(known):
            for place in self._axioms_up_to.get(variable, ()):
                if place not in places and all(abs(literal) in known for literal in clauses[place]):
                    places[place] = None
        return [self._selected(place) for place in places]

    def _cells(self) -> dict[int, Cell]:
        """The cell of each variable that says of one how high its rank is."""
        return {variable: cell for cell in self._encoding.living() for variable in cell.at_least.values()}

    def _bring_up(self) -> None:
        """Gives the solver the clauses that are new, each with the selector of its fact."""
        encoding, first = self._encoding, self._seen
        self._seen = len(encoding.clauses)
        for place in range(first, self._seen):
            fact = encoding.fact_of[place]
            if fact < 0:
                clause = encoding.clauses[place]
                self._axioms_of.setdefault(abs(clause[0]), []).append(place)
                self._axioms_up_to.setdefault(max(map(abs, clause)), []).append(place)
                continue
            while fact >= len(self._selectors):
                one, selector = encoding.facts[len(self._selectors)], encoding.fresh()
                self._selectors.append(selector)
                self._fact_of[selector] = one
                self._within.setdefault(one.own, []).append(selector)
            self._clauses_with.setdefault(self._selectors[fact], []).append(place)
        self._solver.append_formula([self._selected(place) for place in range(first, self._seen)])

    def _selected(self, place: int) -> list[int]:
        """A clause with the selector of its fact."""
        clause, fact = self._encoding.clauses[place], self._encoding.fact_of[place]
        return clause if fact < 0 else [-self._selectors[fact], *clause]


def glance(solver: Solver, assumptions: Sequence[int], glances: int = 1) -> list[int] | None:
    """Assumptions that clash, if little work shows that; otherwise None."""
    solver.conf_budget(_CONFLICTS * glances)
    solver.prop_budget(_PROPAGATIONS * glances)
    if solver.solve_limited(assumptions=assumptions) is not False:
        return None
    return list(solver.get_core() or ())


Clash = Callable[[list[int]], list[int] | None]
"""Those of some literals that clash; None where they do not."""


def _clash(solver: Solver, assumptions: Sequence[int], subset: list[int]) -> list[int] | None:
    clashing = not solver.solve(assumptions=[*assumptions, *subset])
    return _within(subset, solver.get_core() or ()) if clashing else None


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
