"""Who keeps a package from its newest release: each kind with its facts. Holders that are equal are told as one.

Their words are in ``satlock.solver.explaining.wording.holders``.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeAlias

from satlock.corpora.references import Reference
from satlock.encoder.formula.reasons import LeftOut, NeedsPython, NoFile, NotHad
from satlock.encoder.project.project import Choice
from satlock.records import dataclass
from satlock.solver.objective.wishes import Wish

__all__ = [
    "Asker",
    "BroughtIn",
    "Constrained",
    "Divided",
    "GivenUp",
    "Holder",
    "NoCandidate",
    "NotRead",
    "NotServing",
    "Older",
    "Oldest",
    "Release",
    "Requires",
    "Whole",
]


@dataclass(frozen=True)
class Release:
    """A package in the version that it is told with."""

    name: str
    version: str


Asker: TypeAlias = Choice | Release | None
"""Who requires: an extra or group of the project, a package, or the project itself (None)."""


@dataclass(frozen=True)
class Requires:
    """Somebody who asks for an older version, or for what a newer one does not go with."""

    by: Asker
    name: str
    extras: tuple[str, ...]
    specifier: str
    """As it is spelt: two spellings of one specifier are two."""
    reference: Reference | None


@dataclass(frozen=True)
class Older:
    """Another package, which would have to be older."""

    release: Release


@dataclass(frozen=True)
class GivenUp:
    """What is worth more than to be newer, and would be given up for it."""

    wish: Wish
    package: str | None
    """The one that would lose it; None for the package itself that is held back."""


@dataclass(frozen=True)
class BroughtIn:
    """A package that would be brought in."""

    package: str


@dataclass(frozen=True)
class Divided:
    """A package that would need several candidates."""

    package: str


@dataclass(frozen=True)
class NotServing:
    """The environments, some of which a newer one does not serve."""

    reason: NeedsPython | NoFile


@dataclass(frozen=True)
class Constrained:
    """A constraint of the project."""

    requirement: str


@dataclass(frozen=True)
class Oldest:
    """The objective, where it wants the oldest."""

    objective: str


class Whole(Enum):
    """The lock as a whole."""

    KEPT = auto()
    """It was there, and is kept to."""
    SUMS = auto()
    """A newer one would make more of the others older."""


@dataclass(frozen=True)
class NoCandidate:
    """The newest release itself, or the project's settings that leave it out."""

    reason: LeftOut | NotHad
    by_settings: bool


@dataclass(frozen=True)
class NotRead:
    """The newest release, whose metadata was not had."""

    said: str | None
    """By whoever was asked for it; None where only a build would tell."""


Holder: TypeAlias = (
    Requires | Older | GivenUp | BroughtIn | Divided | NotServing | Constrained | Oldest | Whole | NoCandidate | NotRead
)
