"""The objective ``fresh``: of all valid locks the one that is least behind, proven.

Lexicographic tiers, each a weight of its own magnitude in one optimiser: changes to an existing lock; extras that the
chosen version does not have yet; packages with several candidates; days that direct requirements are behind; days that
the rest is behind; packages. What is still open after these goes by name, each as new as can be, so the answer is one.

Days are counted for each candidate of a package once, however many cells have it. They are optimal for the partition at
hand: which cells there are is up to the cores (see ``refinement``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from satlock.encoder.formula.candidates import Candidates, runs
from satlock.encoder.formula.cells import Cell, Package
from satlock.encoder.formula.encoding import Encoding
from satlock.solver.objective.ages import Ages
from satlock.solver.objective.ladders import Ladder
from satlock.solver.objective.maxsat import Optimiser, Totalizer
from satlock.solver.objective.newest_first import HeldBack, Selection, pick, select, traverse
from satlock.solver.search.admissible import Admissible
from satlock.solver.search.session import Session

__all__ = ["Fresh"]

_BITS = 48
"""No tier's sum comes near 2 ** 48: a hundred thousand packages, each ten thousand years behind, do not."""
_DIRECT, _MORE, _SEVERAL, _EXTRAS, _CHANGES = (1 << _BITS * place for place in range(5))


