"""Why a package is not at its newest admissible version: the least that forbids a newer one.

The claim about a package is that no newer admissible version goes together with the facts, as long as what is worth
as much or more stays as it is: others no older, nothing brought in, cells alike that are alike. An optimum that could
be bettered so would be none. Of all this a minimal part is the reason; where it has facts alone, nothing that is given
up elsewhere would help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial

from satlock.encoder.formula.candidates import runs
from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.facts import Fact, Wished
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.records import dataclass
from satlock.solver.objective.environments import Environments
from satlock.solver.objective.wishes import Wish
from satlock.solver.search.admissible import Admissible
from satlock.solver.search.selection import Selection
from satlock.solver.search.session import Session

__all__ = ["Reason", "Reasons"]


@dataclass(frozen=True, repr=False)
class Reason:
    """Facts and wishes that leave a cell no admissible rank above ``rank``; each of them is needed."""

    cell: Cell
    rank: int
    """What was chosen."""
    newest: int
    """The newest admissible rank."""
    facts: tuple[Fact, ...] = ()
    kept: tuple[tuple[Cell, int], ...] = ()
    """Cells that would otherwise have to be older than this rank."""
    absent: tuple[Cell, ...] = ()
    """Cells of packages that would otherwise be brought in."""
    alike: tuple[tuple[Cell, Cell], ...] = ()
    """Cells of one package that would otherwise have different candidates."""
    wanted: tuple[tuple[Wish, Cell], ...] = ()
    """What else would be given up, which is worth more than to be newer."""
    assumed: tuple[int, ...] = ()
    """The literals that say all this, the claim's own first."""
    locked: bool = False
    """There is no more to it than that an existing lock is kept to."""

    @property
    def proven(self) -> bool:
        """Whether facts and wishes forbid it; else only the sums of the objective do."""
        return bool(self.assumed)


