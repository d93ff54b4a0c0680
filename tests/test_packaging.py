"""What is built and installed: one package beside everybody else's, with code and nothing more in the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("cli", "corpora", "encoder", "solver")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _uv(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    _uv("build", "--quiet", "--sdist", "--out-dir", folder, ROOT)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _uv("build", "--quiet", "--wheel", "--out-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_one_package_with_all_of_the_code(wheel: Path) -> None:
    held = {name for name in _names(wheel) if ".dist-info/" not in name}
    scripts = set(ROOT.glob("corpora/make_*.py"))
    code = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")} - scripts
    expected = {f"satlock/{path.relative_to(ROOT).as_posix()}" for path in code}
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "satlock").glob("*.py")}
    assert len(expected) > 200
    assert held == expected | own | {"satlock/py.typed"}


def test_the_sdist_holds_what_it_takes_to_build_and_test(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
        held = {member.name.partition("/")[2] for member in members}
        assert all(member.isfile() or member.isdir() for member in members)  # links do not unpack on Windows
        archive.extractall(tmp_path, filter="data")
    for name in (
        "CONTRIBUTING.md", "README.md", "pyproject.toml", "docs/architecture.md", "tests/test_packaging.py",
        "corpora/make_origin.py", "corpora/origin/origin.snapshot", "corpora/torch/torch.snapshot",
    ):  # fmt: skip
        assert name in held
    _uv("build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", tmp_path / sdist.name.removesuffix(".tar.gz"))
    assert _names(next((tmp_path / "dist").glob("*.whl"))) == _names(wheel)


def _neighbour(folder: Path) -> Path:
    """A wheel of a package that owns the names of satlock's folders as its own top-level packages."""
    path = folder / "neighbour-1.0-py3-none-any.whl"
    files = {f"{name}/__init__.py": "OWNER = 'neighbour'\n" for name in FOLDERS}
    files["neighbour-1.0.dist-info/METADATA"] = "Metadata-Version: 2.1\nName: neighbour\nVersion: 1.0\n"
    files["neighbour-1.0.dist-info/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files["neighbour-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


class _Installed:
    """An environment to install into, where the requirements of satlock are those of this one."""

    def __init__(self, folder: Path) -> None:
        _uv("venv", "--quiet", "--python", sys.executable, folder)
        self.folder = folder
        """Where commands run, which Python looks into as well."""
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        self.packages = Path(self.run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
        (self.packages / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(self, *command: str | Path, **environment: str) -> str:
        done = subprocess.run(
            [*map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            env={**ENVIRONMENT, **environment},
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pip(self, command: str, *arguments: str | Path) -> None:
        _uv("pip", command, "--quiet", "--python", self.python, *arguments)

    def new_names(self) -> set[str]:
        """Top-level names that can be imported from here."""
        return {
            path.name.partition(".")[0]
            for path in self.packages.iterdir()
            if not path.name.startswith("_") and not path.name.endswith((".dist-info", ".pth"))
        }

    def neighbour_works(self) -> None:
        owners = self.run(
            self.python, "-c", f"import {', '.join(FOLDERS)}; print({', '.join(f'{n}.OWNER' for n in FOLDERS)})"
        )
        assert owners.split() == ["neighbour"] * len(FOLDERS)

    def satlock_works(self, folder: Path, **environment: str) -> None:
        output = folder / "pylock.toml"
        output.unlink(missing_ok=True)
        origin = ROOT / "corpora" / "origin"
        command = ("lock", "--project", origin, "--corpus", origin / "origin.snapshot", "--output", output)
        self.run(self.scripts / "satlock", *command, **environment)
        assert 'version = "2.5.1+cpu"' in output.read_text(encoding="utf-8")
        self.run(self.python, "-m", "satlock", "prove", output, "--project", origin, **environment)


def test_it_lives_beside_a_package_that_owns_the_names_of_its_folders(wheel: Path, tmp_path: Path) -> None:
    neighbour = _neighbour(tmp_path)
    for first, second in ((neighbour, wheel), (wheel, neighbour)):
        here = _Installed(tmp_path / f"beside-{first.name.partition('-')[0]}")
        here.pip("install", "--no-deps", first)
        here.pip("install", "--no-deps", second)
        assert here.new_names() == {"satlock", *FOLDERS}
        here.neighbour_works()
        here.satlock_works(tmp_path)
        here.pip("uninstall", "satlock")
        assert here.new_names() == set(FOLDERS)
        here.neighbour_works()
        here.pip("install", "--no-deps", wheel)
        here.pip("uninstall", "neighbour")
        assert here.new_names() == {"satlock"}
        here.satlock_works(tmp_path)


def test_folders_of_a_project_do_not_hijack_the_command(wheel: Path, tmp_path: Path) -> None:
    here = _Installed(tmp_path / "environment")
    here.pip("install", "--no-deps", wheel)
    for name in FOLDERS:
        (here.folder / name).mkdir()
        (here.folder / name / "__init__.py").write_text("raise SystemExit('hijacked')\n")
    here.satlock_works(tmp_path, PYTHONPATH=str(here.folder))
