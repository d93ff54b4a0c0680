"""``satlock outdated``: what a lock has that is not the newest, how far behind it is, and because of whom."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from satlock.cli.behind import data_of, how_far, named_by, whom
from satlock.cli.failures import FAILED, NO, Ended
from satlock.cli.inputs import Inputs, inputs
from satlock.cli.lockfile import lockfile_in
from satlock.cli.pasting import options_for
from satlock.cli.phases import Phases
from satlock.cli.report import print_report
from satlock.cli.searching import Searching
from satlock.cli.terminal import marked, say_warning, show
from satlock.cli.words import clear, columns, count

if TYPE_CHECKING:
    from satlock.solver.explaining.behind import Behind, Newest
    from satlock.solver.search.search import NoLock

__all__ = ["outdated"]

_HOLDERS = 3
"""Who holds a package back, as far as that fits into its line."""


@click.command()
@click.argument("lockfile", required=False, type=click.Path(path_type=Path))
@inputs
@click.option("--direct", is_flag=True, help="Only what the project itself requires.")
@click.option("--exit-code", is_flag=True, help="End with 1 where something is not at its newest release.")
@click.option("--json", "as_json", is_flag=True, help="Print the packages as an object.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Name everyone who holds a package back.")
def outdated(  # noqa: PLR0917
    given: Inputs, lockfile: Path | None, direct: bool, exit_code: bool, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Show what is not the newest, how far behind it is, what --upgrade would bring, and what holds the rest back.

    LOCKFILE is a pylock.toml, uv.lock, poetry.lock or pdm.lock; the one of the project by default. Nothing is written.
    """
    from satlock.solver.explaining.behind import Laggards, newest_of
    from satlock.solver.lockfiles.graph import graph_of

    path = lockfile or lockfile_in(given.project_folder)
    graph = graph_of(path, given.project_folder if given.kind == "project" else None)
    project = given.project()
    for warning in project.warnings:
        say_warning(warning)
    searching = Searching(given, Phases(), quiet)
    objective = given.objective_for(project)
    locked, watched = searching.search(project, objective, {}, _no_lock)
    laggards = Laggards(locked, project, watched.found, watched.unavailable, objective)
    directs = named_by(project)
    held: dict[str, list[Behind]] = {}
    for late in laggards.late(directs if direct else None):
        held.setdefault(late.name, []).extend(laggards.of(late))
    upgraded: dict[str, list[str]] = {}
    indexes: dict[str, str] = {}
    for package in locked.lock.packages:
        upgraded.setdefault(package.name, []).append(package.version)
        indexes.setdefault(package.name, package.index)
    rows = []
    for name, versions in _versions(graph.packages).items():
        if direct and name not in directs:
            continue
        listings = [found for (_, one), found in watched.found.items() if one == name]
        ahead = [newest for one in versions for listing in listings if (newest := newest_of(listing, one)) is not None]
        newest = max(ahead, key=lambda one: (one.releases, one.days or 0), default=None)
        if newest is not None:
            rows.append(_Row(name, versions, tuple(upgraded.get(name, ())), newest, tuple(held.get(name, ()))))
    if as_json:
        print_report("outdated", _data(path, rows, len(_versions(graph.packages))))
    else:
        for line in _lines(rows, len(_versions(graph.packages)), directs, verbose, lockfile):
            show(line)
    if exit_code and rows:
        raise Ended(NO)


@dataclass(frozen=True)
class _Row:
    """One package that is not at its newest release."""

    name: str
    locked: tuple[str, ...]
    upgraded: tuple[str, ...]
    """With ``--upgrade``."""
    newest: Newest
    held: tuple[Behind, ...]
    """What is behind also after that."""

    @property
    def moves(self) -> bool:
        return bool(self.upgraded) and set(self.upgraded) != set(self.locked)


def _no_lock(none: NoLock, lines: list[str]) -> NoReturn:
    raise Ended(FAILED if none.failed else NO, *lines)


def _versions(packages: Any) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in packages:
        if entry.version and not entry.builds:
            found[entry.name] = tuple(dict.fromkeys((*found.get(entry.name, ()), entry.version)))
    return found


def _lines(
    rows: list[_Row], packages: int, directs: Collection[str], verbose: bool, named: Path | None
) -> Iterator[str]:
    """What a person reads."""
    if not rows:
        head = marked("Up to date", fg="green", bold=True)
        yield f"{head}: {count(packages, 'package')}, each at its newest release."
        return
    table = [("package", "locked", "with --upgrade", "newest", "behind", "held back by")]
    for row in rows:
        upgraded = ", ".join(row.upgraded) if row.moves else "no longer needed" if not row.upgraded else "—"
        table.append(
            (
                row.name,
                ", ".join(row.locked),
                upgraded,
                row.newest.version,
                how_far(row.newest),
                _held_by(row.held, None if verbose else _HOLDERS),
            )
        )
    for place, line in enumerate(columns(table)):
        yield marked(line, bold=True) if place == 0 else line
    moving, stuck = sum(row.moves for row in rows), [row.name for row in rows if row.held]
    # Poetry's and PDM's locks are read, not written.
    there = named is not None and (named.suffix == ".toml" or named.name == "uv.lock")
    into = f" --output {shlex.quote(str(named))}" if there else ""
    yield f"{len(rows)} of {count(packages, 'package')} {'is' if len(rows) == 1 else 'are'} not at the newest release."
    if moving:
        yield f"satlock lock --upgrade{options_for('lock')}{into} changes {moving} of them."
    if stuck:
        # What the project requires itself is what it can change.
        name = next((name for name in stuck if name in directs), stuck[0])
        yield f"What holds one back, and what it would cost: satlock why {name}{options_for('why')}"


def _held_by(held: Sequence[Behind], most: int | None) -> str:
    """Who holds a package back, and where, if that is not everywhere."""
    if all(one.marker is None for one in held):
        return whom(held, most)
    told = [f"{whom([one], most)}{f' where {clear(one.marker)}' if one.marker else ''}" for one in held[:most]]
    more = [f"{len(held) - len(told)} more"] if len(told) < len(held) else []
    return " and ".join(["; ".join(told), *more])


def _data(path: Path, rows: list[_Row], packages: int) -> dict[str, Any]:
    """What a program reads."""
    return {
        "lockfile": str(path),
        "packages": packages,
        "outdated": [
            {
                "name": row.name,
                "locked": list(row.locked),
                "upgrade": list(row.upgraded),
                "newest": asdict(row.newest),
                "remains": [data_of(held) for held in row.held],
            }
            for row in rows
        ],
    }
