"""The parts of the formula: packages, their cells, and the edges of requirements between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from satlock.corpora.references import Reference
from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.reasons import Refusal
from satlock.encoder.markers.marker import FALSE, Formula
from satlock.encoder.project.dependencies import Dependencies, Dependency

if TYPE_CHECKING:
    from satlock.encoder.formula.facts import Held, HoldKind

__all__ = ["Cell", "Edge", "Hold", "Node", "Package"]


@dataclass(eq=False, repr=False)
class Package:
    """One name, with its partition of the universe."""

    name: str
    cells: list[Cell] = field(default_factory=list)
    """The living ones: disjoint, and together the universe."""
    incoming: list[Edge] = field(default_factory=list)
    listed: bool = False
    """Whether its candidates are known; before that it counts as serving everything."""


@dataclass(eq=False, repr=False)
class Cell:
    """A region of the universe in which a package has one candidate, or none: an integer variable 0..n.

    ``at_least[k]`` is the literal of *rank >= k* (order encoding); only those thresholds exist that some
    clause speaks of, since ranks between two of them cannot be told apart.
    """

    package: Package
    region: Formula
    candidates: Candidates
    guard: int
    """The literal under which its clauses hold."""
    alive: bool = True
    at_least: dict[int, int] = field(default_factory=dict)
    thresholds: list[int] = field(default_factory=list)
    """The keys of ``at_least``, sorted."""
    attached: dict[int, tuple[tuple[Formula, Dependencies], ...]] = field(default_factory=dict)
    """For ranks whose metadata is in the formula: each build's region and what it requires."""
    provisional: dict[int, int] = field(default_factory=dict)
    """Attached ranks whose requirements are only what their source distribution noted, with the literal that says so.
    """
    nodes: dict[str, Node] = field(default_factory=dict)
    """What may be asked of the cell: the package itself (``""``) and its extras."""
    ties: list[tuple[Cell, int]] = field(default_factory=list)
    """(other cell, literal under which both have the same rank when both are present)."""
    holds: list[Hold] = field(default_factory=list)
    lifted: int = 0
    """Ranks that the search was forced to stop holding back."""
    supported: int = 0
    """Held ranks that serve where somebody who is selected asks for them: the formula says so."""
    askers: dict[object, Formula] = field(default_factory=dict)
    """Who is known to ask for those that were yanked, and where."""
    leaving: dict[object, Formula] = field(default_factory=dict)
    """Who is known to leave no way around a pre-release, and where."""
    openings: dict[int, Hold] = field(default_factory=dict)
    """For each of these ranks the hold that nobody else asks for it."""

    def __str__(self) -> str:
        return self.package.name


@dataclass(eq=False, repr=False)
class Node:
    """The package of a cell, or one extra of it, or the project (``cell`` None)."""

    cell: Cell | None
    extra: str
    literal: int
    """That the extra is active in the cell."""
    demand: Formula = FALSE
    """Where some requirement in the formula may ask for it; grows as metadata is loaded."""
    saturated: bool = False
    edges: list[Edge] = field(default_factory=list)
    """More are appended; where some are withdrawn, it is another list."""
    _by_rank: dict[int, list[Edge]] = field(default_factory=dict)
    _sorted: tuple[list[Edge] | None, int] = None, 0
    """Which edges are in ``_by_rank``, and how many of them."""

    def of(self, rank: int) -> Sequence[Edge]:
        """The edges of one candidate."""
        edges, count = self._sorted
        if edges is not self.edges:
            self._by_rank, count = {}, 0
        if count < len(self.edges):
            for edge in self.edges[count:]:
                self._by_rank.setdefault(edge.rank, []).append(edge)
            self._sorted = self.edges, len(self.edges)
        return self._by_rank.get(rank, ())


@dataclass(eq=False, repr=False)
class Edge:
    """A requirement of the project, or of one candidate (and extra) in one cell."""

    node: Node
    rank: int
    """Of the requiring candidate; 0 for the project."""
    dependency: Dependency
    region: Formula
    """Its marker, and the region of the build that states it."""
    package: Package | None
    """None for a refusal: where the region holds, the candidate cannot serve."""
    refusal: Refusal | None = None
    reference: Reference | None = None
    """What the target must come from, where the requirement says."""
    provisional: int = 0
    """The literal under which it is believed, where it is not yet known to be true."""
    withdrawn: bool = False
    encoded: set[tuple[int, int]] = field(default_factory=set)
    """(guard of the target cell, key of the admission rule) that already have their clauses."""


@dataclass(eq=False, repr=False)
class Hold:
    """Candidates that are not used unless nothing else serves; ``literal`` is assumed as long as they are held."""

    cell: Cell
    kind: HoldKind
    ranks: int
    literal: int
    fact: Held
    lifted: bool = False
