"""The search: one version for all until a proof says no, over metadata that is loaded as it is needed.

Solve what is known; a core either names an environment without a solution or cells to split. An optimum that is
fully loaded is an optimum of everything, since what is not loaded could only have forbidden more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.cells import Cell, Fact, Hold, HoldKind
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.domain import Environment
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe
from satlock.solver.explaining.reasons import Reasons
from satlock.solver.objective.fresh import Fresh
from satlock.solver.objective.newest_first import HeldBack, Selection, select
from satlock.solver.search.admissible import Admissible
from satlock.solver.search.refinement import undecided, witness_of
from satlock.solver.search.session import Session
from satlock.solver.search.sources import Sources

__all__ = ["NoLock", "Search", "Statistics"]

_LIFT_ORDER = ("build", "prerelease")
_MOST_AHEAD = 64
_FIRST_MOVES = 2

Objective = Callable[[list[int]], Selection]
"""From assumptions that have a model to the best selection under them, as far as the formula knows; raises HeldBack."""


class NoLock(Exception):
    """No lock exists: these facts clash, in ``witness`` where one environment is enough to show it."""

    def __init__(
        self,
        facts: list[Fact],
        witness: Environment | None,
        failed: bool,
        universe: Universe,
        named: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__("no lock exists")
        self.facts, self.witness, self.universe = facts, witness, universe
        self.failed = failed
        """Whether candidates that failed to download or build are among the reasons."""
        self.named = named
        """Packages that somebody asks for or that a lock has, and that are not known to be missing."""


@dataclass
class Statistics:
    rounds: int = 0
    splits: int = 0
    cores: int = 0


@dataclass
class Search:
    """One run of the search for one project."""

    project: Project
    universe: Universe
    sources: Sources
    resolution: str = "fresh"
    """``fresh``, ``newest-first``, ``lowest`` or ``lowest-direct``."""
    preferred: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Versions of an existing lock, by name: they are kept to as far as possible, also where they were yanked since."""
    on_round: Callable[[Statistics, Selection], None] = lambda statistics, selection: None
    statistics: Statistics = field(default_factory=Statistics)

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.universe, self.project.constraints, self.project.single_version)
        self.session = Session(self.encoding)
        self.admissible = Admissible(self.encoding, self.held, self._capped)
        self._soft: list[Hold] = []
        self._ties: dict[tuple[int, int], int] = {}
        self._moves: dict[Cell, int] = {}
        self._preferences: dict[Candidates, int] = {}
        edits = self.sources.edits
        for root in self.universe.roots:
            self.encoding.require((d, root.active & d.marker) for d in root.dependencies(edits))
        self._select: Objective = self._fresh() if self.resolution == "fresh" else self._newest_first

    def run(self) -> Selection:
        """The best selection whose metadata is all known.

        Raises:
            NoLock: there is none.
            CorpusError: an index failed.
        """
        self.sources.start()
        while True:
            guards = [cell.guard for cell in self.encoding.living()]
            holds = [hold.literal for hold in self.holds()]
            if not self.session.solve([*guards, *holds]):
                self._refine(guards)
                continue
            try:
                selection = self._select(self._admit_soft([*guards, *holds], [h.literal for h in self._soft_holds()]))
            except HeldBack as found:
                for one in (found, *found.others):
                    self._hold(one.cell, one.low, one.high)
                continue
            self.statistics.rounds += 1
            self.on_round(self.statistics, selection)
            if not self._load(selection) and not self._lift_for_extras(guards, selection):
                return selection

    def refuse(self, selection: Selection, name: str, version: str, index: str, reason: str) -> None:
        """Takes a selected candidate out, so that :meth:`run` selects another one."""
        for cell, rank in selection.ranks.items():
            builds = cell.candidates[rank].builds if rank and cell.package.name == name else ()
            if any((build.version, build.index) == (version, index) for build in builds):
                self.sources.reject(cell.candidates, rank, reason)

    def reasons(self, selection: Selection) -> Reasons:
        """Why what :meth:`run` selected is no newer."""
        held = [hold.literal for hold in self.holds()]
        return Reasons(self.encoding, selection, self.admissible, self._preferred, held)

    # -- what is held back

    def held(self, cell: Cell) -> int:
        """Ranks that are not to be chosen as things stand."""
        candidates = cell.candidates
        held = candidates.prereleases | candidates.yanked | self.sources.doubtful.get(candidates, 0)
        return (held & ~cell.lifted & ~self._preferred(cell)) | self._rejected(candidates)

    def _rejected(self, candidates: Candidates) -> int:
        return sum(1 << rank for rank in self.sources.rejected.get(candidates, ()))

    def _hold(self, cell: Cell, low: int, high: int) -> int:
        """Tells the formula of the highest run in an interval that is held back for one reason.

        A package with many pre-releases has them held all at once, when it is the second time that one is in the way.
        Returns the literal under which the ranks are out.
        """
        kind, reason = self._why_held(cell, high)
        first = high
        while first > low and self._why_held(cell, first - 1) == (kind, reason):
            first -= 1
        ranks = (1 << (high + 1)) - (1 << first)
        if kind == "prerelease" and any(hold.kind == kind for hold in cell.holds):
            ranks = cell.candidates.prereleases & ~cell.candidates.yanked & ~cell.lifted & ~self._preferred(cell)
            ranks &= ~self._rejected(cell.candidates)
        believed = set(cell.provisional.values())
        known = (h.literal for h in cell.holds if (h.kind, h.ranks) == (kind, ranks) and not h.lifted)
        literal = next((literal for literal in known if literal not in believed), None)
        return literal or self.encoding.hold(cell, ranks, kind, reason).literal

    def _why_held(self, cell: Cell, rank: int) -> tuple[HoldKind, str]:
        reasons = self.sources.rejected.get(cell.candidates, {})
        if rank in reasons:
            return "unavailable", reasons[rank]
        if cell.candidates.yanked >> rank & 1:
            return "yanked", "was yanked"
        if cell.candidates.prereleases >> rank & 1:
            return "prerelease", "is a pre-release"
        return "build", "would have to be built"

    def holds(self) -> list[Hold]:
        """The holds in force: of living cells, and with nothing in them that was lifted."""
        holds = [hold for cell in self.encoding.living() for hold in cell.holds if not hold.lifted]
        return [hold for hold in holds if hold.kind == "unavailable" or not hold.ranks & hold.cell.lifted]

    def _soft_holds(self) -> list[Hold]:
        """Holds that were lifted, and are kept all the same wherever that is possible."""
        return [hold for hold in self._soft if hold.cell.alive]

    def _admit_soft(self, assumptions: list[int], soft: Iterable[int]) -> list[int]:
        """Adds what is wanted though not at any price, one after the other."""
        for literal in soft:
            if self.session.solve([*assumptions, literal]):
                assumptions = [*assumptions, literal]
        return assumptions

    # -- objectives

    def _newest_first(self, assumptions: list[int]) -> Selection:
        """Equal versions in split cells as far as that goes cell by cell; then package by package."""
        ties: list[int] = []
        for package in self.encoding.packages.values():
            for i, one in enumerate(package.cells):
                other = next((c for c in package.cells[:i] if c.candidates is one.candidates), None)
                if other is not None and package.name not in self.encoding.single_version:
                    key = (other.guard, one.guard)
                    if key not in self._ties:
                        self._ties[key] = self.encoding.tie(other, one)
                    ties.append(self._ties[key])
        return select(
            self.encoding, self.session, self._admit_soft(assumptions, ties),
            held=self.held, preferred=self._preferred, direction=self._wants_lowest, hold=self._hold,
        )  # fmt: skip

    def _fresh(self) -> Objective:
        def missing(cell: Cell, rank: int) -> bool:
            return rank not in cell.attached and self.sources.quick(cell.candidates, rank)

        return Fresh(
            self.encoding, self.session,
            held=self.held, preferred=self._preferred, admissible=self.admissible, missing=missing,
        )  # fmt: skip

    def _capped(self, cell: Cell) -> int:
        """Ranks that a constraint of the project forbids in some of a cell."""
        ranks = 0
        for constraint in self.project.constraints:
            here = constraint.name == cell.package.name
            if here and self.universe.domain.satisfiable(cell.region, self.universe.where(constraint.marker)):
                ranks |= ~cell.candidates.admitted(constraint.specifier)
        return ranks

    # -- cores

    def _refine(self, guards: list[int]) -> None:
        """Answers a clash: lift a hold, split cells, or give up with the reason."""
        self.statistics.cores += 1
        holds = {hold.literal: hold for hold in self.holds()}
        firm = [literal for literal, hold in holds.items() if not self._liftable(hold)]
        spare = [literal for literal, hold in holds.items() if self._liftable(hold)]
        facts, given_up = self.session.core([*guards, *firm], spare)
        witness = witness_of(self.universe.domain, facts)
        cut = None if witness else undecided(self.universe.domain, facts, self.encoding.single_version)
        if cut is not None:
            region, mixed = cut
            for cell in mixed:
                self.statistics.splits += 1
                self.encoding.split(cell, region)
            return
        if given_up:
            lifted = self._lift([holds[literal] for literal in given_up])
            self._soft += [lifted] if lifted else []
            return
        failures = self.sources.failures
        failed = any(
            hold.ranks & failures.get(hold.cell.candidates, 0) and hold.fact in facts for hold in holds.values()
        )
        raise NoLock(facts, witness, failed, self.universe, self._named())

    def _lift(self, held: list[Hold]) -> Hold | None:
        """Lifts one of several holds; None where it stood for what a source archive says of itself."""
        hold = min(held, key=lambda h: (_LIFT_ORDER.index(h.kind), h.cell.package.name))
        hold.lifted = True
        rank = hold.ranks.bit_length() - 1
        if hold.cell.provisional.get(rank) == hold.literal:
            hold.cell.lifted |= hold.ranks
            self.encoding.withdraw(hold.cell, rank)
            return None
        # Builds are slow: of what would have to be built, one candidate at a time, the newest first.
        hold.cell.lifted |= 1 << rank if hold.kind == "build" else hold.ranks
        return hold

    def _lift_for_extras(self, guards: list[int], selection: Selection) -> bool:
        """Lifts a build where builds are all that keeps an extra from being there: none is worth being sent back."""
        if not isinstance(self._select, Fresh):
            return False
        had, lacked = self._select.extras(selection)
        builds = {hold.literal: hold for hold in (*self.holds(), *self._soft_holds()) if hold.kind == "build"}
        firm = [*guards, *(hold.literal for hold in self.holds() if hold.kind != "build"), *had]
        for extra in lacked:
            clash = self.session.clash([*firm, extra, *builds]) if self.session.solve([*firm, extra]) else None
            if clash is not None:
                lifted = self._lift([builds[literal] for literal in builds if literal in clash])
                self._soft = [hold for hold in self._soft if hold is not lifted]
                return True
        return False

    def _named(self) -> frozenset[str]:
        packages = self.encoding.packages.values()
        there = (p.name for p in packages if not p.listed or any(cell.candidates.top for cell in p.cells))
        return frozenset((*there, *self.preferred))

    def _liftable(self, hold: Hold) -> bool:
        return hold.kind == "build" or (hold.kind == "prerelease" and hold.cell.candidates.prereleases_serve)

    # -- loading

    def _load(self, selection: Selection) -> bool:
        """Loads what the selection needs and the formula lacks, the dearest last; False where nothing is missing.

        A candidate that must be built counts as one without requirements until all else is known: it is built
        only where the optimum still selects it then.
        """
        missing = [
            (cell, rank) for cell, rank in selection.needed() if rank not in cell.attached or rank in cell.provisional
        ]
        if not missing and not selection.unlisted:
            return False
        if self._attach_hints(missing):
            return True
        contested = self._contested(missing)
        unlisted = [] if contested else selection.unlisted
        missing = contested or missing
        costs = [self.sources.cost(cell.candidates, rank) for cell, rank in missing]
        limit = 0 if unlisted else min(costs)
        due = [pair for pair, cost in zip(missing, costs, strict=True) if cost <= limit]
        if limit < 2:
            due += [(cell, other) for cell, rank in due for other in self._ahead(cell, rank)]
        dear = (pair for pair, cost in zip(missing, costs, strict=True) if cost == 1)
        self.sources.expect(unlisted, ((cell.candidates, rank) for cell, rank in dear))
        self.sources.load((cell.candidates, rank) for cell, rank in due)
        for cell, rank in due:
            loaded = self.sources.loaded(cell.candidates, rank)
            if loaded is not None and (rank not in cell.attached or rank in cell.provisional):
                self.encoding.attach(cell, rank, loaded.builds, loaded.pythons)
        self._attach_hints(due)
        self.sources.expect(
            dict.fromkeys(
                edge.package.name
                for cell, rank in due
                for node in cell.nodes.values()
                for edge in node.edges
                if edge.rank == rank and edge.package and not edge.package.listed
                if self.universe.domain.satisfiable(node.demand, edge.region)
            )
        )
        if unlisted:
            for name, partition in self.sources.partitions(unlisted).items():
                self.encoding.list_package(name, partition)
            self.sources.expect((), self._newest(unlisted))
        return True

    def _contested(self, missing: list[tuple[Cell, int]]) -> list[tuple[Cell, int]]:
        """What the search has come down to from another candidate of the package, and can read at no great effort.

        It is read before anything else: where this is a clash that leaves no candidate at all, nobody has to wait
        for the listings of a hundred packages that have no part in it.
        """
        return [
            (cell, rank)
            for cell, rank in missing
            if cell.attached and rank not in cell.provisional and not self.sources.cost(cell.candidates, rank)
        ]

    def _attach_hints(self, missing: list[tuple[Cell, int]]) -> bool:
        """Believes, for now, what source distributions say of themselves; False where none says anything.

        Most candidates that would have to be built are ruled out so, and never are.
        """
        believed = False
        for cell, rank in missing:
            hint = self.sources.hint(cell.candidates, rank)
            if hint is not None and rank not in cell.attached and not cell.lifted >> rank & 1:
                self.encoding.attach(cell, rank, hint.builds, hint.pythons, provisional=True)
                believed = True
        return believed

    def _newest(self, names: list[str]) -> Iterator[tuple[Candidates, int]]:
        """What the next optimum is likely to select of newly listed packages."""
        for name in names:
            package = self.encoding.packages[name]
            for cell in package.cells:
                admitted = cell.candidates.everything & ~self.held(cell)
                for edge in package.incoming:
                    if (cell.guard, 0) in edge.encoded:
                        admitted &= cell.candidates.admitted(edge.dependency.specifier) or admitted
                if admitted:
                    yield cell.candidates, admitted.bit_length() - 1

    def _ahead(self, cell: Cell, rank: int) -> list[int]:
        """Older candidates to load along with one that the search has come down to: the further, the more."""
        moves = self._moves.get(cell, 0)
        self._moves[cell] = moves + 1
        if not moves or self.resolution not in ("newest-first", "fresh"):
            return []
        free = ((1 << rank) - 2) & ~self.held(cell)
        older: list[int] = []
        while free and len(older) < min(2 << moves, 2 * _MOST_AHEAD):
            other = free.bit_length() - 1
            free ^= 1 << other
            if other not in cell.attached and self.sources.quick(cell.candidates, other):
                older.append(other)
        # The first steps down are only fetched ahead: to encode what may never be selected widens demands.
        ahead = older[: len(older) // 2] if moves > _FIRST_MOVES else []
        self.sources.expect((), ((cell.candidates, other) for other in older[len(ahead) :]))
        return ahead

    # -- preferences

    def _preferred(self, cell: Cell) -> int:
        versions = self.preferred.get(cell.package.name)
        if not versions:
            return 0
        key = cell.candidates
        if key not in self._preferences:
            self._preferences[key] = sum(
                1 << rank
                for rank, candidate in enumerate(cell.candidates.ranked, start=1)
                # Of builds that stand for a version together, a lock holds those that some environment reaches.
                if any(build.version in versions for build in candidate.builds)
            )
        return self._preferences[key]

    def _wants_lowest(self, cell: Cell, direct: bool) -> bool:
        return self.resolution == "lowest" or (self.resolution == "lowest-direct" and direct)
