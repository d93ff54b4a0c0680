"""The property *unique*: no environment installs two candidates of one name."""

from __future__ import annotations

from collections.abc import Iterable

from satlock.records import dataclass, field, replace
from satlock.solver.lockfiles.model import Comparison, Entry, LockfileError, comparisons, node_of
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.proofs.environments import axes_of
from satlock.solver.proofs.obligation import Obligation, obligation_of
from satlock.solver.proofs.passing import Passed
from satlock.solver.proofs.search import Search, example_of
from satlock.solver.proofs.walk import Here, Point, Walk

__all__ = ["Answer", "Proof", "prove_unique", "refuse_followed"]


@dataclass(frozen=True)
class Answer:
    """What was found of one goal."""

    name: str
    entries: tuple[Entry, ...]
    point: Point | None = None
    """The environment that refutes it."""
    walk: Walk | None = None
    reached: tuple[Entry, ...] = ()
    """The entries that refute it in that environment."""
    note: str = ""
    undecided: str = ""
    """Why it is neither proven nor refuted."""
    requirement: str = ""
    """The requirement that is not met, where that is the question."""

    @property
    def proven(self) -> bool:
        return self.point is None and not self.undecided


@dataclass(frozen=True)
class Proof:
    """The answers, with the obligation that they are answers to."""

    reading: Reading
    property: str
    answers: tuple[Answer, ...]
    obligation: Obligation
    example: Point
    """An environment that it speaks of."""
    goals: dict[str, int]
    """The variable of each name that took a proof: it is false in every environment."""
    passed: tuple[Passed, ...] = ()
    details: dict[str, object] = field(default_factory=dict)
    """What else the obligation depends on."""
    recorded: str = ""
    """Metadata that it depends on, as JSON."""


_UNCLEAR = (
    "what is required leads to several of its entries, and this lock does not say which of them is installed; "
    "write it again with a newer version of its tool"
)


def refuse_followed(reading: Reading, what: str) -> None:
    """Refuses a question about a lock that does not itself say when its entries are installed.

    Raises:
        LockfileError: always, where it is such a lock with several entries of a name.
    """
    if reading.lockfile.followed and any(len(entries) > 1 for entries in reading.lockfile.named().values()):
        raise LockfileError(
            f"{reading.path.name} does not say when a package is installed, and has several entries of some, so {what} "
            "cannot be asked; write it again with a newer version of its tool."
        )


def prove_unique(reading: Reading, names: Iterable[str] = ()) -> Proof:
    """Decides for each name (all of the lock by default) whether an environment reaches two of its entries.

    Raises:
        LockfileError: where the lock has no such name.
    """
    lockfile = reading.lockfile
    named = lockfile.named()
    asked = list(dict.fromkeys(names)) or list(named)
    for name in asked:
        if name not in named:
            raise LockfileError(f"{reading.path.name} has no package {name}.")
    several = [name for name in asked if len(named[name]) > 1]
    axes = axes_of(all_comparisons(reading), lockfile.requires_python)
    wanted = [node_of(entry.number) for name in several for entry in named[name]]
    obligation = obligation_of(lockfile, axes, wanted)
    goals: dict[str, int] = {}
    for name in several:
        goal = goals[name] = obligation.variable(f"two {name}")
        nodes = [obligation.variable(f"reach {node_of(entry.number)}") for entry in named[name]]
        for place in range(len(nodes)):
            obligation.add((-goal, *nodes[:place], *nodes[place + 1 :]))
    example = example_of(obligation)
    answers = []
    with Search(obligation) as search:
        for name in asked:
            entries = tuple(named[name])

            def reached(walked: Walk, entries: tuple[Entry, ...] = entries) -> tuple[Entry, ...]:
                return tuple(entry for entry in entries if node_of(entry.number) in walked.reached)

            def twice(walked: Walk, here: Here, entries: tuple[Entry, ...] = entries) -> bool:
                return len(reached(walked, entries)) > 1

            found = search.find(goals[name], twice) if name in goals else None
            if found is None:
                answers.append(Answer(name, entries))
            elif lockfile.followed:
                answers.append(Answer(name, entries, undecided=_UNCLEAR))
            else:
                answers.append(Answer(name, entries, found[0], found[1], reached(found[1])))
        passed = tuple(search.passed)
    proven = [answer.name for answer in answers if answer.proven]
    if proven and len(proven) < len(answers):
        # What is certified speaks of nothing that was refuted.
        certified = prove_unique(reading, proven)
        return replace(certified, answers=tuple(answers))
    return Proof(reading, "unique", tuple(answers), obligation, example, goals if proven else {}, passed)


def all_comparisons(reading: Reading) -> list[Comparison]:
    """What every marker of the lock asks, in the order of the file."""
    lockfile = reading.lockfile
    found = [*comparisons(lockfile.environments)]
    for edge in lockfile.edges:
        found += comparisons(edge.condition)
    for bring in lockfile.brings:
        found += comparisons(bring.condition)
    return list(dict.fromkeys(found))
