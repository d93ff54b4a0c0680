"""What a command does, counted: requests, parsed requirements, imported modules, rounds of the search, divided cells
and questions to the solver, against numbers that are kept here.

Times depend on the machine, and these do not. A number that has grown is a regression, or wants a reason in the commit
that raises it; one that has shrunk by more than a fifth is lowered here, so that it goes on telling.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from satlock.corpora.recorded.served import Served
from satlock.corpora.recorded.serving import CorpusServer
from satlock.corpora.recorded.snapshot import SnapshotCorpus

ECOSYSTEM = Path(__file__).resolve().parents[1] / "corpora" / "ecosystem"

COUNTING = """
import atexit, json, sys

def told():
    specifiers = sys.modules.get("satlock.encoder.markers.specifiers")
    caches = [specifiers.marker_of, specifiers.specifiers_of] if specifiers else []
    found = [name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names]
    with open(place + ".counts", "w") as file:
        json.dump({
            "modules": len(found),
            "parsed": sum(one.cache_info().misses for one in caches),
            "packages": sorted({name.partition(".")[0] for name in found} - {"__main__"}),
        }, file)

atexit.register(told)
place = sys.argv.pop()
from satlock.cli.main import main
main()
"""


@dataclass(frozen=True)
class Counted:
    """Of one run: what it asked of the index, the markers and specifiers that it parsed, and the modules that it
    imported which are not of the standard library.
    """

    requests: int
    parsed: int
    modules: int
    packages: frozenset[str]


@dataclass(frozen=True)
class Bench:
    """A project in a recorded world that is served."""

    server: CorpusServer
    folder: Path

    def run(self, *arguments: str) -> Counted:
        before = self.server.requests
        place = self.folder / "run"
        subprocess.run(
            [sys.executable, "-c", COUNTING, *arguments, str(place)], cwd=self.folder, check=True, capture_output=True
        )
        told = json.loads(place.with_name("run.counts").read_text())
        return Counted(self.server.requests - before, told["parsed"], told["modules"], frozenset(told["packages"]))


@pytest.fixture(scope="module")
def world() -> Iterator[CorpusServer]:
    snapshot = SnapshotCorpus(ECOSYSTEM / "ecosystem.snapshot")
    with CorpusServer(Served(snapshot), snapshot.indexes, snapshot.default_index, max_age=600) as server:
        yield server


@pytest.fixture
def bench(
    world: CorpusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Bench:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = (ECOSYSTEM / request.param / "pyproject.toml").read_text(encoding="utf-8")
    index = f'\n[[tool.uv.index]]\nname = "recorded"\nurl = "{world.base}/simple"\ndefault = true\n'
    (tmp_path / "pyproject.toml").write_text(text + index, encoding="utf-8")
    return Bench(world, tmp_path)


def check(found: Mapping[str, int], kept: Mapping[str, int]) -> None:
    for what, most in kept.items():
        number = found[what]
        assert number <= most, f"{what}: {number}, and {most} are kept"
        assert number >= most * 0.8, f"{what}: {number}; lower the {most} that are kept"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the cache is where XDG_CACHE_HOME says on Linux")
@pytest.mark.parametrize(
    ("bench", "cold", "warm", "nothing", "checked"),
    [
        (
            "requests-client",
            {"requests": 16, "parsed": 7, "modules": 230},
            {"requests": 0, "parsed": 7, "modules": 195},
            {"requests": 0, "parsed": 0, "modules": 14},
            {"requests": 0, "parsed": 7, "modules": 155},
        ),
        (
            "fastapi-all",
            {"requests": 405, "parsed": 340, "modules": 230},
            {"requests": 0, "parsed": 328, "modules": 195},
            {"requests": 0, "parsed": 0, "modules": 14},
            {"requests": 0, "parsed": 300, "modules": 155},
        ),
    ],
    indirect=["bench"],
)
def test_what_a_lock_does(
    bench: Bench,
    cold: Mapping[str, int],
    warm: Mapping[str, int],
    nothing: Mapping[str, int],
    checked: Mapping[str, int],
) -> None:
    lock = bench.folder / "pylock.toml"
    check(vars(bench.run("lock")), cold)
    lock.unlink()
    again = bench.run("lock")
    check(vars(again), warm)
    assert not again.packages & {"httpx", "httpcore", "h2", "pyreqwest", "rich", "z3", "bs4", "tomli_w"}
    check(vars(bench.run("lock")), nothing)
    for remembered in (bench.folder / "cache" / "satlock" / "verified").iterdir():
        remembered.unlink()
    check(vars(bench.run("lock", "--check")), checked)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("requests-client", {"rounds": 5, "splits": 0, "cores": 0, "sat-calls": 21}),
        ("fastapi-all", {"rounds": 25, "splits": 0, "cores": 0, "sat-calls": 144}),
        ("aws-clash", {"rounds": 37, "splits": 7, "cores": 0, "sat-calls": 1100}),
        ("nlp-old", {"rounds": 67, "splits": 69, "cores": 0, "sat-calls": 4910}),
    ],
)
def test_what_a_search_does(name: str, kept: Mapping[str, int], tmp_path: Path) -> None:
    """The same whatever the machine: no order depends on a hash."""
    (tmp_path / "pyproject.toml").write_text((ECOSYSTEM / name / "pyproject.toml").read_text("utf-8"), "utf-8")
    command = ["lock", "--json", "--quiet", "--corpus", str(ECOSYSTEM / "ecosystem.snapshot")]
    done = subprocess.run([sys.executable, "-m", "satlock", *command], cwd=tmp_path, check=True, capture_output=True)
    check(json.loads(done.stdout)["solver"], kept)
