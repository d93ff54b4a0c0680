"""Escapes: releases from before their authors learned to state an upper bound.

The oldest trap of a resolver is to walk back until nothing forbids a combination any more, which is not to say that it
works. A candidate is beside another one by an *escape* if it admits that version of a dependency, while every newer
release of it that might serve there states that the version is too new, or would be beside it by an escape itself.

Newer releases are read as far as they are easily had before anything counts as an escape. One that somebody who is
selected rules out could not serve, so it need not be read, and it excuses nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import FALSE, Formula, all_of, any_of
from satlock.solver.objective.environments import Environments
from satlock.solver.objective.maxsat import Optimiser
from satlock.solver.search.selection import Selection

__all__ = ["Escapes"]

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
    conditions: dict[Cell, int] = field(default_factory=dict)
    """Ranks of others that rule newer releases out."""
    unread: list[int] = field(default_factory=list)


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
        """
        Args:
            missing: whether the metadata of a candidate is to be loaded, and is no great effort.
        """
        self._encoding, self._environments, self._optimiser = encoding, environments, optimiser
        self._weight, self._missing = weight, missing
        self.literals: dict[tuple[Cell, str], int] = {}
        self._told: set[tuple[object, ...]] = set()
        self._asks: dict[Cell, list[tuple[Cell | None, int, Formula]]] = {}
        """For the selection at hand."""
        self._by_rank: dict[Cell, tuple[tuple[int, ...], dict[int, list[Edge]]]] = {}
        """What candidates require, as long as it is the same as it was."""
        self._said: dict[tuple[Cell, int, Cell, int], tuple[int, Formula, Formula]] = {}
        """What candidates say of versions of a dependency: in how many requirements, and see :meth:`_says`."""
        self._cleared: dict[_Pair, tuple[object, ...]] = {}
        """Pairs of which all is told that is to be told, as things stood then."""

    def look(self, selection: Selection, free: Callable[[Cell], int]) -> bool:
        """Looks for escapes of a selection; whether there is a wish now that it does not meet.

        What has to be read to know is added to the selection's probes.
        """
        found = False
        self._asks.clear()
        reached = {cell: rank for cell, rank in selection.ranks.items() if rank}
        for cell, rank in reached.items():
            newer = free(cell) >> (rank + 1) << (rank + 1)
            if not newer or not _is_read(cell, rank):
                continue
            asked = [(source, admitted) for source, admitted, _ in self._asked(cell, selection)]
            state = newer, len(cell.attached), len(cell.provisional), tuple(asked)
            for edge in self._edges(cell, rank):
                package = edge.package
                for target in package.cells if package is not None else ():
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
            for edge in self._edges(pair.cell, rank) if _is_read(pair.cell, rank) else ():
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
        told = (*key, frozenset(suspect.conditions.items())) if suspect.conditions else key
        if told in self._told:
            return False
        self._told.add(told)
        self._tell(pair, suspect)
        return True

    def _suspect(self, pair: _Pair, newer: int, selection: Selection) -> _Suspect | None:
        """What every newer release says of a version; None where one that might serve has nothing against it."""
        cell, target, suspect = pair.cell, pair.target, _Suspect(pair.region)
        forbidden = FALSE
        for other in _from_highest(newer):
            ruled_out, conditions = self._ruled_out(cell, other, selection)
            if not _is_read(cell, other):
                if self._environments.meet(suspect.region, ~ruled_out) and self._missing(cell, other):
                    suspect.unread.append(other)
                else:
                    suspect.conditions |= conditions
                continue
            forbids, admits = self._says(cell, other, target, pair.version)
            # What admits the version below a release that does not is no better than the pair, and excuses nobody.
            against = forbids | admits & forbidden
            suspect.region &= against | ruled_out
            if not self._environments.meet(suspect.region):
                return None
            if ruled_out is not FALSE and not self._environments.within(suspect.region, against):
                suspect.conditions |= conditions
            forbidden |= forbids
        if not suspect.unread:
            suspect.region &= forbidden
        return suspect if self._environments.meet(suspect.region) else None

    def _says(self, cell: Cell, rank: int, target: Cell, version: int) -> tuple[Formula, Formula]:
        """Where a candidate calls a version of a dependency too new, and where it admits it."""
        key = cell, rank, target, version
        edges = [edge for edge in self._edges(cell, rank) if edge.package is target.package]
        known = self._said.get(key)
        if known is None or known[0] != len(edges):
            forbids = any_of(edge.region for edge in edges if _is_above(version, target, edge))
            admits = any_of(edge.region for edge in edges if _admits(version, target, edge))
            known = self._said[key] = len(edges), forbids, admits
        return known[1:]

    def _ruled_out(self, cell: Cell, rank: int, selection: Selection) -> tuple[Formula, dict[Cell, int]]:
        """Where a release cannot serve as things are selected, and by whom that is."""
        out = [~rule for rule, ranks in cell.candidates.admission() if ranks >> rank & 1]
        conditions: dict[Cell, int] = {}
        for source, admitted, region in self._asked(cell, selection):
            if not admitted >> rank & 1:
                out.append(region)
                if source is not None:
                    conditions[source] = selection.ranks[source]
        return any_of(out), conditions

    def _asked(self, cell: Cell, selection: Selection) -> list[tuple[Cell | None, int, Formula]]:
        """What the project and selected candidates ask of a cell: whose, the ranks that they admit, and where."""
        if cell not in self._asks:
            asks = self._asks[cell] = []
            for edge in cell.package.incoming:
                source = edge.node.cell
                if source is not None and selection.ranks.get(source) != edge.rank:
                    continue
                if (cell.guard, 0) not in edge.encoded or edge.withdrawn:
                    continue
                admitted = cell.candidates.admitted(edge.dependency.specifier)
                if edge.reference is not None:
                    direct = self._encoding.universe.known.get(edge.reference)
                    admitted = admitted & cell.candidates.of(direct.key) if direct is not None else 0
                asks.append((source, admitted, edge.region if source is None else edge.region & source.region))
        return self._asks[cell]

    def _edges(self, cell: Cell, rank: int) -> Sequence[Edge]:
        """What a candidate requires, with any of its extras that are asked for."""
        state = len(cell.attached), len(cell.provisional), *(len(node.edges) for node in cell.nodes.values())
        known = self._by_rank.get(cell)
        if known is None or known[0] != state:
            by_rank: dict[int, list[Edge]] = {}
            for node in cell.nodes.values():
                for edge in node.edges:
                    by_rank.setdefault(edge.rank, []).append(edge)
            known = self._by_rank[cell] = state, by_rank
        return known[1].get(rank, ())

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
        if pair.edge.node.extra:
            more.append(-pair.edge.node.literal)
        below = (1 << pair.version) - 1
        self._encoding.wish(target, literal, below & target.candidates.everything, suspect.region, more)


def _is_read(cell: Cell, rank: int) -> bool:
    return rank in cell.attached and rank not in cell.provisional


def _is_above(version: int, target: Cell, edge: Edge) -> bool:
    """Whether a requirement says that a version is too new."""
    admitted = target.candidates.admitted(edge.dependency.specifier)
    return bool(admitted) and version >= admitted.bit_length()


def _admits(version: int, target: Cell, edge: Edge) -> bool:
    return bool(target.candidates.admitted(edge.dependency.specifier) >> version & 1)


def _from_highest(ranks: int) -> Iterator[int]:
    while ranks:
        rank = ranks.bit_length() - 1
        yield rank
        ranks ^= 1 << rank
