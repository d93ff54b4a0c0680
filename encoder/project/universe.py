"""The universe: the set of environments a project admits, and where in it each choice and each pin is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from packaging.specifiers import SpecifierSet

from satlock.corpora.references import Direct, Reference, same_place
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import (
    FALSE,
    TRUE,
    Formula,
    all_of,
    any_of,
    chosen,
    forget_switches,
    from_marker,
    from_python_specifier,
    in_project,
    with_choices,
)
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.dependencies import Dependency, Edits, edits_of
from satlock.encoder.project.direct import reference_of_url
from satlock.encoder.project.lowering import lowering_of
from satlock.encoder.project.pinning import Pin, PinsOverlap, pins_of
from satlock.encoder.project.project import Choice, Member, Project, ProjectError, Requirement
from satlock.encoder.project.reach import Claim, Reached, Root, reach
from satlock.records import dataclass, field

__all__ = ["Pin", "PinsOverlap", "Root", "Universe", "universe_of"]


@dataclass(frozen=True)
class Universe:
    domain: Domain
    roots: tuple[Root, ...]
    """In the order of the file: dependencies, extras, groups."""
    active: Mapping[Choice, Formula]
    """When a choice is in force: chosen itself, or pulled in by another one."""
    own: Mapping[Choice, Formula]
    """The same as far as the project's own choices pull each other in; source trees that it requires may do, too."""
    pins: Mapping[str, tuple[Pin, ...]]
    unusable: tuple[Choice, ...]
    """Choices that no environment admits, since they bring conflicting ones together."""
    edits: Edits
    """What the project changes in everybody's requirements."""
    folder: Path
    known: dict[Reference, Direct] = field(default_factory=dict)
    """What references came to, as far as they were read."""
    unknown: tuple[Reference, ...] = ()
    """What has to be read before the universe is the project's: without it pins and conflicts are missing."""
    closed: bool = False
    """Whether references serve all that is required, so that no index is to be asked for anything."""

    def declared(self, dependency: Dependency) -> Reference | None:
        """The reference that a requirement names, if the project declares the same one for that package."""
        if dependency.url is None or dependency.reference is not None:
            return dependency.reference
        stated = [pin.reference for pin in self.pins.get(dependency.name, ()) if pin.reference is not None]
        if not stated:
            return None
        try:
            asked = reference_of_url(dependency.url, self.folder)
        except ValueError:
            return None
        return next((one for one in stated if same_place(one, asked)), None)

    def where(self, marker: Marker | None) -> Formula:
        """The environments that a marker of the project's settings speaks of."""
        return in_project(marker, self.active)


def universe_of(project: Project, known: Mapping[Reference, Direct] | None = None) -> Universe:
    """Builds the universe of a project.

    Args:
        known: what the references that the project reaches came to, as far as they were read.

    Raises:
        ProjectError: where no environment is left, or two pins of a package overlap.
    """
    known = dict(known or {})
    members = [member.name for member in project.members]
    may_be_left_out = frozenset(("", *members) if project.whole_workspace and project.conflicts else ())
    universe = _universe(project, known, may_be_left_out)
    named = {choice for conflict in project.conflicts for choice in conflict}
    active = [universe.active[choice] for choice in named if choice in universe.active]

    def decides(name: str) -> bool:
        itself = Choice("project", "", name)
        return itself in named or any(with_choices(each, frozenset((itself,))) is not FALSE for each in active)

    needed = frozenset(name for name in may_be_left_out if decides(name))
    return universe if needed == may_be_left_out else _universe(project, known, needed)


def _universe(project: Project, known: dict[Reference, Direct], optional: frozenset[str]) -> Universe:
    """``optional`` are the projects of a workspace that need not be installed themselves (``""`` for the root).

    Any of them may be left out by who installs. It only is a choice where that decides about a conflict: elsewhere all
    of them are installed on the same versions.
    """
    pythons = from_python_specifier(str(project.requires_python))
    platforms = any_of(from_marker(m) for m in project.environments) if project.environments else TRUE
    brought: dict[str, Formula] = {}
    while True:
        active = _activations(project, brought, optional)
        axioms = list(_axioms(project, active))
        domain = Domain(all_of([pythons, platforms, *axioms]))
        if not domain.satisfiable(TRUE):
            raise _no_environment(project, active, Domain(all_of([pythons, platforms])))
        roots = tuple(_roots(project, active, known, optional))
        edits = edits_of(project, active, itself=False)
        reached = reach(project, roots, _claims(project, active), known, edits, domain)
        if all(domain.implies(region, brought.get(extra, FALSE)) for extra, region in reached.brought.items()):
            break
        # Only ever more, since a setting may ask that an extra is not in force, which it then brings along.
        brought = {extra: any_of((region, brought.get(extra, FALSE))) for extra, region in reached.brought.items()}
    own = _activations(project, {}, optional)
    active |= _activations_elsewhere(project, active, reached)
    every = list(_axioms(project, active))
    if len(every) > len(axioms):
        domain = Domain(all_of([pythons, platforms, *every]))
        if not domain.satisfiable(TRUE):
            raise _no_environment(project, active, Domain(all_of([pythons, platforms])))
    whole = active.get(Choice("project", ""), TRUE)
    unusable = tuple(
        choice
        for choice in active
        if not choice.package and not domain.satisfiable(chosen(choice), whole if choice.kind == "extra" else TRUE)
    )
    pins = pins_of(project, reached, domain)
    edits = edits_of(project, active)
    folder, unknown = project.path.parent, tuple(reached.unknown)
    return Universe(domain, roots, active, own, pins, unusable, edits, folder, known, unknown, reached.closed)


