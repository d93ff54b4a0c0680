"""A second run where nothing has changed, and runs where something has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scene import ROOT, pyproject
from tests.index_server import IndexServer, Options
from tests.world import DEFAULT, Dist, World


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def run(folder: Path, *arguments: str, imports: bool = False) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
    return subprocess.run(
        [sys.executable, *(["-X", "importtime"] if imports else []), "-m", "satlock", "lock", *arguments],
        cwd=ROOT,
        env={**kept, "XDG_CACHE_HOME": str(folder.parent / "cache"), "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("form", ["pylock", "uv"])
def test_what_was_verified_is_recalled_until_something_changes(folder: Path, form: str) -> None:
    world = World(
        pyproject("a"),
        {
            DEFAULT: {
                "a": {"1.0": Dist(("b",), wheels=("py3-none-win_amd64",)), "2.0": Dist(("b",))},
                "b": {"1.0": Dist()},
            }
        },
    )
    with IndexServer(world, Options(max_age=600)) as server:
        index = f'[[tool.uv.index]]\nurl = "{server.url(DEFAULT)}"\ndefault = true\n'
        project = folder / "pyproject.toml"
        project.write_text(pyproject("a<2", more=index))
        lockfile = folder / ("uv.lock" if form == "uv" else "pylock.toml")
        plain = ("--project", str(folder), "--format", form)
        assert run(folder, *plain).returncode == 0
        asked, before = len(server.requests), lockfile.read_bytes()
        for more in ((), ("--check",)):
            again = run(folder, *plain, *more, imports=True)
            assert (
                "warning: the lock has no file to install, and an installation will fail, on\n  Linux" in again.stderr
            )
            assert again.returncode == 0 and ("Valid: 2" if more else "Already locked: 2") in again.stderr
            imported = {line.rpartition("|")[2].strip() for line in again.stderr.splitlines()}
            assert not imported & {"click", "packaging", "z3", "pysat", "satlock.encoder", "satlock.solver", "httpx"}
        assert len(server.requests) == asked

        project.write_text(pyproject("a>=1", more=index))
        if form == "pylock":  # a new release is none of its business, and a uv.lock repeats the requirement
            verified = run(folder, *plain, "--check", imports=True)
            assert verified.returncode == 0 and "Valid" in verified.stderr
            imported = {line.rpartition("|")[2].strip() for line in verified.stderr.splitlines()}
            assert not {name.partition(".")[0] for name in imported} & {"z3", "pysat"}
            assert len(server.requests) == asked, "what the cache knows is enough, and fresh"
        project.write_text(pyproject("a>=2", more=index))
        wrong = run(folder, *plain, "--check")
        assert wrong.returncode == 1 and "is out of date: " in wrong.stderr
        assert len(server.requests) == asked, "the answers are fresh"
        assert lockfile.read_bytes() == before
        project.write_text(pyproject("a<2", more=index))
        damaged = before.decode().replace('name = "b"', 'name = "c"')
        lockfile.write_text(damaged)
        assert run(folder, *plain, "--check").returncode in (1, 2)
