"""Why a package is in a lock, why in this version, and why in no newer one, as facts that can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.encoder.formula.candidates import Candidate, Candidates
from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.markers.marker import Formula, all_of, any_of
from satlock.encoder.markers.shortest import Shortener
from satlock.records import dataclass
from satlock.solver.explaining.explanation import Conclusion, explanation_of
from satlock.solver.explaining.parts import Part, parts_of
from satlock.solver.explaining.paths import shortest_ways
from satlock.solver.explaining.reasons import Reason
from satlock.solver.explaining.wording.newer import given_up, is_newer, requested, who_requires, without_proof
from satlock.solver.explaining.wording.phrases import choice_of
from satlock.solver.locking import Locked
from satlock.solver.objective.ages import Ages
from satlock.solver.objective.environments import Environments
from satlock.solver.search.reached import edges_from, reached
from satlock.solver.search.refinement import regions_of, witness_of
from satlock.solver.search.search import NoLock

__all__ = ["Asked", "Entry", "NotNewer", "Path", "Place", "newer_than", "why"]


@dataclass(frozen=True)
class Path:
    """A way from the project, as (name with version and extras, requirement) steps, and where it is the shortest."""

    steps: tuple[tuple[str, str], ...]
    marker: str | None


@dataclass(frozen=True)
class Asked:
    """A requirement on the package by something that is locked."""

    by: str
    requirement: str
    marker: str | None


@dataclass(frozen=True)
class NotNewer:
    """Why a newer version does not serve."""

    newest: str
    """The newest version that is admissible there."""
    newer: str
    """The specifier of what is newer, this one among it."""
    days: int
    """How far the chosen one is behind it (see ``ages``)."""
    headline: str
    lines: tuple[str, ...]
    """What cannot hold together with a newer version, each line a fact or something that is worth as much."""
    proven: bool
    hard: bool
    """Whether facts alone forbid it, so that giving up nothing else would help."""
    kept: bool = False
    """There is no more to it than that an existing lock is kept to."""


@dataclass(frozen=True)
class Place:
    """Some of the environments of a candidate."""

    marker: str | None
    """Within those of the candidate; None for all of them."""
    not_newer: NotNewer | None
    """None where it is the newest admissible one."""


@dataclass(frozen=True)
class Entry:
    """One candidate of the package."""

    version: str
    index: str
    marker: str | None
    direct: bool
    paths: tuple[Path, ...]
    asked: tuple[Asked, ...]
    places: tuple[Place, ...]
    """Why it is no newer: its environments, by the reasons that differ."""

    @property
    def not_newer(self) -> NotNewer | None:
        """The first of the reasons; None where it is the newest admissible one everywhere."""
        return next((place.not_newer for place in self.places if place.not_newer is not None), None)


def why(
    locked: Locked,
    name: str,
    searched: Mapping[str, Sequence[str]],
    single_version: Sequence[str] = (),
    within: Sequence[Formula] = (),
) -> list[Entry]:
    """The entries of a package in a lock, the newest last; none where it has none.

    Args:
        within: the environments that are asked about: those in all of these regions.
    """
    found = _Finding(locked, searched, single_version, within)
    return found.entries(name)


class _Finding:
    def __init__(
        self,
        locked: Locked,
        searched: Mapping[str, Sequence[str]],
        single_version: Sequence[str],
        within: Sequence[Formula],
    ) -> None:
        self._locked, self._searched, self._single_version = locked, searched, single_version
        self._within = all_of(within)
        self._reasons = locked.reasons
        self._encoding, self._selection = self._reasons.encoding, self._reasons.selection
        self._shortener = Shortener(self._encoding.domain)
        self._environments = Environments(self._encoding.domain)
        self._seen = all_of(region for region in within if self._environments.meet(region))
        """The same as an objective sees it: a choice that is free of conflicts counts as made."""
        self._regions = {
            place: region
            for place, region in reached(self._encoding, self._selection).items()
            if self._encoding.domain.satisfiable(region, self._within)
        }

    def entries(self, name: str) -> list[Entry]:
        by_candidate: dict[tuple[Candidates, int], list[Cell]] = {}
        for cell, extra in self._regions:
            if cell.package.name == name and not extra:
                by_candidate.setdefault((cell.candidates, self._rank(cell)), []).append(cell)
        groups = sorted(by_candidate.values(), key=lambda cells: (cells[0].candidates.indexes, self._rank(cells[0])))
        return [self._entry(cells) for cells in groups]

    def _entry(self, cells: list[Cell]) -> Entry:
        candidate = self._candidate(cells[0])
        asked = self._asked(cells)
        region = any_of(self._regions[cell, ""] for cell in cells)
        return Entry(
            version=str(candidate),
            index=candidate.builds[0].index,
            marker=self._marker(region),
            direct=any(edge.node.cell is None for edge, _ in asked),
            paths=self._paths(cells),
            asked=tuple(
                dict.fromkeys(
                    Asked(self._source(edge), requested(edge), self._marker(stated)) for edge, stated in asked
                )
            ),
            places=tuple(self._places(cells, region)),
        )

    # -- why it is there

    def _paths(self, cells: list[Cell]) -> tuple[Path, ...]:
        found: dict[tuple[tuple[str, str], ...], Formula] = {}
        for way in shortest_ways(self._encoding, self._selection, cells):
            if not self._encoding.domain.satisfiable(way.region, self._within):
                continue
            steps = tuple((self._source(edge), requested(edge)) for edge in way.steps)
            found[steps] = any_of((found[steps], way.region)) if steps in found else way.region
        return tuple(Path(steps, self._marker(region)) for steps, region in found.items())

    def _asked(self, cells: list[Cell]) -> list[tuple[Edge, Formula]]:
        """The requirements on some cells that are in force somewhere, the project's first."""
        domain, found = self._encoding.domain, list[tuple[Edge, Formula]]()
        sources: list[tuple[Cell | None, str]] = [(None, ""), *self._regions]
        for source, extra in sources:
            for edge in edges_from(self._encoding, self._selection, source, extra):
                for cell in cells:
                    here = [edge.region, self._regions[cell, ""], self._within]
                    if source is not None:
                        here.append(self._regions[source, extra])
                    if edge.package is cell.package and domain.satisfiable(*here):
                        found.append((edge, edge.dependency.marker))
        return sorted(dict.fromkeys(found), key=lambda pair: (pair[0].node.cell is not None, self._source(pair[0])))

    # -- why it is no newer

    def _places(self, cells: list[Cell], region: Formula) -> Iterator[Place]:
        """The parts of a candidate's environments, those where it is behind first."""
        found: dict[NotNewer | None, list[Formula]] = {}
        for cell in cells:
            for part in parts_of(
                self._reasons, self._environments, cell, all_of((self._regions[cell, ""], self._seen))
            ):
                found.setdefault(self._not_newer(cell, part), []).append(part.region)
        for reason, regions in sorted(found.items(), key=lambda item: item[0] is None):
            yield Place(
                self._shortener.marker(any_of(regions), all_of((region, self._seen))) if len(found) > 1 else None,
                reason,
            )

    def _not_newer(self, cell: Cell, part: Part) -> NotNewer | None:
        reason = part.reason
        if reason is None:
            return None
        admissible = self._reasons.admissible.ranks(cell) & ((2 << part.newest) - 1)
        headline, lines = self._told(reason, part.region)
        return NotNewer(
            newest=str(cell.candidates[part.newest]),
            newer=newer_than(cell.candidates[reason.rank].version, cell.candidates[part.newest].version),
            days=Ages(cell.candidates, admissible).days(reason.rank),
            headline=headline,
            lines=tuple(lines),
            proven=reason.proven,
            hard=reason.proven and not (reason.kept or reason.absent or reason.alike or reason.wanted),
            kept=reason.locked,
        )

    def _told(self, reason: Reason, region: Formula) -> tuple[str, list[str]]:
        if not reason.proven:
            return without_proof(reason), []
        domain = self._encoding.domain
        witness = domain.witness(*regions_of(reason.facts), region) or witness_of(domain, reason.facts)
        clash = NoLock(list(reason.facts), witness, failed=False, universe=self._locked.universe)
        told = explanation_of(clash, self._locked.universe, self._searched, self._single_version)
        alike = [one for one, _ in reason.alike]
        if not alike and witness is None and not reason.wanted:
            alike = [reason.cell]
        names = dict.fromkeys(one.package.name for one in alike)
        facts = (line for line in told.lines if not isinstance(line, Conclusion))
        return told.headline, [is_newer(reason), *facts, *given_up(reason, names)]

    # -- names

    def _marker(self, region: Formula) -> str | None:
        """A marker among the environments that are asked about."""
        return self._shortener.marker(region, self._within)

    def _rank(self, cell: Cell) -> int:
        return self._selection.ranks[cell]

    def _candidate(self, cell: Cell) -> Candidate:
        return cell.candidates[self._rank(cell)]

    def _source(self, edge: Edge) -> str:
        """Who requires, with its version."""
        cell = edge.node.cell
        candidate = None if cell is None else self._candidate(cell)
        return who_requires(edge, candidate, choice_of(edge, self._locked.universe))


def newer_than(version: str, newest: str) -> str:
    """The specifier of what is newer than a version, the newest among it.

    ``>`` takes no local version, and leaves out the post releases of what it names.
    """
    public, best = Version(version).public, Version(newest)
    if SpecifierSet(f">{public}").contains(best, prereleases=True):
        return f">{public}"
    return f">={best.public}" if best.public != public else f"=={newest}"