class Reasons:
    """The reasons of one selection. Each is computed when it is asked for, in a session of its own."""

    def __init__(  # noqa: PLR0917
        self,
        encoding: Encoding,
        selection: Selection,
        admissible: Admissible,
        preferred: Callable[[Cell], Sequence[tuple[Formula, int]]],
        assumptions: Sequence[int],
        wanted: Mapping[int, tuple[Wish, Cell]],
    ) -> None:
        """
        Args:
            wanted: literals of what the selection has, and what is worth more than to be newer.
            preferred: by region the ranks of an existing lock.
            assumptions: the literals of what is held back.
        """
        self.encoding, self.selection, self.admissible = encoding, selection, admissible
        self._preferred = preferred
        self._held = tuple(assumptions)
        self.assumed = (*(cell.guard for cell in encoding.living()), *assumptions)
        self._session: Session | None = None
        self.wanted = wanted
        self._wishes: dict[int, tuple[Cell, Cell | int]] = {}
        self._stays: dict[Cell, int] = {}
        self._found: dict[tuple[Cell, Formula], Reason] = {}
        """By cell and the part of it that was asked for, TRUE for all of it."""

    def behind(self) -> Iterator[Cell]:
        """The selected cells that are not at their newest admissible rank."""
        for cell, rank in self.selection.ranks.items():
            if rank and self._above(cell, rank):
                yield cell

    def of(self, cell: Cell) -> Reason:
        """Why a cell that is :meth:`behind` is there."""
        if (cell, TRUE) not in self._found:
            session = self._brought_up()
            wishes = [*self.wanted, *self._wishes]
            self._found[cell, TRUE] = self._find(cell, session.regions, self.assumed, wishes)
        return self._found[cell, TRUE]

    def there(self, cell: Cell, part: Formula, environments: Environments) -> Reason:
        """The same in a part of its environments, of what is in force there alone."""
        if (cell, part) not in self._found:
            self._found[cell, part] = self._there(cell, cache(partial(environments.meet, part)))
        return self._found[cell, part]

    def _there(self, cell: Cell, met: Callable[[Formula], bool]) -> Reason:
        session = self._brought_up()
        regions = [literal for literal, region in session.regions.items() if met(region)]
        guards = [one.guard for one in self.encoding.living() if met(one.region)]
        wishes = [literal for literal, (_, one) in self.wanted.items() if met(one.region)]
        for literal, (one, other) in self._wishes.items():
            if met(one.region) and (not isinstance(other, Cell) or met(other.region)):
                wishes.append(literal)
        return self._find(cell, regions, [*guards, *self._held], wishes)

    def _brought_up(self) -> Session:
        """The session of all reasons, with a selector for each region that facts are stated for."""
        if self._session is None:
            self._session = Session(self.encoding, lambda own: own)
        self._wish()
        self._session.bring_up()
        return self._session

    def _find(self, cell: Cell, regions: Iterable[int], assumed: Sequence[int], wishes: Sequence[int]) -> Reason:
        session = self._brought_up()
        rank, newest = self.selection.ranks[cell], self.admissible.newest(cell)
        claim = self._at(cell, self._above(cell, rank), rank + 1)
        wishes = [literal for literal in wishes if literal != self._stays.get(cell)]

        def clash(kept: Sequence[int]) -> set[int] | None:
            found = session.clash_among([*regions, *assumed, claim, *kept])
            return None if found is None else set(found)

        core = clash(wishes)
        if core is None:
            return Reason(cell, rank, newest, locked=any(ranks >> rank & 1 for _, ranks in self._preferred(cell)))
        kept = [literal for literal in wishes if literal in core]
        for literal in reversed(kept):
            if literal in kept:
                smaller = clash([other for other in kept if other != literal])
                if smaller is not None:
                    core, kept = smaller, [other for other in kept if other in smaller]
        involved = {TRUE, *(region for literal, region in session.regions.items() if literal in core)}
        facts = session.core([*assumed, claim, *kept], involved)
        wished = [self._wishes[literal] for literal in kept if literal in self._wishes]
        return Reason(
            cell,
            rank,
            newest,
            tuple(fact for fact in facts if not isinstance(fact, Wished)),
            tuple((one, other) for one, other in wished if isinstance(other, int) and other),
            tuple(one for one, other in wished if not isinstance(other, Cell) and not other),
            tuple((one, other) for one, other in wished if isinstance(other, Cell)),
            tuple(self.wanted[literal] for literal in kept if literal in self.wanted),
            (claim, *kept),
        )

    def _wish(self) -> None:
        """Whatever is to stay as it is, the dearest first: it is given up last."""
        if self._stays:
            return
        encoding, ranks = self.encoding, self.selection.ranks
        for package in encoding.packages.values():
            cells = [cell for cell in package.cells if cell in ranks]
            for place, one in enumerate(cells):
                other = next((c for c in cells[:place] if (c.candidates, ranks[c]) == (one.candidates, ranks[one])), 0)
                if isinstance(other, Cell):
                    self._wishes[encoding.tie(other, one)] = (other, one)
        for cell, rank in ranks.items():
            literal = self._stays[cell] = self._at(cell, self._above(cell, rank) | 1 << rank, rank)
            self._wishes[literal] = (cell, rank)
        for cell in encoding.living():
            if cell not in ranks and cell.candidates.top:
                self._wishes[-encoding.at_least(cell, 1)] = (cell, 0)

    def _above(self, cell: Cell, rank: int) -> int:
        """The admissible ranks above one."""
        return self.admissible.ranks(cell) & ~((1 << (rank + 1)) - 1)

    def _at(self, cell: Cell, ranks: int, least: int) -> int:
        """A literal under which the cell has one of some ranks, none of which is below ``least``."""
        out = cell.candidates.everything & ~ranks & ~((1 << least) - 1)
        if not out:
            return self.encoding.at_least(cell, least)
        literal = self.encoding.fresh()
        self.encoding.state([-literal, self.encoding.at_least(cell, least)])
        for first, last in runs(out):
            low, high = self.encoding.at_least(cell, first), self.encoding.at_least(cell, last + 1)
            self.encoding.state([-literal, -low, high])
        return literal
