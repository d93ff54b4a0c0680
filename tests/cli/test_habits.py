"""What people expect of any command line: completion, silence, colours, and hooks."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.cli.scene import ROOT, Scene, pyproject, run, scene_of, world_of
from tests.world import Dist


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    found = scene_of(world_of({"a": {"1.0": Dist()}}, pyproject("a")), tmp_path_factory.mktemp("scene"))
    assert found.lock("--certificate", str(found.project / "proof")).exit_code == 0
    return found


def commands() -> dict[str, click.Command]:
    context = click.Context(satlock)
    found = {name: satlock.get_command(context, name) for name in satlock.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script(shell: str) -> None:
    done = CliRunner().invoke(satlock, ["completion", shell])
    assert done.exit_code == 0 and f"_SATLOCK_COMPLETE={shell}_complete" in done.stdout
    told = CliRunner().invoke(satlock, ["completion"], env={"SHELL": f"/usr/bin/{shell}"})
    assert told.stdout == done.stdout


def test_a_shell_that_is_not_known() -> None:
    assert CliRunner().invoke(satlock, ["completion", "tcsh"]).exit_code == 2
    assert CliRunner().invoke(satlock, ["completion"], env={"SHELL": "/bin/tcsh"}).exit_code == 2


def test_the_script_completes() -> None:
    def completed(words: str) -> list[str]:
        count = str(len(words.split(" ")) - 1)
        done = run(env={"_SATLOCK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count})
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert {"lock", "prove", "export"} <= set(completed("satlock "))
    assert "--no-default-groups" in completed("satlock export --no")
    assert completed("satlock lock --objective lowest") == ["lowest", "lowest-direct"]


def test_every_command_may_be_quiet() -> None:
    lacking = {
        name
        for name, command in commands().items()
        if not isinstance(command, click.Group)
        and not {"-q", "-v"} <= {text for parameter in command.params for text in parameter.opts}
    }
    assert lacking <= {"completion"}


def test_quiet_is_silent_where_all_is_well(scene: Scene) -> None:
    for arguments in (
        ["lock", "--project", str(scene.project), "--corpus", str(scene.snapshot)],
        ["prove", str(scene.lockfile)],
        ["prove", "--project", str(scene.project)],
        ["check", str(scene.project / "proof")],
        ["export", str(scene.lockfile), "--output", str(scene.project / "requirements.txt")],
    ):
        done = CliRunner().invoke(satlock, [*arguments, "--quiet"])
        assert (done.exit_code, done.output) == (0, ""), arguments
        assert CliRunner().invoke(satlock, [*arguments, "--verbose"]).stderr, arguments


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
)
def test_colours(env: dict[str, str], coloured: bool) -> None:
    done = run("prove", "gone.lock", env={"NO_COLOR": "", "FORCE_COLOR": "", **env})
    assert done.returncode == 2 and ("\x1b[" in done.stderr) is coloured


def test_hooks_are_commands() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    entries = re.findall(r"^  entry: (.*)$", text, re.MULTILINE)
    assert len(entries) == text.count("- id:") == 4
    for entry in entries:
        program, name, *options = shlex.split(entry)
        known = {text for parameter in commands()[name].params for text in parameter.opts}
        assert program == "satlock" and {option for option in options if option.startswith("--")} <= known
    for pattern in re.findall(r"^  files: (.*)$", text, re.MULTILINE):
        assert re.search(pattern, "pylock.toml") and re.search(pattern, "uv.lock")
        assert not re.search(pattern, "docs/pylock.toml.md")


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "satlock", "--version"],
        cwd=Path(ROOT),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("satlock ")
