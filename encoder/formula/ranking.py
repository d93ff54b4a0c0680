"""From what indexes list to candidates: which releases and files may serve, and in what order they are preferred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from types import MappingProxyType
from typing import TypeAlias

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.corpora.columns import LOCAL, PRERELEASE, SDIST, WHEELS, YANKED, Columns, flags_of
from satlock.corpora.facts import File, Listing, Release, Unavailable
from satlock.corpora.references import DirectOutcome
from satlock.encoder.formula.candidates import Build, Candidate, Candidates, Ranked, Slot, bits, build_of
from satlock.encoder.formula.reasons import LeftOut, NotHad
from satlock.encoder.formula.siblings import divide
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula
from satlock.encoder.markers.platforms import required_by
from satlock.encoder.project.project import Project
from satlock.records import replace

__all__ = [
    "candidates_of",
    "direct_candidates",
    "is_exact",
    "listed_files",
    "named_build",
    "names_prerelease",
    "uploaded",
]


def direct_candidates(name: str, outcome: DirectOutcome, place: str, project: Project, domain: Domain) -> Candidates:
    """The one candidate that a reference came to, or none where it came to nothing; ``place`` is what to call it."""
    if isinstance(outcome, Unavailable):
        return Candidates(
            name, (place,), Ranked([]), ((place, NotHad(outcome.reason)),), 0, False, 0, ((),), (), {}, {},
            required_by((), domain),
        )  # fmt: skip
    told = outcome.metadata
    # A source tree serves wherever a source distribution would.
    file = outcome.file or File(f"{name}-{told.version}.tar.gz", outcome.key, (), None, None, None, None, None)
    release = Release(told.version, told.requires_python, False, None, file.is_wheel, not file.is_wheel, (tuple(file),))
    build = Build(told.version, outcome.key, release, (file,), TRUE, outcome)
    return Candidates(
        name, (place,), Ranked([Candidate((build,))]), (), 0, False, 0, ((1,),), (), {}, {},
        required_by(project.required_environments, domain),
    )  # fmt: skip


def candidates_of(
    name: str,
    listings: Sequence[Listing],
    project: Project,
    domain: Domain,
    *,
    opted: bool = False,
    named: Mapping[Version, Formula] = MappingProxyType({}),
    beside: Sequence[Listing] = (),
) -> Candidates:
    """Ranks what the indexes of one region list for a package.

    Args:
        listings: in order of priority; several only where the index strategy looks beyond the first match.
        beside: of ``find-links``, which serve as well as the first of the others does; before it where both have a
            version.
        opted: whether the project itself asks for pre-releases: they may serve with ``explicit`` as well then.
        named: the builds that it names by their local versions, and where: there they need no file.
    """
    wheels_only = name in project.no_build_package or (project.no_build and name not in project.no_binary_package)
    sdists_only = name in project.no_binary_package or (project.no_binary and name not in project.no_build_package)
    hashes = project.hashes.get(name)
    left_out: list[tuple[str, LeftOut]] = []
    segments: list[list[Slot]] = []
    listings = (*beside, *listings)
    for listing in listings:
        slots: list[Slot] = []
        cutoff = project.cutoff(name, listing.index)
        serving = _serving(listing.columns, cutoff, wheels_only, sdists_only, hashes)
        for place, (reason, files) in enumerate(serving):
            if reason is None:
                slots.append((listing, place, files))
            else:
                left_out.append((listing.columns.versions[place], reason))
        segments.append(slots)
    equals = len(segments) if project.index_strategy == "unsafe-best-match" else len(beside) + 1
    if equals > 1 and len(segments) > 1:
        merged = [(Version(_version(s)), -i, s) for i, segment in enumerate(segments[:equals]) for s in segment]
        segments = [[slot for _, _, slot in sorted(merged, key=lambda item: item[:2])], *segments[equals:]]
    ranked: list[Candidate | Slot] = []
    singles: list[Sequence[int]] = []
    composites: list[tuple[int, tuple[int, ...]]] = []
    whole: dict[int, int] = {}
    for segment in reversed(segments):
        if not any(_flags(slot) & LOCAL for slot in segment):  # nothing but single releases
            singles.append(range(len(ranked) + 1, len(ranked) + 1 + len(segment)))
            ranked += segment
            continue
        ranks: list[int] = []
        for _, group in groupby(segment, key=lambda slot: (_version(slot).partition("+")[0], slot[0].index)):
            members = list(group)
            first = len(ranked) + 1
            ranked += members
            ranks += range(first, first + len(members))
            divisible = len(members) > 1 and name not in project.single_version
            shared = _divide([build_of(slot) for slot in members], domain) if divisible else ()
            chosen = {build.version for build in shared}
            places = tuple(first + i for i, slot in enumerate(members) if _version(slot) in chosen)
            if len(shared) > 1:
                ranked.append(Candidate(shared))
                composites.append((len(ranked), places))
            if shared:
                stand_in = len(ranked) if len(shared) > 1 else places[0]
                whole.update((first + i, stand_in) for i in range(len(members)) if first + i != stand_in)
        singles.append(ranks)
    mode = project.prerelease_package.get(name, project.prerelease)
    flags = [_flags_of_candidate(one) if isinstance(one, Candidate) else _flags(one) for one in ranked]
    prereleases = bits(rank for rank, found in enumerate(flags, start=1) if found & PRERELEASE)
    yanked = bits(rank for rank, found in enumerate(flags, start=1) if found & YANKED)
    serve = mode == "if-necessary" or (mode == "explicit" and opted)
    if mode == "allow":
        prereleases = 0
    required = required_by(project.required_environments, domain)
    return Candidates(
        name, tuple(listing.index for listing in listings), Ranked(ranked), tuple(left_out), prereleases, serve, yanked,
        tuple(singles), tuple(composites), whole, named, required,
    )  # fmt: skip


def _version(slot: Slot) -> str:
    return slot[0].columns.versions[slot[1]]


def _flags(slot: Slot) -> int:
    return slot[0].columns.flags[slot[1]]


def _flags_of_candidate(candidate: Candidate) -> int:
    """The bits of a candidate: it is yanked where one of its builds is."""
    return flags_of(candidate.version, False, False, any(build.release.yanked for build in candidate.builds))


_All: TypeAlias = tuple[None, None]
_ALL: _All = (None, None)
_LATE = (LeftOut.TOO_NEW, ())


def _serving(
    columns: Columns,
    cutoff: datetime | None,
    wheels_only: bool,
    sdists_only: bool,
    hashes: frozenset[tuple[str, str]] | None,
) -> Iterator[tuple[LeftOut | None, tuple[File, ...] | None]]:
    """For each release why it is no candidate (None where it is one), and its files that serve (None: all of them).

    Files are looked at only where they decide: where a date falls between two of them, or only some are asked for.
    """
    if wheels_only or sdists_only or hashes is not None:
        yield from (_serving_files(release, cutoff, wheels_only, sdists_only, hashes) for release in columns)
        return
    if cutoff is None:
        yield from (_ALL if flags & (WHEELS | SDIST) else (LeftOut.NO_FILE, ()) for flags in columns.flags)
        return
    limit = cutoff.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for place, (first, last) in enumerate(zip(columns.firsts, columns.lasts, strict=True)):
        if last is not None and last[:19] < limit:
            yield _ALL
        elif first is not None and first[-1] == "Z" and first[:19] > limit:
            yield _LATE
        else:
            yield _serving_files(columns[place], cutoff, False, False, None)


def _serving_files(
    release: Release,
    cutoff: datetime | None,
    wheels_only: bool,
    sdists_only: bool,
    hashes: frozenset[tuple[str, str]] | None,
) -> tuple[LeftOut | None, tuple[File, ...] | None]:
    """Why a release is no candidate (None where it is one), and its files that serve (None: all of them)."""
    if wheels_only and not release.wheels:
        return LeftOut.NO_WHEEL, ()
    if sdists_only and not release.sdist:
        return LeftOut.NO_SDIST, ()
    if not release.raw_files:
        return LeftOut.NO_FILE, ()
    if cutoff is not None and uploaded(release.upload_time, cutoff) is False:
        return LeftOut.TOO_NEW, ()
    if cutoff is None and not wheels_only and not sdists_only and hashes is None:
        return None, None
    files = release.files
    if hashes is not None:
        files = tuple(file for file in files if not hashes.isdisjoint(file.hashes))
        if not files:
            return LeftOut.NO_HASH, ()
    if cutoff is not None:
        files = tuple(file for file in files if uploaded(file.upload_time, cutoff))
        if not files:
            return LeftOut.NO_TIME, ()
    if wheels_only:
        files = tuple(file for file in files if file.is_wheel)
    if sdists_only:
        files = tuple(file for file in files if not file.is_wheel)
    if not release.yanked:
        files = tuple(file for file in files if file.yanked is None)
    return (None, files) if files else (LeftOut.NOTHING_SERVES, ())


def listed_files(name: str, build: Build, project: Project) -> tuple[File, ...]:
    """The files that a lock lists: those that may be installed; in a uv.lock also those that ``no-build`` and
    ``no-binary`` bar, as uv lists them, which looks at these settings again when it installs.
    """
    if build.kept is None or not project.whole_workspace or project.files_barred_here:
        return build.files
    _, files = _serving_files(build.release, project.cutoff(name, build.index), False, False, project.hashes.get(name))
    return replace(build, kept=files).files


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


def is_exact(specifiers: SpecifierSet) -> bool:
    """Whether a specifier set names one version, which admits it even where it was yanked (PEP 592)."""
    return any(s.operator == "===" or (s.operator == "==" and not s.version.endswith(".*")) for s in specifiers)


def named_build(specifiers: SpecifierSet) -> Version | None:
    """The one build that a specifier set names by its local version (2.5.1+cpu), if it does."""
    for specifier in specifiers:
        if specifier.operator in ("==", "===") and "+" in specifier.version:
            try:
                return Version(specifier.version)
            except InvalidVersion:
                return None
    return None


def names_prerelease(specifiers: SpecifierSet) -> bool:
    """Whether a specifier set names a pre-release, which asks for them (PEP 440)."""
    for specifier in specifiers:
        try:
            if specifier.operator != "!=" and Version(specifier.version.removesuffix(".*")).is_prerelease:
                return True
        except (InvalidSpecifier, ValueError):
            continue
    return False
