"""What is not at its newest release, how far it is behind, and because of whom."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import datetime

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.corpora.facts import Listing
from satlock.corpora.facts import Release as Listed
from satlock.encoder.formula.candidates import Candidate, Candidates, python_region
from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.facts import Admission, Constraint, Required
from satlock.encoder.formula.reasons import LATE, NeedsPython, NoFile
from satlock.encoder.markers.marker import Formula, any_of
from satlock.encoder.markers.shortest import Shortener, spelled_for_people
from satlock.encoder.project.project import Project
from satlock.records import dataclass
from satlock.solver.explaining.holders import (
    Asker,
    BroughtIn,
    Constrained,
    Divided,
    GivenUp,
    Holder,
    NoCandidate,
    NotRead,
    NotServing,
    Older,
    Oldest,
    Release,
    Requires,
    Whole,
)
from satlock.solver.explaining.parts import Part, parts_of
from satlock.solver.explaining.reasons import Reason
from satlock.solver.explaining.wording.phrases import choice_of, version
from satlock.solver.locking import Locked
from satlock.solver.objective.environments import Environments
from satlock.solver.search.reached import reached

__all__ = ["Behind", "Laggards", "Late", "Newest", "newest_of"]


@dataclass(frozen=True)
class Newest:
    """The newest release of a package in the index that it comes from: neither yanked nor, if there are others, a
    pre-release."""

    version: str
    days: int | None
    """Between the uploads of what is locked and of it; None where the index does not tell."""
    releases: int
    """How many stable releases it is ahead."""


@dataclass(frozen=True)
class Behind:
    """A candidate that is older than the newest release."""

    version: str
    marker: str | None
    newest: Newest
    holders: tuple[Holder, ...]


def newest_of(listing: Listing | None, locked: str) -> Newest | None:
    """The newest release ahead of a locked version; None where there is none."""
    if listing is None or not _is_version(locked):
        return None
    usable = [release for release in listing.releases if release.raw_files and not release.yanked]
    stable = [release for release in usable if not Version(release.version).is_prerelease]
    ahead = [release for release in (stable or usable) if _public(release.version) > _public(locked)]
    if not ahead:
        return None
    newest = ahead[-1]
    here = next((release for release in listing.releases if release.version == locked), None)
    return Newest(newest.version, _days(here, newest), len({_public(release.version) for release in ahead}))


def _is_version(text: str) -> bool:
    try:
        return bool(Version(text))
    except InvalidVersion:
        return False


def _public(text: str) -> Version:
    """Without the local part: builds of one release are none newer than the other."""
    return Version(Version(text).public)


def _days(here: Listed | None, newest: Listed) -> int | None:
    if here is None or not here.upload_time or not newest.upload_time:
        return None
    moments = [datetime.fromisoformat(moment).replace(tzinfo=None) for moment in (here.upload_time, newest.upload_time)]
    return max(0, (moments[1] - moments[0]).days)


@dataclass(frozen=True, eq=False)
class Late:
    """A candidate that is older than the newest release, with the cells that have it. It costs nothing to know."""

    name: str
    cells: tuple[Cell, ...]
    newest: Newest


class Laggards:
    """The packages of a lock that are behind. Who holds one of them back is found out when that is asked for."""

    def __init__(
        self,
        locked: Locked,
        project: Project,
        listings: Mapping[tuple[str, str], Listing],
        unavailable: Mapping[tuple[str, str, str], str],
        objective: str = "fresh",
    ) -> None:
        """
        Args:
            listings: what the indexes list, by index and name.
            unavailable: why the metadata of (index, name, version) could not be had.
            objective: what was wanted; who wants the oldest is held back by that.
        """
        self._oldest = objective if objective.startswith("lowest") else ""
        self._locked, self._project, self._listings, self._unavailable = locked, project, listings, unavailable
        self._reasons = locked.reasons
        self._encoding, self._selection = self._reasons.encoding, self._reasons.selection
        self._shortener = Shortener(self._encoding.domain, spelled_for_people(project))
        self._regions = reached(self._encoding, self._selection)
        self._environments = Environments(self._encoding.domain)

    def late(self, names: Container[str] | None = None) -> list[Late]:
        """What is behind, by name; of some names alone, or of all."""
        cells: dict[tuple[str, Candidates, int], list[Cell]] = {}
        for cell, extra in self._regions:
            if not extra and (names is None or cell.package.name in names):
                key = (cell.package.name, cell.candidates, self._selection.ranks[cell])
                cells.setdefault(key, []).append(cell)
        found = []
        for (name, *_), alike in sorted(cells.items(), key=lambda item: item[0][0]):
            build = self._candidate(alike[0]).builds[0]
            newest = newest_of(self._listings.get((build.index, name)), build.version)
            if build.direct is None and newest is not None:
                found.append(Late(name, tuple(alike), newest))
        return found

    def of(self, late: Late) -> list[Behind]:
        """Because of whom, and where: one for each part of its environments that others hold back."""
        found: list[tuple[list[Holder], list[Formula]]] = []
        for cell in late.cells:
            for part in parts_of(self._reasons, self._environments, cell, self._regions[cell, ""]):
                holders = list(dict.fromkeys(self._holders(cell, part, late.newest.version)))
                regions = [part.region]
                # Two proofs of one thing may differ in what they name besides: who shares a holder is told with it.
                for other in [one for one in found if one[0] == holders or not set(one[0]).isdisjoint(holders)]:
                    found.remove(other)
                    holders = [*(one for one in other[0] if one in holders), *other[0], *holders]
                    regions = [*other[1], *regions]
                found.append((list(dict.fromkeys(holders)), regions))
        locked = str(self._candidate(late.cells[0]))
        return [
            Behind(locked, self._shortener.marker(any_of(regions)), late.newest, tuple(holders))
            for holders, regions in found
        ]

    def unexplained(self, late: Late) -> Behind:
        """Where, without a look for those who hold it back."""
        region = any_of(self._regions[cell, ""] for cell in late.cells)
        return Behind(str(self._candidate(late.cells[0])), self._shortener.marker(region), late.newest, ())

    def _candidate(self, cell: Cell) -> Candidate:
        return cell.candidates[self._selection.ranks[cell]]

    # -- because of whom

    def _holders(self, cell: Cell, part: Part, newest: str) -> Iterator[Holder]:
        if part.reason is not None:
            yield from self._of_reason(part.reason, cell, part)
        if part.newest < 1 or _public(cell.candidates[part.newest].version) != _public(newest):
            yield from self._out_of_reach(cell, part.region, newest)

    def _of_reason(self, reason: Reason, cell: Cell, part: Part) -> Iterator[Holder]:
        """Those who ask for an older version; else those whom a newer one would not suit."""
        best = part.newest
        edges = [fact.edge for fact in reason.facts if isinstance(fact, Required)]
        direct = [
            edge
            for edge in edges
            if edge.package is cell.package and not cell.candidates.admitted(edge.dependency.specifier) >> best & 1
        ]
        # A newer version asks for something itself that somebody else does not admit: it is that one who holds it.
        others = [edge for edge in edges if edge.package is not cell.package and edge.node.cell is not cell]
        found = direct or others
        # What versions that are not locked ask for only tells why another version of whoever holds it is no help.
        by = set[Asker]()
        for edge in [edge for edge in found if self._is_locked(edge)] or found:
            asked = edge.dependency
            by.add(self._by(edge))
            yield Requires(self._by(edge), asked.name, asked.extras, str(asked.specifier), asked.reference)
        if not direct:
            for other, rank in reason.kept:
                release = Release(other.package.name, version(other.candidates[rank]))
                if other.package is not cell.package and release not in by:
                    yield Older(release)
            yield from self._of_wishes(reason)
        for fact in reason.facts:
            if isinstance(fact, Admission) and cell in fact.cells and fact.ranks >> best & 1:
                yield NotServing(self._needs(cell, part.region, best))
            elif isinstance(fact, Constraint) and cell in fact.cells:
                yield Constrained(fact.text)
        if self._oldest and not reason.proven:
            yield Oldest(self._oldest)
        elif reason.locked:
            yield Whole.KEPT
        elif not reason.proven:
            yield Whole.SUMS

    @staticmethod
    def _of_wishes(reason: Reason) -> Iterator[Holder]:
        """What else would be given up for a newer one."""
        for wish, other in reason.wanted:
            yield GivenUp(wish, None if other.package is reason.cell.package else other.package.name)
        for other in reason.absent:
            yield BroughtIn(other.package.name)
        for one, _ in reason.alike:
            yield Divided(one.package.name)

    def _is_locked(self, edge: Edge) -> bool:
        return edge.node.cell is None or self._selection.ranks.get(edge.node.cell) == edge.rank

    def _by(self, edge: Edge) -> Asker:
        cell = edge.node.cell
        if cell is None:
            return choice_of(edge, self._locked.universe)
        return Release(cell.package.name, version(cell.candidates[edge.rank]))

    def _needs(self, cell: Cell, region: Formula, rank: int) -> NeedsPython | NoFile:
        """Why a candidate is not for some of the environments."""
        python = cell.candidates[rank].builds[0].release.requires_python
        if python and not self._encoding.domain.implies(region, python_region(python)):
            return NeedsPython(python)
        return NoFile.REQUIRED

    def _out_of_reach(self, cell: Cell, region: Formula, newest: str) -> Iterator[Holder]:
        """Why the newest release is no candidate at all, or none that is taken without need."""
        name = cell.package.name
        for left, reason in cell.candidates.left_out:
            if left == newest:
                yield NoCandidate(reason, by_settings=reason in LATE)
                return
        for constraint in self._project.constraints:
            if constraint.name != name or _admits(constraint.specifier, newest):
                continue
            if self._encoding.domain.satisfiable(region, self._locked.universe.where(constraint.marker)):
                yield Constrained(f"{name}{constraint.specifier}")
                return
        told = next((why for (_, one, its), why in self._unavailable.items() if (one, its) == (name, newest)), None)
        if told is not None:
            yield NotRead(told)
            return
        for rank in range(cell.candidates.top, 0, -1):
            if cell.candidates[rank].version == newest:
                if any(ranks >> rank & 1 for _, ranks in cell.candidates.admission()):
                    yield NotServing(self._needs(cell, region, rank))
                else:
                    yield NotRead(None)
                return


def _admits(specifier: SpecifierSet, text: str) -> bool:
    return specifier.contains(text, prereleases=True)
