"""Why there is no lock, as a short story that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from encoder.cells import Fact
from encoder.universe import Universe

from .search import NoLock

__all__ = ["explain"]


def explain(no_lock: NoLock, universe: Universe, searched: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """The lines of the explanation, the first of which says what is the matter.

    Args:
        searched: the indexes that were asked for each package, where that is known.
    """
    where = f" for {no_lock.witness}" if no_lock.witness else ""
    return [f"There is no lock{where}:", *(f"  - {_told(fact)}" for fact in no_lock.facts)]


def _told(fact: Fact) -> str:
    names = ", ".join(cell.package.name for cell in fact.cells)
    return f"{fact.edge.dependency.text if fact.edge else fact.detail} ({fact.kind} of {names})"