def _no_environment(project: Project, active: Mapping[Choice, Formula], admitted: Domain) -> ProjectError:
    """Why a universe is empty whose Pythons and platforms are those ``admitted``."""
    if not admitted.satisfiable(TRUE):
        what = "requires-python and tool.uv.environments leave no environment; widen one of them."
        return ProjectError(f"{project.path}: {what}")
    pairs = (pair for members in project.conflicts for pair in combinations(members, 2) if set(pair) <= active.keys())
    for one, other in pairs:
        if one != other and admitted.implies(TRUE, active[one] & active[other]):
            said = f"{project.path} requires both {one} and {other}, which tool.uv.conflicts declares to be in conflict"
            return ProjectError(f"{said}; drop one of them, or the conflict.")
    return ProjectError(f"{project.path}: its own requirements bring what tool.uv.conflicts sets apart; drop one side.")


def _axioms(project: Project, active: Mapping[Choice, Formula]) -> Iterator[Formula]:
    """What the project's conflicts say of the choices whose activation is known."""
    for members in project.conflicts:
        for one, other in combinations(members, 2):
            if one != other and one in active and other in active:
                yield ~(active[one] & active[other])
    for members in project.exclusions:
        if all(choice in active for choice in members):
            yield ~all_of(active[choice] for choice in members)


def _activations(project: Project, brought: Mapping[str, Formula], optional: frozenset[str]) -> dict[Choice, Formula]:
    """PEP 735 includes and self-referencing extras: one choice brings others with it, sometimes under a marker.

    ``brought`` are the extras that source trees ask for which the project requires.
    """
    itself = Choice("project", "")
    choices = [Choice("extra", name) for name in project.extras] + [Choice("group", name) for name in project.groups]
    choices += [itself] if "" in optional else []
    brought_by: dict[Choice, list[tuple[Choice | None, Formula]]] = {choice: [] for choice in choices}
    for group, included in project.group_includes.items():
        for name in included:
            brought_by[Choice("group", name)].append((Choice("group", group), _pythons_of(project, group)))
    for by, requirement, marker in _listed(project):
        if requirement.name == project.name:
            for extra in requirement.extras:
                brought_by[Choice("extra", extra)].append((by, marker))
            if itself in brought_by and by is not None and by.kind == "group":
                brought_by[itself].append((by, marker))

    def paths(choice: Choice, on_path: frozenset[Choice]) -> Formula:
        ways = [chosen(choice)]
        if choice.kind == "extra" and choice.name in brought:
            ways.append(brought[choice.name])
        for by, marker in brought_by[choice]:
            if by is None:
                ways.append(marker & paths(itself, frozenset((itself,))) if "" in optional else marker)
            elif by not in on_path:
                ways.append(marker & paths(by, on_path | {by}))
        return any_of(ways)

    return {choice: paths(choice, frozenset((choice,))) for choice in choices}


def _listed(project: Project) -> Iterator[tuple[Choice | None, Requirement, Formula]]:
    """What the project lists, with what lists it and its marker there.

    As in uv, ``dependencies`` may say ``a; sys_platform == 'win32' or extra == 'x'``: the extra lists ``a`` as well.
    """
    for requirement in project.dependencies:
        plain = from_marker(requirement.marker)
        if plain is not FALSE or "extra" not in str(requirement.marker):
            yield None, requirement, plain
        for name in project.extras:
            marker = from_marker(requirement.marker, name)
            if marker is not plain and marker & ~plain is not FALSE:
                yield Choice("extra", name), requirement, marker & ~plain
    for name, requirements in project.extras.items():
        for requirement in requirements:
            yield Choice("extra", name), requirement, from_marker(requirement.marker, name)
    for name, requirements in project.groups.items():
        for requirement in requirements:
            yield Choice("group", name), requirement, from_marker(requirement.marker)


def _activations_elsewhere(
    project: Project, active: Mapping[Choice, Formula], reached: Reached
) -> dict[Choice, Formula]:
    """When the choices of other packages are in force that conflicts name: where the project reaches them."""
    found: dict[Choice, Formula] = {}
    named = (choice for members in project.conflicts for choice in members)
    for choice in dict.fromkeys((*named, *_choices_of_members(project, reached))):
        if choice in active:
            continue
        member = next((member for member in project.members if member.name == choice.package), None)
        region = reached.extras.get((choice.package, choice.name), FALSE)
        if choice.kind == "group":
            region = FALSE
            if member is not None and project.whole_workspace:
                region = _group(member, choice.name)
            elif project.name is None:
                region = active.get(Choice("group", choice.name), FALSE)
        elif choice.kind == "project" and not choice.package:
            region = TRUE
        found[choice] = region
    return found


