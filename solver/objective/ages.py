"""How far behind each candidate of a cell is: days between its upload and that of the newest admissible one."""

from __future__ import annotations

from datetime import UTC, datetime

from satlock.encoder.formula.candidates import Candidates

__all__ = ["Ages"]

_DAY = 86400


class Ages:
    """The days (or positions, where an index does not tell all upload times) that each rank is behind.

    A candidate that was uploaded after a higher one, such as a late fix of an old series, counts as uploaded with the
    earliest of those above it: it is as old as what had superseded it already. So days never fall with the rank.
    """

    def __init__(self, candidates: Candidates, free: int) -> None:
        self.free = free
        """The ranks that are admissible."""
        ranks = [rank for rank in range(candidates.top, 0, -1) if free >> rank & 1]
        moments = [_moment(candidates, rank) for rank in ranks]
        known = [moment for moment in moments if moment is not None]
        behind: dict[int, int] = {}
        if len(known) < len(moments):
            behind = {rank: place for place, rank in enumerate(ranks)}
        else:
            earliest = newest = known[0] if known else 0.0
            for rank, moment in zip(ranks, known, strict=True):
                # A build alone, where builds of its version together serve more platforms, is no equal of these.
                earliest = min(earliest, moment - _DAY * (rank in candidates.whole))
                behind[rank] = int((newest - earliest) // _DAY)
        self._below = [0] * (candidates.top + 1)
        last = max(behind.values(), default=0)
        for rank in range(candidates.top + 1):
            # Of the ranks up to here the best one counts. Below all of them nothing can be chosen anyway.
            self._below[rank] = behind[rank] if rank in behind else (self._below[rank - 1] if rank else last)

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
