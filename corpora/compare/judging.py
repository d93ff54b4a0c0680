"""The judge: whether a lock is right, found by walking many environments with ``packaging`` and the recorded facts.

It shares no code with any of the resolvers. In each environment it takes what the lock installs there, and follows the
requirements of the project and of everything that is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.corpora.compare.asked import Asked, Choice
from satlock.corpora.compare.locks import Environment, Installed, Lock
from satlock.corpora.environments import Variables, environments
from satlock.corpora.facts import Metadata, NeedsBuild
from satlock.corpora.recorded.recording import Facts

__all__ = ["Judgement", "Release", "World", "ages", "judge", "walked"]


@dataclass(frozen=True)
class Release:
    """What the judge knows of one."""

    requires: tuple[str, ...]
    requires_python: str | None
    uploaded: str | None
    yanked: bool


@dataclass(eq=False)
class World:
    """The releases that are served, by index and name. Each is itself only."""

    default_index: str
    releases: dict[tuple[str, str], dict[str, Release]] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts, default_index: str) -> World:
        """From what was recorded; what a build told counts before what a source distribution noted."""
        listings, outcomes = facts
        told: dict[tuple[str, str, str], Metadata] = {}
        for wanted, outcome in sorted(outcomes.items(), key=lambda item: item[0].build):
            metadata = outcome.hint if isinstance(outcome, NeedsBuild) else outcome
            if isinstance(metadata, Metadata):
                told[wanted.index, wanted.name, wanted.version] = metadata
        world = cls(default_index)
        for key, listing in listings.items():
            for release in listing.releases if listing is not None else ():
                found = told.get((*key, release.version))
                if found is not None:
                    world.releases.setdefault(key, {})[release.version] = Release(
                        found.requires_dist, release.requires_python, release.upload_time, release.yanked
                    )
        return world

    def find(self, installed: Installed) -> tuple[str, Release] | None:
        """The index and the facts of what is installed; the default index where the lock names none."""
        for index in [installed.index] if installed.index else [self.default_index]:
            release = self.releases.get((index, installed.name), {}).get(installed.version)
            if release is not None:
                return index, release
        return None


@dataclass
class Judgement:
    """What was found of one lock."""

    environments: int = 0
    """How many were walked."""
    valid: int = 0
    """In how many of them nothing was wrong."""
    here: bool = False
    """Whether nothing was wrong in those of the machine that locked."""
    duplicates: int = 0
    """Environments in which two versions of one package are installed."""
    incomplete: int = 0
    """Environments in which something required is not installed."""
    unmet: int = 0
    """Environments in which a version is installed that a requirement, a Python or a pin does not admit."""
    over_bounds: int = 0
    """Environments with a Python above an upper bound that an installed version states. uv and satlock heed none."""
    packages: int = 0
    """Names and versions in the lock."""
    names: int = 0
    days_behind: float = 0.0
    """Mean over the environments of the days that all installed packages are behind the newest they could be."""
    days_behind_direct: float = 0.0
    """The same of the packages that the project itself requires."""
    days_here: float = 0.0
    """The days behind in the environment that locked, with no extras and groups; so too for the direct ones."""
    days_here_direct: float = 0.0
    superfluous: float = 0.0
    """Mean over the environments of the packages that are installed and not required."""
    problem: str = ""
    """The first thing that is wrong."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def walked(asked: Asked) -> Iterator[Environment]:
    """The environments that are walked: Pythons, platforms and choices that the project admits."""
    chosen = list(asked.combinations())
    for variables in environments(asked.requires_python):
        bare = Environment(variables, frozenset())
        if asked.environments and not any(bare.holds(str(marker)) for marker in asked.environments):
            continue
        for choices in chosen:
            yield Environment(variables, choices)


