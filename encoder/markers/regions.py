"""Where things are reached: the least fixpoint along steps, with formulas over environments for regions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of
from satlock.encoder.markers.shortest import Shortener

__all__ = ["Regions", "closure"]

_LARGE = 24
"""Regions with more atoms or parts than this are brought into a short form before they grow further."""

Node = TypeVar("Node")


class Regions(dict[Node, Formula]):
    """The region of each node that was reached.

    They grow from nothing, so what leads round in a circle does not hold itself up::

        for target, where in first_steps:
            regions.grow(target, where)
        for node in regions.grown():
            for target, where in steps_from(node):
                regions.grow(target, regions[node], where)
    """

    def __init__(self, domain: Domain, shortener: Shortener | None = None) -> None:
        super().__init__()
        self.domain, self.shortener = domain, shortener or Shortener(domain)
        self._waiting: deque[Node] = deque()

    def at(self, node: Node) -> Formula:
        """Where a node is reached, as far as is known."""
        return self.get(node, FALSE)

    def grow(self, node: Node, *where: Formula, within: Formula = TRUE) -> bool:
        """Notes that a node is reached where all of ``where`` holds; returns whether that is new somewhere.

        Args:
            within: where the node exists; ``where`` is inside of it.
        """
        known = self.at(node)
        if known is within or not self.domain.satisfiable(*where, ~known):
            return False
        grown = any_of((known, all_of(where)))
        self[node] = within if self.domain.implies(within, grown) else self.in_short(grown)
        if node not in self._waiting:
            self._waiting.append(node)
        return True

    def in_short(self, region: Formula) -> Formula:
        """The same region, in a short form where it is a long one."""
        return self.shortener.in_short(region, _LARGE)

    def grown(self) -> Iterator[Node]:
        """Each node that has grown, and again where it has grown since, until none does."""
        while self._waiting:
            yield self._waiting.popleft()


def closure(start: Iterable[Node], after: Callable[[Node], Iterable[Node]]) -> dict[Node, None]:
    """What steps lead to from ``start``, wherever they hold, and that itself; in the order in which it is found."""
    found = dict.fromkeys(start)
    todo = list(found)
    while todo:
        for node in after(todo.pop()):
            if node not in found:
                found[node] = None
                todo.append(node)
    return found
