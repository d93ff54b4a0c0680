"""What holds of every lock, on random small worlds: valid, found wherever there can be one, the same bytes whatever the
order of answers, and as new as the order of discovery allows. The judge knows the truth by brute force.

``SATLOCK_NIGHTLY=1`` draws some thirty times as many worlds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import satlock
from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.encoding import Encoding
from satlock.encoder.markers.domain import Environment as Witness
from satlock.encoder.markers.marker import Formula
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import Locked, lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from satlock.solver.writing.pylock_text import to_toml
from tests.bruteforce import PLATFORMS, Candidate, Environment, Judge, holds
from tests.per_environment import environments, installed
from tests.splitting import splitting_world, splitting_worlds
from tests.standing.kept import kept_versions
from tests.strategies import naming_world, opening_world, ordered_world, random_world, toml, worlds
from tests.test_semantics import world as asking
from tests.world import DEFAULT, Dist, MemoryCorpus, World

NIGHTLY = os.environ.get("SATLOCK_NIGHTLY") == "1"
SEEDS = 10_000 if NIGHTLY else 300
CHUNK = 50
chunks = pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
kinds = pytest.mark.parametrize("draw", [random_world, splitting_world], ids=["mixed", "splitting"])
shrinking = settings(
    max_examples=2000 if NIGHTLY else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
Draw = Callable[[int], World]
LINUX, WINDOWS, MACOS = "py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64", "py3-none-macosx_11_0_arm64"


def locked(world: World, folder: Path, *, shuffle: int | None = None, **options: object) -> Locked | NoLock:
    """What satlock answers for a world: a lock, or the proof that there is none."""
    project = read_project(world.write_project(folder))
    try:
        corpus = MemoryCorpus(world, shuffle=shuffle)
        return lock(project, corpus, default_index=world.default_index, **options)  # type: ignore[arg-type]
    except NoLock as none:
        return none


def text_of(answer: Locked | NoLock) -> str:
    return f"no lock: {answer.witness}" if isinstance(answer, NoLock) else to_toml(answer.lock)


def wrong(world: World, folder: Path, objective: str = "newest-first") -> str | None:
    """What is wrong with the answer for a world, in words; None where it is right."""
    answer, judge = locked(world, folder, objective=objective), Judge(world)
    if isinstance(answer, Locked):
        refuted = judge.refute(to_pylock(answer.lock))
        return None if refuted is None else f"the lock is wrong for {refuted[0]}: {refuted[1]}"
    if answer.witness is None:
        return "no environment was named that has no solution"
    env = judged(answer.witness)
    return None if judge.solve(env) is None else f"no lock was found, because of {env}, which has a solution"


def judged(witness: Witness) -> Environment:
    """The environment in the words of the judge, for whom all the platforms that nobody names are one."""
    platform = witness.variables["sys_platform"]
    return Environment(
        witness.variables["python_full_version"],
        platform if platform in PLATFORMS else "freebsd14",
        witness.variables["platform_machine"],
        witness.variables["implementation_name"],
        frozenset(witness.extras),
        frozenset(witness.groups),
        witness.variables["platform_release"],
        witness.variables["platform_version"],
    )


# Valid and complete


@pytest.mark.parametrize("first", range(0, 400 if NIGHTLY else 40, 10))
def test_markers_with_an_order(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 10):
        assert wrong(ordered_world(seed), tmp_path) is None, f"seed {seed}"


@kinds
@chunks
def test_locks_are_valid_and_found_wherever_there_can_be_one(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        assert wrong(draw(seed), tmp_path) is None, f"seed {seed}"


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_what_is_held_back_is_opened_only_by_who_is_selected(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        assert wrong(opening_world(seed), tmp_path, ("newest-first", "fresh")[seed % 2]) is None, f"seed {seed}"


@pytest.mark.parametrize("first", range(0, 3000 if NIGHTLY else 120, 40))
def test_a_build_that_the_project_names_needs_no_file(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 40):
        assert wrong(naming_world(seed), tmp_path, ("newest-first", "fresh")[seed % 2]) is None, f"seed {seed}"


@kinds
@pytest.mark.parametrize("objective", ["lowest", "lowest-direct"])
def test_locks_of_lowest_versions_are_valid_too(draw: Draw, objective: str, tmp_path: Path) -> None:
    for seed in range(5000 if NIGHTLY else 120):
        assert wrong(draw(seed), tmp_path, objective) is None, f"seed {seed}"


@pytest.mark.parametrize("seed", [8552, 28339, 29509, 43706, 8827, 36709, 43995, 41065, 13719])
def test_what_was_wrong_once(seed: int, tmp_path: Path) -> None:
    """Yanked releases that are pinned, and pre-releases that are the only way."""
    assert wrong(random_world(seed), tmp_path) is None


@pytest.mark.parametrize("seed", [133, 158, 244, 280, 294])
def test_what_was_wrong_once_with_the_lowest(seed: int, tmp_path: Path) -> None:
    """One of several builds was taken where only all of them serve."""
    assert wrong(random_world(seed), tmp_path, "lowest") is None


def test_a_build_without_a_file_for_macos_was_taken_once(tmp_path: Path) -> None:
    """The build of b 4.0 for macOS asks for what there is not. As the seed 3809 drew it before the worlds changed."""
    on_cpu = {
        "a": {"2.0+cpu": Dist(("b",), wheels=(LINUX, WINDOWS)), "3.0": Dist()},
        "b": {
            "1.0": Dist(wheels=(MACOS,)),
            "1.0+cpu": Dist(wheels=(LINUX, WINDOWS)),
            "4.0": Dist(wheels=(WINDOWS, MACOS), per_wheel=((MACOS, ("a>3.0",)),)),
            "4.0+cpu": Dist(wheels=(LINUX, WINDOWS)),
        },
    }
    on_cu = {
        "2.0": Dist(("b ; sys_platform == 'linux'",), wheels=(MACOS,)),
        "2.0+cu": Dist(("b ; sys_platform == 'linux'",), wheels=(WINDOWS, MACOS)),
        "3.0+cu": Dist(),
    }
    listed = {
        "a": {"2.0": Dist(("b",)), "3.0": Dist(("b!=1.0",))},
        "b": {"1.0": Dist(sdist=True), "3.0": Dist(("b",)), "4.0": Dist()},
    }
    more = """
    [project.optional-dependencies]
    cpu = ["b>=1.0"]
    cu = ["a", "b"]
    [tool.uv.sources]
    a = [{index = "cpu", marker = "sys_platform == 'darwin'"}, {index = "cu", marker = "sys_platform == 'win32'"}]
    b = [{index = "cpu", extra = "cu"}]
    """
    drawn = asking(["a"], listed, more, cpu=on_cpu, cu={"a": on_cu})
    for objective in ("newest-first", "fresh", "lowest", "lowest-direct"):
        assert wrong(drawn, tmp_path, objective) is None, objective
    answer, judge = locked(drawn, tmp_path, objective="fresh"), Judge(drawn)
    assert isinstance(answer, Locked)
    mac = Environment("3.12.0", "darwin", "arm64", extras=frozenset({"cu"}))
    assert installed(judge, to_pylock(answer.lock), mac)["b"].version == "1.0"


@pytest.mark.parametrize("objective", ["newest-first", "fresh"])
def test_a_lock_with_builds_of_one_version_was_changed_once(objective: str, tmp_path: Path) -> None:
    """4.0, kept of one index, let in the yanked one of another. As the seed 775 drew it before the worlds changed."""
    on_cpu = {
        "1.0+cpu": Dist(("e",), wheels=(WINDOWS, MACOS, "cp312-cp312-win_amd64")),
        "2.0": Dist(("e~=4.0", "e>=3.0"), wheels=(MACOS,)),
        "2.0+cpu": Dist(("e~=4.0", "e>=3.0"), wheels=(LINUX, WINDOWS)),
        "3.0": Dist(("e",), wheels=(MACOS,)),
        "3.0+cpu": Dist(("e",), wheels=(LINUX, WINDOWS), sdist=True),
        "4.0+cpu": Dist(("e~=1.0", "e>=3.0")),
    }
    listed = {
        "b": {"2.0": Dist(("d",), ">=3.11,<3.13")},
        "c": {
            "1.0": Dist(("e>2.0",), yanked=""),
            "3.0": Dist(("e>=3.0",)),
            "4.0": Dist(("d<=1.0", "d>=1.0 ; python_version < '3.12' or sys_platform == 'win32'")),
        },
        "d": {
            "1.0": Dist(("e",), ">=3.12"),
            "2.0": Dist(("e~=4.0 ; platform_machine == 'x86_64'", "e")),
            "3.0": Dist(("e>=3.0",)),
            "4.0": Dist(yanked="", sdist=True),
        },
        "e": {"1.0": Dist(sdist=True), "2.0": Dist(), "3.0": Dist(("c",)), "4.0": Dist()},
    }
    more = """
    [project.optional-dependencies]
    cpu = []
    [dependency-groups]
    dev = ["c>=1.0"]
    [tool.uv]
    conflicts = [[{extra = "cpu"}, {group = "dev"}]]
    [tool.uv.sources]
    d = [{index = "cpu", extra = "cpu"}, {index = "cu", group = "dev"}]
    """
    drawn = asking(["b"], listed, more, cpu={"d": on_cpu}, cu={"d": {"4.0": Dist(("e~=3.0",), sdist=True)}})
    answer = locked(drawn, tmp_path, objective=objective)
    assert isinstance(answer, Locked)
    again = locked(drawn, tmp_path, objective=objective, preferred=kept_versions(to_pylock(answer.lock)))
    assert text_of(again) == text_of(answer)
    assert Judge(drawn).refute(to_pylock(answer.lock)) is None


@given(worlds())
@shrinking
def test_answers_for_mixed_worlds_are_right(tmp_path: Path, world: World) -> None:
    assert wrong(world, tmp_path) is None, world


@given(splitting_worlds())
@shrinking
def test_answers_for_splitting_worlds_are_right(tmp_path: Path, world: World) -> None:
    assert wrong(world, tmp_path) is None, world


def test_the_worlds_are_worth_it(tmp_path: Path) -> None:
    """Most worlds have a lock, some have none, and many need packages to be split."""
    answers = [locked(splitting_world(seed), tmp_path) for seed in range(100)]
    found = [answer for answer in answers if isinstance(answer, Locked)]
    assert 50 < len(found) < 95
    assert sum(answer.statistics.splits > 0 for answer in found) > 30
    assert any(len({package.name for package in one.lock.packages}) < len(one.lock.packages) for one in found)


# Deterministic


@kinds
@chunks
def test_the_order_of_answers_is_no_matter(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK, 5):
        world = draw(seed)
        plain = text_of(locked(world, tmp_path))
        assert text_of(locked(world, tmp_path, shuffle=seed)) == plain, f"seed {seed}"
        assert text_of(locked(backwards(world), tmp_path, shuffle=-seed)) == plain, f"seed {seed}, listed backwards"


def backwards(world: World) -> World:
    """The same world with every listing the other way round; the order of requirements has a meaning and stays."""
    indexes = {
        index: {name: dict(reversed(versions.items())) for name, versions in reversed(packages.items())}
        for index, packages in reversed(world.indexes.items())
    }
    return replace(world, indexes=indexes)


HASHED = """
import hashlib, sys
from pathlib import Path
from tests.test_properties import locked, random_world, splitting_world, text_of
for seed in range(int(sys.argv[2])):
    for draw in (random_world, splitting_world):
        text = text_of(locked(draw(seed), Path(sys.argv[1])))
        print(draw.__name__, seed, hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_seed_of_hashes_is_no_matter(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HASHED, tmp_path, str(1000 if NIGHTLY else 60)]
    answers = []
    for hash_seed in ("0", "1", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parent.parent)}
        run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        answers.append(run.stdout.splitlines())
    assert len(answers[0]) == 2 * int(command[-1])
    assert answers[0] == answers[1] == answers[2]


