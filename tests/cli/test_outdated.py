"""``satlock outdated``: what is not the newest, how far, and because of whom."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.printed import pasted
from tests.world import Dist

START = datetime(2024, 1, 1, tzinfo=UTC)


def on(day: int, *requires: str, python: str | None = None) -> Dist:
    return Dist(requires, python, upload_time=(START + timedelta(days=day)).isoformat())


PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "pinned": {"1": on(0), "2": on(10), "3": on(30)},
    "web": {"1": on(0, "core<2")},
    "core": {"1.0": on(0), "1.1": on(5), "2.0": on(20), "3.0a1": on(40)},
    "modern": {"1": on(0), "2": on(7, python=">=3.12")},
    "current": {"1": on(0)},
    "capped": {"1": on(0), "2": on(3)},
}
MORE = '[project.optional-dependencies]\nx = ["pinned<3"]\n[tool.uv]\nconstraint-dependencies = ["capped<2"]\n'


def ask(scene: Scene, *arguments: str) -> Result:
    command = ["outdated", "--project", str(scene.project), "--corpus", str(scene.snapshot), *arguments]
    return CliRunner().invoke(satlock, command)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    found = scene_of(world_of(PACKAGES, pyproject("pinned", "web", "current", "capped", more=MORE)), tmp_path)
    assert found.lock().exit_code == 0
    return found


def rows(scene: Scene, *arguments: str) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(ask(scene, "--json", *arguments).stdout)["outdated"]}


def holders(row: dict[str, object]) -> set[tuple[str, str]]:
    remains = row["remains"]
    assert isinstance(remains, list)
    return {(one["by"], one["requirement"]) for held in remains for one in held["holders"]}


def test_where(tmp_path: Path) -> None:
    more = '[project.optional-dependencies]\nx = ["core<1.1"]\ny = ["pinned"]\n'
    more += '[tool.uv]\nconflicts = [[{ extra = "x" }, { extra = "y" }]]\n'
    found = scene_of(
        world_of(PACKAGES, pyproject("modern", "core", "web ; python_version < '3.12'", more=more)), tmp_path
    )
    assert found.lock().exit_code == 0
    told = ask(found).stdout
    assert re.search(r"modern +1, 2 +— +2 +7 days, 1 release +.*only\) where python_version < '3.12'", told), told
    assert "web 1 (core<2) where 'x' not in extras and python_version < '3.12'" in told
    assert "extra 'x' (core<1.1) where 'x' in extras" in told


def test_because_of_whom(scene: Scene) -> None:
    found = rows(scene)
    assert set(found) == {"pinned", "core", "capped"}
    assert found["pinned"]["newest"] == {"version": "3", "days": 20, "releases": 1}
    assert holders(found["pinned"]) == {("extra 'x'", "pinned<3")}
    assert found["core"]["newest"] == {"version": "2.0", "days": 15, "releases": 1}, "a pre-release is not the newest"
    assert holders(found["core"]) == {("web 1", "core<2")}
    assert holders(found["capped"]) == {("the project's constraints", "capped<2")}


def test_what_an_upgrade_brings(scene: Scene) -> None:
    (scene.project / "pylock.toml").write_text(scene.lockfile.read_text().replace("1.1", "1.0"))
    row = rows(scene)["core"]
    assert row["locked"] == ["1.0"] and row["upgrade"] == ["1.1"]
    assert row["newest"] == {"version": "2.0", "days": 20, "releases": 2}
    said = ask(scene).stdout
    (upgrade,) = re.findall(r"^(satlock lock .*) changes 1 of them\.$", said, re.MULTILINE)
    (why,) = re.findall(r"what it would cost: (satlock why capped .*)$", said, re.MULTILINE)
    for command in (why, upgrade):
        done = pasted(command)
        assert done.returncode == 0, done.stderr
    assert rows(scene)["core"]["locked"] == ["1.1"]
    assert [line for line in said.splitlines() if line.startswith("core ")] == [
        "core     1.0     1.1             2.0     20 days, 2 releases  web 1 (core<2)"
    ]


def test_a_python_that_is_too_old(tmp_path: Path) -> None:
    settings = '[tool.uv]\nfork-strategy = "fewest"\n[tool.satlock]\nsingle-version = ["modern"]\n'
    scene = scene_of(world_of(PACKAGES, pyproject("modern", more=settings)), tmp_path)
    assert scene.lock().exit_code == 0
    assert ("the environments", "it is for Python >=3.12 only") in holders(rows(scene)["modern"])


def test_direct_ones_alone(scene: Scene) -> None:
    assert set(rows(scene, "--direct")) == {"pinned", "capped"}


def test_the_exit_code(scene: Scene, tmp_path: Path) -> None:
    assert ask(scene).exit_code == 0 and ask(scene, "--exit-code").exit_code == 1
    other = scene_of(world_of(PACKAGES, pyproject("current")), tmp_path / "other")
    assert other.lock().exit_code == 0
    done = ask(other, "--exit-code")
    assert done.exit_code == 0 and done.stdout == "Up to date: 1 package, each at its newest release.\n"


def test_without_a_lock(tmp_path: Path) -> None:
    done = ask(scene_of(world_of(PACKAGES, pyproject("current")), tmp_path))
    assert done.exit_code == 2 and "There is no pylock.toml" in done.stderr
