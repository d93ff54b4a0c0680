"""What the choices of a project bring along, and which of it excludes each other, as far as its files say so.

A conflict may be between extras of other packages, members of the workspace above all. What the project chooses for
itself then excludes each other where it brings these along. A requirement with a marker does so where the marker holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from packaging.requirements import InvalidRequirement, Requirement

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.regions import closure
from satlock.encoder.project.values import Value
from satlock.encoder.project.workspace import workspace_of
from satlock.records import dataclass
from satlock.solver.lockfiles.markers import condition_of, replace
from satlock.solver.lockfiles.model import (
    ALWAYS,
    NEVER,
    Bring,
    Comparison,
    Condition,
    LockfileError,
    Switch,
    Thing,
    Whether,
    all_of,
    any_of,
)
from satlock.solver.lockfiles.pyproject import Pyproject, read_pyproject

__all__ = ["Pull", "axioms_of", "conflicts_of", "force_of", "pulls_of", "workspace_files"]

_Cause: TypeAlias = Switch | Thing | None
"""What puts something in force; None for what always is."""

_ITSELF = Thing("project", "", "")

_CHOSEN_BY = {"pylock": None, "poetry": Switch("group", "main"), "pdm": Switch("group", "default")}
"""The switch that puts the project itself in force, for each kind of lock; None where it always is."""


@dataclass(frozen=True)
class Pull:
    """Where ``condition`` holds, one thing brings another along."""

    by: Thing
    brought: Thing
    condition: Condition
    marker: str
    """The condition as the project writes it."""


def axioms_of(
    conflicts: Iterable[tuple[Thing, ...]], pulls: Iterable[Pull], kind: str, switches: Iterable[Switch]
) -> tuple[tuple[Bring, ...], tuple[tuple[Thing, Thing], ...]]:
    """What puts things in force in a lock of this kind with these switches, and the pairs that never are together.

    Only what leads from a switch to one of a pair is listed.
    """
    known = frozenset(switches)
    listed = list(pulls)
    pairs = dict.fromkeys(pair for things in conflicts for pair in combinations(things, 2))
    things = dict.fromkeys(thing for both in (*((pull.by, pull.brought) for pull in listed), *pairs) for thing in both)
    starts = [Bring(by, thing) for thing in things for by in _chosen_by(thing, kind, known)]
    brings = [*starts, *(Bring(pull.by, pull.brought, pull.condition, pull.marker) for pull in listed)]
    possible = _closure({None, *known}, [(bring.by, bring.brought) for bring in brings])
    rivals = tuple((one, other) for one, other in pairs if one in possible and other in possible)
    needed = _closure({thing for pair in rivals for thing in pair}, [(bring.brought, bring.by) for bring in brings])
    return tuple(bring for bring in brings if bring.by in possible and bring.brought in needed), rivals


def force_of(thing: Thing, pulls: Sequence[Pull], kind: str, switches: frozenset[Switch]) -> Condition:
    """Where something is in force: where it is chosen, or brought along by what is."""

    def found(here: Thing, way: tuple[Thing, ...]) -> Condition:
        ways = _chosen_by(here, kind, switches) if here != _ITSELF or kind in _CHOSEN_BY else [None]
        parts: list[Condition] = [ALWAYS if by is None else Whether(by) for by in ways]
        leading = [pull for pull in pulls if pull.brought == here and pull.by not in way]
        return any_of(*parts, *(all_of(found(pull.by, (*way, pull.by)), pull.condition) for pull in leading))

    return found(thing, (thing,))


def _chosen_by(thing: Thing, kind: str, switches: frozenset[Switch]) -> list[Switch | None]:
    """What a person chooses it by, if anything, as nobody chooses for another package; None where it always is."""
    what, name, package = thing
    if package:
        return []
    # PDM calls extras groups.
    by = _CHOSEN_BY[kind] if what == "project" else Switch("group" if kind == "pdm" else what, name)
    return [by] if by is None or by in switches else []


def _closure(start: Iterable[_Cause], steps: Iterable[tuple[_Cause, _Cause]]) -> dict[_Cause, None]:
    after: dict[_Cause, list[_Cause]] = {}
    for here, there in steps:
        after.setdefault(here, []).append(there)
    return closure(start, lambda cause: after.get(cause, ()))


def workspace_files(path: Path) -> list[Path]:
    """The files of the workspace of the project at ``path``: its root and members, without the project's own."""
    workspace = workspace_of(path)
    files = dict.fromkeys((workspace.root, *workspace.members.values())) if workspace is not None else ()
    return [file for file in files if not file.samefile(path)]


