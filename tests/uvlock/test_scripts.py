"""The lock of a script (PEP 723) as uv has it: ``NAME.py.lock`` beside it, accepted, and run from, by the real uv."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.index_server import IndexServer
from tests.source_trees import repository, tree
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT, Dist, World

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

Start = Callable[..., IndexServer]

WORLD = World(
    '[project]\nname = "unused"\n',
    {
        DEFAULT: {
            "app": {"1.0": Dist(("leaf", "twig; extra == 'more'"))},
            "leaf": {"1.0": Dist(), "2.0": Dist(), "3.0": Dist()},
            "twig": {"1.0": Dist()},
        }
    },
)
SHOW = "from importlib import metadata as m\nprint(*sorted(f'{d.name}=={d.version}' for d in m.distributions()))\n"


def script_in(folder: Path, index: str, dependencies: str, more: str = "") -> Path:
    """A script that prints what is installed where it runs."""
    block = f'requires-python = ">=3.11"\ndependencies = {dependencies}\n[[tool.uv.index]]\nurl = "{index}"\n'
    lines = (block + "default = true\n" + more).splitlines()
    path = folder / "script.py"
    path.write_text("".join(f"# {line}\n" for line in ["/// script", *lines, "///"]) + SHOW, encoding="utf-8")
    return path


def locked(script: Path, *more: str, code: int = 0) -> Result:
    arguments = ["lock", str(script), "--cache-dir", str(script.parent / "cache"), *more]
    done = CliRunner().invoke(satlock, arguments)
    assert done.exit_code == code, done.output
    return done


def accepted(script: Path) -> list[str]:
    """What runs under uv with this lock."""
    uv, lock = Uv(script.parent), script.with_name("script.py.lock")
    before = lock.read_bytes()
    for arguments in (("--check", "--script", "script.py"), ("--script", "script.py")):
        done = uv.run("lock", *arguments)
        assert done.returncode == 0, done.stderr
    assert lock.read_bytes() == before
    synced = uv.run("sync", "--frozen", "--script", "script.py")
    assert synced.returncode == 0, synced.stderr
    ran = uv.run("run", "--frozen", "--quiet", "script.py")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


@pytest.mark.parametrize("named", [("--format", "uv"), ("--output", "script.py.lock")], ids=["format", "output"])
def test_uv_accepts_the_lock_of_a_script_and_runs_it(
    index_server: Start, tmp_path: Path, named: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = script_in(tmp_path, index_server(WORLD).url(DEFAULT), '["app[more]"]')
    locked(script, *named)
    assert accepted(script) == ["app==1.0", "leaf==3.0", "twig==1.0"]
    locked(script, *named, "--check", "--no-cache")
    assert CliRunner().invoke(satlock, ["prove", str(tmp_path / "script.py.lock")]).exit_code == 0


def test_platforms_and_sources_of_a_script(index_server: Start, tmp_path: Path) -> None:
    """Requirements of a script know entries by name alone, so that these say where they are for."""
    url = repository(tree(tmp_path / "gitlib", "gitlib", "1.5", ["twig"]))
    needs = '["leaf<2; sys_platform == \'win32\'", "leaf>=2,<3; sys_platform != \'win32\'", "gitlib"]'
    more = f'[tool.uv]\nconstraint-dependencies = ["twig<9"]\n[tool.uv.sources]\ngitlib = {{git = "{url}"}}\n'
    script = script_in(tmp_path, index_server(WORLD).url(DEFAULT), needs, more)
    locked(script, "--format", "uv")
    assert accepted(script) == ["gitlib==1.5", "leaf==2.0", "twig==1.0"]
    locked(script, "--format", "uv", "--check", "--no-cache")


def test_groups_of_a_script_have_no_effect(index_server: Start, tmp_path: Path) -> None:
    more = '[dependency-groups]\ndev = ["twig"]\n'
    script = script_in(tmp_path, index_server(WORLD).url(DEFAULT), '["leaf"]', more)
    said = locked(script, "--format", "uv").output
    assert "is no key of a script's metadata and has no effect" in said
    assert accepted(script) == ["leaf==3.0"]


def test_a_changed_script_makes_its_lock_out_of_date(index_server: Start, tmp_path: Path) -> None:
    index = index_server(WORLD).url(DEFAULT)
    script = script_in(tmp_path, index, '["leaf"]')
    locked(script, "--format", "uv")
    script_in(tmp_path, index, '["leaf<3"]')
    said = locked(script, "--format", "uv", "--check", code=1).output
    assert "its requirements are not those of the project (leaf)" in said
    assert Uv(tmp_path).run("lock", "--check", "--script", "script.py").returncode == 1
