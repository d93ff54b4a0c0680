"""A lock as plain facts: which candidate of which package holds where."""

from __future__ import annotations

from collections.abc import Mapping

from satlock.corpora.facts import File
from satlock.corpora.references import Direct, PathReference
from satlock.encoder.markers.marker import Formula
from satlock.encoder.project.project import Choice
from satlock.records import dataclass, field
from satlock.solver.lockfiles.yanked import Yanked

__all__ = ["Lock", "LockedPackage", "LockedRequirement", "Needs"]


@dataclass(frozen=True)
class LockedRequirement:
    """One step from something that requires to an entry that serves it."""

    name: str
    version: str
    index: str
    extras: tuple[str, ...]
    """Those it asks for and that require something there, sorted."""
    region: Formula
    """Where it is taken, of all places where what requires is reached."""


@dataclass(frozen=True)
class Needs:
    """What an entry, or one of its extras, requires where it is reached."""

    reached: Formula
    requirements: tuple[LockedRequirement, ...]


@dataclass(frozen=True)
class LockedPackage:
    """One candidate, where it is installed, and what it needs there."""

    name: str
    version: str
    index: str
    """The URL of its index, or :attr:`Direct.key` of what it comes from instead."""
    region: Formula
    marker: str | None
    """The shortest marker of the region; None where it holds everywhere."""
    requires_python: str | None
    """Without upper bounds: those were not heeded, so an installer must not trip over them."""
    files: tuple[File, ...]
    dependencies: tuple[tuple[str, str, str], ...]
    """(name, version, index) of the entries that its requirements reach, sorted."""
    needs: Mapping[str, Needs] = field(default_factory=dict, hash=False)
    """By extra, with that of the entry itself under ``""``."""
    unmet_extras: tuple[str, ...] = ()
    """Extras that are asked for and that this version does not have."""
    direct: Direct | None = None
    """The repository, archive or folder that it comes from; None where that is an index."""
    barred: tuple[File, ...] = ()
    """Files that the project's settings bar from being installed, and a uv.lock lists all the same."""

    @property
    def is_installed(self) -> bool:
        """Whether it is installed itself, and not only what it requires (``package = false``)."""
        reference = self.direct.reference if self.direct is not None else None
        return not isinstance(reference, PathReference) or reference.package


@dataclass(frozen=True)
class Lock:
    """What was found, in the order of names and versions."""

    packages: tuple[LockedPackage, ...]
    requires_python: str | None
    environments: tuple[str, ...]
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    default_groups: tuple[str, ...]
    roots: Mapping[Choice | None, tuple[LockedRequirement, ...]] = field(default_factory=dict, hash=False)
    """What the project's own dependencies (None), extras and groups list; what they bring along is listed there."""
    relative: frozenset[str] = frozenset()
    """The URLs of indexes on this machine that the project names by paths from its own folder."""
    yanked: tuple[Yanked, ...] = field(default=(), compare=False)
    """Those that their authors have withdrawn."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """Sentences for a person: what was left out and why."""
