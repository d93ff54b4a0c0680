"""The edges of ``uv.lock``: what each entry requires, with markers that say what is not said on the way to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from satlock.encoder.markers.marker import FALSE, TRUE, Formula, chosen, forget_switches, with_choices
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import Choice, ProjectError
from satlock.encoder.project.universe import Universe
from satlock.solver.lockfiles.lock import Lock, LockedPackage, LockedRequirement
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
    spelled: Callable[[Choice, bool], str]
    heeded: bool
    """Whether uv heeds what markers ask of choices: only where the project has conflicts."""
    folder: Path
    path: str
    """Of the project's file, for errors."""
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
        return [self._dependency(key, extras[key, marker], marker) for key, marker in order]

    def marker(self, region: Formula, reached: Formula, what: str) -> str | None:
        """The marker of a region within another one; None where it is all of that."""
        cover = self._shortener.cover(region, reached)
        asked = {atom for cube in cover or () for part in cube for atom in part.switches if isinstance(atom, Choice)}
        if asked and not self.heeded:
            raise ProjectError(
                f"{self.path}: {what} depends on {min(asked)}, and uv heeds that only where "
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
                f"{self.path}: which {package.name} is installed depends on the chosen groups, which a uv.lock of a "
                "project without a [project] table cannot say; add that table, or write a pylock.toml."
            )
        marker = self._shortener.marker(forget_switches(package.region)) if len(regions) > 1 else None
        return [marker] if marker else []

    def _dependency(self, key: Key, extras: set[str], marker: str | None) -> Item:
        name, version, _ = key
        item: dict[str, object] = {"name": name}
        if self._several[name] > 1:
            item |= {"version": version, "source": self._sources[key]}
        if extras:
            item["extra"] = sorted(extras)
        if marker is not None:
            item["marker"] = marker
        return item

    def section(self, choice: Choice | None) -> list[Item]:
        """What the project's dependencies (None), an extra or a group list, with all that they bring along."""
        made = frozenset(() if choice is None else (choice,))
        steps: list[LockedRequirement] = []
        owner = choice.package if choice is not None else ""
        for listed, requirements in self.lock.roots.items():
            if listed is not None and (listed.kind == "project" or listed.package != owner):
                continue  # what members list stands in their own entries
            brought = TRUE if listed in (None, choice) else with_choices(self.universe.active[listed], made)
            if brought is FALSE or (listed is None and choice is not None):
                continue
            steps += (replace(step, region=step.region & brought) for step in requirements)
        reached = TRUE if choice is None else chosen(choice)
        possible = [step for step in steps if self.universe.domain.satisfiable(step.region, reached)]
        return self.dependencies(_merged(possible), reached, str(choice or "the project"))


def _merged(steps: Iterable[LockedRequirement]) -> list[LockedRequirement]:
    """One step for each target, where several lead to it."""
    found: dict[tuple[Key, tuple[str, ...]], LockedRequirement] = {}
    for step in steps:
        key = ((step.name, step.version, step.index), step.extras)
        known = found.get(key)
        found[key] = step if known is None else replace(step, region=known.region | step.region)
    return list(found.values())
