"""What a core means: a witness environment that has no solution, or the cells that mix environments that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from satlock.encoder.formula.cells import Cell, Fact
from satlock.encoder.markers.domain import Domain, Environment
from satlock.encoder.markers.marker import TRUE, Formula

__all__ = ["undecided", "witness_of"]


def witness_of(domain: Domain, facts: Iterable[Fact]) -> Environment | None:
    """An environment in which every fact of a core is in force, so that it has no solution."""
    return domain.witness(*_regions(facts))


def undecided(domain: Domain, facts: Sequence[Fact], frozen: frozenset[str]) -> tuple[Formula, list[Cell]] | None:
    """What to split on, and the cells of the core that mix environments inside and outside of it.

    The regions that contradict each other are reduced to a minimal set. At least one of the core's cells is cut
    by one of them: were every cell inside or outside of every region, then cells that share a fact would be equal,
    a minimal core is connected by its cells, and its regions would meet. Only packages under a hard single-version
    rule (``frozen``) may leave nothing to split.
    """
    contradictory = list(_regions(facts))
    for region in sorted(contradictory, key=lambda formula: (-len(formula.atoms), formula.order)):
        rest = [other for other in contradictory if other is not region]
        if not domain.satisfiable(*rest):
            contradictory = rest
    cells = [c for c in dict.fromkeys(cell for fact in facts for cell in fact.cells) if c.package.name not in frozen]
    for regions in (contradictory, list(_regions(facts))):
        for region in sorted(regions, key=lambda formula: (len(formula.atoms), formula.order)):
            mixed = [
                cell
                for cell in cells
                if domain.satisfiable(cell.region, region) and domain.satisfiable(cell.region, ~region)
            ]
            if mixed:
                return region, mixed
    return None


def _regions(facts: Iterable[Fact]) -> dict[Formula, None]:
    return {region: None for fact in facts for region in fact.regions if region is not TRUE}
