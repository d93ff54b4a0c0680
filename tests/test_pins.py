"""Where a source that is for an extra is in force: where the extra lists the package, and there for everybody."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.markers import Marker

from satlock.cli.commands import satlock
from satlock.encoder.project.reading import read_project
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.locking import lock
from satlock.solver.proofs.pins import prove_index_pins
from satlock.solver.writing.pylock_text import to_toml
from tests.standing.test_verifying import violation
from tests.strategies import toml
from tests.world import DEFAULT, Dist, MemoryCorpus, World

ROCM = "https://index.example/rocm"
WORLD = World(
    "",
    {
        DEFAULT: {
            "torch": {"2.7.1": Dist(wheels=("cp312-cp312-macosx_11_0_arm64", "cp312-cp312-win_amd64"), sdist=False)},
            "metrics": {"1.0": Dist(("torch",))},
        },
        ROCM: {"torch": {"2.7.1+rocm6.3": Dist(wheels=("cp312-cp312-manylinux_2_28_x86_64",))}},
    },
)
PROJECT = """
[project]
name = "painter"
version = "1.0"
requires-python = "==3.12.*"
dependencies = ["metrics", {base}]
[project.optional-dependencies]
rocm = [{extra}]
[tool.uv]
environments = ["sys_platform == 'linux' and platform_machine == 'x86_64'",
                "sys_platform == 'darwin' and platform_machine == 'arm64'"]
[[tool.uv.index]]
name = "torch-rocm"
url = "https://index.example/rocm"
explicit = true
[tool.uv.sources]
torch = [{{ index = "torch-rocm", extra = "rocm"{marker} }}]
"""
ON_LINUX = "; sys_platform == 'linux'"


def chosen(folder: Path, base: str, extra: str, marker: str = "") -> dict[tuple[str, bool], list[str]]:
    """The torch of each platform, with the extra and without; proven to come from where pins say."""
    return torches(folder, PROJECT.format(base=base, extra=extra, marker=marker), WORLD, "rocm")


def torches(folder: Path, text: str, world: World, extra: str) -> dict[tuple[str, bool], list[str]]:
    (folder / "pyproject.toml").write_text(text)
    project = read_project(folder)
    found = lock(project, MemoryCorpus(world), default_index=DEFAULT)
    (folder / "pylock.toml").write_text(to_toml(found.lock, folder))
    assert violation((folder / "pylock.toml").read_text(), "pylock", replace(world, pyproject=text), folder) is None
    proof = prove_index_pins(read_lockfile(folder / "pylock.toml", folder / "pyproject.toml"))
    assert all(answer.proven for answer in proof.answers)
    entries = [p for p in tomllib.loads((folder / "pylock.toml").read_text())["packages"] if p["name"] == "torch"]
    places = {"linux": "x86_64", "darwin": "arm64"}
    return {
        (system, extras): [
            torch["version"]
            for torch in entries
            if "marker" not in torch
            or Marker(torch["marker"]).evaluate(
                {"sys_platform": system, "platform_machine": machine, "python_full_version": "3.12.4",
                 "extras": {extra} if extras else set(), "dependency_groups": set()}, context="lock_file")
        ]
        for system, machine in places.items()
        for extras in (False, True)
    }  # fmt: skip


@pytest.mark.parametrize("marker", ["", ", marker = \"sys_platform == 'linux'\""])
def test_what_the_extra_lists_for_one_platform_binds_there_alone(tmp_path: Path, marker: str) -> None:
    found = chosen(tmp_path, "\"torch==2.7.1; sys_platform == 'darwin'\"", f'"torch==2.7.1+rocm6.3{ON_LINUX}"', marker)
    assert found["darwin", False] == found["darwin", True] == ["2.7.1"]
    assert found["linux", True] == ["2.7.1+rocm6.3"], "also for what only metrics requires"
    assert found["linux", False] == ["2.7.1"]


def test_an_extra_that_lists_the_package_everywhere_binds_everywhere(tmp_path: Path) -> None:
    found = chosen(tmp_path, "\"torch==2.7.1; sys_platform == 'darwin'\"", '"torch"')
    assert found["darwin", True] == found["linux", True] == ["2.7.1+rocm6.3"], (
        "no file for macOS, which a warning tells"
    )
    assert found["darwin", False] == ["2.7.1"]


def test_what_nobody_else_lists_comes_from_the_extra_s_index_everywhere(tmp_path: Path) -> None:
    found = chosen(tmp_path, '"metrics"', f'"torch==2.7.1+rocm6.3{ON_LINUX}"')
    assert found["darwin", True] == ["2.7.1+rocm6.3"], "only metrics requires it there"
    assert found["darwin", False] == ["2.7.1"]


CPU = "https://index.example/cpu"
BUILDS = World(
    "",
    {
        DEFAULT: {"metrics": {"1.0": Dist(("torch==2.7.1",))}},
        CPU: {
            "torch": {
                "2.7.1": Dist(wheels=("cp312-cp312-macosx_11_0_arm64",)),
                "2.7.1+cpu": Dist(wheels=("cp312-cp312-manylinux_2_28_x86_64",)),
            }
        },
    },
)
OF_CPU = """
[project]
name = "painter"
version = "1.0"
requires-python = "==3.12.*"
dependencies = {requires}
[project.optional-dependencies]
cpu = {extra}
[tool.uv]
environments = ["sys_platform == 'linux' and platform_machine == 'x86_64'",
                "sys_platform == 'darwin' and platform_machine == 'arm64'"]
