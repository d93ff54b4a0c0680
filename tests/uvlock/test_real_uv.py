"""What the real uv makes of written ``uv.lock`` files: accepted, left as they are, and installed from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.markers import Marker

from satlock.corpora.index.index import LiveCorpus
from tests.index_server import IndexServer
from tests.strategies import random_world
from tests.test_installs import EXPECTED, WORLD
from tests.uvlock.test_writing import choices_of, written
from tests.world import World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed"),
]

Start = Callable[..., IndexServer]


class Uv:
    """uv in one folder, with nothing configured but the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))}
        self.environment = {
            **kept,
            "UV_CACHE_DIR": str(folder / ".uv-cache"),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "XDG_CONFIG_DIRS": str(folder / ".config"),
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
            "no_proxy": "127.0.0.1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["uv", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def accepts(self, *options: str) -> None:
        """uv finds the lock up to date, and locking again leaves its bytes alone."""
        before = (self.folder / "uv.lock").read_bytes()
        checked = self.run("lock", "--check", "-v", *options)
        said = "\n".join(re.findall(r".*(?:espite|gnoring).*", checked.stderr)) or checked.stderr
        assert checked.returncode == 0, said
        again = self.run("lock", *options)
        assert again.returncode == 0, again.stderr
        assert (self.folder / "uv.lock").read_bytes() == before

    def installs(self, *arguments: str) -> dict[str, str]:
        """What ``uv sync --frozen`` would have in an empty environment."""
        done = self.run("sync", "--frozen", "--no-default-groups", *arguments)
        assert done.returncode == 0, done.stderr
        listed = self.run("pip", "list", "--format", "freeze", "--python", ".venv")
        return dict(line.split("==") for line in listed.stdout.split() if "==" in line)


def flags(extras: frozenset[str], groups: frozenset[str]) -> list[str]:
    chosen = [("--extra", extra) for extra in sorted(extras)] + [("--group", group) for group in sorted(groups)]
    return [word for pair in chosen for word in pair]


def test_the_origin(index_server: Start, tmp_path: Path) -> None:
    world = index_server(WORLD).world
    world.write_project(tmp_path)
    with LiveCorpus(cache_dir=tmp_path / "cache") as corpus:
        _, text = written(tmp_path, corpus, world.default_index)
    (tmp_path / "uv.lock").write_text(text)
    uv = Uv(tmp_path)
    uv.environment["UV_DEFAULT_INDEX"] = world.default_index
    uv.accepts()
    for extra, expected in EXPECTED.items():
        assert uv.installs(*(("--extra", extra) if extra else ())) == expected
    assert uv.installs("--group", "dev") == {**EXPECTED[""], "checker": "1.0"}
    refused = uv.run("sync", "--frozen", "--extra", "cpu", "--extra", "cu124")
    assert refused.returncode != 0 and "conflict" in refused.stderr
    assert uv.run("sync", "--locked", "--extra", "cpu").returncode == 0


@pytest.mark.parametrize("seed", [74, 184, 208, 272, 276, 687])
def test_random_worlds(index_server: Start, tmp_path: Path, seed: int) -> None:
    compared(index_server(random_world(seed)).world, tmp_path)


def compared(world: World, folder: Path) -> None:
    """Locks a world, and installs every choice of it for the machine that runs the tests."""
    world.write_project(folder)
    with LiveCorpus(cache_dir=folder / "cache") as corpus:
        found, text = written(folder, corpus, world.default_index)
    (folder / "uv.lock").write_text(text)
    uv = Uv(folder)
    uv.accepts()
    for extras, groups in choices_of(found)[:6]:
        chosen = {"extras": set(extras), "dependency_groups": set(groups)}
        here = [
            package
            for package in found.lock.packages
            if package.marker is None or Marker(package.marker).evaluate(chosen, context="lock_file")
        ]
        if uv.run("sync", "--frozen", "--dry-run", *flags(extras, groups)).returncode:
            continue
        assert uv.installs(*flags(extras, groups)) == {package.name: package.version for package in here}


def test_a_repository_and_a_folder(tmp_path: Path) -> None:
    def project(folder: Path, name: str, more: str = "") -> Path:
        folder.mkdir()
        text = f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = []\n{more}'
        (folder / "pyproject.toml").write_text(text)
        return folder

    repository = project(tmp_path / "repository", "fetched")
    named = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for command in (["init", "-q"], ["add", "."], [*named, "commit", "-q", "-m", "x"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)
    project(tmp_path / "beside", "beside", '[project.optional-dependencies]\nx = ["fetched"]\n')
    sources = f'fetched = {{ git = "{repository.as_uri()}", tag = "v1" }}\nbeside = {{ path = "../beside" }}\n'
    folder = project(tmp_path / "own", "own", f"[tool.uv.sources]\n{sources}")
    text = (folder / "pyproject.toml").read_text().replace("[]", '["fetched", "beside"]', 1)
    (folder / "pyproject.toml").write_text(text)
    with LiveCorpus(cache_dir=tmp_path / "cache") as corpus:
        _, lock = written(folder, corpus, "https://index.example/simple")
    assert re.search(r'source = \{ git = "file://.*repository\?tag=v1#[0-9a-f]{40}" \}', lock)
    (folder / "uv.lock").write_text(lock)
    Uv(folder).accepts()


def test_a_group_that_asks_for_an_extra_of_its_project_is_followed_alike_by_every_walk(
    index_server: Start, tmp_path: Path
) -> None:
    """uv locks it; so it is proven, exported and found up to date."""
    world = index_server(
        replace(
            WORLD,
            pyproject=WORLD.pyproject.replace('dev = ["checker"]', 'dev = ["checker"]\nci = ["proj[cpu]"]').replace(
                'conflicts = [[{ extra = "cpu" }, { extra = "cu124" }]]',
                'conflicts = [[{ extra = "cpu" }, { extra = "cu124" }], [{ group = "ci" }, { extra = "cu124" }]]',
            ),
        )
    ).world
    world.write_project(tmp_path)
    uv = Uv(tmp_path)
    uv.environment["UV_DEFAULT_INDEX"] = world.default_index
    done = uv.run("lock")
    assert done.returncode == 0, done.stderr
    lockfile = tmp_path / "uv.lock"

    def satlock(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "satlock", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    where = ("--project", str(tmp_path), "--default-index", world.default_index, "--no-cache")
    checked = satlock("lock", "--check", "--output", str(lockfile), *where)
    assert checked.returncode == 0, checked.stderr
    proven = satlock("prove", str(lockfile))
    assert proven.returncode == 0, proven.stderr
    exported = satlock("export", str(lockfile), "--group", "ci")
    assert "torch==2.5.1+cpu" in exported.stdout and "cu124" not in exported.stdout, exported.stderr
    assert uv.installs("--group", "ci")["torch"] == "2.5.1+cpu"
