"""Every minimal way out of a project without a lock, each verified by solving once more before it is offered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.facts import Corpus, CorpusError
from satlock.corpora.index.access import Access
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.marker import TRUE, Formula
from satlock.encoder.project.amendments import Amendment, amended
from satlock.encoder.project.project import Project, ProjectError
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass, field, replace
from satlock.solver.explaining.amending import amendments_of
from satlock.solver.explaining.correction_sets import Correction, CorrectionSets, Cut, needed
from satlock.solver.explaining.loosenings import steps_against
from satlock.solver.explaining.steps import Clash, Step, clash_of
from satlock.solver.galloping import first
from satlock.solver.locking import universe_for
from satlock.solver.objective.named import OBJECTIVES
from satlock.solver.search.search import NoLock, Search
from satlock.solver.search.selection import Selection
from satlock.solver.search.shelf import Shelf
from satlock.solver.search.sources import Sources

__all__ = ["Limits", "WayOut", "WaysOut", "ways_out"]


@dataclass(frozen=True)
class Limits:
    """How far the enumeration goes."""

    seconds: float = 15.0
    """Of work; waiting for an index may take twice as long on top."""
    trials: int = 300
    """Projects that are solved."""
    steps: int = 4
    """Of one way out; more of them only where nothing else helps."""
    ways: int = 20
    enough: int = 0
    """Ways out after which no more are looked for; 0 for all."""
    clock: float | None = None
    """Seconds by the clock, in place of :attr:`seconds`."""


@dataclass(frozen=True)
class WayOut:
    """Changes after which the project locks, and none of which can be left out."""

    amendments: tuple[Amendment, ...]
    steps: tuple[Step, ...]
    moved: int = 0
    """Versions by which its bounds move."""

    @property
    def cost(self) -> tuple[int, int, tuple[str, ...]]:
        """What the ways out are ranked by: what is given up, then how far the bounds move."""
        return sum(step.cost for step in self.steps), self.moved, tuple(map(str, self.amendments))

    def __str__(self) -> str:
        return "; and ".join(map(str, self.amendments))

    def as_json(self) -> dict[str, Any]:
        """What a program reads."""
        return {"text": str(self), "changes": [amendment.as_json() for amendment in self.amendments]}


@dataclass(frozen=True)
class WaysOut:
    """The ways out, the smallest change first."""

    ways: tuple[WayOut, ...]
    cut: Cut | None = None
    """Why there may be more; None where these are all."""
    wide: bool = False
    """Whether a bound was taken away altogether for want of time to look for the nearest one that serves."""


@dataclass
class _Trials:
    """Solves changed projects, within limits."""

    document: Mapping[str, Any]
    read: Callable[[Mapping[str, Any]], Project]
    corpus: Corpus
    default_index: str
    limits: Limits
    started: float = field(default_factory=time.monotonic)
    worked: float = field(default_factory=time.process_time)
    count: int = 0
    failed: bool = False
    wide: bool = False
    """Whether the limits came before a bound was narrowed."""
    _answers: dict[str, tuple[Project, Universe, Encoding, NoLock | None] | None] = field(default_factory=dict)
    _shelves: list[tuple[Project, Formula, Shelf]] = field(default_factory=list)
    _last: dict[str, dict[str, Formula]] = field(default_factory=dict)
    """The versions with which a changed project was seen to lock; another change is likely to admit most of them."""

    @property
    def exhausted(self) -> bool:
        return self.count >= self.limits.trials or self._late(1)

    def _late(self, factor: int) -> bool:
        if self.limits.clock is not None:
            return time.monotonic() - self.started > self.limits.clock
        limit = factor * self.limits.seconds
        return time.process_time() - self.worked > limit or time.monotonic() - self.started > 3 * limit

    def solve(self, amendments: list[Amendment]) -> tuple[Project, Universe, Encoding, NoLock | None] | None:
        """The project after these changes and what came of it; None where it cannot be told, or none is left.

        Raises:
            _Exhausted: the limits are reached.
        """
        key = "\n".join(map(str, amendments))
        if key not in self._answers:
            if self.exhausted:
                raise _Exhausted
            self.count += 1
            self._answers[key] = self._solve(amendments)
        return self._answers[key]

    def _solve(self, amendments: list[Amendment]) -> tuple[Project, Universe, Encoding, NoLock | None] | None:
        try:
            project = self.read(amended(self.document, amendments))
            universe = universe_for(project, self.corpus, {})
        except ProjectError:
            return None
        except CorpusError:
            self.failed = True
            return None
        shelf = self._shelf_for(project, universe)
        sources = Sources(project, universe, self.corpus, self.default_index, universe.edits, shelf=shelf)
        search = Search(project, universe, sources, OBJECTIVES["newest-first"], self._last, on_round=self._on_round)
        try:
            self._last = _versions(search.run())
            return project, universe, search.encoding, None
        except NoLock as none:
            return project, universe, search.encoding, none
        except CorpusError:
            self.failed = True
            return None
        finally:
            search.session.close()

    def _shelf_for(self, project: Project, universe: Universe) -> Shelf:
        """What was read of packages for a project with the same settings, whatever it requires."""
        settings = replace(
            project, dependencies=(), extras={}, groups={}, group_includes={}, default_groups=(), conflicts=(),
            exclusions=(), constraints=(), access=Access(), warnings=(),
        )  # fmt: skip
        for known, environments, shelf in self._shelves:
            if known == settings and environments is universe.domain.universe:
                return shelf
        self._shelves.append((settings, universe.domain.universe, Shelf()))
        return self._shelves[-1][2]

    def _on_round(self, statistics: object, selection: object) -> None:
        if self._late(2):
            raise _Exhausted

    def locks(self, amendments: list[Amendment]) -> bool:
        answer = self.solve(amendments)
        return answer is not None and answer[3] is None


def _versions(selection: Selection) -> dict[str, dict[str, Formula]]:
    """The versions of a selection that serve anybody: what an existing lock has would not be held back."""
    found: dict[str, dict[str, Formula]] = {}
    for cell, rank in selection.ranks.items():
        builds = cell.candidates[rank].builds if rank else ()
        if not any(build.release.yanked or Version(build.version).is_prerelease for build in builds):
            found.setdefault(cell.package.name, {}).update((build.version, TRUE) for build in builds)
    return found


class _Exhausted(Exception):
    """The limits are reached."""


def ways_out(
    none: NoLock,
    project: Project,
    document: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], Project],
    corpus: Corpus,
    *,
    default_index: str,
    limits: Limits | None = None,
    on_way: Callable[[WayOut], None] = lambda way: None,
    meant: Mapping[str, str] | None = None,
) -> WaysOut:
    """Every minimal way out among what the project's author controls.

    A step that takes a bound away is narrowed afterwards: to the bound next to the one that was written with which
    the project locks. Where a way out moves several bounds, each is as near as the ones before it allow.

    Args:
        document: the tables of the project's file.
        read: the project as a changed file and the command line have it; raises ProjectError.
        on_way: takes each way out as soon as no smaller one can come any more.
        meant: for names that no index has, those that may have been meant.
    """
    limits = limits or Limits()
    trials = _Trials(document, read, corpus, default_index, limits)
    clash_first = clash_of(none.facts, none.witness, project, none.universe, ())

    def oracle(steps: Correction) -> Clash | bool | None:
        if not steps:
            return clash_first
        answer = trials.solve(amendments_of(_ordered(steps), document))
        if answer is None:
            return False
        changed, universe, _, clash = answer
        return None if clash is None else clash_of(clash.facts, clash.witness, changed, universe, steps)

    told = _Told(on_way)
    cut: Cut | None = None
    sets = CorrectionSets(clash_first, oracle, lambda clash: steps_against(clash, document, meant), limits.steps)
    with suppress(_Exhausted):
        for found, steps in enumerate(sets, 1):
            told.turn_to(sum(step.cost for step in steps))
            if limits.enough and len(told.ways) >= limits.enough:
                cut = Cut("enough")
                break
            told.add(
                _narrowed(_ordered(needed(steps, lambda some: trials.locks(amendments_of(some, document)))), trials)
            )
            if found >= limits.ways:
                cut = Cut("ways", limits.ways)
                break
    told.turn_to(None)
    if not cut and trials.exhausted:
        cut = Cut("trials", trials.count)
    if not cut and sets.too_large:
        cut = Cut("steps", limits.steps)
    if not cut and trials.failed:
        cut = Cut("failure")
    return WaysOut(tuple(told.ways.values()), cut, trials.wide)


@dataclass
class _Told:
    """The ways out in their order. They are found from cheap to dear, so those of one price are told together."""

    on_way: Callable[[WayOut], None]
    ways: dict[str, WayOut] = field(default_factory=dict)
    _price: int | None = None
    _waiting: list[WayOut] = field(default_factory=list)

    def turn_to(self, price: int | None) -> None:
        """Tells what has waited where the next one is of another price (None: there is none)."""
        if price == self._price:
            return
        self._price = price
        for way in sorted(self._waiting, key=lambda way: way.cost):
            if str(way) not in self.ways:
                self.ways[str(way)] = way
                self.on_way(way)
        self._waiting = []

    def add(self, ways: Iterable[WayOut]) -> None:
        self._waiting += ways


def _ordered(steps: Correction) -> list[Step]:
    return sorted(steps, key=lambda step: (step.cost, step.kind, str(step.subject)))


# -- no further than needed


def _narrowed(steps: list[Step], trials: _Trials) -> Iterator[WayOut]:
    """A confirmed way out with its bounds as near to those that were written as they may be.

    A clause with versions on both sides can be moved either way: then there may be two.
    """
    choices: list[tuple[dict[Step, Any], int]] = [({}, 0)]
    for step in steps:
        if step.kind in ("bound", "newer"):
            wider = [_nearest(step, steps, tightened, moved, trials) for tightened, moved in choices]
            choices = [choice for several in wider for choice in several]
    for tightened, moved in choices:
        yield WayOut(tuple(amendments_of(steps, trials.document, tightened)), tuple(steps), moved)


def _nearest(
    step: Step, steps: list[Step], tightened: dict[Step, Any], moved: int, trials: _Trials
) -> list[tuple[dict[Step, Any], int]]:
    """The ways to narrow one step, the others being as they are; the step as it is where none was found in time."""
    found = []
    try:
        answer = trials.solve(amendments_of(steps, trials.document, tightened))
        assert answer is not None
        for ladder in _ladders(step, answer[2], answer[0]):

            def locks(place: int, ladder: list[Any] = ladder) -> bool:
                return trials.locks(amendments_of(steps, trials.document, {**tightened, step: ladder[place]}))

            place = first(len(ladder), locks)
            if place is not None:
                value = ladder[place]
                exact = _exactly(step, value)
                if exact and trials.locks(amendments_of(steps, trials.document, {**tightened, step: exact})):
                    value = exact
                found.append(({**tightened, step: value}, moved + place + 1))
    except _Exhausted:
        trials.wide = True
    return found or [(tightened, moved + 1000)]


def _ladders(step: Step, encoding: Encoding, project: Project) -> Iterator[list[Any]]:
    """What may take the place of a step, from little to much, in each direction in which it can go."""
    if step.kind == "newer":
        yield _cutoffs(step.subject[0], encoding, project)
        return
    from packaging.requirements import Requirement

    from satlock.corpora.names import canonicalize_name

    requirement = Requirement(step.subject[1])
    clause = Specifier(step.subject[2])
    package = encoding.packages.get(canonicalize_name(requirement.name))
    if package is None or clause.operator in ("===", "!="):
        return
    rest = SpecifierSet(",".join(str(other) for other in requirement.specifier if str(other) != str(clause)))
    versions = {
        cell.candidates.version(rank).public
        for cell in package.cells
        for rank in range(1, cell.candidates.top + 1)
        if cell.candidates.admitted(rest) >> rank & 1
    }
    ordered = sorted(map(Version, versions))
    inside = [version for version in ordered if clause.contains(version, prereleases=True)]
    below, above = _around(clause, ordered)
    lower, upper = _ends(clause, inside)
    yield [f">={version}{upper}" for version in reversed(below)]
    yield [f"{lower}<={version}" for version in above]


def _around(clause: Specifier, ordered: list[Version]) -> tuple[list[Version], list[Version]]:
    """The versions below and above all that a clause admits."""
    admits = [clause.contains(version, prereleases=True) for version in ordered]
    bound = Version(clause.version.removesuffix(".*"))
    if clause.operator in (">=", ">"):
        return [v for v, inside in zip(ordered, admits, strict=True) if not inside], []
    if clause.operator in ("<", "<="):
        return [], [v for v, inside in zip(ordered, admits, strict=True) if not inside]
    outside = [v for v, inside in zip(ordered, admits, strict=True) if not inside]
    return [v for v in outside if v < bound], [v for v in outside if v > bound]


def _ends(clause: Specifier, inside: list[Version]) -> tuple[str, str]:
    """What a clause with two ends says on the side that stays: (its lower end, its upper end), each with its comma."""
    if clause.operator not in ("==", "~="):
        return "", ""
    low = Version(clause.version.removesuffix(".*"))
    if clause.operator == "==" and not clause.version.endswith(".*"):
        return f">={low.public},", f",<={low.public}"  # PEP 440 orders by public versions only.
    release = low.release if clause.operator == "==" else low.release[:-1]
    after = (*release[:-1], release[-1] + 1)
    epoch = f"{low.epoch}!" if low.epoch else ""
    return f">={low},", f",<{epoch}{'.'.join(map(str, after))}"


def _exactly(step: Step, value: Any) -> str | None:
    """An exact version in place of an exact version, if that is what a bound was."""
    if step.kind != "bound" or not step.subject[2].startswith("==") or step.subject[2].endswith(".*"):
        return None
    old = Version(step.subject[2].removeprefix("==").strip())
    ends = {clause.lstrip("<>=") for clause in str(value).split(",")}
    new = next(iter(ends - {old.public} or ends))
    return None if new == str(old) else f"=={new}"


def _cutoffs(name: str, encoding: Encoding, project: Project) -> list[Any]:
    """Moments just after uploads that the project's own comes too early for, the earliest first."""
    package = encoding.packages.get(name)
    own = project.exclude_newer
    moments = set()
    for cell in package.cells if package else ():
        for rank in range(1, cell.candidates.top + 1):
            for build in cell.candidates[rank].builds:
                moments |= {file.upload_time for file in build.files if file.upload_time}
    parsed = sorted(datetime.fromisoformat(moment) for moment in moments)
    return [_just_after(moment) for moment in parsed if own is None or moment >= own]


def _just_after(moment: datetime) -> str:
    later = moment.replace(microsecond=0) + timedelta(seconds=1)
    return later.strftime("%Y-%m-%dT%H:%M:%SZ")
