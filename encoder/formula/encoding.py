"""Facts as clauses: the growing formula of one project.

Literals are integers as in DIMACS. The formula only ever grows: what a later fact makes obsolete (a cell that was
split) is switched off by its guard, so everything a solver has learned stays valid.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from satlock.encoder.formula.candidates import Candidates, python_region, runs
from satlock.encoder.formula.cells import Bar, Cell, Edge, Hold, Node, Package, Requirements, Statement
from satlock.encoder.formula.facts import (
    Admission,
    Constraint,
    Fact,
    Held,
    HoldKind,
    Refused,
    Required,
    SingleVersion,
    Wished,
)
from satlock.encoder.formula.reasons import NeedsPython, NotDeclared, Refusal, Unreadable
from satlock.encoder.formula.support import asked_for, keep, support
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, forget_switches
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.dependencies import Dependency
from satlock.encoder.project.project import Requirement
from satlock.encoder.project.universe import Universe

__all__ = ["Encoding"]

_TRUE = 1
_LARGE = 12
"""Cells with more atoms and parts than this are brought into a short form."""
_MOST_SWITCHES = 3
"""A demand over more choices than this is widened to its platforms, so that no query grows with the extras."""


class Encoding:
    """Clauses over cells, each with the fact it came from."""

    def __init__(self, universe: Universe, constraints: Sequence[Requirement], single_version: Iterable[str]) -> None:
        self.universe = universe
        self.domain = universe.domain
        self.clauses: list[list[int]] = [[_TRUE]]
        self.fact_of: list[int] = [-1]
        """For each clause the index of its fact, or -1 for an axiom of the encoding."""
        self.facts: list[Fact] = []
        self._index: dict[Fact, int] = {}
        self.variables = 1
        self.packages: dict[str, Package] = {}
        self.guarded: dict[int, Cell] = {}
        """The cell of each guard."""
        self.single_version = frozenset(single_version)
        self.constraints: dict[str, list[Requirement]] = {}
        """What the project asks of packages that it need not require, by name."""
        for requirement in constraints:
            self.constraints.setdefault(requirement.name, []).append(requirement)
        self._grown: deque[Node] = deque()
        self._shortener = Shortener(self.domain)
        self.preferred: Callable[[Cell], Iterable[tuple[Formula, int]]] = lambda cell: ()
        """The ranks of an existing lock in a cell, each with where it is locked; set by the search."""
        self.family: Callable[[Formula], Formula] = lambda region: region
        """A region with all choices made that no conflict names; set by the search."""
        self.root = Node(None, "", _TRUE, demand=TRUE, saturated=True)

    # -- growing the formula -----------------------------------------------------------------------------------

    def require(self, dependencies: Iterable[tuple[Dependency, Formula]]) -> None:
        """Adds requirements of the project itself, each with the region in which it is active."""
        for dependency, region in dependencies:
            self._connect(self.root, 0, dependency, region)
        self._settle()

    def list_package(self, name: str, partition: Sequence[tuple[Formula, Candidates]]) -> None:
        """Makes a package's candidates known, with its initial partition."""
        package = self.package(name)
        package.listed = True
        for region, candidates in partition:
            if self.domain.satisfiable(region):
                self._new_cell(package, region, candidates)
        self._tie_hard(package)
        for edge in package.incoming:
            self._encode(edge)
        self._settle()

    def attach(self, cell: Cell, rank: int, builds: Requirements, *, provisional: bool = False) -> None:
        """Puts a candidate's metadata into the formula.

        Args:
            provisional: that the source distribution notes these requirements and does not promise them. They are
                believed under the literal of a hold that is made for them.

        Raises:
            ValueError: a requirement cannot be read. The formula is unchanged then.
        """
        for _, dependencies in builds:
            dependencies.of()
        if rank in cell.provisional:
            self.withdraw(cell, rank)
        cell.attached[rank] = builds
        if provisional:
            literal = cell.provisional[rank] = self.fresh()
            fact = Held(TRUE, (cell,), "build", ranks=1 << rank)
            cell.holds.append(Hold(cell, "build", 1 << rank, literal, fact))
        for node in list(cell.nodes.values()):
            self._attach(node, rank)
        self._settle()

    def withdraw(self, cell: Cell, rank: int) -> None:
        """Takes the provisional requirements of a candidate back."""
        literal = cell.provisional.pop(rank)
        self.state([-literal])
        del cell.attached[rank]
        cell.holds = [hold for hold in cell.holds if hold.literal != literal]
        for node in cell.nodes.values():
            for one in (*node.edges, *node.bars):
                one.withdrawn = one.withdrawn or one.provisional == literal
            node.edges = [edge for edge in node.edges if not edge.withdrawn]
            node.bars = [bar for bar in node.bars if not bar.withdrawn]

    def split(self, cell: Cell, formula: Formula) -> None:
        """Replaces a cell by its parts inside and outside of ``formula``; its guard, and so its clauses, are off."""
        package = cell.package
        cell.alive = False
        package.cells.remove(cell)
        for literal in (cell.guard, *(cell.at_least[rank] for rank in cell.thresholds[:1])):
            self.state([-literal])  # nobody asks any more, so a solver need not look for a rank
        parts = []
        for region in (cell.region & formula, cell.region & ~formula):
            part = self._new_cell(package, self._shortener.in_short(region, _LARGE), cell.candidates)
            part.lifted = cell.lifted
            parts.append(part)
            part.attached = {rank: read for rank, read in cell.attached.items() if rank not in cell.provisional}
            for rank in part.attached:
                self._attach(part.nodes[""], rank)
        package.incoming = [edge for edge in package.incoming if edge.node.cell is None or edge.node.cell.alive]
        self._tie_hard(package)
        for edge in package.incoming:
            self._encode(edge, parts)
        self._settle()

    def hold(self, cell: Cell, ranks: int, kind: HoldKind, reason: str) -> Hold:
        """Makes the hold under whose literal ranks of a cell are out, all of them held back for one reason."""
        literal = self.fresh()
        fact = Held(TRUE, (cell,), kind, reason, ranks=ranks)
        for first, last in runs(ranks):
            self.add(fact, [-cell.guard, -literal, -self.at_least(cell, first), self.at_least(cell, last + 1)])
        hold = Hold(cell, kind, ranks, literal, fact)
        cell.holds.append(hold)
        return hold

    def tie(self, one: Cell, other: Cell, literal: int | None = None, fact: Fact | None = None) -> int:
        """A literal under which two cells over the same candidates have the same rank, when both are present."""
        literal = self.fresh() if literal is None else literal
        present = [-self.at_least(one, 1), -self.at_least(other, 1)]
        one.ties.append((other, literal))
        other.ties.append((one, literal))
        for k in {*one.thresholds, *other.thresholds}:
            a, b = self.at_least(one, k), self.at_least(other, k)
            self.add(fact, [-literal, *present, -a, b])
            self.add(fact, [-literal, *present, a, -b])
        return literal

    # -- literals ----------------------------------------------------------------------------------------------

    def fresh(self) -> int:
        """A literal that nothing is said of yet."""
        self.variables += 1
        return self.variables

    def package(self, name: str) -> Package:
        """The package of a name, which is made when it is first asked for."""
        return self.packages.get(name) or self.packages.setdefault(name, Package(name))

    def at_least(self, cell: Cell, rank: int) -> int:
        """The literal of *rank of cell >= rank*; the constant literal where it always or never holds."""
        if rank <= 0:
            return _TRUE
        if rank > cell.candidates.top:
            return -_TRUE
        literal = cell.at_least.get(rank)
        if literal is None:
            literal = cell.at_least[rank] = self.fresh()
            place = bisect_left(cell.thresholds, rank)
            if place:
                self.state([-literal, cell.at_least[cell.thresholds[place - 1]]])
            if place < len(cell.thresholds):
                self.state([-cell.at_least[cell.thresholds[place]], literal])
            insort(cell.thresholds, rank)
            for other, tie in cell.ties:
                mirrored = self.at_least(other, rank)
                present = [-self.at_least(cell, 1), -self.at_least(other, 1)]
                self.state([-tie, *present, -literal, mirrored])
                self.state([-tie, *present, literal, -mirrored])
        return literal

    def living(self) -> Iterator[Cell]:
        """The cells of all packages, without those that were divided."""
        for package in self.packages.values():
            yield from package.cells

    # -- encoding ----------------------------------------------------------------------------------------------

    def _new_cell(self, package: Package, region: Formula, candidates: Candidates) -> Cell:
        cell = Cell(package, region, candidates, self.fresh())
        self.guarded[cell.guard] = cell
        cell.nodes[""] = Node(cell, "", _TRUE)
        package.cells.append(cell)
        for requirement in self.constraints.get(package.name, ()):
            marker = self.universe.where(requirement.marker)
            if requirement.specifier and self.domain.satisfiable(region, marker):
                origin, specifier = requirement.origin, str(requirement.specifier)
                fact = Constraint(marker, (cell,), requirement.text, origin, specifier)
                antecedent = [-cell.guard, -self.at_least(cell, 1)]
                self._bound(fact, antecedent, cell, admitted := candidates.admitted(requirement.specifier))
                support(self, cell, asked_for(requirement.specifier, candidates, admitted), requirement, (marker,))
        keep(self, cell)
        return cell

    def _tie_hard(self, package: Package) -> None:
        """The single-version rule as the project states it: one version and build for the whole universe."""
        if package.name not in self.single_version:
            return
        for i, one in enumerate(package.cells):
            for other in package.cells[:i]:
                fact = SingleVersion(TRUE, (one, other))
                if one.candidates is other.candidates:
                    self.tie(one, other, _TRUE, fact)
                else:
                    present = [-self.at_least(one, 1), -self.at_least(other, 1)]
                    self.add(fact, [-one.guard, -other.guard, *present])

    def _attach(self, node: Node, rank: int) -> None:
        assert node.cell is not None
        builds = node.cell.attached[rank]
        for region, dependencies in builds if not node.extra else ():
            admits = python_region(python := dependencies.requires_python)
            if python is not None and admits is not TRUE:
                self._bar(node, rank, region & ~admits, NeedsPython(python))
        for region, dependencies in builds:
            try:
                wanted = dependencies.of(node.extra)
            except ValueError as unreadable:
                self._bar(node, rank, region, Unreadable(str(unreadable)))
                continue
            for dependency in wanted:
                self._connect(node, rank, dependency, region & dependency.marker)

    def _connect(self, node: Node, rank: int, dependency: Dependency, region: Formula) -> None:
        if region is FALSE:
            return
        reference = self.universe.declared(dependency)
        if dependency.url is not None and reference is None:
            self._bar(node, rank, region, NotDeclared(dependency.text))
            return
        package = self.package(dependency.name)
        edge = Edge(node, rank, region, dependency, package, reference)
        package.incoming.append(edge)
        node.edges.append(edge)
        self._encode(edge)

    def _bar(self, node: Node, rank: int, region: Formula, refusal: Refusal) -> None:
        node.bars.append(bar := Bar(node, rank, region, refusal))
        self._encode_bar(bar)

    def _encode(self, edge: Edge, cells: Sequence[Cell] | None = None) -> None:
        """Adds the clauses of an edge for each cell, or each of some, that it can meet and has none for yet.

        Asked again whenever the demand of its node grows or its target gets cells, this keeps the invariant that an
        edge has its clauses in each living cell where its demand, its region and the cell meet.
        """
        node = edge.node
        if edge.withdrawn or node.demand is FALSE or (node.cell is not None and not node.cell.alive):
            return
        asks = (node.demand, edge.region)
        for cell in edge.package.cells if cells is None else cells:
            if self.domain.satisfiable(*asks, cell.region):
                self._encode_in(edge, cell)

    def _encode_bar(self, bar: Bar) -> None:
        """Adds the clause of a bar once the demand of its node meets it."""
        done = bar.encoded or bar.withdrawn or not all(cell.alive for cell in bar.node.cells)
        if not done and self.domain.satisfiable(bar.node.demand, bar.region):
            bar.encoded = True
            self.add(Refused(bar.region, bar.node.cells, bar), self.antecedent(bar))

    def _encode_in(self, edge: Edge, cell: Cell) -> None:
        asks = (edge.node.demand, edge.region)
        candidates = cell.candidates
        admitted = candidates.admitted(edge.dependency.specifier)
        if edge.reference is not None:
            direct = self.universe.known.get(edge.reference)
            admitted = admitted & candidates.of(direct.key) if direct is not None else 0
        sources = edge.node.cells
        if (cell.guard, 0) not in edge.encoded:
            edge.encoded.add((cell.guard, 0))
            fact = Required(edge.region, (*sources, cell), edge)
            antecedent = [*self.antecedent(edge), -cell.guard]
            self._bound(fact, antecedent, cell, admitted)
            for extra in edge.dependency.extras:
                self.add(fact, [*antecedent, self._node(cell, extra).literal])
        if opened := asked_for(edge.dependency.specifier, candidates, admitted):
            support(self, cell, opened, edge, asks, unless=self.antecedent(edge))
        for rule, ranks in candidates.admission():
            if ranks & admitted and (cell.guard, rule.key) not in edge.encoded:
                refused = ~rule
                if self.domain.satisfiable(*asks, cell.region, refused):
                    edge.encoded.add((cell.guard, rule.key))
                    narrowed = Admission(edge.region & refused, (*sources, cell), edge, ranks=ranks & admitted)
                    self._bound(narrowed, [*self.antecedent(edge), -cell.guard], cell, admitted & ~ranks)
        for extra in ("", *edge.dependency.extras):
            self._raise(self._node(cell, extra), asks)

    def antecedent(self, stated: Statement) -> list[int]:
        """Literals, one of which is true where nobody states this: that its candidate is selected, negated."""
        node, cell = stated.node, stated.node.cell
        if cell is None:
            return []
        literals = [-cell.guard, -self.at_least(cell, stated.rank), self.at_least(cell, stated.rank + 1)]
        if stated.provisional:
            literals.append(-stated.provisional)
        return [*literals, -node.literal] if node.extra else literals

    def _bound(self, fact: Fact, antecedent: list[int], cell: Cell, ranks: int) -> None:
        """The cell's rank is one of ``ranks``, or one of the literals of ``antecedent`` is true.

        In order encoding this is a clause for each end of a run, mostly one or two.
        """
        if not ranks:
            self.add(fact, antecedent)
            return
        spans = list(runs(ranks))
        self.add(fact, [*antecedent, self.at_least(cell, spans[0][0])])
        if spans[-1][1] < cell.candidates.top:
            self.add(fact, [*antecedent, -self.at_least(cell, spans[-1][1] + 1)])
        for (_, end), (start, _) in pairwise(spans):
            self.add(fact, [*antecedent, -self.at_least(cell, end + 1), self.at_least(cell, start)])

    def _node(self, cell: Cell, extra: str) -> Node:
        node = cell.nodes.get(extra)
        if node is None:
            node = cell.nodes[extra] = Node(cell, extra, self.fresh())
            for rank in cell.attached:
                self._attach(node, rank)
        return node

    def _raise(self, node: Node, asks: tuple[Formula, ...]) -> None:
        """Widens the demand of a node by where an edge may ask for it. A demand never shrinks."""
        if node.saturated or node.cell is None:
            return
        region = node.cell.region
        if not self.domain.satisfiable(*asks, region, ~node.demand):
            return
        demand = any_of((node.demand, all_of((*asks, region))))
        if len(demand.switches) > _MOST_SWITCHES:
            demand = forget_switches(demand) & region
        if self.domain.implies(region, demand):
            demand, node.saturated = region, True
        node.demand = demand
        self._grown.append(node)

    def _settle(self) -> None:
        """Encodes what widened demands have brought in reach, until nothing grows any more."""
        while self._grown:
            node = self._grown.popleft()
            for bar in node.bars:
                self._encode_bar(bar)
            for edge in list(node.edges):
                self._encode(edge)

    def state(self, clause: list[int]) -> None:
        """Adds a clause that is no fact: what a literal means."""
        self.add(None, clause)

    def wish(self, cell: Cell, literal: int, ranks: int, own: Formula = TRUE, more: Sequence[int] = ()) -> None:
        """States what ``literal`` means: where ``own`` holds, a cell that is present has one of ``ranks``.

        Args:
            more: literals any of which is enough instead.
        """
        fact = Wished(own, (cell,), ranks=cell.candidates.everything & ~ranks)
        self._bound(fact, [-literal, -cell.guard, -self.at_least(cell, 1), *more], cell, ranks)

    def add(self, fact: Fact | None, clause: list[int]) -> None:
        """Adds a clause of a fact; of none where it only says what a literal means."""
        if _TRUE in clause:
            return
        index = -1
        if fact is not None:
            index = self._index.setdefault(fact, len(self.facts))
            if index == len(self.facts):
                self.facts.append(fact)
        self.clauses.append([literal for literal in clause if literal != -_TRUE])
        self.fact_of.append(index)
