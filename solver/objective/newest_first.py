"""The objective ``newest-first``: package by package, each as new as those before it allow.

An objective is a function from a session to a :class:`Selection`; the search calls it again after each load of
metadata, since every answer is only as good as what is in the formula.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.encoding import Encoding
from satlock.solver.objective.levels import levels
from satlock.solver.search.session import Session

__all__ = ["Direction", "HeldBack", "Selection", "Turn", "pick", "select", "traverse"]

Direction = Callable[[Cell, bool], bool]
"""Whether a cell wants its lowest rank, told whether the project itself requires the package."""
Turn = Callable[[str, bool], tuple[int, str]]
"""When a package is chosen, from its name and whether the project itself requires it: the lowest first."""


@dataclass
class Selection:
    """What an optimum selects, as far as the formula knows."""

    ranks: dict[Cell, int] = field(default_factory=dict)
    """In the order in which they were chosen."""
    unlisted: list[str] = field(default_factory=list)
    """Packages that are asked for and whose candidates are not known yet."""
    probes: list[tuple[Cell, int]] = field(default_factory=list)
    """What is not selected, and whose metadata the objective has to know all the same."""

    def needed(self) -> list[tuple[Cell, int]]:
        """All whose metadata must be known before the selection counts."""
        return [*self.ranks.items(), *self.probes]


class HeldBack(Exception):
    """All that a cell can have under what was fixed before it, the ranks from ``low`` to ``high``, is held back."""

    def __init__(self, cell: Cell, low: int, high: int) -> None:
        super().__init__(cell, low, high)
        self.cell, self.low, self.high = cell, max(low, 1), high
        self.others: list[HeldBack] = []
        """Further cells of which the same was found at once."""


@dataclass
class _Climb:
    """One pass over the cells: what has been fixed so far, as assumptions."""

    encoding: Encoding
    session: Session
    assumptions: list[int]
    held: Callable[[Cell], int]
    preferred: Callable[[Cell], int]
    """Ranks to take where possible, whatever their age (an existing lock's)."""
    hold: Callable[[Cell, int, int], int] | None
    """Takes what is held back in an interval out of the formula, and returns the literal under which it is out."""

    def feasible(self, *literals: int) -> bool:
        return self.session.solve([*self.assumptions, *literals])

    def fix(self, cell: Cell, lowest: bool) -> int:
        """Fixes the cell at the best rank that is still possible, and returns it.

        Raises:
            HeldBack: every rank in reach is held back.
        """
        encoding = self.encoding
        low, high = self.session.interval(cell)
        for rank in _from_highest(self.preferred(cell) & ~self.held(cell)):
            exact = [encoding.at_least(cell, rank), -encoding.at_least(cell, rank + 1)]
            if (low <= rank <= high and not cell.ties) or self.feasible(*exact):
                self.assumptions += exact
                return rank
        reach = self._lowest if lowest else self._highest
        low, high = reach(cell)
        while not (rank := pick(low, high, self.held(cell), lowest)):
            if self.hold is not None:
                self.assumptions.append(self.hold(cell, max(low, 1), high))
            if self.hold is None or not self.feasible():
                # Under what was fixed before there is nothing else; without it there may be.
                raise HeldBack(cell, low, high)
            low, high = reach(cell)
        whole = cell.candidates.whole.get(rank)
        if whole and lowest and self.feasible(encoding.at_least(cell, whole), -encoding.at_least(cell, whole + 1)):
            rank = whole
        exact = [encoding.at_least(cell, rank), -encoding.at_least(cell, rank + 1)]
        self.assumptions += exact
        if cell.ties and not self.feasible():
            raise AssertionError("a tie broke a rank that was possible")
        return rank

    def _highest(self, cell: Cell) -> tuple[int, int]:
        """The highest ranks that are possible and cannot be told apart, as an interval.

        The model at hand stays valid for what was fixed since: a new threshold is bound by its neighbours only.
        """
        best = pick(1, cell.candidates.top, self.held(cell), lowest=False)
        _, high = self.session.interval(cell)
        if high < best and not self.feasible(self.encoding.at_least(cell, best)):
            above = [k for k in cell.thresholds if high < k <= best]
            possible, impossible = -1, len(above) - 1
            while impossible - possible > 1:
                middle = (possible + impossible) // 2
                if self.feasible(cell.at_least[above[middle]]):
                    possible = bisect_right(above, self.session.interval(cell)[0]) - 1
                else:
                    impossible = middle
        return self.session.interval(cell)

    def _lowest(self, cell: Cell) -> tuple[int, int]:
        """The lowest ranks above "absent" that are possible and cannot be told apart."""
        best = pick(1, cell.candidates.top, self.held(cell), lowest=True)
        low, _ = self.session.interval(cell)
        present = self.encoding.at_least(cell, 1)
        if low > best and not self.feasible(present, -self.encoding.at_least(cell, best + 1)):
            below = [k for k in cell.thresholds if best < k <= low]
            impossible, possible = 0, len(below)
            while possible - impossible > 1:
                middle = (possible + impossible) // 2
                if self.feasible(present, -cell.at_least[below[middle]]):
                    possible = bisect_right(below, self.session.interval(cell)[0])
                else:
                    impossible = middle
        low, high = self.session.interval(cell)
        return max(low, 1), high


def _from_highest(ranks: int) -> Iterator[int]:
    while ranks:
        rank = ranks.bit_length() - 1
        yield rank
        ranks ^= 1 << rank


def pick(low: int, high: int, held: int, lowest: bool) -> int:
    """The best rank in an interval that is not held back; 0 where there is none."""
    free = ((1 << (high + 1)) - (1 << max(low, 1))) & ~held if high >= max(low, 1) else 0
    if not free:
        return 0
    return (free & -free).bit_length() - 1 if lowest else free.bit_length() - 1


def select(
    encoding: Encoding,
    session: Session,
    assumptions: list[int],
    *,
    held: Callable[[Cell], int],
    preferred: Callable[[Cell], int],
    direction: Direction,
    hold: Callable[[Cell, int, int], int] | None = None,
    turn: Turn | None = None,
) -> Selection:
    """Selects package by package, by default first what the project itself requires, in the order of the file, then
    level by level (see ``levels``), and in order of discovery where that leaves a choice.

    ``assumptions`` must have a model; ranks are fixed on top of them.

    Raises:
        HeldBack: see there.
    """
    climb = _Climb(encoding, session, list(assumptions), held, preferred, hold)
    for package in encoding.packages.values():
        for cell in package.cells:
            for rank in _from_highest(preferred(cell)):
                session.prefer([encoding.at_least(cell, rank), -encoding.at_least(cell, rank + 1)])
    climb.feasible()
    if turn is None:
        level = levels(encoding)
        turn = lambda name, direct: (-1 if direct else level[name], "")  # noqa: E731
    return traverse(encoding, lambda cell, direct: climb.fix(cell, direction(cell, direct)), turn)


def traverse(encoding: Encoding, choose: Callable[[Cell, bool], int], turn: Turn) -> Selection:
    """What is reached from the project when ``choose`` says the rank of each cell, told whether it is direct.

    What has a lower ``turn`` comes first, in order of discovery where that is equal.
    """
    selection = Selection()
    unlisted: dict[str, None] = {}
    seen: set[tuple[Cell, str]] = set()
    waiting: list[tuple[tuple[int, str], int, Cell, str]] = []
    direct: set[Cell] = set()

    def follow(edges: Iterator[Edge]) -> None:
        for edge in edges:
            if edge.package is None:
                continue
            if not edge.package.listed and encoding.domain.satisfiable(edge.node.demand, edge.region):
                unlisted[edge.package.name] = None
            for cell in edge.package.cells:
                if (cell.guard, 0) in edge.encoded:
                    if edge.node.cell is None:
                        direct.add(cell)
                    for extra in ("", *edge.dependency.extras):
                        if (cell, extra) not in seen:
                            seen.add((cell, extra))
                            place = turn(cell.package.name, cell in direct)
                            heappush(waiting, (place, len(seen), cell, extra))

    follow(edge for edge in encoding.root.edges)
    while waiting:
        _, _, cell, extra = heappop(waiting)
        if cell not in selection.ranks:
            selection.ranks[cell] = choose(cell, cell in direct)
        rank = selection.ranks[cell]
        follow(edge for edge in cell.nodes[extra].edges if edge.rank == rank)
    selection.unlisted = list(unlisted)
    return selection
