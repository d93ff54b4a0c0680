"""Escapes: releases from before their authors learned to state an upper bound.

The oldest trap of a resolver is to walk back until nothing forbids a combination any more, which is not to say that it
works. A candidate is beside another one by an *escape* if it admits that version of a dependency, while every newer
release of it that might serve there states that the version is too new, or would be beside it by an escape itself.

Newer releases are read as far as they are easily had before anything counts as an escape. One that somebody who is
selected rules out could not serve, so it need not be read, and it excuses nobody. One that was uploaded before the
candidate, and admits only what is too old for it, does not count: the candidate has moved the bound, not forgotten it.
What is required for an extra counts where somebody who is selected asks for the extra.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import NamedTuple

from satlock.encoder.formula.candidates import Candidates, descending
from satlock.encoder.formula.cells import Cell, Edge, Node, Package
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import FALSE, Formula, all_of, any_of
from satlock.records import dataclass, field
from satlock.solver.objective.ages import moment
from satlock.solver.objective.environments import Environments
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.search.selection import Selection

__all__ = ["Escapes"]

_DAY = 86400.0
_MOST_READ = 16
"""Newer releases whose metadata is asked for at once, to see whether they state a bound."""


class _Pair(NamedTuple):
    """A candidate that is selected beside a dependency."""

    cell: Cell
    rank: int
    edge: Edge
    """The requirement that admits the dependency's version."""
    target: Cell
    version: int

    @property
    def region(self) -> Formula:
        return all_of((self.cell.region, self.edge.region, self.target.region))


@dataclass
class _Suspect:
    """A selected pair that may be an escape: what would have to hold, and what is not known yet."""

    region: Formula
    conditions: Mapping[Cell, int]
    """Ranks of others that rule newer releases out."""
    extras: Collection[Node]
    """Extras that have to be asked for, as what they require is against newer releases or of them."""
    unread: Sequence[int]


@dataclass
class _Edges:
    """What the candidates of a cell require, as long as it is the same as it was."""

    state: tuple[int, ...]
    between: dict[tuple[int, Package], list[Edge]] = field(default_factory=dict)
    """By rank and what is required."""


@dataclass
class _Scan:
    """What releases say of a version of a dependency, from the newest down to one."""

    region: Formula
    """Where none of them might serve that has nothing against the version."""
    down_to: int
    forbidden: Formula = FALSE
    conditions: dict[Cell, int] = field(default_factory=dict)
    extras: set[Node] = field(default_factory=set)
    unread: list[int] = field(default_factory=list)


class _Said(NamedTuple):
    """What a candidate says of a version of a dependency."""

    edges: Sequence[Edge]
    """In these requirements."""
    forbids: Formula
    """Where it calls the version too new."""
    admits: Formula
    extras: frozenset[Node]
    """Those that make a difference to these."""


class _Asked(NamedTuple):
    """What somebody who is selected, or the project (``source`` None), asks of a cell."""

    source: Cell | None
    node: Node
    admitted: int
    region: Formula


