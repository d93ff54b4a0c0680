"""Locks that are there already, right ones and damaged ones, against the judgement of every environment."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from packaging.pylock import Pylock

from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.universe import universe_of
from satlock.encoder.project.uv_view import uv_view_of
from satlock.solver.lockfiles.standing.reading import read_standing
from satlock.solver.lockfiles.standing.verifying import judge
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from satlock.solver.search.sources import Sources
from satlock.solver.writing.pylock_text import to_toml
from satlock.solver.writing.uvlock.agreement import disagreement
from satlock.solver.writing.uvlock.writing import to_uv_lock
from tests.bruteforce import Judge
from tests.strategies import MARKERS, random_world
from tests.world import MemoryCorpus, World, fake_sha256, file_url


def violation(text: str, form: Any, world: World, folder: Path) -> str | None:
    project = read_project(folder)
    universe = universe_of(project)
    sources = Sources(project, universe, MemoryCorpus(world), world.default_index, universe.edits)
    return judge(read_standing(text, form, "the lock"), project, universe, sources).violation


@pytest.mark.parametrize("objective", ["fresh", "lowest"])
def test_what_satlock_locks_is_valid_in_both_formats(objective: str, tmp_path: Path) -> None:
    """Also where it is not the newest."""
    held = 0
    for seed in range(200):
        world = random_world(seed)
        project = read_project(world.write_project(tmp_path))
        try:
            found = lock(project, MemoryCorpus(world), default_index=world.default_index, objective=objective)
            view = uv_view_of(project.path)
            written = to_uv_lock(found.lock, project, found.universe, view, tmp_path)
        except (NoLock, ProjectError):
            continue
        assert violation(to_toml(found.lock), "pylock", world, tmp_path) is None, seed
        assert violation(written, "uv", world, tmp_path) is None, seed
        tables = read_standing(written, "uv", "the lock").tables
        assert disagreement(tables, project, found.universe, view, tmp_path) is None, seed
        held += 1
    assert held > 60


@pytest.mark.parametrize("batch", range(4))
def test_damaged_locks_are_judged_as_environment_by_environment(batch: int, tmp_path: Path) -> None:
    judged = {True: 0, False: 0}
    for seed in range(batch * 50, (batch + 1) * 50):
        world, dice = random_world(seed), random.Random(seed)
        if "prerelease" in world.pyproject or any(dist.yanked is not None for *_, dist in world.candidates()):
            continue  # whether one of these is admitted may depend on what else there is
        try:
            project = read_project(world.write_project(tmp_path))
            found = lock(project, MemoryCorpus(world), default_index=world.default_index)
        except (NoLock, ProjectError):
            continue
        judge = Judge(world)
        for _ in range(4):
            damaged = damage(found.lock, world, dice)
            if damaged is None:
                continue
            refuted = judge.refute(Pylock.from_dict(damaged), thin=False)
            said = violation(tomli_w.dumps(damaged), "pylock", world, tmp_path)
            assert (said is None) == (refuted is None), (seed, said, refuted, damaged)
            judged[said is None] += 1
    assert judged[False] > 20 and sum(judged.values()) > 30


def damage(found: Any, world: World, dice: random.Random) -> dict[str, Any] | None:
    """The lock as tables, with one entry gone, of another version, or in another place."""
    from satlock.solver.writing.pylock import to_pylock

    tables: dict[str, Any] = to_pylock(found).to_dict()
    entries = tables["packages"]
    if not entries:
        return None
    entry = dice.choice(entries)
    match dice.randrange(3):
        case 0:
            entries.remove(entry)
        case 1:
            entry.pop("marker", None)
            if dice.random() < 0.7:
                entry["marker"] = dice.choice(MARKERS)
        case 2:
            versions = [v for v, d in world.indexes[entry["index"]][entry["name"]].items() if d.wheels]
            if not versions:
                return None
            entry["version"] = dice.choice(versions)
            entry.pop("sdist", None)
            entry.pop("wheels", None)
            for file in world.files(entry["index"], entry["name"], entry["version"]):
                url = file_url(entry["index"], file.filename)
                said = {"name": file.filename, "url": url, "hashes": {"sha256": fake_sha256(url)}}
                if file.tags is None:
                    entry["sdist"] = said
                else:
                    entry.setdefault("wheels", []).append(said)
            entry.pop("requires-python", None)
    return tables
