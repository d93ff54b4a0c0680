"""What was recorded, and what is served of it, leads to the same locks as the live index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import tomllib
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from packaging.version import Version

from satlock.corpora.compare.running import Limits
from satlock.corpora.compare.walking import Walk, walk
from satlock.corpora.facts import Corpus, Wanted
from satlock.corpora.index.index import LiveCorpus
from satlock.corpora.recorded.deepening import deepen
from satlock.corpora.recorded.recording import Recording, only_told, with_example_hosts
from satlock.corpora.recorded.served import Served, StandinCorpus
from satlock.corpora.recorded.serving import CorpusServer
from satlock.corpora.recorded.snapshot import SnapshotCorpus, write_snapshot
from satlock.encoder.project.reading import read_project
from satlock.solver.lockfiles.lock import Lock
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock_text import to_toml
from tests.cli.scene import run
from tests.index_server import IndexServer
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.world import DEFAULT, Dist, MemoryCorpus, World

DAY = "2024-12-05T00:00:00Z"
GRAPH = World(
    '[project]\nname = "proj"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["a<4"]\n',
    {
        DEFAULT: {
            "a": {f"{n}.0": Dist((f"b<{n + 1}", "c; sys_platform == 'atari'")) for n in range(1, 7)},
            "b": {f"{n}.0": Dist(("d>=1",) if n % 2 else ("e[x]",), sdist=True) for n in range(1, 7)},
            "c": {"1.0": Dist()},
            "d": {"1.0": Dist(wheels=(), sdist=True, needs_build=True), "2.0": Dist(("b",))},
            "e": {"1.0": Dist(("f; extra == 'x'",), provides_extra=("x",))},
            "f": {"1.0": Dist()},
        }
    },
)


def answer(world: World, folder: Path, corpus: object, default: str) -> Lock | NoLock:
    folder.mkdir(exist_ok=True)
    try:
        return lock(read_project(world.write_project(folder)), corpus, default_index=default).lock  # type: ignore[arg-type]
    except NoLock as none:
        return none


def anywhere(world: World) -> bool:
    """Whether all files install anywhere: a small snapshot does not tell on which platforms they would."""
    return all(wheel == "py3-none-any" for *_, dist in world.candidates() for wheel in dist.wheels)


def versions(found: Lock | NoLock) -> object:
    if isinstance(found, NoLock):
        return "no lock"
    return sorted((package.name, package.version, str(package.marker)) for package in found.packages)


@pytest.mark.parametrize("draw", [random_world, splitting_world])
@pytest.mark.parametrize("small", [False, True])
def test_a_snapshot_leads_to_the_lock_it_was_recorded_from(
    draw: Callable[[int], World], small: bool, tmp_path: Path
) -> None:
    for seed in range(40):
        world = draw(seed)
        source = Recording(MemoryCorpus(world))
        live = answer(world, tmp_path / "live", source, world.default_index)
        facts = only_told(source.facts) if small else source.facts
        write_snapshot(tmp_path / "one", *facts, recorded=DAY, default_index=world.default_index, small=small)
        snapshot = SnapshotCorpus(tmp_path / "one")
        corpus = StandinCorpus(snapshot) if small else snapshot
        again = answer(world, tmp_path / "live", corpus, world.default_index)
        snapshot.close()
        assert versions(live) == versions(again) or (small and not anywhere(world)), seed
        if not small and isinstance(live, Lock) and isinstance(again, Lock):
            assert to_toml(live) == to_toml(again)


def test_what_is_served_leads_to_the_same_lock(tmp_path: Path) -> None:
    for seed in range(12):
        world = random_world(seed)
        source = Recording(MemoryCorpus(world))
        live = answer(world, tmp_path / "live", source, world.default_index)
        write_snapshot(tmp_path / "one", *source.facts, recorded=DAY, default_index=world.default_index)
        snapshot = SnapshotCorpus(tmp_path / "one")
        with CorpusServer(Served(snapshot), snapshot.indexes, snapshot.default_index) as server:
            moved = world.pyproject
            for index in sorted(world.indexes, key=len, reverse=True):
                moved = moved.replace(f'"{index}"', f'"{server.url(index)}"')
            with LiveCorpus(no_cache=True) as corpus:
                served = answer(
                    replace(world, pyproject=moved), tmp_path / "served", corpus, server.url(world.default_index)
                )
        assert versions(live) == versions(served), seed


def test_credentials_are_not_recorded() -> None:
    class Told(MemoryCorpus):
        def listings(self, wanted):  # type: ignore[no-untyped-def]
            return dict.fromkeys(wanted)

    source = Recording(Told(GRAPH))
    source.listings([("https://user:secret@index.example/simple/", "a")])
    assert list(source.kept_listings) == [("https://index.example/simple", "a")]


def test_example_hosts_take_the_place_of_real_ones() -> None:
    real = World(
        GRAPH.pyproject, {"https://real.test/pypi/simple": GRAPH.indexes[DEFAULT]}, "https://real.test/pypi/simple"
    )
    source = Recording(MemoryCorpus(real))
    source.listings([("https://real.test/pypi/simple", "a")])
    (listings, _), default = with_example_hosts(source.facts, "https://real.test/pypi/simple/")
    assert default == "https://index.example/simple" and list(listings) == [(default, "a")]
    assert "real.test" not in repr(listings) and "files.example/simple/a/a-1.0" in repr(listings)


# Deeper than the lock


@pytest.mark.parametrize(
    ("depth", "known"),
    [
        (1, {"a 3.0", "b 3.0", "b 6.0", "d 2.0", "e 1.0", "f 1.0"}),
        (2, {"a 2.0", "a 3.0", "b 1.0", "b 2.0", "b 3.0", "b 5.0", "b 6.0", "d 1.0", "d 2.0", "e 1.0", "f 1.0"}),
    ],
)
def test_deepening_asks_for_what_other_resolvers_may_read(depth: int, known: set[str]) -> None:
    source = Recording(MemoryCorpus(GRAPH))
    deepen(source, ["a<4"], default_index=DEFAULT, requires_python=">=3.11", depth=depth)
    assert {f"{one.name} {one.version}" for one in source.kept_outcomes} == known


# Where other resolvers walk


def test_a_walk_records_what_a_backtracking_resolver_reads_and_leads_it_the_same_way(tmp_path: Path) -> None:
    many = range(1, 9)
    world = World(
        f'[project]\nname = "proj"\nversion = "1"\nrequires-python = ">={THIS}"\ndependencies = ["a", "b"]\n',
        {
            DEFAULT: {
                "a": {f"{n}.0": Dist((f"c=={n}",)) for n in many},
                "b": {f"{n}.0": Dist(("c<3",)) for n in many},
                "c": {f"{n}.0": Dist() for n in many},
            }
        },
    )
    for name in ("uv", "pip"):
        own = tmp_path / "peers" / f"{name}-{THIS}" / "bin"
        own.mkdir(parents=True)
        # a link would not find its packages: an environment is told by where the program is
        (own / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (own / "python").chmod(0o755)
    (tmp_path / "peers" / f"uv-{THIS}" / "bin" / "uv").symlink_to(str(shutil.which("uv")))

    def walked(corpus: Corpus, peers: tuple[str, ...] = ("uv", "pip")) -> list[Walk]:
        return list(
            walk(
                corpus,
                world.pyproject,
                peers,
                indexes=[],
                default_index=DEFAULT,
                environments=tmp_path / "peers",
                limits=Limits(60),
            )
        )

    source = Recording(MemoryCorpus(world))
    live = walked(source)
    assert [one.outcome for one in live] == ["locked", "locked"], live
    read = {f"{one.name} {one.version}" for one in source.kept_outcomes}
    assert {"a 8.0", "a 2.0", "c 2.0"} <= read, "uv does not go back here, or it is not recorded"
    write_snapshot(tmp_path / "one", *source.facts, recorded=DAY, default_index=DEFAULT)
    snapshot = SnapshotCorpus(tmp_path / "one")
    again = walked(snapshot)
    for before, after in zip(live, again, strict=True):
        assert pins(before) == pins(after) and {"a 2.0", "b 8.0", "c 2.0"} <= pins(after), after.peer
    (told,) = walk(
        snapshot,
        world.pyproject.replace("dependencies", "optional-dependencies = {x = []}\ndependencies"),
        ["pip"],
        indexes=[],
        default_index=DEFAULT,
        environments=tmp_path / "peers",
        limits=Limits(60),
    )
    assert told.outcome == "unsupported" and "extras" in told.said


THIS = ".".join(map(str, sys.version_info[:2]))


def pins(found: Walk) -> set[str]:
    """What was locked; of pip it is the report of an installation that was not made."""
    if found.peer == "pip":
        told = [one["metadata"] for one in json.loads(found.lock or "")["install"]]
    else:
        told = tomllib.loads(found.lock or "")["package"]
    return {f"{one['name']} {one['version']}" for one in told} - {"proj 1"}


# The command


def test_recording_twice_gives_the_same_bytes_and_locks_without_a_network(
    index_server: Callable[..., IndexServer], tmp_path: Path
) -> None:
    server = index_server(GRAPH)
    project = tmp_path / "project"
    project.mkdir()
    server.world.write_project(project)
    shared = ["--default-index", server.world.default_index, "--no-cache"]
    assert (
        run("lock", "--project", str(project), "--output", str(project / "pylock.live.toml"), *shared).returncode == 0
    )
    for name in ("one", "two"):
        arguments = ["corpus", "record", "--output", str(tmp_path / name), str(project), *shared]
        done = run(*arguments, env={"SOURCE_DATE_EPOCH": "1700000000"})
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    server.close()
    done = run("lock", "--project", str(project), "--corpus", str(tmp_path / "one"))
    assert done.returncode == 0, done.stderr
    assert (project / "pylock.toml").read_bytes() == (project / "pylock.live.toml").read_bytes()
    shown = run("corpus", "show", str(tmp_path / "one"), "a", "--json")
    assert json.loads(shown.stdout)["indexes"][server.world.default_index]["a"]["releases"] == 6
    listed = run("corpus", "list", str(tmp_path / "one"))
    assert "2023-11-14T22:13:20Z" in listed.stdout and listed.returncode == 0


def test_recordings_merge_to_the_same_bytes_in_any_order_and_hold_what_each_held(tmp_path: Path) -> None:
    asked = {"a": "a<4", "b": "b>=4", "d": "d==1.0"}
    for name, text in asked.items():
        source = Recording(MemoryCorpus(GRAPH))
        deepen(source, [text], default_index=DEFAULT, requires_python=">=3.11", depth=2)
        facts = only_told(source.facts)
        path = tmp_path / f"{name}.snapshot"
        write_snapshot(path, *facts, recorded=DAY, default_index=DEFAULT, projects=[name], small=True)
    made = set()
    for order in permutations(asked):
        paths = [str(tmp_path / f"{name}.snapshot") for name in order]
        assert run("corpus", "merge", *paths, "--output", str(tmp_path / "all")).returncode == 0
        made.add((tmp_path / "all").read_bytes())
    assert len(made) == 1
    whole = SnapshotCorpus(tmp_path / "all")
    listings, outcomes = whole.facts()
    told = {(one.name, one.version): outcome for one, outcome in outcomes.items()}
    for name in asked:
        part = SnapshotCorpus(tmp_path / f"{name}.snapshot").facts()
        assert part[0].keys() <= listings.keys()
        assert all(told[one.name, one.version] == outcome for one, outcome in part[1].items())
    assert set(whole.projects) == set(asked)


@pytest.mark.parametrize("damage", [b"", b"nothing", None])
@pytest.mark.parametrize("command", [["corpus", "show"], ["corpus", "serve"], ["corpus", "list"]])
def test_what_is_no_snapshot_is_one_sentence(command: list[str], damage: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.snapshot"
    if damage is not None:
        path.write_bytes(damage)
    done = run(*command, str(path))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 and "bad.snapshot" in done.stderr


def test_a_member_larger_than_the_manifest_says_is_refused(tmp_path: Path) -> None:
    import zipfile

    source = Recording(MemoryCorpus(GRAPH))
    source.listings([(DEFAULT, "a")])
    write_snapshot(tmp_path / "good", *source.facts, recorded=DAY)
    with (
        zipfile.ZipFile(tmp_path / "good") as good,
        zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for name in good.namelist():
            bad.writestr(name, good.read(name) + (b" " * (1 << 24) if name.startswith("objects") else b""))
    done = run("corpus", "show", str(tmp_path / "bomb"))
    assert done.returncode == 2 and "damaged" in done.stderr


# What installers make of it


@pytest.fixture
def served(tmp_path: Path) -> CorpusServer:
    source = Recording(MemoryCorpus(GRAPH))
    deepen(source, ["a", "d==1.0"], default_index=DEFAULT, requires_python=">=3.11", depth=9)
    built = [replace(one, build=True) for one in source.kept_outcomes if one.name == "d"]
    source.metadata(built)
    write_snapshot(tmp_path / "world", *source.facts, recorded=DAY, default_index=DEFAULT)
    snapshot = SnapshotCorpus(tmp_path / "world")
    return CorpusServer(Served(snapshot), snapshot.indexes, DEFAULT)


def fetch(url: str, accept: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
        found: bytes = answer.read()
        return found


def test_listed_hashes_are_those_of_the_files(served: CorpusServer) -> None:
    import hashlib

    with served as server:
        page = json.loads(fetch(f"{server.base}/simple/b/", "application/vnd.pypi.simple.v1+json"))
        html = fetch(f"{server.base}/simple/b/", "text/html").decode()
        assert len(page["files"]) == 12 and page["versions"] == [f"{n}.0" for n in range(1, 7)]
        for file in page["files"]:
            data = fetch(file["url"], "*/*")
            assert hashlib.sha256(data).hexdigest() == file["hashes"]["sha256"] and len(data) == file["size"]
            assert f"{file['url']}#sha256={file['hashes']['sha256']}" in html
            if "core-metadata" in file:
                metadata = fetch(file["url"] + ".metadata", "*/*")
                assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]


def test_many_at_once_get_the_same_answer(served: CorpusServer) -> None:
    with served as server, ThreadPoolExecutor(16) as threads:
        urls = [f"{server.base}/simple/{name}/" for name in "abdef" for _ in range(20)]
        answers = list(threads.map(lambda url: fetch(url, "text/html"), urls))
        assert len(set(answers)) == 5 and threading.active_count() > 1


@pytest.mark.slow
def test_pip_and_uv_install_what_is_served(served: CorpusServer, tmp_path: Path) -> None:
    with served as server:
        env = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
        env.pop("PIP_FIND_LINKS", None)
        commands = {
            "pip": [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--index-url"],
            "uv": ["uv", "pip", "install", "--quiet", "--no-cache", "--python", sys.executable, "--default-index"],
        }
        for tool, command in commands.items():
            target = tmp_path / tool
            full = [*command, f"{server.base}/simple/", "--target", str(target), "a", "d==1.0"]
            done = subprocess.run(full, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            names = {path.name for path in target.glob("*.dist-info")}
            assert names >= {"a-6.0.dist-info", "b-6.0.dist-info", "d-1.0.dist-info", "e-1.0.dist-info"}, tool
            assert "f-1.0.dist-info" in names


def test_releases_that_nobody_knows_anything_of_are_not_shown(tmp_path: Path) -> None:
    source = Recording(MemoryCorpus(GRAPH))
    listing = source.listings([(DEFAULT, "a")])[DEFAULT, "a"]
    assert listing is not None
    release = listing.releases[2]
    source.metadata([Wanted(DEFAULT, "a", release.version, release.files)])
    write_snapshot(tmp_path / "world", *source.facts, recorded=DAY, default_index=DEFAULT)
    snapshot = SnapshotCorpus(tmp_path / "world")
    with CorpusServer(Served(snapshot), snapshot.indexes, DEFAULT) as server:
        page = json.loads(fetch(f"{server.base}/simple/A/", "application/vnd.pypi.simple.v1+json"))
        assert page["versions"] == [str(Version("3.0"))]
        for missing in ("z", "b"):
            with pytest.raises(urllib.error.HTTPError):
                fetch(f"{server.base}/simple/{missing}/", "*/*")
