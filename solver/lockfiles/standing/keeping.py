"""What of a lock that is there is to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from satlock.encoder.markers.marker import TRUE, Formula, any_of, from_marker
from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["kept_versions", "versions_by_region"]


def kept_versions(standing: Standing, lifted: Iterable[str] = ()) -> dict[str, dict[str, Formula]]:
    """The versions of a lock by name, each with where it is locked, to be kept as far as possible; but for ``lifted``.

    The only version of a package is kept wherever the package is needed.
    """
    dropped = set(lifted)
    entries = [entry for entry in standing.entries if entry.version and entry.name not in dropped]
    return versions_by_region(
        # Where the steps of a uv.lock lead is not known before its project was read: any of its versions is kept then.
        (entry.name, entry.version or "", TRUE if standing.graph is not None else from_marker(entry.marker))
        for entry in entries
    )


def versions_by_region(entries: Iterable[tuple[str, str, Formula]]) -> dict[str, dict[str, Formula]]:
    """By name and version where entries, told as (name, version, region), are locked."""
    found: dict[str, dict[str, list[Formula]]] = {}
    for name, version, region in entries:
        found.setdefault(name, {}).setdefault(version, []).append(region)
    return {name: _placed(versions) for name, versions in found.items()}


def _placed(versions: Mapping[str, Sequence[Formula]]) -> dict[str, Formula]:
    return {version: TRUE if len(versions) == 1 else any_of(regions) for version, regions in versions.items()}
