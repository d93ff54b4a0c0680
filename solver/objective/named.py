"""The objectives by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from satlock.records import dataclass
from satlock.solver.objective.fresh import Fresh
from satlock.solver.objective.newest_first import NewestFirst
from satlock.solver.objective.tiers import Known, Objective

__all__ = ["OBJECTIVES", "Wanted"]


class _Made(Protocol):
    def __call__(self, known: Known, *, fewest: bool) -> Objective: ...


@dataclass(frozen=True, eq=False)
class Wanted:
    """An objective, before there is a formula."""

    made: _Made
    """Of what it may ask the search; ``fewest``: whether few candidates are worth more than new ones."""
    downwards: bool = True
    """Whether the search comes down from the newest candidates."""
    in_turn: bool = True
    """Whether what the file names first is chosen first."""


def _lowest(known: Known, *, fewest: bool) -> Objective:
    return NewestFirst(known, lambda cell, direct: True, fewest=fewest)


def _lowest_direct(known: Known, *, fewest: bool) -> Objective:
    return NewestFirst(known, lambda cell, direct: direct, fewest=fewest)


OBJECTIVES: Mapping[str, Wanted] = {
    "fresh": Wanted(Fresh, in_turn=False),
    "newest-first": Wanted(NewestFirst),
    "lowest": Wanted(_lowest, downwards=False),
    "lowest-direct": Wanted(_lowest_direct, downwards=False),
}
