"""Recording: a corpus that keeps every answer it passes on, and what of them goes into a snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from packaging.version import Version

from satlock.corpora.facts import (
    Corpus,
    CorpusError,
    Delegating,
    Listing,
    Metadata,
    MetadataOutcome,
    Release,
    Unavailable,
    Wanted,
)
from satlock.corpora.index.address import without_credentials
from satlock.records import replace

__all__ = ["EXAMPLE_FILES", "EXAMPLE_INDEX", "Facts", "Recording", "merged", "only_told", "with_example_hosts"]

Facts: TypeAlias = tuple[dict[tuple[str, str], Listing | None], dict[Wanted, MetadataOutcome]]
"""Listings by (index, name), and outcomes by what was wanted."""

EXAMPLE_INDEX = "https://index.example"
EXAMPLE_FILES = "https://files.example"


class Recording(Delegating):
    """Keeps what an index answers. Neither what was only fetched ahead is kept, nor what references and files come to.

    So what it holds depends on what was asked alone, and not on the order in which answers came.
    """

    def __init__(self, corpus: Corpus) -> None:
        super().__init__(corpus)
        self.kept_listings: dict[tuple[str, str], Listing | None] = {}
        self.kept_outcomes: dict[Wanted, MetadataOutcome] = {}

    @property
    def facts(self) -> Facts:
        """All that was asked and answered so far."""
        return dict(self.kept_listings), dict(self.kept_outcomes)

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        answers = self._corpus.listings(wanted)
        for (index, name), listing in answers.items():
            self.kept_listings[without_credentials(index).rstrip("/"), name] = listing
        return answers

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        answers = self._corpus.metadata(wanted)
        for one, outcome in answers.items():
            self.kept_outcomes[replace(one, index=without_credentials(one.index).rstrip("/"))] = outcome
        return answers


def merged(several: Iterable[Facts]) -> Facts:
    """One world from several that were recorded of the same indexes, such as one for each project.

    Of a package every release is listed that one of them lists; where two tell the same, the first counts.
    """
    listings: dict[tuple[str, str], Listing | None] = {}
    outcomes: dict[Wanted, MetadataOutcome] = {}
    for more_listings, more_outcomes in several:
        for key, listing in more_listings.items():
            before = listings.get(key)
            if before is None or listing is None:
                listings[key] = before or listing
                continue
            releases = {release.version: release for release in (*listing.releases, *before.releases)}
            ordered = sorted(releases.values(), key=lambda release: Version(release.version))
            skipped = dict.fromkeys((*before.skipped, *listing.skipped))
            listings[key] = Listing(before.name, before.index, tuple(ordered), tuple(skipped))
        for wanted, outcome in more_outcomes.items():
            outcomes.setdefault(wanted, outcome)
    return listings, outcomes


def only_told(facts: Facts) -> Facts:
    """What resolution needs of the facts and no more: releases whose requirements are known, without hashes and sizes.

    The world is the one that ``satlock corpus serve`` serves of them either way. What is left out is what takes the
    most room: hashes, which do not compress, and releases that nobody asked about.
    """
    listings, outcomes = facts
    told = {
        (one.index, one.name, one.version): one
        for one, outcome in outcomes.items()
        if not isinstance(outcome, Unavailable)
    }
    small: dict[tuple[str, str], Listing | None] = {}
    for key, listing in listings.items():
        releases = [
            _without_digests(release)
            for release in (listing.releases if listing is not None else ())
            if (*key, release.version) in told
        ]
        small[key] = listing and Listing(listing.name, listing.index, tuple(releases))
    return small, {one: outcome for one, outcome in outcomes.items() if (one.index, one.name, one.version) in told}


def _without_digests(release: Release) -> Release:
    files = [
        file._replace(
            hashes=(),
            size=None,
            metadata=None if file.metadata is None else (),
            upload_time=_to_the_second(file.upload_time),
        )
        for file in release.files
    ]
    return release._replace(
        raw_files=tuple(map(tuple, files)),
        upload_time=_to_the_second(release.upload_time),
    )


def _to_the_second(moment: str | None) -> str | None:
    return None if moment is None else re.sub(r"\.\d+", "", moment)


def with_example_hosts(facts: Facts, default_index: str) -> tuple[Facts, str]:
    """The same facts with every address on an example host, and the new address of the default index.

    The default index becomes ``https://index.example/simple``; of others the path is kept.

    Raises:
        CorpusError: two indexes would get one address.
    """
    listings, outcomes = facts
    default_index = default_index.rstrip("/")
    indexes = sorted({index for index, _ in listings} | {one.index for one in outcomes} | {default_index})
    moved = {index: _moved_index(index, default_index) for index in indexes}
    if len(set(moved.values())) < len(moved):
        raise CorpusError("Two of the recorded indexes differ only in their host, and would become one.")
    new_listings: dict[tuple[str, str], Listing | None] = {}
    for (index, name), listing in listings.items():
        new = moved[index]
        new_listings[new, name] = listing and Listing(
            name, new, tuple(_moved_release(new, name, release) for release in listing.releases), listing.skipped
        )
    new_outcomes: dict[Wanted, MetadataOutcome] = {}
    urls = [*indexes, *(file.url for one in outcomes for file in one.files)]
    hosts = sorted({urlsplit(url).netloc for url in urls} - {urlsplit(EXAMPLE_INDEX).netloc, ""}, key=len, reverse=True)
    for one, outcome in outcomes.items():
        files = tuple(file._replace(url=_moved_url(moved[one.index], one.name, file.filename)) for file in one.files)
        new_outcomes[replace(one, index=moved[one.index], files=files)] = _without_hosts(outcome, hosts)
    return (new_listings, new_outcomes), moved[default_index]


def _moved_index(index: str, default_index: str) -> str:
    if index == default_index:
        return f"{EXAMPLE_INDEX}/simple"
    return f"{EXAMPLE_INDEX}/{urlsplit(index).path.strip('/')}"


def _moved_release(index: str, name: str, release: Release) -> Release:
    files = [file._replace(url=_moved_url(index, name, file.filename)) for file in release.files]
    return release._replace(raw_files=tuple(map(tuple, files)))


def _moved_url(index: str, name: str, filename: str) -> str:
    return f"{EXAMPLE_FILES}/{index.removeprefix(f'{EXAMPLE_INDEX}/')}/{name}/{quote(filename)}"


def _without_hosts(outcome: MetadataOutcome, hosts: Iterable[str]) -> MetadataOutcome:
    """Requirements by direct reference may name the index too."""
    if not isinstance(outcome, Metadata):
        return outcome
    lines = outcome.requires_dist
    for host in hosts:
        if any(host in line for line in lines):
            lines = tuple(line.replace(host, urlsplit(EXAMPLE_INDEX).netloc) for line in lines)
    return replace(outcome, requires_dist=lines)
