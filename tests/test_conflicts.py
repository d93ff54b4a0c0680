"""The sets of extras and groups that cannot be active together, against all choices one by one.

``SATLOCK_NIGHTLY=1`` draws some thirty times as many worlds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from satlock.corpora.remembered import Remembered
from satlock.encoder.project.project import Choice, Project, ProjectError
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.universe import PinsOverlap
from satlock.solver.explaining.conflicting import Conflict, conflicts_of, under_conflicts
from satlock.solver.locking import attempt, lock
from satlock.solver.search.search import NoLock
from tests.bruteforce import Environment, Judge
from tests.cli.scene import pyproject, world_of
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.test_properties import judged
from tests.world import Dist, MemoryCorpus, World

NIGHTLY = os.environ.get("SATLOCK_NIGHTLY") == "1"
kinds = pytest.mark.parametrize("draw", [random_world, splitting_world], ids=["mixed", "splitting"])


class Attempts:
    """Locks projects of one world, and counts how often."""

    def __init__(self, world: World) -> None:
        self.world, self.corpus, self.count = world, Remembered(MemoryCorpus(world)), 0

    def __call__(self, project: Project) -> None:
        self.count += 1
        attempt(project, self.corpus, default_index=self.world.default_index)


def found_in(world: World, folder: Path) -> tuple[Conflict, ...]:
    return conflicts_of(read_project(world.write_project(folder)), Attempts(world))


def active(judge: Judge, env: Environment) -> frozenset[tuple[str, str]]:
    """What the choices of an environment bring into force."""
    found = judge.active(env) - judge.active(env.base)
    return frozenset((choice.kind, choice.name) for choice in found)


def minimal_bad_sets(judge: Judge) -> set[frozenset[tuple[str, str]]]:
    bad = {active(judge, env) for env in judge.environments() if judge.solve(env) is None}
    return {one for one in bad if not any(other < one for other in bad)}


@kinds
def test_they_are_all_the_minimal_ones(draw: Callable[[int], World], tmp_path: Path) -> None:
    seen, unsatisfiable = 0, 0
    for seed in range(4000 if NIGHTLY else 50):
        world = draw(seed)
        judge = Judge(world)
        minimal = minimal_bad_sets(judge)
        try:
            found = found_in(world, tmp_path)
        except NoLock as none:
            assert frozenset() in minimal, f"seed {seed}"
            assert none.witness is not None
            assert not active(judge, judged(none.witness))
            unsatisfiable += 1
            continue
        assert frozenset() not in minimal, f"seed {seed}"
        for conflict in found:
            assert active(judge, judged(conflict.witness)) in minimal, f"seed {seed}: {conflict.choices} can be smaller"
        named = [{(choice.kind, choice.name) for choice in conflict.choices} for conflict in found]
        for bad in minimal:
            assert any(names <= bad for names in named), f"seed {seed}: {bad} is missing"
        assert len(named) == len({frozenset(names) for names in named})
        seen += len(found)
        project = under_conflicts(read_project(world.write_project(tmp_path)), found)
        lock(project, MemoryCorpus(world), default_index=world.default_index, objective="newest-first")
    assert seen > 3
    assert unsatisfiable > 0


def pairs(count: int, *, requires: tuple[str, ...] = ()) -> World:
    extras = "".join(f'x{i} = ["p{i}<2"]\ny{i} = ["p{i}>=2"]\n' for i in range(count))
    packages = {f"p{i}": {"1.0": Dist(), "2.0": Dist()} for i in range(count)}
    return world_of(packages, pyproject(*requires, more=f"[project.optional-dependencies]\n{extras}"))


def test_independent_pairs_cost_as_much_as_their_number(tmp_path: Path) -> None:
    world = pairs(12)
    attempts = Attempts(world)
    found = conflicts_of(read_project(world.write_project(tmp_path)), attempts)
    assert {conflict.choices for conflict in found} == {
        (Choice("extra", f"x{i}"), Choice("extra", f"y{i}")) for i in range(12)
    }
    assert attempts.count <= 12 + 2


def test_three_of_which_any_two_go_together(tmp_path: Path) -> None:
    more = '[project.optional-dependencies]\none = ["a>1"]\ntwo = ["a<3"]\nthree = ["a!=2"]\n'
    world = world_of({"a": {"1": Dist(), "2": Dist(), "3": Dist()}}, pyproject(more=more))
    (conflict,) = found_in(world, tmp_path)
    assert [choice.name for choice in conflict.choices] == ["one", "two", "three"]
    project = under_conflicts(read_project(tmp_path), [conflict])
    found = lock(project, MemoryCorpus(world), default_index=world.default_index)
    assert len(found.lock.packages) == 3, "each pair keeps its own version"


def test_pins_that_overlap_are_a_conflict(tmp_path: Path) -> None:
    more = (
        '[project.optional-dependencies]\ncpu = ["a"]\ncu = ["a"]\n'
        '[tool.uv.sources]\na = [{ index = "cpu", extra = "cpu" }, { index = "cu", extra = "cu" }]\n'
        '[[tool.uv.index]]\nname = "cpu"\nurl = "https://index.example/whl/cpu"\nexplicit = true\n'
        '[[tool.uv.index]]\nname = "cu"\nurl = "https://index.example/whl/cu"\nexplicit = true\n'
    )
    world = world_of({}, pyproject(more=more), cpu={"a": {"1+cpu": Dist()}}, cu={"a": {"1+cu": Dist()}})
    (conflict,) = found_in(world, tmp_path)
    assert [choice.name for choice in conflict.choices] == ["cpu", "cu"]
    assert isinstance(conflict.reason, PinsOverlap)


def test_what_an_extra_brings_is_told_apart_from_what_conflicts(tmp_path: Path) -> None:
    """``all`` brings the two that conflict: that it cannot be chosen follows."""
    more = '[project.optional-dependencies]\nall = ["proj[one,two]"]\none = ["a<2"]\ntwo = ["a>=2"]\n'
    world = world_of({"a": {"1": Dist(), "2": Dist()}}, pyproject(more=more))
    (conflict,) = found_in(world, tmp_path)
    assert [choice.name for choice in conflict.choices] == ["one", "two"]


def test_one_that_can_never_be_chosen(tmp_path: Path) -> None:
    more = '[project.optional-dependencies]\nbad = ["nowhere"]\n[dependency-groups]\none = ["a<2"]\ntwo = ["a>=2"]\n'
    world = world_of({"a": {"1": Dist(), "2": Dist()}}, pyproject(more=more))
    found = found_in(world, tmp_path)
    assert sorted(tuple(choice.name for choice in conflict.choices) for conflict in found) == [("bad",), ("one", "two")]


def test_a_project_that_has_no_lock_at_all(tmp_path: Path) -> None:
    with pytest.raises(NoLock):
        found_in(pairs(2, requires=("p0<1",)), tmp_path)
    pinned = (
        '[tool.uv.sources]\na = [{ index = "cpu" }, { index = "cu" }]\n'
        '[[tool.uv.index]]\nname = "cpu"\nurl = "https://index.example/whl/cpu"\n'
        '[[tool.uv.index]]\nname = "cu"\nurl = "https://index.example/whl/cu"\n'
    )
    with pytest.raises(ProjectError):
        found_in(world_of({}, pyproject("a", more=pinned)), tmp_path)