class Escapes:
    """Wishes against the escapes that selections were seen to make."""

    def __init__(
        self,
        encoding: Encoding,
        environments: Environments,
        optimiser: Optimiser,
        weight: int,
        missing: Callable[[Cell, int], bool],
    ) -> None:
        """``missing`` says whether the metadata of a candidate is to be loaded, and is no great effort."""
        self._encoding, self._environments, self._optimiser = encoding, environments, optimiser
        self._weight, self._missing = weight, missing
        self.literals: dict[tuple[Cell, str], int] = {}
        self._told: set[tuple[object, ...]] = set()
        self._edges_of: dict[Cell, _Edges] = {}
        self._said: dict[tuple[Cell, int, Cell, int, frozenset[str]], _Said] = {}
        """By candidate, version of a dependency, and the extras that are asked for."""
        self._asked: dict[tuple[Edge, Cell | None], tuple[tuple[int, int], list[tuple[Cell, _Asked]]]] = {}
        """By edge and who is selected, with how many cells there were, and clauses of the edge in them."""
        # For the selection at hand:
        self._asks: dict[Cell, list[_Asked]] = {}
        self._extras: dict[Cell, frozenset[str]] = {}
        """What is asked for of each cell, with the package itself."""
        self._out: dict[tuple[Cell, int], tuple[Formula, dict[Cell, int], set[Node]]] = {}
        self._scans: dict[tuple[Cell, Cell, int, Formula, int], _Scan] = {}
        self._uploads: dict[Candidates, tuple[list[float | None], int]] = {}
        """When the ranks were uploaded, and those that were more than a day after a higher one."""
        self._current: set[Cell] = set()
        """Cells whose requirements were looked at."""
        self._cleared: dict[_Pair, tuple[object, ...]] = {}
        """Pairs of which all is told that is to be told, as things stood then."""

    def look(self, selection: Selection, free: Callable[[Cell], int]) -> bool:
        """Looks for escapes of a selection; whether there is a wish now that it does not meet.

        What has to be read to know is added to the selection's probes.
        """
        found = False
        self._out.clear()
        self._scans.clear()
        self._current.clear()
        reached = {cell: rank for cell, rank in selection.ranks.items() if rank}
        extras: dict[Cell, list[str]] = {}
        for cell, extra in selection.asked:
            extras.setdefault(cell, []).append(extra)
        self._extras = {cell: frozenset(asked) for cell, asked in extras.items()}
        self._asks = self._asked_of(reached)
        for cell, rank in reached.items():
            newer = free(cell) >> (rank + 1) << (rank + 1)
            if not newer or not _is_read(cell, rank):
                continue
            asks = self._asks.get(cell, ())
            asked = tuple((source, source and reached[source], node, admitted) for source, node, admitted, _ in asks)
            state = newer, len(cell.attached), len(cell.provisional), self._extras[cell], asked
            for edge in self._required(cell, rank):
                for target in edge.package.cells:
                    if target in reached and (target.guard, 0) in edge.encoded:
                        pair = _Pair(cell, rank, edge, target, selection.ranks[target])
                        if self._cleared.get(pair) != state and self._look_at(pair, newer, selection, state):
                            found = True
                            self._look_below(pair, free(cell), selection)
        return found

    def _look_below(self, pair: _Pair, free: int, selection: Selection) -> None:
        """The next older candidates make the same escape, as a rule: they are told at once, not one by one."""
        older = (rank for rank in pair.cell.attached if rank < pair.rank and free >> rank & 1)
        for rank in sorted(older, reverse=True):
            for edge in self._required(pair.cell, rank) if _is_read(pair.cell, rank) else ():
                asks = edge.node is pair.edge.node and edge.package is pair.target.package
                if asks and (pair.target.guard, 0) in edge.encoded:
                    same = pair._replace(rank=rank, edge=edge)
                    newer = free >> (rank + 1) << (rank + 1)
                    if not _admits(pair.version, pair.target, edge) or not self._look_at(same, newer, selection, None):
                        return

    def _look_at(self, pair: _Pair, newer: int, selection: Selection, state: tuple[object, ...] | None) -> bool:
        """Whether a candidate is beside a selected dependency by an escape that was not told of before."""
        key = (pair.cell, pair.rank, pair.target, pair.version, pair.edge.node.extra)
        if key in self._told:
            return False
        suspect = self._suspect(pair, newer, selection)
        if suspect is not None and suspect.unread:
            if state is not None:
                selection.probes += [(pair.cell, other) for other in suspect.unread[:_MOST_READ]]
            return False
        if state is not None:
            self._cleared[pair] = state
        if suspect is None:
            return False
        # What was told of a selection that rules newer releases out says nothing of another one.
        told: tuple[object, ...] = key
        if suspect.conditions or suspect.extras:
            told = (*key, frozenset(suspect.conditions.items()), frozenset(suspect.extras))
        if told in self._told:
            return False
        self._told.add(told)
        self._tell(pair, suspect)
        return True

    def _suspect(self, pair: _Pair, newer: int, selection: Selection) -> _Suspect | None:
        """What every newer release says of a version; None where one that might serve has nothing against it."""
        region, moved = pair.region, self._moved(pair)
        newer &= ~moved
        key = pair.cell, pair.target, pair.version, region, moved
        scan = self._scans.get(key)
        if scan is None or scan.down_to <= pair.rank:
            scan = self._scans[key] = _Scan(region, pair.cell.candidates.top + 1)
        self._scan(scan, pair, newer, selection)
        region = scan.region if scan.unread else scan.region & scan.forbidden
        if not self._environments.meet(region):
            return None
        return _Suspect(region, dict(scan.conditions), set(scan.extras), list(scan.unread))

    def _moved(self, pair: _Pair) -> int:
        """Releases from before a candidate that admit only what is too old for it: it has moved their bound since."""
        uploads, late = self._uploads_of(pair.cell.candidates)
        if not late >> pair.rank & 1:
            return 0
        wanted = pair.target.candidates.admitted(pair.edge.dependency.specifier)
        lowest, mine, moved = wanted & -wanted, uploads[pair.rank], 0
        asked = self._extras[pair.cell]
        for other in pair.cell.attached:
            edges = self._edges(pair.cell).between.get((other, pair.target.package), ())
            edges = [edge for edge in edges if edge.node.extra in asked]
            before = uploads[other]
            if edges and before is not None and mine is not None and before + _DAY < mine:
                admitted = [pair.target.candidates.admitted(edge.dependency.specifier) for edge in edges]
                moved |= (max(admitted) < lowest) << other
        return moved

    def _uploads_of(self, candidates: Candidates) -> tuple[list[float | None], int]:
        known = self._uploads.get(candidates)
        if known is None:
            uploads: list[float | None] = [None, *(moment(candidates, rank + 1) for rank in range(candidates.top))]
            earliest, late = inf, 0
            for rank in range(candidates.top, 0, -1):
                uploaded = uploads[rank]
                if uploaded is not None:
                    late |= (earliest + _DAY < uploaded) << rank
                    earliest = min(earliest, uploaded)
            known = self._uploads[candidates] = uploads, late
        return known

    def _scan(self, scan: _Scan, pair: _Pair, newer: int, selection: Selection) -> None:
        """Goes on with a scan down to the rank of a pair, or until nothing can be an escape any more."""
        cell = pair.cell
        for other in descending(newer & (1 << scan.down_to) - 1):
            if scan.region is FALSE:
                break
            scan.down_to = other
            ruled_out, conditions, extras = self._ruled_out(cell, other, selection)
            if not _is_read(cell, other):
                if self._environments.meet(scan.region, ~ruled_out) and self._missing(cell, other):
                    scan.unread.append(other)
                else:
                    scan.conditions |= conditions
                    scan.extras |= extras
                continue
            _, forbids, admits, needed = self._says(cell, other, pair.target, pair.version)
            # What admits the version below a release that does not is no better than the pair, and excuses nobody.
            against = forbids | admits & scan.forbidden
            scan.region &= against | ruled_out
            if not self._environments.meet(scan.region):
                scan.region = FALSE
                break
            if ruled_out is not FALSE and not self._environments.within(scan.region, against):
                scan.conditions |= conditions
                scan.extras |= extras
            scan.extras |= needed
            scan.forbidden |= forbids

    def _says(self, cell: Cell, rank: int, target: Cell, version: int) -> _Said:
        """What a candidate says of a version of a dependency, with the extras that are asked for."""
        asked = self._extras[cell]
        key = cell, rank, target, version, asked
        edges = self._edges(cell).between.get((rank, target.package), ())
        known = self._said.get(key)
        if known is None or known.edges is not edges:
            here = [edge for edge in edges if edge.node.extra in asked]
            every = _said_in(here, target, version)
            extras = frozenset(edge.node for edge in here if edge.node.extra)
            if extras and _said_in([edge for edge in here if not edge.node.extra], target, version) == every:
                extras = frozenset()
            known = self._said[key] = _Said(edges, *every, extras)
        return known

    def _ruled_out(self, cell: Cell, rank: int, selection: Selection) -> tuple[Formula, dict[Cell, int], set[Node]]:
        """Where a release cannot serve as things are selected, by whom that is, and by which of their extras."""
        known = self._out.get((cell, rank))
        if known is not None:
            return known
        out = [~rule for rule, ranks in cell.candidates.admission() if ranks >> rank & 1]
        conditions: dict[Cell, int] = {}
        extras: set[Node] = set()
        for one in self._asks.get(cell, ()):
            if not one.admitted >> rank & 1:
                out.append(one.region)
                if one.source is not None:
                    conditions[one.source] = selection.ranks[one.source]
                    extras |= {one.node} if one.node.extra else set()
        found = self._out[cell, rank] = any_of(out), conditions, extras
        return found

    def _asked_of(self, reached: Mapping[Cell, int]) -> dict[Cell, list[_Asked]]:
        """What the project and selected candidates ask of cells."""
        asks: dict[Cell, list[_Asked]] = {}
        sources: list[tuple[Edge, Cell | None]] = [(edge, None) for edge in self._encoding.root.edges]
        for cell, rank in reached.items():
            sources += [(edge, cell) for edge in self._required(cell, rank)]
        for edge, source in sources:
            for target, found in () if edge.withdrawn else self._asked_by(edge, source):
                asks.setdefault(target, []).append(found)
        return asks

    def _asked_by(self, edge: Edge, source: Cell | None) -> list[tuple[Cell, _Asked]]:
        """What an edge asks of each cell, which changes only where the cells do, or where it gets clauses."""
        state = len(edge.encoded), len(edge.package.cells)
        known = self._asked.get((edge, source))
        if known is None or known[0] != state:
            region = edge.region if source is None else edge.region & source.region
            targets = [target for target in edge.package.cells if (target.guard, 0) in edge.encoded]
            found = [(one, _Asked(source, edge.node, self._admitted(edge, one), region)) for one in targets]
            known = self._asked[edge, source] = state, found
        return known[1]

    def _required(self, cell: Cell, rank: int) -> list[Edge]:
        """What a candidate requires, with those of its extras that are asked for."""
        asked = self._extras[cell]
        return [edge for extra, node in cell.nodes.items() if extra in asked for edge in node.of(rank)]

    def _admitted(self, edge: Edge, cell: Cell) -> int:
        admitted = cell.candidates.admitted(edge.dependency.specifier)
        if edge.reference is not None:
            direct = self._encoding.universe.known.get(edge.reference)
            return admitted & cell.candidates.of(direct.key) if direct is not None else 0
        return admitted

    def _edges(self, cell: Cell) -> _Edges:
        """What the candidates of a cell require, with any of its extras that somebody might ask for."""
        known = self._edges_of.get(cell)
        if known is None or cell not in self._current:
            self._current.add(cell)
            state = len(cell.attached), len(cell.provisional), *(len(node.edges) for node in cell.nodes.values())
            if known is None or known.state != state:
                known = self._edges_of[cell] = _edges_of(cell, state, known)
        return known

    def _tell(self, pair: _Pair, suspect: _Suspect) -> None:
        cell, target, at_least, name = pair.cell, pair.target, self._encoding.at_least, pair.target.package.name
        literal = self.literals.get((cell, name))
        if literal is None:
            literal = self.literals[cell, name] = self._encoding.fresh()
        else:
            # What it means has grown, so what was paid with it may be too little.
            self._optimiser.forget((literal,))
        self._optimiser.want(literal, self._weight, cell)
        conditions = [*suspect.conditions.items(), (cell, pair.rank)]
        more = [part for c, r in conditions for part in (-at_least(c, r), at_least(c, r + 1))]
        extras = {*suspect.extras, pair.edge.node} if pair.edge.node.extra else suspect.extras
        more += sorted(-node.literal for node in extras)
        below = (1 << pair.version) - 1
        self._encoding.wish(target, literal, below & target.candidates.everything, suspect.region, more)


def _said_in(edges: Sequence[Edge], target: Cell, version: int) -> tuple[Formula, Formula]:
    """Where requirements call a version too new, and where they admit it."""
    forbids = any_of(edge.region for edge in edges if _is_above(version, target, edge))
    return forbids, any_of(edge.region for edge in edges if _admits(version, target, edge))


def _edges_of(cell: Cell, state: tuple[int, ...], before: _Edges | None) -> _Edges:
    found = _Edges(state)
    for node in cell.nodes.values():
        for edge in node.edges:
            found.between.setdefault((edge.rank, edge.package), []).append(edge)
    if before is not None:
        # What was said of these is still true.
        found.between.update((key, edges) for key, edges in before.between.items() if found.between.get(key) == edges)
    return found


def _is_read(cell: Cell, rank: int) -> bool:
    return rank in cell.attached and rank not in cell.provisional


def _is_above(version: int, target: Cell, edge: Edge) -> bool:
    """Whether a requirement says that a version is too new."""
    admitted = target.candidates.admitted(edge.dependency.specifier)
    return bool(admitted) and version >= admitted.bit_length()


def _admits(version: int, target: Cell, edge: Edge) -> bool:
    return bool(target.candidates.admitted(edge.dependency.specifier) >> version & 1)
