"""What a lock says of direct requirements that are not at their newest: how far, where, and because of whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from satlock.cli import behind
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist

START = datetime(2024, 1, 1, tzinfo=UTC)


def on(day: int, *requires: str, python: str | None = None, wheels: tuple[str, ...] = ("py3-none-any",)) -> Dist:
    return Dist(requires, python, upload_time=(START + timedelta(days=day)).isoformat(), wheels=wheels)


def said(scene: Scene, *options: str) -> list[str]:
    """The lines about what is behind."""
    lines = scene.lock(*options).stderr.splitlines()
    start = lines.index("Not the newest, of what the project requires:")
    rest = lines[start + 1 :]
    end = next((place for place, line in enumerate(rest) if not line.startswith("  ")), len(rest))
    return [line.strip() for line in rest[:end]]


def scene(tmp_path: Path, packages: Mapping[str, Mapping[str, Dist]], *asked: str, more: str = "") -> Scene:
    return scene_of(world_of(packages, pyproject(*asked, more=more)), tmp_path)


def test_by_how_much_where_and_because_of_whom(tmp_path: Path) -> None:
    packages = {
        "core": {"1.0": on(0), "1.5": on(10), "2.0": on(20), "2.5": on(30)},
        "modern": {"1": on(0), "2": on(7, python=">=3.12")},
        "pinned": {"1": on(0), "2": on(1)},
        "web": {"1": on(0, "engine<2")},
        "engine": {"1": on(0), "2": on(400)},
        "built": {"1": on(0), "2": on(5, wheels=("cp311-abi3-manylinux_2_17_x86_64",))},
        "current": {"1": on(0)},
    }
    more = '[project.optional-dependencies]\ncpu = ["core<2"]\ngpu = ["core>=2"]\n'
    more += '[tool.uv]\nconflicts = [[{ extra = "cpu" }, { extra = "gpu" }]]\n'
    more += "environments = [\"sys_platform != 'darwin'\"]\n"
    asked = scene(tmp_path, packages, "core", "modern", "pinned==1", "web", "built", "current", "engine>=1", more=more)
    assert said(asked) == [
        "built 1 where platform_machine != 'x86_64' or sys_platform != 'linux': 5 days, 1 release behind 2; "
        "the environments (it would have no file for some of them)",
        "core 1.5 where 'cpu' in extras: 20 days, 2 releases behind 2.5; extra 'cpu' (core<2)",
        "engine 1: 400 days, 1 release behind 2; web 1 (engine<2)",
        "modern 1 where python_version < '3.12': 7 days, 1 release behind 2; "
        "the environments (it is for Python >=3.12 only)",
        "pinned 1: 1 day, 1 release behind 2; the project (pinned==1)",
    ]
    found = json.loads(asked.lock("--json", "--upgrade").stdout)["behind"]
    assert [(one["name"], one["version"], one["newest"]["version"]) for one in found][1] == ("core", "1.5", "2.5")
    assert found[1]["holders"] == [{"by": "extra 'cpu'", "requirement": "core<2"}]
    assert found[1]["marker"] == "'cpu' in extras"


def test_the_lock_that_is_there(tmp_path: Path) -> None:
    asked = scene(tmp_path, {"a": {"1": on(0), "2": on(10)}, "b": {"1": on(0)}}, "a<2", "b")
    asked.lock()
    asked.rewrite(pyproject("a", "b"))
    asked.lock()
    assert said(asked, "--upgrade-package", "b") == [
        "a 1: 10 days, 1 release behind 2; the lock that is there (it is kept to)"
    ]


def test_ten_lines_and_all_of_them(tmp_path: Path) -> None:
    packages = {f"p{place:02}": {"1": on(0), "2": on(1)} for place in range(13)}
    asked = scene(tmp_path, packages, *(f"{name}==1" for name in packages))
    lines = said(asked)
    assert len(lines) == 11 and lines[-1] == "and 3 more (--verbose)"
    assert len(said(asked, "--upgrade", "--verbose")) == 13
    assert len(json.loads(asked.lock("--json", "--upgrade").stdout)["behind"]) == 13


def test_a_program_is_told_without_reasons_what_would_take_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behind, "_SECONDS_FOR_PROGRAMS", 0)
    packages = {"a": {"1": on(0), "2": on(1)}, "b": {"1": on(0), "2": on(7, python=">=3.12")}}
    found = json.loads(scene(tmp_path, packages, "a==1", "b").lock("--json").stdout)["behind"]
    assert [(one["name"], one["marker"], one["holders"]) for one in found] == [
        ("a", None, []),
        ("b", "python_version < '3.12'", []),
    ]


def test_nothing_is_said_where_the_oldest_is_wanted(tmp_path: Path) -> None:
    asked = scene(tmp_path, {"a": {"1": on(0), "2": on(10)}}, "a")
    done = asked.lock("--objective", "lowest", "--json")
    assert json.loads(done.stdout)["behind"] == [] and "Not the newest" not in done.stderr


def test_nothing_is_said_where_all_is_new(tmp_path: Path) -> None:
    asked = scene(tmp_path, {"a": {"1": on(0), "2": on(10), "3a1": on(20)}}, "a")
    assert "Not the newest" not in asked.lock().stderr


def test_a_pre_release_after_the_cut_off_is_not_what_was_left_out(tmp_path: Path) -> None:
    asked = scene(tmp_path, {"a": {"1": on(0), "2a1": on(10), "2a2": on(30)}}, "a")
    assert "pre-releases: a 2a2" in asked.lock().stderr
    done = asked.lock("--upgrade", "--exclude-newer", (START + timedelta(days=20)).isoformat())
    assert "pre-releases: a 2a1" in done.stderr
    done = asked.lock("--upgrade", "--exclude-newer", (START + timedelta(days=5)).isoformat())
    assert "Newer, and left out" not in done.stderr
