"""What was found, for a person and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from satlock.cli.behind import data_of_behind, lines_of_behind
from satlock.cli.gaps import json_of_gaps, notes_of_refusals
from satlock.cli.phases import Phases
from satlock.cli.terminal import marked
from satlock.cli.words import clear

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.encoder.project.project import Project
    from satlock.solver.lockfiles.lock import LockedPackage
    from satlock.solver.locking import Locked

__all__ = ["json_of", "summary"]


class _Why(NamedTuple):
    """Why a newer release was left out: of one release, and over several."""

    said: str
    heading: str


_PRERELEASE = _Why("is a pre-release", "pre-releases")
_YANKED = _Why("was yanked", "yanked")
_NO_FILE = _Why("has no file", "without a file")
_SHOWN = 6
"""Lines of one kind in a summary that is not verbose."""


def summary(
    locked: Locked, watched: Watched, project: Project, phases: Phases, header: Mapping[str, Any], *, verbose: bool
) -> Iterator[str]:
    """The lines that tell a person what was found.

    Args:
        header: the status, the lockfile and the objective, as ``--json`` has them.
    """
    packages = locked.lock.packages
    names = len({package.name for package in packages})
    said = {"locked": "Locked", "would lock": "Would lock", "unchanged": "Already locked", "valid": "Valid"}
    head = f"{said[header['status']]}: {_count(names, 'package')}"
    several = _several(locked)
    if several:
        head += f", {len(several)} of them with more than one candidate"
    yield f"{marked(head, fg='green', bold=True)} ({header['lockfile']}, {phases.total:.1f} s)"
    for name, candidates in several.items():
        yield f"  {marked(name, bold=True)}"
        rows = [
            (found.version, found.index, clear(found.marker) if found.marker else "everywhere") for found in candidates
        ]
        wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
        same = len({found.index for found in candidates}) == 1
        for version, index, marker in rows:
            where = "" if same else f"  {index:<{wide[1]}}"
            yield f"    {version:<{wide[0]}}{where}  {marked(marker, dim=True)}"
    yield from lines_of_behind(locked, watched, project, header["objective"], verbose=verbose)
    left_out = list(_left_out(locked, watched, verbose))
    if left_out:
        yield "Newer, and left out:"
        yield from left_out
    yield from _listed("To note:", _notes(locked, watched), verbose)
    if verbose:
        times = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in phases.seconds.items())
        found = locked.statistics
        yield marked(
            f"{_count(found.rounds, 'round')}, {_count(found.cores, 'core')}, {_count(found.splits, 'split')}, "
            f"{locked.solver_calls} calls of the SAT solver, {locked.z3_calls} of Z3; {times}",
            dim=True,
        )


def json_of(
    locked: Locked, watched: Watched, project: Project, phases: Phases, header: dict[str, Any]
) -> dict[str, Any]:
    """The report of ``--json``."""
    packages = locked.lock.packages
    regions = Counter(package.marker for package in packages)
    return {
        **header,
        "counts": {
            "packages": len({package.name for package in packages}),
            "candidates": len(packages),
            "files": sum(len(package.files) for package in packages),
            "regions": len(regions),
            "listings": len(watched.searched),
            "metadata": watched.metadata_read,
        },
        "packages": [
            {"name": one.name, "version": one.version, "index": one.index, "marker": one.marker} for one in packages
        ],
        "regions": [
            {"marker": marker, "candidates": count}
            for marker, count in sorted(regions.items(), key=lambda item: (item[0] is not None, item[0] or ""))
        ],
        "several": {
            name: [{"version": found.version, "index": found.index, "marker": found.marker} for found in candidates]
            for name, candidates in _several(locked).items()
        },
        "behind": data_of_behind(locked, watched, project, header["objective"]),
        "left-out": [
            {"name": name, "version": version, "reason": why.said} for name, version, why in _newer(locked, watched)
        ],
        "yanked": [one.data() for one in locked.lock.yanked],
        "without-file": json_of_gaps(locked.lock, locked.universe.domain),
        "notes": _notes(locked, watched),
        "times": {name: round(seconds, 4) for name, seconds in {**phases.seconds, "total": phases.total}.items()},
        "solver": {
            "rounds": locked.statistics.rounds,
            "cores": locked.statistics.cores,
            "splits": locked.statistics.splits,
            "sat-calls": locked.solver_calls,
            "z3-calls": locked.z3_calls,
        },
        "cells": _cells(locked),
    }


def _cells(locked: Locked) -> dict[str, int]:
    """Into how many parts the environments are divided for a package, where it is more than one; the most first."""
    packages = [package for package in locked.reasons.encoding.packages.values() if len(package.cells) > 1]
    return {package.name: len(package.cells) for package in sorted(packages, key=lambda p: (-len(p.cells), p.name))}


def _several(locked: Locked) -> dict[str, list[LockedPackage]]:
    """The packages with more than one candidate."""
    by_name: dict[str, list[LockedPackage]] = {}
    for package in locked.lock.packages:
        by_name.setdefault(package.name, []).append(package)
    return {name: found for name, found in by_name.items() if len(found) > 1}


def _newer(locked: Locked, watched: Watched) -> Iterator[tuple[str, str, _Why]]:
    """Releases that would have been taken before what was locked, but for this: (name, version, why).

    A pre-release or yanked release counts only while no usable one is newer: else that one was not refused for this.
    One that ``exclude-newer`` leaves out anyway does not count.
    """
    from satlock.encoder.formula.reasons import LATE

    known = locked.reasons.encoding.packages
    newest: dict[tuple[str, str], set[str]] = {}
    for package in locked.lock.packages:
        newest.setdefault((package.index, package.name), set()).add(package.version)
    for (index, name), versions in newest.items():
        listing, seen_usable = watched.found.get((index, name)), False
        cells = known[name].cells if name in known else ()
        late = {version for cell in cells for version, why in cell.candidates.left_out if why in LATE}
        for release in reversed(listing.releases if listing is not None else ()):
            if release.version in versions:
                break
            if release.version in late:
                continue
            unavailable = watched.unavailable.get((index, name, release.version))
            why = None if unavailable is None else _Why(unavailable, unavailable)
            if why is None and not seen_usable:
                why = _why_not(release.version, release.yanked, bool(release.raw_files))
                seen_usable = why is None
            if why is not None:
                yield name, release.version, why


def _why_not(version: str, yanked: bool, has_files: bool) -> _Why | None:
    from packaging.version import Version

    if not has_files:
        return _NO_FILE
    if yanked:
        return _YANKED
    return _PRERELEASE if Version(version).is_prerelease else None


def _left_out(locked: Locked, watched: Watched, verbose: bool) -> Iterator[str]:
    """One line for each reason, with the newest release of each package that it concerns."""
    grouped: dict[_Why, dict[str, str]] = {}
    for name, version, why in _newer(locked, watched):
        grouped.setdefault(why, {}).setdefault(name, f"{name} {version}")
    for why, newest in grouped.items():
        shown = list(newest.values()) if verbose or len(newest) <= _SHOWN else [*newest.values()][: _SHOWN - 1]
        more = f" and {len(newest) - len(shown)} more" if len(shown) < len(newest) else ""
        yield f"  {marked(why.heading, dim=True)}: {', '.join(shown)}{more}"


def _notes(locked: Locked, watched: Watched) -> list[str]:
    """What a person should know of the lock."""
    notes = list(locked.lock.notes)
    notes += [
        f"{'' if choice.kind == 'project' else 'the '}{choice} can never be chosen, since it brings conflicting ones "
        "together"
        for choice in locked.universe.unusable
    ]
    for package in locked.lock.packages:
        notes += [
            f"{package.name} {package.version} has no extra {extra!r}, which something asks for"
            for extra in package.unmet_extras
        ]
    notes += [
        f"{package.name} {package.version} was not built: what it requires is what its source distribution notes"
        for package in locked.lock.packages
        if (package.index, package.name, package.version) in watched.noted
    ]
    return notes + notes_of_refusals(locked)


def _listed(title: str, lines: list[str], verbose: bool) -> Iterator[str]:
    if not lines:
        return
    shown = lines if verbose or len(lines) <= _SHOWN else lines[: _SHOWN - 1]
    yield title
    yield from (f"  {line}" for line in shown)
    if len(shown) < len(lines):
        yield f"  and {len(lines) - len(shown)} more (--verbose)"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
