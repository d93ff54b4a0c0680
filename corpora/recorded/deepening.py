"""More than a lock reads: the newest versions around it, so that other resolvers find what they would find live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.environments import holds_somewhere, pythons
from satlock.corpora.facts import Listing, Metadata, Release, Wanted
from satlock.corpora.names import canonicalize_name
from satlock.corpora.recorded.recording import Recording

__all__ = ["deepen"]


class _Known:
    """What is known of one package: who asks for which versions, and what its versions ask for."""

    def __init__(self) -> None:
        self.indexes: set[str] = set()
        self.extras: set[str] = set()
        self.specifiers: set[str] = set()
        self.requires: set[str] = set()


def deepen(
    corpus: Recording,
    requirements: Iterable[str],
    *,
    default_index: str,
    requires_python: str,
    depth: int,
    before: str | None = None,
    on_round: Callable[[int, int], None] = lambda packages, versions: None,
) -> None:
    """Ask for the ``depth`` newest versions that each requirement admits, and for what these require, and so on.

    "Newest" is meant twice: of all versions, and of those that the oldest Python of the project can use. A requirement
    is followed where its marker can hold on some platform. What was asked before counts, and is built upon.

    Args:
        requirements: those of the project, as written.
        before: RFC 3339; versions uploaded later do not count.
        on_round: told after each round how many packages and versions are known.
    """
    known: dict[str, _Known] = {}
    for (index, name), listing in corpus.kept_listings.items():
        if listing is not None:
            known.setdefault(name, _Known()).indexes.add(index)
    for wanted, outcome in corpus.kept_outcomes.items():
        if isinstance(outcome, Metadata):
            known.setdefault(wanted.name, _Known()).requires.update(outcome.requires_dist)
    oldest = next(iter(pythons(SpecifierSet(requires_python))), None)
    todo = set(_parsed(requirements))
    done: set[tuple[str, str]] = set()
    while True:
        for requirement in todo:
            _note(known, requirement)
        for one in list(known.values()):
            for requirement in _parsed(one.requires):
                if holds_somewhere(requirement.marker, requires_python, one.extras):
                    _note(known, requirement)
        fresh = [(name, text) for name, one in known.items() for text in one.specifiers if (name, text) not in done]
        if not fresh:
            return
        todo = set()
        done.update(fresh)
        for name, _ in fresh:
            known[name].indexes = known[name].indexes or {default_index}
        pairs = sorted({(index, name) for name, _ in fresh for index in known[name].indexes})
        listings = corpus.listings(pairs)
        wanted_now: dict[Wanted, None] = {}
        for name, text in fresh:
            for index in known[name].indexes:
                for release in _newest(listings[index, name], text, oldest, depth, before):
                    wanted_now[Wanted(index, name, release.version, release.files)] = None
        for wanted, outcome in corpus.metadata(list(wanted_now)).items():
            if isinstance(outcome, Metadata):
                known[wanted.name].requires.update(outcome.requires_dist)
        on_round(len(known), len(corpus.kept_outcomes))


def _note(known: dict[str, _Known], requirement: Requirement) -> None:
    one = known.setdefault(canonicalize_name(requirement.name), _Known())
    one.extras.update(canonicalize_name(extra) for extra in requirement.extras)
    one.specifiers.add(str(requirement.specifier))


def _parsed(texts: Iterable[str]) -> Iterator[Requirement]:
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.url is None:
            yield requirement


def _newest(
    listing: Listing | None, specifier: str, oldest: str | None, depth: int, before: str | None
) -> Iterator[Release]:
    if listing is None:
        return
    admitted = SpecifierSet(specifier)
    usable = [
        release
        for release in reversed(listing.releases)
        if release.raw_files
        and not release.yanked
        and (before is None or (release.upload_time or "") < before)
        and admitted.contains(release.version, prereleases=admitted.prereleases)
    ]
    final = [release for release in usable if not Version(release.version).is_prerelease]
    usable = final or usable
    yield from usable[:depth]
    if oldest is not None:
        yield from islice((release for release in usable if _runs_on(release, oldest)), depth)


def _runs_on(release: Release, python: str) -> bool:
    try:
        return release.requires_python is None or SpecifierSet(release.requires_python).contains(python)
    except InvalidSpecifier:
        return False
