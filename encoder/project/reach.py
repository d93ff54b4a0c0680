"""What the project reaches along direct references alone: source trees and archives, and what they require of these.

In every environment where the project asks for such a candidate, no lock can do without it. So all of them are read
before the search begins, and where each is reached is known exactly; what an index package requires is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from satlock.corpora.references import Direct, Reference
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import Formula, any_of
from satlock.encoder.markers.regions import Regions
from satlock.encoder.project.dependencies import Dependencies, Dependency, Edits, dependency_of
from satlock.encoder.project.lowering import Lowering, lowering_of
from satlock.encoder.project.project import Choice, Project, ProjectError, Requirement
from satlock.records import dataclass, field

__all__ = ["Claim", "Reached", "Root", "dependencies_of", "reach"]


@dataclass(frozen=True)
class Root:
    """A requirement of the project itself (or of a member that is locked with it), and where it is active."""

    requirement: Requirement
    active: Formula
    """When what lists it is in force; its own marker comes on top."""
    choice: Choice | None
    """The extra or group that lists it; None for ``project.dependencies``."""
    marker: Formula
    """Its own marker, there."""
    lowering: Lowering | None = None
    """The sources of the member that lists it."""

    def dependencies(self, edits: Edits) -> list[Dependency]:
        """As it is encoded: with its marker, and with what overrides and sources make of it."""
        stated = dependency_of(self.requirement, self.marker)
        found = edits.apply([stated])
        if self.lowering is None:
            return list(found)
        kind, name = (self.choice.kind, self.choice.name) if self.choice else ("", "")
        return [lowered for each in found for lowered in self.lowering.apply(each, kind, name)]


@dataclass(frozen=True)
class Claim:
    """That in ``region`` a package comes from one reference, or one index."""

    region: Formula
    text: str
    """Who says so, for a person: a scope of a source, or what requires it."""
    reference: Reference | None = None
    index: tuple[str, str] | None = None
    """(name, URL)"""


@dataclass
class Reached:
    """The outcome. Claims of one package stand in order of precedence."""

    claims: dict[str, list[Claim]]
    where: Regions[tuple[Reference, str]]
    """By reference and extra (``""`` for the package itself)."""
    extras: Regions[tuple[str, str]]
    """As ``where``, by package name."""
    brought: Regions[str]
    """The extras of the project itself that others ask for, and where."""
    unknown: dict[Reference, None] = field(default_factory=dict)
    """What is reached and was not read yet."""
    closed: bool = True
    """Whether references serve all that is required: then no index has anything to do with the project."""


def dependencies_of(direct: Direct, edits: Edits) -> Dependencies:
    """What a direct candidate requires, by its own sources."""
    told = direct.metadata
    return Dependencies(told.requires_dist, told.provides_extra, told.name, told.version, edits, lowering_of(direct))


def reach(  # noqa: PLR0917
    project: Project,
    stated: Sequence[Root],
    claims: Mapping[str, Sequence[Claim]],
    known: Mapping[Reference, Direct],
    edits: Edits,
    domain: Domain,
) -> Reached:
    """Follows direct references from what the project states.

    Args:
        claims: those of the project's own sources, which come before all others.
        known: what references came to, as far as they were read.

    Raises:
        ProjectError: a reference came to another package than the one that it is to be.
    """
    own = {name: list(found) for name, found in claims.items()}
    reached = Reached(own, Regions(domain), Regions(domain), Regions(domain))
    read: dict[Reference, Dependencies] = {}
    edges = [
        (dependency, each.active & dependency.marker, each.requirement.origin)
        for each in stated
        for dependency in each.dependencies(edits)
    ]
    grown, below = True, edges
    while grown:
        grown = False
        below = list(edges)
        for (reference, extra), region in list(reached.where.items()):
            direct = known.get(reference)
            if direct is None:
                reached.unknown[reference] = None
                continue
            if reference not in read:
                read[reference] = dependencies_of(direct, edits)
            try:
                wanted = read[reference].of(extra)
            except ValueError as error:
                raise ProjectError(f"{project.path}: {direct.metadata.name} cannot be locked: {error}.") from None
            below += [(dependency, region & dependency.marker, dependency.origin) for dependency in wanted]
        for dependency, region, origin in below:
            if dependency.name == project.name:
                for extra in dependency.extras:
                    grown |= reached.brought.grow(extra, region)
            else:
                grown |= _follow(reached, dependency, region, origin, domain)
    reached.unknown = {reference: None for reference in reached.unknown if reference not in known}
    reached.closed = not reached.unknown and not any(
        _is_open(reached, dependency, region, domain)
        for dependency, region, _ in below
        if dependency.name != project.name
    )
    for name, found in reached.claims.items():
        for claim in found:
            direct = known.get(claim.reference) if claim.reference is not None else None
            if direct is not None and direct.metadata.name != name:
                raise ProjectError(
                    f"{project.path}: {name} is taken from {claim.reference} ({claim.text}), which is the package "
                    f"'{direct.metadata.name}'; correct the name or the source."
                )
    return reached


def _follow(reached: Reached, dependency: Dependency, region: Formula, origin: str, domain: Domain) -> bool:
    """Takes note of one requirement; whether anything is new."""
    name, grown = dependency.name, False
    direct = dependency.reference is not None or dependency.index is not None
    if not (direct or name in reached.claims) or not domain.satisfiable(region):
        return False
    if direct:
        claims = reached.claims.setdefault(name, [])
        same = [c.region for c in claims if (c.reference, c.index) == (dependency.reference, dependency.index)]
        if domain.satisfiable(region, ~any_of(same)):
            claims.append(Claim(region, origin, dependency.reference, dependency.index))
            grown = True
    for claim in reached.claims.get(name, ()):
        demanded = dependency.reference in (None, claim.reference)
        if claim.reference is None or not demanded or not domain.satisfiable(region, claim.region):
            continue
        for extra in ("", *dependency.extras):
            grown |= reached.where.grow((claim.reference, extra), region, claim.region)
            reached.extras.grow((name, extra), region, claim.region)
    return grown


def _is_open(reached: Reached, dependency: Dependency, region: Formula, domain: Domain) -> bool:
    """Whether an index has to serve a requirement somewhere."""
    claims = reached.claims.get(dependency.name, ())
    return domain.satisfiable(region, ~any_of(claim.region for claim in claims if claim.reference is not None))
