"""Who asks for what is held back in general: a yanked release (PEP 592), or a pre-release (PEP 440).

What is not selected opens nothing. So the formula says of each such rank that it implies one of the requirements that
ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from satlock.encoder.formula.candidates import Candidates, runs
from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.facts import HoldKind, Unasked
from satlock.encoder.formula.ranking import is_exact
from satlock.encoder.markers.marker import TRUE
from satlock.encoder.project.dependencies import Dependency

if TYPE_CHECKING:
    from satlock.encoder.formula.encoding import Encoding

__all__ = ["asked_for", "support", "tails"]


def asked_for(dependency: Dependency, candidates: Candidates, admitted: int) -> int:
    """Ranks that are held back in general and that a requirement leaves no way around.

    A yanked release is admitted by whoever names exactly it, pre-releases by whoever admits nothing else.
    """
    if not admitted & (candidates.yanked | candidates.prereleases):
        return 0
    asked = admitted & candidates.yanked if is_exact(dependency.specifier) else 0
    if candidates.prereleases_serve and not admitted & ~(candidates.prereleases | candidates.yanked):
        asked |= admitted & candidates.prereleases & ~candidates.yanked
    return asked


def support(encoding: Encoding, edge: Edge, cell: Cell, ranks: int) -> None:
    """Has an edge admit ranks that are held back, as long as it asks for them at all.

    The project asks always. For all others each rank implies one of the edges that ask for it; edges still to come are
    told of by a last literal, which is assumed to be false (:func:`tails`).
    """
    ranks &= ~cell.lifted
    if not ranks:
        return
    if edge.node.cell is None:
        cell.lifted |= ranks
        return
    asks = encoding.fresh()
    for literal in encoding.antecedent(edge):
        encoding.state([-asks, -literal])
    for rank in (rank for first, last in runs(ranks) for rank in range(first, last + 1)):
        tail, known = encoding.fresh(), cell.tails.get(rank)
        kind: HoldKind = "yanked" if cell.candidates.yanked >> rank & 1 else "prerelease"
        fact = Unasked(TRUE, (cell,), None, 1 << rank, kind)
        here = [-cell.guard, -encoding.at_least(cell, rank), encoding.at_least(cell, rank + 1)]
        encoding.add(fact, [*([-known] if known else here), asks, tail])
        cell.tails[rank] = tail
    cell.supported |= ranks


def tails(encoding: Encoding, kept: Callable[[Cell], int]) -> list[int]:
    """What is assumed of living cells: that nobody else asks for what is held back, but for ranks that are kept."""
    serve = {cell: cell.lifted | kept(cell) for cell in encoding.living() if cell.tails}
    return [-tail for cell, ranks in serve.items() for rank, tail in cell.tails.items() if not ranks >> rank & 1]
