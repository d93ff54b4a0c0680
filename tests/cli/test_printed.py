"""Every command that satlock prints asks of the same project, whatever it is printed for and wherever it is pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.printed import pasted
from tests.world import Dist

PACKAGES = {
    "a": {"1": Dist(), "2": Dist(("b>=2",), upload_time="2024-02-01T00:00:00Z")},
    "b": {"1": Dist(), "2": Dist(upload_time="2024-02-01T00:00:00Z")},
}
ADVISORY = '[{"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1", "2"]}]}]'
EXTRAS = '[project.optional-dependencies]\nx = ["a==1"]\ny = ["a==2"]\n'
_COMMAND = re.compile(r"(?<!\w)satlock [a-z]+ .*?(?=\.?$|\. | changes \d)", re.MULTILINE)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(world_of(PACKAGES, pyproject("a", "b<2")), tmp_path)


def printed(scene: Scene, *typed: str, code: int) -> Sequence[str]:
    """The commands that a command prints."""
    name, *more = typed
    line = shlex.join(["satlock", name, *more, "--project", str(scene.project)])
    asks = name in ("lock", "outdated", "audit", "why", "conflicts")
    done = pasted(f"{line} --corpus {shlex.quote(str(scene.snapshot))}" if asks else line)
    assert done.returncode == code, done.stdout + done.stderr
    found = _COMMAND.findall(done.stdout + done.stderr)
    assert found, done.stdout + done.stderr
    return found


def holds(scene: Scene, commands: Sequence[str], *, code: int = 0) -> None:
    """Each runs, in another folder, and reads and writes nothing there."""
    for command in commands:
        before = scene.files()
        done = pasted(command, scene.project.parent)
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        assert set(scene.files()) >= set(before)
    assert not (scene.project.parent / "pylock.toml").exists()


def test_where_there_is_no_lock_yet(scene: Scene) -> None:
    holds(scene, printed(scene, "lock", "--check", code=1))
    scene.lockfile.unlink()
    for name in ("tree", "outdated"):
        (command,) = printed(scene, name, code=2)
        assert command == f"satlock lock --project {scene.project}"


def test_where_the_lock_is_out_of_date(scene: Scene) -> None:
    assert scene.lock().exit_code == 0
    scene.rewrite(pyproject("a", "b>=2"))
    holds(scene, printed(scene, "lock", "--check", code=1))


@pytest.mark.parametrize("output", ["pylock.toml", "uv.lock", "pylock.dev.toml"])
def test_what_is_not_the_newest(scene: Scene, output: str) -> None:
    path = scene.project / output
    assert scene.lock("--output", str(path)).exit_code == 0
    scene.rewrite(pyproject("a", "b"))
    commands = printed(scene, "outdated", str(path), code=0)
    assert [command.split()[1] for command in commands] == ["lock"]
    holds(scene, commands)
    assert scene.files() == sorted(["pyproject.toml", output]) and 'version = "2"' in path.read_text()


def test_where_no_version_may_be_newer(scene: Scene) -> None:
    assert scene.lock().exit_code == 0
    commands = printed(scene, "outdated", code=0)
    assert [command.split()[1] for command in commands] == ["why"]
    holds(scene, commands)


def test_where_a_way_out_is_made(scene: Scene) -> None:
    scene.rewrite(pyproject("a>=2", "b<2"))
    holds(scene, printed(scene, "lock", "--apply", "99", code=1), code=1)
    holds(scene, printed(scene, "lock", code=1)[-1:])
    (again,) = printed(scene, "lock", "--apply", "1", code=2)
    holds(scene, [again])


def test_an_audit_of_a_project_without_a_lock(scene: Scene, tmp_path: Path) -> None:
    assert scene.lock().exit_code == 0
    scene.rewrite(pyproject("a>=2", "b<2"))
    (tmp_path / "osv.json").write_text(ADVISORY)
    commands = printed(scene, "audit", "--database", str(tmp_path / "osv.json"), "--no-extras", code=1)
    holds(scene, commands, code=1)


def test_conflicts_that_have_to_be_in_the_project(scene: Scene) -> None:
    scene.rewrite(pyproject("b", more=EXTRAS))
    holds(scene, printed(scene, "lock", "--infer-conflicts", "--output", str(scene.project / "uv.lock"), code=2))
