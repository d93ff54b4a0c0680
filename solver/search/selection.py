"""What a model selects: the ranks of the cells that edges lead to, from the project on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from satlock.encoder.formula.cells import Cell, Edge
from satlock.encoder.formula.encoding import Encoding
from satlock.records import dataclass, field

__all__ = ["HeldBack", "Selection", "Turn", "by_name", "directs", "pick", "traverse"]

Turn = Callable[[str, bool], tuple[int, str]]
"""When a package is chosen, from its name and whether the project itself requires it: the lowest first."""


@dataclass
class Selection:
    """What an optimum selects, as far as the formula knows."""

    ranks: dict[Cell, int] = field(default_factory=dict)
    """In the order in which they were chosen."""
    asked: set[tuple[Cell, str]] = field(default_factory=set)
    """What is asked for of these cells: the package itself (``""``), and extras."""
    unlisted: list[str] = field(default_factory=list)
    """Packages that are asked for and whose candidates are not known yet."""
    probes: list[tuple[Cell, int]] = field(default_factory=list)
    """What is not selected, and whose metadata the objective has to know all the same."""

    def needed(self) -> list[tuple[Cell, int]]:
        """All whose metadata must be known before the selection counts."""
        return [*self.ranks.items(), *self.probes]


class HeldBack(Exception):
    """All ranks that are left for a cell, those from ``low`` to ``high``, are held back: a hold must say so."""

    def __init__(self, cell: Cell, low: int, high: int) -> None:
        super().__init__(cell, low, high)
        self.cell, self.low, self.high = cell, max(low, 1), high
        self.others: list[HeldBack] = []
        """Further cells of which the same was found at once."""


def pick(low: int, high: int, held: int, lowest: bool) -> int:
    """The highest rank in an interval that is not in ``held``, or the ``lowest``; 0 where there is none."""
    free = ((1 << (high + 1)) - (1 << max(low, 1))) & ~held if high >= max(low, 1) else 0
    if not free:
        return 0
    return (free & -free).bit_length() - 1 if lowest else free.bit_length() - 1


def by_name(name: str, direct: bool) -> tuple[int, str]:
    """A :data:`Turn`: what the project itself names comes first, and then names decide."""
    return (0 if direct else 1, name)


def directs(encoding: Encoding) -> dict[str, int]:
    """The packages that the project itself names, in the order of the file, each with its place there.

    One that it names for some environments alone is direct in all of them. So the order does not depend on the cells.
    Lines that hold nowhere come last.
    """
    lines = sorted(encoding.root.edges, key=lambda edge: not edge.encoded)
    names = dict.fromkeys(edge.package.name for edge in lines)
    return {name: place for place, name in enumerate(names)}


def traverse(encoding: Encoding, choose: Callable[[Cell, bool], int], turn: Turn) -> Selection:
    """What the project reaches, step by step along the edges of what is selected.

    Args:
        choose: the rank of a cell; told whether the project itself names the package.
        turn: which of the cells that were reached is next: the lowest turn, and of equal ones the first reached.
    """
    selection = Selection()
    unlisted: dict[str, None] = {}
    seen = selection.asked
    waiting: list[tuple[tuple[int, str], int, Cell, str]] = []
    direct = directs(encoding)

    def follow(edges: Iterable[Edge]) -> None:
        for edge in edges:
            if not edge.package.listed and encoding.domain.satisfiable(edge.node.demand, edge.region):
                unlisted[edge.package.name] = None
            for cell in edge.package.cells:
                if (cell.guard, 0) in edge.encoded:
                    for extra in ("", *edge.dependency.extras):
                        if (cell, extra) not in seen:
                            seen.add((cell, extra))
                            place = turn(cell.package.name, cell.package.name in direct)
                            heappush(waiting, (place, len(seen), cell, extra))

    follow(encoding.root.edges)
    while waiting:
        _, _, cell, extra = heappop(waiting)
        if cell not in selection.ranks:
            selection.ranks[cell] = choose(cell, cell.package.name in direct)
        rank = selection.ranks[cell]
        follow(cell.nodes[extra].of(rank))
    selection.unlisted = list(unlisted)
    return selection
