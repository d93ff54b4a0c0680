"""What is asked of a package in a cell, and what of it there is."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.specifiers import SpecifierSet

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Constraint, Fact, Required
from satlock.encoder.formula.reasons import LeftOut, NotHad

__all__ = ["fitting", "left_out_that_fit"]


def fitting(facts: Sequence[Fact], cell: Cell) -> tuple[SpecifierSet | None, int]:
    """What is asked of a package in a cell (None where nothing is), and the ranks that fit."""
    asked = [fact.edge.dependency.specifier for fact in facts if isinstance(fact, Required)]
    asked += [SpecifierSet(fact.specifier) for fact in facts if isinstance(fact, Constraint)]
    admitted = cell.candidates.everything
    for specifier in asked:
        admitted &= cell.candidates.admitted(specifier)
    return SpecifierSet(",".join(str(specifier) for specifier in asked)) if asked else None, admitted


def left_out_that_fit(cell: Cell, fits: SpecifierSet) -> dict[LeftOut | NotHad, list[str]]:
    """Versions that would fit and are no candidates, by reason."""
    by_reason: dict[LeftOut | NotHad, list[str]] = {}
    for version, reason in cell.candidates.left_out:
        if fits.contains(version, prereleases=True):
            by_reason.setdefault(reason, []).append(version)
    return by_reason
