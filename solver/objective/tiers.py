"""What every objective wants before it looks at how new a lock is, in each environment (see ``environments``).

:class:`Objective` says what an objective is and owes; the four that there are have names in ``named``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import Formula
from satlock.encoder.markers.platforms import Place
from satlock.records import dataclass
from satlock.solver.objective.environments import Environments
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.objective.prices import Prices
from satlock.solver.objective.wishes import Extras, Installs, Keeps, Wish, provides
from satlock.solver.search.admissible import Admissible
from satlock.solver.search.selection import HeldBack, Selection, by_name, pick, traverse
from satlock.solver.search.session import Session

__all__ = ["Known", "Objective", "Tiers"]

BITS = 80
"""No tier's sum comes near 2 ** 80: a hundred thousand packages, each ten thousand years behind, do not."""
DIRECT, ESCAPES, EXTRAS, INSTALLS, KEPT = (1 << BITS * place for place in range(5))


@dataclass(frozen=True, repr=False)
class Known:
    """What an objective asks the search."""

    encoding: Encoding
    session: Session
    environments: Environments
    admissible: Admissible
    held: Callable[[Cell], int]
    """Ranks that are not to be chosen as things stand."""
    preferred: Callable[[Cell], Sequence[tuple[Formula, int]]]
    """By region the ranks of an existing lock."""
    missing: Callable[[Cell, int], bool]
    """Whether the metadata of a candidate is to be loaded, and is no great effort."""
    hold: Callable[[Cell, int, int], int]
    """Takes what is held back in an interval out of the formula, and returns the literal under which it is out."""
    places: Sequence[Place]
    """Where a file is asked for."""


class Objective(Protocol):
    """Which of all valid locks.

    What it owes: the same selection for the same formula, whatever the order of hashes; one that is best as far as the
    formula knows, since what is not loaded can only forbid more; and where some environments of a cell are served worse
    for the sake of others, :class:`Divided` in place of a selection. What rests on assumptions that are no longer given
    (a cell was divided, a hold was lifted) it takes back.

    What it costs: it is called once for each round of metadata and after each division, some hundred times in a large
    project. So what it learned should survive from call to call. Nearly all time goes into what it asks the session.
    """

    def __call__(self, fixed: list[int]) -> Selection:
        """The best selection under assumptions that have a model, as far as the formula knows.

        Raises:
            Divided: cells must be divided first.
            HeldBack: all that serves is held back.
        """

    def extras(self, selection: Selection) -> tuple[list[int], list[int]]:
        """The literals of the wishes for extras that a selection meets, and those of the wishes that it does not."""

    def wanted(self) -> dict[int, tuple[Wish, Cell]]:
        """The wishes worth more than newness that the best selection meets: by literal what is wanted, and where."""


class Tiers:
    """Keeps, installs and has the extras asked for: one optimiser that lives as long as the search."""

    def __init__(self, known: Known) -> None:
        self.known = known
        encoding, session = known.encoding, known.session
        self.prices = Prices(encoding, session, known.environments)
        self.upper = Optimiser(encoding, session, self.prices)
        self._keeps = Keeps(encoding, known.environments, self.upper, weight=KEPT, preferred=known.preferred)
        self._installs = Installs(encoding, known.environments, self.upper, INSTALLS, known.places)
        self._extras = Extras(encoding, self.upper, EXTRAS)
        self._free: dict[Cell, int] = {}
        self._looked_at: dict[Cell, tuple[object, ...]] = {}

    def free(self, cell: Cell) -> int:
        """The admissible ranks of a cell."""
        found = self._free.get(cell)
        return self.known.admissible.ranks(cell) if found is None else found

    def bring_up(self, fixed: Sequence[int]) -> list[Cell]:
        """Puts into soft literals what has become known since the last round; the cells whose admissible ranks changed.

        What rests on an assumption that was given up (a cell was divided, a hold was lifted) is taken back.
        """
        for cell in [cell for cell in self._looked_at if not cell.alive]:
            del self._looked_at[cell]
            self._free.pop(cell, None)
            self.gone(cell)
        self.upper.renounce(set(fixed))
        changed = []
        for cell in self.known.encoding.living():
            demand = cell.nodes[""].demand
            state = (demand, self.known.held(cell), len(cell.attached), len(cell.provisional), len(cell.nodes))
            if self._looked_at.get(cell) == state:
                continue
            self._looked_at[cell] = state
            if not self.known.environments.meet(cell.region, demand):
                continue
            free = self.known.admissible.ranks(cell)
            if self._free.get(cell) != free:
                if cell in self._free:
                    self._extras.forget(cell)
                self._free[cell] = free
                changed.append(cell)
            self._keeps.bring_up(cell)
            self._installs.bring_up(cell, free)
            self._extras.bring_up(cell, free)
        return changed

    def gone(self, cell: Cell) -> None:
        """Forgets a cell that was divided."""
        self.upper.forget_cell(cell)

    def glance(self) -> Selection:
        """What the model at hand selects.

        Raises:
            HeldBack: see there.
        """
        found: list[HeldBack] = []
        session, held = self.known.session, self.known.held

        def choose(cell: Cell, direct: bool) -> int:
            low, high = session.interval(cell)
            rank = pick(low, high, held(cell), lowest=False)
            if not rank:
                found.append(HeldBack(cell, low, high))
            return rank or high

        selection = traverse(self.known.encoding, choose, by_name)
        if found:
            found[0].others = found[1:]
            raise found[0]
        return selection

    def lacks_files(self, selection: Selection) -> bool:
        """Whether a selection was seen to lack files that nothing was known of, so that there is a wish more."""
        return self._installs.look(selection, self._free)

    def incomplete(self, selection: Selection) -> bool:
        """Whether metadata that is easily had is missing, so that no tie-break is worth its while yet."""
        return bool(selection.unlisted) or any(self.known.missing(cell, rank) for cell, rank in selection.needed())

    def add_probes(self, selection: Selection) -> None:
        """Asks for the newest version's metadata where an older one lacks an extra: it tells whether that counts."""
        for cell, rank in selection.ranks.items():
            for extra in cell.nodes:
                if extra and rank in cell.attached and not provides(cell, rank, extra):
                    newest = self.known.admissible.newest(cell)
                    if newest > 0 and newest not in cell.attached and self.known.missing(cell, newest):
                        selection.probes.append((cell, newest))

    def wanted(self) -> dict[int, tuple[Wish, Cell]]:
        """See :class:`Objective`."""
        every: dict[int, tuple[Wish, Cell]] = {}
        every.update((literal, ("installs", cell)) for cell, literal in self._installs.literals.items())
        every.update((literal, ("extras", cell)) for (cell, _), literal in self._extras.literals.items())
        return {literal: said for literal, said in every.items() if literal in self.upper.softs}

    def extras(self, selection: Selection) -> tuple[list[int], list[int]]:
        """See :class:`Objective`."""
        lacked = {
            literal
            for (cell, extra), literal in self._extras.literals.items()
            if cell.alive and self.known.session.holds(cell.nodes[extra].literal)
            if selection.ranks.get(cell) and not provides(cell, selection.ranks[cell], extra)
        }
        wanted = [literal for (cell, _), literal in self._extras.literals.items() if cell.alive]
        return [literal for literal in wanted if literal not in lacked], sorted(lacked)
