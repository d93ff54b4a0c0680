"""The finite environments of an obligation: axes, on each of which an environment has exactly one place.

An axis has a place for every value that the lock's markers can tell apart, and *other* for the rest. The Pythons are
final releases; those that no marker tells apart share a place, named after the first of them. Whether a text is in
``platform_release``, ``platform_version`` or ``implementation_version`` is opaque: each such question is free.

``docs/proofs.md`` states these rules; ``satlock check`` implements them a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet

from satlock.encoder.markers import ordered
from satlock.encoder.markers.grid import (
    AXES,
    MINORS,
    ORDERED,
    VARIABLES,
    Grid,
    Python,
    grid_of,
    neighbours,
    python_text,
    words_in,
)
from satlock.records import dataclass, field
from satlock.solver.lockfiles.model import Comparison, LockfileError

__all__ = ["Axes", "axes_of", "is_opaque", "opaque_question", "opaque_variable", "true_of"]

_PYTHONS = ("python_version", "python_full_version")
_MOST = 256
"""Values of one variable that markers may name; of those that have an order, a quarter of that."""
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def is_opaque(comparison: Comparison) -> bool:
    """Whether nothing is known of what the comparison asks."""
    return comparison.variable in ORDERED and comparison.operator in ("in", "not in")


def opaque_question(comparison: Comparison) -> tuple[Comparison, bool]:
    """The opaque question in its positive form, and whether the comparison asks it or its opposite."""
    positive = {"!=": "==", "not in": "in"}.get(comparison.operator, comparison.operator)
    asked = Comparison(comparison.variable, positive, comparison.text, comparison.reversed)
    return asked, (positive == comparison.operator) != comparison.denied


def opaque_variable(question: Comparison) -> str:
    """The variable of an opaque question in its positive form."""
    return f"opaque {question}"


@lru_cache(maxsize=65536)
def _version_true(operator: str, text: str, value: str) -> bool:
    try:
        return Specifier(operator + text).contains(value, prereleases=True)
    except InvalidSpecifier:
        return operator == "!="


def true_of(comparison: Comparison, value: str) -> bool:
    """Whether the comparison holds where its variable has this value."""
    operator, text = comparison.operator, comparison.text
    if operator in ("in", "not in"):
        inside = text in value if comparison.reversed else value in text
        return inside == (operator == "in")
    if comparison.variable in _PYTHONS:
        return _version_true(_MIRRORED.get(operator, operator) if comparison.reversed else operator, text, value)
    if comparison.variable in ORDERED:
        return ordered.holds(value, _MIRRORED.get(operator, operator) if comparison.reversed else operator, text)
    if operator == "!=":
        return value != text
    # PEP 508 gives strings no order: "<" and ">" never hold, the others are equality.
    return value == text and operator in ("==", "===", "<=", ">=")


@dataclass(frozen=True)
class Axes(Grid):
    """The environments, as places on axes."""

    _places: dict[Comparison, tuple[int, frozenset[int]]] = field(default_factory=dict)

    def size(self, axis: int) -> int:
        return self.axes[axis]

    def value(self, axis: int, place: int) -> str:
        """What is at a place, e.g. ``posix linux Linux``."""
        return python_text(self.pythons[place]) if axis == 0 else " ".join(self.rows(axis)[place])

    def label(self, axis: int, place: int) -> str:
        """The name of a place, e.g. ``platform posix linux Linux``."""
        return f"{AXES[axis]} {self.value(axis, place)}"

    def where(self, comparison: Comparison) -> tuple[int, frozenset[int]]:
        """The axis of a comparison, and the places on it where it holds."""
        found = self._places.get(comparison)
        if found is None:
            found = self._places[comparison] = self._find(comparison)
        return found

    def _find(self, comparison: Comparison) -> tuple[int, frozenset[int]]:
        if comparison.variable in _PYTHONS:
            texts = [python_text(python, comparison.variable) for python in self.pythons]
            return 0, frozenset(i for i, text in enumerate(texts) if true_of(comparison, text))
        axis, places = self.places(comparison.variable, lambda value: true_of(comparison, value))
        return axis, frozenset(places)


def axes_of(comparisons: Iterable[Comparison], requires_python: str, *, minors_apart: bool = False) -> Axes:
    """The axes that these comparisons call for.

    ``minors_apart`` gives each minor release of Python a place of its own, as what asks for wheels needs it.

    Raises:
        LockfileError: where ``requires-python`` leaves no Python, or a comparison asks for what no such lock can.
    """
    asked = list(dict.fromkeys(comparisons))
    words: dict[str, set[str]] = {variable: set() for variable in (*VARIABLES, *_PYTHONS)}
    compared: dict[str, list[ordered.Question]] = {}
    for comparison in asked:
        if comparison.variable in ORDERED:
            operator = comparison.operator
            operator = _MIRRORED.get(operator, operator) if comparison.reversed else operator
            if not is_opaque(comparison):
                compared.setdefault(comparison.variable, []).extend(ordered.questions(operator, comparison.text))
        elif comparison.variable in words:
            text = comparison.text
            listed = comparison.operator in ("in", "not in") and not comparison.reversed
            words[comparison.variable].update(words_in(text) if listed else (text,))
        else:
            raise LockfileError(
                f"The lock has the marker {str(comparison)[:100]!r}, which asks for {comparison.variable}."
            )
    for variable, named in (*words.items(), *((v, {text for _, text in some}) for v, some in compared.items())):
        if len(named) > (_MOST // 4 if variable in ORDERED else _MOST):
            raise LockfileError(f"The lock has markers that name {len(named)} values of {variable}; that is too many.")
    pythons = _pythons([c for c in asked if c.variable in _PYTHONS], words, SpecifierSet(requires_python), minors_apart)
    grid = grid_of(pythons, words, compared)
    return Axes(grid.pythons, grid.platforms, grid.implementations, grid.machines, grid.ordered)


def _pythons(
    asked: list[Comparison], words: Mapping[str, set[str]], admitted: SpecifierSet, minors_apart: bool
) -> tuple[Python, ...]:
    points = set(MINORS)
    for text in (*words["python_version"], *words["python_full_version"], *(s.version for s in admitted)):
        points.update(neighbours(text))
    groups: dict[tuple[object, ...], Python] = {}
    for point in sorted(points):
        full, short = python_text(point), python_text(point, "python_version")
        if admitted.contains(full, prereleases=True):
            answers = tuple(true_of(c, short if c.variable == "python_version" else full) for c in asked)
            groups.setdefault((answers, point[:2] if minors_apart else None), point)
    if not groups:
        raise LockfileError("The lock's requires-python leaves no Python.")
    return tuple(sorted(groups.values()))
