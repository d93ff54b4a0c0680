"""Facts: where clauses come from. Each kind has its class, with its clauses in SAT terms.

``p ≥ k`` is the literal that the rank of the target is at least ``k``. ``g`` stands for the guards of the fact's cells,
and ``source`` for what requires: its candidate, and its extra. *The runs* of some ranks are clauses by which the rank
is one of them. With the runs [a₁, b₁] … [aₙ, bₙ] these are ``p ≥ a₁``, ``¬(p ≥ bₙ+1)``, and in between
``p ≥ bᵢ+1 → p ≥ aᵢ₊₁``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from satlock.encoder.markers.marker import Formula
from satlock.records import dataclass, field

if TYPE_CHECKING:
    from satlock.encoder.formula.cells import Bar, Cell, Edge

__all__ = [
    "Admission",
    "Constraint",
    "Fact",
    "Held",
    "HoldKind",
    "Refused",
    "Required",
    "SingleVersion",
    "Unasked",
    "Wished",
    "stated_by",
]

HoldKind = Literal["prerelease", "yanked", "build", "unavailable"]


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Fact:
    """What was stated, by whom, and the environments it speaks of."""

    own: Formula
    """Where it is stated, whatever the cells: a marker, a scope, what a candidate does not admit."""
    cells: tuple[Cell, ...]
    """The last one is the target."""
    ranks: int = field(default=0, kw_only=True)
    """Those that it takes away, where it does just that."""

    @property
    def regions(self) -> tuple[Formula, ...]:
        """It is in force where all of these hold."""
        return (*(cell.region for cell in self.cells), self.own)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Required(Fact):
    """A requirement, in one cell of its target: ``g ∧ source →`` the runs of what it admits, and each extra."""

    edge: Edge


class Admission(Required):
    """A requirement where a Python or a required platform refuses some candidates: the runs are without these."""

    __slots__ = ()


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Refused(Fact):
    """That a candidate, or an extra of it, cannot serve: ``g → ¬source``."""

    bar: Bar


class SingleVersion(Fact):
    """That a package has one candidate everywhere, in the words of two cells.

    Over the same candidates: ``g ∧ p ≥ 1 ∧ q ≥ 1 → (p ≥ k ↔ q ≥ k)``. Over others: ``¬(g ∧ p ≥ 1 ∧ q ≥ 1)``.
    """

    __slots__ = ()

    @property
    def regions(self) -> tuple[Formula, ...]:
        """It is in force wherever anything is."""
        return ()


class Wished(Fact):
    """What a wish's literal ``w`` means: ``w ∧ g ∧ p ≥ 1 →`` the runs of its ranks."""

    __slots__ = ()


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Constraint(Fact):
    """A constraint of the project: ``g ∧ p ≥ 1 →`` the runs of what it admits."""

    text: str
    """As written."""
    origin: str
    """The list that it is in."""
    specifier: str


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Held(Fact):
    """That candidates are held back: ``g ∧ h ∧ p ≥ a → p ≥ b+1`` for each run [a, b] of them.

    ``h`` is the literal of the hold, which is assumed until the hold is lifted.
    """

    kind: HoldKind
    reason: str = ""
    """Of those that are unavailable: what was said when they were asked for."""


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Unasked(Held):
    """That a candidate is held back in general, and serves whoever asks for it.

    ``g ∧ p = k →`` some source that asks for it, or a literal that is assumed to be false.
    """


def stated_by(fact: Fact) -> Edge | Bar | None:
    """The statement of the project or of a candidate that a fact comes from, where it comes from one."""
    return fact.edge if isinstance(fact, Required) else fact.bar if isinstance(fact, Refused) else None
