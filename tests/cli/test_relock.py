"""Locking again, with the lock that is there: nothing changes where nothing has to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.reading import read_project
from satlock.solver.lockfiles.standing.keeping import kept_versions
from satlock.solver.lockfiles.standing.reading import read_standing
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from satlock.solver.writing.pylock_text import to_toml
from tests.bruteforce import Judge
from tests.cli.scene import ROOT, Scene
from tests.per_environment import installed
from tests.strategies import random_world
from tests.world import MemoryCorpus


def test_the_origin(tmp_path: Path) -> None:
    origin = ROOT / "corpora" / "origin"
    shutil.copy(origin / "pyproject.toml", tmp_path)
    scene = Scene(tmp_path, origin / "origin.snapshot")
    assert scene.lock().exit_code == 0
    before = scene.lockfile.read_bytes()
    assert scene.lock("--check").exit_code == 0
    assert scene.lock().exit_code == 0
    assert scene.lockfile.read_bytes() == before


@pytest.mark.slow
def test_random_worlds(tmp_path: Path) -> None:
    compared = 0
    for seed in range(120):
        world = random_world(seed)
        try:
            project = read_project(world.write_project(tmp_path))
            first = lock(project, MemoryCorpus(world), default_index=world.default_index)
        except (NoLock, ProjectError):
            continue
        text = to_toml(first.lock)
        kept = kept_versions(read_standing(text, "pylock", "the lock"))
        second = lock(project, MemoryCorpus(world), default_index=world.default_index, preferred=kept)
        before, after, judge = to_pylock(first.lock), to_pylock(second.lock), Judge(world)
        for env in judge.environments():
            assert installed(judge, after, env) == installed(judge, before, env), (seed, str(env))
        compared += 1
    assert compared > 40
