"""The candidates of one package: an ordered scale of what may be chosen, and the ranks that a specifier admits.

Ranks are 1 (oldest) to n; rank 0 is "absent". Sets of ranks are integers with a bit for each rank, so that a package
with thousands of versions costs no more than one with ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import Version

from corpora.facts import File, Listing, Release, Unavailable
from corpora.references import Direct, DirectOutcome

from .domain import Domain
from .marker import FALSE, TRUE, Formula, all_of, any_of, from_python_specifier
from .platforms import Required, region_of, required_by, unserved
from .project import Project
from .siblings import divide
from .specifiers import python_lower_bounds
from .tags import installs_on

__all__ = [
    "Build",
    "Candidate",
    "Candidates",
    "candidates_of",
    "direct_candidates",
    "is_exact",
    "python_region",
    "runs",
    "uploaded",
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


@dataclass
class Candidates:
    """Every candidate of one package from the indexes that serve one region of the universe."""

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


def direct_candidates(name: str, outcome: DirectOutcome, place: str, project: Project, domain: Domain) -> Candidates:
    """The one candidate that a reference came to, or none where it came to nothing; ``place`` is what to call it."""
    if isinstance(outcome, Unavailable):
        return Candidates(
            name, (place,), (), ((place, f"cannot be had: {outcome.reason}"),), 0, False, 0, ((),), (), {},
            required_by((), domain),
        )  # fmt: skip
    told = outcome.metadata
    # A source tree serves wherever a source distribution would.
    file = outcome.file or File(f"{name}-{told.version}.tar.gz", outcome.key, (), None, None, None, None, None)
    release = Release(told.version, told.requires_python, False, None, file.is_wheel, not file.is_wheel, (tuple(file),))
    build = Build(told.version, outcome.key, release, (file,), TRUE, outcome)
    return Candidates(
        name, (place,), (Candidate((build,)),), (), 0, False, 0, ((1,),), (), {},
        required_by(project.required_environments, domain),
    )  # fmt: skip


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


def candidates_of(
    name: str, listings: Sequence[Listing], project: Project, domain: Domain, *, asked: Sequence[SpecifierSet]
) -> Candidates:
    """Ranks what the indexes of one region list for a package.

    Args:
        listings: in order of priority; several only where the index strategy looks beyond the first match.
        asked: the specifiers by which the project itself asks for the package: they admit pre-releases by naming one.
    """
    cutoff = project.exclude_newer_package.get(name, project.exclude_newer)
    wheels_only = name in project.no_build_package or (project.no_build and name not in project.no_binary_package)
    sdists_only = name in project.no_binary_package or project.no_binary
    hashes = project.hashes.get(name)
    left_out: list[tuple[str, str]] = []
    segments: list[list[Build]] = []
    for listing in listings:
        builds = []
        for release in listing.releases:
            reason, files = _serving_files(release, cutoff, wheels_only, sdists_only, hashes)
            if reason is None:
                builds.append(Build(release.version, listing.index, release, files, TRUE))
            else:
                left_out.append((release.version, reason))
        segments.append(builds)
    if project.index_strategy == "unsafe-best-match" and len(segments) > 1:
        merged = [(Version(b.version), -i, b) for i, segment in enumerate(segments) for b in segment]
        segments = [[build for _, _, build in sorted(merged, key=lambda item: item[:2])]]
    ranked: list[Candidate] = []
    singles: list[tuple[int, ...]] = []
    composites: list[tuple[int, tuple[int, ...]]] = []
    whole: dict[int, int] = {}
    for segment in reversed(segments):
        ranks: list[int] = []
        for _, group in groupby(segment, key=lambda build: (build.version.partition("+")[0], build.index)):
            members = list(group)
            first = len(ranked) + 1
            ranked += [Candidate((build,)) for build in members]
            ranks += range(first, first + len(members))
            divisible = len(members) > 1 and name not in project.single_version
            shared = _divide(members, domain) if divisible else ()
            chosen = {build.version for build in shared}
            places = tuple(first + i for i, build in enumerate(members) if build.version in chosen)
            if len(shared) > 1:
                ranked.append(Candidate(shared))
                composites.append((len(ranked), places))
            if shared:
                stand_in = len(ranked) if len(shared) > 1 else places[0]
                whole.update((first + i, stand_in) for i in range(len(members)) if first + i != stand_in)
        singles.append(tuple(ranks))
    mode = project.prerelease_package.get(name, project.prerelease)
    prereleases, yanked = 0, 0
    for rank, candidate in enumerate(ranked, start=1):
        prereleases |= _is_prerelease(candidate.version) << rank
        yanked |= any(build.release.yanked for build in candidate.builds) << rank
    everything = (1 << (len(ranked) + 1)) - 2
    serve = mode in ("if-necessary", "if-necessary-or-explicit")
    named = mode != "disallow" and any(_names_prerelease(specifiers) for specifiers in asked)
    if mode == "allow" or named or (serve and prereleases == everything):
        prereleases = 0
    required = required_by(project.required_environments, domain)
    found = Candidates(
        name, tuple(listing.index for listing in listings), tuple(ranked), tuple(left_out), prereleases, serve, yanked,
        tuple(singles), tuple(composites), whole, required,
    )  # fmt: skip
    for specifiers in asked:
        if is_exact(specifiers):
            found.yanked &= ~found.admitted(specifiers)
    return found


@lru_cache(maxsize=1 << 15)
def _serving_files(
    release: Release,
    cutoff: datetime | None,
    wheels_only: bool,
    sdists_only: bool,
    hashes: frozenset[tuple[str, str]] | None,
) -> tuple[str | None, tuple[File, ...] | None]:
    """Why a release is no candidate (None where it is one), and its files that serve (None: all of them)."""
    if wheels_only and not release.wheels:
        return "has no wheel, and building it is switched off", ()
    if sdists_only and not release.sdist:
        return "has no source distribution, and its wheels are switched off", ()
    if not release.raw_files:
        return "has no file", ()
    if cutoff is not None and uploaded(release.upload_time, cutoff) is False:
        return "was uploaded after the exclude-newer date", ()
    if cutoff is None and not wheels_only and not sdists_only and hashes is None:
        return None, None
    files = release.files
    if hashes is not None:
        files = tuple(file for file in files if not hashes.isdisjoint(file.hashes))
        if not files:
            return "has no file with one of the hashes that are asked for", ()
    if cutoff is not None:
        files = tuple(file for file in files if uploaded(file.upload_time, cutoff))
        if not files:
            return "has no upload time, so exclude-newer leaves it out", ()
    if wheels_only or sdists_only:
        files = tuple(file for file in files if file.is_wheel == wheels_only)
    if not release.yanked:
        files = tuple(file for file in files if file.yanked is None)
    return (None, files) if files else ("has no file that serves", ())


def uploaded(moment: str | None, cutoff: datetime) -> bool | None:
    """Whether an upload was in time; None where the index does not tell."""
    if moment is None:
        return None
    when = datetime.fromisoformat(moment)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)) < cutoff


def _divide(siblings: list[Build], domain: Domain) -> tuple[Build, ...]:
    """The builds of one public version that together stand for it, the highest local version first."""
    serving = [build for build in reversed(siblings) if not build.release.yanked]
    if not serving:
        return ()
    regions = divide([[file.filename for file in build.files] for build in serving], domain)
    shared = (replace(build, region=region) for build, region in zip(serving, regions, strict=True))
    return tuple(build for build in shared if build.region is not FALSE)


def _is_prerelease(version: str) -> bool:
    # A final release is digits, dots, "post" and a local part; only the rest is worth parsing.
    public = version.partition("+")[0].partition("!")[2] or version.partition("+")[0]
    return not public.replace(".", "").replace("post", "").isdigit()


def is_exact(specifiers: SpecifierSet) -> bool:
    """Whether a specifier set names one version, which admits it even where it was yanked (PEP 592)."""
    return any(s.operator == "===" or (s.operator == "==" and not s.version.endswith(".*")) for s in specifiers)


def _names_prerelease(specifiers: SpecifierSet) -> bool:
    for specifier in specifiers:
        try:
            if specifier.operator != "!=" and Version(specifier.version.removesuffix(".*")).is_prerelease:
                return True
        except (InvalidSpecifier, ValueError):
            continue
    return False
