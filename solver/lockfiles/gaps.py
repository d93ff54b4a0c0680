"""Where a lock has nothing to install: the common platforms on which a selected candidate has no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.platforms import Place, common_places, region_of, unserved
from satlock.records import dataclass
from satlock.solver.lockfiles.lock import Lock, LockedPackage

__all__ = ["Gap", "refused_by_pip", "without_file"]


@dataclass(frozen=True)
class Gap:
    """A locked candidate, and the common platforms where it cannot be installed though it is selected there."""

    package: LockedPackage
    places: tuple[Place, ...]
    wanted: tuple[Place, ...]
    """All the common platforms where it is selected."""


def without_file(lock: Lock, domain: Domain) -> list[Gap]:
    """The candidates that have no file in the lock for a common platform that selects them.

    Says the same of a lock as ``satlock.solver.proofs.installable`` does of the file that is written of it.
    """

    def missing(package: LockedPackage, places: Sequence[Place]) -> list[Place]:
        if package.direct is not None and package.direct.file is None:  # it is built where it is installed
            return []
        return unserved(places, (file for file in package.files if file.hashes))

    return list(_gaps(lock, domain, missing))


def refused_by_pip(lock: Lock, domain: Domain) -> list[Gap]:
    """The candidates that pip refuses for an upper bound in their Requires-Python, which locks do not heed.

    pip reads it in the file that it is about to install; uv installs what the lock says.
    """

    def refuses(package: LockedPackage, places: Sequence[Place]) -> list[Place]:
        said = {
            file.requires_python
            for file in package.files
            if file.requires_python and any(bound in file.requires_python for bound in ("<", "==", "~="))
        }
        try:
            specifiers = [SpecifierSet(text) for text in said]
        except InvalidSpecifier:  # pip cannot read it either, and does not heed it
            return []
        # A late patch release: that a single one is excluded is no news of the minor release.
        return [place for place in places if any(not s.contains(f"3.{place.python[1]}.999") for s in specifiers)]

    return list(_gaps(lock, domain, refuses))


def _gaps(
    lock: Lock, domain: Domain, missing: Callable[[LockedPackage, Sequence[Place]], list[Place]]
) -> Iterator[Gap]:
    common = common_places(domain)
    for package in lock.packages:
        found = missing(package, common)
        if not found:
            continue
        wanted = [place for place in common if domain.satisfiable(package.region, region_of(frozenset((place,))))]
        places = tuple(place for place in found if place in wanted)
        if places:
            yield Gap(package, places, tuple(wanted))
