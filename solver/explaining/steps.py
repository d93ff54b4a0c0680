"""What the project's author can give up, one step at a time, and the clashes that this is to resolve.

A step is a change that makes a project easier to lock: a bound that goes, a requirement that is dropped, environments
that are left out.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any, Literal

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Fact
from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.marker import TRUE, Formula, all_of
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass, field

__all__ = ["COSTS", "Clash", "Kind", "Step", "clash_of"]

Kind = Literal[
    "conflict", "bound", "extra", "prerelease", "newer", "build", "python-from", "python-below", "leave-out",
    "single-version", "required", "yanked", "include", "pin", "requirement", "source", "narrow", "rename",
]  # fmt: skip
COSTS: dict[Kind, int] = {
    "conflict": 1, "source": 10, "rename": 20, "narrow": 28, "bound": 30, "prerelease": 40, "newer": 40,
    "python-from": 40, "python-below": 50, "leave-out": 50, "single-version": 50, "required": 50, "build": 50,
    "extra": 60, "yanked": 60, "pin": 70, "include": 80, "requirement": 90,
}  # fmt: skip
"""How much each kind of step changes; sums of them rank the ways out. That extras exclude each other gives up nothing
that could be had, for however many pairs of them."""


@dataclass(frozen=True)
class Step:
    """One thing that may be given up. Steps that are equal do the same."""

    kind: Kind
    subject: tuple[Any, ...]
    """What it is about, so that equal steps are one."""
    kept: Formula = field(default=TRUE, compare=False)
    """The environments that are left by steps that leave some out."""
    covers: frozenset[tuple[Any, ...]] = frozenset()
    """What else goes with it: the bounds of a requirement that is dropped."""
    opens: bool = False
    """Whether it also brings something new into force, so that a clash under it says nothing of the project without."""

    @property
    def cost(self) -> int:
        return COSTS[self.kind] + 30 * len(self.covers)

    @property
    def weight(self) -> frozenset[tuple[Any, ...]]:
        """All that goes with the step; of two ways out the one with the smaller weight is the smaller."""
        return self.covers | {(self.kind, *self.subject)}


@dataclass(frozen=True, eq=False)
class Clash:
    """A core, with the project in which it was found."""

    facts: tuple[Fact, ...]
    witness: Environment | None
    project: Project
    universe: Universe
    given: frozenset[Step] = frozenset()
    """The steps without which it may not be one."""

    @cached_property
    def place(self) -> Formula:
        return all_of(region for fact in self.facts for region in fact.regions)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in which a candidate was asked for."""
        return tuple(dict.fromkeys(fact.cells[-1] for fact in self.facts if fact.cells))

    def leaves_room(self, kept: Formula) -> bool:
        """Whether the clash may be gone in the environments of ``kept``."""
        domain = self.universe.domain
        if self.witness is not None:
            return not domain.satisfiable(self.place, kept)
        return any(not domain.satisfiable(*fact.regions, kept) for fact in self.facts)


def clash_of(
    facts: Collection[Fact], witness: Environment | None, project: Project, universe: Universe, steps: Collection[Step]
) -> Clash:
    """The core of a *no* that was found after ``steps`` had been taken."""
    return Clash(tuple(facts), witness, project, universe, frozenset(step for step in steps if step.opens))
