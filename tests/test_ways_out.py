"""The ways out of unsatisfiable projects: each works as it is printed, none can be made smaller, none is missing.

``SATLOCK_NIGHTLY=1`` draws some thirty times as many worlds.
"""

from __future__ import annotations

import itertools
import os
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from packaging.requirements import Requirement

from satlock.corpora.remembered import Remembered
from satlock.encoder.project.amendments import Amendment, InList, Setting, amended
from satlock.encoder.project.project import Choice, Project, ProjectError
from satlock.encoder.project.reading import read_project
from satlock.solver.explaining.amending import amendments_of
from satlock.solver.explaining.correction_sets import Cut
from satlock.solver.explaining.ways_out import Limits, WaysOut, ways_out
from satlock.solver.explaining.wording.ways import cut_short
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Judge
from tests.cli.scene import pyproject, world_of
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.world import Dist, MemoryCorpus, World

NIGHTLY = os.environ.get("SATLOCK_NIGHTLY") == "1"
UNLIMITED = Limits(seconds=1000, trials=100_000, steps=3, ways=1000)
kinds = pytest.mark.parametrize("draw", [random_world, splitting_world], ids=["mixed", "splitting"])


def found_for(world: World, folder: Path, limits: Limits = UNLIMITED) -> WaysOut | None:
    """The ways out of a world; None where there is a lock, or where a package of the world cannot be read."""
    path = world.write_project(folder)
    project, corpus = read_project(path), Remembered(MemoryCorpus(world))
    try:
        lock(project, corpus, default_index=world.default_index, objective="newest-first")
    except NoLock as none:
        document = tomllib.loads(world.pyproject)

        def read(changed: Any) -> Project:
            return read_project(path, document=changed)

        return ways_out(none, project, document, read, corpus, default_index=world.default_index, limits=limits)
    return None


def changed(world: World, amendments: tuple[Amendment, ...] | list[Amendment]) -> World:
    return replace(world, pyproject=tomli_w.dumps(amended(tomllib.loads(world.pyproject), amendments)))


def locks(world: World, folder: Path) -> bool:
    try:
        locked = lock(
            read_project(world.write_project(folder)),
            MemoryCorpus(world),
            default_index=world.default_index,
            objective="newest-first",
        )
    except (NoLock, ProjectError):
        return False
    refuted = Judge(world).refute(to_pylock(locked.lock))
    assert refuted is None, refuted
    return True


def unsatisfiable(draw: Callable[[int], World], count: int, folder: Path) -> Iterator[tuple[int, World, WaysOut]]:
    for seed in itertools.count():
        world = draw(seed)
        found = found_for(world, folder)
        if found is not None:
            yield seed, world, found
            count -= 1
            if not count:
                return


@kinds
def test_each_way_out_locks_and_none_of_its_steps_is_idle(draw: Callable[[int], World], tmp_path: Path) -> None:
    seen = 0
    for seed, world, found in unsatisfiable(draw, 400 if NIGHTLY else 8, tmp_path):
        assert found.ways, f"seed {seed}: no way out, though everything can be dropped"
        document = tomllib.loads(world.pyproject)
        for way in found.ways:
            seen += 1
            assert locks(changed(world, way.amendments), tmp_path), f"seed {seed}: {way}"
            for size in range(min(len(way.steps), 4)):
                for fewer in itertools.combinations(way.steps, size):
                    smaller = changed(world, amendments_of(fewer, document))
                    enough = locks(smaller, tmp_path) and choices_of(smaller) == choices_of(world)
                    assert not enough, f"seed {seed}: {way} could be {fewer}"
    assert seen > 20