class Fresh:
    """The objective as the search calls it, once in each round of metadata."""

    def __init__(
        self,
        encoding: Encoding,
        session: Session,
        *,
        held: Callable[[Cell], int],
        preferred: Callable[[Cell], int],
        admissible: Admissible,
        missing: Callable[[Cell, int], bool],
    ) -> None:
        """
        Args:
            held: ranks that are not to be chosen as things stand.
            preferred: ranks of an existing lock.
            missing: whether the metadata of a candidate is to be loaded, and is no great effort.
        """
        self._encoding, self._session = encoding, session
        self._held, self._preferred, self._admissible, self._missing = held, preferred, admissible, missing
        self._ages: dict[tuple[Candidates, int], Ages] = {}
        self._ties: dict[tuple[Cell, Cell], int] = {}
        self.restarts = -1
        self._restart()

    def __call__(self, fixed: list[int]) -> Selection:
        """The best selection as far as the formula knows; where that lacks metadata, the tie-breaks are left out.

        Raises:
            HeldBack: see there.
        """
        free = self._bring_up(fixed)
        self._upper.optimise(fixed, self._spent)
        fixed = [*fixed, *self._upper.softs]
        self._bring_up_rest(fixed, free)
        self._lower.optimise(fixed, self._spent)
        selection = self._glance()
        self._add_probes(selection)
        if selection.unlisted or any(self._missing(cell, rank) for cell, rank in selection.needed()):
            return selection
        assumptions = self._fewest([*fixed, *self._lower.softs])
        selection = select(
            self._encoding,
            self._session,
            assumptions,
            held=self._held,
            preferred=self._preferred,
            direction=lambda cell, direct: False,
            turn=_by_name,
        )
        self._add_probes(selection)
        return selection

    def _glance(self) -> Selection:
        """What the model at hand selects."""
        found: list[HeldBack] = []

        def choose(cell: Cell, direct: bool) -> int:
            low, high = self._session.interval(cell)
            rank = pick(low, high, self._held(cell), lowest=False)
            if not rank:
                found.append(HeldBack(cell, low, high))
            return rank or high

        selection = traverse(self._encoding, choose, _by_name)
        if found:
            found[0].others = found[1:]
            raise found[0]
        return selection

    # -- keeping up with the formula

    def _restart(self) -> None:
        self._upper = Optimiser(self._session, self._encoding.fresh)
        self._ladders: dict[Cell, Ladder] = {}
        self._direct: set[Cell] = set()
        self._new: dict[Cell, int] = {}
        self._owners: dict[int, Ladder] = {}
        self._counted: dict[str, int] = {}
        self._kept: dict[str, tuple[int, set[Cell]]] = {}
        self._lacking: dict[tuple[Cell, str], int] = {}
        self._told: set[tuple[Cell, str, int]] = set()
        self.restarts += 1
        self._restart_rest()

    def _restart_rest(self) -> None:
        self._stale = False
        self._lower = Optimiser(self._session, self._encoding.fresh)
        self._ladders = {cell: ladder for cell, ladder in self._ladders.items() if cell in self._direct}
        self._owners = {literal: ladder for literal, ladder in self._owners.items() if ladder.cell in self._direct}

    def _bring_up(self, fixed: Sequence[int]) -> dict[Cell, int]:
        """Puts into soft literals what has become known since the last round; the admissible ranks of each cell.

        Cores are void when an assumption they rest on was given up (a cell was split, a hold was lifted), and
        weights when what counts as admissible has changed: then all starts over.
        """
        free = {cell: self._admissible.ranks(cell) for cell in self._encoding.living()}
        if any(not cell.alive for cell in self._ladders) or not self._upper.relied <= set(fixed):
            self._restart()
        for cell, ladder in list(self._ladders.items()):
            known = ladder.ages.free
            if free[cell] == known or ladder.grow_older(self._ages_of(cell, free[cell])):
                continue
            if cell in self._direct or free[cell].bit_length() != known.bit_length():
                self._restart()
                break
            self._stale = True
        for edge in self._encoding.root.edges:
            cells = edge.package.cells if edge.package else ()
            self._direct.update(cell for cell in cells if (cell.guard, 0) in edge.encoded)
        for package in self._encoding.packages.values():
            self._keep(package)
            if len(package.cells) > 1:
                self._count_candidates(package)
            for cell in package.cells:
                self._want_extras(cell, free[cell])
                if cell in self._direct:
                    self._climb(cell, free[cell], direct=True)
        return free

    def _bring_up_rest(self, fixed: Sequence[int], free: dict[Cell, int]) -> None:
        """The same for what is not required directly.

        Its cores rest on the optimum of the tiers above, and are void when that has moved. They are kept apart, since
        most are short once the direct requirements are settled.
        """
        if self._stale or not self._lower.relied <= set(fixed):
            self._restart_rest()
        for cell in self._encoding.living():
            if cell not in self._direct:
                self._climb(cell, free[cell], direct=False)

    def _climb(self, cell: Cell, free: int, direct: bool) -> None:
        """Has the age of a cell count."""
        ladder = self._ladders.get(cell)
        if ladder is None:
            counts = self._new.get(cell) or (0 if direct else self._encoding.at_least(cell, 1))
            optimiser, unit = (self._upper, _DIRECT) if direct else (self._lower, 1)
            ages = self._ages_of(cell, free)
            ladder = Ladder(self._encoding, self._session, optimiser, cell, ages=ages, unit=unit, counts=counts)
            self._ladders[cell] = ladder
        ladder.bring_up()
        self._own(ladder)

    def _spent(self, literal: int) -> None:
        """Goes on where a soft literal was given up for good."""
        ladder = self._owners.get(literal)
        if ladder:
            ladder.go_on()
            self._own(ladder)

    def _own(self, ladder: Ladder) -> None:
        for literal in list(ladder.literals.values())[ladder.owned :]:
            self._owners[literal] = ladder
        ladder.owned = len(ladder.literals)

    def _ages_of(self, cell: Cell, free: int) -> Ages:
        key = cell.candidates, free
        if key not in self._ages:
            self._ages[key] = Ages(cell.candidates, free)
        return self._ages[key]

    # -- the tiers above

    def _keep(self, package: Package) -> None:
        """A package that is selected keeps to versions of the existing lock."""
        for cell in package.cells:
            ranks = self._preferred(cell) & ~self._held(cell)
            kept, known = self._kept.get(package.name, (0, set[Cell]()))
            if not ranks or cell in known:
                continue
            if not kept:
                kept = self._encoding.fresh()
                self._upper.want(kept, _CHANGES)
            self._kept[package.name] = kept, known | {cell}
            spans = list(runs(ranks))
            at_least = self._encoding.at_least
            absent = [-kept, -cell.guard, -at_least(cell, 1)]
            last = 0
            for first, end in spans:
                self._session.add([*absent, -at_least(cell, last + 1), at_least(cell, first)])
                last = end
            self._session.add([*absent, -at_least(cell, last + 1)])

    def _count_candidates(self, package: Package) -> None:
        """One candidate for all cells of a package, or else as few as can be.

        A cell is *new* if it is present and no cell before it has the same candidate; a package has as many candidates
        as it has new cells.
        """
        if self._counted.get(package.name) == len(package.cells):
            return
        self._counted[package.name] = len(package.cells)
        new: list[int] = []
        cells = sorted(package.cells, key=lambda cell: cell not in self._direct)
        present = [self._encoding.at_least(cell, 1) for cell in cells]
        for place, cell in enumerate(cells):
            literal = self._new[cell] = self._encoding.fresh()
            clause = [literal, -cell.guard, -present[place]]
            for before, other in enumerate(cells[:place]):
                if other.candidates is cell.candidates:
                    same = self._same(other, cell)
                    self._session.add([-same, present[before]])
                    clause.append(same)
            self._session.add(clause)
            new.append(literal)
        if package.name in self._encoding.single_version:
            return
        total = Totalizer(new, self._encoding.fresh, self._session.add)
        for count in range(2, len(new) + 1):
            self._upper.want(-total.output(count), _SEVERAL if count == 2 else _MORE)

    def _same(self, one: Cell, other: Cell) -> int:
        if (one, other) not in self._ties:
            self._ties[one, other] = self._encoding.tie(one, other)
        return self._ties[one, other]

    def _want_extras(self, cell: Cell, free: int) -> None:
        """An extra that is asked for exists in the chosen version, if it does in the newest.

        So nobody is sent back to a version from before the extra existed. One that the newest version does not have
        (dropped since, or misspelt by somebody) sends nobody back in time either.
        """
        newest = free.bit_length() - 1
        for extra in cell.nodes:
            if not extra or newest <= 0 or not _provides(cell, newest, extra):
                continue
            for rank in cell.attached:
                if (cell, extra, rank) in self._told or rank in cell.provisional or _provides(cell, rank, extra):
                    continue
                self._told.add((cell, extra, rank))
                if (cell, extra) not in self._lacking:
                    self._lacking[cell, extra] = self._encoding.fresh()
                    self._upper.want(self._lacking[cell, extra], _EXTRAS)
                at_least = self._encoding.at_least
                chosen = [-at_least(cell, rank), at_least(cell, rank + 1)]
                self._session.add([-self._lacking[cell, extra], -cell.nodes[extra].literal, *chosen])

    def _add_probes(self, selection: Selection) -> None:
        """Asks for the newest version's metadata where an older one lacks an extra: it tells whether that counts."""
        for cell, rank in selection.ranks.items():
            for extra in cell.nodes:
                if extra and rank in cell.attached and not _provides(cell, rank, extra):
                    newest = self._admissible.newest(cell)
                    if newest > 0 and newest not in cell.attached and self._missing(cell, newest):
                        selection.probes.append((cell, newest))

    def extras(self, selection: Selection) -> tuple[list[int], list[int]]:
        """Of the literals that say that an extra is there which is asked for, those that a selection meets, and not."""
        lacked = {
            literal
            for (cell, extra), literal in self._lacking.items()
            if self._session.holds(cell.nodes[extra].literal)
            if selection.ranks.get(cell) and not _provides(cell, selection.ranks[cell], extra)
        }
        return [literal for literal in self._lacking.values() if literal not in lacked], sorted(lacked)

    # -- the tiers below

    def _fewest(self, assumptions: list[int]) -> list[int]:
        """Adds that as few packages are present as can be, on top of all that costs more.

        Done anew for each answer: what the tiers above leave open is little.
        """
        implied = self._session.propagates(assumptions)
        optimiser = Optimiser(self._session, self._encoding.fresh)
        for package in self._encoding.packages.values():
            present = [self._encoding.at_least(cell, 1) for cell in package.cells if cell.candidates.top]
            if not present or any(literal in implied for literal in present):
                continue
            if len(present) == 1:
                optimiser.want(-present[0], 1)
                continue
            absent = self._encoding.fresh()
            for literal in present:
                self._session.add([-absent, -literal])
            optimiser.want(absent, 1)
        optimiser.optimise(assumptions)
        return [*assumptions, *optimiser.softs]


def _by_name(name: str, direct: bool) -> tuple[int, str]:
    return (0 if direct else 1, name)


def _provides(cell: Cell, rank: int, extra: str) -> bool:
    """Whether metadata that is in the formula says that a candidate has an extra."""
    builds = cell.attached.get(rank, ())
    return bool(builds) and all(extra in dependencies.provides for _, dependencies in builds)
