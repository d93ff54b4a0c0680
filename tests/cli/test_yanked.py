"""Yanked releases of a lock are told when it is made, kept and checked: why, by whom, and whether it was since then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scene import ROOT, pyproject, scene_of, world_of
from tests.index_server import IndexServer, Options
from tests.world import DEFAULT, Dist, World

FORMS = pytest.mark.parametrize("form", ["pylock", "uv"])
PACKAGES = {
    "rpc": {"1.54": Dist(), "1.55": Dist(yanked="leaks\nfile handles"), "1.56": Dist()},
    "log": {"1.0": Dist(("rpc>=1.0",)), "2.0": Dist(("rpc==1.55",))},
    "far": {"1.0": Dist(("rpc==1.55 ; python_version < '3.8'",))},
}
TOLD = "warning: rpc 1.55 was yanked by its authors: leaks file handles; {} for it."


@FORMS
@pytest.mark.parametrize(
    ("asked", "more", "who"),
    [
        (("rpc==1.55", "log<2", "far"), "", ["the project"]),
        (("log",), "", ["log 2.0"]),
        (("rpc===1.55", "log"), "", ["the project", "log 2.0"]),
        (("log<2",), '[tool.uv]\nconstraint-dependencies = ["rpc==1.55"]\n', ["the project"]),
    ],
)
def test_by_whom_it_is_asked_for(tmp_path: Path, form: str, asked: tuple[str, ...], more: str, who: list[str]) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject(*asked, more=more)), tmp_path)
    said = TOLD.format(f"{' and '.join(who)} ask{'s' if len(who) == 1 else ''}")
    for options in ((), ("--quiet",), ("--check",), ("--check", "--quiet"), ("--upgrade",)):
        done = scene.lock("--format", form, *options)
        assert done.exit_code == 0 and done.stderr.count(said) == 1, (options, done.stderr)
        (told,) = json.loads(scene.lock("--format", form, "--json", *options).stdout)["yanked"]
        assert (told["name"], told["version"], told["reason"]) == ("rpc", "1.55", "leaks file handles")
        assert (told["asked-by"], told["since-locked"]) == (who, False)


@FORMS
def test_what_is_not_yanked_is_not_told(tmp_path: Path, form: str) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("log<2", "far")), tmp_path)
    for options in ((), ("--check",)):
        done = scene.lock("--format", form, *options, "--json")
        assert json.loads(done.stdout)["yanked"] == [] and "was yanked by" not in done.stderr


@FORMS
def test_one_that_is_only_kept_was_yanked_since(tmp_path: Path, form: str) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("rpc==1.55")), tmp_path)
    assert scene.lock("--format", form).exit_code == 0
    scene.rewrite(pyproject("rpc", "far"))  # a search that keeps to the lock
    said = "rpc 1.55 was yanked by its authors since it was locked: leaks file handles; nothing asks for exactly this"
    for options in ((), ("--check",)):
        done = scene.lock("--format", form, *options)
        assert done.exit_code == 0 and said in done.stderr, done.stderr
    (told,) = json.loads(scene.lock("--format", form, "--json", "--check").stdout)["yanked"]
    assert (told["asked-by"], told["since-locked"]) == ([], True)
    assert "yanked by" not in scene.lock("--format", form, "--upgrade-package", "rpc").stderr


def lock(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
    command = [sys.executable, "-m", "satlock", "lock", "--project", str(folder / "own"), *options]
    env = {**kept, "XDG_CACHE_HOME": str(folder / "cache"), "no_proxy": "127.0.0.1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
@FORMS
def test_an_index_that_yanks_later(tmp_path: Path, form: str, index_server: Callable[..., IndexServer]) -> None:
    """A check asks as soon as the answers are no longer fresh, a run that keeps the lock after a day."""
    yanked = {"rpc": {"1.54": Dist(), "1.56": Dist(yanked="leaks")}}
    with index_server(World("", {DEFAULT: {"rpc": {"1.54": Dist(), "1.56": Dist()}}}, DEFAULT)) as server:
        (tmp_path / "own").mkdir()
        index = f'[[tool.uv.index]]\nurl = "{server.url(DEFAULT)}"\ndefault = true\n'
        (tmp_path / "own" / "pyproject.toml").write_text(pyproject("rpc", more=index))
        assert lock(tmp_path, "--format", form).returncode == 0
        shutil.copytree(tmp_path / "cache", tmp_path / "before")
        server.original = World("", {DEFAULT: yanked}, DEFAULT)
        assert "since it was locked: leaks" in lock(tmp_path, "--format", form, "--check").stderr
        kept = lock(tmp_path, "--format", form)
        assert "Already locked" in kept.stderr and "since it was locked: leaks" in kept.stderr

        shutil.rmtree(tmp_path / "cache")
        shutil.copytree(tmp_path / "before", tmp_path / "cache")
        asked = len(server.requests)
        assert "yanked" not in lock(tmp_path, "--format", form).stderr and len(server.requests) == asked
        (remembered,) = (path for path in (tmp_path / "cache").glob("*/verified/*") if path.is_file())
        lines = remembered.read_text().splitlines()
        lines[2] = str(float(lines[2]) - 25 * 3600)
        remembered.write_text("\n".join(lines) + "\n")
        assert "since it was locked: leaks" in lock(tmp_path, "--format", form).stderr
    gone = lock(tmp_path, "--format", form, "--check")
    assert gone.returncode == 0 and "was yanked since is not known: " in gone.stderr and "once" in gone.stderr


@pytest.mark.slow
def test_answers_that_are_fresh_are_not_asked_for_again(
    tmp_path: Path, index_server: Callable[..., IndexServer]
) -> None:
    world = World("", {DEFAULT: {"rpc": {"1.54": Dist()}}}, DEFAULT)
    with index_server(world, Options(max_age=600)) as server:
        (tmp_path / "own").mkdir()
        index = f'[[tool.uv.index]]\nurl = "{server.url(DEFAULT)}"\ndefault = true\n'
        (tmp_path / "own" / "pyproject.toml").write_text(pyproject("rpc", more=index))
        assert lock(tmp_path).returncode == 0
        asked = len(server.requests)
        assert lock(tmp_path, "--check").returncode == 0 and len(server.requests) == asked
