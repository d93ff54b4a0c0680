"""``satlock diff``: what one lock installs otherwise than another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from satlock.cli.failures import NO, Ended
from satlock.cli.report import print_report
from satlock.cli.terminal import marked, show
from satlock.cli.words import clear, count, in_code

if TYPE_CHECKING:
    from satlock.solver.lockfiles.difference import Change, Difference, Held

__all__ = ["diff"]

_KINDS = {
    "added": ("+", "green", "added"),
    "removed": ("-", "red", "removed"),
    "newer": ("↑", "cyan", "newer"),
    "older": ("↓", "yellow", "older"),
    "changed": ("~", "magenta", "from elsewhere"),
    "files": ("!", "red", "with other files"),
}
"""For each kind of change its sign, its colour and its words."""


@click.command()
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--markdown", is_flag=True, help="Print a table for a pull request.")
@click.option("--exit-code", is_flag=True, help="End with 1 where the locks differ.")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as an object.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Tell also where packages come from.")
def diff(  # noqa: PLR0917
    old: str | None, new: str | None, markdown: bool, exit_code: bool, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Show what one lock installs otherwise than another, by environment.

    OLD and NEW are lockfiles (pylock.toml, uv.lock, poetry.lock or pdm.lock, also one of each kind), folders with one,
    or revisions of a Git repository: HEAD~3, or HEAD~3:path/to/uv.lock. NEW is the lock in this folder by default, and
    OLD the same file as it was committed last.
    """
    from satlock.solver.lockfiles.difference import compared
    from satlock.solver.lockfiles.graph import graph_of

    first, second = old or "HEAD", new or "."
    with ExitStack() as places:
        after = places.enter_context(_lock_at(second))
        before = places.enter_context(_lock_at(f"HEAD:./{after.name}" if old is None else first))
        found = compared(graph_of(before), graph_of(after))
    names = (old or f"{after.name} at HEAD", new or after.name)
    if as_json:
        print_report("diff", _data(found, names))
    else:
        for line in () if quiet else _markdown(found, names) if markdown else _lines(found, names, verbose):
            show(line)
    if exit_code and (found.changes or found.gone or found.new):
        raise Ended(NO)


def _lock_at(place: str) -> Any:
    from satlock.cli.revisions import lock_at

    return lock_at(place)


def _head(found: Difference) -> str:
    counts = found.counts
    parts = [f"{counts[kind]} {said}" for kind, (_, _, said) in _KINDS.items() if kind in counts]
    return ", ".join(parts) if parts else "nothing has changed"


def _lines(found: Difference, names: tuple[str, str], verbose: bool) -> Iterator[str]:
    """What a person reads."""
    yield f"{marked(f'{names[0]} → {names[1]}', bold=True)}: {_head(found)}"
    width = max((len(change.name) for change in found.changes), default=0)
    for change in found.changes:
        sign, colour, _ = _KINDS[change.kind]
        where = marked(f"  where {clear(change.marker)}", dim=True) if change.marker else ""
        yield f"  {marked(sign, fg=colour, bold=True)} {change.name:<{width}}  {_ends(change, verbose)}{where}"
    if found.unchanged:
        yield f"{count(found.unchanged, 'package')} the same"
    yield from _environments(found)


def _ends(change: Change, verbose: bool) -> str:
    """From what to what; where something comes from only where that is what has changed."""
    if change.kind == "files":
        assert change.after is not None
        return f"{change.after.version} with other hashes for {', '.join(change.files)}"
    versions = [held.version or "unversioned" for held in (change.before, change.after) if held is not None]
    if verbose or change.kind == "changed" or len(set(versions)) < len(versions):
        versions = [f"{held.version} ({held.source})" for held in (change.before, change.after) if held is not None]
    return " → ".join(versions)


def _environments(found: Difference, shown: Callable[[str], str] = str) -> Iterator[str]:
    if found.gone:
        yield f"The new lock is no longer for: {shown(found.gone)}"
    if found.new:
        yield f"The new lock is also for: {shown(found.new)}"


def _markdown(found: Difference, names: tuple[str, str]) -> Iterator[str]:
    yield f"**{in_code(names[0])} → {in_code(names[1])}**: {_head(found)}"
    if found.changes:
        yield ""
        yield "| | package | before | after | where |"
        yield "| --- | --- | --- | --- | --- |"
    for change in found.changes:
        where = in_code(change.marker) if change.marker else "everywhere"
        yield (
            f"| {_KINDS[change.kind][2]} | {in_code(change.name)} | {_cell(change.before, change)} "
            f"| {_cell(change.after, change)} | {where} |"
        )
    told = list(_environments(found, in_code))
    yield from ["", *told] if told else ()


def _cell(held: Held | None, change: Change) -> str:
    if held is None:
        return "—"
    text = in_code(held.version or "unversioned")
    return f"{text} ({in_code(held.source)})" if change.kind == "changed" and held.source else text


def _data(found: Difference, names: tuple[str, str]) -> dict[str, Any]:
    """What a program reads."""
    return {
        "before": names[0],
        "after": names[1],
        "counts": {**found.counts, "unchanged": found.unchanged},
        "changes": [asdict(change) for change in found.changes],
        "environments": {"gone": found.gone, "new": found.new},
    }
