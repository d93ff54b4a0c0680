"""``satlock why``: what a person reads, what a program reads, and how it ends."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.specifiers import SpecifierSet

from satlock.cli.commands import satlock
from satlock.solver.explaining.why import newer_than
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist

START = datetime(2023, 1, 1, tzinfo=UTC)


def on(day: int, *requires: str, extras: tuple[str, ...] = ()) -> Dist:
    return Dist(requires, provides_extra=extras, upload_time=(START + timedelta(days=day)).isoformat())


PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "boto": {f"1.{day}": on(day, f"core>=1.{day},<1.{day + 1}") for day in range(10)},
    "core": {f"1.{day}": on(day) for day in range(10)},
    "fs": {"1": on(1), "2": on(9, "aio>=2")},
    "aio": {"2.0": on(8, "core<1.7")},
    "colours": {"1": on(0), "2": on(4)},
    "wide": {"1": on(0, "colours<2; sys_platform == 'win32'", "deep")},
    "deep": {"1": on(0, "colours")},
}


def ask(scene: Scene, *arguments: str) -> Result:
    command = ["why", "--project", str(scene.project), "--corpus", str(scene.snapshot), *arguments]
    return CliRunner().invoke(satlock, command)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(world_of(PACKAGES, pyproject("boto", "fs", "wide")), tmp_path)


GOLDEN = {
    "boto": """\
