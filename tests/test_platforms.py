"""Where a lock installs: required environments, and the common platforms for which there is no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from satlock.cli.gaps import json_of_gaps, warning_of_gaps
from satlock.encoder.markers.platforms import COMMON, PYTHONS
from satlock.encoder.project.reading import read_project
from satlock.solver.lockfiles.gaps import refused_by_pip, without_file
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.lockfiles.standing.reading import read_standing
from satlock.solver.lockfiles.standing.regions import regions_of
from satlock.solver.lockfiles.standing.selected import selected
from satlock.solver.locking import Locked, lock
from satlock.solver.proofs.installable import COMMON as PROVEN
from satlock.solver.proofs.installable import prove_installable
from satlock.solver.writing.pylock_text import to_toml
from tests.cli.scene import pyproject, scene_of
from tests.strategies import random_world
from tests.test_properties import locked
from tests.world import DEFAULT, Dist, MemoryCorpus, World

INDEX = "https://index.example/whl/cpu"
PROJECT = """
[project]
name = "proj"
version = "0.1.0"
requires-python = ">=3.12"
dependencies = {dependencies}
[tool.uv]
{settings}
[tool.uv.sources]
torch = {{ index = "cpu" }}
[[tool.uv.index]]
name = "cpu"
url = "{url}"
explicit = true
"""
LINUX, MAC, WINDOWS = "manylinux_2_28_x86_64", "macosx_11_0_arm64", "win_amd64"
ARM = "manylinux_2_28_aarch64"


def wheels(platform: str, *minors: int) -> tuple[str, ...]:
    return tuple(f"cp3{minor}-cp3{minor}-{platform}" for minor in minors or (12, 13, 14))


def found(dependencies: list[str], listed: dict[str, dict[str, Dist]], folder: Path, settings: str = "") -> Locked:
    project = PROJECT.format(dependencies=json.dumps(dependencies), settings=settings, url=INDEX)
    torch = {"torch": listed.pop("torch", {})}
    world = World(project, {DEFAULT: listed, INDEX: torch})
    return lock(read_project(world.write_project(folder)), MemoryCorpus(world), default_index=DEFAULT)


def warning(answer: Locked) -> str | None:
    return warning_of_gaps(answer.lock, answer.universe.domain, verbose=False)


def test_the_common_platforms_are_those_that_prove_looks_at() -> None:
    assert f"python_version >= '3.{PYTHONS[0][1]}' and python_version < '3.{PYTHONS[-1][1] + 1}'" in PROVEN
    assert PROVEN.count("platform_machine ==") == len(COMMON)
    for system, machine in COMMON:
        assert f"sys_platform == '{system}' and platform_machine == '{machine}'" in PROVEN


def test_a_lock_says_on_which_platforms_there_is_nothing_to_install(tmp_path: Path) -> None:
    """The origin's case: "no source distribution or wheel for the current platform", said before it happens."""
    listed = {
        "voyager": {"2.0.9": Dist(wheels=wheels(LINUX, 12) + wheels(ARM, 12) + wheels(MAC, 12) + wheels(WINDOWS, 12))},
        "pure": {"1.0": Dist()},
        "torch": {"2.5.1+cpu": Dist(wheels=wheels(LINUX) + wheels(ARM) + wheels(WINDOWS))},
    }
    answer = found(["voyager", "pure", "torch==2.5.1"], listed, tmp_path)
    assert warning(answer) == (
        "the lock has no file to install, and an installation will fail, on\n"
        "  Linux x86_64, Linux aarch64 or Windows AMD64 with Python 3.15; macOS arm64: torch 2.5.1+cpu\n"
        "  Python 3.13, 3.14 or 3.15: voyager 2.0.9"
    )
    first, second = json_of_gaps(answer.lock, answer.universe.domain)
    assert (first["name"], first["version"], first["index"]) == ("torch", "2.5.1+cpu", INDEX)
    without = {env["sys_platform"] for env in first["environments"] if env["python_version"] != "3.15"}
    assert without == {"darwin"}
    assert len(first["environments"]) == 7 and len(second["environments"]) == 12


def test_what_is_not_selected_somewhere_needs_no_file_there(tmp_path: Path) -> None:
    listed = {"a": {"1.0": Dist(wheels=wheels(LINUX))}}
    there = "a; sys_platform == 'linux' and platform_machine == 'x86_64'"
    assert "Linux x86_64 with Python 3.15: a 1.0" in str(warning(found([there], listed, tmp_path)))
    inside = "environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]"
    assert "Python 3.15: a 1.0" in str(warning(found(["a"], listed, tmp_path, inside)))
    assert "macOS arm64" in str(warning(found(["a"], listed, tmp_path)))


def test_what_only_installs_on_the_free_threaded_python_is_no_file(tmp_path: Path) -> None:
    common = "manylinux1_x86_64.manylinux2014_aarch64.macosx_11_0_arm64.win_amd64"
    wheels = (f"cp312-abi3-{common}", f"cp314-cp314t-{common}")
    answer = found(["a"], {"a": {"1.0": Dist(wheels=wheels)}}, tmp_path)
    assert not without_file(answer.lock, answer.universe.domain)
    wheels = (f"cp312-cp312t-{common}", f"cp313-abi3-{common}")
    answer = found(["a"], {"a": {"1.0": Dist(wheels=wheels)}}, tmp_path)
    (gap,) = without_file(answer.lock, answer.universe.domain)
    assert {place.python for place in gap.places} == {(3, 12)}


