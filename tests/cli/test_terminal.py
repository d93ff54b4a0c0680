"""satlock in a real terminal: colours, the moving line, ways out as they come, Ctrl-C, completion in shells."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.scene import ROOT, Scene, pyproject, scene_of, world_of
from tests.index_server import IndexServer
from tests.world import DEFAULT, Dist, World

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="pexpect needs a POSIX terminal")

PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "a": {"1": Dist(), "2": Dist(), "3": Dist()},
    "b": {"1": Dist(("a<2",))},
}
COLOUR = "\x1b[3"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(world_of(PACKAGES, pyproject("a>=3", "b")), tmp_path)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    return {**kept, "TERM": "xterm-256color", "PYTHONUNBUFFERED": "1", "HOME": kept.get("HOME", "/"), **more}


def start(*arguments: object, **more: str) -> pexpect.spawn:
    command = ["-m", "satlock", *map(str, arguments)]
    return pexpect.spawn(
        sys.executable, command, cwd=str(ROOT), env=environment(**more), encoding="utf-8", timeout=60,
        dimensions=(40, 120),
    )  # fmt: skip


def seen(child: pexpect.spawn) -> str:
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def locking(scene: Scene, *more: str) -> list[object]:
    return ["lock", "--project", scene.project, "--corpus", scene.snapshot, *more]


def test_ways_out_come_as_they_are_found_and_can_be_made_by_their_number(scene: Scene) -> None:
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen(child := start(*locking(scene))))
    assert child.exitstatus == 1
    assert "What makes it lock, each tried, the smallest change first:" in said
    numbers = [int(number) for number in re.findall(r"^\s*(\d+)\. in ", said, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and numbers
    assert said.count("1. in project.dependencies") == 1, "none is told twice"
    seen(child := start(*locking(scene, "--apply", "1")))
    assert child.exitstatus == 0


@pytest.mark.parametrize(
    ("more", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)],
)
def test_colours_in_a_terminal(scene: Scene, more: dict[str, str], coloured: bool) -> None:
    assert (COLOUR in seen(start(*locking(scene), **more))) is coloured


def test_colours_of_an_answer_on_standard_output(scene: Scene) -> None:
    scene.rewrite(pyproject("b"))
    seen(start(*locking(scene)))
    assert "\x1b[1m" in seen(start("tree", scene.lockfile))
    assert "\x1b[" not in seen(start("tree", scene.lockfile, NO_COLOR="1"))


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Path, IndexServer]]:
    project = tmp_path / "project"
    project.mkdir()
    world = World(pyproject("b"), {DEFAULT: PACKAGES}, DEFAULT)
    (project / "pyproject.toml").write_text(world.pyproject)
    with IndexServer(world, latency=2.0) as server:
        yield project, server


@pytest.mark.slow
def test_a_moving_line_tells_what_goes_on_and_is_gone_at_the_end(slow: tuple[Path, IndexServer]) -> None:
    project, server = slow
    child = start("lock", "--project", project, "--default-index", server.url(DEFAULT), "--no-cache")
    child.expect("Reading listings|Searching|Starting")
    said = seen(child)
    assert child.exitstatus == 0 and "Locked: 2 packages" in said
    assert "\x1b[2K" in said, "the line is taken away again"
    assert said.rindex("\x1b[?25h") > said.index("\x1b[2K"), "the cursor is shown again"


@pytest.mark.slow
def test_quiet_shows_no_line(slow: tuple[Path, IndexServer]) -> None:
    project, server = slow
    child = start("lock", "--project", project, "--default-index", server.url(DEFAULT), "--no-cache", "--quiet")
    assert seen(child).strip() == "" and child.exitstatus == 0


def test_ctrl_c_ends_it_in_good_order(slow: tuple[Path, IndexServer]) -> None:
    project, server = slow
    child = start("lock", "--project", project, "--default-index", server.url(DEFAULT), "--no-cache")
    child.expect("Reading|Searching|Starting")
    child.sendintr()
    said = seen(child)
    assert child.exitstatus == 130 and "Traceback" not in said
    assert sorted(path.name for path in project.iterdir()) == ["pyproject.toml"]


SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$({satlock} completion bash)"'),
    "zsh": (["-f", "-i"], 'autoload -Uz compinit && compinit -u -D; eval "$({satlock} completion zsh)"'),
    "fish": (["--no-config", "-i"], "{satlock} completion fish | source"),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("satlock prov", "prove"), ("satlock export --extra c", "cuda"), ("satlock why b", "bravo")],
)
def test_completion(shell: str, typed: str, completed: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "satlock"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m satlock "$@"\n')
    command.chmod(0o755)
    extras = '[project.optional-dependencies]\ncuda = ["bravo"]\n'
    (tmp_path / "pyproject.toml").write_text(pyproject("bravo", more=extras))
    (tmp_path / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "bravo"\n')
    arguments, script = SHELLS[shell]
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    child = pexpect.spawn(
        program, arguments, cwd=str(tmp_path), encoding="utf-8", timeout=30, dimensions=(40, 120),
        env=environment(PATH=path, PYTHONPATH=str(ROOT), PS1="$ ", TERM="xterm", fish_greeting=""),
    )  # fmt: skip
    child.sendline(script.format(satlock="satlock"))
    child.sendline("echo rea''dy")
    child.expect("ready\r")
    time.sleep(0.5)
    child.send(f"{typed}\t")
    child.expect(completed)
    child.sendintr()
    child.close(force=True)
