"""The objective ``fresh``: in every environment the lock that is least behind, proven.

Lexicographic tiers in each environment: changes to an existing lock; packages without a file there; extras that the
chosen version does not have yet; escapes; days that direct requirements are behind; days that the rest is behind;
packages. Then, over all environments together: packages with several candidates, candidates, and what is still open by
name, each as new as can be. So the answer is one.

With *fewest* candidates asked for (``fork-strategy``), they come before the days, which are then a mean over the places
of a cell: no cell is divided for the sake of days.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.cells import Cell
from satlock.encoder.markers.platforms import region_of
from satlock.solver.objective.ages import DAY, Ages
from satlock.solver.objective.alike import Alike
from satlock.solver.objective.escapes import Escapes
from satlock.solver.objective.ladders import Ladder
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.objective.newest_first import select
from satlock.solver.objective.tiers import BITS, DIRECT, ESCAPES, Known, Tiers
from satlock.solver.objective.wishes import Wish
from satlock.solver.search.selection import Selection, by_name, directs, pick

__all__ = ["Fresh"]

_ROUGHLY = DAY
"""What is less is small: most of it may be left for when all metadata is there (see :meth:`Optimiser.optimise`)."""
_ALTERNATIVES = 16
"""Selections that are looked at to see what those have in common that are as good."""
_FEW = 64
"""With more cells than this, what takes long is left out of the search for fewer packages: all of it where no other
selection is as good, and the cells that are surely there."""


class Fresh(Tiers):
    """The objective as the search calls it, once in each round of metadata."""

    def __init__(self, known: Known, *, fewest: bool = False) -> None:
        super().__init__(known)
        encoding, session = known.encoding, known.session
        self._fewest = fewest
        self._together = Optimiser(encoding, session)
        self._direct = self._together if fewest else self.upper
        self._lower = Optimiser(encoding, session, None if fewest else self.prices)
        self._ticks = Optimiser(encoding, session, None if fewest else self.prices)
        self._agreed = False
        """Whether it took to know how old the cells are to settle the ticks."""
        more = (self._together,) if fewest else ()
        self._stages = (self.upper, *more, self._lower, self._ticks)
        self._escapes = Escapes(encoding, known.environments, self.upper, ESCAPES, known.missing)
        self._ages: dict[tuple[Candidates, int], Ages] = {}
        self._ladders: dict[Cell, list[Ladder]] = {}
        self._owners: dict[int, Ladder] = {}
        several = DIRECT << BITS if fewest else 1
        self._alike = Alike(encoding, session, self._together, several=several << BITS, more=several)

    def __call__(self, fixed: list[int]) -> Selection:
        """See :class:`Objective`; where metadata is missing, the tie-breaks are left out."""
        self._age(self.bring_up(fixed))
        if self._fewest:
            self._alike.bring_up()
            self._age(())
        while True:
            best = self._settled(fixed)
            if isinstance(best, Selection):
                return best
            best = self._fewest_packages(best)
            if not self._fewest:
                self._together.renounce(set(best))
                self._together.optimise(best)
                best += self._together.softs
            selection = select(self.known, best, turn=by_name)
            self.add_probes(selection)
            # What ties let in was not looked at before.
            if not self._unseen(selection):
                return selection

    def _settled(self, fixed: Sequence[int]) -> list[int] | Selection:
        """The assumptions under which all is as good as can be, or what has to be read before that can be told."""
        roughly = True
        while True:
            best = self._optimise(fixed, roughly=roughly)
            if best is None:
                return Selection(self._unread_directs())
            selection = self.glance()
            self.add_probes(selection)
            if self._unseen(selection):
                continue
            if self.incomplete(selection):
                return selection
            if roughly:
                roughly = False
                continue
            if not self._alike.bring_up():
                return best
            # What makes cells alike tells ranks apart that nothing else told apart: their ages count now.
            self._age(())

    def _unseen(self, selection: Selection) -> bool:
        """Whether a selection was seen to do worse than was known, so that there is a wish more."""
        return self.lacks_files(selection) or self._escapes.look(selection, self.free)

    def _optimise(self, fixed: Sequence[int], *, roughly: bool) -> list[int] | None:
        """The assumptions under which all is as good as can be, stage by stage.

        None where direct requirements have to be read before the rest is worth its while: what was paid for the rest
        rests on them.

        Args:
            roughly: whether the last stage may leave small weights: that is enough to see what has to be read first.
        """
        best = list(fixed)
        self.prices.assumed = {}
        roughly = roughly and bool(self._lower.softs)
        for stage in self._stages[:-1]:
            stage.renounce(set(best))
            stage.optimise(best, self._spent, self._lowered, little=_ROUGHLY if roughly and stage is self._lower else 0)
            self._assume(best, {literal: stage.cells[literal] for literal in stage.softs})
            if stage is self._direct and self._lower.cost and self._unread_directs():
                return None
        if not self._lower.is_open:
            self._settle_ticks(best, roughly=roughly)
        return best

    def _settle_ticks(self, best: list[int], *, roughly: bool) -> None:
        """Adds to the assumptions that of all that is as good in days, what is best in ticks is had."""
        stage = self._ticks
        if self._agreed:
            self._agree(best)
        stage.renounce(set(best))
        if not all(map(self.known.session.holds, stage.softs)):
            stage.optimise(best, self._spent, self._lowered, little=_ROUGHLY)
            if stage.is_open and not roughly:
                self._agree(best)
                stage.optimise(best, self._spent, self._lowered)
        self._assume(best, {literal: stage.cells[literal] for literal in stage.softs})

    def _agree(self, best: list[int]) -> None:
        """Adds what the selections that are as good in days have in common: of each cell how old it is.

        The sum of the days says so too, but hides it: a wish for a tick would clash with dozens of its parts, again and
        again (``docs/solver.md#the-best-in-each-environment``).
        """
        encoding, session = self.known.encoding, self.known.session
        common = {literal: cell for cell in self._ladders for literal in self._as_old(cell)}
        for _ in range(_ALTERNATIVES):
            other = encoding.fresh()
            encoding.state([-other, *(-literal for literal in common)])
            if session.clash([*best, other]) is not None:
                break
            common = {literal: cell for literal, cell in common.items() if session.holds(literal)}
        else:
            common = {}
        self._agreed = bool(common)
        self._assume(best, {literal: frozenset((cell,)) for literal, cell in common.items()})

    def _as_old(self, cell: Cell) -> Iterator[int]:
        """Literals that the model satisfies, under which a cell is as many days behind as there, or absent as there."""
        encoding, thresholds = self.known.encoding, cell.thresholds
        low, high = self.known.session.interval(cell)
        first, above = bisect_left(thresholds, low), bisect_left(thresholds, high + 1)
        if low:
            days = self._ages_of(cell, self._free[cell]).days
            tops = [*(threshold - 1 for threshold in thresholds), cell.candidates.top]
            while first and days(tops[first]) == days(high):
                first -= 1
            while above < len(thresholds) and days(tops[above + 1]) == days(high):
                above += 1
            yield encoding.at_least(cell, thresholds[first])
        if above < len(thresholds):
            yield -encoding.at_least(cell, thresholds[above])

    def _assume(self, best: list[int], cells: Mapping[int, frozenset[Cell]]) -> None:
        """Adds assumptions, each with the cells that it is about."""
        best += cells
        self.prices.assumed |= cells

    def _unread_directs(self) -> dict[Cell, int]:
        """What the model at hand has of direct requirements whose metadata is easily had and missing."""
        found: dict[Cell, int] = {}
        for cell, ladders in self._ladders.items():
            low, high = self.known.session.interval(cell)
            if ladders[0].optimiser is self._direct and low:
                rank = pick(low, high, self.known.held(cell), lowest=False)
                if rank and self.known.missing(cell, rank):
                    found[cell] = rank
        return found

    def wanted(self) -> dict[int, tuple[Wish, Cell]]:
        """See :class:`Objective`."""
        none = {literal: cell for (cell, _), literal in self._escapes.literals.items() if literal in self.upper.softs}
        return super().wanted() | {literal: ("escapes", cell) for literal, cell in none.items()}

    # -- days

    def _age(self, changed: Sequence[Cell]) -> None:
        """Has the ages of cells count."""
        direct = directs(self.known.encoding)
        for cell in changed:
            for known in self._ladders.pop(cell, ()):
                known.optimiser.forget(list(known.literals))
        for cell, free in self._free.items():
            if cell not in self._ladders:
                optimiser, unit = (self._direct, DIRECT) if cell.package.name in direct else (self._lower, 1)
                unit *= self._places(cell) if self._fewest else 1
                self._ladders[cell] = self._ladders_for(cell, free, optimiser, unit)
            for ladder in self._ladders[cell]:
                ladder.bring_up()
                self._own(ladder)

    def _ladders_for(self, cell: Cell, free: int, optimiser: Optimiser, unit: int) -> list[Ladder]:
        """One ladder for days and one for ticks: so weights of days are multiples of a day, of which few differ."""
        ages, encoding, where = self._ages_of(cell, free), self.known.encoding, self.known.admissible.where
        days = Ladder(encoding, optimiser, cell, free=free, behind=ages.days, unit=unit * DAY, where=where)
        if not ages.has_ticks:
            return [days]
        optimiser = self._ticks if optimiser is self._lower else optimiser
        return [days, Ladder(encoding, optimiser, cell, free=free, behind=ages.ticks, unit=unit, where=where)]

    def gone(self, cell: Cell) -> None:
        super().gone(cell)
        for stage in self._stages:
            stage.forget_cell(cell)
        self._ladders.pop(cell, None)

    def _places(self, cell: Cell) -> int:
        """How many of the common places lie in a cell."""
        meet = self.known.environments.meet
        return sum(meet(cell.region, region_of(frozenset((place,)))) for place in self.known.places) or 1

    def _ages_of(self, cell: Cell, free: int) -> Ages:
        key = cell.candidates, free
        if key not in self._ages:
            self._ages[key] = Ages(cell.candidates, free)
        return self._ages[key]

    def _spent(self, literal: int) -> None:
        """Goes on where a soft literal was given up for good."""
        ladder = self._owners.get(literal)
        if ladder:
            ladder.go_on(literal)
            self._own(ladder)

    def _lowered(self, literal: int, enough: int, clashes: Callable[[int], bool]) -> int:
        """See :meth:`Ladder.lowered`."""
        ladder = self._owners.get(literal)
        found = ladder.lowered(literal, enough, clashes) if ladder else 0
        if ladder and found:
            self._own(ladder)
        return found

    def _own(self, ladder: Ladder) -> None:
        if ladder.owned == len(ladder.literals):
            return
        for literal in list(ladder.literals)[ladder.owned :]:
            self._owners[literal] = ladder
        ladder.owned = len(ladder.literals)

    # -- what is left open

    def _fewest_packages(self, assumptions: list[int]) -> list[int]:
        """Adds that as few packages are present as can be, on top of all that costs more.

        Done anew for each answer: what the tiers above leave open is little, and mostly nothing.
        """
        encoding = self.known.encoding
        optimiser = Optimiser(encoding, self.known.session, self.prices)
        undecided = [cell for cell in self._undecided() if cell.candidates.top]
        there: set[int] = set()
        if len(undecided) > _FEW:
            if not self._is_open(assumptions):
                return assumptions
            there = self.known.session.propagates(assumptions)
        for cell in undecided:
            present = encoding.at_least(cell, 1)
            if present not in there:
                optimiser.want(-present, 1, cell)
        optimiser.optimise(assumptions)
        return [*assumptions, *optimiser.softs]

    def _undecided(self) -> Iterator[Cell]:
        """The cells that may be another candidate at the same price, and all that these may bring in."""
        waiting = [cell for cell, ladders in self._ladders.items() if any(ladder.gave_way for ladder in ladders)]
        seen = set(waiting)
        while waiting:
            cell = waiting.pop()
            yield cell
            for edge in (edge for node in cell.nodes.values() for edge in node.edges):
                below = [c for c in edge.package.cells if (c.guard, 0) in edge.encoded]
                waiting += [c for c in below if c not in seen and c in self._free]
                seen.update(below)

    def _is_open(self, assumptions: list[int]) -> bool:
        """Whether another selection is as good in all tiers that have been looked at."""
        encoding, session = self.known.encoding, self.known.session
        selection = self.glance()
        other = encoding.fresh()
        clause = [-other]
        for cell in selection.ranks:
            if cell in self._free:
                low, high = session.interval(cell)
                clause += [-encoding.at_least(cell, low), encoding.at_least(cell, high + 1)]
        encoding.state([literal for literal in clause if literal != -1])
        return session.solve([*assumptions, other])
