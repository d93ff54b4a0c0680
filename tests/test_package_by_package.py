"""Objectives that go package by package, in every environment of worlds that have several: as new, or as old, as those
chosen before allow there, by brute force over that environment alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Environment, Judge
from tests.package_by_package import PackageByPackage
from tests.per_environment import environments, installed
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.test_fresh import dated
from tests.test_properties import NIGHTLY, Draw, locked
from tests.test_semantics import world
from tests.world import Dist, World
from tests.worlds_apart import settled, world_apart, world_of_families

OBJECTIVES = ("newest-first", "lowest", "lowest-direct")
LINUX_ARM, WINDOWS = Environment("3.11.0", machine="aarch64"), Environment("3.11.0", "win32", "AMD64")


def mixed(seed: int) -> World:
    return settled(dated(random_world(seed), seed))


def splitting(seed: int) -> World:
    return settled(dated(splitting_world(seed), seed))


WORLDS = {world_apart: (54, 6_000), mixed: (12, 3_000), splitting: (12, 3_000), world_of_families: (0, 900)}
"""How many worlds of each generator are drawn, and how many each night."""


@pytest.mark.parametrize(
    ("draw", "first"),
    [(draw, first) for draw, counts in WORLDS.items() for first in range(0, counts[NIGHTLY], 6)],
)
def test_each_package_is_as_new_as_those_before_it_allow(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 6):
        drawn, objective = draw(seed), OBJECTIVES[seed % 3]
        answer, judge = locked(drawn, tmp_path, objective=objective), Judge(drawn)
        if isinstance(answer, NoLock):
            assert judge.unsolvable() is not None, f"seed {seed}"
            continue
        lock, wanted = to_pylock(answer.lock), PackageByPackage(judge, objective)
        assert judge.refute(lock) is None, f"seed {seed}"
        for env in environments(judge):
            found = installed(judge, lock, env)
            assert wanted.is_best(env, found), f"seed {seed}, {objective}, {env}: {found}"


def versions(drawn: World, objective: str, env: Environment, folder: Path) -> dict[str, str]:
    """What a lock installs in an environment, which is also what the objective is to lead to there."""
    answer, judge = locked(drawn, folder, objective=objective), Judge(drawn)
    assert not isinstance(answer, NoLock)
    found = installed(judge, to_pylock(answer.lock), env)
    assert PackageByPackage(judge, objective).is_best(env, found)
    return {name: candidate.version for name, candidate in found.items()}


def test_what_is_not_reached_holds_nothing_back(tmp_path: Path) -> None:
    """b comes before a, but not on Windows, where only a 3.0 would bring it along, in another version."""
    listed = {"a": {"1.0": Dist(), "3.0": Dist(("b==1.0",))}, "b": {"1.0": Dist(), "2.0": Dist()}}
    drawn = world(["b ; sys_platform != 'win32'", "a"], listed)
    assert versions(drawn, "newest-first", WINDOWS, tmp_path) == {"a": "3.0", "b": "1.0"}
    assert versions(drawn, "newest-first", LINUX_ARM, tmp_path) == {"a": "1.0", "b": "2.0"}


def test_what_a_choice_asks_for_holds_nothing_back_without_it(tmp_path: Path) -> None:
    """With y the lowest a is settled first, which wants d 2.0; without it a is there only since d 3.0 asks for it."""
    listed = {
        "a": {"1.0": Dist(), "4.0": Dist()},
        "c": {"2.0": Dist(("d",))},
        "d": {"2.0": Dist(("a<2.0",)), "3.0": Dist(("a>=4.0",))},
    }
    more = '[project.optional-dependencies]\nx = []\ny = ["a"]\n'
    more += '[tool.uv]\nconflicts = [[{ extra = "x" }, { extra = "y" }]]\n'
    drawn = world(["c"], listed, more)
    with_y = Environment("3.11.0", extras=frozenset({"y"}))
    assert versions(drawn, "lowest-direct", Environment("3.11.0"), tmp_path) == {"a": "4.0", "c": "2.0", "d": "3.0"}
    assert versions(drawn, "lowest-direct", with_y, tmp_path) == {"a": "1.0", "c": "2.0", "d": "2.0"}


def test_what_is_named_anywhere_comes_in_the_order_of_the_file_everywhere(tmp_path: Path) -> None:
    """d is named before b, and for one platform; elsewhere b asks for both a and d, of which not both can be new."""
    listed = {
        "a": {"1.0": Dist(), "3.0": Dist(("d<2.0",))},
        "b": {"4.0": Dist(("a", "d"))},
        "d": {"1.0": Dist(), "2.0": Dist(("a<2.0",))},
    }
    drawn = world(["d<2.0 ; platform_machine == 'aarch64'", "b"], listed)
    assert versions(drawn, "newest-first", WINDOWS, tmp_path) == {"a": "1.0", "b": "4.0", "d": "2.0"}
    assert versions(drawn, "newest-first", LINUX_ARM, tmp_path) == {"a": "3.0", "b": "4.0", "d": "1.0"}


def test_what_is_named_anywhere_is_the_lowest_everywhere(tmp_path: Path) -> None:
    listed = {"b": {"4.0": Dist(("d",))}, "d": {"1.0": Dist(), "2.0": Dist(), "3.0": Dist()}}
    drawn = world(["d>=2.0 ; platform_machine == 'aarch64'", "b"], listed)
    assert versions(drawn, "lowest-direct", WINDOWS, tmp_path) == {"b": "4.0", "d": "1.0"}
    assert versions(drawn, "lowest-direct", LINUX_ARM, tmp_path) == {"b": "4.0", "d": "2.0"}


def test_extras_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """x names b before z names a: so it is with z as well, whose other lines do not matter."""
    listed = {"a": {"1.0": Dist(), "3.0": Dist(("b<2.0",))}, "b": {"1.0": Dist(), "2.0": Dist()}}
    more = '[project.optional-dependencies]\nx = ["b<2.0"]\ny = []\nz = ["a", "b"]\n'
    more += '[tool.uv]\nconflicts = [[{ extra = "x" }, { extra = "y" }]]\n'
    with_z = Environment("3.11.0", extras=frozenset({"z"}))
    assert versions(world([], listed, more), "newest-first", with_z, tmp_path) == {"a": "1.0", "b": "2.0"}
