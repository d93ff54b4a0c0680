"""What the project's author can give up, and which clashes each of these steps could resolve.

A step is a change that makes a project easier to lock: a bound that goes, a requirement that is dropped, environments
that are left out. For a clash (the core of a *no*) :func:`steps_against` names every step that may resolve it; a set of
steps of which none is among them leaves the clash as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Admission, Constraint, Fact, Required, stated_by
from satlock.encoder.formula.ranking import is_exact
from satlock.encoder.formula.reasons import LATE, LeftOut
from satlock.encoder.markers.marker import (
    FALSE,
    TRUE,
    Formula,
    Matches,
    all_of,
    any_of,
    chosen,
    python_at_least,
)
from satlock.encoder.markers.regions import closure
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.markers.specifiers import parse_strict_requirement
from satlock.encoder.project.amendments import Written, written_requirements
from satlock.encoder.project.project import Choice, Project
from satlock.solver.explaining.repinning import LARGEST_PLACE, elsewhere, narrower, pinned_to
from satlock.solver.explaining.steps import Clash, Step

__all__ = ["resolves", "steps_against"]

_MOST_YANKED = 3
_SWITCHED_OFF = {LeftOut.NO_WHEEL: "no-build", LeftOut.NO_SDIST: "no-binary"}


def steps_against(clash: Clash, document: Mapping[str, Any], meant: Mapping[str, str] | None = None) -> list[Step]:
    """Every step that may resolve a clash.

    Args:
        document: the file as its author has it.
        meant: for names that no index has, those that may have been meant.
    """
    found: dict[Step, None] = {}
    for source in (
        _on_requirements(clash, document, meant or {}), _on_choices(clash, document), _on_candidates(clash, document),
        _on_environments(clash), _on_rules(clash),
    ):  # fmt: skip
        found.update(dict.fromkeys(source))
    return list(found)


def resolves(step: Step, clash: Clash, against: Collection[Step]) -> bool:
    """Whether a step may resolve a clash, for which ``against`` was found."""
    return step in against or (step.kept is not TRUE and clash.leaves_room(step.kept))


# -- requirements, constraints and overrides


def _on_requirements(clash: Clash, document: Mapping[str, Any], meant: Mapping[str, str]) -> Iterator[Step]:
    asked_extras = {stated.node.cell.package.name for stated in map(stated_by, clash.facts)
                    if stated and stated.node.cell and stated.node.extra}  # fmt: skip
    for written in written_requirements(document):
        requirement = written.requirement
        name = requirement.name
        cells = _asked_by(clash, written)
        overridden = any(
            isinstance(fact, Required) and fact.edge.node.cell is None and fact.edge.dependency.name == name
            and fact.edge.dependency.overrides for fact in clash.facts
        )  # fmt: skip
        if cells is None and not overridden:
            continue
        if name in meant:
            yield Step("rename", (written.path, written.item, meant[name]), opens=True)
        opens = is_exact(requirement.specifier) or _names_prerelease(requirement.specifier)
        clauses = sorted(requirement.specifier, key=str)
        bounds = {clause: Step("bound", (written.path, written.item, str(clause)), opens=opens) for clause in clauses}
        for clause, step in bounds.items():
            rest = SpecifierSet(",".join(str(other) for other in clauses if other is not clause))
            if any(
                cell.candidates.admitted(rest) != cell.candidates.admitted(requirement.specifier)
                or _left_out_fits(cell, rest) != _left_out_fits(cell, requirement.specifier)
                for cell in cells or ()
            ):
                yield step
        extras = [
            Step("extra", (written.path, written.item, extra), opens=opens)
            for extra in sorted(parse_strict_requirement(written.item, "").extras)
        ]
        if name in asked_extras:
            yield from extras
        covers = frozenset().union(*(step.weight for step in [*bounds.values(), *extras]))
        opens = opens or written.is_override
        yield Step("requirement", (written.path, written.item), covers=covers, opens=opens)


def _asked_by(clash: Clash, written: Written) -> list[Cell] | None:
    """The cells in which a clash needs what a requirement of the project asks; None where it does not need it."""
    stated = written.requirement
    found: list[Cell] | None = None
    for fact in clash.facts:
        if isinstance(fact, Required):
            same = (fact.edge.dependency.origin, fact.edge.dependency.text) == (stated.origin, stated.text)
        else:
            same = isinstance(fact, Constraint) and fact.text == stated.text and written.is_constraint
        same = same or _loosened(fact, written)
        if same:
            found = found or []
            found += fact.cells[-1:]
    return found


def _loosened(fact: Fact, written: Written) -> bool:
    """Whether a fact comes from a requirement that other steps have changed: its text is no longer the one written."""
    stated = written.requirement
    if isinstance(fact, Required):
        return (fact.edge.dependency.origin, fact.edge.dependency.name) == (stated.origin, stated.name)
    return isinstance(fact, Constraint) and written.is_constraint and fact.cells[-1].package.name == stated.name


def _left_out_fits(cell: Cell, specifier: SpecifierSet) -> list[str]:
    return [version for version, _ in cell.candidates.left_out if specifier.contains(version, prereleases=True)]


def _names_prerelease(specifiers: SpecifierSet) -> bool:
    return any(
        clause.operator not in ("!=", "===") and Version(clause.version.removesuffix(".*")).is_prerelease
        for clause in specifiers
    )


# -- extras and groups


def _on_choices(clash: Clash, document: Mapping[str, Any]) -> Iterator[Step]:
    if clash.witness is not None:
        yield from _conflicts(clash)
    needed = {
        root.choice
        for fact in clash.facts
        if isinstance(fact, Required) and fact.edge.node.cell is None
        for root in clash.universe.roots
        if root.choice is not None and root.requirement.origin == fact.edge.dependency.origin
    }
    if not needed:
        return
    for path, item, brought in _bringers(clash.project, document):
        if needed & _closure(clash.project, brought):
            yield Step("include", (path, _frozen(item)), opens=True)


def _conflicts(clash: Clash) -> Iterator[Step]:
    """Pairs of choices that are both active wherever the clash is, and that exclude nothing but each other."""
    universe, domain = clash.universe, clash.universe.domain
    together = [
        choice
        for choice, active in universe.active.items()
        if active.switches & clash.place.switches and domain.implies(clash.place, active)
    ]
    for one, other in combinations(together, 2):
        kept = ~(universe.active[one] & universe.active[other])
        if all(choice in universe.unusable or domain.satisfiable(chosen(choice), kept) for choice in universe.active):
            yield Step("conflict", (one, other), kept)


def _bringers(
    project: Project, document: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Any, frozenset[Choice]]]:
    """What makes one choice bring others with it: (list, item, the choices it names)."""
    for written in written_requirements(document):
        if written.requirement.name == project.name:
            extras = frozenset(Choice("extra", extra) for extra in written.requirement.extras)
            yield written.path, written.item, extras
    for group, items in document.get("dependency-groups", {}).items():
        for item in items:
            if isinstance(item, dict) and "include-group" in item:
                from satlock.corpora.names import canonicalize_name

                brought = frozenset((Choice("group", canonicalize_name(item["include-group"])),))
                yield ("dependency-groups", group), item, brought


def _closure(project: Project, choices: frozenset[Choice]) -> frozenset[Choice]:
    """The choices that these bring with them, under whatever marker, and they themselves."""

    def brought(choice: Choice) -> set[Choice]:
        lists = project.extras if choice.kind == "extra" else project.groups
        more = {
            Choice("extra", extra)
            for requirement in lists.get(choice.name, ())
            if requirement.name == project.name
            for extra in requirement.extras
        }
        if choice.kind == "group":
            more |= {Choice("group", name) for name in project.group_includes.get(choice.name, ())}
        return more

    return frozenset(closure(choices, brought))


# -- candidates that are not used


def _on_candidates(clash: Clash, document: Mapping[str, Any]) -> Iterator[Step]:
    for cell in clash.cells:
        name, candidates = cell.package.name, cell.candidates
        own = [fact.edge for fact in clash.facts if isinstance(fact, Required) and fact.cells[-1] is cell]
        asked = [edge.dependency.specifier for edge in own]
        fits = SpecifierSet(",".join(str(specifier) for specifier in asked))
        admitted = candidates.everything
        for specifier in asked:
            admitted &= candidates.admitted(specifier)
        if candidates.prereleases & admitted and not candidates.prereleases_serve:
            yield Step("prerelease", (name,), opens=False)
        yanked = candidates.yanked & admitted
        for rank in [rank for rank in range(candidates.top, 0, -1) if yanked >> rank & 1][:_MOST_YANKED]:
            yield Step("yanked", (name, candidates[rank].version), opens=True)
        for version, reason in candidates.left_out:
            if fits.contains(version, prereleases=True):
                if reason in LATE:
                    yield Step("newer", (name,))
                elif isinstance(reason, LeftOut) and reason in _SWITCHED_OFF:
                    yield Step("build", (name, _SWITCHED_OFF[reason]), opens=True)
        pins = clash.universe.pins.get(name, ())
        pinned = [pin for pin in pins if clash.universe.domain.implies(cell.region, pin.region)]
        if not pinned and not admitted:
            yield from elsewhere(clash, document, name)
        for pin in pinned:
            if pin.index in pinned_to(document, name):
                yield Step("pin", (name, pin.index), opens=True)
                yield from narrower(clash, name, pin)


# -- environments


def _on_environments(clash: Clash) -> Iterator[Step]:
    if clash.witness is not None:
        yield from _leaving_out(clash, clash.place)
    else:
        for place in dict.fromkeys(all_of(fact.regions) for fact in clash.facts):
            yield from _leaving_out(clash, place)


def _leaving_out(clash: Clash, place: Formula) -> Iterator[Step]:
    """The least that the project's Pythons and platforms must give up to be rid of a place."""
    domain = clash.universe.domain
    domain.satisfiable(place)
    boundaries = [release for release in domain.grid.pythons if (3, 0, 0) < release < (4, 0, 0)]
    for release in boundaries:
        kept = python_at_least(release)
        if not domain.satisfiable(place, kept):
            if domain.satisfiable(kept):
                yield Step("python-from", (release,), kept)
            break
    for release in reversed(boundaries):
        kept = ~python_at_least(release)
        if not domain.satisfiable(place, kept):
            if domain.satisfiable(kept):
                yield Step("python-below", (release,), kept)
            break
    if len(place.atoms) > LARGEST_PLACE:
        return
    cover = Shortener(domain).cover(place)
    platforms = any_of(all_of(part for part in cube if _is_platform(part)) for cube in cover) if cover else TRUE
    if platforms is not TRUE and platforms is not FALSE and domain.satisfiable(~platforms):
        yield Step("leave-out", (platforms,), ~platforms)


def _is_platform(literal: Formula) -> bool:
    return all(isinstance(atom, Matches) for atom in literal.atoms)


# -- rules


def _on_rules(clash: Clash) -> Iterator[Step]:
    names = dict.fromkeys(cell.package.name for fact in clash.facts for cell in fact.cells)
    for name in clash.project.single_version:
        if name in names:
            yield Step("single-version", (name,), opens=False)
    if any(isinstance(fact, Admission) for fact in clash.facts):
        for marker in clash.project.required_environments:
            yield Step("required", (str(marker),), opens=False)


def _frozen(item: Any) -> Any:
    return tuple(sorted(item.items())) if isinstance(item, dict) else item
