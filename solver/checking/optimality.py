"""Builds the clauses of claims about optimality again, from their facts in words.

What is trusted is that the facts are what the project and the indexes said. That they leave no newer version is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from satlock.solver.checking.claims import Trusted
from satlock.solver.checking.markers import Bad, plain
from satlock.solver.checking.model import Lock, Table
from satlock.solver.checking.versions import admits

__all__ = ["optimality_clauses", "trusted_facts"]

Number = Callable[[str], int]
"""The variable of a name."""


def trusted_facts(words: Table) -> tuple[Trusted, ...]:
    """The facts that the claims rest on, which are taken as they are recorded: by the indexes of each package."""
    found: dict[str, int] = {}
    for fact in words["facts"]:
        cell = words["cells"][fact["by"]["cell"] if fact.get("by") else fact["on"]]
        whose = "the project" if fact["kind"] == "requirement" and not fact.get("by") else ", ".join(cell["indexes"])
        found[whose] = found.get(whose, 0) + 1
    return tuple(Trusted("facts", whose, count) for whose, count in sorted(found.items()))


class _Scale:
    """A cell with its versions, oldest first: the variables of *this one or a later one*."""

    def __init__(self, name: str, words: Table, number: Number) -> None:
        self.name, self.package = name, words["package"]
        self.versions: list[str] = words["versions"]
        self._number = number
        self.steps: set[int] = set()
        if plain(self.package) != plain(name.partition(" #")[0]):
            raise Bad(f"the cell {name!r} is of another package")

    @property
    def top(self) -> int:
        return len(self.versions)

    def at(self, rank: int) -> int:
        if not 1 <= rank <= self.top:
            raise Bad(f"{self.name} has no version of rank {rank}")
        self.steps.add(rank)
        return self._number(f"{self.name} >= {self.versions[rank - 1]} ({rank})")

    def above(self, rank: int) -> list[int]:
        """That the rank is passed, where it can be."""
        return [] if rank >= self.top else [self.at(rank + 1)]

    def admitted(self, specifier: str) -> set[int]:
        return {
            rank
            for rank, said in enumerate(self.versions, 1)
            if all(admits(specifier, version) for version in said.split(" / "))
        }

    def one_of(self, head: list[int], ranks: set[int]) -> Iterable[list[int]]:
        """Under ``head``, it is present and has one of some ranks."""
        if not ranks:
            yield head
            return
        if min(ranks) >= 1:
            yield [*head, self.at(min(ranks))]
        yield from self.none_of(head, {rank for rank in range(min(ranks), self.top + 1) if rank not in ranks})

    def none_of(self, head: list[int], ranks: set[int]) -> Iterable[list[int]]:
        for first, last in _runs(ranks):
            yield [*head, -self.at(first), *self.above(last)]

    def passed(self, rank: int) -> list[int]:
        """That it has another rank than this one."""
        return [-self.at(rank), *self.above(rank)]


def optimality_clauses(words: Table, lock: Lock, number: Number) -> list[list[int]]:
    """The clauses, the last of which says that a claim is wrong.

    Raises:
        Bad: where the words do not fit together, or speak of another lock.
    """
    scales = {name: _Scale(name, about, number) for name, about in words["cells"].items()}
    clauses: list[list[int]] = []
    for fact in words["facts"]:
        clauses += _fact(fact, scales, number)
    for one, other in words["apart"]:
        _one_package(scales[one], scales[other])
        clauses.append([-scales[one].at(1), -scales[other].at(1)])
    for name, claim in words["claims"].items():
        clauses += _claim(name, claim, scales, number, lock)
    for one, other, ranks in words["single-version"]:
        clauses += _tie([], scales[one], scales[other], ranks)
    for name, one, other, ranks in words["alike"]:
        clauses += _tie([-number(f"newer {name}")], scales[one], scales[other], ranks)
    for scale in scales.values():
        steps = sorted(scale.steps)
        clauses += [[-scale.at(high), scale.at(low)] for low, high in pairwise(steps)]
    return [*clauses, [number(f"newer {name}") for name in words["claims"]]]


def _fact(fact: Table, scales: dict[str, _Scale], number: Number) -> Iterable[list[int]]:
    kind = fact["kind"]
    by, head = fact.get("by"), list[int]()
    if by is not None:
        source = scales[by["cell"]]
        head = source.passed(by["rank"])
        if by["version"] != source.versions[by["rank"] - 1]:
            raise Bad(f"a fact names another version of {source.name} than its rank")
        if by["extra"]:
            head.append(-number(f"{source.name}[{by['extra']}]"))
    if kind == "refusal":
        yield head
        return
    on = scales[fact["on"]]
    if kind == "held":
        yield from on.none_of([], _ranks(fact["out"]))
    elif kind == "constraint":
        yield from on.one_of([-on.at(1)], on.admitted(fact["specifier"]))
    elif kind == "admission":
        yield from on.one_of(head, on.admitted(fact["specifier"]) - _ranks(fact["out"]))
    elif kind == "requirement":
        yield from on.one_of(head, on.admitted(fact["specifier"]))
        yield from ([*head, number(f"{on.name}[{extra}]")] for extra in fact["extras"])
    else:
        raise Bad(f"a fact is of an unknown kind, {kind!r}")


def _claim(name: str, claim: Table, scales: dict[str, _Scale], number: Number, lock: Lock) -> Iterable[list[int]]:
    guard, scale, rank = -number(f"newer {name}"), scales[name], claim["rank"]
    locked: dict[str, set[str]] = {}
    for entry in lock.entries:
        locked.setdefault(entry.name, set()).add(entry.version)
    _is_locked(scale, claim, locked)
    if scale.package != claim["package"]:
        raise Bad(f"the claim about {name} names another package")
    yield from _from(guard, scale, rank + 1, _ranks(claim["newer"]))
    for kept in claim["kept"]:
        other = scales[kept["cell"]]
        _is_locked(other, kept, locked)
        yield from _from(guard, other, kept["rank"], _ranks(kept["newer"]) | {kept["rank"]})
    for cell in claim["absent"]:
        if scales[cell].package in locked and " #" not in cell:
            raise Bad(f"{cell} is in the lock, and the claim about {name} says that it is not")
        yield [guard, -scales[cell].at(1)]


def _is_locked(scale: _Scale, claim: Table, locked: dict[str, set[str]]) -> None:
    said = scale.versions[claim["rank"] - 1]
    if claim["version"] != said or locked.get(plain(scale.package), set()).isdisjoint(said.split(" / ")):
        raise Bad(f"the lock does not have {scale.package} {claim['version']}, of which the certificate speaks")


def _from(guard: int, scale: _Scale, least: int, ranks: set[int]) -> Iterable[list[int]]:
    yield [guard, scale.at(least)]
    yield from scale.none_of([guard], {rank for rank in range(least, scale.top + 1) if rank not in ranks})


def _tie(head: list[int], one: _Scale, other: _Scale, ranks: list[int]) -> Iterable[list[int]]:
    _one_package(one, other)
    if one.versions != other.versions:
        raise Bad(f"{one.name} and {other.name} have different versions, and are said to be alike")
    head = [*head, -one.at(1), -other.at(1)]
    for rank in ranks:
        yield [*head, -one.at(rank), other.at(rank)]
        yield [*head, one.at(rank), -other.at(rank)]


def _one_package(one: _Scale, other: _Scale) -> None:
    if one.package != other.package:
        raise Bad(f"{one.name} and {other.name} are not one package")


def _ranks(runs: list[list[int]]) -> set[int]:
    return {rank for first, last in runs for rank in range(first, last + 1)}


def _runs(ranks: set[int]) -> Iterable[tuple[int, int]]:
    first = last = 0
    for rank in sorted(ranks):
        if first and rank == last + 1:
            last = rank
            continue
        if first:
            yield first, last
        first = last = rank
    if first:
        yield first, last