boto 1.6 (from https://index.example/simple)
  Required by
    project → boto
  Constraints
    boto by the project
  Not the newest admissible version, 1.9, 3 days behind. These cannot all hold:
    - boto is newer than 1.6
    - boto 1.9 requires core<1.10,>=1.9
    - boto 1.8 requires core<1.9,>=1.8
    - boto 1.7 requires core<1.8,>=1.7
    - fs 2 requires aio>=2
    - aio 2.0, the only version, requires core<1.7
    - fs is no older than 2
  What it would cost: satlock why 'boto>1.6' --project PROJECT --corpus SNAPSHOT
""",
    "fs": """\
fs 2 (from https://index.example/simple)
  Required by
    project → fs
  Constraints
    fs by the project
  It is the newest admissible version.
""",
    "aio": """\
aio 2.0 (from https://index.example/simple)
  Required by
    project → fs 2 → aio>=2
  Constraints
    aio>=2 by fs 2
  It is the newest admissible version.
""",
    "colours": """\
colours 1 where sys_platform == 'win32' (from https://index.example/simple)
  Required by
    project → wide 1 → colours<2
  Constraints
    colours by deep 1
    colours<2 by wide 1  where sys_platform == 'win32'
  Not the newest admissible version, 2, 4 days behind. Where sys_platform == 'win32', these cannot all hold:
    - colours is newer than 1
    - the project requires wide (project.dependencies)
    - wide 1, the only version, requires colours<2 where sys_platform == 'win32'
colours 2 where sys_platform != 'win32' (from https://index.example/simple)
  Required by
    project → wide 1 → deep 1 → colours
  Constraints
    colours by deep 1
  It is the newest admissible version.
""",
    "boto>1.6": """\
boto 1.9 is possible; what has to give way is
  aio 2.0 is no longer needed
  core 1.6 → 1.9 (3 days newer)
  fs 2 → 1 (8 days older)
Proven: with boto>1.6, at least 2 others have to be at another version than now.
""",
    "fs>=2": "fs 2 is locked, which fs>=2 admits.\n",
    "core<1.7,>=1.5": "core 1.6 is locked, which core<1.7,>=1.5 admits.\n",
    "core>=2": """\
error: No lock has core>=2: no version of core fits all that is asked of it.
These cannot all hold:
""",
    "colours>=2": """\
error: No lock has colours>=2: no version of colours fits all that is asked of it.
Where sys_platform == 'win32', these cannot all hold:
""",
    "nobody": "error: nobody is not in the lock: nothing that is locked requires it.\n",
    "colour": "error: colour is not in the lock: nothing that is locked requires it; did you mean colours?\n",
    "deep": """\
deep 1 (from https://index.example/simple)
  Required by
    project → wide 1 → deep
  Constraints
    deep by wide 1
  It is the newest admissible version.
""",
}
CODES = {"core>=2": 1, "colours>=2": 1, "nobody": 2, "colour": 2}


@pytest.mark.parametrize("question", GOLDEN)
def test_what_a_person_reads(scene: Scene, question: str) -> None:
    found = ask(scene, question)
    told = found.stderr.replace(str(scene.project), "PROJECT").replace(str(scene.snapshot), "SNAPSHOT")
    assert told.startswith(GOLDEN[question]) if question in CODES else told == GOLDEN[question]
    assert found.exit_code == CODES.get(question, 0)
    assert not found.stdout
    assert scene.files() == ["pyproject.toml"]


def test_an_extra_is_named_that_asks(tmp_path: Path) -> None:
    extras = '[project.optional-dependencies]\nold = ["fs<2"]\nwide = ["wide"]\n'
    scene = scene_of(world_of(PACKAGES, pyproject("fs", more=extras)), tmp_path)
    told = ask(scene, "fs").stderr
    assert "    project → fs\n" in told
    assert "    fs<2 by extra 'old'\n    fs by the project\n" in told.replace("  where 'old' in extras", "")
    assert "    extra 'wide' → wide\n" in ask(scene, "wide").stderr


def test_what_a_program_reads(scene: Scene) -> None:
    boto = json.loads(ask(scene, "boto", "--json").stdout)
    (entry,) = boto["entries"]
    assert (boto["name"], boto["status"], entry["version"]) == ("boto", "locked", "1.6")
    assert entry["paths"] == [{"steps": [["the project", "boto"]], "marker": None}]
    assert (entry["not_newer"]["newest"], entry["not_newer"]["days"], entry["not_newer"]["proven"]) == ("1.9", 3, True)
    cost = json.loads(ask(scene, "boto>1.6", "--json", "-q").stdout)
    assert cost["status"] == "possible" and cost["fewest"] == 2
    assert {"name": "fs", "before": ["2"], "after": ["1"], "days": -8} in cost["changes"]
    assert json.loads(ask(scene, "core>=2", "--json").stdout)["status"] == "impossible"
    assert json.loads(ask(scene, "fs<3", "--json").stdout) == {
        "schema": "satlock/why",
        "version": 1,
        "name": "fs",
        "specifier": "<3",
        "status": "met",
        "versions": ["2"],
    }


def test_the_lock_that_is_there_is_kept_to(scene: Scene) -> None:
    scene.rewrite(pyproject("colours<2"))
    assert scene.lock().exit_code == 0
    scene.rewrite(pyproject("colours"))
    before = scene.lockfile.read_bytes()
    told = ask(scene, "colours").stderr
    assert "newest admissible version, 2, since the lock that is there has colours 1, and is kept to.\n" in told
    assert told.endswith("  With --upgrade-package colours: colours 1 → 2 (4 days newer)\n")
    assert "It is the newest" in ask(scene, "colours", "--upgrade").stderr
    assert "It is the newest" in ask(scene, "colours", "--upgrade-package", "Colours").stderr
    assert scene.lockfile.read_bytes() == before


def test_what_an_upgrade_would_come_to_is_told_with_what_forbids_more(scene: Scene) -> None:
    scene.rewrite(pyproject("core<1.4"))
    assert scene.lock().exit_code == 0
    scene.rewrite(pyproject("core", "fs"))
    tail = ask(scene, "core").stderr.partition("  With --upgrade-package core: ")[2]
    assert tail.startswith(
        "core 1.3 → 1.6 (3 days newer)\n  That is not the newest admissible version, 1.9, 3 days behind."
    )
    assert "    - aio 2.0, the only version, requires core<1.7\n" in tail
    data = json.loads(ask(scene, "core", "--json").stdout)
    assert data["upgraded"]["entries"][0]["not_newer"]["proven"]
    assert "upgraded" not in json.loads(ask(scene, "core", "--json", "--upgrade").stdout)


def test_an_upgrade_of_one_package_may_need_that_of_another(scene: Scene) -> None:
    scene.rewrite(pyproject("boto<1.4"))
    assert scene.lock().exit_code == 0
    scene.rewrite(pyproject("boto"))
    told = ask(scene, "boto").stderr
    assert "  With --upgrade-package boto: nothing changes, since the others are kept to as well\n" in told
    assert "  What it would cost: satlock why 'boto>1.3' --project " in told.splitlines()[-1]
    assert "core 1.3 → 1.9" in ask(scene, "boto>1.3").stderr


def test_the_lowest_are_not_the_newest(scene: Scene) -> None:
    assert "The objective lowest takes the oldest that fits" in ask(scene, "core", "--objective", "lowest").stderr


@pytest.mark.parametrize(
    "question", ["", "x y", "boto[extra]", "boto; sys_platform == 'linux'", "boto @ https://files.example/x"]
)
def test_what_is_no_question(scene: Scene, question: str) -> None:
    found = ask(scene, question)
    assert found.exit_code == 2
    assert "is not the name of a package" in found.stderr and "Traceback" not in found.stderr


def test_a_project_without_a_lock(scene: Scene) -> None:
    scene.rewrite(pyproject("colours>2"))
    found = ask(scene, "colours")
    assert found.exit_code == 1 and found.stderr.startswith("error: No lock exists: ")


@pytest.mark.parametrize(
    ("version", "newest", "specifier"),
    [
        ("1.0", "2.0", ">1.0"),
        ("2.6.0+cpu", "2.7.0+cpu", ">2.6.0"),
        ("1.7", "1.7.post1", ">=1.7.post1"),
        ("2.6.0+cu118", "2.6.0+cu124", "==2.6.0+cu124"),
        ("1.0a1", "1.0", ">1.0a1"),
        ("1!1.0", "1!2.0", ">1!1.0"),
    ],
)
def test_what_is_newer_can_be_asked_for(version: str, newest: str, specifier: str) -> None:
    assert newer_than(version, newest) == specifier
    asked = SpecifierSet(specifier)
    assert asked.contains(newest, prereleases=True) and not asked.contains(version, prereleases=True)


def test_what_it_would_cost_can_be_pasted(tmp_path: Path) -> None:
    """Also where versions are local ones, which no bound takes."""
    packages = {
        "tensor": {"2.9.1+cu128": on(0), "2.11.0+cu128": on(1, "part<2")},
        "part": {"1.0+cu128": on(0), "2.0+cu128": on(90)},
    }
    scene = scene_of(world_of(packages, pyproject("tensor", "part")), tmp_path)
    command = next(line for line in ask(scene, "tensor").stderr.splitlines() if "satlock why" in line)
    words = shlex.split(command.partition(": ")[2])
    done = CliRunner().invoke(satlock, words[1:])
    assert done.exit_code == 0 and "tensor 2.11.0+cu128 is possible" in done.stderr


ANYWHERE: Mapping[str, Mapping[str, Dist]] = {
    "core": {"1.0": on(0), "1.5": on(10), "2.0": on(20), "2.5": on(30)},
    "old": {"1": on(0, "core<2; python_version < '3.12'", "core<2.2; python_version >= '3.12'")},
    "modern": {"1": on(0), "2": Dist(requires_python=">=3.13", upload_time=on(5).upload_time)},
    "both": {"1": on(0, "modern<2; sys_platform == 'win32'")},
}


@pytest.fixture
def apart(tmp_path: Path) -> Scene:
    more = '[project.optional-dependencies]\ncpu = ["core<1.2"]\ngpu = ["old"]\n'
    more += '[tool.uv]\nconflicts = [[{ extra = "cpu" }, { extra = "gpu" }]]\n'
    return scene_of(world_of(ANYWHERE, pyproject("core", "modern", "both", more=more)), tmp_path)


@pytest.mark.parametrize(
    ("options", "versions", "says", "says_not"),
    [
        (["--extra", "cpu"], ["1.0"], ["core<1.2 (project.optional-dependencies.cpu)", "30 days behind"], ["old 1"]),
        (["--extra", "gpu", "--python", "3.11"], ["1.5"], ["old 1, the only version, requires core<2 "], ["core<2.2"]),
        (["--extra", "gpu", "--python-version", "3.14"], ["2.0"], ["10 days behind", "core<2.2"], ["core<2 "]),
        (["--no-extras", "--platform", "windows"], ["2.5"], ["It is the newest admissible version."], ["Not the"]),
    ],
)
def test_the_question_can_be_about_some_environments(
    apart: Scene, options: list[str], versions: list[str], says: list[str], says_not: list[str]
) -> None:
    told = ask(apart, "core", *options).stderr
    assert [line.split()[1] for line in told.splitlines() if line.startswith("core ")] == versions, told
    assert all(words in told for words in says) and not any(words in told for words in says_not), told


def test_each_part_of_the_environments_has_its_own_answer(apart: Scene) -> None:
    (entry, newest) = json.loads(ask(apart, "modern", "--json").stdout)["entries"]
    assert (newest["version"], [place["not_newer"] for place in newest["places"]]) == ("2", [None])
    places = {place["marker"]: place["not_newer"] for place in entry["places"]}
    assert places["python_version < '3.13'"] is None, "it is the newest that is for these Pythons"
    held = places["python_version >= '3.13'"]
    assert held["newest"] == "2" and any("modern<2" in line for line in held["lines"])
    told = ask(apart, "modern").stderr
    assert "  It is the newest admissible version where python_version < '3.13'.\n" in told
    assert "Not the newest admissible version, 2, 5 days behind where python_version >= '3.13'." in told


def test_environments_that_are_none(apart: Scene) -> None:
    for options, message in (
        (["--extra", "tpu"], "The project has no extra 'tpu'; it has cpu, gpu."),
        (["--extra", "cpu", "--extra", "gpu"], "The project is not for the environments that are asked for."),
        (["--python-version", "3.9"], "The project is not for the environments that are asked for."),
    ):
        found = ask(apart, "core", *options)
        assert found.exit_code == 2 and message in found.stderr
    found = ask(apart, "old", "--extra", "cpu")
    assert found.exit_code == 2 and "old is not locked there" in found.stderr


def test_what_another_version_would_cost_in_some_environments(apart: Scene) -> None:
    assert "core 1.0 is locked, which core<1.2 admits." in ask(apart, "core<1.2", "--extra", "cpu").stderr
    found = ask(apart, "core>=2", "--extra", "cpu")
    assert found.exit_code == 1 and "No lock has core>=2 there" in found.stderr
    assert "core 2.5 is locked, which core>=2 admits." in ask(apart, "core>=2", "--no-extras").stderr
    found = ask(apart, "core==1.0", "--extra", "gpu")
    assert found.stderr.startswith("core 1.0 is possible; what has to give way is\n  nothing else\n")
