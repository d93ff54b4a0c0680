"""``satlock check --metadata online``: fetches the metadata that a certificate records, and compares the two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from satlock.cli.failures import FAILED, Ended
from satlock.cli.progress import Progress

if TYPE_CHECKING:
    from satlock.cli.examining import WhereFrom
    from satlock.corpora.facts import Corpus, File, Listing
    from satlock.solver.checking.claims import Candidate, Listed

__all__ = ["Differs", "fetch_again"]


class Differs(Exception):
    """An index says something else than the certificate; the message is one clause."""


def fetch_again(
    candidates: Iterable[Candidate], listed: Iterable[Listed], given: WhereFrom
) -> dict[tuple[str, str], int]:
    """How much of what each index says is still what the certificate records of it.

    It is counted in candidates for metadata, and in packages for versions; ``listed`` are those of whose versions the
    certificate says which there are.

    The address that is asked is the one that the lockfile names, or the one that the command line puts in its place;
    what the certificate says of addresses is not heard. Nothing is built, so what only a build tells stays on trust.

    Raises:
        Differs: where one says something else.
        Ended: where one cannot be fetched.
    """
    from satlock.corpora.facts import CorpusError, Metadata, Wanted

    mine = list(candidates)
    corpus = given.open()
    try:
        confirmed = _look_at_versions(listed, given, corpus)
        places = {one: _place(one.index, given, corpus) for one in mine}
        with Progress(lambda: f"Fetching the metadata of {len(mine)} candidates"):
            listings = corpus.listings({(places[one], one.name) for one in mine})
            wanted = {one: _wanted(one, places[one], listings[places[one], one.name]) for one in mine}
            outcomes = corpus.metadata([Wanted(places[one], one.name, one.version, files)
                                        for one, files in wanted.items()])  # fmt: skip
    except CorpusError as error:
        raise Ended(FAILED, str(error)) from None
    finally:
        corpus.close()
    for one, files in wanted.items():
        said = outcomes[Wanted(places[one], one.name, one.version, files)]
        if isinstance(said, Metadata):
            _compare(one, said.requires_dist)
            if provided := set(one.lacking).intersection(said.provides_extra):
                raise Differs(f"{one.name} {one.version} has the extra {min(provided)}, which the certificate denies")
            key = ("metadata", one.index)
            confirmed[key] = confirmed.get(key, 0) + 1
    return confirmed


def _look_at_versions(packages: Iterable[Listed], given: WhereFrom, corpus: Corpus) -> dict[tuple[str, str], int]:
    """That each index lists just the versions that the certificate says, and what it says of their Pythons."""
    confirmed: dict[tuple[str, str], int] = {}
    for one in packages:
        places = [_place(index, given, corpus) for index in one.indexes]
        listings = corpus.listings([(place, one.name) for place in places])
        releases = [release for found in listings.values() if found is not None for release in found.releases]
        further = {release.version for release in releases} - one.versions
        if further:
            raise Differs(f"{one.indexes[0]} lists {one.name} {min(further)}, which the certificate does not know")
        pythons = {release.version: release.requires_python for release in releases}
        for version, stated in one.pythons:
            if pythons.get(version.partition(" @ ")[0], stated) != stated:
                raise Differs(f"{one.name} {version} asks for other Pythons than the certificate says")
        for version, files in one.files:
            mine = (release for release in releases if release.version == version.partition(" @ ")[0])
            names = {file.filename for release in mine for file in release.files if file.yanked is None}
            if unknown := names.difference(files):
                raise Differs(f"{one.indexes[0]} has {min(unknown)}, which the certificate does not know")
        for index in one.indexes:
            for what in ("versions", *(["files"] if one.files else [])):
                confirmed[what, index] = confirmed.get((what, index), 0) + 1
    return confirmed


def _place(index: str, given: WhereFrom, corpus: Corpus) -> str:
    from satlock.corpora.index.default_index import default_index_url

    if index in given.index:
        return given.index[index]
    if index:
        return index
    return given.default_index or corpus.default_index or default_index_url()


def _wanted(one: Candidate, place: str, listing: Listing | None) -> tuple[File, ...]:
    """The file that the certificate names, once its index says of it what the certificate does."""
    from packaging.version import InvalidVersion, Version

    from satlock.corpora.index.address import without_credentials

    where = without_credentials(place)
    try:
        version = str(Version(one.version))
    except InvalidVersion:
        raise Differs(f"{one.name} has the version {one.version[:40]!r}, which is none") from None
    release = next((r for r in listing.releases if r.version == version), None) if listing is not None else None
    if release is None:
        raise Differs(f"{where} has no {one.name} {one.version}")
    if not one.file:
        return release.files
    file = next((file for file in release.files if file.filename == one.file), None)
    if file is None:
        raise Differs(f"{where} has no file {one.file}")
    sha256 = dict(file.hashes).get("sha256")
    if one.sha256 and sha256 and sha256 != one.sha256:
        raise Differs(f"{where} has another {one.file} than the lockfile: its digest differs")
    digest = dict(file.metadata or ()).get("sha256")
    if one.digest and digest and digest != one.digest:
        raise Differs(f"{where} has another metadata of {one.file} than the certificate: its digest differs")
    return (file,)


def _compare(one: Candidate, lines: tuple[str, ...]) -> None:
    from satlock.solver.lockfiles.requirements import read_line

    try:
        said = tuple(read_line(line, one.name).text for line in lines)
    except ValueError as error:
        raise Differs(f"what {one.name} {one.version} requires cannot be read: {error}") from None
    told = tuple(read_line(line, one.name).text for line in one.lines)
    if (said != told) if one.whole else (not set(told) <= set(said)):
        odd = next(iter([*(set(told) - set(said)), *(set(said) - set(told)), "the order of its lines"]))
        raise Differs(f"{one.name} {one.version} requires something else than the certificate says: {odd[:100]}")