def judge(lock: Lock, asked: Asked, world: World, here: Variables, *, only_here: bool = False) -> Judgement:
    """Judges a lock.

    Args:
        here: the environment that locked.
        only_here: whether the lock speaks of this environment only, and is judged nowhere else.
    """
    own = Environment(here, frozenset())
    found = Judgement(packages=len(lock.everything), names=len({name for name, _ in lock.everything}))
    for environment in [own] if only_here else walked(asked):
        walk = _walk(lock, asked, world, environment)
        found.environments += 1
        found.valid += not walk.problems
        found.duplicates += bool(walk.duplicates)
        found.incomplete += bool(walk.missing)
        found.unmet += bool(walk.unmet)
        found.over_bounds += bool(walk.over_bounds)
        found.days_behind += walk.days(walk.reached)
        found.days_behind_direct += walk.days(walk.direct)
        found.superfluous += len(walk.by_name.keys() - walk.reached)
        if walk.problems and not found.problem:
            found.problem = f"{environment}: {walk.problems[0]}"
    walk = _walk(lock, asked, world, own)
    found.here = not walk.problems
    found.days_here, found.days_here_direct = round(walk.days(walk.reached), 2), round(walk.days(walk.direct), 2)
    walked_many = max(found.environments, 1)
    found.days_behind = round(found.days_behind / walked_many, 2)
    found.days_behind_direct = round(found.days_behind_direct / walked_many, 2)
    found.superfluous = round(found.superfluous / walked_many, 2)
    return found


def ages(lock: Lock, asked: Asked, world: World) -> Iterator[tuple[Environment, dict[str, float], float]]:
    """For each environment that is walked: the days that each direct requirement is behind, and all packages in all."""
    for environment in walked(asked):
        walk = _walk(lock, asked, world, environment)
        yield environment, {name: walk.days((name,)) for name in sorted(walk.direct)}, walk.days(walk.reached)


def _walk(lock: Lock, asked: Asked, world: World, environment: Environment) -> _Walk:
    walk = _Walk(lock.installed(environment), asked, world, environment)
    walk.follow()
    return walk


class _Walk:
    """The walk through one environment."""

    def __init__(self, installed: Iterable[Installed], asked: Asked, world: World, environment: Environment) -> None:
        self.asked, self.world, self.environment = asked, world, environment
        self.python = environment.variables["python_full_version"]
        self.by_name: dict[str, list[Installed]] = {}
        for one in dict.fromkeys(installed):
            self.by_name.setdefault(one.name, []).append(one)
        self.duplicates = [
            f"{name} is installed as {' and '.join(sorted(one.version for one in found))}"
            for name, found in self.by_name.items()
            if len({(one.version, one.index) for one in found}) > 1
        ]
        self.active = asked.active(environment.choices)
        self.missing: list[str] = []
        self.unmet: list[str] = []
        self.over_bounds: list[str] = []
        self.reached: set[str] = set()
        self.direct: set[str] = set()

    @property
    def problems(self) -> list[str]:
        return [*self.duplicates, *self.missing, *self.unmet, *self.over_bounds]

    def follow(self) -> None:
        """Follows every active requirement, and notes what is wrong."""
        seen: set[tuple[str, str]] = set()
        todo = [(requirement, "the project", "") for requirement in self._of_project()]
        while todo:
            requirement, who, extra = todo.pop()
            if requirement.marker is not None and not _active(str(requirement.marker), self.environment, extra):
                continue
            name = canonicalize_name(requirement.name)
            if who == "the project" and name != self.asked.name:
                self.direct.add(name)
                self._check_pin(name)
            for one in self.by_name.get(name, ()):
                if not _admits(str(requirement.specifier), one.version):
                    self.unmet.append(f"{who} requires {requirement}, and {name} {one.version} is installed")
            if name not in self.by_name:
                self.missing.append(f"{who} requires {requirement}, and {name} is not installed")
                continue
            for text in ("", *requirement.extras):
                key = (name, canonicalize_name(text) if text else "")
                if key not in seen:
                    seen.add(key)
                    todo += self._of(name, key[1])

    def _of_project(self) -> Iterator[Requirement]:
        asked, todo, seen = self.asked, [self.asked.dependencies], set(self.environment.choices)
        todo += [asked.choices[choice] for choice in self.environment.choices]
        while todo:
            for requirement in todo.pop():
                if canonicalize_name(requirement.name) != asked.name:
                    yield from self._overridden(requirement)
                    continue
                for choice, own in asked.choices.items():
                    named = {str(canonicalize_name(extra)) for extra in requirement.extras}
                    if choice.kind == "extra" and choice.name in named and choice not in seen:
                        seen.add(choice)
                        todo.append(own)

    def _of(self, name: str, extra: str) -> Iterator[tuple[Requirement, str, str]]:
        """The requirements of what is installed under a name, of itself or of one of its extras."""
        for one in self.by_name[name]:
            known = self.world.find(one)
            if known is None:
                self.unmet.append(f"{name} {one.version} is not in the index")
                continue
            release = known[1]
            if not extra:
                self.reached.add(name)
                self._check_admitted(one, release)
            for text in release.requires:
                requirement = _requirement(text)
                if requirement is not None and (
                    not extra or (requirement.marker and "extra" in str(requirement.marker))
                ):
                    for final in self._overridden(requirement):
                        yield final, f"{name} {one.version}", extra

    def _overridden(self, requirement: Requirement) -> tuple[Requirement, ...]:
        return self.asked.overrides.get(canonicalize_name(requirement.name), (requirement,))

    def _check_admitted(self, one: Installed, release: Release) -> None:
        if not _runs(release.requires_python, self.python):
            above = _runs(_without_upper_bounds(release.requires_python or ""), self.python)
            told = f"{one.name} {one.version} is not for Python {self.python}, but for {release.requires_python}"
            (self.over_bounds if above else self.unmet).append(told)
        for constraint in self.asked.constraints:
            if canonicalize_name(constraint.name) == one.name and not _admits(str(constraint.specifier), one.version):
                self.unmet.append(f"the project allows only {constraint}, and {one.name} {one.version} is installed")

    def _lists(self, choice: Choice, name: str) -> bool:
        """Whether an extra or group lists a package here, if it lists it at all."""
        listed = [one for one in self.asked.choices.get(choice, ()) if canonicalize_name(one.name) == name]
        return not listed or any(
            self.environment.holds(None if one.marker is None else str(one.marker)) for one in listed
        )

    def _check_pin(self, name: str) -> None:
        for pin in self.asked.pins.get(name, ()):
            chosen = pin.choice is None or (pin.choice in self.active and self._lists(pin.choice, name))
            if chosen and self.environment.holds(None if pin.marker is None else str(pin.marker)):
                for one in self.by_name.get(name, ()):
                    if one.index is not None and one.index != pin.index:
                        self.unmet.append(f"{name} is to come from {pin.index}, and comes from {one.index}")

    def days(self, names: Iterable[str]) -> float:
        """Of several together, summed in a fixed order."""
        return sum(self._days_behind(name) for name in sorted(names))

    def _days_behind(self, name: str) -> float:
        """Days between what is installed and the newest version that this Python could use, of the same index."""
        found = [self.world.find(one) for one in self.by_name.get(name, ())]
        known = [one for one in found if one is not None and one[1].uploaded is not None]
        if not known:
            return 0.0
        index, release = known[0]
        python = self.python.rpartition(".")[0]
        newest = _newest(self.world, index, name, python, self.asked.exclude_newer or "")
        if newest is None or release.uploaded is None:
            return 0.0
        return max(0.0, (_moment(newest) - _moment(release.uploaded)).total_seconds() / 86400)


