"""What a person should know of files that were gone, refused, yanked, not to be read or built, or not as promised.

It is told even with ``--quiet``, since it decided what was locked, or might have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version

    from satlock.cli.watching import Watched
    from satlock.solver.lockfiles.lock import Lock
    from satlock.solver.locking import Locked

__all__ = ["files_left_out", "warnings_of_files"]


def warnings_of_files(locked: Locked, watched: Watched) -> list[str]:
    """One sentence for each."""
    versions: dict[str, dict[str, None]] = {}
    for package in locked.lock.packages:
        versions.setdefault(package.name, {})[package.version] = None
    unbuilt = {place: outcome.reason for place, outcome in watched.unbuilt.items()}
    lost = [
        f"{name} {version} is listed by {index} and cannot be had: {reason}; "
        f"{name} {' and '.join(versions[name])} is locked in its place."
        for (index, name, version), reason in {**watched.gone, **unbuilt}.items()
        if name in versions and version not in versions[name]
    ]
    others = {*watched.gone, *unbuilt}
    for (index, name, version), reason in watched.unavailable.items():
        if (index, name, version) not in others and (older := _older(versions.get(name, ()), version)):
            lost.append(f"{name} {version} of {index} cannot be read: {reason}; {name} {older} is locked in its place.")
    lost += [
        f"{name} {version} cannot be built here: {reason}; it is locked with what its wheels for others require."
        for (_, name, version), reason in unbuilt.items()
        if version in versions.get(name, ())
    ]
    lost += list(_passed_over(locked.lock, watched))
    doubts = [f"{doubt}." for doubt, (name, version) in watched.doubts.items() if version in versions.get(name, ())]
    return doubts + lost + list(map(str, locked.lock.yanked))


def _older(locked: Iterable[str], version: str) -> str:
    """The versions of a package that are locked and older than one that is not; nothing where there is none."""
    from packaging.version import Version

    versions = list(locked)
    if version in versions:
        return ""
    return " and ".join(one for one in versions if Version(one) < Version(version))


def files_left_out(name: str, watched: Watched) -> Iterator[tuple[str, str, str]]:
    """(index, file, reason) of what an index says of files of a package in a form that nobody means.

    It is to blame for what it says of a file whose name is fine; old kinds of files and odd versions are no fault.
    """
    from packaging.version import InvalidVersion, Version

    from satlock.corpora.index.file_names import LONG_NUMBER, Unfit, version_part

    for (index, package), listing in watched.found.items():
        if package != name or not listing.skipped:
            continue
        served = {release.version for release in listing.releases}
        for filename, reason in listing.skipped:
            with suppress(Unfit, InvalidVersion):
                spelled = version_part(filename, name)
                if str(Version(spelled)) not in served and not LONG_NUMBER.search(spelled):
                    yield index, filename, reason


def _passed_over(lock: Lock, watched: Watched) -> Iterator[str]:
    """Newer releases of which no file is left."""
    from packaging.version import Version

    from satlock.corpora.index.file_names import version_part

    newest: dict[tuple[str, str], Version] = {}
    for one in lock.packages:
        found = Version(one.version)
        newest[one.name, one.index] = max(found, newest.get((one.name, one.index), found))
    for (name, place), locked in newest.items():
        for index, filename, reason in files_left_out(name, watched):
            if index == place and Version(version_part(filename, name)) > locked:
                yield f"{filename} of {index} is left out: {reason}; {name} {locked} is locked."
