"""What uv refuses, satlock refuses: each with the code that says whether the answer is no or the input is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist

HEAD = '[project]\nname = "{name}"\nversion = "{version}"\nrequires-python = ">=3.11"\n'
BUILD = '[build-system]\nrequires = []\nbuild-backend = "nothing"\n'


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    packages = {"a": {"1.0": Dist()}, "old": {"1.0": Dist(wheels=("cp39-cp39-win_arm64",))}}
    return scene_of(world_of(packages, pyproject("a")), tmp_path)


def write(folder: Path, text: str, *, name: str, version: str = "1") -> None:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "pyproject.toml").write_text(HEAD.format(name=name, version=version) + text)


@pytest.mark.parametrize("form", ["pylock", "uv"])
@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('dependencies = ["proj==2"]', 1, "requires 'proj==2', and the project itself is proj 1"),
        ("dependencies = [\"proj>1 ; sys_platform == 'win32'\"]", 1, "the project itself is proj 1"),
        ('[project.optional-dependencies]\nx = ["proj[y]>=2"]\ny = ["a"]', 1, "the project itself is proj 1"),
        ('[project.optional-dependencies]\nx = ["proj[x]==2"]', 1, "the project itself is proj 1"),
        ('dependencies = ["old"]', 1, "no file that installs"),
        (
            "[tool.uv]\nenvironments = [\"sys_platform != 'win32'\", \"python_version >= '3.12'\"]",
            2,
            "has two markers that overlap",
        ),
        ("[tool.uv]\nenvironments = [\"sys_platform == 'win32'\", \"os_name == 'nt'\"]", 2, "overlap"),
        ('[tool.uv.dependency-groups]\nno = { requires-python = ">=3.12" }', 2, "is no group of"),
        ('dependencies = ["a"]\n[tool.uv]\nno-build = true\nno-binary = true', 1, "its wheels are switched off"),
        ('dependencies = ["a"]\n[tool.uv]\nconstraint-dependencies = ["a<0.1"]', 1, "requires a"),
        ('dependencies = ["a"]\n[tool.uv]\nexclude-newer = "2001-01-01T00:00:00Z"', 1, "after the exclude-newer date"),
        ('[dependency-groups]\na = [{ include-group = "b" }]\nb = [{ include-group = "a" }]', 2, "include"),
        ('[tool.uv]\ndefault-groups = ["nope"]', 2, "nope"),
        (
            'dependencies = ["a"]\n[[tool.uv.index]]\nname = "x"\nurl = "https://x.example/simple"\n'
            "[tool.uv.sources]\na = [{ index = 'x' }, { index = 'x', marker = \"os_name == 'nt'\" }]",
            2,
            "several entries of one scope",
        ),
        (
            'dependencies = ["a"]\n[tool.uv.sources]\na = { path = "pyproject.toml" }',
            2,
            "is no folder, wheel or source",
        ),
    ],
)
def test_a_project(scene: Scene, form: str, text: str, code: int, said: str) -> None:
    write(scene.project, text, name="proj")
    done = scene.lock("--format", form)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert scene.files() == ["pyproject.toml"]


@pytest.mark.parametrize(
    "text",
    [
        'dependencies = ["proj==1"]',
        '[project.optional-dependencies]\nx = ["proj[y]<2"]\ny = ["a"]',
        "[tool.uv]\nenvironments = [\"sys_platform != 'win32'\", \"os_name == 'nt'\"]",
    ],
)
def test_what_is_no_contradiction(scene: Scene, text: str) -> None:
    write(scene.project, text, name="proj")
    assert scene.lock().exit_code == 0


def workspace(scene: Scene, root_sources: str, member_sources: str = "", *, wants: str = '"m"') -> None:
    head = f'dependencies = [{wants}]\n[tool.uv.workspace]\nmembers = ["m", "n"]\n[tool.uv.sources]\n{root_sources}\n'
    write(scene.project, head, name="proj")
    write(scene.project / "m", f"{BUILD}[tool.uv.sources]\n{member_sources}\n", name="m")
    write(scene.project / "n", BUILD, name="n")
    write(scene.project / "library", BUILD, name="library")


@pytest.mark.parametrize(
    ("source", "code"), [("", 2), ('m = { path = "m" }', 1), ('m = { git = "https://git.example/m" }', 1)]
)
def test_a_member_that_no_source_takes_from_the_workspace(scene: Scene, source: str, code: int) -> None:
    workspace(scene, source)
    for form in ("pylock", "uv"):
        done = scene.lock("--format", form)
        assert done.exit_code == code and "requires 'm', a member of the workspace" in done.stderr, done.stderr
    workspace(scene, "m = { workspace = true }")
    assert scene.lock().exit_code == 0


def test_a_folder_that_is_editable_for_one_and_not_for_another(scene: Scene) -> None:
    workspace(scene, 'library = { path = "library" }', wants='"library"')
    member = (scene.project / "m" / "pyproject.toml").read_text()
    for editable, code in (("true", 1), ("false", 0)):
        source = f'library = {{ path = "../library", editable = {editable} }}\n'
        text = member.replace(BUILD, f'dependencies = ["library"]\n{BUILD}') + source
        (scene.project / "m" / "pyproject.toml").write_text(text)
        done = scene.lock("--format", "uv", "--upgrade")
        assert done.exit_code == code, done.stderr
        assert code == 0 or "as editable by one source, and not by another" in done.stderr


def test_groups_to_upgrade_must_be_there(scene: Scene) -> None:
    for arguments in (("--upgrade-group", "docs"), ("--upgrade", "--upgrade-group", "docs")):
        done = CliRunner().invoke(satlock, scene.arguments(*arguments))
        assert done.exit_code == 2 and "'docs'" in done.stderr