def test_where_cells_are_in_memory_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are hashed by their address, so a set of them has another order in each process."""
    folder = Path(__file__).parents[1] / "corpora" / "torch"
    divided: list[list[str]] = []
    split = Encoding.split

    def told(self: Encoding, cell: Cell, formula: Formula) -> None:
        divided[-1].append(f"{cell.package.name} {cell.guard} {formula}")
        split(self, cell, formula)

    monkeypatch.setattr(Encoding, "split", told)
    for factor in (1, -1, 40503):
        monkeypatch.setattr(Cell, "__hash__", lambda cell, factor=factor: cell.guard * factor % 65536)
        divided.append([])
        satlock.lock(folder / "extra-on-linux", corpus=folder / "torch.snapshot")
    assert len(divided[0]) > 5
    assert divided[0] == divided[1] == divided[2]


# Optimal


@chunks
@pytest.mark.parametrize("objective", ["newest-first", "lowest"])
@kinds
def test_one_environment_gets_the_newest_or_the_oldest(draw: Draw, objective: str, first: int, tmp_path: Path) -> None:
    """What the project itself requires comes first, in the order of the file; then, nothing can be bettered alone."""
    for seed in range(first, first + CHUNK):
        world = plain(draw(seed))
        answer, judge = locked(world, tmp_path, objective=objective), Judge(world)
        env = judge.environments()[0]
        best = best_direct(judge, env, objective)
        if isinstance(answer, NoLock) or best is None:
            assert isinstance(answer, NoLock) and best is None, f"seed {seed}"
            continue
        found = {one.name: Candidate(one.name, one.version, DEFAULT) for one in answer.lock.packages}
        assert {name: found[name] for name in best} == best, f"seed {seed}"
        for name, candidate in found.items():
            for better in before(judge, candidate, objective):
                assert judge._search([(env, False)], {**found, name: better}) is None, f"seed {seed}: {better}"


ONE_ENVIRONMENT = """
[project]
name = "proj"
requires-python = "==3.12.4"
dependencies = {dependencies}
[tool.uv]
environments = "sys_platform == 'linux' and platform_machine == 'x86_64' and implementation_name == 'cpython'"
"""


def plain(world: World) -> World:
    """The requirements of a world, extras and all, in one environment, without what is held back (pre-releases, yanks,
    builds)."""
    document = tomllib.loads(world.pyproject)
    lists = [document["project"]["dependencies"], *document["project"].get("optional-dependencies", {}).values()]
    asked = [text for texts in lists for text in texts if Requirement(text).name != "proj"]
    packages = {
        name: {
            version: Dist(dist.requires_dist, dist.requires_python, dist.provides_extra)
            for version, dist in versions.items()
            if "b" not in version
        }
        for name, versions in world.indexes[DEFAULT].items()
    }
    return World(ONE_ENVIRONMENT.format(dependencies=toml(asked)), {DEFAULT: packages})


def best_direct(judge: Judge, env: Environment, objective: str) -> dict[str, Candidate] | None:
    """Each direct requirement's best version with which all the rest can be completed; None where nothing can."""
    selection: dict[str, Candidate] = {}
    for requirement in judge.dependencies:
        name = canonicalize_name(requirement.name)
        if name not in selection and holds(requirement.marker, env):
            best = iter(preferred(judge, name, objective))
            chosen = next((one for one in best if judge._search([(env, False)], {**selection, name: one})), None)
            if chosen is None:
                return None
            selection[name] = chosen
    return selection


def preferred(judge: Judge, name: str, objective: str) -> list[Candidate]:
    candidates = judge._candidates(name)
    return candidates if objective == "newest-first" else candidates[::-1]


def before(judge: Judge, candidate: Candidate, objective: str) -> list[Candidate]:
    """The candidates that are preferred to one."""
    candidates = preferred(judge, candidate.name, objective)
    return candidates[: candidates.index(candidate)]


@kinds
@chunks
def test_a_lock_that_is_kept_to_stays_as_it_is(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        answer = locked(draw(seed), tmp_path)
        if isinstance(answer, Locked):
            before, judge = to_pylock(answer.lock), Judge(draw(seed))
            again = locked(draw(seed), tmp_path, preferred=kept_versions(before))
            assert isinstance(again, Locked), f"seed {seed}"
            after = to_pylock(again.lock)
            # Where a choice that no conflict names is left out, nothing is asked of a lock but to be valid.
            for env in environments(judge):
                assert installed(judge, after, env) == installed(judge, before, env), f"seed {seed}, {env}"
