"""The judge agrees with brute force, sees what is wrong in any lock, and the runner survives what happens to it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from satlock.corpora.compare.asked import Choice, asked_by
from satlock.corpora.compare.cases import Case, CaseError, Recorded, read_cases, read_suite
from satlock.corpora.compare.engine import compare_all
from satlock.corpora.compare.judging import Judgement, World, judge
from satlock.corpora.compare.locks import Environment, read_lock
from satlock.corpora.compare.peers import outcome_of, python_for, variables_of
from satlock.corpora.compare.report import write_report
from satlock.corpora.compare.running import Limits, measured
from satlock.corpora.compare.tables import lines_of, summary_of
from satlock.corpora.compare.trial import Plan, without_paths
from satlock.corpora.recorded.families import FAMILIES, Instance, facts_of, generated, write_families
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.writing.pylock_text import to_toml
from tests.cli.scene import run
from tests.splitting import splitting_world
from tests.test_snapshot import everything
from tests.world import MemoryCorpus
from tests.world import World as TestWorld

HERE = variables_of(sys.executable)
INDEX = "https://index.example/simple"
PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11,<3.13"\ndependencies = ["a", "b"]\n'
WORLD = World.of(
    facts_of(
        [
            Instance(
                "t", 1, {"a": {1: (), 2: ("c<2",)}, "b": {1: ("c; os_name == 'nt'",)}, "c": {1: (), 2: ()}}, (), True
            )
        ]
    ),
    INDEX,
)


def judged(pylock: str, project: str = PROJECT) -> Judgement:
    return judge(read_lock("pylock.toml", pylock), asked_by(project), WORLD, HERE)


def entries(*rows: str) -> str:
    made = []
    for row in rows:
        name, version, *marker = row.split(" ", 2)
        made.append(f'[[packages]]\nname = "{name}"\nversion = "{version}"\n')
        made += [f'marker = "{marker[0]}"\n' for _ in marker]
    return "".join(made)


def test_a_right_lock_is_right() -> None:
    found = judged(entries("a 2", "b 1", "c 1"))
    assert (found.valid, found.here, found.problem, found.packages) == (found.environments, True, "", 3)
    assert found.environments == 2 * 2 * 5 and (found.days_behind, found.superfluous) == (1.0, 0.0)


def test_a_lock_for_one_environment_is_judged_there_alone() -> None:
    lock, asked = read_lock("pylock.toml", entries("a 1", "b 1")), asked_by(PROJECT)
    for system, missing in (("posix", 0), ("nt", 1)):
        found = judge(lock, asked, WORLD, {**HERE, "os_name": system}, only_here=True)
        assert (found.environments, found.valid, found.incomplete) == (1, 1 - missing, missing)
        assert found.days_here == found.days_behind == 1.0


@pytest.mark.parametrize(
    ("bound", "kind"),
    [
        (">=3.8,<3.12", "over_bounds"),
        ("~=3.11.0", "over_bounds"),
        ("==3.11.*", "unmet"),
        ("<3.12", "over_bounds"),
        (">=3.12", "unmet"),
    ],
)
def test_an_upper_bound_on_python_is_told_apart(bound: str, kind: str) -> None:
    key = (INDEX, "a")
    releases = {"1": replace(WORLD.releases[key]["1"], requires_python=bound)}
    world = World(INDEX, {**WORLD.releases, key: releases})
    found = judge(read_lock("pylock.toml", entries("a 1", "b 1", "c 1")), asked_by(PROJECT), world, HERE)
    assert (
        0 < found.valid < found.environments
        and f"is not for Python 3.1{1 if bound == '>=3.12' else 2}" in found.problem
    )
    assert (found.over_bounds, found.unmet)[kind == "unmet"] == found.environments - found.valid
    assert (found.over_bounds, found.unmet)[kind != "unmet"] == 0


@pytest.mark.parametrize(
    ("rows", "kind", "problem"),
    [
        (("a 2", "b 1", "c 2"), "unmet", "requires c<2, and c 2 is installed"),
        (("a 2", "b 1"), "incomplete", "requires c<2, and c is not installed"),
        (("a 1", "b 1"), "incomplete", "requires c; os_name =="),
        (("b 1",), "incomplete", "the project requires a, and a is not installed"),
        (("a 1", "b 1", "c 1", "c 2 sys_platform == 'linux'"), "duplicates", "c is installed as 1 and 2"),
        (("a 2 sys_platform == 'linux'", "b 1", "c 1"), "incomplete", "and a is not installed"),
        (("a 9", "b 1", "c 1"), "unmet", "a 9 is not in the index"),
    ],
)
def test_what_is_wrong_is_seen(rows: tuple[str, ...], kind: str, problem: str) -> None:
    found = judged(entries(*rows))
    assert found.valid < found.environments and getattr(found, kind) and problem in found.problem


def test_the_judge_and_brute_force_agree_on_random_locks(tmp_path: Path) -> None:
    """A lock of satlock is right; with an entry left out, it is wrong wherever that was required."""
    left_out = 0
    for seed in range(30):
        world: TestWorld = splitting_world(seed)
        project = read_project(world.write_project(tmp_path))
        try:
            text = to_toml(lock(project, MemoryCorpus(world), default_index=world.default_index).lock)
        except Exception as error:
            assert type(error).__name__ == "NoLock"
            continue
        asked, facts = asked_by(world.pyproject), World.of(everything(world), world.default_index)
        found = judge(read_lock("pylock.toml", text), asked, facts, HERE)
        assert found.valid == found.environments, (seed, found.problem)
        head, *blocks = text.split("[[packages]]")
        if blocks:
            fewer = judge(read_lock("pylock.toml", "[[packages]]".join([head, *blocks[1:]])), asked, facts, HERE)
            left_out += fewer.incomplete > 0
    assert left_out > 5


CHOSEN = """
[project.optional-dependencies]
x = ["c==1"]
y = ["c==2"]
[tool.uv]
conflicts = [[{extra = "x"}, {extra = "y"}]]
"""


def test_conflicting_choices_are_never_made_together() -> None:
    asked = asked_by(PROJECT + CHOSEN)
    assert [sorted(choice.name for choice in chosen) for chosen in asked.combinations()] == [[], ["x"], ["y"]]


def test_an_extra_that_brings_along_what_it_conflicts_with_is_never_chosen() -> None:
    nested = CHOSEN.replace("[tool.uv]", 'both = ["p[x]", "p[y]"]\nall = ["p[both]"]\nmore = ["p[x]"]\n[tool.uv]')
    asked = asked_by(PROJECT + nested)
    assert asked.active([Choice("extra", "all")]) == {Choice("extra", name) for name in ("all", "both", "x", "y")}
    chosen = {tuple(sorted(choice.name for choice in chosen)) for chosen in asked.combinations()}
    assert chosen == {(), ("x",), ("y",), ("more",), ("more", "x")}


UV = """
[[package]]
name = "p"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "a" },
    { name = "c", version = "2", marker = "extra == 'extra-1-p-y' and sys_platform == 'linux'" },
]
[package.optional-dependencies]
x = [{ name = "c", version = "1" }]
[[package]]
name = "a"
version = "1"
source = { registry = "https://index.example/simple" }
[[package]]
name = "c"
version = "1"
source = { registry = "https://index.example/simple" }
[[package]]
name = "c"
version = "2"
source = { registry = "https://index.example/simple" }
"""


POETRY = '[[package]]\nname = "A"\nversion = "1.0"\ngroups = ["main"]\n'


@pytest.mark.parametrize(
    ("filename", "text", "extras", "expected"),
    [
        ("uv.lock", UV, (), {"a 1"}),
        ("uv.lock", UV, ("x",), {"a 1", "c 1"}),
        ("uv.lock", UV, ("y",), {"a 1", "c 2"}),
        ("poetry.lock", POETRY + "markers = \"os_name == 'nt'\"\n", (), set()),
        ("poetry.lock", POETRY + "markers = \"extra == 'x'\"\n", ("x",), {"a 1.0"}),
        ("pdm.lock", '[[package]]\nname="a"\nversion="1"\ngroups=["default"]\n', (), {"a 1"}),
        ("pdm.lock", '[[package]]\nname="a"\nversion="1"\ngroups=["x"]\n', (), set()),
        ("requirements.txt", "# by\na==1 ; os_name == 'posix'\n    # via b\nb[z]==2\n", (), {"a 1", "b 2"}),
        ("pylock.toml", entries("a 1 'x' in extras", "b 2 'x' not in extras"), ("x",), {"a 1"}),
    ],
)  # fmt: skip
def test_locks_of_every_kind_are_read(filename: str, text: str, extras: tuple[str, ...], expected: set[str]) -> None:
    linux = {**HERE, "sys_platform": "linux", "os_name": "posix"}
    environment = Environment(linux, frozenset(Choice("extra", extra) for extra in extras))
    installed = read_lock(filename, text).installed(environment)
    assert {f"{one.name} {one.version}" for one in installed} == expected


# Running


def test_limits_end_a_run_and_all_that_it_started(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    slow = measured([sys.executable, "-c", child], folder=tmp_path, env={}, limits=Limits(0.5, 4096))
    assert slow.stopped == "time" and slow.seconds < 10
    hungry = "x = bytearray(300 << 20); import time; time.sleep(20)"
    large = measured([sys.executable, "-c", hungry], folder=tmp_path, env={}, limits=Limits(30, 200))
    assert large.stopped == "memory" and large.megabytes > 200
    done = measured(
        [sys.executable, "-c", "print('said'); raise SystemExit(3)"], folder=tmp_path, env={}, limits=Limits()
    )
    assert (done.code, done.stopped, done.said) == (3, "", "said\n")


@pytest.mark.parametrize(
    ("peer", "code", "said", "expected"),
    [
        ("uv", 1, "No solution found when resolving dependencies", "no-lock"),
        ("pip", 1, "ERROR: ResolutionImpossible", "no-lock"),
        ("pip", 2, "resolution-too-deep", "gave-up"),
        ("poetry", 1, "version solving failed.", "no-lock"),
        ("pdm", 1, "AttributeError", "failed"),
        ("satlock", 1, "", "no-lock"),
        ("satlock", 3, "", "failed"),
    ],
)
def test_what_a_run_came_to(peer: str, code: int, said: str, expected: str) -> None:
    assert outcome_of(peer, code, "", said, wrote=False) == expected
    assert outcome_of(peer, 0, "", said, wrote=True) == "locked"


def row(outcome: str, *, universal: bool = True, valid: int | None = None) -> dict[str, object]:
    found = Judgement(environments=2, valid=valid or 0, unmet=2 - (valid or 0))
    judgement = None if valid is None else asdict(found)
    return {
        "version": "1",
        "outcome": outcome,
        "said": "",
        "universal": universal,
        "lock": None,
        "judgement": judgement,
    }


def over_bounds() -> dict[str, object]:
    return {**row("locked", valid=1), "judgement": asdict(Judgement(environments=2, valid=1, over_bounds=1))}


@pytest.mark.parametrize(
    ("told", "alike", "rows", "verdicts"),
    [
        (None, False, {"satlock": row("locked", valid=2), "uv": row("no-lock")}, ["valid", "wrong"]),
        (None, False, {"satlock": row("no-lock"), "uv": row("locked", valid=1)}, ["", "wrong"]),
        (None, False, {"satlock": row("no-lock"), "pip": row("locked", valid=2, universal=False)}, ["", "valid here"]),
        (None, False, {"satlock": over_bounds(), "uv": row("no-lock")}, ["over bounds", ""]),
        (False, False, {"satlock": row("no-lock"), "pip": row("no-lock", universal=False)}, ["right", ""]),
        (False, True, {"satlock": row("failed"), "pip": row("no-lock", universal=False)}, ["", "right"]),
        (True, False, {"satlock": row("time"), "pip": row("no-lock", universal=False)}, ["", "wrong"]),
    ],
)
def test_a_no_is_judged_by_what_is_known_or_was_found(
    told: bool | None, alike: bool, rows: dict[str, dict[str, object]], verdicts: list[str]
) -> None:
    case = asdict(Case("c", PROJECT, satisfiable=told, alike=alike))
    lines = lines_of([{"case": case, "runs": [], "peers": dict(reversed(rows.items())), "error": ""}])
    assert [line.verdict for line in lines] == verdicts, "in the order of the peers, however they were kept"


def test_a_python_is_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyenv puts a python3.X on the path for each that it has, and they fail unless they are switched on."""
    wanted = SpecifierSet(f">=3.{sys.version_info[1] + 1}")
    shims = tmp_path / "shims"
    shims.mkdir()
    for minor in range(sys.version_info[1] + 1, 16):
        (shims / f"python3.{minor}").write_text("#!/bin/sh\nexit 127\n")
        (shims / f"python3.{minor}").chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    python_for.cache_clear()
    assert python_for(wanted) is None and python_for(SpecifierSet(">=3.8")) == sys.executable
    own = tmp_path / "pyenv" / "versions" / f"3.{sys.version_info[1] + 1}.2" / "bin" / "python"
    own.parent.mkdir(parents=True)
    told = {**HERE, "python_full_version": f"3.{sys.version_info[1] + 1}.2"}
    own.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    own.chmod(0o755)
    python_for.cache_clear()
    assert python_for(wanted) == str(own)
    python_for.cache_clear()


