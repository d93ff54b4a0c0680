"""The smallest upgrade against brute force: the fewest others changed, then the lowest version that is free of it."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

from packaging.requirements import Requirement

from satlock.encoder.markers.marker import TRUE
from satlock.encoder.project.reading import read_project
from satlock.solver.explaining.remedies import Remedies
from satlock.solver.locking import lock
from tests.cli.scene import pyproject, world_of
from tests.world import DEFAULT, Dist, MemoryCorpus

NAMES = ("a", "b", "c", "d")


def _random_packages(chance: random.Random) -> dict[str, dict[str, Dist]]:
    found: dict[str, dict[str, Dist]] = {}
    for place, name in enumerate(NAMES):
        found[name] = {}
        for version in range(1, chance.randint(2, 5)):
            others = chance.sample(NAMES[place + 1 :], min(len(NAMES) - place - 1, chance.randint(0, 2)))
            lines = tuple(f"{other}{chance.choice(['<', '>=', '==', '!='])}{chance.randint(1, 4)}" for other in others)
            found[name][str(version)] = Dist(lines, upload_time=f"2024-01-{version:02}T00:00:00Z")
    return found


def _resolutions(packages: dict[str, dict[str, Dist]], roots: list[str]) -> list[dict[str, str]]:
    """Every consistent choice in which nothing is that nobody requires."""
    found = []
    for versions in itertools.product(*([None, *packages[name]] for name in NAMES)):
        chosen = {name: version for name, version in zip(NAMES, versions, strict=True) if version is not None}
        asked = [Requirement(text) for text in roots]
        asked += [
            Requirement(line) for name, version in chosen.items() for line in packages[name][version].requires_dist
        ]
        met = all(one.name in chosen and one.specifier.contains(chosen[one.name]) for one in asked)
        needed, waiting = set[str](), [Requirement(text).name for text in roots]
        while waiting:
            name = waiting.pop()
            if name not in needed and name in chosen:
                needed.add(name)
                waiting += [Requirement(line).name for line in packages[name][chosen[name]].requires_dist]
        if met and needed == set(chosen):
            found.append(chosen)
    return found


def _changed(one: dict[str, str], standing: dict[str, str], target: str) -> int:
    """How many of the others are another version, come in or go."""
    return sum(one.get(name) != standing.get(name) for name in {*one, *standing} - {target})


def test_against_brute_force(tmp_path: Path) -> None:
    compared = improved = 0
    for seed in range(250):
        chance = random.Random(seed)
        packages = _random_packages(chance)
        roots = [f"a>={chance.randint(1, 2)}", *(["b"] if chance.random() < 0.5 else [])]
        every = _resolutions(packages, roots)
        if not every:
            continue
        standing = chance.choice(every)
        target = chance.choice(sorted(standing))
        affected = {standing[target], *(v for v in packages[target] if chance.random() < 0.3)}
        world = world_of(packages, pyproject(*roots))
        (tmp_path / "pyproject.toml").write_text(world.pyproject)
        project, corpus = read_project(tmp_path), MemoryCorpus(world)
        kept = {name: {version: TRUE} for name, version in standing.items()}
        before = lock(project, corpus, default_index=DEFAULT, preferred=kept)
        assert {one.name: one.version for one in before.lock.packages} == standing, seed
        remedy = Remedies(project, corpus, DEFAULT, before, kept).of(
            target, list(packages[target]), lambda version, affected=affected: version in affected
        )
        fits = [
            one
            for one in every
            if target not in one or (one[target] not in affected and int(one[target]) >= int(standing[target]))
        ]
        compared += 1
        if not any(target in one for one in fits):
            assert not remedy.versions or remedy.gone, seed
            continue

        assert remedy.versions or remedy.gone, (seed, remedy)
        if remedy.versions:
            improved += 1
            said = len(remedy.changes)
            same = [one for one in fits if one.get(target) in remedy.versions]
            assert min(_changed(one, standing, target) for one in same) <= said, seed
            lower = [one for one in fits if target in one and int(one[target]) < int(remedy.versions[0])]
            assert all(_changed(one, standing, target) > said for one in lower), (seed, remedy, standing)
    assert compared > 100 and improved > 30


def test_no_lock_is_an_answer(tmp_path: Path) -> None:
    world = world_of({"a": {"1": Dist(), "2": Dist()}}, pyproject("a<2"))
    (tmp_path / "pyproject.toml").write_text(world.pyproject)
    project, corpus = read_project(tmp_path), MemoryCorpus(world)
    before = lock(project, corpus, default_index=DEFAULT)
    remedy = Remedies(project, corpus, DEFAULT, before, {"a": {"1": TRUE}}).of("a", ["1", "2"], lambda v: v == "1")
    assert not remedy.versions and "requires a<2" in remedy.reason
