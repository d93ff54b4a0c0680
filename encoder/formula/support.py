"""Who asks for what is held back in general: a yanked release (PEP 592), or a pre-release (PEP 440).

What is not selected opens nothing, and nothing is opened where nobody asks. So the formula says of each such rank that
it implies one of the requirements that ask for it; and of a yanked one, in the environments of which one of these says
nothing, one of the others. A cell that mixes such environments is divided as for any other fact that holds in a part of
it. Whoever makes the choices that no conflict names is not told apart so as to keep pre-releases from others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from satlock.encoder.formula.candidates import Candidates, runs
from satlock.encoder.formula.cells import Cell, Edge, Hold
from satlock.encoder.formula.facts import HoldKind, Unasked
from satlock.encoder.formula.ranking import is_exact
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of

if TYPE_CHECKING:
    from satlock.encoder.formula.encoding import Encoding

__all__ = ["asked_for", "keep", "support"]

_OTHERS = ("build", "unavailable")
"""The kinds of holds that have nothing to do with who asks."""


def asked_for(specifiers: SpecifierSet, candidates: Candidates, admitted: int) -> int:
    """Ranks that are held back in general and that a requirement leaves no way around.

    A yanked release is admitted by whoever names exactly it, pre-releases by whoever admits nothing else.
    """
    if not admitted & (candidates.yanked | candidates.prereleases):
        return 0
    asked = admitted & candidates.yanked if is_exact(specifiers) else 0
    if candidates.prereleases_serve and not admitted & ~(candidates.prereleases | candidates.yanked):
        asked |= admitted & candidates.prereleases & ~candidates.yanked
    return asked


def support(
    encoding: Encoding,
    cell: Cell,
    ranks: int,
    who: object,
    where: Sequence[Formula],
    *,
    unless: Sequence[int] = (),
) -> None:
    """Has somebody who asks for ranks that are held back open them.

    Args:
        who: asks. He may be told of again when it is known that he asks in more environments.
        where: he asks, as far as all of these hold.
        unless: the literals of which one is true where he does not ask (of a requirement that is no longer selected);
            without any he asks always, as the project does.
    """
    region, yanked = all_of(where), ranks & cell.candidates.yanked
    kinds = ((yanked, region, cell.askers), (ranks & ~yanked, encoding.family(region), cell.leaving))
    for some, asks, known in kinds:
        before = known.get(who, FALSE)
        if some & ~cell.lifted and encoding.domain.satisfiable(cell.region, asks, ~before):
            known[who] = before | asks
            _open(encoding, cell, some & ~cell.lifted, who, asks, unless=unless)


def keep(encoding: Encoding, cell: Cell) -> None:
    """Opens to a cell what an existing lock has there, but pre-releases that the project refuses now."""
    held = cell.candidates.yanked | (cell.candidates.prereleases if cell.candidates.prereleases_serve else 0)
    for where, ranks in encoding.preferred(cell):
        support(encoding, cell, ranks & held, ("the lock", where), (where,))


def _open(encoding: Encoding, cell: Cell, ranks: int, who: object, region: Formula, *, unless: Sequence[int]) -> None:
    everywhere = not encoding.domain.satisfiable(cell.region, ~region)
    if everywhere and not unless:
        cell.lifted |= ranks
        return
    openings = list(cell.openings.values())
    cell.holds = [hold for hold in cell.holds if not hold.ranks & ranks or hold.kind in _OTHERS or hold in openings]
    source = who.node.cell if isinstance(who, Edge) else None
    cells = (cell,) if source in (None, cell) else (source, cell)
    asks = encoding.fresh()
    if unless:
        for literal in unless:
            encoding.state([-asks, -literal])
    else:
        encoding.state([asks])
    for rank in (rank for first, last in runs(ranks) for rank in range(first, last + 1)):
        kind: HoldKind = "yanked" if cell.candidates.yanked >> rank & 1 else "prerelease"
        known = cell.openings.get(rank)
        taken = [-cell.guard, -encoding.at_least(cell, rank), encoding.at_least(cell, rank + 1)]
        if known is not None:
            taken = [known.literal]
        # Nobody else asks: this is a hold, since somebody else may be found who does.
        nobody = encoding.fresh()
        fact = Unasked(TRUE, cells, kind, ranks=1 << rank)
        encoding.add(fact, [*taken, asks, -nobody])
        if not everywhere:
            encoding.add(Unasked(~region, (cell,), kind, ranks=1 << rank), [*taken, -nobody])
        if known is None:
            known = cell.openings[rank] = Hold(cell, kind, 1 << rank, nobody, fact)
            cell.holds.append(known)
        known.literal = nobody
    cell.supported |= ranks
