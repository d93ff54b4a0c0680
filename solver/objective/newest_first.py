"""The objective ``newest-first``: package by package, each as new as those before it allow, in each environment.

``lowest`` and ``lowest-direct`` go the other way, for all packages or for those that the project itself requires.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from satlock.encoder.formula.candidates import descending
from satlock.encoder.formula.cells import Cell
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.records import dataclass, field
from satlock.solver.objective.alike import Alike
from satlock.solver.objective.levels import levels
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.objective.prices import Prices
from satlock.solver.objective.reaching import Reaching
from satlock.solver.objective.tiers import Known, Tiers
from satlock.solver.search.selection import HeldBack, Selection, Turn, directs, pick, traverse

__all__ = ["Direction", "NewestFirst", "select"]

Direction = Callable[[Cell, bool], bool]
"""Whether a cell wants its lowest rank, told whether the project itself names the package."""


class NewestFirst(Tiers):
    """The objective as the search calls it, once in each round of metadata."""

    def __init__(
        self, known: Known, direction: Direction = lambda cell, direct: False, *, fewest: bool = False
    ) -> None:
        """
        Args:
            fewest: whether few candidates are worth more than new ones.
        """
        super().__init__(known)
        self._fewest = fewest
        self._direction = direction
        self._together = Optimiser(known.encoding, known.session)
        self._alike = Alike(known.encoding, known.session, self._together, several=1 << 20, more=1)

    def __call__(self, fixed: list[int]) -> Selection:
        """See :class:`Objective`."""
        self.bring_up(fixed)
        while True:
            selection = self._selected(fixed)
            if not self.lacks_files(selection):
                return selection

    def _selected(self, fixed: list[int]) -> Selection:
        self.upper.optimise(fixed)
        best = [*fixed, *self.upper.softs]
        self.prices.assumed = {literal: self.upper.cells[literal] for literal in self.upper.softs}
        self.prices.within = {}
        if self._fewest:
            return self._select_alike(best)
        selection = select(self.known, best, direction=self._direction, prices=self.prices)
        self.add_probes(selection)
        if self.incomplete(selection):
            return selection
        # What lies outside of all environments that are looked at goes along with the rest, where it can.
        return self._select_alike([*best, *self._settled(selection)])

    def _select_alike(self, assumptions: list[int]) -> Selection:
        """Selects with as few candidates as can be."""
        self._alike.bring_up()
        self._together.renounce(set(assumptions))
        self._together.optimise(assumptions)
        selection = select(self.known, [*assumptions, *self._together.softs], direction=self._direction)
        self.add_probes(selection)
        return selection

    def _settled(self, selection: Selection) -> Iterator[int]:
        for cell, rank in selection.ranks.items():
            if cell in self._free:
                yield self.known.encoding.at_least(cell, rank)
                yield -self.known.encoding.at_least(cell, rank + 1)


_OFTEN = 50
"""Questions after which it is looked again at what follows from the assumptions."""


@dataclass
class _Climb:
    """One pass over the cells: what has been fixed so far, as assumptions."""

    known: Known
    assumptions: list[int]
    prices: Prices | None
    """What has cells divided that could be better in a part of them; None where they are to stay as they are."""
    wishes: dict[tuple[Cell, int, int], int] = field(default_factory=dict)
    _implied: set[int] = field(default_factory=set)
    """Literals that are known to follow from the assumptions."""
    _asked: int = 0

    def feasible(self, *literals: int) -> bool:
        if any(-literal in self._implied for literal in literals):
            return False
        self._asked += 1
        if self._asked % _OFTEN == 1:
            # Most of what is asked follows from what was fixed before by unit propagation alone.
            self._implied = self.known.session.propagates(self.assumptions)
            if any(-literal in self._implied for literal in literals):
                return False
        return self.known.session.solve([*self.assumptions, *literals])

    def fix(self, cell: Cell, lowest: bool, where: Formula = TRUE) -> int:
        """Fixes the cell at the best rank that is still possible, and returns it.

        Args:
            where: with prices, where in the cell its turn has come.

        Raises:
            HeldBack: every rank in reach is held back.
            Divided: a part of the cell could be better.
        """
        at_least, held = self.known.encoding.at_least, self.known.held
        kept = self._keep(cell, where)
        if kept:
            return kept
        reach = self._lowest if lowest else self._highest
        low, high = reach(cell)
        while not (rank := pick(low, high, held(cell), lowest)):
            self.assumptions.append(self.known.hold(cell, max(low, 1), high))
            if not self.feasible():
                # Under what was fixed before there is nothing else; without it there may be.
                raise HeldBack(cell, low, high)
            low, high = reach(cell)
        whole = cell.candidates.whole.get(rank)
        if whole and lowest and self.feasible(at_least(cell, whole), -at_least(cell, whole + 1)):
            rank = whole
        if lowest:
            better = [k for k in cell.thresholds if 1 < k <= low]
            self._ask(cell, 1, better[-1] - 1 if better else 0)
        else:
            worse = cell.thresholds[bisect_right(cell.thresholds, high) :]
            best = pick(1, cell.candidates.top, held(cell), lowest=False)
            self._ask(cell, worse[0] if worse and worse[0] <= best else 0, cell.candidates.top)
        self._fix(cell, rank, where)
        return rank

    def _keep(self, cell: Cell, where: Formula) -> int:
        """Fixes the cell at a version of an existing lock, if it can be; else returns 0."""
        low, high = self.known.session.interval(cell)
        kept = 0
        for region, ranks in self.known.preferred(cell):
            if self.known.environments.within(cell.region, region):
                kept |= ranks
        for rank in descending(kept & ~self.known.held(cell)):
            exact = [self.known.encoding.at_least(cell, rank), -self.known.encoding.at_least(cell, rank + 1)]
            if (low <= rank <= high and not cell.ties) or self.feasible(*exact):
                self._fix(cell, rank, where)
                return rank
        return 0

    def _fix(self, cell: Cell, rank: int, where: Formula) -> None:
        at_least = self.known.encoding.at_least
        if self.prices is None:
            self.assumptions += [at_least(cell, rank), -at_least(cell, rank + 1)]
        else:
            literal = self._wish(cell, rank, rank)
            self.prices.assumed[literal] = frozenset((cell,))
            self.prices.within[literal] = where
            self.assumptions.append(literal)
        # A threshold that is new is bound by its neighbours, but what it is tied to may have to follow.
        if cell.ties and not self.known.session.knows(self.assumptions[-2:]) and not self.feasible():
            raise AssertionError("a tie broke a rank that was possible")

    def _ask(self, cell: Cell, low: int, high: int) -> None:
        """Has a cell divided that could have a rank in a better interval in some of its environments, if not in all."""
        if self.prices is None or not 0 < low <= high:
            return
        claim = self._wish(cell, low, high)
        found = self.known.session.clash([*self.assumptions, claim])
        if found is None:
            return
        core = [claim] if claim in found else []
        core, grounds = self.prices.narrowed(core, [one for one in found if one != claim], (cell,))
        self.prices.reasons(core, grounds, (cell,), self.assumptions)

    def _wish(self, cell: Cell, low: int, high: int) -> int:
        """A literal under which the cell is absent or in an interval."""
        key = cell, low, high
        if key not in self.wishes:
            at_least = self.known.encoding.at_least
            literal = self.wishes[key] = self.known.encoding.fresh()
            self.known.encoding.state([-literal, -at_least(cell, 1), at_least(cell, low)])
            self.known.encoding.state([-literal, -at_least(cell, 1), -at_least(cell, high + 1)])
        return self.wishes[key]

    def _highest(self, cell: Cell) -> tuple[int, int]:
        """The highest ranks that are possible and cannot be told apart, as an interval.

        The model at hand stays valid for what was fixed since: a new threshold is bound by its neighbours only.
        """
        session = self.known.session
        best = pick(1, cell.candidates.top, self.known.held(cell), lowest=False)
        _, high = session.interval(cell)
        if high < best and not self.feasible(self.known.encoding.at_least(cell, best)):
            above = [k for k in cell.thresholds if high < k <= best]

            def impossible(k: int) -> bool:
                return session.interval(cell)[0] < k and not self.feasible(cell.at_least[k])

            bisect_left(above, True, hi=len(above) - 1, key=impossible)
        return session.interval(cell)

    def _lowest(self, cell: Cell) -> tuple[int, int]:
        """The lowest ranks above "absent" that are possible and cannot be told apart."""
        session = self.known.session
        best = pick(1, cell.candidates.top, self.known.held(cell), lowest=True)
        low, _ = session.interval(cell)
        present = self.known.encoding.at_least(cell, 1)
        if low > best and not self.feasible(present, -self.known.encoding.at_least(cell, best + 1)):
            below = [k for k in cell.thresholds if best < k <= low]

            def possible(k: int) -> bool:
                return session.interval(cell)[0] < k or self.feasible(present, -cell.at_least[k])

            bisect_left(below, True, lo=1, key=possible)
        low, high = session.interval(cell)
        return max(low, 1), high


def select(
    known: Known,
    assumptions: list[int],
    *,
    direction: Direction = lambda cell, direct: False,
    turn: Turn | None = None,
    prices: Prices | None = None,
) -> Selection:
    """Selects package by package, by default first what the project itself names, in the order of the file, then
    level by level (see ``levels``), and in order of discovery where that leaves a choice.

    ``assumptions`` must have a model; ranks are fixed on top of them.

    Raises:
        HeldBack: see there.
        Divided: with ``prices``, where a part of a cell could be better than the rest.
    """
    climb = _Climb(known, list(assumptions), prices)
    for package in known.encoding.packages.values():
        for cell in package.cells:
            for rank in (rank for _, ranks in known.preferred(cell) for rank in descending(ranks)):
                known.session.prefer([known.encoding.at_least(cell, rank), -known.encoding.at_least(cell, rank + 1)])
    climb.feasible()
    if turn is None:
        level, place = levels(known.encoding), directs(known.encoding)
        turn = lambda name, direct: (place[name] - len(place) if direct else level[name], "")  # noqa: E731
    if prices is None:
        return traverse(known.encoding, lambda cell, direct: climb.fix(cell, direction(cell, direct)), turn)
    reaching = Reaching(known.encoding, known.environments, turn)
    while (found := reaching.next()) is not None:
        cell, direct = found
        reaching.choose(cell, climb.fix(cell, direction(cell, direct), reaching.at(cell)))
    return reaching.selection
