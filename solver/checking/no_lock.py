"""The claim that a project has no lock, checked a second time: its facts, and the clauses that these come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from satlock.solver.checking.choices import Choices, Environment, choices_of
from satlock.solver.checking.facts import Facts
from satlock.solver.checking.markers import Bad, leaves
from satlock.solver.checking.model import Table
from satlock.solver.checking.owners import read_line
from satlock.solver.checking.telling import told_fact

__all__ = ["NoLock", "no_lock_of"]


@dataclass(frozen=True)
class NoLock:
    """What the words of a certificate come to."""

    facts: Facts
    environments: tuple[Environment, ...]
    told: tuple[str, ...]
    """The facts, in words."""


def no_lock_of(words: Table, project: Table, workspace: Sequence[Table], number: Callable[[str], int]) -> NoLock:
    """Checks every fact against the project, and makes the clauses.

    Raises:
        Bad: where a fact is not the project's, or not in force in an environment that the project admits.
    """
    lines = [read_line(fact["line"]) for fact in words["facts"] if "line" in fact]
    asked = [leaf for line in lines for leaf in leaves(line.marker)]
    choices = choices_of(project, workspace)
    environments = tuple(choices.environments_of(words["environments"], asked))
    if not environments:
        raise Bad("the certificate names no environment")
    packages: Table = words["packages"]
    facts = Facts(packages, words["facts"], choices, number)
    places = {name: _place(name, len(environments)) for name in packages}
    for name, place in places.items():
        facts.check_place(name, environments[place])
    for fact in words["facts"]:
        here = {places[name] for name in facts.names_in(fact)}
        if len(here) != 1:
            raise Bad("the certificate has a requirement of one environment in another")
        facts.check(fact, environments[here.pop()])
        facts.say(fact)
    _single_versions(facts, words, choices, len(environments))
    facts.say_order()
    return NoLock(facts, environments, tuple(told_fact(fact, packages) for fact in words["facts"]))


def _place(name: str, environments: int) -> int:
    """Of which environment a certificate speaks when it names a package."""
    _, mark, number = name.partition(" #")
    if bool(mark) != (environments > 1) or (mark and number not in map(str, range(1, environments + 1))):
        raise Bad(f"the certificate speaks of {name[:60]!r} in an environment that it does not name")
    return int(number) - 1 if mark else 0


def _single_versions(facts: Facts, words: Table, choices: Choices, environments: int) -> None:
    stated, packages = words["single-version"], words["packages"]
    if stated and (environments < 2 or not choices.single_version.issuperset(stated)):
        raise Bad("the certificate keeps packages to one version that the project does not")
    for own in stated:
        cells = [name for name in packages if name.partition(" #")[0] == own]
        for one, other in combinations(cells, 2):
            if not (facts.top(one) and facts.top(other)):
                continue
            both = [-facts.at(one, 1), -facts.at(other, 1)]
            if packages[one]["versions"] != packages[other]["versions"]:
                facts.clauses.append(both)
                continue
            for k in sorted(facts.thresholds[one] | facts.thresholds[other]):
                facts.clauses.append([*both, -facts.at(one, k), facts.at(other, k)])
                facts.clauses.append([*both, facts.at(one, k), -facts.at(other, k)])
