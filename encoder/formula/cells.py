"""The parts of the formula: packages, their cells, the edges of requirements between them, and the bars on cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from satlock.corpora.references import Reference
from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.reasons import Refusal
from satlock.encoder.markers.marker import FALSE, Formula
from satlock.encoder.project.dependencies import Dependencies, Dependency
from satlock.records import dataclass, field

if TYPE_CHECKING:
    from satlock.encoder.formula.facts import Held, HoldKind

__all__ = ["Bar", "Cell", "Edge", "Hold", "Node", "Package", "Requirements", "Statement"]

Requirements = tuple[tuple[Formula, Dependencies], ...]
"""What a candidate requires: for each of its builds the region that it serves, and its requirements."""


@dataclass(eq=False, repr=False)
class Package:
    """One name, with its partition of the universe."""

    name: str
    cells: list[Cell] = field(default_factory=list)
    """The living ones: disjoint, and together the universe."""
    incoming: list[Edge] = field(default_factory=list)
    """The edges that lead to it, but for some of cells that were divided since."""
    listed: bool = False
    """Whether its candidates are known; before that it counts as serving everything."""


@dataclass(eq=False, repr=False)
class Cell:
    """A region of the universe in which a package has one candidate, or none.

    In the formula it is an integer variable: the rank of the candidate, from 1 to n, or 0 for none. ``at_least[k]`` is
    the literal of *rank >= k* (order encoding). Only those thresholds exist that some clause speaks of, since ranks
    between two of them cannot be told apart.
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
    attached: dict[int, Requirements] = field(default_factory=dict)
    """For ranks whose metadata is in the formula, what they require."""
    provisional: dict[int, int] = field(default_factory=dict)
    """Attached ranks whose requirements are only what their source distribution notes, with the literal under which
    these are believed."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """What may be asked of the cell: the package itself (``""``) and its extras."""
    ties: list[tuple[Cell, int]] = field(default_factory=list)
    """(other cell, literal under which both have the same rank when both are present)."""
    holds: list[Hold] = field(default_factory=list)
    lifted: int = 0
    """Ranks that are held back no more: nothing else served, or the project asks for them in all of the cell."""
    supported: int = 0
    """Ranks that serve where somebody who is selected asks for them. The formula states this (``formula.support``)."""
    askers: dict[object, Formula] = field(default_factory=dict)
    """Who is known to ask for yanked releases, an edge or a statement of the project or of a lock; and where."""
    leaving: dict[object, Formula] = field(default_factory=dict)
    """Who is known to leave no way around a pre-release, and where."""
    openings: dict[int, Hold] = field(default_factory=dict)
    """For each supported rank the hold that nobody else asks for it."""

    def __str__(self) -> str:
        return self.package.name


@dataclass(eq=False, repr=False)
class Node:
    """What can have requirements: the project (``cell`` None), the package of a cell (``extra`` empty), or an extra."""

    cell: Cell | None
    extra: str
    literal: int
    """That the extra is active in the cell."""
    demand: Formula = FALSE
    """Where some edge in the formula may ask for it; it only grows."""
    saturated: bool = False
    """Whether the demand is the whole cell already."""
    edges: list[Edge] = field(default_factory=list)
    """Those of all its candidates. New ones are appended; where some are withdrawn, another list takes its place."""
    bars: list[Bar] = field(default_factory=list)
    """Of all its candidates."""
    cells: tuple[Cell, ...] = field(init=False)
    """Its cell, if it has one."""
    _by_rank: dict[int, list[Edge]] = field(default_factory=dict)
    _sorted: tuple[list[Edge] | None, int] = None, 0
    """The list whose edges are in ``_by_rank``, and how many of them are."""

    def __post_init__(self) -> None:
        self.cells = () if self.cell is None else (self.cell,)

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
class Statement:
    """What a node states: the project, or one candidate (and extra) in one cell."""

    node: Node
    rank: int
    """Of the candidate that states it; 0 for the project."""
    region: Formula
    """Its marker, and the region of the build that states it."""
    provisional: int = field(default=0, init=False)
    """The literal under which it is believed, where it is not yet known to be true."""
    withdrawn: bool = field(default=False, init=False)
    """Whether it was provisional, and is believed no more."""

    def __post_init__(self) -> None:
        if self.node.cell is not None:
            self.provisional = self.node.cell.provisional.get(self.rank, 0)


@dataclass(eq=False, repr=False)
class Edge(Statement):
    """One requirement."""

    dependency: Dependency
    package: Package
    reference: Reference | None = None
    """What the target must come from, where the requirement says."""
    encoded: set[tuple[int, int]] = field(default_factory=set)
    """What has its clauses already: (guard of the target cell, 0), and for an admission (that guard, key of its
    region)."""


@dataclass(eq=False, repr=False)
class Bar(Statement):
    """That the candidate (or its extra) cannot serve in the region."""

    refusal: Refusal
    """Why."""
    encoded: bool = False
    """Whether it has its clause already."""


@dataclass(eq=False, repr=False)
class Hold:
    """Candidates that are held back: ``literal`` says that they are out, and is assumed until the hold is lifted."""

    cell: Cell
    kind: HoldKind
    ranks: int
    """The candidates, a bit for each rank."""
    literal: int
    fact: Held
    lifted: bool = False
