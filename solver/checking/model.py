"""What a lockfile says, for the checker: its entries, and the marked edges along which an installer reaches them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from satlock.solver.checking.markers import ALWAYS, Condition

__all__ = ["Edge", "Entry", "Lock", "Origin", "Table"]

Table = dict[str, Any]
"""A table of a TOML file, as it was parsed."""


class Origin(NamedTuple):
    """Where an entry comes from, in the lock's own words; each is empty where the lock does not tell."""

    kind: str = ""
    """Such as ``registry``, ``git`` or ``editable``."""
    place: str = ""
    """An address or a path."""
    reference: str = ""

    @property
    def address(self) -> str:
        """By which indexes are compared."""
        return self.place.rstrip("/")

    @property
    def afar(self) -> bool:
        """It is no index."""
        return self.kind not in ("registry", "index", "legacy", "")

    def __str__(self) -> str:
        return " ".join(filter(None, self))


@dataclass
class Entry:
    """One candidate in the lock."""

    name: str
    version: str
    source: Origin
    files: list[str]
    builds: bool
    """It needs no file."""
    hashes: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each file that the lock tells one of."""

    @property
    def shown(self) -> str:
        title = f"{self.name} {self.version}".rstrip()
        return f"{title} ({self.source})" if any(self.source) else title


@dataclass
class Edge:
    """One step that an installer may take."""

    name: str
    source: str | None
    targets: list[str]
    condition: Condition
    activates: list[str] = field(default_factory=list)


@dataclass
class Lock:
    """A lockfile of any format."""

    kind: str
    entries: list[Entry] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    python: str = ""
    followed: bool = False
    """It does not say when an entry is installed: that was followed from the project's own tables."""
    environments: Condition = ALWAYS
    covered: Condition = ALWAYS
    """Where dependencies are followed at all, whatever is chosen."""
    switches: list[str] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    implied: list[tuple[str, str]] = field(default_factory=list)
    needs: dict[str, list[str] | None] = field(default_factory=dict)
    activators: dict[str, list[str]] = field(default_factory=dict)
    early: dict[str, list[str]] = field(default_factory=dict)
    conflicts: list[list[tuple[str, str, bool]]] = field(default_factory=list)
    brings: list[tuple[str, str, Condition]] = field(default_factory=list)
    """By what, what is put in force, and where."""
    rivals: list[tuple[str, ...]] = field(default_factory=list)
    """What is never in force together: pairs; in a ``uv.lock`` switches."""
