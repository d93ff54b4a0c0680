"""What is held back: pre-releases, yanked releases, what would have to be built, and what could not be had.

The search first runs without any of it. When the objective would select a candidate that is held back, a *hold* enters
the formula: a literal under which the candidate is out, which is assumed. Where a clash rests on it, it is lifted, if
candidates of its kind may serve as a last resort. What was lifted is still assumed wherever that leaves a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.cells import Cell, Hold
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import HoldKind
from satlock.encoder.markers.marker import Formula
from satlock.solver.search.session import Session
from satlock.solver.search.sources import Sources

__all__ = ["Holds", "Kept"]

Kept = Mapping[str, Mapping[str, Formula]]
"""Versions of an existing lock by name, each with where it is locked."""

_LIFT_ORDER = ("build", "prerelease")


class Holds:
    """The holds of one search."""

    def __init__(self, encoding: Encoding, session: Session, sources: Sources, locked: Kept) -> None:
        """
        Args:
            locked: the versions of an existing lock, which serve though they be yanked or would have to be built.
        """
        self._encoding, self._session, self._sources, self._locked = encoding, session, sources, locked
        self._soft: list[Hold] = []
        self._preferences: dict[Candidates, tuple[tuple[Formula, int], ...]] = {}

    def ranks(self, cell: Cell) -> int:
        """Ranks that no selection may have as things stand."""
        return self.unasked(cell) & ~cell.supported | self._rejected(cell.candidates)

    def unasked(self, cell: Cell) -> int:
        """Ranks that are held back, also where a package asks for them; not what was lifted or the project asks for.

        A lock without them is not behind: what the project itself does not ask for is no measure of what is new.
        """
        candidates = cell.candidates
        held = candidates.prereleases | candidates.yanked
        held |= self._sources.doubtful.get(candidates, 0) & ~self.kept(cell)
        return held & ~cell.lifted | self._rejected(candidates)

    def preferred(self, cell: Cell) -> tuple[tuple[Formula, int], ...]:
        """The ranks of the existing lock, by the region in which it has them."""
        versions = self._locked.get(cell.package.name)
        if not versions:
            return ()
        found = self._preferences.get(cell.candidates)
        if found is None:
            by_region: dict[Formula, int] = {}
            for rank, candidate in enumerate(cell.candidates.ranked, start=1):
                # Of builds that stand for a version together, a lock holds those that some environment reaches.
                for build in candidate.builds:
                    if build.version in versions:
                        region = versions[build.version]
                        by_region[region] = by_region.get(region, 0) | 1 << rank
            found = self._preferences[cell.candidates] = tuple(by_region.items())
        return found

    def kept(self, cell: Cell) -> int:
        """All ranks of the existing lock, without pre-releases where the project refuses them (as uv 0.13.9 does)."""
        kept = 0
        for _, ranks in self.preferred(cell):
            kept |= ranks
        return kept if cell.candidates.prereleases_serve else kept & ~cell.candidates.prereleases

    def _rejected(self, candidates: Candidates) -> int:
        rejected = self._sources.rejected.get(candidates)
        return sum(1 << rank for rank in rejected) if rejected else 0

    def hold(self, cell: Cell, low: int, high: int) -> int:
        """Makes a hold on the highest ranks of an interval, as far down as they are held back for the same reason.

        From the second hold on pre-releases of a cell on, it is on all of them at once.

        Returns:
            the literal under which the ranks are out.
        """
        kind, reason = self._why(cell, high)
        first = high
        while first > low and self._why(cell, first - 1) == (kind, reason):
            first -= 1
        ranks = (1 << (high + 1)) - (1 << first)
        if kind == "prerelease" and any(hold.kind == kind for hold in cell.holds):
            ranks = cell.candidates.prereleases & ~cell.candidates.yanked & ~cell.lifted & ~cell.supported
            ranks &= ~self._rejected(cell.candidates)
        believed = set(cell.provisional.values())
        known = (h.literal for h in cell.holds if (h.kind, h.ranks) == (kind, ranks) and not h.lifted)
        literal = next((literal for literal in known if literal not in believed), None)
        return literal or self._encoding.hold(cell, ranks, kind, reason).literal

    def _why(self, cell: Cell, rank: int) -> tuple[HoldKind, str]:
        """The kind of hold on a rank, and of one that could not be had what was said of it."""
        reasons = self._sources.rejected.get(cell.candidates, {})
        if rank in reasons:
            return "unavailable", reasons[rank]
        if cell.candidates.yanked >> rank & 1:
            return "yanked", ""
        if cell.candidates.prereleases >> rank & 1:
            return "prerelease", ""
        return "build", ""

    def in_force(self) -> list[Hold]:
        """The holds that are assumed: those of living cells, but for those that were lifted, as a whole or in part."""
        holds = [hold for cell in self._encoding.living() for hold in cell.holds if not hold.lifted]
        return [hold for hold in holds if hold.kind == "unavailable" or not hold.ranks & hold.cell.lifted]

    def admit_soft(self, assumptions: list[int]) -> list[int]:
        """The assumptions, and of the lifted holds those that can be kept all the same, one after the other."""
        for hold in self._soft_holds():
            if self._session.solve([*assumptions, hold.literal]):
                assumptions = [*assumptions, hold.literal]
        return assumptions

    def _soft_holds(self) -> Iterable[Hold]:
        return (hold for hold in self._soft if hold.cell.alive)

    @staticmethod
    def liftable(hold: Hold) -> bool:
        """Whether its candidates, or other requirements than were believed, may serve where nothing else does."""
        return hold.kind == "build" or (hold.kind == "prerelease" and hold.cell.candidates.prereleases_serve)

    @staticmethod
    def first_to_lift(holds: Iterable[Hold]) -> Hold:
        """Which of several holds is lifted, where lifting one of them may be enough: of one package the newest."""
        return min(holds, key=lambda h: (_LIFT_ORDER.index(h.kind), h.cell.package.name, -h.ranks))

    def lift(self, hold: Hold) -> None:
        """Lifts a hold, which is still kept where that is possible."""
        if self._lift(hold):
            self._soft.append(hold)

    def _lift(self, hold: Hold) -> bool:
        """Lifts a hold; False where it stood for provisional requirements, which are believed no more then."""
        hold.lifted = True
        rank = hold.ranks.bit_length() - 1
        if hold.cell.provisional.get(rank) == hold.literal:
            hold.cell.lifted |= hold.ranks
            self._encoding.withdraw(hold.cell, rank)
            return False
        # Builds are slow: of what would have to be built, one candidate at a time, the newest first.
        hold.cell.lifted |= 1 << rank if hold.kind == "build" else hold.ranks
        return True

    def lift_for_extras(self, guards: list[int], had: list[int], lacked: list[int]) -> bool:
        """Lifts a hold on source builds where such holds alone keep an extra from being there; False where none do.

        Args:
            had: the literals of the wishes for extras that are granted, which are to stay so.
            lacked: those of the wishes that are not.
        """
        builds = {h.literal: h for h in (*self.in_force(), *self._soft_holds()) if h.kind == "build"}
        firm = [*guards, *(hold.literal for hold in self.in_force() if hold.kind != "build"), *had]
        for extra in lacked:
            clash = self._session.clash([*firm, extra, *builds]) if self._session.solve([*firm, extra]) else None
            if clash is not None:
                lifted = self.first_to_lift(builds[literal] for literal in builds if literal in clash)
                self._lift(lifted)
                self._soft = [hold for hold in self._soft if hold is not lifted]
                return True
        return False
