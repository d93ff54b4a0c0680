"""What a core means: a witness environment that has no solution, or the cells that mix environments that differ."""

from __future__ import annotations

from collections.abc import Iterable

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Fact
from satlock.encoder.markers.domain import Domain, Environment
from satlock.encoder.markers.marker import TRUE, Formula

__all__ = ["regions_of", "undecided", "witness_of"]


def witness_of(domain: Domain, facts: Iterable[Fact]) -> Environment | None:
    """An environment in which every fact of a core is in force, so that it has no solution."""
    return domain.witness(*regions_of(facts))


def undecided(
    domain: Domain, regions: Iterable[Formula], cells: Iterable[Cell], frozen: frozenset[str]
) -> tuple[Formula, list[Cell]] | None:
    """What to split on, and the cells of a core that mix environments inside and outside of it.

    The regions, which contradict each other, are reduced to a minimal set. At least one of the core's cells is cut
    by one of them: were every cell inside or outside of every region, then cells that share a fact would be equal,
    a minimal core is connected by its cells, and its regions would meet. Only packages under a hard single-version
    rule (``frozen``) may leave nothing to split.
    """
    regions = [region for region in dict.fromkeys(regions) if region is not TRUE]
    contradictory = list(regions)
    for region in sorted(contradictory, key=lambda formula: (-len(formula.atoms), formula.order)):
        rest = [other for other in contradictory if other is not region]
        if not domain.satisfiable(*rest):
            contradictory = rest
    loose = [cell for cell in dict.fromkeys(cells) if cell.package.name not in frozen]
    for some in (contradictory, regions):
        for region in sorted(some, key=lambda formula: (len(formula.atoms), formula.order)):
            mixed = [
                cell
                for cell in loose
                if domain.satisfiable(cell.region, region) and domain.satisfiable(cell.region, ~region)
            ]
            if mixed:
                return region, mixed
    return None


def regions_of(facts: Iterable[Fact]) -> dict[Formula, None]:
    """Where facts are in force, each region once."""
    return {region: None for fact in facts for region in fact.regions if region is not TRUE}
