"""Z3's side of the marker domain: conjunctions over more choices than can be enumerated.

The grid's axes become one-hot Booleans, choices and opaque questions become Booleans of their own. Formulas are
translated once and held in a solver session as selector literals, the form that was measured fastest.
"""

from __future__ import annotations

import z3

from satlock.encoder.markers.grid import Grid
from satlock.encoder.markers.marker import Atom, Formula, Matches, PythonAtLeast

__all__ = ["Oracle"]


class Oracle:
    """A Z3 session over one grid."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._solver = z3.SolverFor("QF_FD")
        self._axes = [[z3.Bool(f"axis{a}_{i}") for i in range(size)] for a, size in enumerate(grid.axes)]
        for axis in self._axes:
            self._solver.add(z3.PbEq([(place, 1) for place in axis], 1))
        for platform, machine in grid.phantoms():
            self._solver.add(z3.Not(z3.And(self._axes[1][platform], self._axes[3][machine])))
        self._switches: dict[Atom, z3.BoolRef] = {}
        self._selectors: dict[int, z3.BoolRef] = {}

    def choices(self, formulas: tuple[Formula, ...]) -> frozenset[Atom] | None:
        """The switches that are on in some environment that meets all of ``formulas``; None where there is none."""
        if self._solver.check([self._selector(formula) for formula in formulas]) != z3.sat:
            return None
        model = self._solver.model()
        mentioned = frozenset[Atom]().union(*(formula.switches for formula in formulas))
        return frozenset(atom for atom in mentioned if z3.is_true(model[self._switches[atom]]))

    def _selector(self, formula: Formula) -> z3.BoolRef:
        selector = self._selectors.get(formula.key)
        if selector is None:
            selector = self._selectors[formula.key] = z3.Bool(f"formula{formula.key}")
            self._solver.add(selector == self._translate(formula))
        return selector

    def _translate(self, formula: Formula) -> z3.BoolRef:
        if formula.op in ("true", "false"):
            return z3.BoolVal(formula.op == "true")
        if formula.op == "atom":
            atom = formula.atom
            if isinstance(atom, (PythonAtLeast, Matches)):
                axis, places = atom.on(self._grid)
                return z3.Or([self._axes[axis][place] for place in places])
            assert atom is not None
            return self._switches.setdefault(atom, z3.Bool(f"switch{len(self._switches)}"))
        parts = [self._selector(arg) for arg in formula.args]
        if formula.op == "not":
            return z3.Not(parts[0])
        return z3.And(parts) if formula.op == "and" else z3.Or(parts)