@kinds
def test_no_way_out_is_missing(draw: Callable[[int], World], tmp_path: Path) -> None:
    """Whatever two changes of the most common kinds make the project lock, a way out lies within them."""
    checked = 0
    for seed, world, found in unsatisfiable(draw, 150 if NIGHTLY else 4, tmp_path):
        weights = [frozenset().union(*(step.weight for step in way.steps)) for way in found.ways]
        steps = list(plain_steps(world))
        for size in (1, 2):
            for chosen in itertools.combinations(steps, size):
                weight = frozenset().union(*(weight for weight, _ in chosen))
                if any(smaller <= weight for smaller in weights):
                    continue
                checked += 1
                after = together(world, chosen)
                assert after is None or Judge(after).unsolvable() is not None, f"seed {seed}: {chosen}"
    assert checked > 20


Plain = tuple[frozenset[tuple[Any, ...]], Amendment]


def plain_steps(world: World) -> Iterator[Plain]:
    """Dropping a bound, a requirement, a constraint; declaring two choices as conflicting: read off the file alone."""
    document = tomllib.loads(world.pyproject)
    project, uv = document["project"], document["tool"]["uv"]
    lists: dict[tuple[str, ...], list[Any]] = {("project", "dependencies"): project.get("dependencies", [])}
    lists |= {("project", "optional-dependencies", k): v for k, v in project.get("optional-dependencies", {}).items()}
    lists |= {("dependency-groups", k): v for k, v in document.get("dependency-groups", {}).items()}
    lists |= {("tool", "uv", "constraint-dependencies"): uv.get("constraint-dependencies", [])}
    for path, items in lists.items():
        for item in items:
            if not isinstance(item, str) or Requirement(item).name == project.get("name"):
                continue
            bounds = {("bound", path, item, str(clause)) for clause in Requirement(item).specifier}
            extras = {("extra", path, item, extra) for extra in Requirement(item).extras}
            yield frozenset({*bounds, *extras, ("requirement", path, item)}), InList(path, item, None)
            for bound in bounds:
                rest = Requirement(item)
                rest.specifier = type(rest.specifier)(",".join(str(c) for c in rest.specifier if str(c) != bound[3]))
                yield frozenset((bound,)), InList(path, item, str(rest))
    choices = [Choice("extra", name) for name in project.get("optional-dependencies", {})]
    choices += [Choice("group", name) for name in document.get("dependency-groups", {})]
    for one, other in itertools.combinations(choices, 2):
        pair = [{one.kind: one.name}, {other.kind: other.name}]
        yield frozenset({("conflict", one, other)}), InList(("tool", "uv", "conflicts"), None, pair)


def together(world: World, chosen: tuple[Plain, ...]) -> World | None:
    """The world after these changes; None where two of them are on one item, or where a choice is lost by one."""
    items = [(one.path, one.old) for _, one in chosen if isinstance(one, InList) and one.old is not None]
    if len(items) != len(set(items)):
        return None
    after = changed(world, [amendment for _, amendment in chosen])
    return after if choices_of(after) == choices_of(world) else None


def choices_of(world: World) -> set[tuple[str, str]]:
    """What can be chosen at all: a conflict must not cost an extra or a group that brings both its members."""
    found = Judge(world).environments()
    extras = {("extra", name) for env in found for name in env.extras}
    return extras | {("group", name) for env in found for name in env.groups}


def test_a_cut_enumeration_says_so(tmp_path: Path) -> None:
    seed = next(seed for seed, _, _ in unsatisfiable(random_world, 1, tmp_path))
    few = found_for(random_world(seed), tmp_path, Limits(seconds=1000, trials=1))
    assert few is not None
    assert few.cut == Cut("trials", 1)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (Cut("enough"), "no more were looked for"),
        (Cut("ways", 20), "only the first 20 were looked for"),
        (Cut("trials", 16), "the search for more was cut off after 16 trials"),
        (Cut("steps", 4), "those with more than 4 changes were not looked for"),
        (Cut("failure"), "some changes could not be tried, since an index failed"),
        (Cut("fault", fault="ValueError ({})"), "looking for them failed with ValueError ({})"),
    ],
)
def test_what_cut_it_is_told(cut: Cut, words: str) -> None:
    assert cut_short(cut) == words


