"""The marker domain: which environments there are, and whether a marker formula holds in one of them.

A platform (everything but the project's choices) is a point of a finite grid: the Pythons between two boundaries
that some marker names behave alike, and so do all the machines that none names. A formula's platforms are one
integer with a bit for each point. Choices (extras, groups) and opaque questions are enumerated as far as a query
mentions them: one that it does not mention may be taken as not chosen, since the universe's axioms only ever forbid
choosing. A query that mentions too many of them goes to Z3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from satlock.encoder.markers.grid import MINORS, VARIABLES, Grid, Python, grid_of, words_in
from satlock.encoder.markers.marker import TRUE, Atom, Formula, Matches, Opaque, PythonAtLeast
from satlock.encoder.project.project import Choice

if TYPE_CHECKING:
    from satlock.encoder.markers.smt import Oracle

__all__ = ["ENUMERATED_ROWS", "Domain", "Environment"]

ENUMERATED_ROWS = 256
"""Above this many combinations of the choices in one query, Z3 is asked."""

_Found: TypeAlias = tuple[frozenset[Atom], int]
"""The switches that are on, and the platforms that are left, as a mask."""


@dataclass(frozen=True)
class Environment:
    """One concrete environment: marker variables, and what was chosen."""

    variables: Mapping[str, str]
    extras: tuple[str, ...]
    groups: tuple[str, ...]

    def __str__(self) -> str:
        v = self.variables
        shown = f"Python {v['python_full_version']} on {v['sys_platform']} ({v['platform_machine']})"
        if v["implementation_name"] != "cpython":
            shown += f", {v['platform_python_implementation']}"
        if self.extras:
            shown += f", extras {', '.join(self.extras)}"
        return shown + (f", groups {', '.join(self.groups)}" if self.groups else "")


def grid_for(atoms: Iterable[Atom]) -> Grid:
    """The coarsest grid that these atoms cannot see inside of."""
    boundaries: set[Python] = {MINORS[0]}
    words: dict[str, set[str]] = {variable: set() for variable in VARIABLES}
    for atom in atoms:
        if isinstance(atom, PythonAtLeast):
            boundaries.add(atom.release)
        elif isinstance(atom, Matches):
            words[atom.variable].update((atom.text,) if atom.comparison == "==" else words_in(atom.text))
    return grid_of(tuple(sorted(boundaries)), words)


class Domain:
    """Answers questions about conjunctions of formulas inside a universe (a formula that always holds)."""

    def __init__(self, universe: Formula = TRUE) -> None:
        self.universe = universe
        self.asked_z3 = 0
        self._known: set[int] = set()
        self._atoms: set[Atom] = set()
        self._answers: dict[frozenset[int], _Found | None] = {}
        self._oracle: Oracle | None = None
        self._rebuild()
        self._learn(universe)

    def satisfiable(self, *formulas: Formula) -> bool:
        """Whether some environment of the universe meets all of ``formulas``."""
        return self._find(formulas) is not None

    def implies(self, premise: Formula, conclusion: Formula) -> bool:
        """Whether every environment of the universe that meets ``premise`` meets ``conclusion``."""
        return conclusion is TRUE or premise is conclusion or not self.satisfiable(premise, ~conclusion)

    def equivalent(self, left: Formula, right: Formula) -> bool:
        return left is right or (self.implies(left, right) and self.implies(right, left))

    def witness(self, *formulas: Formula) -> Environment | None:
        """One environment that meets all of ``formulas``: the fewest choices, then the common platforms first."""
        found = self._find(formulas)
        if found is None:
            return None
        row, mask = found
        index = (mask & -mask).bit_length() - 1
        sizes = self.grid.axes
        places = []
        for size in reversed(sizes):
            index, place = divmod(index, size)
            places.append(place)
        machine, implementation, platform, python = places
        choices = sorted(atom for atom in row if isinstance(atom, Choice))
        return Environment(
            self.grid.variables((python, platform, implementation, machine)),
            tuple(_label(choice) for choice in choices if choice.kind == "extra"),
            tuple(_label(choice) for choice in choices if choice.kind == "group"),
        )

    def _find(self, formulas: tuple[Formula, ...]) -> _Found | None:
        """The choices made in, and the platforms of, the environments found first; None where there is none."""
        for formula in formulas:
            if formula.key not in self._known:
                self._learn(formula)
        question = frozenset([formula.key for formula in formulas])
        if question in self._answers:
            return self._answers[question]
        switches: frozenset[Atom] = frozenset().union(*[formula.switches for formula in formulas])
        # Choices that only the universe's axioms mention may stay unmade, so they need no enumeration.
        answer = self._enumerate(formulas, sorted(switches, key=_switch_order))
        self._answers[question] = answer
        return answer

    def _enumerate(self, formulas: tuple[Formula, ...], switches: list[Atom]) -> _Found | None:
        """Tries the combinations of switches, the fewest first; of those the universe forbids, none is extended."""
        level: list[tuple[int, ...]] = [()]
        left = ENUMERATED_ROWS
        while level:
            extended: list[tuple[int, ...]] = []
            for places in level:
                row = frozenset([switches[place] for place in places])
                mask = self._real & self.mask(self.universe, row)
                if not mask:
                    continue
                left -= 1
                if left < 0:
                    return self._ask_z3((self.universe, *formulas))
                for formula in formulas:
                    mask &= self.mask(formula, row)
                    if not mask:
                        break
                else:
                    return row, mask
                first = places[-1] + 1 if places else 0
                extended += [(*places, place) for place in range(first, len(switches))]
            level = extended
        return None

    def _ask_z3(self, parts: tuple[Formula, ...]) -> _Found | None:
        from satlock.encoder.markers.smt import Oracle

        if self._oracle is None:
            self._oracle = Oracle(self.grid)
        self.asked_z3 += 1
        row = self._oracle.choices(parts)
        if row is None:
            return None
        mask = self._real
        for part in parts:
            mask &= self.mask(part, row)
        return row, mask

    def mask(self, formula: Formula, row: frozenset[Atom]) -> int:
        """The platforms where ``formula`` holds when exactly the switches in ``row`` are on."""
        seen = row & formula.switches
        key = (formula.key, seen)
        found = self._masks.get(key)
        if found is not None:
            return found
        if formula.op == "and":
            mask = self._everywhere
            for arg in formula.args:
                mask &= self.mask(arg, seen)
        elif formula.op == "or":
            mask = 0
            for arg in formula.args:
                mask |= self.mask(arg, seen)
        elif formula.op == "not":
            mask = self._everywhere ^ self.mask(formula.args[0], seen)
        elif isinstance(formula.atom, (PythonAtLeast, Matches)):
            mask = self._atom_mask(formula.atom)
        else:
            mask = self._everywhere if formula.op == "true" or formula.atom in seen else 0
        self._masks[key] = mask
        return mask

    def _atom_mask(self, atom: PythonAtLeast | Matches) -> int:
        return self._places_mask(*atom.on(self.grid))

    def _places_mask(self, axis: int, places: Iterable[int]) -> int:
        sizes = self.grid.axes
        stride = 1
        for size in sizes[axis + 1 :]:
            stride *= size
        block = (1 << stride) - 1
        pattern = 0
        for place in places:
            pattern |= block << (place * stride)
        period = stride * sizes[axis]
        # Multiplying by 1 + 2^period + 2^(2 period) + ... repeats the pattern over the outer axes.
        return pattern * (self._everywhere // ((1 << period) - 1))

    def _learn(self, formula: Formula) -> None:
        self._known.add(formula.key)
        unseen = formula.atoms - self._atoms
        if unseen:
            self._atoms |= unseen
            if grid_for(self._atoms) != self.grid:
                self._rebuild()

    def _rebuild(self) -> None:
        self.grid = grid_for(self._atoms)
        total = 1
        for size in self.grid.axes:
            total *= size
        self._everywhere = (1 << total) - 1
        self._real = self._everywhere
        for platform, machine in self.grid.phantoms():
            self._real &= ~(self._places_mask(1, (platform,)) & self._places_mask(3, (machine,)))
        self._masks: dict[tuple[int, frozenset[Atom]], int] = {}
        self._oracle = None
        # Answers stay true when the grid is refined, but the platforms noted with them are of the old grid.
        self._answers = {question: None for question, answer in self._answers.items() if answer is None}


def _label(choice: Choice) -> str:
    return f"{choice.package}[{choice.name}]" if choice.package else choice.name


def _switch_order(atom: Atom) -> tuple[str, str]:
    if isinstance(atom, Choice):
        return atom.kind, atom.name
    return "opaque", atom.text if isinstance(atom, Opaque) else ""
