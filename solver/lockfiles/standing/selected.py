"""What a lock that is there selects, as far as its own text tells: for what is asked of a lock that was just found."""

from __future__ import annotations

from collections.abc import Sequence

from satlock.corpora.facts import File
from satlock.encoder.markers.marker import Formula
from satlock.solver.lockfiles.lock import Lock, LockedPackage
from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["selected"]


def selected(standing: Standing, regions: Sequence[Formula], project: str | None) -> Lock:
    """The candidates with the environments that install each, and their files.

    What is built where it is installed (folders, repositories, ``project`` itself) is left out, and the steps between
    the entries are not told.

    Args:
        regions: of each entry, see :func:`satlock.solver.lockfiles.standing.regions.regions_of`.
    """
    packages = [
        LockedPackage(
            name=entry.name,
            version=entry.version,
            index=entry.index or entry.path,
            region=region,
            marker=None,
            requires_python=None,
            files=tuple(
                File(filename, "", tuple(digests.items()), None, None, None, None, None)
                for filename, digests in entry.files
            ),
            dependencies=(),
        )
        for entry, region in zip(standing.entries, regions, strict=True)
        if entry.name != project and (entry.index is not None or entry.files)
    ]
    return Lock(
        tuple(packages), standing.requires_python, tuple(map(str, standing.environments)), standing.extras,
        standing.groups, standing.default_groups,
    )  # fmt: skip
