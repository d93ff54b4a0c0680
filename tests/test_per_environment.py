"""Every environment gets the best that there is for it: locks of random worlds against brute force in each environment
alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Judge
from tests.per_environment import environments, installed, is_best, vector
from tests.test_fresh import dated
from tests.test_properties import CHUNK, NIGHTLY, Draw, chunks, kinds, locked
from tests.worlds_apart import settled, world_apart, world_of_escapes, world_of_families


@pytest.mark.parametrize("draw", [world_apart, world_of_escapes], ids=["apart", "escapes"])
@chunks
def test_no_environment_pays_for_another(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        check(draw(seed), seed, tmp_path)


@pytest.mark.parametrize("first", range(0, 3_000 if NIGHTLY else 60, 20))
def test_families_of_many_releases(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 20):
        check(world_of_families(seed), seed, tmp_path)


@kinds
@chunks
def test_no_environment_of_other_worlds_pays_for_another(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        check(settled(dated(draw(seed), seed)), seed, tmp_path)


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
