"""The lock of a workspace that is there: verified without a search, and without reading each file again and again."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from satlock.encoder.project import tables
from tests.cli.scene import Scene, pyproject, run, scene_of, world_of
from tests.world import Dist

MEMBERS, FEW = 24, 8
PACKAGES = {"a": {"1.0": Dist(("b",)), "2.0": Dist(("b",))}, "b": {"1.0": Dist()}, "c": {"1.0": Dist()}}


def workspace(folder: Path, members: int) -> Scene:
    """A locked workspace whose members require one another, with extras and groups of their own."""
    names = [f"m{number}" for number in range(members)]
    taken = "".join(f"{name} = {{ workspace = true }}\n" for name in names)
    more = f'[tool.uv.workspace]\nmembers = ["m*"]\n[tool.uv.sources]\n{taken}'
    found = scene_of(world_of(PACKAGES, pyproject("m0", more=more)), folder)
    for number, name in enumerate(names):
        below = [names[other] for other in (2 * number + 1, 2 * number + 2) if other < members]
        text = pyproject(
            "a", *below, more='[project.optional-dependencies]\nx = ["c"]\n[dependency-groups]\ny = ["b"]\n'
        )
        (found.project / name).mkdir()
        build = '[build-system]\nrequires = []\nbuild-backend = "nothing"\n'
        (found.project / name / "pyproject.toml").write_text(text.replace('"proj"', f'"{name}"') + build)
    done = found.lock("--output", str(found.project / "uv.lock"))
    assert done.exit_code == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """For what only reads it."""
    return workspace(tmp_path_factory.mktemp("large"), MEMBERS)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return workspace(tmp_path_factory.mktemp("small"), FEW)


@pytest.fixture
def locked(small: Scene, tmp_path: Path) -> Scene:
    """A copy of a small one, for what changes it."""
    shutil.copytree(small.project, tmp_path / "project")
    return Scene(tmp_path / "project", small.snapshot)


@pytest.mark.slow
def test_it_is_verified_without_a_search(large: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def searched(*_: object, **__: object) -> None:
        raise AssertionError("a search")

    monkeypatch.setattr("satlock.solver.locking.lock", searched)
    for arguments in (("--check",), ()):
        done = large.lock(*arguments)
        assert done.exit_code == 0, done.stderr


@pytest.mark.slow
def test_each_file_is_parsed_once(large: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def loads(text: str) -> dict[str, object]:
        parsed.append(text)
        return tomllib.loads(text)

    class Counting:
        TOMLDecodeError = tomllib.TOMLDecodeError

    Counting.loads = staticmethod(loads)  # type: ignore[attr-defined]
    monkeypatch.setattr(tables, "tomllib", Counting)
    tables._parsed.cache_clear()
    assert large.lock("--check").exit_code == 0
    assert MEMBERS <= len(parsed) <= MEMBERS + 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('x = ["c"]', 'x = ["c", "b"]', "m7"),
        ('y = ["b"]', 'y = ["b", "c"]', "m7"),
        ('x = ["c"]', "", "m7"),
        ("dependencies = [", 'dependencies = ["c", ', "c"),
    ],
)
def test_a_change_of_a_member_is_found(locked: Scene, old: str, new: str, said: str) -> None:
    file = locked.project / "m7" / "pyproject.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    done = locked.lock("--check")
    assert done.exit_code == 1 and said in done.stderr, done.stderr
    assert locked.lock().exit_code == 0
    assert locked.lock("--check").exit_code == 0


@pytest.mark.slow
def test_a_member_more_and_one_less(locked: Scene) -> None:
    gone = locked.project / "m7" / "pyproject.toml"
    new = locked.project / "m99"
    new.mkdir()
    (new / "pyproject.toml").write_text(gone.read_text().replace('"m7"', '"m99"'))
    assert locked.lock("--check").exit_code == 1
    assert locked.lock().exit_code == 0
    assert locked.lock("--check").exit_code == 0
    (new / "pyproject.toml").unlink()
    new.rmdir()
    done = locked.lock("--check")
    assert done.exit_code == 1 and "m99" in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["pylock.toml", "uv.lock"])
def test_a_project_of_folders_alone_asks_no_index(tmp_path: Path, name: str) -> None:
    """Also where a folder is asked for on one platform alone: elsewhere nobody requires it."""
    lines = ["dep[feature] ; sys_platform == 'win32'", "dep ; sys_platform != 'win32'"]
    (tmp_path / "pyproject.toml").write_text(pyproject(*lines, more='[tool.uv.sources]\ndep = { path = "dep" }\n'))
    more = '[project.optional-dependencies]\nfeature = ["leaf"]\n[tool.uv.sources]\nleaf = { path = "../leaf" }\n'
    for folder, text in (("dep", pyproject(more=more)), ("leaf", pyproject())):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pyproject.toml").write_text(text.replace('"proj"', f'"{folder}"'))
    plain = ("lock", "--offline", "--no-cache", "--output", name)
    for arguments in (plain, (*plain, "--check")):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "leaf" in (tmp_path / name).read_text() or name == "pylock.toml"


def test_the_pylock_of_a_root_knows_no_extras_of_members(tmp_path: Path) -> None:
    """Nor their groups: it is the lock of one project."""
    more = '[tool.uv.workspace]\nmembers = ["near"]\n[tool.uv.sources]\nnear = { workspace = true }\n'
    found = scene_of(world_of(PACKAGES, pyproject("near", more=more)), tmp_path)
    (found.project / "near").mkdir()
    lists = '[project.optional-dependencies]\nx = ["c"]\n[dependency-groups]\ny = ["b"]\n'
    (found.project / "near" / "pyproject.toml").write_text(pyproject("a", more=lists).replace('"proj"', '"near"'))
    for arguments in ((), ("--check",)):
        done = found.lock(*arguments)
        assert done.exit_code == 0, done.stderr


@pytest.mark.slow
def test_commands_mean_the_lock_of_the_root_in_the_folder_of_a_member(locked: Scene) -> None:
    for command in ("tree", "prove"):
        done = run(command, "--project", str(locked.project / "m1"))
        assert done.returncode == 0, done.stderr
    (locked.project / "uv.lock").unlink()
    assert "no pylock.toml and no uv.lock" in run("tree", "--project", str(locked.project / "m1")).stderr
