"""What the properties share: the question of a certificate, and the goals that answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from satlock.solver.checking.environments import Cells
from satlock.solver.checking.markers import ALWAYS, Bad, Condition, Is, leaves
from satlock.solver.checking.model import Lock, Table
from satlock.solver.checking.obligation import Clauses
from satlock.solver.checking.walk import Here

__all__ = ["Asked", "Goals", "Guilty", "suspected"]

Guilty = Callable[[str, set[str], Here], bool]
"""Whether, for a name, what is reached in an environment refutes its claim."""


@dataclass(frozen=True)
class Asked:
    """What a certificate claims, and of what."""

    lock: Lock
    claims: Mapping[str, list[str]]
    """The entries of each name, as the certificate has them."""
    legend: list[str]
    most: int
    """How many clauses the certificate has."""
    top: Table
    """The lockfile as TOML has it."""
    project: Table | None
    environments: str = ""
    """A marker, for *installable*."""
    requirements: Mapping[str, str] = field(default_factory=dict)
    """For *complete*, as they are shown to a person."""

    def claimed(self) -> dict[str, list[str]]:
        """The entries of each claimed name.

        Raises:
            Bad: where the lockfile has others.
        """
        for name, numbers in self.claims.items():
            if not numbers or self.entries_of(name) != numbers:
                raise Bad(f"the lockfile has other entries of {name} than the certificate says")
        return dict(self.claims)

    def entries_of(self, name: str) -> list[str]:
        return [str(number) for number, entry in enumerate(self.lock.entries) if entry.name == name]

    def comparisons(self, further: Iterable[Condition] = ()) -> list[Is]:
        """Every comparison that the markers of the lock make, and some further conditions."""
        lock = self.lock
        brought = [condition for _, _, condition in lock.brings]
        conditions = [lock.environments, *(edge.condition for edge in lock.edges), *brought, *further]
        return [leaf for condition in conditions for leaf in leaves(condition)]


@dataclass(frozen=True)
class Goals:
    """The clauses of an obligation, the name of each goal, and who is guilty where."""

    clauses: Clauses
    names: dict[str, str]
    guilty: Guilty
    where: Condition = ALWAYS
    """What holds in every environment that is asked about."""


def suspected(asked: Asked, cells: Cells, suspects: dict[str, list[int]]) -> tuple[Clauses, dict[str, str]]:
    """The clauses that say of each name that one of its suspects is wrong, and the goals that are claimed."""
    # The cone of what was refuted is in the certificate too, so that it can be written before anything is decided.
    clauses = Clauses(asked.lock, cells, asked.legend, asked.most)
    clauses.say_everything({str(number) for numbers in suspects.values() for number in numbers})
    for name, numbers in suspects.items():
        if numbers:
            wrongs = [clauses.number(f"wrong entry {number}") for number in numbers]
            clauses.say([-clauses.number(f"wrong {name}"), *wrongs])
            for number, wrong in zip(numbers, wrongs, strict=True):
                clauses.say([-wrong, clauses.number(f"reach {number}")])
    return clauses, {name: f"wrong {name}" for name, numbers in suspects.items() if numbers and name in asked.claims}
