"""``satlock lock SOURCE``: scripts and requirements files, where their locks go, and what is installed from them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.index_server import IndexServer
from tests.world import Dist

WORLD = world_of(
    {
        "a": {"1.0": Dist(("b",)), "2.0": Dist(("b",))},
        "b": {"1.0": Dist(), "2.0": Dist(wheels=("py3-none-any", "py3-none-win_amd64"))},
        "c": {"1.0": Dist()},
    },
    pyproject("a"),
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    found = scene_of(WORLD, tmp_path)
    (found.project / "pyproject.toml").unlink()
    return found


def lock(scene: Scene, source: str, *more: str) -> Result:
    arguments = ["lock", str(scene.project / source), "--corpus", str(scene.snapshot), *more]
    return CliRunner().invoke(satlock, arguments)


def entries(path: Path) -> dict[str, str]:
    return {package["name"]: package["version"] for package in tomllib.loads(path.read_text("utf-8"))["packages"]}


def test_a_requirements_file(scene: Scene) -> None:
    (scene.project / "requirements.in").write_text("a # why\n-c limits.txt\n")
    (scene.project / "limits.txt").write_text("a<2\n")
    done = lock(scene, "requirements.in")
    assert done.exit_code == 0 and "--requires-python" in done.stderr, done.output
    assert entries(scene.lockfile) == {"a": "1.0", "b": "2.0"}
    before = scene.lockfile.read_bytes()
    assert lock(scene, "requirements.in", "--check").exit_code == 0
    (scene.project / "limits.txt").write_text("a<2\nb<2\n")
    assert lock(scene, "requirements.in", "--check").exit_code == 1
    assert scene.lockfile.read_bytes() == before
    done = lock(scene, "requirements.in", "--requires-python", ">=3.12")
    assert "warning" not in done.stderr and 'requires-python = ">=3.12"' in scene.lockfile.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "beside", "lockfile"),
    [
        ("requirements.txt", "", "pylock.toml"),
        ("requirements.in", "pyproject.toml", "pylock.requirements.toml"),
        ("dev.in", "", "pylock.dev.toml"),
        ("dev.test.in", "", "pylock.dev-test.toml"),
        ("script.py", "", "pylock.script.toml"),
        ("tool", "", "pylock.tool.toml"),
    ],
)
def test_where_a_lock_goes(scene: Scene, name: str, beside: str, lockfile: str) -> None:
    text = "c\n" if name.endswith((".txt", ".in")) else "# /// script\n# dependencies = ['c']\n# ///\n"
    (scene.project / name).write_text(text)
    if beside:
        (scene.project / beside).touch()
    assert lock(scene, name).exit_code == 0
    assert scene.files() == sorted({name, lockfile, *filter(None, [beside])})
    assert entries(scene.project / lockfile) == {"c": "1.0"}


def test_only_files_with_the_hashes_that_are_asked_for(scene: Scene) -> None:
    (scene.project / "requirements.in").write_text("b\n")
    assert lock(scene, "requirements.in").exit_code == 0
    package = tomllib.loads(scene.lockfile.read_text("utf-8"))["packages"][0]
    wheel = next(wheel for wheel in package["wheels"] if wheel["name"].endswith("win_amd64.whl"))
    (scene.project / "requirements.in").write_text(f"b --hash=sha256:{wheel['hashes']['sha256']}\n")
    assert lock(scene, "requirements.in").exit_code == 0
    package = tomllib.loads(scene.lockfile.read_text("utf-8"))["packages"][0]
    assert [wheel["name"] for wheel in package["wheels"]] == [wheel["name"]]
    (scene.project / "requirements.in").write_text(f"b --hash=sha256:{'0' * 64}\n")
    done = lock(scene, "requirements.in")
    assert done.exit_code == 1 and "hashes that are asked for" in done.stderr


@pytest.mark.parametrize("source", ["gone.py", "gone.in", "gone"])
def test_a_source_that_is_not_there(scene: Scene, source: str) -> None:
    done = lock(scene, source)
    path = source if "." in source else f"{source}/pyproject.toml"
    assert done.exit_code == 2 and f"{path} cannot be read" in done.stderr, done.output


@pytest.mark.slow
@pytest.mark.parametrize("source", ["script.py", "requirements.in"])
def test_pip_and_uv_install_from_it(index_server: Callable[..., IndexServer], tmp_path: Path, source: str) -> None:
    server = index_server(WORLD)
    index = server.url("https://index.example/simple")
    text = {
        "script.py": "# /// script\n# dependencies = ['a<2']\n"
        f"# [[tool.uv.index]]\n# url = '{index}'\n# default = true\n# ///\n",
        "requirements.in": f"--index-url {index}\na<2\n",
    }[source]
    (tmp_path / source).write_text(text)
    done = CliRunner().invoke(satlock, ["lock", str(tmp_path / source), "--no-cache"])
    assert done.exit_code == 0, done.output
    lockfile = next(tmp_path.glob("pylock*.toml"))
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "UV_CACHE_DIR": str(tmp_path / "cache")}
    for tool in ("pip", "uv"):
        target = tmp_path / tool
        command = [sys.executable, "-m", "pip"] if tool == "pip" else ["uv", "pip"]
        subprocess.run([*command, "install", "-q", "-r", lockfile, "--target", target], check=True, env=environment)
        found = sorted(path.name for path in target.glob("*.dist-info"))
        assert found == ["a-1.0.dist-info", "b-2.0.dist-info"]
