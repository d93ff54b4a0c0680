"""Where the project asks for what is left alone otherwise, by naming it: a pre-release, or one build (PEP 440)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.encoder.formula.ranking import named_build, names_prerelease
from satlock.encoder.markers.marker import FALSE, Formula, any_of, decided
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe

__all__ = ["builds_named", "opted_in"]


def opted_in(name: str, project: Project, universe: Universe) -> Formula:
    """Where the project itself asks for pre-releases of a package; FALSE unless they serve only then (``explicit``).

    What no conflict names is taken as chosen: a project is developed and shipped with one version.
    """
    if project.prerelease_package.get(name, project.prerelease) != "explicit":
        return FALSE
    asked = _asked(name, project, universe)
    return _where((region for specifiers, region in asked if names_prerelease(specifiers)), project)


def builds_named(name: str, project: Project, universe: Universe) -> dict[Version, Formula]:
    """The builds of a package that the project itself asks for by their local version (``==2.5.1+cpu``), and where.

    What no conflict names is taken as chosen, as for pre-releases.
    """
    found: dict[Version, list[Formula]] = {}
    for specifiers, region in _asked(name, project, universe):
        if (build := named_build(specifiers)) is not None:
            found.setdefault(build, []).append(region)
    return {build: _where(regions, project) for build, regions in found.items()}


def _asked(name: str, project: Project, universe: Universe) -> Iterator[tuple[SpecifierSet, Formula]]:
    for one in (*project.constraints, *project.overrides):
        if one.name == name:
            yield one.specifier, universe.where(one.marker)
    for root in universe.roots:
        if root.requirement.name == name:
            yield root.requirement.specifier, root.active & root.marker


def _where(regions: Iterable[Formula], project: Project) -> Formula:
    named = {choice for members in (*project.conflicts, *project.exclusions) for choice in members}
    return decided(any_of(regions), lambda choice: None if choice in named else True)
