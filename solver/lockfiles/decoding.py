"""From a selection to a lock: where each selected candidate is reached, and what that makes of markers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from packaging.version import Version

from satlock.corpora.facts import File
from satlock.corpora.references import Direct
from satlock.encoder.formula.candidates import Build
from satlock.encoder.formula.cells import Cell, Package
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.formula.ranking import is_exact, listed_files
from satlock.encoder.markers.marker import Formula, all_of, any_of
from satlock.encoder.markers.shortest import Shortener, spelled_for_people
from satlock.encoder.markers.specifiers import python_lower_bounds
from satlock.encoder.project.project import Choice, Project
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass
from satlock.solver.lockfiles.lock import Lock, LockedPackage, LockedRequirement, Needs
from satlock.solver.lockfiles.serving import Serving
from satlock.solver.lockfiles.yanked import yanked
from satlock.solver.search.reached import edges_from, reached
from satlock.solver.search.selection import Selection

__all__ = ["decode"]


def decode(project: Project, universe: Universe, encoding: Encoding, selection: Selection) -> Lock:
    """The lock that a selection stands for (``docs/solver.md#from-cells-to-markers``)."""
    regions = reached(encoding, selection)
    domain, shortener = encoding.domain, Shortener(encoding.domain, spelled_for_people(project))
    entries: dict[tuple[str, Version, str], list[tuple[Cell, Build]]] = {}
    for (cell, extra), region in regions.items():
        if extra:
            continue
        for build in cell.candidates[selection.ranks[cell]].builds:
            if domain.satisfiable(region, build.region):
                key = (cell.package.name, Version(build.version), build.index)
                entries.setdefault(key, []).append((cell, build))
    edges, packages, withdrawn = _Edges(encoding, selection, regions), [], []
    serving = Serving(project)
    for (name, _, index), holders in sorted(entries.items(), key=lambda item: item[0]):
        build = holders[0][1]
        region = any_of(regions[cell, ""] & part.region for cell, part in holders)
        needs = edges.needs(holders)
        if build.release.yanked:
            withdrawn.append(yanked(name, build.release, index, edges.naming(holders, project, universe)))
        files = serving.of(build.files, region) if build.direct is None else _archive_of(build.direct)
        listed = serving.of(listed_files(name, build, project), region) if build.direct is None else files
        packages.append(
            LockedPackage(
                name=name,
                version=build.version,
                index=index,
                region=region,
                marker=shortener.marker(region),
                requires_python=python_lower_bounds(build.release.requires_python or "") or None,
                files=files,
                dependencies=tuple(
                    sorted({(to.name, to.version, to.index) for need in needs.values() for to in need.requirements})
                ),
                needs=needs,
                unmet_extras=_unmet(selection, regions, holders),
                direct=build.direct,
                barred=tuple(file for file in listed if file not in files and file.hashes),
            )
        )
    return Lock(
        packages=tuple(packages),
        requires_python=str(project.requires_python) or None,
        environments=tuple(str(marker) for marker in project.environments),
        extras=tuple(project.extras),
        groups=tuple(project.groups),
        default_groups=project.default_groups,
        roots=edges.roots(universe),
        relative=frozenset(index.url for index in project.indexes if index.relative),
        yanked=tuple(withdrawn),
    )


def _archive_of(direct: Direct) -> tuple[File, ...]:
    return (direct.file,) if direct.file is not None else ()


_Steps: TypeAlias = dict[tuple[str, str, str, tuple[str, ...]], list[Formula]]
"""(name, version, index, extras) of entries, with the regions in which they are taken."""


@dataclass(frozen=True)
class _Edges:
    """The steps that a lock consists of."""

    encoding: Encoding
    selection: Selection
    regions: Mapping[tuple[Cell, str], Formula]
    """Where each selected package and extra is reached."""

    def needs(self, holders: list[tuple[Cell, Build]]) -> dict[str, Needs]:
        """What an entry requires, by extra: of all the cells that hold it."""
        found: dict[str, tuple[list[Formula], _Steps]] = {}
        for cell, build in holders:
            for extra in [extra for holder, extra in self.regions if holder is cell]:
                reached, steps = found.setdefault(extra, ([], {}))
                reached.append(self.regions[cell, extra] & build.region)
                for edge in edges_from(self.encoding, self.selection, cell, extra):
                    assert edge.package is not None
                    # In the cell alone this edge is stated; other cells of the entry may state others.
                    stated = (cell.region, build.region, edge.region)
                    self._step(steps, edge.package, edge.dependency.extras, self.regions[cell, extra], stated)
        return {extra: Needs(any_of(reached), _listed(steps)) for extra, (reached, steps) in sorted(found.items())}

    def naming(self, holders: list[tuple[Cell, Build]], project: Project, universe: Universe) -> Iterator[str]:
        """Who names exactly the version of an entry: the project first."""
        satisfiable, who = self.encoding.domain.satisfiable, []
        for cell, build in holders:
            there = (self.regions[cell, ""], build.region)
            for one in project.constraints:
                exact = one.name == cell.package.name and is_exact(one.specifier)
                if exact and satisfiable(*there, universe.where(one.marker)):
                    who.append("the project")
            for edge in cell.package.incoming:
                source, extra = edge.node.cell, edge.node.extra
                if not is_exact(edge.dependency.specifier) or not satisfiable(*there, edge.region):
                    continue
                if source is None:
                    who.append("the project")
                elif (
                    self.selection.ranks.get(source) == edge.rank
                    and (source, extra) in self.regions
                    and satisfiable(*there, edge.region, self.regions[source, extra])
                ):
                    who.append(f"{source.package.name} {source.candidates[edge.rank].version}")
        yield from sorted(who, key=lambda one: (one != "the project", one))

    def roots(self, universe: Universe) -> dict[Choice | None, tuple[LockedRequirement, ...]]:
        """What the project itself requires, by the choice that lists it."""
        found: dict[Choice | None, _Steps] = {}
        for root in universe.roots:
            steps = found.setdefault(root.choice, {})
            for stated in root.dependencies(universe.edits):
                package = self.encoding.packages.get(stated.name)
                if package is not None:
                    self._step(steps, package, stated.extras, root.active, (stated.marker,))
        return {choice: _listed(steps) for choice, steps in found.items()}

    def _step(
        self, steps: _Steps, package: Package, extras: tuple[str, ...], reached: Formula, stated: tuple[Formula, ...]
    ) -> None:
        """Adds the entries that serve a requirement which is stated in one region, and ``reached`` in another."""
        domain = self.encoding.domain
        for target in package.cells:
            if (target, "") not in self.regions or not domain.satisfiable(reached, *stated, target.region):
                continue
            offered = (extra for extra in extras if edges_from(self.encoding, self.selection, target, extra))
            asked = tuple(sorted(offered))
            for build in target.candidates[self.selection.ranks[target]].builds:
                if domain.satisfiable(reached, *stated, target.region, build.region):
                    key = (package.name, build.version, build.index, asked)
                    steps.setdefault(key, []).append(all_of((*stated, target.region, build.region)))


def _listed(steps: _Steps) -> tuple[LockedRequirement, ...]:
    return tuple(LockedRequirement(*key, any_of(regions)) for key, regions in sorted(steps.items()))


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
