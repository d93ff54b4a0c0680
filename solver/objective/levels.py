"""In which order packages are chosen: whoever requires before what is required.

A package chosen before one that requires it may leave its requirer nothing but an ancient version that did not yet
say so. Packages that require each other in a cycle share a level.
"""

from __future__ import annotations

from satlock.encoder.formula.encoding import Encoding

__all__ = ["levels"]


def levels(encoding: Encoding) -> dict[str, int]:
    """For each package the steps of the longest way to it over all known requirements; a cycle counts as one place."""
    graph = {
        package.name: list(
            dict.fromkeys(
                edge.package.name
                for cell in package.cells
                for node in cell.nodes.values()
                for edge in node.edges
                if edge.encoded
            )
        )
        for package in encoding.packages.values()
    }
    level = dict.fromkeys(graph, 0)
    for component in reversed(_components(graph)):
        height = max(level[name] for name in component)
        for name in component:
            level[name] = height
        for name in component:
            for target in graph[name]:
                if target not in component:
                    level[target] = max(level[target], height + 1)
    return level


def _components(graph: dict[str, list[str]]) -> list[frozenset[str]]:
    """Strongly connected components, each after those it leads to (Tarjan 1972, without recursion)."""
    found: list[frozenset[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_names: list[str] = []
    is_open: set[str] = set()
    for start, first in graph.items():
        path = [] if start in number else [(start, iter(first))]
        while path:
            name, targets = path[-1]
            if name not in number:
                number[name] = lowest[name] = len(number)
                open_names.append(name)
                is_open.add(name)
            for target in targets:
                if target not in number:
                    path.append((target, iter(graph[target])))
                    break
                if target in is_open:
                    lowest[name] = min(lowest[name], number[target])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[name])
                if lowest[name] == number[name]:
                    place = open_names.index(name)
                    found.append(frozenset(open_names[place:]))
                    is_open -= found[-1]
                    del open_names[place:]
    return found
