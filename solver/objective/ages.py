"""How far behind each candidate of a cell is: days between its upload and that of the newest admissible one."""

from __future__ import annotations

from datetime import UTC, datetime

from satlock.encoder.formula.candidates import Candidates

__all__ = ["DAY", "Ages", "moment"]

DAY = 1 << 20
"""What a day weighs in ticks. A *tick* is what a version is behind one above it that days do not tell from it, so that
an index that tells no times, or the same for all, still has an order. All ticks together are less than a day."""
_SECONDS = 86400


class Ages:
    """How far each rank is behind: in days, and in ticks among those that days do not tell apart.

    A candidate that was uploaded after a higher one, such as a late fix of an old series, counts as uploaded with the
    earliest of those above it: it is as old as what had superseded it already. One whose time is not known counts as
    uploaded with the one above it. So neither days nor ticks fall as ranks fall.
    """

    def __init__(self, candidates: Candidates, free: int) -> None:
        """
        Args:
            free: the ranks that are admissible.
        """
        behind: dict[int, tuple[int, int]] = {}
        newest: float | None = None
        earliest, days, ticks = 0.0, -1, 0
        ranks = free
        while ranks:
            rank = ranks.bit_length() - 1
            ranks ^= 1 << rank
            uploaded = moment(candidates, rank)
            if uploaded is not None:
                newest, earliest = (uploaded, uploaded) if newest is None else (newest, min(earliest, uploaded))
            known = int((newest - earliest) // _SECONDS) if newest is not None else 0
            days, ticks = known, ticks + (known == days)
            behind[rank] = days, ticks
        self._below = [(0, 0)] * (candidates.top + 1)
        for rank in range(candidates.top + 1):
            # Of the ranks up to here the best one counts. Below all of them nothing can be chosen anyway.
            last = self._below[rank - 1] if rank else (max(days, 0), ticks)
            self._below[rank] = behind.get(rank, last)

    @property
    def has_ticks(self) -> bool:
        """Whether days alone do not tell all apart."""
        return self._below[0][1] > 0

    def days(self, rank: int) -> int:
        """How many days the best admissible candidate is behind that is no higher than ``rank``."""
        return self._below[rank][0]

    def ticks(self, rank: int) -> int:
        """The same in ticks."""
        return self._below[rank][1]


def moment(candidates: Candidates, rank: int) -> float | None:
    """When a candidate was uploaded, in seconds since 1970; None where that is not known."""
    moments = [_seconds(text) for text in candidates.ranked.uploads(rank - 1)]
    known = [one for one in moments if one is not None]
    return min(known) if len(known) == len(moments) else None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
