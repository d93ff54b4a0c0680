"""The explanations of projects without a lock, word for word: one text for each world of ``tests/explanations``.

``SATLOCK_REWRITE=1`` writes the texts anew; read what has changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pysat.solvers import Solver

from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.universe import universe_of
from satlock.solver.explaining.explanation import explanation_of, reason_of
from satlock.solver.locking import lock
from satlock.solver.objective.named import OBJECTIVES
from satlock.solver.search.search import NoLock, Search
from satlock.solver.search.sources import Sources
from tests.cli.scene import pyproject, scene_of, world_of
from tests.explanations.worlds import WORLDS
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.world import DEFAULT, Dist, MemoryCorpus, World

TEXTS = Path(__file__).parents[1] / "explanations"


@pytest.mark.parametrize("name", WORLDS)
def test_what_a_person_reads(name: str, tmp_path: Path) -> None:
    path = TEXTS / f"{name.replace(' ', '-').replace(',', '')}.txt"
    scene = scene_of(WORLDS[name], tmp_path)
    found = scene.lock()
    assert found.exit_code in (1, 3)
    assert found.stdout == ""
    told = found.stderr.replace(str(scene.project), "PROJECT").replace(str(scene.snapshot), "SNAPSHOT")
    if os.environ.get("SATLOCK_REWRITE") == "1":
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8")


def test_the_reason_comes_first() -> None:
    texts = [path.read_text(encoding="utf-8").splitlines() for path in TEXTS.glob("*.txt")]
    assert len(texts) == len(WORLDS) >= 25
    for lines in texts:
        assert lines[0].startswith("error: No lock exists: ")
        assert not lines[0].endswith("what is asked for clashes.")
        assert any(line.lstrip().startswith("1. ") for line in lines)
        assert max(map(len, lines)) < 250


def test_every_random_story_has_an_end(tmp_path: Path) -> None:
    told = 0
    for seed in range(150):
        world = random_world(seed)
        try:
            project = read_project(world.write_project(tmp_path))
            lock(project, MemoryCorpus(world), default_index=world.default_index)
        except NoLock as none:
            found = explanation_of(none, universe_of(project))
            told += 1
            assert found.lines, seed
            assert not any("{" in line for line in (found.headline, *found.lines, *found.advice))
            assert reason_of(none, universe_of(project)) != "what is asked for clashes", seed
    assert told > 20


@pytest.mark.parametrize("draw", [random_world, splitting_world], ids=["mixed", "splitting"])
def test_the_facts_clash_and_none_of_them_can_be_spared(draw: object, tmp_path: Path) -> None:
    """A minimal unsatisfiable set: asked of a solver that knows nothing but the clauses of these facts."""
    seen = 0
    for seed in range(60):
        world: World = draw(seed)  # type: ignore[operator]
        project = read_project(world.write_project(tmp_path))
        universe = universe_of(project)
        sources = Sources(project, universe, MemoryCorpus(world), world.default_index, universe.edits)
        search = Search(project, universe, sources, OBJECTIVES["newest-first"])
        try:
            search.run()
        except NoLock as none:
            seen += 1
            facts = [search.encoding.facts.index(fact) for fact in none.facts]
            assert not satisfiable(search, facts), seed
            for fact in facts:
                assert satisfiable(search, [other for other in facts if other != fact]), f"seed {seed}"
        finally:
            search.session.close()
    assert seen > 5


def satisfiable(search: Search, facts: list[int]) -> bool:
    encoding: Encoding = search.encoding
    clauses = [c for c, fact in zip(encoding.clauses, encoding.fact_of, strict=True) if fact < 0 or fact in facts]
    assumptions = [cell.guard for cell in encoding.living()]
    assumptions += [
        hold.literal for cell in encoding.living() for hold in cell.holds if hold.fact in search.encoding.facts
    ]
    with Solver("glucose4", bootstrap_with=clauses) as solver:
        return bool(solver.solve(assumptions=assumptions))


def test_a_no_is_told_whatever_its_ways_out_run_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr("satlock.solver.explaining.ways_out.ways_out", broken)
    scene = scene_of(WORLDS["bounds that contradict each other"], tmp_path)
    found = scene.lock()
    assert found.exit_code == 1
    assert "These cannot all hold" in found.stderr
    assert "No way out was found." in found.stderr and "IndexError" in found.stderr
    report = json.loads(scene.lock("--json").stdout)
    assert report["ways-out"] == [] and not report["ways-out-complete"]


def test_all_that_no_index_has_is_told_at_once(tmp_path: Path) -> None:
    packages = {"requests": {"1": Dist()}, "numpy": {"1": Dist()}}
    asked = pyproject("reqests", "numpi>=1", "zzqqxx", "numpy")
    done = scene_of(world_of(packages, asked), tmp_path).lock("--json")
    said = "In no index that was asked: reqests (was requests meant?), numpi (was numpy meant?), zzqqxx."
    assert done.exit_code == 1 and said in done.stderr
    unknown = json.loads(done.stdout)["unknown"]
    assert unknown[0] == {"name": "reqests", "meant": "requests"} and unknown[2] == {"name": "zzqqxx", "meant": None}


def test_a_package_is_not_meant_by_its_own_name(tmp_path: Path) -> None:
    index = '[[tool.uv.index]]\nname = "gpu"\nurl = "https://gpu.example/simple"\nexplicit = true\n'
    source = 'a = { index = "gpu", marker = "sys_platform == \'linux\'" }\n'
    text = pyproject("a", more=f"[tool.uv.sources]\n{source}{index}")
    world = World(text, {DEFAULT: {"a": {"1": Dist()}}, "https://gpu.example/simple": {"b": {"1": Dist()}}})
    done = scene_of(world, tmp_path).lock()
    assert done.exit_code == 1 and "a is not in index 'gpu'" in done.stderr
    assert "meant?" not in done.stderr
