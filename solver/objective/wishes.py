"""What a lock should do in each environment before it is new: keep what is locked, install, have the extras asked for.

Each is one soft literal for a cell, with what it means as facts: so a wish that costs something in some environments of
a cell alone divides it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import TRUE, Formula, any_of
from satlock.encoder.markers.platforms import Place, region_around, region_of, unserved
from satlock.solver.objective.environments import Environments
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.search.selection import Selection

__all__ = ["Extras", "Installs", "Keeps", "Wish", "provides"]

Wish = Literal["installs", "extras", "escapes"]


class Keeps:
    """A package that is selected keeps to the versions of the existing lock."""

    def __init__(
        self,
        encoding: Encoding,
        environments: Environments,
        optimiser: Optimiser,
        *,
        weight: int,
        preferred: Callable[[Cell], Sequence[tuple[Formula, int]]],
    ) -> None:
        """
        Args:
            preferred: by region the ranks of the existing lock.
        """
        self._encoding, self._environments, self._optimiser = encoding, environments, optimiser
        self._weight, self._preferred = weight, preferred
        self.literals: dict[Cell, int] = {}

    def bring_up(self, cell: Cell) -> None:
        """Wants that a cell is kept, if it was not said before."""
        meet = self._environments.meet
        ranks = [(region, ranks) for region, ranks in self._preferred(cell) if ranks and meet(region, cell.region)]
        if cell in self.literals or not ranks:
            return
        literal = self.literals[cell] = self._encoding.fresh()
        for region, kept in ranks:
            self._encoding.wish(cell, literal, kept, region)
        self._optimiser.want(literal, self._weight, cell)


class Installs:
    """A package that is selected has a file, where some version that the project admits has one.

    It is asked of the common platforms, with each released CPython, and of those that the project requires. Of most
    packages only the files of what is selected are looked at: those of all their releases may be thousands.
    """

    def __init__(
        self, encoding: Encoding, environments: Environments, optimiser: Optimiser, weight: int, places: Sequence[Place]
    ) -> None:
        self._encoding, self._environments, self._optimiser = encoding, environments, optimiser
        self._weight, self._places = weight, places
        self._bare: dict[Candidates, list[tuple[Formula, int]]] = {}
        self._lacking: dict[tuple[Candidates, int], bool] = {}
        self._known: dict[Cell, list[tuple[Formula, int]]] = {}
        self.literals: dict[Cell, int] = {}

    def bring_up(self, cell: Cell, free: int) -> None:
        """Wants that a cell installs, if its admissible ranks have changed, and files are known to be lacking."""
        if cell.candidates not in self._bare and not self._lacks(cell.candidates, free.bit_length() - 1):
            return
        wanted = list(self._wanted(cell, free))
        if self._known.get(cell, []) == wanted:
            return
        if cell in self.literals:
            self._optimiser.forget((self.literals.pop(cell),))
        self._known[cell] = wanted
        if not wanted:
            return
        literal = self.literals[cell] = self._encoding.fresh()
        for region, bare in wanted:
            self._encoding.wish(cell, literal, cell.candidates.everything & ~bare, region)
        self._optimiser.want(literal, self._weight, cell)

    def _wanted(self, cell: Cell, free: int) -> Iterator[tuple[Formula, int]]:
        """Regions, and the ranks without a file there where another admissible one has one."""
        for region, bare in self._without_file(cell.candidates):
            if not bare & free or not self._environments.meet(region, cell.region):
                continue
            serving = free & ~bare
            for rule, ranks in cell.candidates.admission():
                if serving & ranks and not self._environments.meet(region, cell.region, rule):
                    serving &= ~ranks
            if serving:
                yield region, bare

    def _without_file(self, candidates: Candidates) -> list[tuple[Formula, int]]:
        """The regions that lack the files of the same ranks, with these ranks.

        What is no known place has a file only where a source distribution or a wheel for any platform serves.
        """
        found = self._bare.get(candidates)
        if found is not None:
            return found
        bare = dict.fromkeys(self._places, 0)
        elsewhere = 0
        for rank in range(1, candidates.top + 1):
            unserved_places, unserved_elsewhere = self._unserved(candidates, rank)
            elsewhere |= unserved_elsewhere << rank
            for place in unserved_places:
                bare[place] |= 1 << rank
        places: dict[int, list[Place]] = {elsewhere: []}
        for place, ranks in bare.items():
            places.setdefault(ranks, []).append(place)
        regions = {ranks: region_around(some, self._places) for ranks, some in places.items() if ranks != elsewhere}
        regions[elsewhere] = ~any_of(regions.values())
        found = self._bare[candidates] = [(region, ranks) for ranks, region in regions.items() if ranks]
        return found

    def _unserved(self, candidates: Candidates, rank: int) -> tuple[set[Place], bool]:
        """The known places where a candidate has no file, and whether it has none anywhere else."""
        bare: set[Place] = set()
        elsewhere = False
        for build in candidates[rank].builds:
            if build.direct is not None or (build.kept is None and build.release.sdist):
                continue
            files = build.files
            elsewhere |= not any(not f.is_wheel or f.filename.endswith("-none-any.whl") for f in files)
            for place in unserved(self._places, files):
                if build.region is TRUE or self._environments.meet(build.region, region_of(frozenset((place,)))):
                    bare.add(place)
        return bare, elsewhere

    def _lacks(self, candidates: Candidates, rank: int) -> bool:
        """Whether a candidate has no file somewhere."""
        if rank <= 0:
            return False
        key = candidates, rank
        if key not in self._lacking:
            self._lacking[key] = any(self._unserved(candidates, rank))
        return self._lacking[key]

    def look(self, selection: Selection, free: Mapping[Cell, int]) -> bool:
        """Looks for files that selected candidates lack; whether there is a wish now that was not there before."""
        found = False
        for cell, rank in selection.ranks.items():
            if rank and cell.candidates not in self._bare and self._lacks(cell.candidates, rank):
                self._without_file(cell.candidates)
                for other in cell.package.cells:
                    if other in free and other.candidates is cell.candidates:
                        self.bring_up(other, free[other])
                        found |= bool(self._known.get(other))
        return found


class Extras:
    """An extra that is asked for exists in the chosen version, if it does in the newest.

    So nobody is sent back to a version from before the extra existed. One that the newest version does not have
    (dropped since, or misspelt by somebody) sends nobody back in time either.
    """

    def __init__(self, encoding: Encoding, optimiser: Optimiser, weight: int) -> None:
        self._encoding, self._optimiser, self._weight = encoding, optimiser, weight
        self.literals: dict[tuple[Cell, str], int] = {}
        self._told: set[tuple[Cell, str, int]] = set()

    def bring_up(self, cell: Cell, free: int) -> None:
        """Wants the extras of a cell, as far as metadata tells that chosen versions may lack them."""
        newest = free.bit_length() - 1
        for extra, node in cell.nodes.items():
            if not extra or newest <= 0 or not provides(cell, newest, extra):
                continue
            for rank in cell.attached:
                if (cell, extra, rank) in self._told or rank in cell.provisional or provides(cell, rank, extra):
                    continue
                self._told.add((cell, extra, rank))
                if (cell, extra) not in self.literals:
                    self.literals[cell, extra] = self._encoding.fresh()
                    self._optimiser.want(self.literals[cell, extra], self._weight, cell)
                others = cell.candidates.everything & ~(1 << rank)
                self._encoding.wish(cell, self.literals[cell, extra], others, more=(-node.literal,))

    def forget(self, cell: Cell) -> None:
        """Starts over with a cell, whose newest admissible rank is another one."""
        self._told = {told for told in self._told if told[0] is not cell}
        for key in [key for key in self.literals if key[0] is cell]:
            self._optimiser.forget((self.literals.pop(key),))


def provides(cell: Cell, rank: int, extra: str) -> bool:
    """Whether metadata that is in the formula says that a candidate has an extra."""
    builds = cell.attached.get(rank, ())
    return bool(builds) and all(extra in dependencies.provides for _, dependencies in builds)
