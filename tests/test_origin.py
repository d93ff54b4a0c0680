"""The recorded snapshot of the origin's project holds what its purpose needs."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from satlock.corpora.facts import Metadata, Wanted
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from tests.bruteforce import Environment, Judge
from tests.world import Dist, World

ORIGIN = Path(__file__).parent.parent / "corpora" / "origin"
CPU, CU124 = "https://index.example/whl/cpu", "https://index.example/whl/cu124"


def recorded_world() -> World:
    """The whole snapshot as a world."""
    corpus = SnapshotCorpus(ORIGIN / "origin.snapshot")
    indexes: dict[str, dict[str, dict[str, Dist]]] = {}
    for index in corpus.indexes:
        for name in corpus.packages(index):
            listing = corpus.listings([(index, name)])[index, name]
            assert listing is not None, f"{name} is in no index"
            for release in listing.releases:
                wanted = Wanted(index, name, release.version, release.files)
                outcome = corpus.metadata([wanted])[wanted]
                assert isinstance(outcome, Metadata)
                indexes.setdefault(index, {}).setdefault(name, {})[release.version] = Dist(
                    requires_dist=outcome.requires_dist,
                    requires_python=release.requires_python,
                    provides_extra=outcome.provides_extra,
                    yanked="" if release.yanked else None,
                    wheels=tuple("-".join(f.filename[:-4].split("-")[-3:]) for f in release.files if f.is_wheel),
                    sdist=release.sdist,
                )
    assert corpus.default_index is not None
    return World((ORIGIN / "pyproject.toml").read_text(encoding="utf-8"), indexes, corpus.default_index)


def test_each_choice_has_one_torch_and_all_that_it_needs() -> None:
    world = recorded_world()
    judge = Judge(world)
    common = {"filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions", "torchmetrics"}
    for extra, version, index in (
        ("", "2.5.1", world.default_index),
        ("cpu", "2.5.1+cpu", CPU),
        ("cu124", "2.5.1+cu124", CU124),
    ):
        chosen = frozenset({extra}) - {""}
        solution = judge.solve(Environment("3.12.0", extras=chosen))
        assert solution is not None
        assert (solution["torch"].version, solution["torch"].index) == (version, index)
        assert common <= solution.keys()
        assert sum(name.startswith("nvidia-") for name in solution) == (0 if extra == "cpu" else 12)
        assert ("triton" in solution) == (extra != "cpu")
        mac = judge.solve(Environment("3.12.0", "darwin", "arm64", extras=chosen))
        assert mac is not None and not any(name.startswith("nvidia-") for name in mac)
        if extra == "cpu":
            assert (mac["torch"].version, mac["torch"].index) == ("2.5.1", CPU)


def test_it_is_small_and_sends_nobody_to_a_real_registry() -> None:
    path = ORIGIN / "origin.snapshot"
    assert path.stat().st_size < 1_500_000
    with zipfile.ZipFile(path) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
        assert json.loads(archive.read("manifest.json"))["recorded"] == "2024-12-05T00:00:00Z"
    assert set(re.findall(r"https?://([^/\"\s]+)", text)) == {"index.example", "files.example"}