@lru_cache(maxsize=200_000)
def _newest(world: World, index: str, name: str, python: str, before: str) -> str | None:
    """When the newest final release was uploaded that a Python can use."""
    usable = [
        (Version(version), release.uploaded)
        for version, release in world.releases.get((index, name), {}).items()
        if release.uploaded is not None
        and not release.yanked
        and not Version(version).is_prerelease
        and (not before or release.uploaded < before)
        and _runs(release.requires_python, f"{python}.0")
    ]
    return max(usable)[1] if usable else None


@lru_cache(maxsize=500_000)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@lru_cache(maxsize=500_000)
def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


@lru_cache(maxsize=500_000)
def _admits(specifier: str, version: str) -> bool:
    return not version or SpecifierSet(specifier).contains(version, prereleases=True)


@lru_cache(maxsize=500_000)
def _runs(requires_python: str | None, python: str) -> bool:
    try:
        return requires_python is None or SpecifierSet(requires_python).contains(python)
    except InvalidSpecifier:
        return True


@lru_cache(maxsize=10_000)
def _without_upper_bounds(requires_python: str) -> str:
    kept = [one for one in SpecifierSet(requires_python) if one.operator not in ("<", "<=")]
    return ",".join(f">={one.version}" if one.operator == "~=" else str(one) for one in kept)


def _active(marker: str, environment: Environment, extra: str) -> bool:
    """Whether a requirement of a package is active, when one of its extras is asked for."""
    return _evaluated(marker, tuple(environment.variables.items()), extra)


@lru_cache(maxsize=500_000)
def _evaluated(marker: str, variables: tuple[tuple[str, str], ...], extra: str) -> bool:
    from packaging.markers import Marker

    return bool(Marker(marker).evaluate({**dict(variables), "extra": extra}))
