"""The claim that a project has no lock: facts that cannot all hold in an environment that it admits.

A search that finds no lock has a minimal set of facts and an environment in which all of them are in force. Here they
are put into words (``satlock.solver.proofs.facts``). Where a package is to have one version everywhere, several
environments may be needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Fact, SingleVersion
from satlock.encoder.markers.domain import Environment
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass
from satlock.solver.proofs.facts import Formula, NotCertified, Scales, Telling
from satlock.solver.proofs.obligation import Clause

__all__ = ["NoLockProof", "NotCertified", "prove_no_lock"]


@dataclass(frozen=True)
class NoLockProof:
    """Facts in words, and their clauses, which have no model."""

    words: dict[str, Any]
    names: tuple[str, ...]
    """The name of each variable, from 1; the first is empty."""
    clauses: tuple[Clause, ...]


def prove_no_lock(facts: Sequence[Fact], universe: Universe, single_version: frozenset[str]) -> NoLockProof:
    """Puts the facts of a search that found no lock into words and clauses.

    Raises:
        NotCertified: where they cannot be, with the reason.
    """
    groups = _groups(facts, universe, single_version)
    scales, tellings = Scales(), list[Telling]()
    for number, (environment, mine) in enumerate(groups, 1):
        telling = Telling(scales, environment, f" #{number}" if len(groups) > 1 else "")
        tellings.append(telling)
        for fact in mine:
            telling.tell(fact)
    tied = single_version & {cell.package.name for fact in facts for cell in fact.cells} if len(groups) > 1 else ()
    packages = {name: package for telling in tellings for name, package in telling.packages.items()}
    words: dict[str, Any] = {
        "environments": [
            {"variables": dict(one.variables), "extras": list(one.extras), "groups": list(one.groups)}
            for one, _ in groups
        ],
        "packages": packages,
        "single-version": sorted(tied),
        "facts": [fact for telling in tellings for fact in telling.facts()],
    }
    formula = Formula(packages)
    for fact_in_words in words["facts"]:
        formula.say(fact_in_words)
    for name in words["single-version"]:
        marked = [name + telling.mark for telling in tellings]
        _tie(formula, packages, [one for one in marked if one in packages])
    formula.say_order()
    return NoLockProof(words, tuple(formula.names), tuple(formula.clauses))


def _groups(
    facts: Sequence[Fact], universe: Universe, single_version: frozenset[str]
) -> list[tuple[Environment, list[Fact]]]:
    """The facts with an environment in which they are in force: one for all, where there is one.

    Otherwise facts go together that share a cell of a package which may have several versions.
    """
    told = [fact for fact in facts if not isinstance(fact, SingleVersion)]
    together = universe.domain.witness(*(region for fact in told for region in fact.regions))
    if together is not None and len(told) == len(facts):
        return [(together, told)]
    sets: list[tuple[set[Cell | Fact], list[Fact]]] = []
    for fact in told:
        shared = (cell for cell in fact.cells if cell.package.name not in single_version)
        cells: set[Cell | Fact] = {*shared} or {fact}
        mine = [fact]
        apart = []
        for own, others in sets:
            if own & cells:
                cells, mine = cells | own, others + mine
            else:
                apart.append((own, others))
        sets = [*apart, (cells, mine)]
    found = []
    for _, mine in sets:
        environment = universe.domain.witness(*(region for fact in mine for region in fact.regions))
        if environment is None:
            raise NotCertified("The facts that clash are in force in environments that satlock cannot tell apart.")
        found.append((environment, mine))
    return found


def _tie(formula: Formula, packages: dict[str, Any], cells: Sequence[str]) -> None:
    """That a package, of which there is a cell in each of several environments, has one version in all of them."""
    for one, other in combinations(cells, 2):
        both = [-formula.at(one, 1), -formula.at(other, 1)]
        if packages[one]["versions"] != packages[other]["versions"]:
            formula.add(both)
            continue
        for k in sorted(formula.thresholds[one] | formula.thresholds[other]):
            formula.add([*both, -formula.at(one, k), formula.at(other, k)])
            formula.add([*both, formula.at(one, k), -formula.at(other, k)])
