"""``check --metadata online``: what a certificate records is fetched again, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.cli.scene import pyproject, world_of
from tests.index_server import IndexServer
from tests.prove.scenes import edit, sign
from tests.prove.test_optimality import WISHED
from tests.world import Dist

PACKAGES = {
    "app": {"1": Dist(requires_dist=("lib>=1", "tool; extra == 'more'"))},
    "lib": {"1": Dist(), "2": Dist(requires_dist=("tool>=1",))},
    "tool": {"1": Dist(), "2": Dist()},
}


def run(*words: object) -> Result:
    return CliRunner().invoke(satlock, list(map(str, words)))


@pytest.fixture
def certified(tmp_path: Path, index_server: Callable[..., IndexServer]) -> tuple[IndexServer, Path]:
    server = index_server(world_of(PACKAGES, pyproject("app[more]")))
    (tmp_path / "pyproject.toml").write_text(server.world.pyproject)
    where = ("--default-index", server.world.default_index)
    done = run("lock", "--project", tmp_path, *where, "--no-cache", "--output", tmp_path / "uv.lock")
    assert done.exit_code == 0, done.output
    done = run("prove", tmp_path / "uv.lock", "--complete", *where, "--no-cache", "--certificate", tmp_path / "c")
    assert done.exit_code == 0, done.output
    return server, tmp_path


def test_what_is_still_so_is_confirmed(certified: tuple[IndexServer, Path]) -> None:
    server, folder = certified
    recorded = json.loads((folder / "c" / "complete" / "metadata.json").read_text())["owners"]
    indexed = [said for said in recorded.values() if "requires-dist" in said]
    assert len(indexed) == 3 and all(said["file"] and said["sha256"] and said["metadata"] for said in indexed)
    trusting = run("check", folder / "c")
    assert f"Taken on trust: what {server.world.default_index} says 3 candidates require" in trusting.stderr
    before = len(server.requests)
    done = run("check", folder / "c", "--metadata", "online", "--json")
    assert done.exit_code == 0, done.output
    assert "Fetched again and the same: the metadata of 3 candidates" in done.stderr
    assert "Taken on trust" not in done.stderr
    assert len(server.requests) > before
    (trusted,) = json.loads(done.stdout)["properties"][0]["trusted"]
    assert (trusted["count"], trusted["bound"], trusted["confirmed"]) == (3, 3, 3)


def _told(record: Any, name: str, folder: Path) -> Any:
    return next(said for said in record["owners"].values() if said.get("file", "").startswith(f"{name}-"))


def test_metadata_that_was_made_up(certified: tuple[IndexServer, Path]) -> None:
    """It fits the lock, and holds as long as it is taken on trust."""
    _, folder = certified
    edit(folder / "c" / "complete" / "metadata.json", lambda r: _told(r, "tool", folder).update({"metadata": "0" * 64}))
    sign(folder / "c")
    assert run("check", folder / "c").exit_code == 0
    done = run("check", folder / "c", "--metadata", "online", "--json")
    assert done.exit_code == 1
    assert "has another metadata of tool-" in done.stderr
    assert json.loads(done.stdout)["confirmed"] is False


def test_requirements_that_were_left_out(tmp_path: Path, index_server: Callable[..., IndexServer]) -> None:
    """A lock that misses something, proven complete by an index that does not tell of it."""
    honest = index_server(world_of(PACKAGES, pyproject("app[more]")))
    lying = index_server(world_of({**PACKAGES, "lib": {"1": Dist(), "2": Dist()}}, pyproject("lib")))
    here, there = honest.world.default_index, lying.world.default_index
    (tmp_path / "pyproject.toml").write_text(lying.world.pyproject)
    assert run("lock", "--project", tmp_path, "--default-index", there, "--no-cache").exit_code == 0
    lock = tmp_path / "pylock.toml"
    assert "tool" not in lock.read_text()
    lock.write_text(lock.read_text().replace(there, here))
    done = run("prove", lock, "--complete", "--index", f"{here}={there}", "--no-cache", "--certificate", tmp_path / "c")
    assert done.exit_code == 0, done.output
    done = run("check", tmp_path / "c")
    assert done.exit_code == 0
    assert f"(asked at {there}) says" in done.stderr
    done = run("check", tmp_path / "c", "--metadata", "online")
    assert done.exit_code == 1, done.output
    assert "lib" in done.stderr and ("digest differs" in done.stderr or "requires something else" in done.stderr)


def test_an_index_that_is_gone(certified: tuple[IndexServer, Path]) -> None:
    server, folder = certified
    server.close()
    done = run("check", folder / "c", "--metadata", "online")
    assert done.exit_code == 3, done.output
    assert run("check", folder / "c", "--default-index", "https://index.example").exit_code == 2


def test_claims_of_optimality_are_fetched_again(tmp_path: Path, index_server: Callable[..., IndexServer]) -> None:
    """Which versions there are, which files they have, which extras they lack, and what they require."""
    server = index_server(world_of(WISHED, pyproject("engine", "tool[fast]", "old", "lib")))
    (tmp_path / "pyproject.toml").write_text(server.world.pyproject)
    where = ("--default-index", server.world.default_index, "--no-cache")
    done = run("lock", "--project", tmp_path, *where, "--certificate", tmp_path / "c")
    assert done.exit_code == 0, done.output
    done = run("check", tmp_path / "c", "--metadata", "online", "--json")
    assert done.exit_code == 0, done.output
    (found,) = [one for one in json.loads(done.stdout)["properties"] if one["property"] == "optimality"]
    whole = {one["what"]: one["confirmed"] == one["count"] for one in found["trusted"]}
    assert whole == {"versions": True, "files": True, "metadata": True, "held": False}
    path = tmp_path / "c" / "optimality" / "obligation.json"
    changes: list[tuple[Callable[[Any], object], str]] = [
        (lambda w: w["packages"]["engine"]["files"].update({"2": ["engine-2-cp3-none-win32.whl"]}), "has engine-2"),
        (lambda w: w["packages"]["tool"]["read"]["3"].update({"metadata": "0" * 64}), "has another metadata of tool-3"),
    ]  # fmt: skip
    complete = tmp_path / "c" / "complete" / "metadata.json"
    for change, said in changes:
        kept = path.read_text()
        edit(path, change)
        if "metadata" in said:  # what two properties record of one file has to be the same
            edit(complete, lambda r: _told(r, "tool-3", tmp_path).update({"metadata": "0" * 64}))
        sign(tmp_path / "c")
        refused = run("check", tmp_path / "c", "--metadata", "online")
        assert refused.exit_code == 1 and said in refused.output, refused.output
        path.write_text(kept)
