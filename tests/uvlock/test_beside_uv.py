"""Projects made by structure, locked by the real uv and by satlock: uv takes satlock's lock for its own.

SATLOCK_NIGHTLY=1 python -m pytest tests/uvlock/test_beside_uv.py     # 400 projects in place of 48
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.index_server import IndexServer
from tests.uvlock.projects import SECOND, WORLD, SmallProject, small_project
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed"),
]

BATCHES = 8
COUNT = 400 if os.environ.get("SATLOCK_NIGHTLY") else 48
UNSEEN = re.compile("uv does not see that|uv lets it be installed|has no lock|No lock exists")


@dataclass
class Pair:
    """One project in two folders, and the two tools in them."""

    project: SmallProject
    mine: Uv
    peer: Uv
    index: str

    def satlock(self, *arguments: str) -> Result:
        here = ["--project", str(self.mine.folder), "--default-index", self.index]
        return CliRunner().invoke(
            satlock, [*arguments, *here, "--cache-dir", str(self.mine.folder / ".cache")],
            env={"UV_PYTHON": self.mine.environment["UV_PYTHON"]},
        )  # fmt: skip

    def installs(self, uv: Uv, choice: tuple[str, ...]) -> dict[str, str] | None:
        """What a choice installs, by name; None where uv refuses it."""
        done = uv.run("sync", "--frozen", "--dry-run", "--no-default-groups", *choice)
        if done.returncode:
            return None
        found = re.findall(r"^ \+ ([a-z-]+)(?:==(\S+))?", done.stderr, re.MULTILINE)
        assert len(found) == len(dict(found)), f"two of one name: {found}"
        return dict(found)


@pytest.fixture(scope="module")
def server() -> Iterator[IndexServer]:
    with IndexServer(WORLD) as started:
        yield started


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def pair_of(server: IndexServer, folder: Path, seed: int) -> Pair:
    project = small_project(seed, server.url(SECOND))
    mine, peer = (Uv(put(folder / str(seed) / name, project.files)) for name in ("satlock", "uv"))
    for uv in (mine, peer):
        uv.environment["UV_DEFAULT_INDEX"] = server.url(DEFAULT)
        uv.environment["UV_CACHE_DIR"] = str(folder / "uv-cache")
    return Pair(project, mine, peer, server.url(DEFAULT))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_uv_takes_the_lock_for_its_own(server: IndexServer, tmp_path: Path, batch: int) -> None:
    compared = 0
    for seed in range(batch, COUNT, BATCHES):
        compared += agrees(pair_of(server, tmp_path, seed), seed)
    assert compared, "none of the projects has a lock"


def agrees(pair: Pair, seed: int) -> bool:
    """Whether both lock a project; fails where they do, and what they lock is not of one kind."""
    by_uv = pair.peer.run("lock")
    done = pair.satlock("lock", "--output", str(pair.mine.folder / "uv.lock"))
    if by_uv.returncode or done.exit_code:
        assert done.exit_code == 0 or UNSEEN.search(done.output), (seed, done.output)
        if by_uv.returncode == 0:
            refused(pair, seed, done)
        return False
    pair.mine.accepts()
    proven = CliRunner().invoke(satlock, ["prove", str(pair.mine.folder / "uv.lock")])
    assert proven.exit_code == 0, (seed, proven.output)
    held = pair.satlock("lock", "--check", "--output", str(pair.mine.folder / "uv.lock"))
    assert held.exit_code == 0, (seed, held.output)
    for choice in pair.project.choices():
        mine, peer = pair.installs(pair.mine, choice), pair.installs(pair.peer, choice)
        assert (mine is None) == (peer is None), (seed, choice, mine, peer)
        if mine is not None and peer is not None:
            same_kind(mine, peer, (seed, choice))
    return True


def refused(pair: Pair, seed: int, done: Result) -> None:
    """Where satlock refuses what uv locks, it names choices that are in conflict: and uv lets these be installed."""
    named = re.search(r"add \[(.*?)\] to tool.uv.conflicts", done.output)
    assert named is not None or "uv lets it be installed; drop one" in done.output, (seed, done.output)
    chosen = re.findall(r'(extra|group) = "([^"]+)"', named[1]) if named is not None else []
    ways = [[word for kind, name in chosen for word in (f"--{kind}", name)]]
    if alone := re.search(r"group '([^']+)' brings both", done.output):
        ways.append(["--only-group", alone[1]])
    if chosen and all(kind == "group" for kind, _ in chosen):
        ways.append([word for _, name in chosen for word in ("--only-group", name)])
    told = [pair.peer.run("sync", "--frozen", "--dry-run", "--no-default-groups", *flags) for flags in ways]
    assert any(one.returncode == 0 for one in told), (seed, done.output, told)


def same_kind(mine: dict[str, str], peer: dict[str, str], where: object) -> None:
    """The same packages; which versions is another matter, and is told apart."""
    if mine.keys() == peer.keys():
        return
    others = {name for name in mine.keys() & peer.keys() if mine[name] != peer[name]}
    assert others, (where, mine, peer)  # another version may bring other packages; nothing else may


def test_what_differs_is_told(tmp_path: Path) -> None:
    """The comparison itself: another package fails it, another version of one does not."""
    same_kind({"alpha": "1.0"}, {"alpha": "2.0"}, "version")
    with pytest.raises(AssertionError):
        same_kind({"alpha": "1.0"}, {"alpha": "1.0", "beta": "1.0"}, "package")
