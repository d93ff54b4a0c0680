"""Projects that leave out a Python in the middle (``>=3.11,!=3.13.*``): satlock and the real uv cover the same Pythons,
and install the same on each."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.pylock import Pylock
from packaging.specifiers import SpecifierSet

from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Environment, marker_variables
from tests.index_server import IndexServer
from tests.world import DEFAULT, Dist, MemoryCorpus, World

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

Start = Callable[..., IndexServer]

EVERY = (
    ">=3.11,!=3.13.*",
    ">=3.10,!=3.12.*",
    ">=3.10,!=3.11.*,!=3.13.*",
    ">=3.10,<3.15,!=3.12.*,!=3.13.*",
    ">=3.9,!=3.10.*,!=3.14.*",
    ">=3.10,!=3.10.*",
)
SAID = [said for said in EVERY if SpecifierSet(said).contains(".".join(map(str, sys.version_info[:3])))]
"""uv looks for a Python that the project admits, and does not take another one."""
MARKERS = (
    "python_version < '3.12'", "python_version >= '3.13'", "python_version == '3.13'", "python_full_version >= '3.14'",
)  # fmt: skip
STEPS = (None, ">=3.11", ">=3.12", ">=3.13", ">=3.14")
PYTHONS = tuple(f"3.{minor}.{micro}" for minor in range(9, 17) for micro in (0, 5))


def world_of_gaps(seed: int) -> World:
    """Packages whose newer versions are for newer Pythons, below one that requires some of them on some Pythons."""
    dice = random.Random(f"gaps {seed}")
    packages: dict[str, dict[str, Dist]] = {}
    for name in ("a", "b", "c"):
        steps = sorted(dice.sample(range(len(STEPS)), dice.randint(1, 4)))
        steps[0] = 0
        packages[name] = {f"{place + 1}.0": Dist(requires_python=STEPS[step]) for place, step in enumerate(steps)}
    packages["top"] = {"1.0": Dist(tuple(asked(dice)))}
    said = dice.choice(SAID)
    text = f'[project]\nname = "proj"\nversion = "1"\nrequires-python = "{said}"\n'
    return World(f"{text}dependencies = {json.dumps(['top', *asked(dice)])}\n", {DEFAULT: packages})


def impossible(drawn: World) -> World:
    """The same with lines that nothing meets, on Pythons that are left out; uv takes no account of that and fails."""
    gone = re.findall(r"!=(3\.\d+)\.\*", drawn.pyproject)
    lines = "".join(f"\"c<1 ; python_version == '{minor}'\", " for minor in gone)
    return replace(drawn, pyproject=drawn.pyproject.replace("dependencies = [", f"dependencies = [{lines}"))


def asked(dice: random.Random) -> list[str]:
    names = dice.sample(("a", "b", "c"), dice.randint(1, 2))
    return [f"{name} ; {dice.choice(MARKERS)}" if dice.random() < 0.5 else name for name in names]


def by_uv(drawn: World, index: str, folder: Path) -> Pylock:
    """What uv locks, as a pylock.toml."""
    folder.mkdir()
    drawn.write_project(folder)
    env = {**os.environ, "UV_CACHE_DIR": str(folder / "cache"), "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    command = ["uv", "export", "--quiet", "--format", "pylock.toml", "--no-emit-project", "--default-index", index]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return Pylock.from_dict(tomllib.loads(done.stdout))


def installs(found: Pylock, python: str) -> dict[str, str] | None:
    """What a lock installs on a Python; None where it is not for that one."""
    if found.requires_python is not None and not found.requires_python.contains(python):
        return None
    here = {**marker_variables(Environment(python)), "extras": frozenset(), "dependency_groups": frozenset()}
    entries = [e for e in found.packages if e.marker is None or e.marker.evaluate(here, context="lock_file")]
    assert len({entry.name for entry in entries}) == len(entries)
    return {str(entry.name): str(entry.version) for entry in entries}


@pytest.mark.parametrize("seed", range(300 if os.environ.get("SATLOCK_NIGHTLY") else 8))
def test_the_same_pythons_are_covered_in_the_same_way(seed: int, index_server: Start, tmp_path: Path) -> None:
    drawn = world_of_gaps(seed)
    theirs = by_uv(drawn, index_server(drawn).url(DEFAULT), tmp_path / "uv")
    drawn = impossible(drawn) if seed % 2 else drawn
    project = read_project(drawn.write_project(tmp_path))
    mine = to_pylock(lock(project, MemoryCorpus(drawn), default_index=drawn.default_index).lock)
    for python in PYTHONS:
        assert installs(mine, python) == installs(theirs, python), f"seed {seed}, {python}"
