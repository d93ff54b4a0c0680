"""Every environment gets the best that there is for it: locks of random worlds against brute force in each environment
alone."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Judge
from tests.per_environment import environments, installed, is_best, vector
from tests.test_fresh import dated
from tests.test_properties import CHUNK, NIGHTLY, Draw, chunks, kinds, locked
from tests.worlds_apart import renamed, settled, world_apart, world_of_builds, world_of_escapes, world_of_families

NAMES = (
    "art",
    "bee",
    "cat",
    "dog",
    "elk",
    "fox",
    "gnu",
    "hen",
    "ibis",
    "jay",
    "kea",
    "lark",
    "mole",
    "newt",
    "owl",
    "pig",
)


@pytest.mark.parametrize("draw", [world_apart, world_of_escapes], ids=["apart", "escapes"])
@chunks
def test_no_environment_pays_for_another(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        check(draw(seed), seed, tmp_path)


@pytest.mark.parametrize("first", range(0, 10_000 if NIGHTLY else 20, 10))
def test_builds_and_groups(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 10):
        check(world_of_builds(seed), seed, tmp_path)


@pytest.mark.parametrize("first", range(0, 3_000 if NIGHTLY else 60, 20))
def test_families_of_many_releases(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 20):
        check(world_of_families(seed), seed, tmp_path)


@kinds
@chunks
def test_no_environment_of_other_worlds_pays_for_another(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        check(settled(dated(draw(seed), seed)), seed, tmp_path)


@pytest.mark.parametrize("first", range(0, 1_000 if NIGHTLY else 40, 20))
def test_names_are_no_matter(first: int, tmp_path: Path) -> None:
    """Those of extras and groups, and those of packages but for their order, which decides where all is equal."""
    for seed in range(first, first + 20):
        dice, drawn = random.Random(f"names {seed}"), world_apart(seed)
        packages = dict(zip("abcde", sorted(dice.sample(NAMES, 5)), strict=True))
        choices = dict(zip("xyz", dice.sample(NAMES, 3), strict=True))
        groups = {choice for choice in choices if dice.random() < 0.4}
        plain = renamed(drawn, {name: name for name in packages}, {name: name for name in choices}, groups)
        other = renamed(drawn, packages, choices, groups)
        here, there = (locked(one, tmp_path, objective="fresh") for one in (plain, other))
        if isinstance(here, NoLock) or isinstance(there, NoLock):
            assert isinstance(here, NoLock) and isinstance(there, NoLock), f"seed {seed}"
            continue
        one, two = Judge(plain), Judge(other)
        for env in environments(one):
            mine = {packages[name]: c.version for name, c in installed(one, to_pylock(here.lock), env).items()}
            extras, chosen = (frozenset(choices[choice] for choice in kind) for kind in (env.extras, env.groups))
            same = replace(env, extras=extras, groups=chosen)
            theirs = {name: c.version for name, c in installed(two, to_pylock(there.lock), same).items()}
            assert theirs == mine, f"seed {seed}, {env}"


def check(world: object, seed: int, tmp_path: Path) -> None:
    answer, judge = locked(world, tmp_path, objective="fresh"), Judge(world)  # type: ignore[arg-type]
    if isinstance(answer, NoLock):
        assert judge.unsolvable() is not None, f"seed {seed}"
        return
    lock = to_pylock(answer.lock)
    assert judge.refute(lock) is None, f"seed {seed}"
    for env in environments(judge):
        found = installed(judge, lock, env)
        assert is_best(judge, env, found), f"seed {seed}, {env}: {found}, {vector(judge, env, found)}"
