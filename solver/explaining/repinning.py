"""Steps on where packages come from: a source for what only a pinned index has, and a source in fewer environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from satlock.encoder.formula.facts import Required
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, Matches, PythonAtLeast, all_of, any_of
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.amendments import setting_path
from satlock.encoder.project.universe import Pin
from satlock.solver.explaining.steps import Clash, Step

__all__ = ["LARGEST_PLACE", "elsewhere", "narrower", "pinned_to", "sources_of"]

LARGEST_PLACE = 12
"""A place that more atoms than this describe is not turned into a marker."""


def elsewhere(clash: Clash, document: Mapping[str, Any], name: str) -> Iterator[Step]:
    """Sources that send a package to an index which gives nothing to packages that are not pinned to it."""
    named = [index.name for index in clash.project.indexes if index.explicit and index.name]
    edges = [fact.edge for fact in clash.facts if isinstance(fact, Required)]
    asking = {edge.node.cell.package.name for edge in edges
              if edge.node.cell and edge.package.name == name}  # fmt: skip
    scopes: dict[tuple[str, tuple[tuple[str, str], ...]], None] = {}
    for one in sorted(asking):
        for _, entries in sources_of(document, one):
            for entry in entries:
                keys = (key for key in ("extra", "group", "marker") if isinstance(entry.get(key), str))
                scope = tuple((key, entry[key]) for key in keys)
                scopes[entry.get("index", ""), scope] = None
    # An index that nobody asks of what requires it may have it all the same, but is looked at only where it is alone.
    for index, scope in scopes or dict.fromkeys((index, ()) for index in named):
        if index in named and index not in pinned_to(document, name):
            yield Step("source", (name, index, scope), opens=True)


def narrower(clash: Clash, name: str, pin: Pin) -> Iterator[Step]:
    """A pin that is no longer in force where the clash is."""
    if clash.witness is None or len(clash.place.atoms) > LARGEST_PLACE:
        return
    domain = clash.universe.domain
    cover = Shortener(domain).cover(clash.place)
    place = any_of(all_of(part for part in cube if _is_environment(part)) for cube in cover) if cover else TRUE
    if place is not TRUE and place is not FALSE and domain.satisfiable(pin.region, ~place):
        marker = Shortener(domain).marker(~place)
        if marker is not None:
            yield Step("narrow", (name, pin.index, marker), opens=True)


def _is_environment(literal: Formula) -> bool:
    return all(isinstance(atom, Matches | PythonAtLeast) for atom in literal.atoms)


def pinned_to(document: Mapping[str, Any], name: str) -> list[str]:
    return [entry.get("index", "") for _, entries in sources_of(document, name) for entry in entries]


def sources_of(document: Mapping[str, Any], name: str) -> Iterator[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    from satlock.corpora.names import canonicalize_name

    path = setting_path(document, "sources")
    for key, entries in document.get("tool", {}).get(path[1], {}).get("sources", {}).items():
        if canonicalize_name(key) == name:
            yield (*path, key), entries if isinstance(entries, list) else [entries]
