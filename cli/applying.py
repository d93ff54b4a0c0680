"""``satlock lock --apply``: one of the ways out, made in the ``pyproject.toml``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from satlock.cli.failures import FAILED, NO, WRONG, Ended
from satlock.cli.lockfile import Target
from satlock.cli.searching import Searching
from satlock.cli.terminal import marked, say, show
from satlock.cli.words import count
from satlock.records import replace

if TYPE_CHECKING:
    from satlock.cli.explaining import Explanation
    from satlock.cli.locking import Run
    from satlock.solver.search.search import NoLock

__all__ = ["applied"]


class _NoLock(Exception):
    """The project has no lock, as expected."""


@contextmanager
def applied(run: Run, number: int) -> Iterator[Run]:
    """The run with the ``number``-th way out made in the project's file, within the block.

    It stays made where the block succeeds; else the file is as it was. Of a dry run nothing is written.

    Raises:
        Ended: the project has a lock, or has fewer ways out.
    """
    from satlock.encoder.project.editing import edited

    explanation = _explanation(run)
    ways = explanation.out.ways if explanation.out is not None else ()
    if number > len(ways):
        there = f"there {'is' if len(ways) == 1 else 'are'} {count(len(ways), 'way')} out" if ways else "none was found"
        raise Ended(NO, f"There is no way out number {number}: {there}. To see them: {run.command}")
    way = ways[number - 1]
    path = run.given.project().path
    before = path.read_text(encoding="utf-8")
    after = edited(before, way.amendments, str(path))
    target = Target(path)
    difference = [*_difference(path, before, after)]
    run = replace(run, looking=replace(run.looking, enough=0), applied={**way.as_json(), "difference": difference})
    if run.dry:
        for line in difference if not run.as_json else ():
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            show(marked(line, fg=colour) if colour else line)
        _say(run, f"{marked('Would change', bold=True)} {target}: {way}")
        yield replace(run, given=replace(run.given, document=tomllib.loads(after)))
        return
    target.write(after)
    done = False
    try:
        _say(run, f"{marked('Changed', bold=True)} {target}: {way}")
        yield run
        done = True
    finally:
        if not done:
            target.write(before)


def _say(run: Run, text: str) -> None:
    if not run.quiet:
        say(text)


def _explanation(run: Run) -> Explanation:
    """Why the project has no lock, with its ways out. Raises Ended where it has one."""
    project = run.given.project(whole_workspace=run.target.form == "uv")
    searching = Searching(run.given, run.phases, run.quiet, looking=run.looking)

    def no_lock(none: NoLock, lines: list[str]) -> NoReturn:
        out = searching.explanation.out if searching.explanation is not None else None
        if none.failed and not (out and out.ways):
            raise Ended(FAILED, *lines)
        raise _NoLock

    try:
        searching.search(project, run.given.objective_for(project), {}, no_lock)
    except _NoLock:
        assert searching.explanation is not None
        return searching.explanation
    raise Ended(WRONG, "The project has a lock, so there is no way out to make.", f"Lock it with {run.command}.")


def _difference(path: Path, before: str, after: str) -> Iterator[str]:
    names = (f"a/{path.name}", f"b/{path.name}")
    yield from difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
