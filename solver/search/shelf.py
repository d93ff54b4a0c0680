"""What was read of candidates: kept for the search, and for others that read the same in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from satlock.corpora.facts import Listing
from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.markers.marker import Formula
from satlock.encoder.project.dependencies import Dependencies

__all__ = ["Loaded", "Shelf"]


@dataclass(frozen=True)
class Loaded:
    """What a candidate's builds require."""

    builds: tuple[tuple[Formula, Dependencies], ...]
    pythons: tuple[str | None, ...]


@dataclass
class Shelf:
    """Candidates and requirements as they were read for one project, for others that read them alike."""

    candidates: dict[tuple[object, ...], tuple[Candidates, Sequence[Listing]]] = field(default_factory=dict)
    """With the listings they come from, which the keys name by identity."""
    loaded: dict[tuple[Candidates, int], Loaded] = field(default_factory=dict)
    """By candidates and rank."""
