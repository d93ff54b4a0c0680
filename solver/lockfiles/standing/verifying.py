"""Whether a lock that is there is valid for the project as it is now: without a search, and without any solver.

A lock is valid when in every environment of the project each name has at most one candidate, every requirement that is
active there is met, and each candidate is one that the project admits there. Nothing of that asks for the newest. All
of it is a question to the marker domain, about regions of environments.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.corpora.references import Direct, GitReference, PathReference
from satlock.encoder.formula.candidates import Build, Candidates, python_region
from satlock.encoder.formula.ranking import is_exact, listed_files
from satlock.encoder.markers.marker import TRUE, Formula, any_of, from_marker, from_python_specifier
from satlock.encoder.markers.regions import Regions
from satlock.encoder.markers.tags import installs_on
from satlock.encoder.project.dependencies import Dependencies, Dependency
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass, field
from satlock.solver.explaining.wording.phrases import left_out
from satlock.solver.lockfiles.reach import Unsettled
from satlock.solver.lockfiles.standing.reading import Standing, StandingEntry
from satlock.solver.lockfiles.standing.regions import regions_of
from satlock.solver.lockfiles.yanked import Yanked, yanked
from satlock.solver.search.directs import place_of_commit
from satlock.solver.search.sources import Sources

__all__ = ["Judged", "judge"]


class Judged(NamedTuple):
    """What comes of verifying a lock."""

    violation: str | None
    """The first reason why it is not valid for the project; None where it is."""
    yanked: tuple[Yanked, ...] = ()
    """The releases of a valid one that were withdrawn."""


def judge(standing: Standing, project: Project, universe: Universe, sources: Sources) -> Judged:
    """Verifies a lock.

    Raises:
        CorpusError: an index failed.
    """
    try:
        for violation in _scope(standing, project, universe):
            return Judged(violation)
        check = _Check(standing, project, universe, sources, regions_of(standing, universe, project.name))
        return next(map(Judged, _violations(check)), None) or Judged(None, tuple(check.yanked()))
    except Unsettled:
        return Judged("what is active in it depends on itself")


def _violations(check: _Check) -> Iterator[str]:
    yield from check.twice()
    yield from check.candidates()
    yield from check.unmet()
    yield from check.needless()
    yield from check.forbidden()


def _scope(standing: Standing, project: Project, universe: Universe) -> Iterator[str]:
    # Some of the extras of a member may be known to its build alone.
    told = [root.choice for root in universe.roots if root.choice is not None and root.choice.kind == "extra"]
    extras = [*project.extras, *(choice.name for choice in told if choice.package and project.whole_workspace)]
    yield from _names("extras", standing.extras, extras, exact=standing.form == "pylock")
    whole = project.members if project.whole_workspace else ()
    groups = [*project.groups, *(group for member in whole for group in member.groups)]
    yield from _names("dependency groups", standing.groups, groups, exact=standing.form == "pylock")
    if standing.form == "pylock":
        yield from _names("default groups", standing.default_groups, project.default_groups)
    if not universe.domain.implies(TRUE, from_python_specifier(standing.requires_python)):
        yield f"it is for Python {standing.requires_python}, and the project admits {project.requires_python}"
    covered = any_of(from_marker(marker) for marker in standing.environments) if standing.environments else TRUE
    if not universe.domain.implies(TRUE, covered):
        yield "it does not cover all of the project's environments (tool.uv.environments)"


def _names(what: str, there: Iterable[str], needed: Iterable[str], *, exact: bool = True) -> Iterator[str]:
    """``exact`` where the lock lists them all, also those that require nothing."""
    missing, spare = sorted(set(needed) - set(there)), sorted(set(there) - set(needed))
    if missing and exact:
        yield f"it lacks the {what} {', '.join(missing)} of the project"
    if spare:
        yield f"it has the {what} {', '.join(spare)}, which the project does not have"


@dataclass
class _Check:
    standing: Standing
    project: Project
    universe: Universe
    sources: Sources
    regions: list[Formula]
    _places: dict[int, list[_Place]] = field(default_factory=dict)
    """For each entry the candidates that it is."""
    _named_by: dict[int, list[str]] = field(default_factory=dict)
    """For each entry who names exactly its version."""

    def __post_init__(self) -> None:
        # Where requirements reach each entry, and each extra of it.
        self._demand: Regions[tuple[int, str]] = Regions(self.universe.domain)
        self._by_name: dict[str, list[int]] = {}
        for number, entry in enumerate(self.standing.entries):
            if entry.name != self.project.name and self._possible(self.regions[number]):
                self._by_name.setdefault(entry.name, []).append(number)

    def _possible(self, *formulas: Formula) -> bool:
        return self.universe.domain.satisfiable(*formulas)

    def _where(self, *formulas: Formula) -> str:
        return f"for {self.universe.domain.witness(*formulas)}"

    def twice(self) -> Iterator[str]:
        """Two candidates of one name at once."""
        for name, numbers in self._by_name.items():
            for one, other in combinations(numbers, 2):
                both = (self.regions[one], self.regions[other])
                if self._possible(*both):
                    yield f"it installs two candidates of {name} {self._where(*both)}"
            if len(numbers) > 1 and name in self.project.single_version:
                yield f"it has several candidates of {name}, of which the project wants a single version"

    def candidates(self) -> Iterator[str]:
        """Entries that are no candidate where they are installed; finds what the others are."""
        partitions = self.sources.partitions(sorted(self._by_name))
        for name, numbers in sorted(self._by_name.items()):
            for number in numbers:
                yield from self._candidate(number, name, partitions[name])
        found = [(place.candidates, place.rank) for places in self._places.values() for place in places]
        self.sources.load(found)
        # Of some it is only known now that they have to be built. A search builds what it selects, too.
        self.sources.load(one for one in found if self.sources.cost(*one) == 2)

    def _candidate(self, number: int, name: str, partition: list[tuple[Formula, Candidates]]) -> Iterator[str]:
        entry, region = self.standing.entries[number], self.regions[number]
        for part, candidates in partition:
            if not self._possible(region, part):
                continue
            found = _rank_of(entry, candidates)
            if found is None:
                yield self._missing(entry, candidates, (region, part))
                return
            self._places.setdefault(number, []).append(_Place(part, candidates, *found))
            yield from self._refused(entry, candidates, found[0], (region, part))
            yield from _other_files(entry, found[1], self.project)

    def _missing(self, entry: StandingEntry, candidates: Candidates, where: tuple[Formula, ...]) -> str:
        said = f"it has {entry.name} {entry.version}"
        reasons = [reason for version, reason in candidates.left_out if version == entry.version]
        if reasons:
            return f"{said}, which {left_out(reasons[0])}"
        indexes = [index for index in candidates.indexes if index.rstrip("/") != entry.index]
        if entry.index and indexes:
            return f"{said} from {entry.index} {self._where(*where)}, and the project takes it from {indexes[0]} there"
        return f"{said}, which {' and '.join(candidates.indexes) or 'no index'} does not list"

    def _refused(
        self, entry: StandingEntry, candidates: Candidates, rank: int, where: tuple[Formula, ...]
    ) -> Iterator[str]:
        said = f"it has {entry.name} {entry.version}"
        if candidates.prereleases >> rank & 1 and not candidates.prereleases_serve:
            yield f"{said}, a pre-release, which the project does not admit"
        stand_in = candidates.whole.get(rank)
        if stand_in is not None:
            for build in candidates[stand_in].builds:
                served = any_of(installs_on(file.filename) for file in build.files)
                elsewhere = (*where, build.region, served, ~candidates.beside(rank))
                if build.version != entry.version and self._possible(*elsewhere):
                    yield f"{said} {self._where(*elsewhere)}, where it has no file and {build.version} has one"
        for rule, ranks in candidates.admission():
            if ranks >> rank & 1 and self._possible(*where, ~rule):
                yield f"{said} {self._where(*where, ~rule)}, which it is not for"

    def unmet(self) -> Iterator[str]:
        """Requirements that nothing meets, from the project on along what they reach."""
        rejected = self.sources.rejected
        for number, places in self._places.items():
            for place in places:
                reason = rejected.get(place.candidates, {}).get(place.rank)
                if reason is not None:
                    entry = self.standing.entries[number]
                    yield f"it has {entry.name} {entry.version}, which {reason}"
        for root in self.universe.roots:
            for dependency in root.dependencies(self.sources.edits):
                yield from self._follow("the project", dependency, (root.active, dependency.marker))
        for number, extra in self._demand.grown():
            entry = self.standing.entries[number]
            for region, dependencies in self._required(number):
                try:
                    listed = dependencies.of(extra)
                except ValueError as error:
                    yield f"it has {entry.name} {entry.version}, which has metadata that cannot be read: {error}"
                    continue
                for dependency in listed:
                    reached = (self._demand[number, extra], region, dependency.marker)
                    yield from self._follow(f"{entry.name} {entry.version}", dependency, reached)

    def _required(self, number: int) -> Iterator[tuple[Formula, Dependencies]]:
        for place in self._places.get(number, ()):
            for region, dependencies in self.sources.loaded(place.candidates, place.rank) or ():
                yield place.region & region, dependencies

    def _follow(self, who: str, dependency: Dependency, where: tuple[Formula, ...]) -> Iterator[str]:
        """What a requirement reaches, and where it is not met."""
        if not self._possible(*where):
            return
        said = f"{who} requires {_shown(dependency)}"
        numbers = self._by_name.get(dependency.name, [])
        installed = any_of(self.regions[number] for number in numbers)
        if self._possible(*where, ~installed):
            yield f"it lacks {dependency.name} {self._where(*where, ~installed)}, where {said}"
        for number in numbers:
            there = (*where, self.regions[number])
            if not self._possible(*there):
                continue
            entry = self.standing.entries[number]
            if not _admits(dependency.specifier, entry.version):
                yield f"it has {entry.name} {entry.version} {self._where(*there)}, where {said}"
            if is_exact(dependency.specifier):
                self._named_by.setdefault(number, []).append(who)
            if dependency.url is not None:
                yield from self._elsewhere(number, dependency, there)
            for extra in ("", *dependency.extras):
                self._demand.grow((number, extra), *there)

    def _elsewhere(self, number: int, dependency: Dependency, where: tuple[Formula, ...]) -> Iterator[str]:
        """An entry that does not come from where a requirement says."""
        reference, entry = self.universe.declared(dependency), self.standing.entries[number]
        for place in self._places.get(number, ()):
            direct = place.build.direct
            same = direct is not None and direct.reference == reference
            if not same and self._possible(*where, place.region):
                there = self._where(*where, place.region)
                yield f"it has {entry.name} {entry.version} {there}, where {_shown(dependency)} is required"

    def needless(self) -> Iterator[str]:
        """What is installed where nothing requires it."""
        for numbers in self._by_name.values():
            for number in numbers:
                entry, demand = self.standing.entries[number], self._demand.at((number, ""))
                if not self._possible(self.regions[number], demand):
                    yield f"it has {entry.name} {entry.version}, which the project does not need"
                elif self._possible(self.regions[number], ~demand):
                    there = self._where(self.regions[number], ~demand)
                    yield f"it has {entry.name} {entry.version} {there}, where nothing requires it"

    def forbidden(self) -> Iterator[str]:
        """What the project's constraints or a candidate's own metadata forbid."""
        for constraint in self.project.constraints:
            for number in self._by_name.get(constraint.name, ()):
                entry = self.standing.entries[number]
                where = (self.regions[number], self.universe.where(constraint.marker))
                if not self._possible(*where):
                    continue
                if not _admits(constraint.specifier, entry.version):
                    yield f"it has {entry.name} {entry.version}, and the project constrains {constraint.text}"
                elif is_exact(constraint.specifier):
                    self._named_by.setdefault(number, []).insert(0, "the project")
        for number, places in self._places.items():
            for place in places:
                yield from self._wrong_python(self.standing.entries[number], self.regions[number], place)

    def yanked(self) -> Iterator[Yanked]:
        """Releases that were withdrawn; what names them is known once the requirements were followed."""
        for number, places in sorted(self._places.items()):
            build = places[0].build
            if build.release.yanked:
                name = self.standing.entries[number].name
                yield yanked(name, build.release, build.index, self._named_by.get(number, ()))

    def _wrong_python(self, entry: StandingEntry, region: Formula, place: _Place) -> Iterator[str]:
        for _, dependencies in self.sources.loaded(place.candidates, place.rank) or ():
            python = dependencies.requires_python
            where = (region, place.region, ~python_region(python))
            if self._possible(*where):
                yield f"it has {entry.name} {entry.version} {self._where(*where)}, and that requires Python {python}"


@dataclass(frozen=True)
class _Place:
    """What an entry is in one region."""

    region: Formula
    candidates: Candidates
    rank: int
    build: Build


def _rank_of(entry: StandingEntry, candidates: Candidates) -> tuple[int, Build] | None:
    """The candidate that is this entry alone, not one of several builds that share the platforms."""
    for rank, candidate in enumerate(candidates.ranked, start=1):
        build = candidate.builds[0]
        if build.direct is not None and _is_place(entry, build.direct):
            return rank, build
        if build.direct is not None or len(candidate.builds) > 1 or build.version != entry.version:
            continue
        if entry.places and entry.places.isdisjoint(file.url for file in build.release.files):
            continue
        if entry.index is None or build.index.rstrip("/") == entry.index:
            return rank, build
    return None


def _is_place(entry: StandingEntry, direct: Direct) -> bool:
    """Whether an entry comes from this repository, archive or folder."""
    reference = direct.reference
    if entry.index is not None or entry.version not in ("", direct.metadata.version):
        return False
    if isinstance(reference, GitReference):
        return entry.commit == (*place_of_commit(reference), direct.commit)
    if isinstance(reference, PathReference):
        return os.path.realpath(entry.path) == os.path.realpath(reference.path) if entry.path else False
    return entry.commit is None and entry.path == reference.url


def _other_files(entry: StandingEntry, build: Build, project: Project) -> Iterator[str]:
    """A file whose content is said to be another one, or one that a setting refuses."""
    known = {file.filename: dict(file.hashes) for file in build.release.files}
    listed = listed_files(entry.name, build, project) if build.kept is not None else build.release.files
    kept = {file.filename for file in listed}
    for filename, digests in entry.files:
        if filename in known and filename not in kept:
            yield f"it has the file {filename}, which the project's settings do not admit"
        index = known.get(filename, {})
        if any(index.get(kind, digest) != digest for kind, digest in digests.items()):
            yield f"it has a hash for {filename} that is not the one of {build.index}"


def _admits(specifiers: SpecifierSet, version: str) -> bool:
    try:
        return not specifiers or not version or specifiers.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _shown(dependency: Dependency) -> str:
    return " ".join(dependency.text.split())
