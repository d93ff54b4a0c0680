"""The marker domain: which environments there are, and whether a marker formula holds in one of them.

A platform (everything but the project's choices) is a point of a finite grid: the Pythons between two boundaries
that some marker names behave alike, and so do all the machines that none names. A formula's platforms are one
integer with a bit for each point. Choices (extras, groups) and opaque questions are enumerated as far as a query
mentions them: one that it does not mention may be taken as not chosen, since the universe's axioms only ever forbid
choosing. A query that mentions too many of them goes to Z3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from satlock.encoder.markers.grid import MINORS, ORDERED, VARIABLES, Grid, Python, grid_of, words_in
from satlock.encoder.markers.marker import TRUE, Atom, Formula, Matches, Opaque, PythonAtLeast
from satlock.encoder.markers.ordered import Question
from satlock.encoder.project.project import Choice
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.encoder.markers.smt import Oracle

__all__ = ["ENUMERATED_ROWS", "Domain", "Environment", "Point"]

ENUMERATED_ROWS = 256
"""Above this many combinations of the choices in one query, Z3 is asked."""

_MANY = 8
"""Parts of a formula above which it pays to know which of them a switch can change."""

Point: TypeAlias = tuple[frozenset[Atom], int]
"""One environment: the switches that are on, and its platform as a mask of one bit."""

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
    asked: dict[str, list[Question]] = {}
    for atom in atoms:
        if isinstance(atom, PythonAtLeast):
            boundaries.add(atom.release)
        elif isinstance(atom, Matches) and atom.variable in ORDERED:
            asked.setdefault(atom.variable, []).append((atom.comparison, atom.text))
        elif isinstance(atom, Matches):
            words[atom.variable].update((atom.text,) if atom.comparison == "==" else words_in(atom.text))
    return grid_of(tuple(sorted(boundaries)), words, asked)


_Parts: TypeAlias = tuple[dict[Atom, list[Formula]], list[tuple[Formula, int]]]
"""Of a junction: the parts that mention a switch, and those that decide while none is on, with their masks."""


class _Rows:
    """Combinations of switches, made as far as somebody has come: questions about the same switches share them."""

    def __init__(self, more: Iterator[_Found]) -> None:
        self._made: list[_Found] = []
        self._more = more

    def __iter__(self) -> Iterator[_Found]:
        place = 0
        while True:
            if place == len(self._made):
                following = next(self._more, None)
                if following is None:
                    return
                self._made.append(following)
            yield self._made[place]
            place += 1


class Domain:
    """Answers questions about conjunctions of formulas inside a universe (a formula that always holds)."""

    def __init__(self, universe: Formula = TRUE) -> None:
        self.universe = universe
        self.asked_z3 = 0
        self._known: set[int] = set()
        self._atoms: set[Atom] = set()
        self._answers: dict[frozenset[int], _Found | None] = {}
        self._asked: dict[tuple[int, ...], _Found | None] = {}
        self._literals: dict[int, tuple[frozenset[Atom], frozenset[Atom]]] = {}
        self._oracle: Oracle | None = None
        self._excluded: dict[Atom, frozenset[Atom]] = {}
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
        choices = sorted(atom for atom in row if isinstance(atom, Choice))
        return Environment(
            self.grid.variables(places[::-1]),
            tuple(_label(choice) for choice in choices if choice.kind == "extra"),
            tuple(_label(choice) for choice in choices if choice.kind == "group"),
        )

    def point(self, *formulas: Formula) -> Point | None:
        """One environment that meets all of ``formulas``, for :meth:`lies_in`: the fewest choices."""
        found = self._find(formulas)
        return None if found is None else (found[0], found[1] & -found[1])

    def lies_in(self, point: Point, formula: Formula) -> bool:
        """Whether a point meets a formula, all of whose atoms the domain knew when the point was found."""
        return bool(self.mask(formula, point[0]) & point[1])

    def literals(self, atoms: Iterable[Atom], *formulas: Formula) -> list[Formula] | None:
        """In one environment that meets all of ``formulas``, each of the atoms as it is there, or its negation."""
        found = self._find(formulas)
        if found is None:
            return None
        row, mask = found
        point = mask & -mask
        asked = [Formula.make("atom", atom=atom) for atom in sorted(atoms, key=str)]
        return [atom if self.mask(atom, row) & point else ~atom for atom in asked]

    def _find(self, formulas: tuple[Formula, ...]) -> _Found | None:
        """The choices made in, and the platforms of, the environments found first; None where there is none."""
        asked = tuple([formula.key for formula in formulas])
        if asked in self._asked:
            return self._asked[asked]
        for formula in formulas:
            if formula.key not in self._known:
                self._learn(formula)
        found = self._asked[asked] = self._answered(formulas, frozenset(asked))
        return found

    def _answered(self, formulas: tuple[Formula, ...], question: frozenset[int]) -> _Found | None:
        if question in self._answers:
            return self._answers[question]
        on, off = self._demanded(formulas)
        # Choices that only the universe's axioms mention may stay unmade, so they need no enumeration.
        switches: frozenset[Atom] = frozenset().union(*[formula.switches for formula in formulas])
        answer = self._enumerate(formulas, tuple(sorted(switches - off, key=_switch_order)), on)
        self._answers[question] = answer
        return answer

    def _demanded(self, formulas: tuple[Formula, ...]) -> tuple[frozenset[Atom], frozenset[Atom]]:
        """The switches that these formulas plainly demand to be on, and to be off."""
        on: frozenset[Atom] = frozenset()
        off: frozenset[Atom] = frozenset()
        for formula in formulas:
            literals = self._literals.get(formula.key)
            if literals is None:
                literals = self._literals[formula.key] = _literals_of(formula)
            on |= literals[0]
            off |= literals[1]
        return on, off

    def _enumerate(
        self, formulas: tuple[Formula, ...], switches: tuple[Atom, ...], on: frozenset[Atom]
    ) -> _Found | None:
        """Tries the combinations of switches that the universe admits, the fewest first; all of ``on`` is in them."""
        rows = self._rows.get(switches)
        if rows is None:
            rows = self._rows[switches] = _Rows(self._combinations(switches))
        for number, (row, admitted) in enumerate(rows):
            if number == ENUMERATED_ROWS:
                return self._ask_z3((self.universe, *formulas))
            if not on <= row:
                continue
            mask = admitted
            for formula in formulas:
                mask &= self.mask(formula, row)
                if not mask:
                    break
            else:
                return row, mask
        return None

    def _combinations(self, switches: tuple[Atom, ...]) -> Iterator[_Found]:
        """The combinations that the universe admits, with its platforms; of those it forbids, none is extended."""
        level: list[tuple[tuple[Atom, ...], Sequence[Atom]]] = [((), switches)]
        while level:
            extended: list[tuple[tuple[Atom, ...], Sequence[Atom]]] = []
            for made, further in level:
                row = frozenset(made)
                mask = self._real & self.mask(self.universe, row)
                if not mask:
                    continue
                yield row, mask
                for place, switch in enumerate(further, start=1):
                    rest = further[place:]
                    excluded = self.excluded_by(switch) if rest else ()
                    extended.append(((*made, switch), [one for one in rest if one not in excluded]))
            level = extended

    def excluded_by(self, switch: Atom) -> frozenset[Atom]:
        """What the universe never admits together with a switch: most combinations of a conflict set end here."""
        found = self._excluded.get(switch)
        if found is None:
            plain, beside = self._beside
            excluded, others = plain.get(switch, set()), beside.get(switch, set())
            pairs = [(other, frozenset((switch, other))) for other in others - excluded - {switch}]
            more = {other for other, pair in pairs if not self._real & self.mask(self.universe, pair)}
            found = self._excluded[switch] = frozenset(excluded | more)
        return found

    @cached_property
    def _beside(self) -> tuple[dict[Atom, set[Atom]], dict[Atom, set[Atom]]]:
        """For each switch those that the universe plainly excludes beside it, and those that it says more about."""
        plain: dict[Atom, set[Atom]] = {}
        beside: dict[Atom, set[Atom]] = {}
        for part in self.universe.args if self.universe.op == "and" else (self.universe,):
            both = part.args[0].args if part.op == "not" and part.args[0].op == "and" else ()
            is_plain = len(both) == 2 and all(one.op == "atom" and one.switches for one in both)
            for switch in part.switches:
                (plain if is_plain else beside).setdefault(switch, set()).update(part.switches - {switch})
        return plain, beside

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
        if seen and len(formula.args) > _MANY:
            mask = self._of_many(formula, seen)
        elif formula.op == "and":
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

    def _of_many(self, formula: Formula, seen: frozenset[Atom]) -> int:
        """The mask of a junction of many: only of those that a switch in ``seen`` can change is the mask found anew."""
        every = formula.op == "and"
        neutral = self._everywhere if every else 0
        parts = self._parts.get(formula.key)
        if parts is None:
            mentioning: dict[Atom, list[Formula]] = {}
            for arg in formula.args:
                for switch in arg.switches:
                    mentioning.setdefault(switch, []).append(arg)
            deciding = [(arg, self.mask(arg, frozenset())) for arg in formula.args]
            deciding = [(arg, mask) for arg, mask in deciding if mask != neutral]
            parts = self._parts[formula.key] = mentioning, deciding
        mentioning, deciding = parts
        changed = {arg for switch in seen for arg in mentioning[switch]}
        found = neutral
        for arg in changed:
            mask = self.mask(arg, seen)
            found = found & mask if every else found | mask
        for arg, mask in deciding:
            if arg not in changed:
                found = found & mask if every else found | mask
        return found

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
        self._parts: dict[int, _Parts] = {}
        self._rows: dict[tuple[Atom, ...], _Rows] = {}
        self._oracle = None
        # Answers stay true when the grid is refined, but the platforms noted with them are of the old grid.
        self._asked = {asked: None for asked, answer in self._asked.items() if answer is None}
        self._answers = {question: None for question, answer in self._answers.items() if answer is None}


def _literals_of(formula: Formula) -> tuple[frozenset[Atom], frozenset[Atom]]:
    """The switches that stand alone in a conjunction: as they are, and negated."""
    parts = formula.args if formula.op == "and" else (formula,)
    on = [part.atom for part in parts if part.op == "atom" and part.switches]
    off = [part.args[0].atom for part in parts if part.op == "not" and part.args[0].op == "atom" and part.switches]
    return frozenset(atom for atom in on if atom is not None), frozenset(atom for atom in off if atom is not None)


def _label(choice: Choice) -> str:
    return f"{choice.package}[{choice.name}]" if choice.package else choice.name


def _switch_order(atom: Atom) -> tuple[str, str]:
    if isinstance(atom, Choice):
        return atom.kind, atom.name
    return "opaque", atom.text if isinstance(atom, Opaque) else ""
