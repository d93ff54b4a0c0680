"""What the properties beyond *unique* share: goals that each speak of one entry, and the search for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from satlock.records import replace
from satlock.solver.lockfiles.model import Comparison, Condition, Entry, Lockfile, comparisons, node_of
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.proofs.environments import Axes, axes_of
from satlock.solver.proofs.obligation import Obligation, obligation_of
from satlock.solver.proofs.search import Search, example_of
from satlock.solver.proofs.unique import Answer, Proof, all_comparisons
from satlock.solver.proofs.walk import Here, Walk

__all__ = ["Suspects", "prove_entries"]

Suspects = Mapping[str, list[Entry]]
"""The entries of each name that may refute the property."""


def prove_entries(
    reading: Reading,
    property_name: str,
    suspects: Suspects,
    asked: Iterable[Comparison],
    say: Callable[[Obligation, Entry, int], None],
    *,
    confirms: Callable[[Entry, Here], bool],
    where: Condition | None = None,
    none: str = "",
    minors_apart: bool = False,
    details: dict[str, object] | None = None,
) -> Proof:
    """Decides for each name whether one of its suspects is installed where ``say`` has its variable true.

    ``say`` adds what the entry's variable implies besides being reached; ``confirms`` is its meaning, in one
    environment. ``where`` holds in all environments that matter; ``none`` is said where there is none of these.
    """
    lockfile = reading.lockfile
    axes: Axes = axes_of(
        dict.fromkeys((*all_comparisons(reading), *asked)), lockfile.requires_python, minors_apart=minors_apart
    )
    wanted = [node_of(entry.number) for entries in suspects.values() for entry in entries]
    obligation = obligation_of(lockfile, axes, wanted)
    if where is not None:
        obligation.imply((), where, "asked")
    goals: dict[str, int] = {}
    for name, entries in suspects.items():
        if not entries:
            continue
        goal = goals[name] = obligation.variable(f"wrong {name}")
        wrongs = [obligation.variable(f"wrong entry {entry.number}") for entry in entries]
        obligation.add((-goal, *wrongs))
        for entry, wrong in zip(entries, wrongs, strict=True):
            obligation.add((-wrong, obligation.variable(f"reach {node_of(entry.number)}")))
            say(obligation, entry, wrong)
    example = example_of(obligation, none)
    answers = []
    named = lockfile.named()
    with Search(obligation) as search:
        for name, entries in suspects.items():
            mine = tuple(named[name])

            def guilty(walked: Walk, here: Here, entries: list[Entry] = entries) -> tuple[Entry, ...]:
                return tuple(e for e in entries if node_of(e.number) in walked.reached and confirms(e, here))

            def refutes(walked: Walk, here: Here, entries: list[Entry] = entries) -> bool:
                return bool(guilty(walked, here, entries))

            found = search.find(goals[name], refutes) if name in goals else None
            if found is None:
                answers.append(Answer(name, mine))
            else:
                point, walked = found
                answers.append(Answer(name, mine, point, walked, guilty(walked, point)))
        passed = tuple(search.passed)
    proven = {answer.name: goals[answer.name] for answer in answers if answer.proven and answer.name in goals}
    return Proof(reading, property_name, tuple(answers), obligation, example, proven, passed, details or {})


def with_note(proof: Proof, note: Callable[[Lockfile, Answer], str]) -> Proof:
    """The proof, with a remark on every refutation."""
    answers = tuple(
        answer if answer.proven else replace(answer, note=note(proof.reading.lockfile, answer))
        for answer in proof.answers
    )
    return replace(proof, answers=answers)


def condition_comparisons(conditions: Iterable[Condition]) -> list[Comparison]:
    """Every comparison in some conditions."""
    return [found for condition in conditions for found in comparisons(condition)]
