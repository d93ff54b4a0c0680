"""Wheels of one version that may require different things, and what that makes of its requirements.

``torch 2.8.0+cu128`` lists fourteen packages in its Linux wheel and none of them in its Windows wheel. Whoever reads
one wheel and takes it for all is wrong somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from satlock.corpora.facts import File, Metadata
from satlock.corpora.index.file_order import files_in_order, first_wheel
from satlock.encoder.formula.candidates import Build
from satlock.encoder.formula.siblings import divide
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import Formula, any_of
from satlock.encoder.markers.tags import fits_of, installs_on

__all__ = ["KNOWN_TO_DIFFER", "Apart", "Said", "Variant", "parted", "said_by"]

_MOST = 8
"""Different metadata files of one version; where there are more, they differ in what matters to nobody."""
KNOWN_TO_DIFFER = frozenset(("torch", "torchvision"))
"""Packages whose wheels of one version differ in what they require in many releases, also where no version is local."""


class Variant(NamedTuple):
    """Some of a build's files, and the environments that get them."""

    region: Formula
    files: tuple[File, ...]
    part: str
    """See :attr:`satlock.corpora.facts.Wanted.part`."""


class Said(NamedTuple):
    """Requirements that hold in one region."""

    region: Formula
    lines: tuple[str, ...]
    requires_python: str | None


Apart = bool | None
"""How many wheels are read where an index gives no digests of their metadata: each (True), one for each platform and
Python (None), or one for all (False)."""


def parted(build: Build, apart: Apart, domain: Domain) -> list[Variant]:
    """The files of a build in parts whose metadata may differ, first the part with the file that is asked first.

    Where the index tells digests of metadata files (PEP 658), files with one digest are one part. Parts that serve no
    environment of the universe are left out. Where no file installs, it is the first part's metadata that counts.
    """
    files = _installing(build.files, domain)
    wheels = [file for file in files if file.is_wheel]
    key = _key(wheels, apart, domain) if len(wheels) > 1 else None
    # What was fetched ahead may be the word of a wheel that nobody can install.
    first = "" if len(files) == len(build.files) else _first(files).filename
    if key is None or len(set(map(key, wheels))) < 2:
        return [Variant(build.region, files, first)]
    wheels, _ = files_in_order(wheels)
    kinds = _by(wheels, key)
    regions = _regions(wheels, key, domain)
    found = []
    for place, (kind, group) in enumerate(kinds.items()):
        if domain.satisfiable(build.region, regions[kind]):
            part = group[0].filename if place else first
            found.append(Variant(build.region & regions[kind], tuple(group) if place else files, part))
    return found or [Variant(build.region, files, first)]


def _first(files: Sequence[File]) -> File:
    wheels, sdists = files_in_order(files)
    return (wheels or sdists)[0]


def _regions(wheels: Sequence[File], key: Callable[[File], object], domain: Domain) -> dict[object, Formula]:
    """Where the wheels of each kind serve: platform by platform, and there those for newer Pythons first.

    The first of a platform has the Pythons for which there is no wheel as well.
    """
    found: dict[object, list[Formula]] = {}
    platforms = list(_by(wheels, _platform).values())
    divided = divide([[file.filename for file in group] for group in platforms], domain)
    for group, region in zip(platforms, divided, strict=True):
        kinds = _by(sorted(group, key=_since, reverse=True), key)
        installs = [any_of(installs_on(file.filename) for file in files) for files in kinds.values()]
        for place, kind in enumerate(kinds):
            mine = installs[place] & ~any_of(installs[:place]) if place else installs[0] | ~any_of(installs)
            found.setdefault(kind, []).append(region & mine)
    return {kind: any_of(regions) for kind, regions in found.items()}


def _platform(file: File) -> object:
    """The systems and machines that a wheel is for."""
    return frozenset((fit.system, fit.machines) for fit in fits_of(file.filename))


def _since(file: File) -> tuple[int, int]:
    """The highest of the first Pythons that a wheel's tags name."""
    return max((fit.since for fit in fits_of(file.filename)), default=(0, 0))


def _installing(files: tuple[File, ...], domain: Domain) -> tuple[File, ...]:
    """The files without wheels that nobody can install: what such a wheel requires, nobody gets.

    All of them where the wheel that is asked first installs somewhere, as nearly always, or where nothing else is left.
    """
    first = first_wheel(files)
    if first is None or domain.satisfiable(installs_on(first.filename)):
        return files
    kept = tuple(file for file in files if not file.is_wheel or domain.satisfiable(installs_on(file.filename)))
    return kept or files


def _key(wheels: Sequence[File], apart: Apart, domain: Domain) -> Callable[[File], object] | None:
    """By what the wheels are told apart; None where one tells for all."""
    digests = {file.metadata for file in wheels}
    told = None not in digests and () not in digests
    if told and len(digests) > _MOST and apart is False:
        digests = {file.metadata for file in wheels if domain.satisfiable(installs_on(file.filename))}
    if told and (apart is not False or len(digests) <= _MOST):
        return lambda file: file.metadata
    if apart:
        return lambda file: file.filename
    if apart is None:
        return lambda file: frozenset(fits_of(file.filename))
    return _platform if told else None


def _by(wheels: Iterable[File], key: Callable[[File], object]) -> dict[object, list[File]]:
    """Wheels in groups, in the order of the first of each."""
    groups: dict[object, list[File]] = {}
    for file in wheels:
        groups.setdefault(key(file), []).append(file)
    return groups


def said_by(whole: Formula, parts: Sequence[tuple[Formula, Metadata]]) -> list[Said]:
    """What the parts of a build require: first what all of them do, in all of its region, then the rest, by region."""
    if len(parts) == 1:
        return [Said(whole, tuple(dict.fromkeys(parts[0][1].requires_dist)), parts[0][1].requires_python)]
    where: dict[str, list[Formula]] = {}
    pythons: dict[str | None, list[Formula]] = {}
    for region, metadata in parts:
        for line in dict.fromkeys(metadata.requires_dist):
            where.setdefault(line, []).append(region)
        pythons.setdefault(metadata.requires_python, []).append(region)
    common = [line for line, regions in where.items() if len(regions) == len(parts)]
    agreed = parts[0][1].requires_python if len(pythons) == 1 else None
    said = [Said(whole, tuple(common), agreed)]
    special: dict[Formula, list[str]] = {}
    for line, regions in where.items():
        if len(regions) < len(parts):
            special.setdefault(any_of(regions), []).append(line)
    said += [Said(region, tuple(lines), None) for region, lines in special.items()]
    if len(pythons) > 1:
        said += [Said(any_of(regions), (), python) for python, regions in pythons.items() if python is not None]
    return said
