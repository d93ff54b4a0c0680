"""What was read of candidates: kept for a search, and for the searches for ways out of a clash, which read the same."""

from __future__ import annotations

from collections.abc import Sequence

from satlock.corpora.facts import Listing
from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.cells import Requirements
from satlock.records import dataclass, field

__all__ = ["Shelf"]


@dataclass
class Shelf:
    """Candidates and requirements as they were read for one project, for searches that read them alike."""

    candidates: dict[tuple[object, ...], tuple[Candidates, Sequence[Listing]]] = field(default_factory=dict)
    """With the listings they come from, which the keys name by identity."""
    loaded: dict[tuple[Candidates, int], Requirements] = field(default_factory=dict)
    """By candidates and rank."""
