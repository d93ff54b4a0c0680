"""Why something cannot serve, as types. Their words are in ``satlock.solver.explaining.wording``."""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeAlias

from satlock.records import dataclass

__all__ = ["LATE", "LeftOut", "NeedsPython", "NoFile", "NotDeclared", "NotHad", "Refusal", "Unreadable"]


class LeftOut(Enum):
    """Why a release is no candidate."""

    NO_FILE = auto()
    NO_WHEEL = auto()
    """And building it is switched off."""
    NO_SDIST = auto()
    """And its wheels are switched off."""
    TOO_NEW = auto()
    """It was uploaded after ``exclude-newer``."""
    NO_TIME = auto()
    """The index does not say when it was uploaded, and ``exclude-newer`` asks."""
    NO_HASH = auto()
    """None of its files has one of the hashes that are asked for."""
    NOTHING_SERVES = auto()
    """All of its files are out for one reason or another."""


LATE = (LeftOut.TOO_NEW, LeftOut.NO_TIME)
"""What ``exclude-newer`` does."""


@dataclass(frozen=True)
class NotHad:
    """A reference came to nothing."""

    reason: str
    """As whoever fetched it says."""


@dataclass(frozen=True)
class NeedsPython:
    """A build is for these Pythons only."""

    python: str


class NoFile(Enum):
    """Why a candidate is to have a file in a place where it has none."""

    REQUIRED = auto()
    """The project requires the platform."""
    SIBLING = auto()
    """Another build of its version has one."""


@dataclass(frozen=True)
class NotDeclared:
    """A package requires an address that the project has not declared; ``requirement`` is the line."""

    requirement: str


@dataclass(frozen=True)
class Unreadable:
    """Metadata that cannot be read."""

    error: str


Refusal: TypeAlias = NeedsPython | NotDeclared | Unreadable
"""Why a candidate cannot serve in some region."""
