"""What a new lock has otherwise than the one that was there, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from satlock.cli.terminal import marked

if TYPE_CHECKING:
    from satlock.solver.lockfiles.moves import Move

__all__ = ["data_of_changes", "lines_of_changes"]

_DONE = {"update": "Updated", "add": "Added", "remove": "Removed"}
_PLANNED = {"update": "Update", "add": "Add", "remove": "Remove"}
_COLOURS = {"update": "yellow", "add": "green", "remove": "red"}


def _kind(move: Move) -> str:
    return "update" if move.before and move.after else "add" if move.after else "remove"


def lines_of_changes(moves: Sequence[Move], *, planned: bool) -> Iterator[str]:
    """One line for each package, or for each place where it differs; ``planned`` where nothing is written."""
    words = _PLANNED if planned else _DONE
    for move in moves:
        kind = _kind(move)
        versions = " -> ".join(", ".join(filter(None, found)) for found in (move.before, move.after) if any(found))
        where = marked(f" where {move.marker}", dim=True) if move.marker else ""
        yield f"{marked(words[kind], fg=_COLOURS[kind])} {move.name}{' ' if versions else ''}{versions}{where}"


def data_of_changes(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """The same for ``--json``."""
    return [
        {
            "name": move.name,
            "change": _DONE[_kind(move)].lower(),
            "before": list(move.before),
            "after": list(move.after),
            "marker": move.marker,
        }
        for move in moves
    ]