def _choices_of_members(project: Project, reached: Reached) -> Iterator[Choice]:
    for member in project.members if project.whole_workspace else ():
        yield Choice("project", "", member.name)
        for package, extra in reached.extras:
            if package == member.name and extra:
                yield Choice("extra", extra, package)
        for group in member.groups:
            yield Choice("group", group, member.name)


def _group(member: Member, group: str) -> Formula:
    """When a group of a member is in force: chosen, or included by one that is."""
    including = sorted(by for by, included in member.group_includes.items() if group in included)
    ways = [_pythons_of(member, by) & _group(member, by) for by in including]
    return any_of((chosen(Choice("group", group, member.name)), *ways))


def _pythons_of(owner: Project | Member, group: str) -> Formula:
    """For which Pythons a group is."""
    specifiers = owner.group_pythons.get(group)
    return from_python_specifier(str(specifiers)) if specifiers else TRUE


def _roots(
    project: Project, active: Mapping[Choice, Formula], known: Mapping[Reference, Direct], optional: frozenset[str]
) -> Iterator[Root]:
    whole = active.get(Choice("project", ""), TRUE)
    for choice, requirement, marker in _listed(project):
        if requirement.name != project.name:
            needs_all = choice is None or choice.kind == "extra"  # a group can be installed alone
            region = active[choice] if choice is not None else TRUE
            yield Root(requirement, whole & region if needs_all else region, choice, marker)
    for member in project.members if project.whole_workspace else ():
        yield from _roots_of_member(member, known.get(member.folder), member.name in optional)


def _roots_of_member(member: Member, direct: Direct | None, optional: bool) -> Iterator[Root]:
    """In a lock of the whole workspace every member is installed, and its extras and groups are choices too."""
    itself = Choice("project", "", member.name)
    present = chosen(itself) if optional else TRUE

    def required(extra: str) -> Requirement:
        text = f"{member.name}[{extra}]" if extra else member.name
        extras = (extra,) if extra else ()
        origin = f"extra {extra} of {member.name}" if extra else f"the workspace member {member.name}"
        return Requirement(member.name, extras, SpecifierSet(), None, None, text, origin, member.folder)

    yield Root(required(""), present, itself, TRUE)
    if direct is None:
        return
    for extra in direct.metadata.provides_extra:
        choice = Choice("extra", extra, member.name)
        yield Root(required(extra), present & chosen(choice), choice, TRUE)
    lowering = lowering_of(direct)
    for group, requirements in member.groups.items():
        for requirement in requirements:
            choice, marker = Choice("group", group, member.name), from_marker(requirement.marker)
            yield Root(requirement, _group(member, group), choice, marker, lowering)


def _claims(project: Project, active: Mapping[Choice, Formula]) -> dict[str, list[Claim]]:
    """Where the project's own sources, and its workspace, say that packages come from."""
    claims: dict[str, list[Claim]] = {}
    urls = {index.name: index.url for index in project.indexes}
    for name, sources in project.sources.items():
        found = claims[name] = []
        for source in sources:
            # A uv.lock without conflicts has one answer for all choices, so that as in uv the source holds for all.
            everybody = project.whole_workspace and not project.conflicts
            scope = active[source.choice] if source.choice and not everybody else TRUE
            said = [str(source.choice)] if source.choice else []
            marker = str(source.marker or "")
            said += [f"({marker})" if said and " or " in marker else marker] if marker else []
            index = (source.index, urls.get(source.index, source.url)) if source.index else None
            where = in_project(source.marker, active)
            where = forget_switches(where) if everybody else where
            region = scope & where & _listed_by(project, source.choice, name, active)
            found.append(Claim(region, " and ".join(said) or "everywhere", source.reference, index))
    for constraint in project.constraints:
        if constraint.reference is not None:
            claim = Claim(in_project(constraint.marker, active), constraint.origin, constraint.reference)
            claims.setdefault(constraint.name, []).append(claim)
    for member in project.members:
        if member.name not in claims:
            claims[member.name] = [Claim(TRUE, "everywhere", member.folder)]
    return claims


def _listed_by(project: Project, choice: Choice | None, name: str, active: Mapping[Choice, Formula]) -> Formula:
    """Where a source for an extra or group speaks: where that one lists the package, and where nobody else does.

    Elsewhere what the others list comes from where it comes from without it.
    """
    if choice is None:
        return TRUE
    own, others = [], []
    for by, requirement, where in _listed(project):
        if requirement.name == name:
            if by == choice:
                both = where | from_marker(requirement.marker, choice.name if choice.kind == "extra" else "")
                own.append(both if requirement in project.dependencies else where)
            else:
                others.append(where if by is None else active[by] & where)
    return any_of((*own, ~any_of(others))) if own else TRUE
