"""The candidates of one package: an ordered scale of what may be chosen, and the ranks that a specifier admits.

Ranks are 1 (oldest) to n; rank 0 is "absent". Sets of ranks are integers with a bit for each rank, so that a package
with thousands of versions costs no more than one with ten.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import overload

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.columns import LOCAL
from satlock.corpora.facts import File, Listing, Release
from satlock.corpora.references import Direct
from satlock.encoder.formula.reasons import LeftOut, NotHad
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, from_python_specifier
from satlock.encoder.markers.platforms import Required, region_of, unserved
from satlock.encoder.markers.specifiers import python_lower_bounds
from satlock.encoder.markers.tags import installs_on
from satlock.records import dataclass, field

__all__ = [
    "Build",
    "Candidate",
    "Candidates",
    "Ranked",
    "Slot",
    "bits",
    "build_of",
    "descending",
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

    @cached_property
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


Slot = tuple[Listing, int, tuple[File, ...] | None]
"""A release in its listing, and the files of it that a setting leaves, or None where all serve."""


class Ranked(Sequence[Candidate]):
    """Candidates, lowest rank first. One that is a single release is made when somebody looks at it: most never are."""

    def __init__(self, slots: list[Candidate | Slot]) -> None:
        self._slots = slots

    def __len__(self) -> int:
        return len(self._slots)

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, place: int | slice) -> Candidate | tuple[Candidate, ...]:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        slot = self._slots[place]
        if not isinstance(slot, Candidate):
            slot = self._slots[place] = Candidate((build_of(slot),))
        return slot

    def version(self, place: int) -> str:
        """The version of one, which is not made for that."""
        slot = self._slots[place]
        return slot.version if isinstance(slot, Candidate) else slot[0].columns.versions[slot[1]]

    def uploads(self, place: int) -> tuple[str | None, ...]:
        """When each build of one was uploaded first."""
        slot = self._slots[place]
        if isinstance(slot, Candidate):
            return tuple(build.release.upload_time for build in slot.builds)
        return (slot[0].columns.firsts[slot[1]],)

    def requires_python(self) -> Iterator[tuple[int, str | None]]:
        """For each candidate that is a single release, its rank and its ``Requires-Python``."""
        for rank, slot in enumerate(self._slots, start=1):
            if not isinstance(slot, Candidate):
                yield rank, slot[0].columns.requires[slot[1]]
            elif len(slot.builds) == 1 and slot.builds[0].region is TRUE:
                yield rank, slot.builds[0].release.requires_python

    def divided(self) -> Iterator[tuple[int, Candidate]]:
        """The others, each with its rank."""
        for rank, slot in enumerate(self._slots, start=1):
            if isinstance(slot, Candidate) and (len(slot.builds) > 1 or slot.builds[0].region is not TRUE):
                yield rank, slot

    def indexes_with_locals(self) -> frozenset[str]:
        """The indexes that list local versions, such as 2.5.1+cpu."""
        found: set[str] = set()
        for slot in self._slots:
            if isinstance(slot, Candidate):
                found.update(build.index for build in slot.builds if "+" in build.version)
            elif slot[0].columns.flags[slot[1]] & LOCAL:
                found.add(slot[0].index)
        return frozenset(found)


def build_of(slot: Slot) -> Build:
    """A release that serves everywhere it installs."""
    listing, place, kept = slot
    release = listing.columns[place]
    return Build(release.version, listing.index, release, kept, TRUE)


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


def descending(ranks: int) -> Iterator[int]:
    """The ranks of a set, the highest first."""
    while ranks:
        rank = ranks.bit_length() - 1
        yield rank
        ranks ^= 1 << rank


@dataclass(eq=False)
class Candidates:
    """Every candidate of one package from the indexes that serve one region of the universe.

    Each is itself only: two are equal if they are one object.
    """

    name: str
    indexes: tuple[str, ...]
    ranked: Ranked
    """Lowest rank first; ``ranked[0]`` has rank 1."""
    left_out: tuple[tuple[str, LeftOut | NotHad], ...]
    """(version, reason) of what is no candidate at all."""
    prereleases: int
    """Ranks of pre-releases that were not asked for."""
    prereleases_serve: bool
    """Whether these may be used where nothing else serves."""
    yanked: int
    """Ranks of yanked releases."""
    _singles: tuple[Sequence[int], ...]
    """For each index in turn, the ranks of single releases, oldest first."""
    _composites: tuple[tuple[int, tuple[int, ...]], ...]
    """Ranks that stand for several builds, with the ranks of these."""
    whole: Mapping[int, int]
    """For a build that has siblings: the rank that serves wherever one of them does."""
    _named: Mapping[Version, Formula]
    """The builds that the project names, and where: they serve there without a file, whatever their siblings have."""
    _required: Required
    """Where every candidate must have a file."""
    _masks: dict[str, int] = field(default_factory=dict)
    _asked: dict[int, tuple[SpecifierSet, int]] = field(default_factory=dict)
    """The same by the identity of specifier sets, which are kept with it."""
    _versions: dict[int, Version] = field(default_factory=dict)
    _admission: list[tuple[Formula, int]] | None = None
    _locals: frozenset[str] | None = None

    top: int = field(init=False)
    """The highest rank."""
    everything: int = field(init=False)
    """All ranks."""

    def __post_init__(self) -> None:
        self.top = len(self.ranked)
        self.everything = (1 << (self.top + 1)) - 2

    def __getitem__(self, rank: int) -> Candidate:
        return self.ranked[rank - 1]

    def version(self, rank: int) -> Version:
        found = self._versions.get(rank)
        if found is None:
            found = self._versions[rank] = Version(self.ranked.version(rank - 1))
        return found

    def admitted(self, specifiers: SpecifierSet) -> int:
        """The ranks that a specifier set admits (PEP 440), pre-releases among them: others ask whether they serve."""
        known = self._asked.get(id(specifiers))
        if known is not None:
            return known[1]
        key = str(specifiers)
        found = self._masks.get(key)
        if found is None:
            found = self._masks[key] = self._read(specifiers)
        self._asked[id(specifiers)] = specifiers, found
        return found

    def _read(self, specifiers: SpecifierSet) -> int:
        admitted = self.everything
        for specifier in specifiers:
            mask = 0
            for ranks in self._singles:
                first, after = self._interval(specifier, ranks)
                if first < after:
                    mask |= _span(ranks, first, after)
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
            hits = [i for i, rank in enumerate(ranks) if self.ranked.version(rank - 1) == text]
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
            by_region: dict[Formula, list[int]] = {}
            for rank, region in self._admitting():
                here = region & self.beside(rank) if rank in self.whole else region
                if here is not TRUE:
                    by_region.setdefault(here, []).append(rank)
            ordered = sorted(by_region.items(), key=lambda item: min(item[1]))
            self._admission = [(region, bits(ranks)) for region, ranks in ordered]
        return self._admission

    def _admitting(self) -> Iterator[tuple[int, Formula]]:
        """Each rank, and where it may serve."""
        if self._required.places:
            divided: Iterable[tuple[int, Candidate]] = enumerate(self.ranked, start=1)
        else:
            regions: dict[str | None, Formula] = {}
            for rank, requires in self.ranked.requires_python():
                if requires not in regions:
                    regions[requires] = python_region(requires)
                yield rank, regions[requires]
            divided = self.ranked.divided()
        for rank, candidate in divided:
            yield rank, all_of(~build.region | self._admission_of(build) for build in candidate.builds)

    def beside(self, rank: int) -> Formula:
        """Where no other build of its version has a file while this one has none, or it is named: for :attr:`whole`."""
        own, builds = self.ranked.version(rank - 1), self[self.whole[rank]].builds
        others = _installs(file.filename for build in builds if build.version != own for file in build.files)
        return ~others | self.usable(rank) | self._named.get(self.version(rank), FALSE)

    def _admission_of(self, build: Build) -> Formula:
        region = python_region(build.release.requires_python)
        if self._required.places:
            bare = unserved(self._required.places, build.files)
            region &= ~(self._required.region & region_of(self._required.without_python(bare)))
        return region

    def has_locals(self, index: str) -> bool:
        """Whether an index lists local versions of the package (2.5.1+cpu), which are builds for some purpose."""
        if self._locals is None:
            self._locals = self.ranked.indexes_with_locals()
        return index in self._locals

    def usable(self, rank: int) -> Formula:
        """Where a file of the candidate installs."""
        return _installs(file.filename for build in self[rank].builds for file in build.files)


def _installs(filenames: Iterable[str]) -> Formula:
    """Where one of these files installs."""
    names = list(filenames)
    # Most packages have a source distribution or a wheel for any platform: no need to read the others' tags.
    if any(installs_on(name) is TRUE for name in names if not name.endswith(".whl")):
        return TRUE
    return any_of(installs_on(name) for name in sorted(names, key=lambda name: not name.endswith("-any.whl")))


def _span(ranks: Sequence[int], first: int, after: int) -> int:
    """The set of ``ranks[first:after]``, which ascend."""
    low, high = ranks[first], ranks[after - 1]
    if high - low == after - first - 1:
        return (1 << (high + 1)) - (1 << low)
    return bits(ranks[first:after])


def bits(ranks: Iterable[int]) -> int:
    """A set of ranks; made at once, since each shift of a large integer copies it."""
    found = bytearray()
    for rank in ranks:
        if rank >> 3 >= len(found):
            found.extend(bytes((rank >> 3) + 1 - len(found)))
        found[rank >> 3] |= 1 << (rank & 7)
    return int.from_bytes(found, "little")


def _first(n: int, holds: Callable[[int], bool], low: int = 0) -> int:
    """The first index at or after ``low`` where a monotone predicate holds; n where it never does."""
    return bisect_left(range(n), True, lo=low, key=holds)


def python_region(requires_python: str | None) -> Formula:
    """The Pythons that a package's ``Requires-Python`` does not rule out: what it says of newer ones is ignored."""
    bounds = python_lower_bounds(requires_python) if requires_python else None
    return from_python_specifier(bounds) if bounds else TRUE
