"""How far behind each candidate of a cell is: days between its upload and that of the newest admissible one."""

from __future__ import annotations

from datetime import UTC, datetime

from satlock.encoder.formula.candidates import Candidates

__all__ = ["DAY", "Ages"]

DAY = 1 << 20
"""Ticks in a day. A tick is what a version is behind the one above it at least, so that an index that tells no times,
or the same for all, still has an order; there are never as many versions between two as would make a day. Where days
tell them apart there are no ticks on top: whole days keep the sums that an optimiser meets few."""
_SECONDS = 86400


class Ages:
    """The ticks that each rank is behind.

    A candidate that was uploaded after a higher one, such as a late fix of an old series, counts as uploaded with the
    earliest of those above it: it is as old as what had superseded it already. One whose time is not known counts as
    uploaded with the one above it. So ticks rise as ranks fall.
    """

    def __init__(self, candidates: Candidates, free: int) -> None:
        self.free = free
        """The ranks that are admissible."""
        behind: dict[int, int] = {}
        newest: float | None = None
        earliest, last = 0.0, -1
        ranks = free
        while ranks:
            rank = ranks.bit_length() - 1
            ranks ^= 1 << rank
            moment = _moment(candidates, rank)
            if moment is not None:
                newest, earliest = (moment, moment) if newest is None else (newest, min(earliest, moment))
            days = int((newest - earliest) // _SECONDS) if newest is not None else 0
            last = max(days * DAY, last + 1)
            behind[rank] = last
        self._below = [0] * (candidates.top + 1)
        for rank in range(candidates.top + 1):
            # Of the ranks up to here the best one counts. Below all of them nothing can be chosen anyway.
            self._below[rank] = behind[rank] if rank in behind else (self._below[rank - 1] if rank else max(last, 0))

    def up_to(self, rank: int) -> int:
        """How far behind the best admissible candidate is that is no higher than ``rank``."""
        return self._below[rank]


def _moment(candidates: Candidates, rank: int) -> float | None:
    moments = [_seconds(text) for text in candidates.ranked.uploads(rank - 1)]
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) else None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
