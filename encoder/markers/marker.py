"""Marker formulas: boolean combinations of what an environment may be asked.

A :class:`Formula` is a hash-consed expression over a handful of atoms. Version comparisons on the Python are
reduced to one kind of atom, *Python is at least X.Y.Z*, so that two markers that say the same of a Python in
different words share their atoms.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import ClassVar, NamedTuple, TypeAlias

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.grid import MINORS, ORDERED, Grid, Python, neighbours, python_text, words_in
from satlock.encoder.markers.ordered import compares, questions
from satlock.encoder.markers.structure import Asked, Marker, folded
from satlock.encoder.project.project import Choice

__all__ = [
    "FALSE",
    "TRUE",
    "Atom",
    "Formula",
    "Matches",
    "Opaque",
    "PythonAtLeast",
    "any_of",
    "all_of",
    "chosen",
    "compared",
    "decided",
    "forget_switches",
    "from_marker",
    "from_python_specifier",
    "in_project",
    "matches",
    "python_at_least",
    "with_choices",
]

_OPERATORS = ("true", "false", "atom", "not", "and", "or")


class PythonAtLeast(NamedTuple):
    """``python_full_version >= release``."""

    release: Python

    def on(self, grid: Grid) -> tuple[int, tuple[int, ...]]:
        """The axis it speaks of, and the places on it where it holds."""
        return 0, tuple(place for place, python in enumerate(grid.pythons) if python >= self.release)


class Matches(NamedTuple):
    """A string variable compared with a constant: ``==``, ``in`` (variable in text) or ``has`` (text in variable).

    Those that have an order know ``==``, ``>=`` and ``<=``.
    """

    variable: str
    comparison: str
    text: str

    def holds(self, value: str) -> bool:
        if self.variable in ORDERED:
            return compares(value, self.comparison, self.text)
        if self.comparison == "==":
            return value == self.text
        return value in self.text if self.comparison == "in" else self.text in value

    def on(self, grid: Grid) -> tuple[int, tuple[int, ...]]:
        """The axis it speaks of, and the places on it where it holds."""
        return grid.places(self.variable, self.holds)


class Opaque(NamedTuple):
    """A question nothing is known about: whether ``platform_version`` or the like has a text in it, or is in one."""

    text: str


Atom: TypeAlias = PythonAtLeast | Matches | Opaque | Choice


class Formula:
    """An interned boolean expression: equal expressions are the same object, so ``is`` and ``id`` compare them."""

    __slots__ = ("args", "atom", "atoms", "key", "negation", "op", "order", "switches")
    _interned: ClassVar[dict[tuple[object, ...], Formula]] = {}

    op: str
    """``true``, ``false``, ``atom``, ``not``, ``and`` or ``or``."""
    args: tuple[Formula, ...]
    atom: Atom | None
    atoms: frozenset[Atom]
    switches: frozenset[Atom]
    """Its atoms that are free booleans: project choices and opaque questions."""
    key: int
    """Unique in this process."""
    order: int
    """To sort by: the same for the same expression in every process, whatever was made before."""
    negation: Formula | None
    """As far as it was asked for."""

    @classmethod
    def make(cls, op: str, args: tuple[Formula, ...] = (), atom: Atom | None = None) -> Formula:
        # NamedTuples of different classes can compare equal, hence the class in the key.
        identity = (op, tuple(arg.key for arg in args), type(atom), atom)
        found = cls._interned.get(identity)
        if found is None:
            found = cls._interned[identity] = object.__new__(cls)
            found.op, found.args, found.atom, found.key = op, args, atom, len(cls._interned)
            found.negation = None
            content = zlib.crc32(repr(atom).encode()) if atom is not None else 0
            found.order = hash((_OPERATORS.index(op), content, *(arg.order for arg in args)))
            own: frozenset[Atom] = frozenset() if atom is None else frozenset((atom,))
            found.atoms = own.union(*(arg.atoms for arg in args))
            free = own if isinstance(atom, (Choice, Opaque)) else frozenset[Atom]()
            found.switches = free.union(*(arg.switches for arg in args))
        return found

    def __and__(self, other: Formula) -> Formula:
        if self is TRUE or other is TRUE:  # as nearly always
            return other if self is TRUE else self
        return all_of((self, other))

    def __or__(self, other: Formula) -> Formula:
        return any_of((self, other))

    def __invert__(self) -> Formula:
        if self.negation is None:
            if self is TRUE or self is FALSE:
                return FALSE if self is TRUE else TRUE
            self.negation = self.args[0] if self.op == "not" else Formula.make("not", (self,))
        return self.negation

    def __repr__(self) -> str:
        if self.op == "atom":
            return repr(self.atom)
        return f"{self.op}({', '.join(map(repr, self.args))})" if self.args else self.op


TRUE = Formula.make("true")
FALSE = Formula.make("false")


_joined: dict[tuple[object, ...], Formula] = {}


def _join(op: str, parts: Iterable[Formula], neutral: Formula, absorbing: Formula) -> Formula:
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    key = (op, *[part.key for part in parts])
    found = _joined.get(key)
    if found is None:
        found = _joined[key] = _junction(op, parts, neutral, absorbing)
    return found


def _junction(op: str, parts: Iterable[Formula], neutral: Formula, absorbing: Formula) -> Formula:
    flat: dict[Formula, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.args if part.op == op else (part,)))
    flat.pop(neutral, None)
    if len(flat) < 2:
        return next(iter(flat), neutral)
    if absorbing in flat or any(part.op == "not" and part.args[0] in flat for part in flat):
        return absorbing
    dual = "or" if op == "and" else "and"
    kept = [p for p in flat if not (p.op == dual and any(arg in flat for arg in p.args))]
    return kept[0] if len(kept) == 1 else Formula.make(op, tuple(sorted(kept, key=lambda part: part.order)))


def all_of(parts: Iterable[Formula]) -> Formula:
    """The conjunction; TRUE of nothing."""
    return _join("and", parts, TRUE, FALSE)


def any_of(parts: Iterable[Formula]) -> Formula:
    """The disjunction; FALSE of nothing."""
    return _join("or", parts, FALSE, TRUE)


def forget_switches(formula: Formula, negated: bool = False) -> Formula:
    """The weakest formula without choices and opaque questions that ``formula`` (or its negation) implies."""
    if not formula.switches:
        return ~formula if negated else formula
    if formula.op == "not":
        return forget_switches(formula.args[0], not negated)
    if formula.op == "atom":
        return TRUE
    parts = [forget_switches(arg, negated) for arg in formula.args]
    return all_of(parts) if (formula.op == "and") != negated else any_of(parts)


def decided(formula: Formula, decide: Callable[[Choice], bool | None]) -> Formula:
    """The formula where some choices are made, some are not, and those stay open of which ``decide`` says None."""
    if not formula.switches:
        return formula
    if formula.op == "atom":
        made = decide(formula.atom) if isinstance(formula.atom, Choice) else None
        return formula if made is None else TRUE if made else FALSE
    parts = [decided(arg, decide) for arg in formula.args]
    if formula.op == "not":
        return ~parts[0]
    return all_of(parts) if formula.op == "and" else any_of(parts)


def with_choices(formula: Formula, made: frozenset[Choice]) -> Formula:
    """The formula where just these choices are made, and no others."""
    return decided(formula, made.__contains__)


def is_true(formula: Formula, variables: Mapping[str, str], made: Collection[Atom]) -> bool:
    """Whether a formula holds in one environment, where just these choices are made.

    A question that nobody can answer counts as answered with no.
    """
    atom = formula.atom
    if isinstance(atom, PythonAtLeast):
        return tuple(map(int, variables["python_full_version"].split("."))) >= atom.release
    if isinstance(atom, Matches):
        return atom.holds(variables[atom.variable])
    if atom is not None:
        return atom in made
    if formula.op == "not":
        return not is_true(formula.args[0], variables, made)
    every = (is_true(arg, variables, made) for arg in formula.args)
    return all(every) if formula.op in ("and", "true") else any(every)


def chosen(choice: Choice) -> Formula:
    """Whether the person who installs chose this extra or group."""
    return Formula.make("atom", atom=choice)


def python_at_least(release: Python) -> Formula:
    return Formula.make("atom", atom=PythonAtLeast(release))


def matches(variable: str, text: str, comparison: str = "==") -> Formula:
    return Formula.make("atom", atom=Matches(variable, comparison, text))


_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _where(points: Iterable[Python], holds: Callable[[Python], bool]) -> Formula:
    """The Pythons where ``holds``, which may only change its answer at one of ``points``."""
    runs: list[Formula] = []
    start: Python | None = None
    ordered = sorted(set(points))
    for point in ordered:
        if holds(point) == (start is not None):
            continue
        if start is None:
            start = point
        else:
            lower = TRUE if start == ordered[0] else python_at_least(start)
            runs.append(lower & ~python_at_least(point))
            start = None
    if start is not None:
        runs.append(TRUE if start == ordered[0] else python_at_least(start))
    return any_of(runs)


@lru_cache(maxsize=4096)
def _python(variable: str, op: str, text: str, flipped: bool) -> Formula:
    points = list(MINORS)
    full = variable == "python_full_version"

    def shown(release: Python) -> str:
        return python_text(release, variable)

    if op in ("in", "not in"):
        if full:
            points += [release for word in words_in(text) if (release := _release(word))]
            points += [(a, b, c + 1) for a, b, c in points]
        found = _where(points, lambda release: text in shown(release) if flipped else shown(release) in text)
        return found if op == "in" else ~found
    try:
        specifier = Specifier((_FLIPPED.get(op, op) if flipped else op) + text)
    except InvalidSpecifier:
        return TRUE if op == "!=" else FALSE
    points += neighbours(specifier.version) if full else ()
    return _where(points, lambda release: specifier.contains(shown(release), prereleases=True))


def _release(text: str) -> Python | None:
    parts = text.strip("'\" ").split(".")
    if not all(part.isdigit() for part in parts) or not 1 <= len(parts) <= 3:
        return None
    major, minor, micro = (*map(int, parts), 0, 0)[:3]
    return (major, minor, micro)


@lru_cache(maxsize=4096)
def from_python_specifier(specifiers: str) -> Formula:
    """The Pythons that a ``requires-python`` admits (final releases only).

    Raises:
        packaging.specifiers.InvalidSpecifier: where it does not parse.
    """
    return all_of(_python("python_full_version", s.operator, s.version, False) for s in SpecifierSet(specifiers))


def compared(variable: str, op: str, text: str, flipped: bool) -> Formula:
    """A marker variable compared with a text, on its left where it is ``flipped``."""
    if variable in ("python_version", "python_full_version"):
        return _python(variable, op, text, flipped)
    if variable in ORDERED and op in ("in", "not in"):
        # Nothing relates two such questions, so each is free: more environments than there are, never fewer.
        asked = f"'{text}' in {variable}" if flipped else f"{variable} in '{text}'"
        found = Formula.make("atom", atom=Opaque(asked))
        return found if op == "in" else ~found
    if variable in ORDERED:
        op = _FLIPPED.get(op, op) if flipped else op
        parts = [matches(variable, other, comparison) for comparison, other in questions(op, text)]
        return ~all_of(parts) if op in ("!=", "<", ">") else all_of(parts) if parts else FALSE
    if op in ("in", "not in"):
        found = matches(variable, text, "has" if flipped else "in")
        return found if op == "in" else ~found
    if op == "!=":
        return ~matches(variable, text)
    # PEP 508 gives strings no order: "<" and ">" never hold, the others are equality (packaging does the same).
    return matches(variable, text) if op in ("==", "===", "<=", ">=") else FALSE


def from_marker(marker: Marker | None, extra: str | Callable[[str], Formula] = "") -> Formula:
    """A PEP 508 marker as a formula.

    In a lockfile's marker, ``'x' in extras`` and ``'x' in dependency_groups`` are choices of the project.

    Args:
        extra: what its ``extra`` variable is set to, or what ``extra == NAME`` stands for.
    """
    if marker is None:
        return TRUE
    of_extra = (lambda name: TRUE if name == extra else FALSE) if isinstance(extra, str) else extra
    return folded(marker, lambda asked: _from_asked(asked, of_extra), all_of, any_of)


def in_project(marker: Marker | None, active: Mapping[Choice, Formula]) -> Formula:
    """A marker of the project's settings: in these, ``extra == 'x'`` asks whether its extra ``x`` is in force.

    Args:
        active: when each choice is in force; what is no extra of these never is.
    """

    def asked(name: str) -> Formula:
        return any_of(region for choice, region in active.items() if choice.kind == "extra" and choice.name == name)

    return from_marker(marker, asked)


def _from_asked(asked: Asked, extra: Callable[[str], Formula]) -> Formula:
    if asked.variable == "extra":
        found = extra(canonicalize_name(asked.text))
        return ~found if asked.operator in ("!=", "not in") else found
    if asked.variable in ("extras", "dependency_groups"):
        found = chosen(Choice("extra" if asked.variable == "extras" else "group", asked.text))
        return found if asked.operator == "in" else ~found
    return compared(asked.variable, asked.operator, asked.text, asked.flipped)
