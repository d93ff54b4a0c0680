"""The candidates of one package: an ordered scale of what may be chosen, and the ranks that a specifier admits.

Ranks are 1 (oldest) to n; rank 0 is "absent". Sets of ranks are integers with a bit for each rank, so that a package
with thousands of versions costs no more than one with ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.facts import File, Release
from satlock.corpora.references import Direct
from satlock.encoder.markers.marker import TRUE, Formula, all_of, any_of, from_python_specifier
from satlock.encoder.markers.platforms import Required, region_of, unserved
from satlock.encoder.markers.specifiers import python_lower_bounds
from satlock.encoder.markers.tags import installs_on

__all__ = [
    "Build",
    "Candidate",
    "Candidates",
    "python_region",
    "runs",
]


@dataclass(frozen=True)
class Build:
    """One version in one index, and the environments it serves as part of its candidate."""

    version: str
    index: str
    release: Release
    kept: tuple[File, ...] | None
    """The files that a setting leaves, or None where all of the release's serve."""
    region: Formula
    """TRUE but for siblings such as 2.5.1 and 2.5.1+cpu, which divide the platforms by their wheels."""
    direct: Direct | None = None
    """What it comes from where that is no index; ``index`` is its key then."""

    @property
    def files(self) -> tuple[File, ...]:
        """The files that may be installed; one that was yanked alone serves no better than a yanked release."""
        if self.kept is not None:
            return self.kept
        files = self.release.files
        return files if self.release.yanked else tuple(file for file in files if file.yanked is None)


@dataclass(frozen=True)
class Candidate:
    """What one rank stands for: a release, or the builds of one public version that together serve every platform."""

    builds: tuple[Build, ...]

    @property
    def version(self) -> str:
        return self.builds[0].version

    def __str__(self) -> str:
        return " / ".join(build.version for build in self.builds)


def runs(ranks: int) -> Iterator[tuple[int, int]]:
    """The maximal runs of consecutive ranks in a set, as (first, last), lowest first."""
    offset = 0
    while ranks:
        skip = (ranks & -ranks).bit_length() - 1
        ranks >>= skip
        offset += skip
        length = (~ranks & (ranks + 1)).bit_length() - 1
        yield offset, offset + length - 1
        ranks >>= length
        offset += length


