"""The formula of one environment, in which each package has one cell, and facts are in force or are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.version import Version
from pysat.solvers import Solver

from satlock.encoder.formula.candidates import runs
from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Fact, Held, HoldKind, SingleVersion
from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.marker import TRUE, Formula, Opaque, is_true
from satlock.encoder.project.project import Choice
from satlock.solver.proofs.facts import Given, Telling

if TYPE_CHECKING:
    from satlock.solver.proofs.optimality import Finding

__all__ = ["NotNewer", "OneEnvironment"]


class NotNewer(NamedTuple):
    """Why a package is not newer: a minimal set of facts, of cells that would have to be older, and of those that would
    have to be brought in."""

    facts: list[Fact]
    older: list[Cell]
    brought: list[Cell]


class OneEnvironment:
    """With a selector for each fact that is in force there."""

    def __init__(self, finding: Finding, environment: Environment) -> None:
        self._finding, self._encoding, self.witness = finding, finding.encoding, environment
        made = {Choice("extra", name) for name in environment.extras}
        self._made = {*made, *(Choice("group", name) for name in environment.groups), *finding.free}
        self.environment = finding.with_choices(environment)
        self._answers: dict[int, bool] = {}
        self._solver = Solver("glucose4")
        self._sent = 0
        self._facts: dict[int, Fact] = {}
        """The fact of each selector."""
        self._clauses: dict[int, list[list[int]]] = {}
        """The clauses of each selector."""
        self._selectors: dict[Fact, int] = {}
        living = list(self._encoding.living())
        self._cells = [cell for cell in living if self.holds(cell.region)]
        guards = {cell.guard for cell in living}
        held = [literal for literal in finding.assumed if literal not in guards]
        self._fixed = [*(cell.guard for cell in self._cells), *held]
        for cell in self._cells:
            if self._there(cell):
                self._hold(cell)

    def holds(self, region: Formula) -> bool:
        """Whether a region has this environment; one that asks what nobody knows does not."""
        known = self._answers.get(region.key)
        if known is None:
            asks = any(isinstance(switch, Opaque) for switch in region.switches)
            known = not asks and is_true(region, self.environment.variables, self._made)
            self._answers[region.key] = known
        return known

    def reason(self, cell: Cell, *, direct: bool) -> NotNewer | None:
        """Why there is no newer version of a cell; None where nothing but sums of the objective speaks against it.

        Args:
            direct: whether the project itself requires it: then others may be older for it, unless that holds of them.
        """
        wishes = self._wishes(cell, direct=direct)
        here = set(self._cells)
        wanted = [literal for literal, (_, own) in self._finding.wanted.items() if own in here]
        base = [*self._fixed, self._newer(cell)]
        self._bring_up()
        core = self._core(self._solver, [*base, *self._facts, *wanted, *wishes])
        if core is None:
            return None
        core = self._minimised(core, base, [*wishes, *wanted])
        facts = [fact for selector, fact in self._facts.items() if selector in core]
        cells = [wishes[literal] for literal in wishes if literal in core]
        there = [one for one in cells if self._there(one)]
        return NotNewer(facts, there, [one for one in cells if one not in there])

    def _hold(self, cell: Cell) -> None:
        """Takes out what is held back above what is locked: the search says that only of what was in its way."""
        candidates, rank = cell.candidates, self._finding.selection.ranks[cell]
        left = self._finding.held(cell) >> (rank + 1) << (rank + 1)
        kinds: tuple[tuple[int, HoldKind, str], ...] = (
            (candidates.yanked, "yanked", ""),
            (candidates.prereleases, "prerelease", ""),
            (candidates.everything, "unavailable", "would have to be built, or cannot be read"),
        )
        for ranks, kind, why in kinds:
            if left & ranks:
                selector = self._encoding.fresh()
                self._facts[selector] = Held(TRUE, (cell,), kind, why, ranks=left & ranks)
                self._clauses[selector] = []
                for first, last in runs(left & ranks):
                    low, above = self._encoding.at_least(cell, first), self._encoding.at_least(cell, last + 1)
                    clause = [-cell.guard, -low, *([above] if above > 1 else [])]
                    self._clauses[selector].append(clause)
                    self._solver.add_clause([-selector, *clause])
                left &= ~ranks

    @staticmethod
    def _core(solver: Any, assumptions: Sequence[int]) -> set[int] | None:
        return None if solver.solve(assumptions=assumptions) else set(solver.get_core() or ())

    def _minimised(self, core: set[int], base: Sequence[int], wishes: Sequence[int]) -> set[int]:
        """A core without what it can do without, wishes first.

        Mostly the facts of the core are a clash by themselves, and are asked apart from all others, which is quick.
        """
        facts = [literal for literal in self._facts if literal in core]
        spare = [literal for literal in wishes if literal in core]
        alone = [*([literal] for literal in base), *self._alone(facts, [*base, *spare])]
        with Solver("glucose4", bootstrap_with=alone) as apart:
            solver, fixed = (apart, []) if not apart.solve(assumptions=[*facts, *spare]) else (self._solver, base)
            for one in [*spare, *facts]:
                if one in core:
                    rest = [literal for literal in (*facts, *spare) if literal in core and literal != one]
                    smaller = self._core(solver, [*fixed, *rest])
                    core = core if smaller is None else smaller
        return core

    def _alone(self, facts: Sequence[int], others: Sequence[int]) -> list[list[int]]:
        """The clauses of some facts, and the order of the versions that they and other literals speak of."""
        found = [[-one, *clause] for one in facts for clause in self._clauses[one]]
        spoken = {abs(literal) for clause in (*found, others) for literal in clause}
        for cell in self._cells:
            ranks = [rank for rank in cell.thresholds if cell.at_least[rank] in spoken]
            found += [[-cell.at_least[high], cell.at_least[low]] for low, high in pairwise(ranks)]
        return found

    def _there(self, cell: Cell) -> bool:
        region = self._finding.regions.get(cell)
        return region is not None and self.holds(region)

    def _newer(self, cell: Cell) -> int:
        """That a newer version is there: builds of one version are as new as each other."""
        rank, candidates = self._finding.selection.ranks[cell], cell.candidates
        public = Version(candidates.version(rank).public)
        above = next(k for k in range(rank + 1, candidates.top + 2) if k > candidates.top
                     or Version(candidates.version(k).public) > public)  # fmt: skip
        return self._encoding.at_least(cell, above)

    def _wishes(self, cell: Cell, *, direct: bool) -> dict[int, Cell]:
        """What stays as it is: the others no older, and nothing brought in."""
        found: dict[int, Cell] = {}
        for one in self._cells:
            if one is cell or not one.candidates.top or (direct and one.package not in self._finding.direct):
                continue
            if self._there(one):
                rank = self._finding.selection.ranks[one]
                public = one.candidates.version(rank).public
                while rank > 1 and one.candidates.version(rank - 1).public == public:
                    rank -= 1
                found[self._encoding.at_least(one, rank)] = one
            else:
                found[-self._encoding.at_least(one, 1)] = one
        return found

    def _bring_up(self) -> None:
        encoding, new = self._encoding, list[list[int]]()
        for place in range(self._sent, len(encoding.clauses)):
            number = encoding.fact_of[place]
            if number < 0:
                new.append(encoding.clauses[place])
            elif not isinstance(fact := encoding.facts[number], SingleVersion) and self.holds(fact.own):
                if fact not in self._selectors:
                    self._selectors[fact] = selector = encoding.fresh()
                    self._facts[selector] = fact
                    self._clauses[selector] = []
                self._clauses[self._selectors[fact]].append(encoding.clauses[place])
                new.append([-self._selectors[fact], *encoding.clauses[place]])
        self._sent = len(encoding.clauses)
        self._solver.append_formula(new)

    # -- what is wished for before anything is new

    def tell_wish(self, fact: Fact, telling: Telling) -> None:
        """Puts a wish into words: what it asks for, and on what it depends."""
        (cell,) = fact.cells
        clause = next(c for c, f in zip(self._encoding.clauses, self._encoding.fact_of, strict=True)
                      if f >= 0 and self._encoding.facts[f] is fact)  # fmt: skip
        wish = next(self._finding.wanted[-literal][0] for literal in clause if -literal in self._finding.wanted)
        given = [one for one in self._given(set(clause)) if (one.cell, one.rank) != (cell, 0) or one.extra]
        if wish == "installs":
            telling.tell_bare(cell, fact.ranks)
        elif wish == "extras":
            for extra in (one.extra for one in given if one.cell is cell and one.extra):
                telling.tell_lacking(cell, fact.ranks, extra)
        else:
            telling.tell_escape(cell, fact.ranks, given)

    def _given(self, clause: set[int]) -> Iterator[Given]:
        for cell in self._cells:
            for extra, node in cell.nodes.items():
                if extra and -node.literal in clause:
                    yield Given(cell, 0, extra)
            for rank, literal in cell.at_least.items():
                above = cell.at_least.get(rank + 1)
                if -literal in clause and (above in clause if above is not None else rank == cell.candidates.top):
                    yield Given(cell, rank)
