"""A package that comes from a folder is locked as if its index had that version alone: over random worlds."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
from packaging.utils import canonicalize_name

from satlock.corpora.facts import Metadata
from satlock.corpora.references import Direct, DirectOutcome, PathReference, Reference
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.world import DEFAULT, Dist, MemoryCorpus, World

CHUNK = 40


class WithFolder(MemoryCorpus):
    """One package is the project of a folder."""

    def __init__(self, world: World, name: str, version: str, dist: Dist) -> None:
        super().__init__(world)
        extras = tuple(canonicalize_name(extra) for extra in dist.provides_extra)
        self.told = Metadata(name, version, dist.requires_dist, dist.requires_python, extras)

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        assert all(isinstance(one, PathReference) for one in wanted)
        return {one: Direct(one, self.told) for one in wanted}


def answer(world: World, corpus: MemoryCorpus, folder: Path, objective: str) -> list[tuple[str, str, str | None]] | str:
    """What is locked and where, or that nothing is."""
    project = read_project(world.write_project(folder))
    try:
        found = lock(project, corpus, default_index=world.default_index, objective=objective)
    except NoLock:
        return "no lock"  # which of several witnesses is named may differ
    return [(package.name, package.version, package.marker) for package in found.lock.packages]


def pair(seed: int, world: World) -> tuple[World, World, str, str, Dist] | None:
    """The world with one version of a package in the index alone, and with the same from a folder."""
    document = tomllib.loads(world.pyproject)
    settings = document.setdefault("tool", {}).setdefault("uv", {})
    if {"no-build", "no-binary", "no-build-package", "no-binary-package", "dependency-metadata"} & settings.keys():
        return None
    dice = random.Random(seed)
    pinned = set(settings.get("sources", {}))
    final = {
        name: [version for version in versions if version.replace(".", "").isdecimal()]
        for name, versions in world.indexes[DEFAULT].items()
        if canonicalize_name(name) not in {canonicalize_name(one) for one in pinned}
    }
    names = sorted(name for name, versions in final.items() if versions)
    if not names:
        return None
    name = dice.choice(names)
    version = dice.choice(sorted(final[name]))
    dist = replace(world.indexes[DEFAULT][name][version], wheels=("py3-none-any",), sdist=False, needs_build=False,
                   yanked=None, broken=None, upload_time="2001-01-01T00:00:00Z", hint=None)  # fmt: skip
    others = {
        index: {other: versions for other, versions in packages.items() if other != name}
        for index, packages in world.indexes.items()
    }
    alone = replace(world, indexes={**others, DEFAULT: {**others[DEFAULT], name: {version: dist}}})
    settings["sources"] = {**settings.get("sources", {}), name: {"path": "folder"}}
    return alone, replace(world, pyproject=tomli_w.dumps(document), indexes=others), name, version, dist


@pytest.mark.parametrize("draw", [random_world, splitting_world], ids=["mixed", "splitting"])
@pytest.mark.parametrize("first", range(0, 120, CHUNK))
def test_a_folder_is_an_index_with_one_version(draw, first: int, tmp_path: Path) -> None:
    compared = 0
    for seed in range(first, first + CHUNK):
        found = pair(seed, draw(seed))
        if found is None:
            continue
        alone, sourced, name, version, dist = found
        objective = "newest-first" if seed % 2 else "fresh"
        expected = answer(alone, MemoryCorpus(alone), tmp_path, objective)
        corpus = WithFolder(sourced, canonicalize_name(name), version, dist)
        assert answer(sourced, corpus, tmp_path, objective) == expected, f"seed {seed}: {name} {version}"
        compared += 1
    assert compared > CHUNK // 4
