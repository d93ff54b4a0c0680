"""The universe: the set of environments a project admits, and where in it each choice and each pin is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from .domain import Domain, Environment
from .marker import FALSE, TRUE, Formula, all_of, any_of, chosen, from_marker, from_python_specifier
from .project import Choice, Project, ProjectError, Requirement

__all__ = ["Pin", "PinsOverlap", "Root", "Universe", "universe_of"]


class PinsOverlap(ProjectError):
    """Two pins send one package to different indexes in one environment, the ``witness``."""

    def __init__(self, said: str, witness: Environment) -> None:
        super().__init__(said)
        self.witness: Environment | None = witness


@dataclass(frozen=True)
class Root:
    """A requirement of the project itself, with the region in which it is active."""

    requirement: Requirement
    active: Formula
    """When what lists it is in force; its own marker comes on top."""
    choice: Choice | None
    """The extra or group that lists it; None for ``project.dependencies``."""


@dataclass(frozen=True)
class Pin:
    """In ``region``, a package comes from the index named ``index`` only."""

    index: str
    region: Formula
    text: str
    """Its scope as a person would say it, e.g. ``extra 'cpu'``."""


@dataclass(frozen=True)
class Universe:
    domain: Domain
    roots: tuple[Root, ...]
    """In the order of the file: dependencies, extras, groups."""
    active: Mapping[Choice, Formula]
    """When a choice is in force: chosen itself, or pulled in by another one."""
    pins: Mapping[str, tuple[Pin, ...]]
    unusable: tuple[Choice, ...]
    """Choices that no environment admits, since they bring conflicting ones together."""


def universe_of(project: Project) -> Universe:
    """Builds the universe of a project.

    Raises:
        ProjectError: where no environment is left, or two pins of a package overlap.
    """
    active = _activations(project)
    pythons = from_python_specifier(str(project.requires_python))
    platforms = any_of(from_marker(m) for m in project.environments) if project.environments else TRUE
    axioms = [~(active[a] & active[b]) for members in project.conflicts for a, b in combinations(members, 2) if a != b]
    axioms += [~all_of(active[choice] for choice in members) for members in project.exclusions]
    domain = Domain(all_of([pythons, platforms, *axioms]))
    if not domain.satisfiable(TRUE):
        raise ProjectError(
            f"{project.path}: requires-python and tool.uv.environments leave no environment; widen one of them."
        )
    unusable = tuple(choice for choice in active if not domain.satisfiable(chosen(choice)))
    return Universe(domain, tuple(_roots(project, active)), active, _pins(project, active, domain), unusable)


def _activations(project: Project) -> dict[Choice, Formula]:
    """PEP 735 includes and self-referencing extras: one choice brings others with it, sometimes under a marker."""
    choices = [Choice("extra", name) for name in project.extras] + [Choice("group", name) for name in project.groups]
    brought_by: dict[Choice, list[tuple[Choice | None, Formula]]] = {choice: [] for choice in choices}
    for group, included in project.group_includes.items():
        for name in included:
            brought_by[Choice("group", name)].append((Choice("group", group), TRUE))
    for by, requirement in _listed(project):
        if requirement.name == project.name:
            for extra in requirement.extras:
                brought_by[Choice("extra", extra)].append((by, from_marker(requirement.marker)))

    def paths(choice: Choice, on_path: frozenset[Choice]) -> Formula:
        ways = [chosen(choice)]
        for by, marker in brought_by[choice]:
            if by is None:
                ways.append(marker)
            elif by not in on_path:
                ways.append(marker & paths(by, on_path | {by}))
        return any_of(ways)

    return {choice: paths(choice, frozenset((choice,))) for choice in choices}


def _listed(project: Project) -> Iterator[tuple[Choice | None, Requirement]]:
    for requirement in project.dependencies:
        yield None, requirement
    for name, requirements in project.extras.items():
        for requirement in requirements:
            yield Choice("extra", name), requirement
    for name, requirements in project.groups.items():
        for requirement in requirements:
            yield Choice("group", name), requirement


def _roots(project: Project, active: Mapping[Choice, Formula]) -> Iterator[Root]:
    for choice, requirement in _listed(project):
        if requirement.name != project.name:
            yield Root(requirement, TRUE if choice is None else active[choice], choice)


def _pins(project: Project, active: Mapping[Choice, Formula], domain: Domain) -> dict[str, tuple[Pin, ...]]:
    pins: dict[str, tuple[Pin, ...]] = {}
    for name, sources in project.sources.items():
        merged: dict[str, list[tuple[Formula, str]]] = {}
        for source in sources:
            scope = active[source.choice] if source.choice else TRUE
            said = [str(source.choice)] if source.choice else []
            said += [str(source.marker)] if source.marker else []
            merged.setdefault(source.index, []).append(
                (scope & from_marker(source.marker), " and ".join(said) or "everywhere")
            )
        found = tuple(
            Pin(index, any_of(region for region, _ in scopes), " or ".join(text for _, text in scopes))
            for index, scopes in merged.items()
        )
        for one, other in combinations(found, 2):
            where = domain.witness(one.region, other.region)
            if where is not None:
                raise PinsOverlap(
                    f"{project.path}: [tool.uv.sources] {name} is pinned to index {one.index!r} ({one.text}) and to "
                    f"{other.index!r} ({other.text}) at once, e.g. for {where}; narrow their markers, or list the "
                    f"extras in tool.uv.conflicts.",
                    where,
                )
        pins[name] = tuple(pin for pin in found if pin.region is not FALSE)
    return pins
