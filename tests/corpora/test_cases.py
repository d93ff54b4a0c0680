"""The committed corpora: every case is a project, every snapshot is whole, and the truth that is told of them holds."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from satlock.corpora.compare.asked import asked_by
from satlock.corpora.compare.cases import Case, read_cases
from satlock.corpora.recorded.served import StandinCorpus
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from tests.cli.scene import run

CORPORA = Path(__file__).parents[2] / "corpora"
GROUPS = ("torch", "ecosystem", "hard")
SNAPSHOTS = sorted(CORPORA.rglob("*.snapshot"))
SMALL = {
    "ecosystem": ("requests-client", "click-tool", "typer-httpx", "flask-blog"),
    "hard": ("numpy-numba", "starlette-fastapi", "autobahn-hyperlink"),
}
"""Those that lock, or are refused, in about a second."""
UNKNOWN = {"airflow-all"}
"""Hard sets of which docs/corpora.md tells why nothing is known."""


def cases(group: str) -> list[Case]:
    return read_cases(path.parent for path in sorted((CORPORA / group).glob("*/pyproject.toml")))


def test_all_of_it_is_small() -> None:
    size = sum(path.stat().st_size for path in CORPORA.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert size < 40_000_000, f"corpora/ holds {size / 1e6:.1f} MB"


def test_names_belong_to_one_case_and_to_no_package() -> None:
    """A project of the name of a package would be that package, wherever it is required."""
    names = [case.name for group in GROUPS for case in cases(group)]
    assert len(names) == len(set(names)) and len(names) > 85
    for path in SNAPSHOTS:
        with_packages = SnapshotCorpus(path)
        packages = {name for index in with_packages.indexes for name in with_packages.packages(index)}
        assert not packages & set(with_packages.projects), path.name


@pytest.mark.parametrize("group", GROUPS)
def test_each_case_is_recorded_and_says_what_it_is(group: str) -> None:
    recorded = SnapshotCorpus(CORPORA / group / f"{group}.snapshot")
    found = cases(group)
    assert {case.name for case in found} == set(recorded.projects)
    for case in found:
        asked = asked_by(case.pyproject)
        assert asked.name == case.name and case.kind == group and case.source
        assert group == "torch" or asked.exclude_newer, f"{case.name} has no date: its answer would change"
        known = case.satisfiable is not None
        assert known or group == "ecosystem" or case.name in UNKNOWN, f"nothing is known of {case.name}"
        if group == "hard":
            kept = {True: {"pylock.toml"}, False: {"explanation.txt", "no-lock"}, None: set()}[case.satisfiable]
            beside = {path.name for path in (CORPORA / group / case.name).iterdir()}
            assert beside == {"pyproject.toml", "case.toml", *kept}


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.stem)
def test_snapshots_are_whole_and_name_no_real_host(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        entries = [entry for packages in manifest["packages"].values() for entry in packages.values()]
        named = {digest for entry in entries for digest in entry.values() if digest}
        assert set(archive.namelist()) == {"manifest.json", *(f"objects/{digest}.json" for digest in named)}
        listings = {entry["listing"] for entry in entries}
        hosts = {urlsplit(index).netloc for index in manifest["packages"]}
        for digest in named:
            content = archive.read(f"objects/{digest}.json")
            assert sha256(content).hexdigest() == digest
            if digest in listings:
                hosts |= {host.decode() for host in re.findall(rb'"https?://([^/"]+)', content)}
    assert hosts <= {"index.example", "files.example"} and manifest["default-index"] in manifest["packages"]


def told() -> Iterator[tuple[str, str]]:
    for group in GROUPS:
        yield from ((group, name) for name in SMALL.get(group, [case.name for case in cases(group)]))


@pytest.mark.parametrize(("group", "name"), list(told()))
def test_the_truth_about_small_cases_holds(group: str, name: str) -> None:
    folder = CORPORA / group / name
    (case,) = read_cases([folder])
    snapshot = SnapshotCorpus(CORPORA / group / f"{group}.snapshot")
    try:
        lock(read_project(folder), StandinCorpus(snapshot), default_index=snapshot.default_index or "")
        found = True
    except NoLock:
        found = False
    assert found is case.satisfiable


@pytest.mark.parametrize("name", SMALL["hard"])
def test_the_committed_lock_of_a_hard_set_is_right_where_there_is_one(name: str) -> None:
    folder = CORPORA / "hard" / name
    (case,) = read_cases([folder])
    assert (folder / "pylock.toml").exists() is case.satisfiable
    assert (folder / "explanation.txt").exists() is not case.satisfiable
    if case.satisfiable:
        done = run("lock", "--check", "--project", str(folder), "--corpus", str(CORPORA / "hard" / "hard.snapshot"))
        assert done.returncode == 0, done.stderr
