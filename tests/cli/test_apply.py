"""``satlock lock --apply``: the change that was printed, made in the file, and the lock that it makes possible."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.explanations.worlds import WORLDS
from tests.printed import pasted
from tests.world import Dist

PACKAGES = {"a": {"1": Dist(), "2": Dist(), "3": Dist()}, "b": {"1": Dist(("a<2",))}}
TEXT = """\
# kept
[project]
name = "proj"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "b",     # the one
    "a>=3",  # the other
]
"""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = scene_of(world_of(PACKAGES, pyproject("a", "b")), tmp_path)
    scene.rewrite(TEXT)
    return scene


def text(scene: Scene) -> str:
    return (scene.project / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("output", ["pylock.toml", "uv.lock"])
def test_the_change_is_made_and_the_project_locked(scene: Scene, output: str) -> None:
    told = scene.lock("--output", str(scene.project / output)).stderr
    assert '1. in project.dependencies, change "a>=3" to "a>=1"' in told
    done = scene.lock("--apply", "1", "--output", str(scene.project / output))
    assert done.exit_code == 0, done.stderr
    assert text(scene) == TEXT.replace("a>=3", "a>=1")
    assert scene.files() == sorted(["pyproject.toml", output])
    assert scene.lock("--check", "--output", str(scene.project / output)).exit_code == 0


def test_the_command_that_is_printed(scene: Scene) -> None:
    told = scene.lock().stderr
    (command,) = re.findall(r"satlock lock .*--apply 1$", told, re.MULTILINE)
    assert pasted(command).returncode == 0
    assert scene.files() == ["pylock.toml", "pyproject.toml"]


@pytest.mark.parametrize("output", ["pylock.toml", "uv.lock"])
def test_the_command_that_brings_a_lock_up_to_date(scene: Scene, output: str) -> None:
    """It asks the same index, and writes the same file."""
    scene.rewrite(pyproject("a<3"))
    place = str(scene.project / output)
    for said in ("write it with", "Bring it up to date with"):
        told = scene.lock("--check", "--output", place).stderr
        (command,) = re.findall(rf"{said} (satlock .*)\.$", told, re.MULTILINE)
        assert pasted(command).returncode == 0
        assert scene.lock("--check", "--output", place).exit_code == 0
        scene.rewrite(pyproject("a<2"))
    assert scene.files() == sorted(["pyproject.toml", output])


@pytest.mark.parametrize(
    "options",
    [
        "--upgrade-package 'a<3' --upgrade-package b --upgrade-group dev",
        "--upgrade --no-sources --no-build-package a",
        "--exclude-newer 2025-01-31T12:00:00Z --exclude-newer-package a=false --exclude-newer-package 'b=30 days'",
        "--exclude-newer false --resolution lowest --prerelease allow --fork-strategy fewest",
        "--index here=https://here.example/simple --index https://there.example/simple",
        "--requires-python '<3.14,>=3.11' --build",
        "--python 3.12 --http-timeout 5.0 --no-config --certificate 'a proof'",
    ],
)
def test_the_options_of_the_run_are_in_the_command(options: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scene.project.parent)
    told = CliRunner().invoke(satlock, ["lock", "--directory", "project", *shlex.split(options), "--frozen"])
    assert told.exit_code == 1, told.output
    (command,) = re.findall(r"write it with satlock lock (.*)\.$", told.stderr, re.MULTILINE)
    typed = shlex.split(f"--directory project {options}")
    assert sorted(shlex.split(command)) == sorted(typed), command


@pytest.mark.parametrize("output", ["pylock.toml", "uv.lock"])
def test_a_dry_run_shows_the_difference_and_writes_nothing(scene: Scene, output: str) -> None:
    done = scene.lock("--apply", "1", "--dry-run", "--output", str(scene.project / output))
    assert done.exit_code == 0, done.stderr
    assert '-    "a>=3",  # the other\n+    "a>=1",  # the other' in done.stdout
    assert "Would lock: 2 packages" in done.stderr
    assert text(scene) == TEXT and scene.files() == ["pyproject.toml"]


def test_what_cannot_be_applied(scene: Scene) -> None:
    done = scene.lock("--apply", "99")
    assert done.exit_code == 1 and "There is no way out number 99: there are" in done.stderr
    scene.rewrite(pyproject("a"))
    done = scene.lock("--apply", "1")
    assert done.exit_code == 2 and "has a lock" in done.stderr
    assert scene.lock("--apply", "1", "--check").exit_code == 2
    assert scene.lock("--apply", "0").exit_code == 2
    assert scene.files() == ["pyproject.toml"]


def test_a_lock_that_cannot_be_written_leaves_the_file_as_it_was(scene: Scene) -> None:
    (scene.project / "pylock.toml").write_text("broken [")
    done = scene.lock("--apply", "1")
    assert done.exit_code == 2
    assert text(scene) == TEXT


def test_the_clock(scene: Scene) -> None:
    done = scene.lock("--timeout", "0")
    assert (
        done.exit_code == 1
        and "No way out was found. There may be more: the search for more was cut off" in done.stderr
    )


@pytest.mark.parametrize("name", WORLDS)
def test_every_way_out_of_the_golden_texts_can_be_applied(name: str, tmp_path: Path) -> None:
    """By number, as it is printed; and each table that is printed can be pasted as it is."""
    scene = scene_of(WORLDS[name], tmp_path)
    before = text(scene)
    ways = [line for line in scene.lock().stderr.splitlines() if re.match(r"  \d+\. ", line)]
    for number, way in enumerate(ways, 1):
        done = scene.lock("--apply", str(number))
        assert done.exit_code == 0, f"{way}: {done.stderr}"
        after = text(scene)
        assert after != before
        for table, key, value in re.findall(r"in \[([^]]+)\], (\S+) = (.+?)(?=; and in |$)", way):
            table_of = tomllib.loads(f"[{table}]\n{key} = {value}\n")
            assert _within(table_of, tomllib.loads(after)), way
        scene.rewrite(before)
        scene.lockfile.unlink()


def _within(part: object, whole: object) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    return part == whole
