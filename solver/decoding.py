"""From a selection to a lock: where each selected candidate is reached, and what that makes of markers."""

from __future__ import annotations

from collections import deque

from packaging.version import Version

from encoder.candidates import Build
from encoder.cells import Cell, Edge
from encoder.encoding import Encoding
from encoder.marker import FALSE, TRUE, Formula, all_of, any_of
from encoder.project import Project
from encoder.specifiers import python_lower_bounds
from encoder.universe import Universe

from .lock import Lock, LockedPackage
from .newest_first import Selection
from .shortest import Shortener

__all__ = ["decode", "reached"]

_LARGE = 24
"""Regions with more atoms or parts than this are brought into a short form before they grow further."""


def reached(encoding: Encoding, selection: Selection) -> dict[tuple[Cell, str], Formula]:
    """Where the project reaches each selected package and extra: the least fixpoint along active requirements.

    Least, so that a cycle of packages that require each other is not reached by itself.
    """
    domain = encoding.domain
    shortener = Shortener(domain)
    regions: dict[tuple[Cell, str], Formula] = {}
    waiting: deque[tuple[Cell | None, str]] = deque([(None, "")])
    while waiting:
        cell, extra = waiting.popleft()
        source = TRUE if cell is None else regions[cell, extra]
        for edge in edges_from(encoding, selection, cell, extra):
            assert edge.package is not None
            for target in edge.package.cells:
                parts = (source, edge.region, target.region)
                if target not in selection.ranks or not domain.satisfiable(*parts):
                    continue
                for wanted in ("", *edge.dependency.extras):
                    known = regions.get((target, wanted), FALSE)
                    if known is target.region or not domain.satisfiable(*parts, ~known):
                        continue
                    grown = any_of((known, all_of(parts)))
                    if domain.implies(target.region, grown):
                        grown = target.region
                    elif len(grown.atoms) + len(grown.args) > _LARGE:
                        grown = shortener.formula(grown)
                    regions[target, wanted] = grown
                    if (target, wanted) not in waiting:
                        waiting.append((target, wanted))
    return regions


def edges_from(encoding: Encoding, selection: Selection, cell: Cell | None, extra: str) -> list[Edge]:
    """The requirements of what a cell selects (or of the project)."""
    if cell is None:
        return [edge for edge in encoding.root.edges if edge.package]
    rank = selection.ranks[cell]
    node = cell.nodes.get(extra)
    return [edge for edge in node.edges if edge.package and edge.rank == rank] if node else []


def decode(project: Project, universe: Universe, encoding: Encoding, selection: Selection) -> Lock:
    """The lock that a selection stands for."""
    regions = reached(encoding, selection)
    domain, shortener = encoding.domain, Shortener(encoding.domain)
    entries: dict[tuple[str, Version, str], list[tuple[Cell, Build]]] = {}
    for (cell, extra), region in regions.items():
        if extra:
            continue
        for build in cell.candidates[selection.ranks[cell]].builds:
            if domain.satisfiable(region, build.region):
                key = (cell.package.name, Version(build.version), build.index)
                entries.setdefault(key, []).append((cell, build))
    packages = []
    for (name, _, index), holders in sorted(entries.items(), key=lambda item: item[0]):
        build = holders[0][1]
        region = any_of(regions[cell, ""] & part.region for cell, part in holders)
        packages.append(
            LockedPackage(
                name=name,
                version=build.version,
                index=index,
                region=region,
                marker=shortener.marker(region),
                requires_python=python_lower_bounds(build.release.requires_python or "") or None,
                files=build.files,
                dependencies=_dependencies(encoding, selection, regions, holders),
                unmet_extras=_unmet(selection, regions, holders),
                direct=build.direct,
            )
        )
    return Lock(
        packages=tuple(packages),
        requires_python=str(project.requires_python) or None,
        environments=tuple(str(marker) for marker in project.environments),
        extras=tuple(project.extras),
        groups=tuple(project.groups),
        default_groups=project.default_groups,
    )


def _dependencies(
    encoding: Encoding,
    selection: Selection,
    regions: dict[tuple[Cell, str], Formula],
    holders: list[tuple[Cell, Build]],
) -> tuple[tuple[str, str, str], ...]:
    domain = encoding.domain
    found: set[tuple[str, str, str]] = set()
    for cell, build in holders:
        for extra in [e for c, e in regions if c is cell]:
            here = (regions[cell, extra], build.region)
            for edge in edges_from(encoding, selection, cell, extra):
                assert edge.package is not None
                for target in edge.package.cells:
                    if (target, "") not in regions or not domain.satisfiable(*here, edge.region, target.region):
                        continue
                    for other in target.candidates[selection.ranks[target]].builds:
                        if domain.satisfiable(*here, edge.region, target.region, other.region):
                            found.add((edge.package.name, other.version, other.index))
    return tuple(sorted(found))


def _unmet(
    selection: Selection, regions: dict[tuple[Cell, str], Formula], holders: list[tuple[Cell, Build]]
) -> tuple[str, ...]:
    unmet: set[str] = set()
    for cell, build in holders:
        for region, dependencies in cell.attached[selection.ranks[cell]]:
            if region is build.region:
                asked = {extra for c, extra in regions if c is cell and extra}
                unmet |= asked - dependencies.provides
    return tuple(sorted(unmet))
