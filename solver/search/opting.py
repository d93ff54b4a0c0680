"""Where the project asks for pre-releases of a package, by naming one (PEP 440)."""

from __future__ import annotations

from satlock.encoder.formula.ranking import names_prerelease
from satlock.encoder.markers.marker import FALSE, Formula, any_of, with_others_made
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe

__all__ = ["opted_in"]


def opted_in(name: str, project: Project, universe: Universe) -> Formula:
    """The environments in which the project itself opts in to pre-releases of a package; in ``explicit`` alone it must.

    What no conflict names is taken as chosen: a project is developed and shipped with one version.
    """
    if project.prerelease_package.get(name, project.prerelease) != "explicit":
        return FALSE
    everywhere = [r for r in (*project.constraints, *project.overrides) if r.name == name]
    regions = [universe.where(r.marker) for r in everywhere if names_prerelease(r.specifier)]
    regions += [
        root.active & root.marker
        for root in universe.roots
        if root.requirement.name == name and names_prerelease(root.requirement.specifier)
    ]
    named = (choice for members in (*project.conflicts, *project.exclusions) for choice in members)
    return with_others_made(any_of(regions), frozenset(named))