def test_bounds_that_were_not_narrowed_are_told(tmp_path: Path) -> None:
    """Whatever the limit: what is said is all there is to say, or it is said that something is missing."""
    world = world_of(
        {"a": {f"{i}.0": Dist(("b<2",) if i < 7 else ()) for i in range(1, 9)}, "b": {"1.0": Dist(), "2.0": Dist()}},
        pyproject("a<3", "b>=2"),
    )
    full = found_for(world, tmp_path)
    assert full is not None and not full.wide and not full.cut
    wide = 0
    for trials in range(1, 25):
        found = found_for(world, tmp_path, Limits(seconds=1000, trials=trials))
        assert found is not None
        assert found.cut or found.wide or list(map(str, found.ways)) == list(map(str, full.ways)), trials
        wide += found.wide
    assert wide


def test_amendments_read_as_they_are_applied() -> None:
    document = {"project": {"dependencies": ["a<2", "b"]}}
    drop, bound = InList(("project", "dependencies"), "b", None), InList(("project", "dependencies"), "a<2", "a<3")
    allow = Setting(("tool", "uv", "prerelease-package", "a.b"), "allow")
    assert amended(document, [drop, bound, allow]) == {
        "project": {"dependencies": ["a<3"]},
        "tool": {"uv": {"prerelease-package": {"a.b": "allow"}}},
    }
    assert document == {"project": {"dependencies": ["a<2", "b"]}}
    assert str(bound) == 'in project.dependencies, change "a<2" to "a<3"'
    assert str(allow) == 'in [tool.uv.prerelease-package], "a.b" = "allow"'


def test_a_pin_to_a_local_version_moves_to_public_ones(tmp_path: Path) -> None:
    """PEP 440 has no order for local versions, so no bound may name one."""
    world = world_of({"a": {version: Dist() for version in ("1.0", "1.5", "2.0")}}, pyproject("a==1.5+xpu"))
    found = found_for(world, tmp_path)
    assert found is not None and not found.cut
    changes = [str(way).rpartition(" to ")[2] for way in found.ways]
    assert changes[:2] == ['"a==1.5"', '"a==2.0"']
    assert all(locks(changed(world, way.amendments), tmp_path) for way in found.ways)


def test_a_bound_keeps_its_epoch(tmp_path: Path) -> None:
    world = world_of({"a": {"1!1.0": Dist(), "1!2.0": Dist(), "1!3.1": Dist()}}, pyproject("a==1!2.*", "a!=1!2.0"))
    found = found_for(world, tmp_path)
    assert found is not None
    assert any('"a>=1!1.0,<1!3"' in str(way) for way in found.ways), [str(way) for way in found.ways]
    assert all(locks(changed(world, way.amendments), tmp_path) for way in found.ways)


def test_leaving_out_every_environment_is_no_way_out(tmp_path: Path) -> None:
    """Two clashes, each of which leaving out one half of the environments would resolve."""
    more = """[tool.uv.sources]
p = { index = "side", marker = "sys_platform != 'linux'" }
[[tool.uv.index]]
name = "side"
url = "https://index.example/whl/side"
explicit = true
"""
    world = world_of(
        {"p": {"1.0": Dist()}},
        pyproject("p==2", requires_python=">=3.12", more=more),
        side={"p": {"2.0": Dist(requires_python=">=3.13")}},
    )
    found = found_for(world, tmp_path)
    assert found is not None and found.ways
    assert all(locks(changed(world, way.amendments), tmp_path) for way in found.ways)


VENDOR = """[tool.uv.sources]
tensor = [{ index = "vendor", SCOPE }]
[[tool.uv.index]]
name = "vendor"
url = "https://index.example/whl/vendor"
explicit = true
"""