@dataclass(eq=False)
class Candidates:
    """Every candidate of one package from the indexes that serve one region of the universe.

    Each is itself only: two are equal if they are one object.
    """

    name: str
    indexes: tuple[str, ...]
    ranked: tuple[Candidate, ...]
    """Lowest rank first; ``ranked[0]`` has rank 1."""
    left_out: tuple[tuple[str, str], ...]
    """(version, reason) of what is no candidate at all."""
    prereleases: int
    """Ranks of pre-releases that were not asked for."""
    prereleases_serve: bool
    """Whether these may be used where nothing else serves."""
    yanked: int
    """Ranks of yanked releases."""
    _singles: tuple[tuple[int, ...], ...]
    """For each index in turn, the ranks of single releases, oldest first."""
    _composites: tuple[tuple[int, tuple[int, ...]], ...]
    """Ranks that stand for several builds, with the ranks of these."""
    whole: Mapping[int, int]
    """For a build that has siblings: the rank that serves wherever one of them does."""
    _required: Required
    """Where every candidate must have a file."""
    _masks: dict[str, int] = field(default_factory=dict)
    _versions: dict[int, Version] = field(default_factory=dict)
    _admission: list[tuple[Formula, int]] | None = None
    _locals: frozenset[str] | None = None

    @property
    def top(self) -> int:
        return len(self.ranked)

    @property
    def everything(self) -> int:
        return (1 << (self.top + 1)) - 2

    def __getitem__(self, rank: int) -> Candidate:
        return self.ranked[rank - 1]

    def version(self, rank: int) -> Version:
        found = self._versions.get(rank)
        if found is None:
            found = self._versions[rank] = Version(self[rank].version)
        return found

    def admitted(self, specifiers: SpecifierSet) -> int:
        """The ranks that a specifier set admits (PEP 440, pre-releases included: whether they serve is no matter
        of the specifier here)."""
        key = str(specifiers)
        found = self._masks.get(key)
        if found is None:
            found = self._masks[key] = self._read(specifiers)
        return found

    def _read(self, specifiers: SpecifierSet) -> int:
        admitted = self.everything
        for specifier in specifiers:
            mask = 0
            for ranks in self._singles:
                first, after = self._interval(specifier, ranks)
                if first < after:
                    mask |= sum(1 << rank for rank in ranks[first:after])
            for rank, members in self._composites:
                if all(mask >> member & 1 for member in members):
                    mask |= 1 << rank
            if specifier.operator == "!=":
                # A composite is excluded as soon as one of its builds is.
                hit = mask
                for rank, members in self._composites:
                    if any(hit >> member & 1 for member in members):
                        mask |= 1 << rank
                mask = self.everything & ~mask
            admitted &= mask
        return admitted

    def of(self, place: str) -> int:
        """The ranks that come from one place (:attr:`Direct.key`)."""
        return sum(1 << rank for rank, one in enumerate(self.ranked, start=1) if one.builds[0].index == place)

    def _interval(self, specifier: Specifier, ranks: Sequence[int]) -> tuple[int, int]:
        """The places in ``ranks`` that ``specifier`` (for ``!=``: its equality) admits; they are always adjacent."""
        op, text = specifier.operator, specifier.version
        n = len(ranks)
        if op == "===":
            hits = [i for i, rank in enumerate(ranks) if self[rank].version == text]
            return (hits[0], hits[0] + 1) if hits else (0, 0)

        def admits(i: int) -> bool:
            return specifier.contains(self.version(ranks[i]), prereleases=True)

        if op in (">=", ">"):
            return _first(n, admits), n
        if op in ("<=", "<"):
            return 0, _first(n, lambda i: not admits(i))
        if op == "!=":
            specifier = Specifier(f"=={text}")
        lowest = Version(text.removesuffix(".*") + ".dev0") if text.endswith(".*") else Version(text)
        start = _first(n, lambda i: self.version(ranks[i]) >= lowest)
        return start, _first(n, lambda i: not admits(i), start)

    def admission(self) -> list[tuple[Formula, int]]:
        """Where candidates may serve at all, as far as that is less than everywhere: (region, ranks) pairs."""
        if self._admission is None:
            by_region: dict[Formula, int] = {}
            for rank, candidate in enumerate(self.ranked, start=1):
                region = all_of(~build.region | self._admission_of(build) for build in candidate.builds)
                if region is not TRUE:
                    by_region[region] = by_region.get(region, 0) | 1 << rank
            self._admission = list(by_region.items())
        return self._admission

    def _admission_of(self, build: Build) -> Formula:
        region = python_region(build.release.requires_python)
        if self._required.places:
            bare = unserved(self._required.places, build.files)
            region &= ~(self._required.region & region_of(frozenset(bare)))
        return region

    def has_locals(self, index: str) -> bool:
        """Whether an index lists local versions of the package (2.5.1+cpu), which are builds for some purpose."""
        if self._locals is None:
            builds = (build for candidate in self.ranked for build in candidate.builds)
            self._locals = frozenset(build.index for build in builds if "+" in build.version)
        return index in self._locals

    def usable(self, rank: int) -> Formula:
        """Where a file of the candidate installs."""
        names = [file.filename for build in self[rank].builds for file in build.files]
        # Most packages have a source distribution or a wheel for any platform: no need to read the others' tags.
        if any(installs_on(name) is TRUE for name in names if not name.endswith(".whl")):
            return TRUE
        return any_of(installs_on(name) for name in sorted(names, key=lambda name: not name.endswith("-any.whl")))


def _first(n: int, holds: Callable[[int], bool], low: int = 0) -> int:
    """The first index at or after ``low`` where a monotone predicate holds; n where it never does."""
    high = n
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def python_region(requires_python: str | None) -> Formula:
    """The Pythons that a package's ``Requires-Python`` does not rule out: what it says of newer ones is ignored."""
    bounds = python_lower_bounds(requires_python) if requires_python else None
    return from_python_specifier(bounds) if bounds else TRUE
