"""Devices and pipes are no inputs: refused with a sentence, where reading them would never end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.cli.scene import pyproject, run

pytestmark = pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
INDEX = '[[tool.uv.index]]\nurl = "file://{}"\ndefault = true\n'


@pytest.fixture(params=["device", "pipe"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    place = tmp_path / "special"
    if request.param == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    return place


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("pyproject.toml", ["lock", "--project", "HERE"]),
        ("requirements.in", ["lock", "HERE/requirements.in"]),
        ("script.py", ["lock", "HERE/script.py"]),
        ("script", ["lock", "HERE/script"]),
        ("pylock.toml", ["lock", "--project", "PROJECT", "--output", "HERE/pylock.toml", "--offline"]),
        ("pylock.toml", ["lock", "--project", "PROJECT", "--output", "HERE/pylock.toml", "--check"]),
        ("pylock.toml", ["prove", "HERE/pylock.toml"]),
        ("uv.lock", ["prove", "HERE/uv.lock"]),
        ("poetry.lock", ["prove", "HERE/poetry.lock"]),
        ("world.snapshot", ["lock", "--project", "PROJECT", "--corpus", "HERE/world.snapshot"]),
        ("pyproject.toml", ["why", "a", "--project", "HERE"]),
    ],
)
def test_inputs(tmp_path: Path, special: Path, name: str, arguments: list[str]) -> None:
    here, project = tmp_path / "here", tmp_path / "project"
    here.mkdir()
    project.mkdir()
    (project / "pyproject.toml").write_text(pyproject("a"))
    special.rename(here / name)
    given = [one.replace("HERE", str(here)).replace("PROJECT", str(project)) for one in arguments]
    done = run(*given, env={"HOME": str(tmp_path)})  # a process of its own, with an end
    assert done.returncode in (2, 3), (done.stdout, done.stderr)
    assert name in done.stderr and "Traceback" not in done.stderr and "bug" not in done.stderr
    assert len(done.stderr) < 1000


@pytest.mark.parametrize("place", ["page", "file", "source", "link"])
def test_indexes_and_archives(tmp_path: Path, special: Path, place: str) -> None:
    index, project = tmp_path / "index", tmp_path / "project"
    (index / "a").mkdir(parents=True)
    project.mkdir()
    more = INDEX.format(index)
    if place == "page":
        special.rename(index / "a" / "index.html")
    elif place == "file":
        special.rename(index / "a" / "a-1.0-py3-none-any.whl")
        (index / "a" / "index.html").write_text('<a href="a-1.0-py3-none-any.whl">a-1.0-py3-none-any.whl</a>')
    elif place == "link":
        page = index / "links.html"
        page.write_text('<a href="a-1.0-py3-none-any.whl">a-1.0-py3-none-any.whl</a>')
        special.rename(index / "a-1.0-py3-none-any.whl")
        more = INDEX.format(page) + 'format = "flat"\n'
    else:
        special.rename(project / "a-1.0-py3-none-any.whl")
        more += '[tool.uv.sources]\na = { path = "a-1.0-py3-none-any.whl" }\n'
    (project / "pyproject.toml").write_text(pyproject("a", more=more))
    result = CliRunner().invoke(satlock, ["lock", "--project", str(project), "--no-cache"])
    assert result.exit_code in (1, 2, 3), result.output
    assert "bug in satlock" not in result.stderr
    assert not (project / "pylock.toml").exists()