def conflicts_of(path: Path, project: Pyproject) -> Iterator[tuple[Thing, ...]]:
    """The conflicts that the project at ``path`` and its workspace state."""
    for stating in (project, *map(read_pyproject, workspace_files(path))):
        stated = [table["conflicts"] for table in stating.settings if "conflicts" in table]
        for members in stated[-1].items() if stated else ():
            things = (_thing(item, project.name, stating.name) for item in members.items())
            yield tuple(dict.fromkeys(thing for thing in things if thing is not None))


def _thing(item: Value, own: str, owner: str) -> Thing | None:
    """The member of a conflict that an entry names, which the file of ``owner`` states; None where it is none."""
    table = item.table()
    if not owner and own and "package" not in table:
        # A root that is no project has no extras and is no member.
        return None
    package = table["package"].name("package name") if "package" in table else owner
    package = "" if package == own else package
    for kind in ("extra", "group"):
        if kind in table:
            return Thing(kind, table[kind].name(f"name of a {kind}"), package)
    return Thing("project", "", package) if "package" in table else None


def pulls_of(path: Path, project: Pyproject) -> Iterator[Pull]:
    """What each thing brings along directly, by the project at ``path`` and the members of its workspace."""
    yield from _pulls(project, project.name, "")
    workspace = workspace_of(path)
    for name, file in workspace.members.items() if workspace is not None else ():
        if name != project.name:
            yield from _pulls(read_pyproject(file), project.name, name)


def _pulls(stated: Pyproject, own: str, package: str) -> Iterator[Pull]:
    """What the things of one package bring along."""
    pythons = stated.pythons()
    for kind, listing, items in stated.lists():
        here = Thing(kind, listing, package)
        bounds = pythons.get(listing, "") if kind == "group" else ""
        inside = condition_of(bounds) if bounds else ALWAYS
        if kind == "extra" and package:
            yield Pull(here, Thing("project", "", package), ALWAYS, "")
        for item in items.items():
            if isinstance(item.raw, dict):
                if "include-group" in item.raw:
                    included = item.table()["include-group"].name("name of a group")
                    yield Pull(here, Thing("group", included, package), inside, bounds)
                continue
            try:
                requirement = Requirement(item.text())
            except (InvalidRequirement, RecursionError):
                continue
            name = canonicalize_name(requirement.name)
            target = "" if name == own else name
            extras = sorted(set(map(canonicalize_name, requirement.extras)))
            brought = [Thing("project", "", target)] if target else []
            brought += [Thing("extra", extra, target) for extra in extras]
            condition, text = _condition(item, requirement)
            if condition != NEVER:
                text = " and ".join([f"({text})", bounds] if text and bounds else [text or bounds])
                yield from (Pull(here, thing, all_of(condition, inside), text) for thing in brought)


def _condition(item: Value, requirement: Requirement) -> tuple[Condition, str]:
    """Where a requirement is in force, and the text that says so. No extra is asked for by a marker here."""

    def asked(comparison: Comparison) -> Condition:
        if comparison.variable == "extra":
            return ALWAYS if (comparison.operator == "!=") == bool(comparison.text) else NEVER
        if comparison.variable in ("extras", "dependency_groups"):
            raise item.error("has a marker on extras or groups", "a requirement's marker may only ask for an extra")
        return comparison

    if requirement.marker is None:
        return ALWAYS, ""
    text = str(requirement.marker)
    if requirement.url is None:
        text = item.text().partition(";")[2].strip()
    try:
        return replace(condition_of(text), asked), text
    except (ValueError, RecursionError):
        raise LockfileError(f"{item.where} in {item.file} has a marker that cannot be read.") from None
