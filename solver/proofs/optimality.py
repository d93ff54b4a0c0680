"""That no newer version serves, as an obligation: one claim for each package that is not at its newest.

A claim says that no admissible version above the one that is locked goes together with the facts, as long as what is
worth as much stays (see ``satlock.solver.explaining.reasons``). Its literal, ``newer NAME``, stands for the opposite;
the last clause says that one of the claims is wrong. Clauses are those of the search, in words: whoever checks them
builds them again from the facts (``satlock.solver.checking.optimality``).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from satlock.encoder.formula.candidates import runs
from satlock.encoder.formula.cells import Cell, Edge, Fact
from satlock.encoder.markers.shortest import Shortener
from satlock.solver.explaining.reasons import Reason, Reasons
from satlock.solver.locking import Locked
from satlock.solver.proofs.obligation import Clause

__all__ = ["Optimality", "optimality_of"]


def optimality_of(locked: Locked) -> Optimality | None:
    """The claims about what is not at its newest; None where there are none.

    A version that is only there since an existing lock has it has no claim, nor has one whose reason speaks of what is
    selected where nothing reaches it, which no lockfile shows.
    """
    reasons, versions = locked.reasons, {(one.name, one.version) for one in locked.lock.packages}
    names = {name for name, _ in versions}

    def shown(cell: Cell, rank: int) -> bool:
        return any((cell.package.name, build.version) in versions for build in cell.candidates[rank].builds)

    found = [reasons.of(cell) for cell in reasons.behind() if shown(cell, reasons.selection.ranks[cell])]
    found = [
        reason
        for reason in found
        if reason.proven
        and not reason.wanted
        and all(shown(*kept) for kept in reason.kept)
        and not any(cell.package.name in names and len(cell.package.cells) == 1 for cell in reason.absent)
    ]
    return Optimality(reasons, found) if found else None


class Optimality:
    """The obligation of some reasons, all of them proven."""

    def __init__(self, reasons: Reasons, found: Iterable[Reason]) -> None:
        self._encoding, self._selection = reasons.encoding, reasons.selection
        self._admissible = reasons.admissible
        self._shortener = Shortener(reasons.encoding.domain)
        self.names: list[str] = [""]
        self._numbers: dict[str, int] = {}
        self._cells: dict[Cell, str] = {}
        self._thresholds: dict[Cell, set[int]] = {}
        self._meaning: dict[int, tuple[Cell, int | str]] = {}
        self.clauses: list[Clause] = []
        found = list(found)
        held = set(reasons.assumed)
        self._facts = list(dict.fromkeys(fact for reason in found for fact in reason.facts))
        self._claims = {self._name(reason.cell): reason for reason in found}
        for cell in dict.fromkeys(cell for fact in self._facts for cell in fact.cells):
            self._name(cell)
        self._say_facts(held)
        for name, reason in self._claims.items():
            self._say_claim(-self._number(f"newer {name}"), reason)
        self._hard = [(one, other) for one, other in self._tied_hard()]
        self._alike = [(self._claim(name), *pair) for name, reason in self._claims.items() for pair in reason.alike]
        ties = [(0, *pair) for pair in self._hard] + self._alike
        self._tied = [(one, other, self._shared(one, other)) for _, one, other in ties]
        for (guard, one, other), (_, _, ranks) in zip(ties, self._tied, strict=True):
            self._say_tie([-guard] if guard else [], one, other, ranks)
        for cell, thresholds in self._thresholds.items():
            for low, high in pairwise(sorted(thresholds)):
                self.clauses.append((-self._at(cell, high), self._at(cell, low)))
        self.clauses.append(tuple(self._claim(name) for name in self._claims))
        # What holds anyway is no clause: that a version that is there is there comes up where two cells are tied.
        self.clauses = [clause for clause in self.clauses if not any(-literal in clause for literal in clause)]

    def in_words(self) -> dict[str, Any]:
        """All that the clauses are built from."""
        hard = len(self._hard)
        return {
            "claims": {name: self._claim_in_words(reason) for name, reason in self._claims.items()},
            "cells": {name: self._cell_in_words(cell) for cell, name in self._cells.items()},
            "facts": [self._fact_in_words(fact) for fact in self._facts if fact.kind != "single-version"],
            "single-version": [
                [self._cells[one], self._cells[other], ranks] for one, other, ranks in self._tied[:hard]
            ],
            "apart": [
                [self._cells[cell] for cell in fact.cells]
                for fact in self._facts
                if fact.kind == "single-version" and len({cell.candidates for cell in fact.cells}) > 1
            ],
            "alike": [
                [self.names[guard].removeprefix("newer "), self._cells[one], self._cells[other], ranks]
                for (guard, one, other), (_, _, ranks) in zip(self._alike, self._tied[hard:], strict=True)
            ],
        }

    # -- clauses

    def _say_facts(self, held: set[int]) -> None:
        encoding, wanted = self._encoding, set(self._facts)
        for clause, index in zip(encoding.clauses, encoding.fact_of, strict=True):
            if index < 0 or encoding.facts[index] not in wanted or held.intersection(clause):
                continue
            fact = encoding.facts[index]
            if fact.kind == "single-version" and len({cell.candidates for cell in fact.cells}) == 1:
                continue  # said for the ranks that are spoken of, see _tied_hard
            self.clauses.append(tuple(self._translated(literal) for literal in clause if -literal not in held))

    def _translated(self, literal: int) -> int:
        cell, what = self._meaning[abs(literal)]
        number = self._at(cell, what) if isinstance(what, int) else self._number(f"{self._cells[cell]}[{what}]")
        return number if literal > 0 else -number

    def _say_claim(self, guard: int, reason: Reason) -> None:
        rank = reason.rank
        self._say_range(guard, reason.cell, rank + 1, self._admitted(reason.cell, rank + 1))
        for cell, least in reason.kept:
            self._say_range(guard, cell, least, self._admitted(cell, least + 1) | 1 << least)
        for cell in reason.absent:
            self.clauses.append((guard, -self._at(cell, 1)))

    def _admitted(self, cell: Cell, least: int) -> int:
        return self._admissible.ranks(cell) & ~((1 << least) - 1)

    def _say_range(self, guard: int, cell: Cell, least: int, ranks: int) -> None:
        self._name(cell)
        self.clauses.append((guard, self._at(cell, least)))
        for first, last in runs(cell.candidates.everything & ~ranks & ~((1 << least) - 1)):
            above = () if last == cell.candidates.top else (self._at(cell, last + 1),)
            self.clauses.append((guard, -self._at(cell, first), *above))

    def _say_tie(self, head: list[int], one: Cell, other: Cell, ranks: list[int]) -> None:
        head = [*head, -self._at(one, 1), -self._at(other, 1)]
        for rank in ranks:
            a, b = self._at(one, rank), self._at(other, rank)
            self.clauses += [(*head, -a, b), (*head, a, -b)]

    def _tied_hard(self) -> Iterable[tuple[Cell, Cell]]:
        """Cells of packages that the project keeps to one version; the clauses for late thresholds have no fact."""
        cells = [cell for cell in self._cells if cell.package.name in self._encoding.single_version]
        for place, one in enumerate(cells):
            for other in cells[:place]:
                if one.package is other.package and one.candidates is other.candidates:
                    yield other, one

    def _shared(self, one: Cell, other: Cell) -> list[int]:
        self._name(one)
        self._name(other)
        return sorted(self._thresholds[one] | self._thresholds[other] | {1})

    # -- names

    def _claim(self, name: str) -> int:
        return self._number(f"newer {name}")

    def _name(self, cell: Cell) -> str:
        if cell not in self._cells:
            one = len(cell.package.cells) == 1
            place = "" if one else f" #{cell.package.cells.index(cell) + 1}"
            self._cells[cell] = f"{cell.package.name}{place}"
            self._thresholds[cell] = set()
            self._meaning.update({literal: (cell, rank) for rank, literal in cell.at_least.items()})
            self._meaning.update({node.literal: (cell, extra) for extra, node in cell.nodes.items() if extra})
        return self._cells[cell]

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def _at(self, cell: Cell, rank: int) -> int:
        """The variable of *this version or one ranked above it*."""
        self._thresholds[cell].add(rank)
        return self._number(f"{self._cells[cell]} >= {cell.candidates[rank]} ({rank})")

    # -- words

    def _claim_in_words(self, reason: Reason) -> dict[str, Any]:
        return {
            "package": reason.cell.package.name,
            "version": str(reason.cell.candidates[reason.rank]),
            "rank": reason.rank,
            "newer": _listed(self._admitted(reason.cell, reason.rank + 1)),
            "kept": [
                {
                    "cell": self._cells[cell],
                    "version": str(cell.candidates[rank]),
                    "rank": rank,
                    "newer": _listed(self._admitted(cell, rank + 1)),
                }
                for cell, rank in reason.kept
            ],
            "absent": [self._cells[cell] for cell in reason.absent],
        }

    def _cell_in_words(self, cell: Cell) -> dict[str, Any]:
        return {
            "package": cell.package.name,
            "indexes": list(cell.candidates.indexes),
            "where": self._shortener.marker(cell.region),
            "versions": [str(candidate) for candidate in cell.candidates.ranked],
        }

    def _fact_in_words(self, fact: Fact) -> dict[str, Any]:
        words: dict[str, Any] = {"kind": fact.kind}
        if fact.edge is not None:
            words |= self._edge_in_words(fact.edge)
        if fact.kind != "refusal":
            words["on"] = self._cells[fact.cells[-1]]
        if fact.kind == "constraint":
            words["specifier"] = fact.specifier
        if fact.kind in ("admission", "held"):
            words["out"] = _listed(fact.ranks)
        if fact.detail:
            words["said"] = fact.detail
        return words

    def _edge_in_words(self, edge: Edge) -> dict[str, Any]:
        cell, asked = edge.node.cell, edge.dependency
        by = None
        if cell is not None:
            version = str(cell.candidates[edge.rank])
            by = {"cell": self._cells[cell], "rank": edge.rank, "version": version, "extra": edge.node.extra}
        where = self._shortener.marker(edge.region)
        return {"by": by, "specifier": str(asked.specifier), "extras": list(asked.extras), "where": where,
                "origin": asked.origin}  # fmt: skip


def _listed(ranks: int) -> list[list[int]]:
    """Ranks as runs, each with its first and last."""
    return [[first, last] for first, last in runs(ranks)]