@pytest.mark.parametrize("form", ["pylock", "uv"])
def test_the_command_warns_of_a_lock_that_it_keeps(form: str, tmp_path: Path) -> None:
    """Found, kept, verified anew and recalled, in the command's process and in the quick one: always the same words."""
    packages = {"a": {"1.0": Dist(wheels=wheels(LINUX))}, "b": {"1.0": Dist()}}
    scene = scene_of(World(pyproject("a", "b", requires_python=">=3.12"), {DEFAULT: packages}), tmp_path)
    named = ("--format", form, "--cache-dir", str(tmp_path / "cache"))
    said = [scene.lock(*named, *more) for more in ((), (), ("--no-cache",), ("--check",), ("--check", "--no-cache"))]
    said.append(scene.lock(*named, "--quiet", "--check"))
    assert all(one.exit_code == 0 for one in said)
    warnings = {one.stderr[: one.stderr.index("a 1.0") + 5] for one in said}
    assert len(warnings) == 1 and "Linux aarch64, macOS arm64 or Windows AMD64" in warnings.pop()
    (gap,) = json.loads(scene.lock(*named, "--check", "--json").stdout)["without-file"]
    assert gap["name"] == "a" and len(gap["environments"]) == 13


@pytest.mark.parametrize("required", ["", "required-environments = [\"sys_platform == 'darwin'\"]"])
def test_each_platform_gets_a_version_that_installs_there(required: str, tmp_path: Path) -> None:
    """And no other is put back for that."""
    listed = {"a": {"1.0": Dist(), "2.0": Dist(wheels=wheels(LINUX))}}
    answer = found(["a"], listed, tmp_path, required)
    markers = {package.version: package.marker for package in answer.lock.packages}
    before = "sys_platform == 'linux' and python_version < '3.15' and platform_machine == 'x86_64'"
    assert markers["2.0"] == before and markers.keys() == {"1.0", "2.0"}
    assert not without_file(answer.lock, answer.universe.domain)


def test_upper_bounds_are_told_since_pip_heeds_them(tmp_path: Path) -> None:
    listed = {"a": {"1.0": Dist(requires_python=">=3.8,<3.14")}, "b": {"1.0": Dist(requires_python="!=3.13.1,<4")}}
    answer = found(["a", "b"], listed, tmp_path)
    (gap,) = refused_by_pip(answer.lock, answer.universe.domain)
    assert gap.package.name == "a" and {place.python for place in gap.places} == {(3, 14), (3, 15)}


def test_the_exclusion_of_one_release_divides_nothing_and_rules_nothing_out(tmp_path: Path) -> None:
    """``!=3.15`` is 3.15.0 alone: all versions of apache-airflow say so, and there was no lock for Python 3.15."""
    listed = {
        "a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.10,!=3.15")},
        "b": {"1.0": Dist(requires_python="!=3.13")},
    }
    answer = found(["a", "b"], listed, tmp_path)
    said = {
        (package.name, package.version, str(package.marker or ""), package.requires_python)
        for package in answer.lock.packages
    }
    assert said == {("a", "2.0", "", ">=3.10"), ("b", "1.0", "", None)}


@pytest.mark.parametrize("requires", ["==3.12.*", "~=3.12.0", "==3.12.*,>=3.8"])
def test_bounds_that_are_no_less_upper(requires: str, tmp_path: Path) -> None:
    answer = found(["a"], {"a": {"1.0": Dist(requires_python=requires)}}, tmp_path)
    (gap,) = refused_by_pip(answer.lock, answer.universe.domain)
    assert {place.python for place in gap.places} == {(3, 13), (3, 14), (3, 15)}


def test_the_command_warns_also_when_it_is_quiet(tmp_path: Path) -> None:
    packages = {"a": {"1.0": Dist(wheels=wheels(LINUX))}}
    scene = scene_of(World(pyproject("a", requires_python=">=3.12"), {DEFAULT: packages}), tmp_path)
    ended = scene.lock("--quiet", "--json")
    assert ended.exit_code == 0
    assert "Linux aarch64, macOS arm64 or Windows AMD64: a 1.0" in ended.stderr
    (gap,) = json.loads(ended.stdout)["without-file"]
    assert gap["name"] == "a" and len(gap["environments"]) == 13


@pytest.mark.parametrize("first", range(0, 240, 60))
def test_the_warning_says_what_prove_says_of_the_written_lock(first: int, tmp_path: Path) -> None:
    gaps = 0
    for seed in range(first, first + 60):
        world = random_world(seed)
        answer = locked(world, tmp_path)
        if not isinstance(answer, Locked):
            continue
        path = tmp_path / "pylock.toml"
        path.write_text(to_toml(answer.lock))
        proof = prove_installable(read_lockfile(path, tmp_path))
        refuted = {each.name for each in proof.answers if not each.proven}
        told = {gap.package.name for gap in without_file(answer.lock, answer.universe.domain)}
        assert told == refuted, f"seed {seed}"
        standing = read_standing(path.read_text(), "pylock", str(path))
        there = selected(standing, regions_of(standing, answer.universe, None), None)
        assert {gap.package.name for gap in without_file(there, answer.universe.domain)} == told, f"seed {seed}"
        gaps += len(told)
    assert gaps > 3, "too few worlds have something to tell"


def test_builds_of_one_version_are_told_apart_by_their_index() -> None:
    origin = Path(__file__).parent.parent / "corpora" / "origin"
    ran = CliRunner().invoke(
        satlock, ["lock", "--project", str(origin), "--corpus", str(origin / "origin.snapshot"), "--output", "-"]
    )
    assert (
        "Linux aarch64 with Python 3.13, 3.14 or 3.15: torch 2.5.1 from https://index.example/whl/cu124\n" in ran.stderr
    )
    assert ": torch 2.5.1+cpu\n" in ran.stderr
