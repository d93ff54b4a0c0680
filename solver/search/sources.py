"""Between the search and the corpus: which listings and metadata a search needs, as candidates and dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from satlock.corpora.facts import (
    Corpus,
    CorpusError,
    Listing,
    Metadata,
    MetadataOutcome,
    NeedsBuild,
    Unavailable,
    Wanted,
)
from satlock.corpora.references import DirectOutcome, Reference
from satlock.encoder.formula.candidates import Build, Candidates
from satlock.encoder.formula.cells import Requirements
from satlock.encoder.formula.ranking import candidates_of, direct_candidates
from satlock.encoder.markers.marker import TRUE, Formula, any_of
from satlock.encoder.project.dependencies import Dependencies, Edits
from satlock.encoder.project.project import Project
from satlock.encoder.project.reach import dependencies_of
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass, field, replace
from satlock.solver.search.crawling import Crawler
from satlock.solver.search.failing import not_passed_over, of_other_wheels
from satlock.solver.search.opting import builds_named, opted_in
from satlock.solver.search.shelf import Shelf
from satlock.solver.search.variants import KNOWN_TO_DIFFER, Apart, parted, said_by

__all__ = ["Sources"]

_READS = 3
"""How many releases without a wheel are read after the build of a newer one failed."""
_LARGE = 1 << 20
"""Bytes of a source distribution that is only downloaded when it is needed."""


@dataclass
class Sources:
    """The candidates of each package, and the metadata of each candidate, loaded when first needed."""

    project: Project
    universe: Universe
    corpus: Corpus
    default_index: str
    edits: Edits
    only: Mapping[str, frozenset[str]] | None = None
    """By package the versions (without their local parts) that anybody will ask for; None where that may be any."""
    rejected: dict[Candidates, dict[int, str]] = field(default_factory=dict)
    """By candidates: ranks that turned out unusable, with the reason."""
    failures: dict[Candidates, int] = field(default_factory=dict)
    """By candidates: those of these ranks where a download or a build failed."""
    doubtful: dict[Candidates, int] = field(default_factory=dict)
    """By candidates: ranks held back since one like them could not be built, or would have to be
    without any hint at what it requires, while newer releases have wheels.

    A search that walks back that far would build one ancient release after the other.
    """
    shelf: Shelf = field(default_factory=Shelf)
    _unavailable: dict[Reference, Unavailable] = field(default_factory=dict)
    _hints: dict[tuple[Candidates, int], Requirements] = field(default_factory=dict)
    _to_build: set[tuple[Candidates, int]] = field(default_factory=set)
    _parts_of: dict[tuple[Candidates, str, str, bool], _Parts] = field(default_factory=dict)
    _unbuilt: dict[Candidates, int] = field(default_factory=dict)
    """The rank whose build failed first."""
    _read_since: dict[Candidates, int] = field(default_factory=dict)
    """How many releases that would have to be built were looked at since then."""

    def start(self) -> None:
        """Sets the corpus to fetch ahead from the project's own requirements."""
        crawler = Crawler(self.project, self._chain()[:1], self.universe.pins)
        pairs = list(self._pairs_of(self.universe.pins))
        for root in self.universe.roots:
            requirement = root.requirement
            pairs += crawler.note(requirement.name, requirement.specifier, requirement.extras)
        self.corpus.prefetch(pairs, (), crawler.guess)

    # -- listings

    def partitions(self, names: Sequence[str]) -> dict[str, list[tuple[Formula, Candidates]]]:
        """For each package its regions by pin, with the candidates that serve each."""
        listings = self._listed(names)
        if self.only is not None:
            listings = {key: found and self._narrowed(found, self.only) for key, found in listings.items()}
        self._resolve(names)
        return {name: self._partition(name, listings) for name in names}

    def _listed(self, names: Sequence[str]) -> dict[tuple[str, str], Listing | None]:
        """What each index says that may serve a package.

        With ``first-index``, an index is only asked for what those before it lack: so what it refuses does not stop
        the others' packages, and it never hears of their names.
        """
        wanted = dict.fromkeys(self._pairs_of(names))
        found = dict(self.corpus.listings(wanted)) if wanted else {}
        asked = self._chain()[: self._at_first]
        for url in self._chain()[self._at_first :]:
            lacking = [
                name for name in names if not any(found.get((above, name)) for above in asked) and self._asks_for(name)
            ]
            if not lacking:
                break
            found.update(self.corpus.listings([(url, name) for name in lacking]))
            asked.append(url)
        return found

    @property
    def _at_first(self) -> int:
        """How many indexes of the chain are asked for each package, whatever those before them say."""
        return 1 if self.project.index_strategy == "first-index" else len(self._chain())

    @staticmethod
    def _narrowed(listing: Listing, only: Mapping[str, frozenset[str]]) -> Listing:
        """The releases that matter, with one that shows that the index has local versions of the package."""
        wanted = only.get(listing.name, frozenset())
        local = next((release for release in listing.releases if "+" in release.version), None)
        kept = (r for r in listing.releases if r is local or r.version.partition("+")[0] in wanted)
        return replace(listing, releases=tuple(kept))

    def _pairs_of(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        return (pair for name in names for pair in self._pairs(name))

    def _pairs(self, name: str) -> Iterable[tuple[str, str]]:
        for pin in self.universe.pins.get(name, ()):
            if pin.reference is None:
                yield pin.url, name
        if self._asks_for(name):
            for url in (*self._beside(), *self._chain()[: self._at_first]):
                yield url, name

    def _asks_for(self, name: str) -> bool:
        """Whether an index may have to serve a package that no pin sends anywhere, somewhere."""
        return not self.universe.closed and self.universe.domain.satisfiable(self._unpinned(name))

    def _unpinned(self, name: str) -> Formula:
        return ~any_of(pin.region for pin in self.universe.pins.get(name, ()))

    def _chain(self) -> list[str]:
        """The indexes for packages that are not pinned, in order of priority."""
        default = [index.url for index in self.project.indexes if index.default] or [self.default_index]
        listed = [index for index in self.project.indexes if not index.explicit and not index.default]
        return list(dict.fromkeys([index.url for index in listed if not index.beside] + default))

    def _beside(self) -> list[str]:
        """What stands beside that chain: ``find-links``."""
        return list(dict.fromkeys(index.url for index in self.project.indexes if index.beside and not index.default))

    def _resolve(self, names: Sequence[str]) -> None:
        """Reads what sources send elsewhere though only packages of an index ask for it."""
        pins = (pin for name in names for pin in self.universe.pins.get(name, ()))
        asked = [p.reference for p in pins if p.reference is not None and p.reference not in self.universe.known]
        for reference, outcome in self.corpus.direct(asked).items() if asked else ():
            if isinstance(outcome, Unavailable):
                self._unavailable[reference] = outcome
            else:
                self.universe.known[reference] = outcome

    def _partition(
        self, name: str, listings: Mapping[tuple[str, str], Listing | None]
    ) -> list[tuple[Formula, Candidates]]:
        domain = self.universe.domain
        opted = opted_in(name, self.project, self.universe)
        parts: list[tuple[Formula, Candidates]] = []

        def add(region: Formula, chain: Sequence[Listing], beside: Sequence[Listing] = ()) -> None:
            """In two parts where pre-releases are asked for in one of them."""
            for where, here in ((region & opted, True), (region & ~opted, False)):
                if domain.satisfiable(where):
                    parts.append((where, self._indexed(name, chain, here, len(parts), beside)))

        for pin in self.universe.pins.get(name, ()):
            if pin.reference is not None:
                parts.append((pin.region, self._direct(name, pin.reference)))
                continue
            found = listings[pin.url, name]
            chain = [found] if found else []
            add(pin.region, chain)
        unpinned = self._unpinned(name)
        if domain.satisfiable(unpinned):
            chain = [found for url in self._chain() if (found := listings.get((url, name))) is not None]
            if self.project.index_strategy == "first-index":
                chain = chain[:1]
            beside = [found for url in self._beside() if (found := listings.get((url, name))) is not None]
            add(unpinned, chain, beside)
        return parts

    def _indexed(
        self,
        name: str,
        chain: Sequence[Listing],
        opted: bool,
        place: int,
        beside: Sequence[Listing] = (),
    ) -> Candidates:
        """The candidates from indexes (:func:`candidates_of`); ``place`` tells the regions of a package apart."""
        named = builds_named(name, self.project, self.universe)
        listings = (tuple(map(id, chain)), tuple(map(id, beside)))
        key = (name, place, listings, opted, tuple(named.items()))
        if key not in self.shelf.candidates:
            domain = self.universe.domain
            found = candidates_of(name, chain, self.project, domain, opted=opted, named=named, beside=beside)
            self.shelf.candidates[key] = found, (*chain, *beside)
        return self.shelf.candidates[key][0]

    def _direct(self, name: str, reference: Reference) -> Candidates:
        outcome: DirectOutcome
        if reference in self.universe.known:
            outcome = self.universe.known[reference]
            if outcome.metadata.name != name:
                outcome = Unavailable(f"it is the package {outcome.metadata.name!r}")
        else:
            outcome = self._unavailable.get(reference) or Unavailable("it was not read")
        return direct_candidates(name, outcome, str(reference), self.project, self.universe.domain)

    def expect(self, names: Iterable[str], candidates: Iterable[tuple[Candidates, int]] = ()) -> None:
        """Tells the corpus what is likely to be asked for next, so that it can fetch while the search thinks."""
        likely = [
            wanted
            for found, rank in candidates
            if (found, rank) not in self.shelf.loaded
            for build in found[rank].builds
            if build.direct is None
            for _, wanted in self._parts(found, build)
        ]
        self.corpus.prefetch(self._pairs_of(names), likely)

    # -- metadata

    def loaded(self, candidates: Candidates, rank: int) -> Requirements | None:
        """What a candidate requires; None where that was not loaded, or could not be."""
        return self.shelf.loaded.get((candidates, rank))

    def hint(self, candidates: Candidates, rank: int) -> Requirements | None:
        """What the source distribution of a candidate that must be built says of its requirements, if anything."""
        return self._hints.get((candidates, rank))

    def cost(self, candidates: Candidates, rank: int) -> int:
        """How dear a candidate's metadata is: 0 with a wheel, 1 from a source distribution, 2 by building it."""
        if (candidates, rank) in self._to_build:
            return 2
        return 0 if all(build.release.wheels for build in candidates[rank].builds) else 1

    def quick(self, candidates: Candidates, rank: int) -> bool:
        """Whether a candidate's metadata may be fetched on suspicion: it is in a wheel, or in a small archive."""
        cost = self.cost(candidates, rank)
        if cost != 1:
            return cost == 0
        sizes = [file.size for build in candidates[rank].builds for file in build.files]
        return max((size or _LARGE for size in sizes), default=_LARGE) < _LARGE

    def load(self, wanted: Iterable[tuple[Candidates, int]]) -> None:
        """Loads metadata of candidates, all at once; a candidate of cost 2 is built.

        Afterwards each is in :meth:`loaded` or ``rejected``, or its :meth:`cost` has become 2.
        """
        requests: dict[tuple[Candidates, int], list[_Parts]] = {}
        for candidates, rank in wanted:
            key = (candidates, rank)
            if key in self.shelf.loaded or key in requests:
                continue
            direct = candidates[rank].builds[0].direct
            if direct is not None and self.universe.domain.satisfiable(candidates.usable(rank)):
                self.shelf.loaded[key] = ((TRUE, dependencies_of(direct, self.edits)),)
                continue
            hashed = all(any(file.hashes for file in build.files) for build in candidates[rank].builds)
            if not self.corpus.fetches and not hashed:
                self.reject(candidates, rank, "has no file whose hash the index tells", failed=False)
                continue
            if not self.universe.domain.satisfiable(candidates.usable(rank)):
                nowhere = "has no file that installs in any environment of the project"
                self.reject(candidates, rank, nowhere, failed=False)
                continue
            may_build = key in self._to_build
            requests[key] = [self._parts(candidates, build, may_build) for build in candidates[rank].builds]
        asked = [wanted for builds in requests.values() for parts in builds for _, wanted in parts]
        stated = {wanted: found for wanted in asked if (found := self._stated(wanted))}
        outcomes = {**self.corpus.metadata([wanted for wanted in asked if wanted not in stated]), **stated}
        for (candidates, rank), builds in requests.items():
            told = [[(region, outcomes[wanted]) for region, wanted in parts] for parts in builds]
            self._keep(candidates, rank, told)

    def _parts(self, candidates: Candidates, build: Build, may_build: bool = False) -> _Parts:
        """What to ask for the metadata of a build, and the environments that each answer is for."""
        key = candidates, build.index, build.version, may_build
        return self._parts_of.get(key) or self._parts_of.setdefault(key, self._parted(candidates, build, may_build))

    def _parted(self, candidates: Candidates, build: Build, may_build: bool) -> _Parts:
        apart: Apart = candidates.name in self.project.metadata_per_wheel
        if not apart and (candidates.name in KNOWN_TO_DIFFER or candidates.has_locals(build.index)):
            apart = None  # an index of special builds, such as those of PyTorch
        return [
            (region, Wanted(build.index, candidates.name, build.version, files, may_build, part))
            for region, files, part in parted(build, apart, self.universe.domain)
        ]

    def reject(self, candidates: Candidates, rank: int, reason: str, *, failed: bool = True) -> None:
        """Takes a candidate out; ``failed`` where something outside did, so that another day it may be usable."""
        self.rejected.setdefault(candidates, {})[rank] = reason
        if failed:
            self.failures[candidates] = self.failures.get(candidates, 0) | 1 << rank

    def _doubt(self, candidates: Candidates, below: int) -> None:
        """Holds back what comes without a wheel and is older than ``below``."""
        unread = (rank for rank in range(1, below) if (candidates, rank) not in self.shelf.loaded)
        doubtful = sum(1 << rank for rank in unread if self.cost(candidates, rank))
        self.doubtful[candidates] = self.doubtful.get(candidates, 0) | doubtful

    def _give_up(self, candidates: Candidates, rank: int) -> None:
        """Takes out what would have to be built and is older than a release whose build failed.

        A person is told of that one within seconds, where one ancient release after the other would take minutes to
        fail. A few of which only the archive can tell are read first: they may say what they require without a build.
        """
        failed = self._unbuilt.setdefault(candidates, rank)
        self._read_since[candidates] = self._read_since.get(candidates, -1) + 1
        self._doubt(candidates, candidates.top + 1)
        for other in range(failed - 1, 0, -1):
            key = (candidates, other)
            hopeless = key in self._to_build or (self._read_since[candidates] >= _READS and self.cost(*key) > 0)
            if hopeless and key not in self.shelf.loaded and other not in self.rejected.get(candidates, {}):
                said = f"is older than {candidates[failed].version}, whose build failed, and would have to be built too"
                self.reject(candidates, other, said)

    def _stated(self, wanted: Wanted) -> Metadata | None:
        """Metadata that the project states in place of the package's own."""
        for stated in self.project.dependency_metadata:
            if stated.name == wanted.name and stated.version in (None, wanted.version):
                return Metadata(
                    wanted.name, wanted.version, stated.requires_dist, stated.requires_python, stated.provides_extra
                )
        return None

    def _keep(self, candidates: Candidates, rank: int, outcomes: Sequence[_Told]) -> None:
        """Notes what was told of each build of a candidate, part by part."""
        key = (candidates, rank)
        first = [parts[0][1] for parts in outcomes]
        for outcome in first:
            if isinstance(outcome, Unavailable):
                if outcome.cause in ("refused", "false"):
                    raise CorpusError(not_passed_over(candidates, rank, outcome.reason))
                elsewhere = of_other_wheels(self.corpus, candidates, rank) if outcome.cause == "unbuilt" else None
                if elsewhere is not None:
                    self.shelf.loaded[key] = self._read(candidates.name, candidates[rank].builds, elsewhere)
                    return
                self.reject(candidates, rank, outcome.reason)
                if key in self._to_build:
                    self._give_up(candidates, rank)
                return
        builds = candidates[rank].builds
        if any(isinstance(outcome, NeedsBuild) for outcome in first):
            if key in self._to_build:
                self.reject(candidates, rank, "would have to be built, which is not possible here")
                return
            self._to_build.add(key)
            if rank < self._unbuilt.get(candidates, 0):
                self._give_up(candidates, rank)
                return
            hints = [outcome.hint if isinstance(outcome, NeedsBuild) else outcome for outcome in first]
            with suppress(ValueError):
                if None not in hints:
                    told = [[(build.region, hint)] for build, hint in zip(builds, hints, strict=True)]
                    self._hints[key] = self._read(candidates.name, builds, told)
                    return
            wheels = (r for r in range(candidates.top, 0, -1) if not self.cost(candidates, r))
            self._doubt(candidates, next(wheels, 0))
            return
        try:
            self.shelf.loaded[key] = self._read(candidates.name, builds, outcomes)
        except ValueError as unreadable:
            self.reject(candidates, rank, f"has metadata that cannot be read: {unreadable}")

    def _read(self, name: str, builds: Sequence[Build], outcomes: Sequence[_Told]) -> Requirements:
        """Raises ValueError where a requirement cannot be read."""
        found = []
        for build, told in zip(builds, outcomes, strict=True):
            # Of a wheel that tells nothing, the others are the best that is known.
            first = told[0][1]
            parts = [(region, part if isinstance(part, Metadata) else first) for region, part in told]
            known = [(region, part) for region, part in parts if isinstance(part, Metadata)]
            assert len(known) == len(parts)
            provides = {extra for _, part in known for extra in part.provides_extra}
            for region, lines, requires_python in said_by(build.region, known):
                python = requires_python if build.release.requires_python is None else None
                dependencies = Dependencies(lines, provides, name, build.version, self.edits, requires_python=python)
                dependencies.of()
                found.append((region, dependencies))
        return tuple(found)


_Parts = list[tuple[Formula, Wanted]]
_Told = Sequence[tuple[Formula, MetadataOutcome | None]]
