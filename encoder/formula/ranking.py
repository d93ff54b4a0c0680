"""From what indexes list to candidates: which releases and files may serve, and in what order they are preferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.facts import File, Listing, Release, Unavailable
from satlock.corpora.references import DirectOutcome
from satlock.encoder.formula.candidates import Build, Candidate, Candidates
from satlock.encoder.formula.siblings import divide
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE
from satlock.encoder.markers.platforms import required_by
from satlock.encoder.project.project import Project

__all__ = ["candidates_of", "direct_candidates", "is_exact", "uploaded"]


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


def candidates_of(
    name: str,
    listings: Sequence[Listing],
    project: Project,
    domain: Domain,
    *,
    asked: Sequence[SpecifierSet],
    beside: Sequence[Listing] = (),
) -> Candidates:
    """Ranks what the indexes of one region list for a package.

    Args:
        listings: in order of priority; several only where the index strategy looks beyond the first match.
        beside: of ``find-links``, which serve as well as the first of the others does; before it where both have a
            version.
        asked: the specifiers by which the project itself asks for the package: they admit pre-releases by naming one.
    """
    wheels_only = name in project.no_build_package or (project.no_build and name not in project.no_binary_package)
    sdists_only = name in project.no_binary_package or project.no_binary
    hashes = project.hashes.get(name)
    left_out: list[tuple[str, str]] = []
    segments: list[list[Build]] = []
    listings = (*beside, *listings)
    for listing in listings:
        builds = []
        cutoff = project.cutoff(name, listing.index)
        for release in listing.releases:
            reason, files = _serving_files(release, cutoff, wheels_only, sdists_only, hashes)
            if reason is None:
                builds.append(Build(release.version, listing.index, release, files, TRUE))
            else:
                left_out.append((release.version, reason))
        segments.append(builds)
    equals = len(segments) if project.index_strategy == "unsafe-best-match" else len(beside) + 1
    if equals > 1 and len(segments) > 1:
        merged = [(Version(b.version), -i, b) for i, segment in enumerate(segments[:equals]) for b in segment]
        segments = [[build for _, _, build in sorted(merged, key=lambda item: item[:2])], *segments[equals:]]
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
