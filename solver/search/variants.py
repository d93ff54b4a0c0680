"""Wheels of one version that may require different things, and what that makes of its requirements.

``torch 2.8.0+cu128`` lists fourteen packages in its Linux wheel and none of them in its Windows wheel. Whoever reads
one wheel and takes it for all is wrong somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from satlock.corpora.facts import File, Metadata
from satlock.corpora.index.file_order import files_in_order
from satlock.encoder.formula.candidates import Build
from satlock.encoder.formula.siblings import divide
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import Formula, any_of
from satlock.encoder.markers.tags import fits_of, installs_on

__all__ = ["Apart", "Said", "Variant", "parted", "said_by"]

_MOST = 8
"""Different metadata files of one version; where there are more, they differ in what matters to nobody."""


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
"""Whether each wheel is read, or one for each platform (None), or one for all unless the index says that they differ.
"""


def parted(build: Build, apart: Apart, domain: Domain) -> list[Variant]:
    """The files of a build in parts whose metadata may differ, first the part with the file that is asked first.

    Where the index tells digests of metadata files (PEP 658), files with one digest are one part. Parts that serve no
    environment of the universe are left out. Where no file installs, it is the first part's metadata that counts.
    """
    files = _installing(build.files, domain)
    wheels, sdists = files_in_order(files)
    groups = _groups(wheels, apart) if len(wheels) > 1 else []
    # What was fetched ahead may be the word of a wheel that nobody can install.
    first = "" if len(files) == len(build.files) else (wheels or sdists)[0].filename
    if len(groups) < 2:
        return [Variant(build.region, files, first)]
    regions = divide([[file.filename for file in group] for group in groups], domain)
    found = []
    for place, (group, region) in enumerate(zip(groups, regions, strict=True)):
        if domain.satisfiable(build.region, region):
            part = group[0].filename if place else first
            found.append(Variant(build.region & region, tuple(group) if place else files, part))
    return found or [Variant(build.region, files, first)]


def _installing(files: tuple[File, ...], domain: Domain) -> tuple[File, ...]:
    """The files without wheels that nobody can install: what such a wheel requires, nobody gets.

    All of them where the wheel that is asked first installs somewhere, as nearly always, or where nothing else is left.
    """
    wheels, _ = files_in_order(files)
    if not wheels or domain.satisfiable(installs_on(wheels[0].filename)):
        return files
    kept = tuple(file for file in files if not file.is_wheel or domain.satisfiable(installs_on(file.filename)))
    return kept or files


def _groups(wheels: Sequence[File], apart: Apart) -> list[list[File]]:
    digests = {file.metadata for file in wheels}
    told = None not in digests and () not in digests
    if told and (apart is not False or len(digests) <= _MOST):
        return _by(wheels, lambda file: file.metadata)
    if apart:
        return _by(wheels, lambda file: file.filename)
    if apart is None or told:
        return _by(wheels, lambda file: frozenset((fit.system, fit.machines) for fit in fits_of(file.filename)))
    return [list(wheels)]


def _by(wheels: Iterable[File], key: Callable[[File], object]) -> list[list[File]]:
    groups: dict[object, list[File]] = {}
    for file in wheels:
        groups.setdefault(key(file), []).append(file)
    return list(groups.values())


def said_by(whole: Formula, parts: Sequence[tuple[Formula, Metadata]]) -> list[Said]:
    """What the parts of a build require: first what all of them do, in all of its region, then the rest, by region."""
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