conflicts = [[{{ extra = "cpu" }}, {{ group = "lint" }}]]
constraint-dependencies = {constraints}
[[tool.uv.index]]
name = "cpu"
url = "https://index.example/cpu"
explicit = true
[tool.uv.sources]
torch = {{ index = "cpu" }}
[dependency-groups]
lint = []
"""


@pytest.mark.parametrize(
    ("requires", "extra", "constraints", "on_macos"),
    [
        (["torch==2.7.1+cpu", "metrics"], [], [], ["2.7.1+cpu", "2.7.1+cpu"]),
        (["torch", "metrics"], [], ["torch===2.7.1+cpu"], ["2.7.1+cpu", "2.7.1+cpu"]),
        (["torch==2.7.1+cpu; sys_platform == 'linux'", "metrics"], [], [], ["2.7.1", "2.7.1"]),
        (["torch"], ["torch==2.7.1+cpu"], [], ["2.7.1", "2.7.1+cpu"]),
    ],
)
def test_a_build_that_the_project_names_is_taken_though_another_has_the_file(
    requires: list[str], extra: list[str], constraints: list[str], on_macos: list[str], tmp_path: Path
) -> None:
    text = OF_CPU.format(requires=toml(requires), extra=toml(extra), constraints=toml(constraints))
    found = torches(tmp_path, text, BUILDS, "cpu")
    assert found["linux", False] == found["linux", True] == ["2.7.1+cpu"]
    assert [*found["darwin", False], *found["darwin", True]] == on_macos, "without the extra, and with it"


def test_a_build_serves_without_a_file_where_no_other_of_its_version_has_one(tmp_path: Path) -> None:
    """macOS is plain 2.7.1's as a whole, and under Python 3.13 that has no file for it either."""
    newer = "sys_platform == 'darwin' and python_version >= '3.13'"
    world = replace(
        BUILDS, indexes={**BUILDS.indexes, DEFAULT: {"metrics": {"1.0": Dist((f"torch==2.7.1+cpu ; {newer}",))}}}
    )
    text = OF_CPU.format(requires='["metrics"]', extra="[]", constraints="[]").replace("==3.12.*", ">=3.12")
    (tmp_path / "pyproject.toml").write_text(text)
    found = lock(read_project(tmp_path), MemoryCorpus(world), default_index=DEFAULT)
    assert {(p.name, p.version) for p in found.lock.packages} == {("metrics", "1.0"), ("torch", "2.7.1+cpu")}
    (tmp_path / "pylock.toml").write_text(to_toml(found.lock, tmp_path))
    written = (tmp_path / "pylock.toml").read_text()
    assert violation(written, "pylock", replace(world, pyproject=text), tmp_path) is None


def test_a_certificate_of_the_pins_holds(tmp_path: Path) -> None:
    chosen(tmp_path, "\"torch==2.7.1; sys_platform == 'darwin'\"", f'"torch==2.7.1+rocm6.3{ON_LINUX}"')
    runner = CliRunner()
    proof = ["prove", str(tmp_path / "pylock.toml"), "--index-pins", "--certificate", str(tmp_path / "proof")]
    assert runner.invoke(satlock, proof).exit_code == 0
    done = runner.invoke(satlock, ["check", str(tmp_path / "proof")])
    assert done.exit_code == 0, done.output
