"""The truth about which lock is best, one environment at a time and by brute force (see ``docs/freshness.md``).

For an environment of the objective (a Python, a platform, a choice among the members of conflicts, all else chosen) the
*vector* of a selection holds what each tier counts there. The judge goes through every valid selection, and the best
vector is what a lock must have there, whatever it has elsewhere.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.bruteforce import Candidate, Choice, Environment, Judge, requirement_of, satisfies, selected

__all__ = ["TICKS", "environments", "installed", "is_best", "least_vector", "selections", "serving", "vector"]

COMMON = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")}
PYTHONS = {f"3.{minor}" for minor in range(9, 16)}
TICKS = 1 << 20

Vector = tuple[int, ...]

_once = functools.lru_cache(maxsize=1 << 14)
"""What is asked of every selection of one environment is worked out once."""


def environments(judge: Judge) -> list[Environment]:
    """The environments of the objective."""
    named = {choice for conflict in judge.conflicts for choice in conflict}
    bound = _bringing(judge, named)
    every = (*(Choice("extra", e) for e in judge.extras), *(Choice("group", g) for g in judge.groups))
    free = [choice for choice in every if choice not in bound]
    found = []
    machines = {judge._signature(base): base for base in reversed(judge._bases)}.values()
    for base in list(machines)[::-1]:
        for size in range(len(bound) + 1):
            for some in itertools.combinations(sorted(bound), size):
                chosen = (*free, *some)
                env = replace(
                    base,
                    extras=frozenset(c.name for c in chosen if c.kind == "extra"),
                    groups=frozenset(c.name for c in chosen if c.kind == "group"),
                )
                if judge._admits_choice(env):
                    found.append(env)
    return found


def _bringing(judge: Judge, named: set[Choice]) -> set[Choice]:
    """Choices that conflicts name, and those that bring one of these along."""
    found = set(named)
    while True:
        more = {
            Choice("group", g) for g, inc in judge.includes.items() if any(Choice("group", i) in found for i in inc)
        }
        lists = [*((Choice("extra", e), r) for e, r in judge.extras.items())]
        lists += [*((Choice("group", g), r) for g, r in judge.groups.items())]
        for choice, requirements in lists:
            for one in requirements:
                brought = {Choice("extra", canonicalize_name(extra)) for extra in one.extras}
                if canonicalize_name(one.name) == judge.name and brought & found:
                    more.add(choice)
        if more <= found:
            return found
        found |= more


def installed(judge: Judge, lock: Pylock, env: Environment) -> dict[str, Candidate]:
    """What a lock installs in an environment."""
    entries = [p for p in lock.packages if p.marker is None or selected(str(p.marker), env)]
    found = {str(entry.name): judge._candidate(entry) for entry in entries}
    return {name: candidate for name, candidate in found.items() if candidate is not None}


def selections(judge: Judge, env: Environment, chosen: dict[str, Candidate]) -> Iterator[dict[str, Candidate]]:
    """Every valid selection of what is asked for, and of nothing else."""
    asked = judge.requirements(env, chosen)
    if not all(judge._serves(chosen[name], asked[name], env) for name in asked if name in chosen):
        return
    missing = next((name for name in asked if name not in chosen), None)
    if missing is None:
        if judge._opened(chosen, env, last_resort=False, pinned=False):
            yield chosen
        return
    for candidate in judge._candidates(missing):
        if judge._serves(candidate, asked[missing], env):
            yield from selections(judge, env, {**chosen, missing: candidate})


def is_best(judge: Judge, env: Environment, found: Mapping[str, Candidate], *, alone: bool = False) -> bool:
    """Whether nothing better than a selection is valid in an environment; one that a pin of a yanked release makes
    possible may be better.

    Newer releases that somebody rules out are not always read, so what they say of escapes may count or not.

    Args:
        alone: whether the project has no other environment, and each package has one cell. Otherwise the number of
            packages is left out: where all else is equal, it is the fewest over a cell.
    """
    every, tiers = list(selections(judge, env, {})), None if alone else -1
    return any(
        vector(judge, env, found, read)[:tiers] <= least_vector(judge, env, every, read)[:tiers]
        for read in (True, False)
    )


def least_vector(judge: Judge, env: Environment, every: list[dict[str, Candidate]], read: bool) -> Vector:
    """The least that some selections have.

    Escapes take long to count, so a selection that would be no better without any is left aside.
    """
    bounds = sorted(((_without_escapes(judge, env, one), place) for place, one in enumerate(every)))
    least = vector(judge, env, every[bounds[0][1]], read)
    for bound, place in bounds[1:]:
        if bound >= least:
            break
        least = min(least, vector(judge, env, every[place], read))
    return least


def vector(judge: Judge, env: Environment, chosen: Mapping[str, Candidate], read: bool = True) -> Vector:
    """What each tier counts: without a file, extras that are lacking, escapes, age of direct, age of the rest,
    packages.

    Args:
        read: whether releases were read that somebody else who is selected rules out.
    """
    without_file, lacking, none, *ages = _without_escapes(judge, env, chosen)
    found = escapes(judge, chosen, judge.requirements(env, chosen), env, read)
    return without_file, lacking, none + found, *ages


def _without_escapes(judge: Judge, env: Environment, chosen: Mapping[str, Candidate]) -> Vector:
    """The vector of a selection if it has no escapes."""
    ages = {name: behind(judge, candidate, env) for name, candidate in chosen.items()}
    direct = sum(age for name, age in ages.items() if name in _named(judge))
    return *serving(judge, env, chosen), 0, direct, sum(ages.values()) - direct, len(chosen)


def serving(judge: Judge, env: Environment, chosen: Mapping[str, Candidate]) -> tuple[int, int]:
    """What comes before all that is about age: packages without a file, and extras that are lacking."""
    lacking = 0
    for name, requirements in judge.requirements(env, chosen).items():
        extras = {canonicalize_name(extra) for requirement, _ in requirements for extra in requirement.extras}
        if extras:
            newest = judge.dist(admissible(judge, name, env)[0]).provides_extra
            lacking += len((extras & set(newest)) - set(judge.dist(chosen[name]).provides_extra))
    return sum(_lacks_file(judge, candidate, env) for candidate in chosen.values()), lacking


@_once
def _named(judge: Judge) -> set[str]:
    lists = [judge.dependencies, *judge.extras.values(), *judge.groups.values()]
    return {canonicalize_name(one.name) for one in itertools.chain(*lists)}


@_once
def admissible(judge: Judge, name: str, env: Environment) -> list[Candidate]:
    """Newest first; those that some constraint forbids are not, nor is what the project itself does not ask for."""
    own = judge.own(env).get(name, [])
    candidates = [one for one in judge._candidates(name) if judge.indexes(name, env) == [one.index]]
    found = [
        one
        for one in candidates
        if judge.objection(one, env) is None and not judge.unmet(one, (), env)
        if judge.held(one, own, env) is None
    ]
    return found or candidates


@_once
def behind(judge: Judge, candidate: Candidate, env: Environment) -> int:
    """Ticks since the newest admissible version; one that a higher one preceded counts as old as that one.

    A version is a tick older than the one above it where days do not tell them apart.
    """
    ranked = admissible(judge, candidate.name, env)
    if candidate not in ranked:
        ranked = sorted([*ranked, candidate], key=lambda one: Version(one.version), reverse=True)
    known: list[datetime] = []
    days, ticks = -1, 0
    for one in ranked[: ranked.index(candidate) + 1]:
        if moment := judge.dist(one).upload_time:
            known.append(datetime.fromisoformat(str(moment)))
        last, days = days, (known[0] - min(known)).days if known else 0
        ticks += days == last
    return days * TICKS + ticks


@_once
def _lacks_file(judge: Judge, candidate: Candidate, env: Environment) -> bool:
    """Whether a candidate has no file on a common platform where another admissible one has one."""
    place = _place_like(judge, env) or env
    if judge.fits(candidate, place):
        return False
    return any(judge.fits(one, place) for one in admissible(judge, candidate.name, env))


@_once
def _place_like(judge: Judge, env: Environment) -> Environment | None:
    """The common platform that an environment is most like, on a released CPython; None where it is like none, and has
    the files for any platform alone."""
    machine = {"darwin": "arm64", "win32": "AMD64"}.get(env.platform, env.machine)
    bases = {base.python: base for base in judge._bases if (base.platform, base.machine) == (env.platform, machine)}
    known = [python for python in bases if ".".join(python.split(".")[:2]) in PYTHONS]
    if (env.platform, machine) not in COMMON or not known:
        return None
    nearest = min(max(Version(env.python), min(map(Version, known))), max(map(Version, known)))
    return replace(env, python=str(nearest), machine=machine, implementation="cpython")


def escapes(
    judge: Judge,
    chosen: Mapping[str, Candidate],
    asked: Mapping[str, list[tuple[Requirement, str]]],
    env: Environment,
    read: bool,
) -> int:
    """Pairs of a candidate and a version of a dependency that all newer candidates, which might serve, call too new.

    Those that do not, below one that does, would be beside it in the same way.
    """
    found = 0
    for name, candidate in chosen.items():
        extras = frozenset(canonicalize_name(extra) for one, _ in asked[name] for extra in one.extras)
        ranked = admissible(judge, name, env)
        above = ranked[: ranked.index(candidate)] if candidate in ranked else []
        own = [(requirement, by) for requirement, by in asked[name] if by == "the project"]
        above = [one for one in above if not judge.unmet(one, own, env)]
        newer = [one for one in above if not judge.unmet(one, asked[name], env)]
        for dependency in {canonicalize_name(one.name) for one in _asks(judge, candidate, extras, env)}:
            other = chosen.get(dependency)
            told = excused = False
            for one in above if other is not None else ():
                assert other is not None
                if _has_moved(judge, candidate, one, extras, other, env):
                    continue
                too_new = _calls_too_new(judge, one, extras, other, env)
                excused |= one in newer and not too_new and not (told and _admits(judge, one, extras, other, env))
                told |= too_new and (read or one in newer)
            found += told and not excused
    return found


def _admits(judge: Judge, candidate: Candidate, extras: frozenset[str], other: Candidate, env: Environment) -> bool:
    """Whether a candidate asks for a dependency in a way that admits a version of it."""
    asks = [one for one in _asks(judge, candidate, extras, env) if canonicalize_name(one.name) == other.name]
    return any(satisfies(other.version, str(one.specifier)) for one in asks)


@_once
def _has_moved(  # noqa: PLR0917
    judge: Judge, candidate: Candidate, newer: Candidate, extras: frozenset[str], other: Candidate, env: Environment
) -> bool:
    """Whether a candidate was uploaded after a newer one, by a day, and asks for more than that one admits."""
    moments = [judge.dist(one).upload_time for one in (candidate, newer)]
    if None in moments:
        return False
    mine, before = (datetime.fromisoformat(moment or "") for moment in moments)
    if before + timedelta(days=1) >= mine:
        return False
    own, admitted = (_admitted(judge, one, extras, other, env) for one in (candidate, newer))
    if not admitted or not all(own):
        return False
    highest = max((version for versions in admitted for version in versions), default=None)
    return highest is None or highest < min(min(versions) for versions in own)


def _admitted(
    judge: Judge, candidate: Candidate, extras: frozenset[str], other: Candidate, env: Environment
) -> list[list[Version]]:
    """For each requirement of a candidate on a dependency the versions that it admits."""
    listed = [Version(one.version) for one in judge._candidates(other.name) if one.index == other.index]
    asks = [one for one in _asks(judge, candidate, extras, env) if canonicalize_name(one.name) == other.name]
    return [[version for version in listed if satisfies(str(version), str(one.specifier))] for one in asks]


@_once
def _asks(judge: Judge, candidate: Candidate, extras: frozenset[str], env: Environment) -> list[Requirement]:
    dist = judge.dist(candidate)
    here = frozenset(extras & {canonicalize_name(extra) for extra in dist.provides_extra})
    return [
        one for text in judge._lines(dist, env) for one in judge._replaced(requirement_of(text), here, env, frozenset())
    ]


@_once
def _calls_too_new(
    judge: Judge, candidate: Candidate, extras: frozenset[str], other: Candidate, env: Environment
) -> bool:
    admitted = _admitted(judge, candidate, extras, other, env)
    return any(versions and Version(other.version) > max(versions) for versions in admitted)
