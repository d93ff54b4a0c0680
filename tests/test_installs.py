"""Locks of the origin's case, installed for real by pip and uv from an index on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.tags import sys_tags

from satlock.cli.commands import satlock
from satlock.corpora.index.index import LiveCorpus
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.writing.pylock_text import to_toml
from tests.index_server import IndexServer
from tests.world import DEFAULT, Dist, World

pytestmark = pytest.mark.slow

CPU, CU = "https://index.example/whl/cpu", "https://index.example/whl/cu124"
HERE = f"py3-none-{next(tag.platform for tag in sys_tags() if tag.platform != 'any')}"
"""A wheel for the platform that runs the tests, and for no other."""
ELSEWHERE = "py3-none-macosx_11_0_arm64" if "macosx" not in HERE else "py3-none-win_amd64"
NEEDS = ("filelock", "sympy>=1.13", "setuptools; python_version >= '3.11'")
NVIDIA = ("nvidia-cudnn==9.1.0", "triton==3.1.0; sys_platform != 'cygwin'")

WORLD = World(
    f"""
    [project]
    name = "proj"
    version = "0.1.0"
    requires-python = ">=3.11"
    dependencies = ["torchmetrics>=1.6"]
    [project.optional-dependencies]
    cpu = ["torch==2.5.1"]
    cu124 = ["torch==2.5.1"]
    [dependency-groups]
    dev = ["checker"]
    [tool.uv]
    conflicts = [[{{ extra = "cpu" }}, {{ extra = "cu124" }}]]
    default-groups = []
    [tool.uv.sources]
    torch = [{{ index = "cpu", extra = "cpu" }}, {{ index = "cu124", extra = "cu124" }}]
    [[tool.uv.index]]
    name = "cpu"
    url = "{CPU}"
    explicit = true
    [[tool.uv.index]]
    name = "cu124"
    url = "{CU}"
    explicit = true
    """,
    {
        DEFAULT: {
            "torchmetrics": {"1.6.0": Dist(("torch>=2.0", "numpy"))},
            "torch": {
                "2.5.1": Dist((*NEEDS, *NVIDIA), wheels=(HERE, ELSEWHERE)),
                "2.6.0": Dist(yanked="too new"),
            },
            "numpy": {"2.1.3": Dist()},
            "filelock": {"3.16.1": Dist()},
            "sympy": {"1.13.1": Dist(("mpmath<1.4",)), "1.13.3": Dist(("mpmath<1.4",))},
            "mpmath": {"1.3.0": Dist(), "1.4.0": Dist()},
            "setuptools": {"75.6.0": Dist(wheels=(), sdist=True)},
            "nvidia-cudnn": {"9.1.0": Dist(), "9.5.0": Dist()},
            "triton": {"3.1.0": Dist(wheels=(HERE,))},
            "checker": {"1.0": Dist(("filelock>=3",))},
        },
        CPU: {"torch": {"2.5.1+cpu": Dist(NEEDS, wheels=(HERE,)), "2.5.1": Dist(NEEDS, wheels=(ELSEWHERE,))}},
        CU: {"torch": {"2.5.1+cu124": Dist((*NEEDS, *NVIDIA), wheels=(HERE,))}},
    },
)
COMMON = {
    "torchmetrics": "1.6.0", "numpy": "2.1.3", "filelock": "3.16.1", "sympy": "1.13.3", "mpmath": "1.3.0",
    "setuptools": "75.6.0",
}  # fmt: skip
CUDA = {"nvidia-cudnn": "9.1.0", "triton": "3.1.0"}
EXPECTED = {
    "": {**COMMON, **CUDA, "torch": "2.5.1"},
    "cpu": {**COMMON, "torch": "2.5.1+cpu"},
    "cu124": {**COMMON, **CUDA, "torch": "2.5.1+cu124"},
}
INDEX = {"": DEFAULT, "cpu": CPU, "cu124": CU}

Start = Callable[..., IndexServer]


@pytest.fixture
def lockfile(index_server: Start, tmp_path: Path) -> Path:
    """The lock of the case, made over HTTP."""
    server = index_server(WORLD)
    project = read_project(server.world.write_project(tmp_path))
    with LiveCorpus(cache_dir=tmp_path / "cache") as corpus:
        found = lock(project, corpus, default_index=server.world.default_index)
    path = tmp_path / "pylock.toml"
    path.write_text(to_toml(found.lock), encoding="utf-8")
    return path


class Venv:
    """An empty environment, and an installer that knows no other index than the lock's."""

    def __init__(self, folder: Path, installer: str) -> None:
        if installer == "uv" and shutil.which("uv") is None:
            pytest.skip("uv is not installed")
        self.installer = installer
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self.python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))}
        nowhere = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(folder / "uv-cache")}
        self.environment = {**kept, **nowhere, "no_proxy": "127.0.0.1"}

    def install(self, lockfile: Path, *, extra: str = "", group: str = "", more: Sequence[str] = ()) -> None:
        if self.installer == "pip":
            command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--no-cache-dir"]
            command += ["--disable-pip-version-check", "-r", f"{lockfile.name}[{extra}]" if extra else lockfile.name]
            command += ["--group", f"{lockfile.name}:{group}"] if group else []
        else:
            command = ["uv", "pip", "install", "--python", str(self.python), "-r", lockfile.name]
            command += ["--extra", extra] if extra else []
            command += ["--group", group] if group else []
            command += ["--index-strategy", "unsafe-best-match"] if more else []
        command += more
        ran = subprocess.run(
            command, cwd=lockfile.parent, env=self.environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def installed(self) -> dict[str, str]:
        code = "from importlib import metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        found = [line.split("==") for line in self.run(code).split()]
        assert len(dict(found)) == len(found), found
        return dict(found)

    def run(self, code: str) -> str:
        return subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize("extra", ["", "cpu", "cu124"], ids=["nothing", "cpu", "cu124"])
def test_each_choice_installs_one_torch_and_all_that_it_needs(
    lockfile: Path, tmp_path: Path, installer: str, extra: str
) -> None:
    venv = Venv(tmp_path, installer)
    venv.install(lockfile, extra=extra)
    assert venv.installed() == EXPECTED[extra]
    assert venv.run("import torch; print(torch.VERSION, torch.INDEX)").split() == [
        EXPECTED[extra]["torch"], INDEX[extra],
    ]  # fmt: skip


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_group_installs_with_what_it_needs(lockfile: Path, tmp_path: Path, installer: str) -> None:
    venv = Venv(tmp_path, installer)
    venv.install(lockfile, group="dev")
    assert venv.installed() == {**EXPECTED[""], "checker": "1.0"}


@pytest.mark.parametrize(
    ("installer", "extra", "universal"),
    [("pip", "cpu", True), ("uv", "cpu", True), ("pip", "cu124", False), ("uv", "", False)],
)
def test_an_exported_choice_installs_with_hashes_required(
    lockfile: Path, tmp_path: Path, installer: str, extra: str, universal: bool
) -> None:
    requirements = tmp_path / "requirements.txt"
    arguments = [*(["--extra", extra] if extra else []), "-o", str(requirements)]
    arguments += [] if universal else ["--python-version", "{}.{}.{}".format(*sys.version_info[:3])]
    done = CliRunner().invoke(satlock, ["export", str(lockfile), *arguments])
    assert done.exit_code == 0, done.output
    venv = Venv(tmp_path, installer)
    venv.install(requirements, more=["--require-hashes"])
    assert venv.installed() == EXPECTED[extra]
    assert venv.run("import torch; print(torch.INDEX)") == INDEX[extra]


def test_one_environment_goes_from_choice_to_choice(lockfile: Path, tmp_path: Path) -> None:
    """With uv, which is fast: each choice replaces the torch of the one before."""
    venv = Venv(tmp_path, "uv")
    for extra in ("cpu", "cu124", ""):
        venv.install(lockfile, extra=extra)
        assert venv.installed()["torch"] == EXPECTED[extra]["torch"]
