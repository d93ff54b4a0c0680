"""The versions that a lock asks to be kept, as a run of the command would take them."""

from __future__ import annotations

from packaging.pylock import Pylock

from satlock.encoder.markers.marker import Formula, from_marker
from satlock.encoder.markers.structure import Marker
from satlock.solver.lockfiles.standing.keeping import versions_by_region

__all__ = ["kept_versions"]


def kept_versions(lock: Pylock) -> dict[str, dict[str, Formula]]:
    """For each package its versions in a lock, with where they are locked."""
    return versions_by_region(
        (str(package.name), str(package.version), from_marker(package.marker and Marker(str(package.marker))))
        for package in lock.packages
        if package.version is not None
    )