def vendor_world(
    scope: str, more: str, packages: dict[str, dict[str, Dist]], vendor: dict[str, dict[str, Dist]]
) -> World:
    sources = VENDOR.replace(", SCOPE", f", {scope}" if scope else "")
    return world_of(packages, pyproject("tensor", more=more + sources), vendor=vendor)


@pytest.mark.parametrize("scope", ["", 'extra = "x"'])
def test_what_only_the_pinned_index_has_gets_a_source_in_the_same_scope(scope: str, tmp_path: Path) -> None:
    more = "[project.optional-dependencies]\nx = []\n" if scope else ""
    vendor = {"tensor": {"3+v": Dist(("compiler==1+v",))}, "compiler": {"1+v": Dist()}}
    world = vendor_world(scope, more, {"tensor": {"2": Dist()}, "compiler": {"1": Dist()}}, vendor)
    found = found_for(world, tmp_path)
    assert found is not None
    entry = f'[{{ index = "vendor", {scope} }}]' if scope else '{ index = "vendor" }'
    assert str(found.ways[0]) == f"in [tool.uv.sources], compiler = {entry}"
    assert all(locks(changed(world, way.amendments), tmp_path) for way in found.ways)


def test_a_source_is_narrowed_before_it_is_removed(tmp_path: Path) -> None:
    """The vendor's builds need something that nothing else has on Windows alone."""
    vendor = {"tensor": {"3+v": Dist(("gone; sys_platform == 'win32'",))}}
    world = vendor_world("marker = \"python_version >= '3.12'\"", "", {"tensor": {"2": Dist()}}, vendor)
    found = found_for(world, tmp_path)
    assert found is not None
    said = [str(way) for way in found.ways]
    narrowed = next(place for place, text in enumerate(said) if "sys_platform != 'win32' and python_version" in text)
    assert narrowed < said.index("in [tool.uv.sources], remove tensor")
    assert all(locks(changed(world, way.amendments), tmp_path) for way in found.ways)


def test_conflicts_are_told_as_the_whole_table(tmp_path: Path) -> None:
    extras = "[project.optional-dependencies]\n" + "".join(f'e{i} = ["a=={i}"]\n' for i in (1, 2)) + "f = []\ng = []\n"
    there = '[tool.uv]\nconflicts = [[{ extra = "f" }, { extra = "g" }]]\n'
    world = world_of({"a": {"1": Dist(), "2": Dist()}}, pyproject(more=extras + there))
    found = found_for(world, tmp_path)
    assert found is not None
    assert str(found.ways[0]) == (
        'in [tool.uv], conflicts = [[{ extra = "f" }, { extra = "g" }], [{ extra = "e1" }, { extra = "e2" }]]'
    )


def test_ways_out_are_told_as_they_are_found_in_their_order(tmp_path: Path) -> None:
    for seed, world, found in unsatisfiable(random_world, 4, tmp_path):
        path = world.write_project(tmp_path)
        project, corpus = read_project(path), Remembered(MemoryCorpus(world))
        with pytest.raises(NoLock) as none:
            lock(project, corpus, default_index=world.default_index, objective="newest-first")
        told: list[str] = []
        again = ways_out(
            none.value,
            project,
            tomllib.loads(world.pyproject),
            lambda changed, path=path: read_project(path, document=changed),
            corpus,
            default_index=world.default_index,
            limits=replace(UNLIMITED, enough=2),
            on_way=lambda way, told=told: told.append(str(way)),
        )
        assert told == [str(way) for way in again.ways] == [str(way) for way in found.ways][: len(told)], seed
        assert len(told) >= min(2, len(found.ways)), seed


def test_the_clock_ends_the_search(tmp_path: Path) -> None:
    seed = next(seed for seed, _, _ in unsatisfiable(random_world, 1, tmp_path))
    found = found_for(random_world(seed), tmp_path, Limits(clock=0.0))
    assert found is not None and not found.ways and found.cut is not None and found.cut.by == "trials"