def test_messages_say_nothing_of_the_machine() -> None:
    said = "see /opt/me/.cache/x/y.py and http://127.0.0.1:4711/a/simple/b/, not https://index.example/simple/b/"
    assert (
        without_paths(said) == "see …/y.py and http://served.example/a/simple/b/, not https://index.example/simple/b/"
    )


def test_a_suite_is_worlds_with_their_projects(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    write_families(generated(["diamond"], [4]), tmp_path / "own")
    path.write_text(
        '[[world]]\nsnapshot = "own/families.snapshot"\nprojects = ["own/*"]\n'
        '[[world]]\nfamilies = ["marker-split"]\nsizes = [2]\n'
        '[[world]]\nfamilies = ["phase-transition"]\nsizes = [10]\n'
    )
    suite = read_suite(path, tmp_path / "made")
    names = ["diamond-004", "marker-split-002", "phase-transition-010-1", "phase-transition-010-2"]
    assert [case.name for case, _ in suite] == names and len({world.digest for _, world in suite}) == 3
    assert [case.alike for case, _ in suite] == [True, False, True, True]
    write_families(generated(["diamond"], [8]), tmp_path / "other")
    shutil.copytree(tmp_path / "other" / "diamond-008", tmp_path / "own" / "diamond-008")
    again = read_suite(path, tmp_path / "made")
    assert [case.name for case, _ in again] == names, "what the snapshot was not recorded from is left out"
    for text, word in (("[[world]]\n", "not a suite"), ("x", "not a suite"),
                       ('[[world]]\nfamilies = ["x"]', "not a suite"),
                       ('[[world]]\nsnapshot = "own/families.snapshot"\nprojects = ["own/diamond-008"]', "none of the"),
                       ('[[world]]\nsnapshot = "s"\nprojects = ["no/*"]', "there are none")):  # fmt: skip
        path.write_text(text)
        with pytest.raises(CaseError, match=word):
            read_suite(path, tmp_path / "made")


def test_the_suites_of_the_evaluation_can_be_read(tmp_path: Path) -> None:
    for name in ("evaluation.toml", "evaluation-quick.toml"):
        suite = read_suite(Path(__file__).parents[2] / "corpora" / name, tmp_path / name)
        names = [case.name for case, _ in suite]
        assert "origin" in names and len(names) == len(set(names)) > 20


def test_the_truth_of_families_is_the_truth(tmp_path: Path) -> None:
    for name, (make, _, seeds) in FAMILIES.items():
        for size in (3, 5):
            for seed in seeds if seeds == (0,) else range(1, 6):
                instance = make(size, seed)
                assert (
                    write_families([instance], tmp_path / "one").read_bytes()
                    == write_families([make(size, seed)], tmp_path / "two").read_bytes()
                )
                folder = tmp_path / "one" / instance.name
                done = run("lock", "--project", str(folder), "--corpus", str(tmp_path / "one" / "families.snapshot")) \
                    if name != "phase-transition" or seed < 3 else None  # fmt: skip
                assert done is None or (done.returncode == 0) == instance.satisfiable, done.stderr


@pytest.fixture
def small(tmp_path: Path) -> tuple[list[Case], Path]:
    made = [FAMILIES["diamond"][0](3, 0), FAMILIES["marker-split"][0](1, 0)]
    path = write_families(made, tmp_path / "world")
    return read_cases(tmp_path / "world" / one.name for one in made), path


def plan(tmp_path: Path) -> Plan:
    return Plan(("satlock",), 1, Limits(60, 4096), str(tmp_path / "peers"))


def compared(cases: list[Case], path: Path, output: Path, **more: object) -> list[dict[str, object]]:
    world = Recorded.at(path)
    suite = [(case, world) for case in cases]
    return compare_all(plan(output), suite, output, **{"jobs": 2, **more})  # type: ignore[arg-type]


def without_times(results: list[dict[str, object]]) -> str:
    told = json.loads(json.dumps(results))
    for result in told:
        for row in result["runs"]:
            del row["seconds"], row["megabytes"]
        del result["key"]
    return json.dumps(told, sort_keys=True)


@pytest.mark.parametrize(("limit", "runs"), [(None, 6), (0.0, 2), (600.0, 6)])
def test_what_takes_long_is_run_once(
    small: tuple[list[Case], Path], tmp_path: Path, limit: float | None, runs: int
) -> None:
    """A cold and a warm run each time."""
    cases, path = small
    several = replace(plan(tmp_path), runs=3, repeat_limit=limit)
    (result,) = compare_all(several, [(cases[0], Recorded.at(path))], tmp_path / "out", jobs=1)
    assert len(result["runs"]) == runs


@pytest.mark.slow
def test_a_run_resumes_and_is_the_same_on_a_cluster(small: tuple[list[Case], Path], tmp_path: Path) -> None:
    from distributed import LocalCluster

    cases, path = small
    bad = replace(cases[0], name="bad", pyproject="[project")
    told: list[str] = []
    first = compared([*cases, bad], path, tmp_path / "out", told=lambda name, done, of: told.append(name))
    assert [result["error"] for result in first[:2]] == ["", ""] and "TOMLDecodeError" in str(first[2]["error"])
    assert {line.verdict for line in lines_of(first)} == {"valid"} and len(told) == 4
    (tmp_path / "out" / "cases" / f"{cases[0].name}.json").write_text("{ torn", encoding="utf-8")
    told.clear()
    again = compared(cases, path, tmp_path / "out", told=lambda name, done, of: told.append(name))
    assert told == ["", cases[0].name] and without_times(again) == without_times(first[:2])
    some = compared([replace(cases[0], name=f"c{n}") for n in range(6)], path, tmp_path / "some", jobs=1, minutes=0)
    assert 1 <= len(some) < 6 and {line.verdict for line in lines_of(some)} == {"valid"}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        spread = compared(cases, path, tmp_path / "spread", scheduler=cluster.scheduler_address)
    assert without_times(spread) == without_times(first[:2])
    lines = write_report(first, tmp_path / "out", {"run": "a test"}, limit=60)
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    places = re.findall(r'<h2 id="([^"]+)">', page)
    assert re.findall(r'<li><a href="#([^"]+)">', page) == places and "every-case" in places
    assert page.count("<table") == page.count('<div class="scroll"><table'), "no table is wider than the window"
    assert 'id="cases"' in page and 'data-table="cases"' in page
    assert 'src="data:image/png' in page and "http" not in page.partition("<details>")[0].replace(
        "https://index.example", ""
    )
    assert summary_of(lines)[0]["valid everywhere"] == 2
    assert "\n| valid everywhere | 2 |\n" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "figures" / "cactus-cold.svg").exists() and (tmp_path / "out" / "results.csv").exists()


def test_wrong_input_is_one_sentence(small: tuple[list[Case], Path], tmp_path: Path) -> None:
    _, path = small
    project = tmp_path / "world" / "diamond-003"
    base = ["compare", "--corpus", str(path), "--output", str(tmp_path / "o")]
    for arguments, word in (
        ([*base, str(tmp_path / "nowhere")], "cannot be read"),
        ([*base, "--engine", "dask", str(project)], "go together"),
        (
            ["compare", "--corpus", str(tmp_path / "no"), "--output", str(tmp_path / "o"), str(project)],
            "cannot be read",
        ),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and word in done.stderr and "Traceback" not in done.stderr
    twice = tmp_path / "twice" / "diamond-003"
    shutil.copytree(project, twice)
    with pytest.raises(CaseError, match="named diamond-003"):
        read_cases([project, twice])
