"""What is not at its newest release, in words: how far behind it is, where, and because of whom."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from satlock.cli.terminal import marked
from satlock.cli.words import clear, count

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.encoder.project.project import Project
    from satlock.solver.explaining.behind import Behind, Newest
    from satlock.solver.locking import Locked

__all__ = ["data_of", "data_of_behind", "how_far", "lines_of_behind", "named_by", "whom"]

_LINES = 10
"""What a summary tells unless it is verbose."""
_SECONDS = 10
"""How long it looks for them before it leaves the rest to who asks for more."""
_SECONDS_FOR_PROGRAMS = 60
_HOLDERS = 2


def named_by(project: Project) -> set[str]:
    """The packages that the project itself requires, anywhere."""
    listed = [project.dependencies, *project.extras.values(), *project.groups.values()]
    return {requirement.name for requirements in listed for requirement in requirements}


def how_far(newest: Newest) -> str:
    """For example ``20 days, 2 releases``."""
    releases = count(newest.releases, "release")
    return releases if newest.days is None else f"{count(newest.days, 'day')}, {releases}"


def whom(held: Iterable[Behind], most: int | None) -> str:
    """Who holds it back; no more than so many are named."""
    from satlock.solver.explaining.wording.holders import told

    all_told = (told(holder) for behind in held for holder in behind.holders)
    holders = list(dict.fromkeys(f"{one.by} ({one.requirement})" for one in all_told))
    shown = holders if most is None or len(holders) <= most else holders[: most - 1]
    more = f" and {len(holders) - len(shown)} more" if len(shown) < len(holders) else ""
    return "; ".join(shown) + more


def data_of(held: Behind) -> dict[str, Any]:
    """One package that is behind, for a program: who holds it back is told in words."""
    from satlock.solver.explaining.wording.holders import told

    return {**asdict(held), "holders": [told(holder)._asdict() for holder in held.holders]}


def lines_of_behind(
    locked: Locked, watched: Watched, project: Project, objective: str, *, verbose: bool
) -> Iterator[str]:
    """A line for each direct requirement that is not at its newest, and for each of its environments that differ.

    Reasons are looked for as far as they are shown. Nothing is told where the oldest is what is wanted.
    """
    if objective.startswith("lowest"):
        return
    from satlock.solver.explaining.behind import Laggards

    laggards = Laggards(locked, project, watched.found, watched.unavailable)
    late = laggards.late(named_by(project))
    lines: list[str] = []
    told, until = 0, time.monotonic() + _SECONDS
    for one in late:
        if not verbose and (len(lines) >= _LINES or time.monotonic() > until):
            break
        told += 1
        for held in laggards.of(one):
            where = f" where {clear(held.marker)}" if held.marker else ""
            because = whom([held], None if verbose else _HOLDERS)
            head = marked(f"{one.name} {held.version}", bold=True)
            lines.append(f"  {head}{where}: {how_far(held.newest)} behind {held.newest.version}; {because}")
    if lines:
        yield "Not the newest, of what the project requires:"
        yield from lines if verbose else lines[:_LINES]
    more = 0 if verbose else max(0, len(lines) - _LINES) + len(late) - told
    if more:
        yield f"  and {more} more (--verbose)"


def data_of_behind(locked: Locked, watched: Watched, project: Project, objective: str) -> list[dict[str, Any]]:
    """The same for a program, all of it; after a minute without those who hold it back."""
    if objective.startswith("lowest"):
        return []
    from satlock.solver.explaining.behind import Laggards

    laggards = Laggards(locked, project, watched.found, watched.unavailable)
    until = time.monotonic() + _SECONDS_FOR_PROGRAMS
    return [
        {"name": one.name, **data_of(held)}
        for one in laggards.late(named_by(project))
        for held in (laggards.of(one) if time.monotonic() < until else [laggards.unexplained(one)])
    ]
