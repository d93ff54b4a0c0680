"""``satlock conflicts`` and ``satlock lock --infer-conflicts``, as a person and a program meet them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from click.testing import CliRunner, Result
from packaging.pylock import Pylock

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist, World

A = {"a": {"1.0": Dist(), "2.0": Dist()}}
RIVALS = pyproject(more='[project.optional-dependencies]\none = ["a<2"]\ntwo = ["a>=2"]\n')


def conflicts(scene: Scene, *more: str) -> Result:
    arguments = ["conflicts", "--project", str(scene.project), "--corpus", str(scene.snapshot), *more]
    return CliRunner().invoke(satlock, arguments)


def scene(tmp_path: Path, text: str) -> Scene:
    return scene_of(world_of(A, text), tmp_path)


def test_the_table_can_be_put_into_the_file(tmp_path: Path) -> None:
    here = scene(tmp_path, RIVALS)
    assert here.lock().exit_code == 1
    found = conflicts(here)
    assert found.exit_code == 0
    assert found.stdout == '[tool.uv]\nconflicts = [\n    [{ extra = "one" }, { extra = "two" }],\n]\n'
    assert "extra 'one' and extra 'two' cannot be active together, e.g. for Python 3.11.0 on linux" in found.stderr
    assert "  - extra 'two' requires a>=2 (project.optional-dependencies.two)" in found.stderr
    here.rewrite(RIVALS + found.stdout)
    assert here.lock().exit_code == 0
    again = conflicts(here)
    assert (again.exit_code, again.stdout) == (0, "")
    assert "Any extras and groups can be active together." in again.stderr


def test_as_json(tmp_path: Path) -> None:
    found = conflicts(scene(tmp_path, RIVALS), "--json", "--quiet")
    report = json.loads(found.stdout)
    assert report["status"] == "conflicts"
    (conflict,) = report["conflicts"]
    assert conflict["members"] == [{"extra": "one"}, {"extra": "two"}]
    assert conflict["environment"]["extras"] == ["one", "two"]
    assert any("requires a<2" in line for line in conflict["explanation"])
    assert found.stderr == ""


def test_what_is_declared_stays_in_the_table(tmp_path: Path) -> None:
    more = '[project.optional-dependencies]\none = ["a<2"]\ntwo = ["a>=2"]\nthree = ["a==1.0"]\n'
    more += '[tool.satlock]\nconflicts = [[{ extra = "one" }, { extra = "two" }]]\n'
    table = tomllib.loads(conflicts(scene(tmp_path, pyproject(more=more))).stdout)
    assert table["tool"]["satlock"]["conflicts"] == [
        [{"extra": "one"}, {"extra": "two"}],
        [{"extra": "two"}, {"extra": "three"}],
    ]


def test_lock_under_what_was_inferred(tmp_path: Path) -> None:
    here = scene(tmp_path, RIVALS)
    found = here.lock("--infer-conflicts")
    assert found.exit_code == 0
    assert "Inferred: extra 'one' and extra 'two' cannot be active together." in found.stderr
    lock = Pylock.from_dict(tomllib.loads(here.lockfile.read_text(encoding="utf-8")))
    for extra, version in (("one", "1.0"), ("two", "2.0")):
        chosen = {"extras": frozenset((extra,)), "dependency_groups": frozenset[str]()}
        active = [p for p in lock.packages if p.marker is None or p.marker.evaluate(chosen, context="lock_file")]
        assert [str(package.version) for package in active] == [version]


def test_a_choice_that_can_never_be_made(tmp_path: Path) -> None:
    text = pyproject(more='[project.optional-dependencies]\nbad = ["a>=3"]\ngood = ["a"]\n')
    here = scene(tmp_path, text)
    found = conflicts(here)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "extra 'bad' can never be chosen" in found.stderr
    locked = here.lock("--infer-conflicts")
    assert locked.exit_code == 1
    assert "error: No lock exists: extra 'bad' can never be chosen." in locked.stderr
    assert not here.lockfile.exists()


def test_no_lock_with_nothing_chosen(tmp_path: Path) -> None:
    text = pyproject("a>=3", more='[project.optional-dependencies]\none = ["a<2"]\n')
    found = conflicts(scene(tmp_path, text), "--json")
    assert found.exit_code == 1
    assert "error: No lock exists: " in found.stderr
    assert 'in project.dependencies, change "a>=3" to "a>=1.0"' in found.stderr
    report = json.loads(found.stdout)
    assert report["status"] == "no lock"
    assert report["ways-out"][0]["changes"] == [{"key": ["project", "dependencies"], "remove": "a>=3", "add": "a>=1.0"}]


def test_three_that_go_together_in_pairs(tmp_path: Path) -> None:
    more = '[project.optional-dependencies]\none = ["a>1"]\ntwo = ["a<3"]\nthree = ["a!=2"]\n'
    world: World = world_of({"a": {"1": Dist(), "2": Dist(), "3": Dist()}}, pyproject(more=more))
    found = conflicts(scene_of(world, tmp_path))
    assert "Any 2 of extra 'one', extra 'two' and extra 'three' can be" in found.stderr
    assert tomllib.loads(found.stdout)["tool"]["uv"]["conflicts"] == [
        [{"extra": "one"}, {"extra": "two"}, {"extra": "three"}]
    ]
