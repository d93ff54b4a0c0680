"""The edges of ``uv.lock``: what each entry requires, with markers that say what is not said on the way to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

from satlock.encoder.markers.marker import FALSE, TRUE, Formula, forget_switches, from_marker, with_choices
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.dependencies import edits_of
from satlock.encoder.project.project import Choice, Project, ProjectError, Requirement
from satlock.encoder.project.reach import dependencies_of
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass, field, replace
from satlock.solver.lockfiles.lock import Lock, LockedPackage, LockedRequirement
from satlock.solver.writing.uvlock.conflicts import Unlisted
from satlock.solver.writing.uvlock.markers import conjunction
from satlock.solver.writing.uvlock.sources import source_of
from satlock.solver.writing.uvlock.text import Item

__all__ = ["Graph", "Key"]

Key = tuple[str, str, str]
"""Name, version and index of an entry."""


@dataclass
class Graph:
    """Turns the steps of a lock into the dependencies that ``uv.lock`` lists."""

    lock: Lock
    universe: Universe
    project: Project
    spelled: Callable[[Choice, bool], str]
    conflicting: frozenset[Choice]
    """The members of conflicts. Without any, uv heeds nothing that markers ask of choices."""
    unlisted: Iterable[Unlisted]
    """What uv has to find out on its way through the lock: which choices of the project bring which others along."""
    folder: Path
    _shortener: Shortener = field(init=False)
    _several: Counter[str] = field(init=False)
    _sources: dict[Key, Item] = field(init=False)
    asked: set[Choice] = field(default_factory=set)
    """The choices that markers have asked for so far: uv only heeds those that the lock lists, if with nothing."""

    def __post_init__(self) -> None:
        self._shortener = Shortener(self.universe.domain, self.spelled)
        self._several = Counter(package.name for package in self.lock.packages)
        self._sources = {
            (package.name, package.version, package.index): source_of(
                package.index, package.direct, self.folder, self.lock.relative
            )
            for package in self.lock.packages
        }

    def source(self, key: Key) -> Item:
        """The source of an entry."""
        return self._sources[key]

    def dependencies(self, requirements: Iterable[LockedRequirement], reached: Formula, of: str) -> list[Item]:
        """What ``of`` lists, where it is itself reached in one region.

        Raises:
            ProjectError: a marker would ask for a choice, and uv does not heed that.
        """
        extras: dict[tuple[Key, str | None], set[str]] = {}
        for step in requirements:
            marker = self.marker(step.region, reached, f"{step.name} {step.version} for {of}")
            extras.setdefault(((step.name, step.version, step.index), marker), set()).update(step.extras)
        order = sorted(extras, key=lambda found: (found[0], found[1] or ""))
        return _once(
            item for key, marker in order for item in self._edges(self._target(key), extras[key, marker], marker)
        )

    def marker(self, region: Formula, reached: Formula, what: str) -> str | None:
        """The marker of a region within another one; None where it is all of that."""
        cover = self._shortener.cover(region, reached)
        asked = {atom for cube in cover or () for part in cube for atom in part.switches if isinstance(atom, Choice)}
        if asked and not self.conflicting:
            raise ProjectError(
                f"{self.project.path}: {what} depends on {min(asked)}, and uv heeds that only where "
                f"tool.uv.conflicts has a set; add the extras and groups that exclude each other there, or write a "
                f"pylock.toml."
            )
        self.asked |= asked
        return self._shortener.marker(region, reached)

    def fork_markers(self, package: LockedPackage) -> list[str]:
        """Where an entry stands for its name, which is all that requirements without a project know.

        Raises:
            ProjectError: that depends on a choice.
        """
        regions = [forget_switches(other.region) for other in self.lock.packages if other.name == package.name]
        if any(self.universe.domain.satisfiable(one, other) for one, other in combinations(regions, 2)):
            raise ProjectError(
                f"{self.project.path}: which {package.name} is installed depends on the chosen groups, which a uv.lock "
                "of a project without a [project] table cannot say; add that table, or write a pylock.toml."
            )
        marker = self._shortener.marker(forget_switches(package.region)) if len(regions) > 1 else None
        return [marker] if marker else []

    def _target(self, key: Key) -> Item:
        name, version, _ = key
        return {"name": name, **({"version": version, "source": self._sources[key]} if self._several[name] > 1 else {})}

    def _edges(self, target: Item, extras: Iterable[str], marker: str | None) -> list[Item]:
        """The edges to an entry with extras. As in uv, one that is in a conflict has an edge of its own.

        It asks for the extra itself, which uv takes for active while it looks at that edge.
        """
        owner = "" if target["name"] == self.project.name else str(target["name"])
        asked = sorted(set(extras))
        alone = [extra for extra in asked if Choice("extra", extra, owner) in self.conflicting]
        together = [extra for extra in asked if extra not in alone]
        found = [_edge(target, together, marker)]
        for extra in alone:
            itself = self.spelled(Choice("extra", extra, owner), True)
            found.append(_edge(target, [extra], conjunction(marker, itself)))
        return found

    def section(self, choice: Choice | None, listed: Iterable[Requirement] = ()) -> list[Item]:
        """What the project's dependencies (None), an extra or a group list, with all that they bring along.

        ``listed`` is what a group lists, with what it includes.
        """
        reached = self._reached(choice)
        if choice is not None and self._excludes_its_project(choice):
            return []
        if (choice or Choice("project", "")) in self.universe.unusable:
            return _once([*self._locked_alone(choice), *self.never(choice or Choice("project", ""))])
        steps: list[LockedRequirement] = []
        for by, requirements in self.lock.roots.items():
            brought = self._brought(by, choice)
            if brought is not FALSE:
                steps += (replace(step, region=step.region & brought) for step in requirements)
        steps += self._by_marker_of_a_source(choice)
        possible = [step for step in steps if self.universe.domain.satisfiable(step.region, reached)]
        found = self.dependencies(_merged(possible), reached, str(choice or "the project"))
        asked = [(each.extras, from_marker(each.marker)) for each in listed if each.name == self.project.name]
        return self._with_project(found, asked or self._seen_active(choice), reached)

    def _excludes_its_project(self, choice: Choice) -> bool:
        """Whether an extra is in conflict with the project that has it: uv looks for nothing that it would bring."""
        itself = Choice("project", "", choice.package)
        return choice.kind == "extra" and any({choice, itself} <= set(one) for one in self.project.conflicts)

    def _by_marker_of_a_source(self, choice: Choice | None) -> Iterable[LockedRequirement]:
        """What uv lists in an extra as well: what the project itself requires, from a source for that extra."""
        if choice is None or choice.kind != "extra" or choice.package:
            return
        for step in self.lock.roots.get(None, ()):
            for source in self.project.sources.get(step.name, ()):
                where = from_marker(source.marker, choice.name) & ~from_marker(source.marker)
                if where is not FALSE:
                    yield replace(step, region=step.region & where)

    def _reached(self, choice: Choice | None) -> Formula:
        return self.universe.active.get(choice or Choice("project", ""), TRUE)

    def _brought(self, listed: Choice | None, choice: Choice | None) -> Formula:
        """Where a choice brings along what another one lists."""
        if listed == choice:
            return TRUE
        owner = choice.package if choice is not None else ""
        if listed is None or listed.kind == "project" or listed.package != owner:
            return FALSE  # what members list stands in their own entries
        if choice is not None and choice.kind == "group" and listed.kind == "extra":
            return FALSE  # a group that asks for an extra of its project asks for the project too
        active = self.universe.own.get(listed, self.universe.active[listed])
        return with_choices(active, frozenset((choice or Choice("project", ""),)))

    def _seen_active(self, choice: Choice | None) -> list[tuple[tuple[str, ...], Formula]]:
        """The extras of the project that uv has to see become active through a choice: (extras, where)."""
        made = choice or Choice("project", "")
        extras = {one for met in self.unlisted if made in met.chosen for one in met.brought if not one.package}
        found = [(one, with_choices(self.universe.own[one], frozenset((made,)))) for one in sorted(extras - {made})]
        return [((one.name,), where) for one, where in found if where is not FALSE]

    def _locked_alone(self, choice: Choice | None) -> list[Item]:
        """What a choice lists that nobody can make, as far as there is one entry for it."""
        listed = [root.requirement.name for root in self.universe.roots if root.choice == choice]
        return [{"name": name} for name in sorted(set(listed)) if self._several[name] == 1]

    def never(self, choice: Choice) -> list[Item]:
        """What a choice lists that nobody can make: the extras that it brings together, for uv to refuse it."""
        brought = [one for met in self.unlisted if choice in met.chosen for one in met.brought if one != choice]
        found = [one for one in dict.fromkeys(brought) if one.kind == "extra" and self._brings(choice, one)]
        targets = [{"name": one.package or self.project.name} for one in sorted(found)]
        edges = [self._edges(target, [one.name], None) for target, one in zip(targets, sorted(found), strict=True)]
        return _once(edge for several in edges for edge in several)

    def _brings(self, choice: Choice, one: Choice) -> bool:
        made = (choice, Choice("project", "", choice.package))
        return with_choices(self.universe.active[one], frozenset(made)) is not FALSE

    def of_tree(self, package: LockedPackage, extra: str, reached: Formula, found: list[Item]) -> list[Item]:
        """What a source tree lists, with what it requires of the project itself."""
        if package.direct is None or not self.project.name:
            return found
        listed = dependencies_of(package.direct, edits_of(self.project, self.universe.active, itself=False)).of(extra)
        asked = [(each.extras, each.marker) for each in listed if each.name == self.project.name]
        return self._with_project(found, asked, reached)

    def _with_project(
        self, found: list[Item], asked: Iterable[tuple[tuple[str, ...], Formula]], reached: Formula
    ) -> list[Item]:
        """Adds the steps to the project itself, each with the extras that it asks for."""
        added: list[Item] = []
        for extras, where in asked:
            marker = self.marker(where, reached, f"the project for {', '.join(extras)}")
            added += self._edges({"name": self.project.name}, extras, marker)
        return sorted(_once((*found, *added)), key=lambda item: str(item["name"])) if added else found


def _once(items: Iterable[Item]) -> list[Item]:
    """uv takes no lock that lists the same twice."""
    return list({repr(item): item for item in items}.values())


def _edge(target: Item, extras: list[str], marker: str | None) -> Item:
    said: dict[str, object] = {"extra": extras} if extras else {}
    return {**target, **said, **({"marker": marker} if marker is not None else {})}


def _merged(steps: Iterable[LockedRequirement]) -> list[LockedRequirement]:
    """One step for each target, where several lead to it."""
    found: dict[tuple[Key, tuple[str, ...]], LockedRequirement] = {}
    for step in steps:
        key = ((step.name, step.version, step.index), step.extras)
        known = found.get(key)
        found[key] = step if known is None else replace(step, region=known.region | step.region)
    return list(found.values())
