"""A lock that is there, after its project has changed: in every environment as few packages leave their version as can
be, by brute force over that environment alone, and the next run changes nothing."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from satlock.solver.locking import Locked
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Candidate, Environment, Judge, marker_variables
from tests.per_environment import environments, installed, least_vector, selections, serving, vector
from tests.splitting import splitting_world
from tests.standing.kept import kept_versions
from tests.strategies import random_world
from tests.test_fresh import dated
from tests.test_properties import NIGHTLY, Draw, locked
from tests.world import DEFAULT, World
from tests.worlds_apart import settled, world_apart

OBJECTIVES = ("fresh", "fresh", "newest-first")


def mixed(seed: int) -> World:
    return settled(dated(random_world(seed), seed))


def splitting(seed: int) -> World:
    return settled(dated(splitting_world(seed), seed))


def changed(drawn: World, dice: random.Random) -> World:
    """The project with a bound more, with a requirement more, or with one less."""
    line = next(line for line in drawn.pyproject.splitlines() if line.startswith("dependencies = "))
    asked = tomllib.loads(line)["dependencies"]
    names = [name for name in sorted(drawn.indexes[DEFAULT]) if drawn.indexes[DEFAULT][name]]
    match dice.choice(("bound", "bound", "more", "less")):
        case "less" if asked:
            asked.pop(dice.randrange(len(asked)))
        case "more":
            asked.insert(0, dice.choice(names))
        case _:
            name = dice.choice(names)
            version = dice.choice(sorted(drawn.indexes[DEFAULT][name]))
            marker = dice.choice(("", "", " ; sys_platform == 'linux'", " ; python_version >= '3.12'"))
            asked.append(f"{name}{dice.choice(('<', '<=', '!=', '>=', '=='))}{version}{marker}")
    return replace(drawn, pyproject=drawn.pyproject.replace(line, f"dependencies = {json.dumps(asked)}", 1))


def leaving(lock: Pylock, env: Environment, selected: Mapping[str, Candidate]) -> int:
    """How many packages leave the version that a lock has of them in an environment.

    The only version that it has of a package counts everywhere.
    """
    here = {**marker_variables(env.base), "extras": env.extras, "dependency_groups": env.groups}
    found = 0
    for name, candidate in selected.items():
        entries = [entry for entry in lock.packages if entry.name == name]
        if len({entry.version for entry in entries}) > 1:
            entries = [e for e in entries if e.marker is None or e.marker.evaluate(here, context="lock_file")]
        found += bool(entries) and candidate.version not in {str(entry.version) for entry in entries}
    return found


def is_best(judge: Judge, env: Environment, lock: Pylock, found: Mapping[str, Candidate], objective: str) -> bool:
    """Whether nothing leaves less of a lock in an environment, or is better in the tiers below and leaves as much."""
    every = list(selections(judge, env, {}))
    if objective != "fresh":
        tiers = [(leaving(lock, env, one), *serving(judge, env, one)) for one in (found, *every)]
        return tiers[0] <= min(tiers[1:])
    fewest = min(leaving(lock, env, one) for one in every)
    every = [one for one in every if leaving(lock, env, one) == fewest]
    return leaving(lock, env, found) == fewest and any(
        vector(judge, env, found, read)[:-1] <= least_vector(judge, env, every, read)[:-1] for read in (True, False)
    )


WORLDS = {world_apart: (36, 6_000), mixed: (12, 3_000), splitting: (6, 3_000)}
"""How many worlds of each generator are drawn, and how many each night."""


@pytest.mark.parametrize(
    ("draw", "first"),
    [(draw, first) for draw, counts in WORLDS.items() for first in range(0, counts[NIGHTLY], 6)],
)
def test_as_few_packages_leave_their_version_as_can_be(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 6):
        drawn, objective = draw(seed), OBJECTIVES[seed % 3]
        before = locked(drawn, tmp_path, objective=objective)
        if isinstance(before, NoLock):
            continue
        lock, now = to_pylock(before.lock), changed(drawn, random.Random(f"changed {seed}"))
        after, judge = locked(now, tmp_path, objective=objective, preferred=kept_versions(lock)), Judge(now)
        if isinstance(after, NoLock):
            assert judge.unsolvable() is not None, f"seed {seed}"
            continue
        there = to_pylock(after.lock)
        assert judge.refute(there) is None, f"seed {seed}"
        again = locked(now, tmp_path, objective=objective, preferred=kept_versions(there))
        assert isinstance(again, Locked), f"seed {seed}"
        for env in environments(judge):
            found = installed(judge, there, env)
            assert is_best(judge, env, lock, found, objective), f"seed {seed}, {objective}, {env}: {found}"
            assert installed(judge, to_pylock(again.lock), env) == found, f"seed {seed}, {objective}, {env}"
