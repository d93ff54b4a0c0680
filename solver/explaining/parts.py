"""In which environments a cell is behind, and why in each of them.

A reason is found for a cell as a whole, and may rest on a requirement that only some of its environments know. So the
cell is gone through in parts. In each of them there is one newest admissible version, and all that the reason rests on
is in force.
"""

from __future__ import annotations

from collections.abc import Iterator

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import SingleVersion
from satlock.encoder.markers.marker import Formula, all_of
from satlock.records import dataclass
from satlock.solver.explaining.reasons import Reason, Reasons
from satlock.solver.objective.environments import Environments
from satlock.solver.search.refinement import regions_of

__all__ = ["Part", "parts_of"]

_MOST = 12
"""Parts of one cell that are looked at; what is left then is told as one."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some environments of a cell."""

    region: Formula
    newest: int
    """The newest rank that is admissible there."""
    reason: Reason | None
    """Why it is not what is selected; None where it is."""


def parts_of(reasons: Reasons, environments: Environments, cell: Cell, region: Formula) -> Iterator[Part]:
    """The parts of a region in which a cell is selected."""
    rank, admissible = reasons.selection.ranks[cell], reasons.admissible
    newer, left = admissible.ranks(cell) >> (rank + 1) << (rank + 1), region
    if not environments.meet(region):  # It needs a choice not to be made that every objective takes as made.
        yield Part(region, admissible.newest(cell) if newer else rank, reasons.of(cell) if newer else None)
        return
    while newer and environments.meet(left):
        newest = newer.bit_length() - 1
        newer ^= 1 << newest
        where = admissible.where(cell, 1 << newest)
        if environments.meet(left, where):
            yield from _held(reasons, environments, cell, newest, all_of((left, where)))
            left = all_of((left, ~where))
    if environments.meet(left):
        yield Part(left, rank, None)


def _held(reasons: Reasons, environments: Environments, cell: Cell, newest: int, region: Formula) -> Iterator[Part]:
    first = reasons.of(cell)
    waiting, told = [(region, first)], 0
    while waiting:
        here, reason = waiting.pop(0)
        told += 1
        if not reason.proven or told > _MOST:
            yield Part(here, newest, first if _rests_on_all(first) else reason)
            continue
        common = environments.common(_where(reason))
        if environments.meet(here, *common):
            whole = all_of(common)
            yield Part(all_of((here, whole)), newest, reason)
            rest = [all_of((here, ~whole))]
        else:
            cuts = (one for one in common if environments.meet(here, one) and environments.meet(here, ~one))
            cut = next(cuts, None)
            rest = [here] if cut is None else [all_of((here, cut)), all_of((here, ~cut))]
        waiting += [(part, reasons.there(cell, part, environments)) for part in rest if environments.meet(part)]


def _rests_on_all(reason: Reason) -> bool:
    """Whether what other environments have is among the reasons."""
    return bool(reason.alike) or any(isinstance(fact, SingleVersion) for fact in reason.facts)


def _where(reason: Reason) -> Iterator[Formula]:
    """The regions in which all holds that a reason rests on."""
    yield from regions_of(reason.facts)
    alike = (one for both in reason.alike for one in both)
    for cell in (*(one for one, _ in reason.kept), *reason.absent, *(one for _, one in reason.wanted), *alike):
        yield cell.region
