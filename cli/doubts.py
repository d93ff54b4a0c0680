"""What a person should know of files that were gone, refused, yanked, not to be built, or not what was promised.

It is told even with ``--quiet``, since it decided what was locked, or might have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.solver.locking import Locked

__all__ = ["warnings_of_files"]


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
    lost += [
        f"{name} {version} cannot be built here: {reason}; it is locked with what its wheels for others require."
        for (_, name, version), reason in unbuilt.items()
        if version in versions.get(name, ())
    ]
    return [f"{doubt}." for doubt in watched.doubts] + lost + list(map(str, locked.lock.yanked))
