"""The loop: each package has one candidate for all environments until a core says no.

Solve what is known. A core either names an environment that has no solution, or cells to divide. A model leads to the
best selection; what it needs and is not loaded is loaded, and the loop goes on. An optimum that is fully loaded is an
optimum of everything, since what is not loaded could only have forbidden more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from satlock.encoder.formula.cells import Cell, Hold
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import Fact, Held
from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.encoder.markers.platforms import Place, common_places, required_by
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass, field
from satlock.solver.explaining.reasons import Reasons
from satlock.solver.objective.environments import Environments
from satlock.solver.objective.named import Wanted
from satlock.solver.objective.prices import Divided, Prices
from satlock.solver.objective.tiers import Known
from satlock.solver.search.admissible import Admissible
from satlock.solver.search.founded import Founded
from satlock.solver.search.held import Holds, Kept
from satlock.solver.search.loading import Loading
from satlock.solver.search.refinement import regions_of, undecided, witness_of
from satlock.solver.search.selection import HeldBack, Selection
from satlock.solver.search.session import Session
from satlock.solver.search.sources import Sources

__all__ = ["NoLock", "Search", "Statistics"]


class NoLock(Exception):
    """No lock exists: these facts clash, in ``witness`` where one environment is enough to show it."""

    def __init__(
        self,
        facts: list[Fact],
        witness: Environment | None,
        failed: bool,
        universe: Universe,
        *,
        named: frozenset[str] = frozenset(),
        unread: bool = False,
    ) -> None:
        super().__init__("no lock exists")
        self.facts, self.witness, self.universe = facts, witness, universe
        self.failed = failed
        """Whether candidates that failed to download or build are among the reasons."""
        self.named = named
        """Packages that somebody asks for or that a lock has, and that are not known to be missing."""
        self.unread = unread
        """Whether a yanked release is among the reasons, and not everybody was read who may name exactly it."""


@dataclass
class Statistics:
    """What a run took."""

    rounds: int = 0
    """Selections, each of which had metadata loaded or was the last."""
    splits: int = 0
    """Cells that were divided."""
    cores: int = 0
    """Clashes of facts alone, without those of what the objective wants."""


@dataclass(repr=False)
class Search:
    """One run of the search for one project."""

    project: Project
    universe: Universe
    sources: Sources
    wanted: Wanted
    """Which of all valid locks."""
    preferred: Kept = field(default_factory=dict)
    """The versions of an existing lock: kept as far as possible, also where they were yanked since."""
    on_round: Callable[[Statistics, Selection], None] = lambda statistics, selection: None
    """Called with each selection, before what it needs is loaded."""
    statistics: Statistics = field(default_factory=Statistics)

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.universe, self.project.constraints, self.project.single_version)
        self.environments = Environments(self.universe.domain)
        self.encoding.family = self.environments.of
        self.session = Session(self.encoding, self._stated)
        self.held = Holds(self.encoding, self.session, self.sources, self.preferred)
        self.encoding.preferred = self.held.preferred
        self.founded = Founded(self.encoding)
        self.admissible = Admissible(self.environments, self.held.unasked, self._caps)
        self.loading = Loading(self.encoding, self.sources, self.held.ranks, downwards=self.wanted.downwards)
        self.objective = self.wanted.made(self._known(), fewest=self.project.fork_strategy == "fewest")
        edits = self.sources.edits
        for root in self.universe.roots:
            self.encoding.require((d, root.active & d.marker) for d in root.dependencies(edits))

    def run(self) -> Selection:
        """The best selection whose metadata is all known (``docs/solver.md#the-loop``).

        Raises:
            NoLock: there is none.
            CorpusError: an index failed.
        """
        self.sources.start()
        while True:
            self.founded.forget()
            guards = [cell.guard for cell in self.encoding.living()]
            holds = [hold.literal for hold in self.held.in_force()]
            if not self.session.solve([*guards, *holds]):
                self._refine(guards)
                continue
            try:
                selection = self.objective(self.held.admit_soft([*guards, *holds]))
            except HeldBack as found:
                for one in (found, *found.others):
                    self.held.hold(one.cell, one.low, one.high)
                continue
            except Divided as divided:
                self._divide(divided.parts)
                continue
            self.statistics.rounds += 1
            self.on_round(self.statistics, selection)
            if self.loading.load(selection) or self.founded.refuse(selection):
                continue
            if not self.held.lift_for_extras(guards, *self.objective.extras(selection)):
                return selection

    def refuse(self, selection: Selection, name: str, version: str, index: str, reason: str) -> None:
        """Takes a selected candidate out, so that :meth:`run` selects another one."""
        for cell, rank in selection.ranks.items():
            builds = cell.candidates[rank].builds if rank and cell.package.name == name else ()
            if any((build.version, build.index) == (version, index) for build in builds):
                self.sources.reject(cell.candidates, rank, reason)

    def reasons(self, selection: Selection) -> Reasons:
        """Why what :meth:`run` selected is no newer."""
        held = [hold.literal for hold in self.held.in_force()]
        return Reasons(self.encoding, selection, self.admissible, self.held.preferred, held, self.objective.wanted())

    def _known(self) -> Known:
        """What the objective may ask."""
        return Known(
            self.encoding,
            self.session,
            self.environments,
            self.admissible,
            self.held.ranks,
            self.held.preferred,
            self.loading.missing,
            self.held.hold,
            self._places(),
        )

    def _places(self) -> list[Place]:
        """Where a file is asked for: the common platforms, and those that the project requires."""
        domain = self.universe.domain
        required = required_by(self.project.required_environments, domain)
        return list(dict.fromkeys((*common_places(domain), *required.places)))

    def _stated(self, own: Formula) -> Formula:
        """The region whose selector the facts of an own region get: see :class:`Session`."""
        return TRUE if self.environments.whole(own) else self.environments.of(own)

    def _caps(self, cell: Cell) -> list[tuple[Formula, int]]:
        """What the project's constraints admit of a cell, and where they hold."""
        return [
            (self.universe.where(constraint.marker), cell.candidates.admitted(constraint.specifier))
            for constraint in self.encoding.constraints.get(cell.package.name, ())
        ]

    # -- cores

    def _refine(self, guards: list[int]) -> None:
        """Answers a clash: divides cells, lifts a hold, or loads who may ask (``docs/solver.md#the-loop``).

        Raises:
            NoLock: there is none.
        """
        self.statistics.cores += 1
        holds = {hold.literal: hold for hold in self.held.in_force()}
        firm = [*guards, *(literal for literal, hold in holds.items() if not self.held.liftable(hold))]
        if self.session.clash(firm) is None:
            self._lift(firm, {literal: hold for literal, hold in holds.items() if self.held.liftable(hold)})
            return
        facts = self.session.core(firm)
        witness = witness_of(self.universe.domain, facts)
        if witness is None and self._split(facts):
            return
        withdrawn = [fact.cells[-1] for fact in facts if isinstance(fact, Held) and fact.kind == "yanked"]
        if any(self.loading.load_askers(cell) for cell in withdrawn):
            return
        failures = self.sources.failures
        failed = any(
            hold.ranks & failures.get(hold.cell.candidates, 0) and hold.fact in facts for hold in holds.values()
        )
        unread = bool(withdrawn) and self.loading.gave_up
        raise NoLock(facts, witness, failed, self.universe, named=self._named(), unread=unread)

    def _split(self, facts: list[Fact]) -> bool:
        """Divides cells by a region of a core whose regions have nothing in common; False where they have something.

        Choices that no conflict names are made in all environments that are looked at first. Only where no cell is
        found in these is one divided by such a choice (``docs/solver.md#the-split``).
        """
        regions, cells = regions_of(facts), [cell for fact in facts for cell in fact.cells if cell.alive]
        for seen in (list(map(self.environments.of, regions)), list(regions)):
            if self.universe.domain.satisfiable(*seen):
                continue
            cut = undecided(self.universe.domain, seen, cells, self.encoding.single_version)
            if cut is not None:
                self._divide([(cell, cut[0]) for cell in cut[1]])
                return True
        return False

    def _lift(self, firm: Sequence[int], spare: dict[int, Hold]) -> None:
        """Lifts one of the holds that clash, if it must be lifted in all of its cell; if not, divides cells."""
        prices = Prices(self.encoding, self.session, self.environments)
        prices.assumed = {literal: frozenset((hold.cell,)) for literal, hold in spare.items()}
        clash = self.session.clash([*firm, *spare])
        assert clash is not None
        for literal in [literal for literal in reversed(spare) if literal in clash]:
            if literal in clash:
                clash = self.session.clash_among([other for other in clash if other != literal]) or clash
        lifted = self.held.first_to_lift(spare[literal] for literal in clash if literal in spare)
        rest, cells = [other for other in clash if other != lifted.literal], [lifted.cell]
        core, grounds = prices.narrowed([lifted.literal], rest, cells)
        try:
            prices.reasons(core, grounds, cells, [*firm, *spare])
        except Divided as divided:
            self._divide(divided.parts)
        else:
            self.held.lift(lifted)

    def _divide(self, parts: Sequence[tuple[Cell, Formula]]) -> None:
        for cell, region in parts:
            self.statistics.splits += 1
            self.encoding.split(cell, region)

    def _named(self) -> frozenset[str]:
        packages = self.encoding.packages.values()
        there = (p.name for p in packages if not p.listed or any(cell.candidates.top for cell in p.cells))
        return frozenset((*there, *self.preferred))
