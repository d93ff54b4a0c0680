"""Guessing ahead of the search: what newly arrived facts make likely to be asked for next.

The search asks level by level; a live index would stand idle between. The guesses run in the corpus's thread, over
facts only, share nothing with the search, and can at worst fetch something for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.corpora.facts import Listing, Metadata, Wanted
from satlock.encoder.formula.ranking import uploaded
from satlock.encoder.markers.specifiers import parse_requirement
from satlock.encoder.project.project import Project

__all__ = ["Crawler"]

_TRIES = 12
"""Releases looked at, newest first, for one that a requirement admits."""
_OLD_PYTHON = re.compile(r"""python(?:_full)?_version\s*<=?\s*['"](\d+)\.(\d+)""")
_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")


class Crawler:
    """Follows the newest release of each package through its requirements."""

    def __init__(self, project: Project, chain: Sequence[str], pinned: Iterable[str]) -> None:
        self._project = project
        self._chain = chain
        self._asked: dict[str, SpecifierSet] = {name: SpecifierSet() for name in pinned}
        self._extras: dict[str, set[str]] = {}
        self._oldest = next(
            (Version(s.version.removesuffix(".*")).release[:2] for s in project.requires_python if s.operator == ">="),
            (3, 0),
        )

    def note(self, name: str, specifier: SpecifierSet, extras: Iterable[str]) -> list[tuple[str, str]]:
        """The listings to fetch for a requirement: none for a package that was asked for before."""
        self._extras.setdefault(name, set()).update(extras)
        if name in self._asked or name in self._project.excludes:
            return []
        self._asked[name] = specifier
        return [(index, name) for index in self._chain]

    def guess(self, arrived: Listing | Metadata) -> tuple[list[tuple[str, str]], list[Wanted]]:
        """See :data:`satlock.corpora.facts.Guess`."""
        if isinstance(arrived, Listing):
            return [], self._newest(arrived)
        found: list[tuple[str, str]] = []
        for line in arrived.requires_dist:
            marker = line.partition(";")[2]
            if marker and not self._may_hold(marker, arrived.name):
                continue
            requirement = parse_requirement(line, "")
            found += self.note(requirement.name, requirement.specifier, requirement.extras)
        return found, []

    def _may_hold(self, marker: str, name: str) -> bool:
        """Whether a marker is likely to hold: not on old Pythons alone, nor for an extra that nobody asks for."""
        old = _OLD_PYTHON.search(marker)
        if old and (int(old[1]), int(old[2])) <= self._oldest and " or " not in marker:
            return False
        extras = _EXTRA.findall(marker)
        return not extras or any(extra in self._extras.get(name, ()) for extra in extras)

    def _newest(self, listing: Listing) -> list[Wanted]:
        """What to ask for the metadata of the newest release with a wheel that was asked for, if one is found soon."""
        specifier = self._asked.get(listing.name, SpecifierSet())
        cutoff = self._project.cutoff(listing.name, listing.index)
        for release in listing.releases[: -_TRIES - 1 : -1]:
            serves = release.wheels and not release.yanked and specifier.contains(release.version, prereleases=False)
            if serves and (cutoff is None or uploaded(release.upload_time, cutoff)):
                files = tuple(file for file in release.files if file.yanked is None)
                return [Wanted(listing.index, listing.name, release.version, files)]
        return []
