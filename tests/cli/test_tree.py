"""``satlock tree``: who requires what, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist

PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "web": {"1": Dist(("core", "colours; sys_platform == 'win32'"))},
    "core": {"1": Dist(("deep",)), "2": Dist(("deep",))},
    "deep": {"1": Dist()},
    "colours": {"1": Dist(("deep",))},
    "lint": {"1": Dist(("deep",))},
}
MORE = """
[project.optional-dependencies]
old = ["core<2"]
new = ["core>=2"]
[dependency-groups]
dev = ["lint"]
all = [{ include-group = "dev" }]
[tool.uv]
conflicts = [[{ extra = "old" }, { extra = "new" }]]
"""

FILE = f'archive = {{ url = "https://files.example/a.zip", hashes = {{ sha256 = "{"0" * 64}" }} }}'

WHOLE = """\
proj
├── web 1
│   ├── colours 1  where sys_platform == 'win32'
│   │   └── deep 1
│   ├── core 1  where 'old' in extras
│   │   └── deep 1
│   └── core 2  where 'old' not in extras
│       └── deep 1
├── core 2 (extra new) (*)
├── core 1 (extra old) (*)
└── lint 1 (group dev)
    └── deep 1
"""
INVERTED = """\
core 1  where 'old' in extras
├── web 1
│   └── proj
└── proj (extra old)
core 2  where 'old' not in extras
├── web 1 (*)
└── proj (extra new)
"""


@pytest.fixture(scope="module", params=["pylock.toml", "uv.lock"])
def lockfile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = scene_of(world_of(PACKAGES, pyproject("web", more=MORE)), tmp_path_factory.mktemp("tree"))
    path = scene.project / str(request.param)
    assert scene.lock("--output", str(path)).exit_code == 0
    return path


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(satlock, ["tree", *map(str, arguments)])


def test_the_whole_tree(lockfile: Path) -> None:
    done = ask(lockfile)
    right = WHOLE
    if lockfile.name == "uv.lock":  # uv writes what a group includes into its own list
        last = "└── lint 1 (group dev)\n    └── deep 1\n"
        right = right.replace(last, "├── lint 1 (group all)\n│   └── deep 1\n└── lint 1 (group dev) (*)\n")
    assert done.exit_code == 0 and done.stdout == right


def test_inverted(lockfile: Path) -> None:
    assert ask(lockfile, "--invert", "--package", "core").stdout == INVERTED


def test_one_environment(lockfile: Path) -> None:
    chosen = ("--extra", "new", "--no-groups", "--platform", "linux", "--python-version", "3.12")
    said = ask(lockfile, *chosen).stdout
    assert "where" not in said and "colours" not in said and "lint" not in said and "core 1" not in said
    assert "core 2" in said


def test_a_group_that_another_includes(lockfile: Path) -> None:
    assert "lint 1" in ask(lockfile, "--group", "all").stdout
    assert "lint 1" not in ask(lockfile, "--no-groups").stdout


def test_depth(lockfile: Path) -> None:
    assert ask(lockfile, "--depth", "0").stdout == "proj\n"
    assert len(ask(lockfile, "-d", "1", "--extra", "new", "--group", "dev").stdout.splitlines()) == 4


def test_what_a_program_reads(lockfile: Path) -> None:
    found = json.loads(ask(lockfile, "--json").stdout)
    assert (found["schema"], found["project"]) == ("satlock/tree", "proj")
    by_name = {(one["name"], one["version"]): one for one in found["packages"]}
    assert by_name["core", "1"]["marker"] == "'old' in extras"
    assert {one["name"] for one in by_name["deep", "1"]["required-by"]} == {"core", "colours", "lint"}
    assert by_name["web", "1"]["requires"][0]["marker"] == "sys_platform == 'win32'"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--package", "cor"), "cor is not in {lock}; did you mean core?"),
        (("--extra", "gone"), "The lock has no extra 'gone'; it has"),
        (("--platform", "beos"), "is none of"),
        (("--extra", "old", "--extra", "new"), "not for the environments"),
    ],
)
def test_what_is_wrong(lockfile: Path, arguments: tuple[str, ...], said: str) -> None:
    done = ask(lockfile, *arguments)
    assert done.exit_code == 2 and said.format(lock=lockfile.name) in done.stderr


def test_a_lock_of_another_tool_without_its_steps(tmp_path: Path) -> None:
    """What a lock does not tell is not made up: who is required by nobody stands below the project."""
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "another tool"\n'
        f'[[packages]]\nname = "a"\nversion = "1"\n{FILE}\n[[packages]]\nname = "b"\nversion = "2"\n{FILE}\n'
    )
    assert ask(tmp_path / "pylock.toml").stdout == "the project\n├── a 1\n└── b 2\n"


def test_a_long_chain_is_no_recursion(tmp_path: Path) -> None:
    lines = ['lock-version = "1.0"', 'created-by = "a test"']
    for place in range(3000):
        lines += ["[[packages]]", f'name = "p{place}"', 'version = "1"', FILE]
        lines += [f'dependencies = [{{ name = "p{place + 1}" }}]'] if place < 2999 else []
    (tmp_path / "pylock.toml").write_text("\n".join(lines))
    done = ask(tmp_path / "pylock.toml", "--depth", "5")
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 6


def test_scene(tmp_path: Path) -> None:
    """Without a name it is the lock that is here; where there is none, that is said."""
    scene: Scene = scene_of(world_of(PACKAGES, pyproject("web")), tmp_path)
    done = ask("--project", scene.project)
    assert done.exit_code == 2 and "There is no pylock.toml" in done.stderr
