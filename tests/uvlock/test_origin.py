"""The origin's project as its author meets it: locked by the command from what was recorded, installed by uv."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.index_server import IndexServer
from tests.test_origin import recorded_world
from tests.uvlock.test_real_uv import Uv


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_one_torch_and_all_that_it_needs(index_server: Callable[..., IndexServer], tmp_path: Path) -> None:
    """The recorded packages, each as one wheel that every Python here can install."""
    recorded = recorded_world()
    indexes = {
        index: {
            name: {v: replace(dist, wheels=("py3-none-any",), requires_python=None) for v, dist in versions.items()}
            for name, versions in packages.items()
        }
        for index, packages in recorded.indexes.items()
    }
    anywhere = recorded.pyproject.replace('requires-python = ">=3.12"', 'requires-python = ">=3.11"')
    world = index_server(replace(recorded, indexes=indexes, pyproject=anywhere)).world
    world.write_project(tmp_path)
    with (tmp_path / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[tool.uv.index]]\nurl = "{world.default_index}"\ndefault = true\n')
    lock = tmp_path / "uv.lock"
    named = ["lock", "--project", str(tmp_path), "--cache-dir", str(tmp_path / "cache"), "--output", str(lock)]
    done = CliRunner().invoke(satlock, named)
    assert done.exit_code == 0, done.output
    uv = Uv(tmp_path)
    uv.accepts()
    needs = {"torchmetrics", "lightning-utilities", "numpy", "sympy", "jinja2", "networkx", "filelock", "fsspec"}
    for extra, version in (("cpu", "2.5.1+cpu"), ("cu124", "2.5.1+cu124"), ("", "2.5.1")):
        found = uv.installs(*(("--extra", extra) if extra else ()))
        assert found["torch"] == version and needs <= found.keys()
        assert extra != "cpu" or not any(name.startswith(("nvidia", "triton")) for name in found)
    proven = CliRunner().invoke(satlock, ["prove", str(lock)])
    assert proven.exit_code == 0 and "Proven: no environment installs two candidates" in proven.output
