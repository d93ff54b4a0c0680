"""What a core means: a witness, which is an environment without a solution, or cells that must be divided."""

from __future__ import annotations

from collections.abc import Iterable

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Fact
from satlock.encoder.markers.domain import Domain, Environment
from satlock.encoder.markers.marker import TRUE, Formula

__all__ = ["regions_of", "undecided", "witness_of"]


def witness_of(domain: Domain, facts: Iterable[Fact]) -> Environment | None:
    """An environment in which every fact of a core is in force, and which so has no solution; None for none."""
    return domain.witness(*regions_of(facts))


def undecided(
    domain: Domain, regions: Iterable[Formula], cells: Iterable[Cell], frozen: frozenset[str]
) -> tuple[Formula, list[Cell]] | None:
    """A region to divide by, and the cells of a core that lie partly inside and partly outside of it.

    The regions have nothing in common. They are reduced to a minimal set of that kind, and the simplest region that
    cuts a cell is taken. ``docs/solver.md#the-split`` says why there is one.

    Args:
        frozen: packages that must have one version, whose cells are never divided.

    Returns:
        None where only cells of frozen packages could be divided.
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
