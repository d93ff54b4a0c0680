"""``satlock lock --report``: what it holds repeats the run, and holds no credentials."""

from __future__ import annotations

import json
import shlex
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.cli.scene import pyproject
from tests.index_server import IndexServer
from tests.world import DEFAULT, Dist, World

PACKAGES = {"a": {"1": Dist(("b",)), "2": Dist(("b<2",))}, "b": {"1": Dist(), "2": Dist()}}


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(satlock, ["lock", *map(str, arguments)])


@pytest.mark.parametrize("asked", [("a",), ("a>=2", "b>=2")], ids=["a lock", "no lock"])
def test_the_run_can_be_repeated(asked: tuple[str, ...], tmp_path: Path) -> None:
    world = World(pyproject(*asked), {DEFAULT: PACKAGES}, DEFAULT)
    project, report = tmp_path / "project", tmp_path / "report.zip"
    project.mkdir()
    (project / "pyproject.toml").write_text(world.pyproject)
    with IndexServer(world) as server:
        secret = server.url(DEFAULT).replace("://", "://someone:opensesame@")
        options = ("--project", project, "--default-index", secret, "--no-cache", "--report", report)
        done = invoke(*options, "--objective", "lowest", "--upgrade")
    assert report.is_file(), done.stderr
    with zipfile.ZipFile(report) as archive:
        assert b"opensesame" not in b"".join(archive.read(name) for name in archive.namelist())
        told = json.loads(archive.read("report.json"))
        archive.extractall(tmp_path / "there")
    assert told["schema"] == "satlock/report" and told["satlock"]
    assert " --objective lowest " in told["again"]
    command = told["again"].partition("; satlock lock ")[2]
    command = command.replace("DIR", str(tmp_path / "there")).replace("REPORT", str(report))
    again = invoke(*shlex.split(command), "--no-cache")
    assert again.exit_code == done.exit_code
    if done.exit_code == 0:
        assert (tmp_path / "there" / "project" / "pylock.toml").read_text() == (project / "pylock.toml").read_text()
    else:
        assert told["ended"]["with"] == "Ended"
        assert again.stderr.splitlines()[2:4] == done.stderr.splitlines()[2:4]


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(pyproject())
    done = invoke("--project", tmp_path, "--report", tmp_path / "gone" / "report.zip")
    assert done.exit_code == 3 and "cannot be written" in done.stderr
