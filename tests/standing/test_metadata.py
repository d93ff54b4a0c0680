"""What a verification reads of the candidates in a lock: the same as the search that selected them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.cli.scene import scene_of
from tests.index_server import IndexServer
from tests.test_semantics import world
from tests.world import Dist, World

Start = Callable[..., IndexServer]
HINTS = [None, (), ("b",), ("c",)]
"""What a source distribution notes of its requirements: nothing, and with its build in agreement or not."""


def built(hint: tuple[str, ...] | None) -> Dist:
    return Dist(("b",), wheels=(), sdist=True, needs_build=True, hint=hint)


def unbuilt_world(hint: tuple[str, ...] | None) -> World:
    return world(["a"], {"a": {"1.0": built(hint)}, "b": {"1.0": Dist()}, "c": {"1.0": Dist()}})


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("output", ["pylock.toml", "uv.lock"])
def test_what_a_recorded_build_requires_is_needed(hint: tuple[str, ...] | None, output: str, tmp_path: Path) -> None:
    scene = scene_of(unbuilt_world(hint), tmp_path)
    scene.rewrite(unbuilt_world(hint).pyproject.replace("[project]", '[project]\nversion = "0"'))
    target = ("--output", str(scene.project / output))
    assert scene.lock(*target).exit_code == 0
    text = (scene.project / output).read_text()
    assert 'name = "b"' in text and 'name = "c"' not in text
    done = scene.lock(*target, "--check", "--no-cache")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("hint", HINTS)
def test_a_lock_without_what_a_build_requires_is_refused(hint: tuple[str, ...] | None, tmp_path: Path) -> None:
    scene = scene_of(unbuilt_world(hint), tmp_path)
    without = scene_of(world(["a"], {"a": {"1.0": Dist((), wheels=(), sdist=True)}}), tmp_path / "without")
    assert without.lock().exit_code == 0
    shutil.copy(without.lockfile, scene.lockfile)
    done = scene.lock("--check", "--no-cache")
    assert done.exit_code == 1 and "it lacks b" in done.stderr and "a 1.0 requires b" in done.stderr


def test_what_a_build_requires_is_needed_at_a_live_index(index_server: Start, tmp_path: Path) -> None:
    server = index_server(unbuilt_world(None))
    server.world.write_project(tmp_path)
    lock = ["lock", "--project", str(tmp_path), "--default-index", server.world.default_index]
    lock += ["--cache-dir", str(tmp_path / "cache")]
    done = CliRunner().invoke(satlock, lock)
    assert done.exit_code == 0, done.stderr
    assert 'name = "b"' in (tmp_path / "pylock.toml").read_text()
    fresh = [*lock[:-1], str(tmp_path / "other")]
    for arguments in (fresh, [*lock, "--json"]):
        done = CliRunner().invoke(satlock, [*arguments, "--check"])
        assert done.exit_code == 0, done.stderr


INVALID = "b (>=0.1b-more>=0.5) ; extra == 'x'"
"""No repair makes a requirement of it."""


def with_invalid(asked: str, *, older: bool) -> World:
    """A project that asks for a package of which the newest has an extra that cannot be read."""
    listed = {"2.0": Dist((INVALID,), provides_extra=("x",))}
    if older:
        listed["1.0"] = Dist(("b; extra == 'x'",), provides_extra=("x",))
    return world([asked], {"a": listed, "b": {"1.0": Dist()}})


def test_a_version_whose_asked_extra_cannot_be_read_is_not_locked(tmp_path: Path) -> None:
    """As uv passes it over."""
    scene = scene_of(with_invalid("a[x]", older=True), tmp_path)
    assert scene.lock().exit_code == 0
    assert scene.entries() == [("a", "1.0"), ("b", "1.0")]
    assert scene.lock("--check", "--no-cache").exit_code == 0


def test_without_another_version_it_is_the_reason_why_there_is_no_lock(tmp_path: Path) -> None:
    done = scene_of(with_invalid("a[x]", older=False), tmp_path).lock()
    assert done.exit_code == 1
    assert "has metadata that cannot be read" in done.stderr and "0.1b-more" in done.stderr


def test_an_extra_that_nobody_asks_for_is_not_read(tmp_path: Path) -> None:
    scene = scene_of(with_invalid("a", older=True), tmp_path)
    assert scene.lock().exit_code == 0
    assert scene.entries() == [("a", "2.0")]
    assert scene.lock("--check", "--no-cache").exit_code == 0
    scene.rewrite(with_invalid("a[x]", older=True).pyproject)
    done = scene.lock("--check", "--no-cache")
    assert done.exit_code == 1 and "has metadata that cannot be read" in done.stderr
