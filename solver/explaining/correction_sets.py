"""All minimal sets of steps after which nothing clashes any more, the cheapest first.

Each clash must be hit by one of the steps that may resolve it, so every correction set is a hitting set of the clashes
(Reiter, A theory of diagnosis from first principles, 1987; Liffiton and Sakallah, Algorithms for computing minimal
unsatisfiable subsets of constraints, 2008). The search extends sets of steps along clashes they do not hit, best first,
and asks the oracle about those that hit all that are known; each *no* is a new clash.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from satlock.records import dataclass, field
from satlock.solver.explaining.loosenings import resolves
from satlock.solver.explaining.steps import Clash, Step

__all__ = ["Correction", "CorrectionSets", "Cut", "needed"]

Correction: TypeAlias = frozenset[Step]
Oracle: TypeAlias = Callable[[Correction], Clash | bool | None]
"""After these steps: None where nothing clashes, a clash, or False where it cannot be told."""


@dataclass(frozen=True)
class Cut:
    """What ended an enumeration before it was complete."""

    by: Literal["enough", "ways", "trials", "steps", "failure", "fault"]
    """As many as were asked for; a limit; an index that failed; or a fault of the search itself."""
    most: int = 0
    """Where it is a limit: so many were found, tried, or taken together."""
    fault: str = ""
    """Where it is one: its class, and what it says."""


@dataclass
class _Known:
    """The clashes found so far, and the steps against each."""

    clashes: list[tuple[Clash, list[Step]]] = field(default_factory=list)

    def missed(self, steps: Correction) -> list[Step] | None:
        """The steps against a clash that a set does not hit; None where it hits all that concern it."""
        for clash, against in self.clashes:
            if clash.given <= steps and not any(resolves(step, clash, against) for step in steps):
                return [step for step in against if step not in steps]
        return None

    def redundant(self, steps: Correction) -> bool:
        """Whether a smaller set hits all that concerns it."""
        return any(self.missed(steps - {step}) is None for step in steps)


@dataclass
class CorrectionSets:
    """The enumeration; iterating over it yields each minimal correction set as soon as it is confirmed."""

    first: Clash
    oracle: Oracle
    against: Callable[[Clash], list[Step]]
    largest: int
    """Steps in one set, once a set was found."""
    too_large: bool = False
    """Whether larger ones were left aside."""

    def __iter__(self) -> Iterator[Correction]:
        known = _Known([(self.first, self.against(self.first))])
        found: list[frozenset[tuple[object, ...]]] = []
        queue: list[tuple[int, int, Correction]] = [(0, 0, frozenset())]
        seen: set[Correction] = {frozenset()}
        while queue:
            _, _, steps = heapq.heappop(queue)
            if found and _size(steps) > self.largest:
                self.too_large = True
                continue
            weight = frozenset[tuple[object, ...]]().union(*(step.weight for step in steps))
            if any(other <= weight for other in found):
                continue
            missed = known.missed(steps)
            if missed is None and not known.redundant(steps):
                answer = self.oracle(steps)
                if answer is None:
                    found.append(weight)
                    yield steps
                    continue
                if isinstance(answer, Clash):
                    known.clashes.append((answer, [step for step in self.against(answer) if step not in steps]))
                    missed = known.missed(steps)
            for step in missed or ():
                extended = _joined(steps, step)
                if extended not in seen:
                    seen.add(extended)
                    heapq.heappush(queue, (sum(one.cost for one in extended), len(seen), extended))


def needed(steps: Correction, enough: Callable[[list[Step]], bool]) -> Correction:
    """The steps without idle ones, which another may have made so; those on choices keep what is left to choose."""
    for step in sorted(steps, key=str):
        rest = [other for other in sorted(steps, key=str) if other != step]
        if rest and step.kind not in ("conflict", "include") and enough(rest):
            steps = frozenset(rest)
    return steps


def _size(steps: Correction) -> int:
    """The number of steps, where all declarations of conflicts count as one."""
    declared = sum(step.kind == "conflict" for step in steps)
    return len(steps) - max(0, declared - 1)


def _joined(steps: Correction, step: Step) -> Correction:
    """With one step more, and without those that it makes superfluous."""
    return frozenset(one for one in steps if not _includes(step, one)) | {step}


def _includes(step: Step, other: Step) -> bool:
    if step.kind == other.kind == "python-from":
        return bool(step.subject[0] >= other.subject[0])
    if step.kind == other.kind == "python-below":
        return bool(step.subject[0] <= other.subject[0])
    return other.weight < step.weight
