"""Which Pythons a project is for that does not say so itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from satlock.encoder.project.interpreter import python_in_use
from satlock.encoder.project.layers import Around
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.requirements_txt import read_requirements
from satlock.encoder.project.script import read_script

RUNNING = f">={sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "nobody"))
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)
    monkeypatch.delenv("UV_PYTHON", raising=False)


def project_in(folder: Path, *, requires: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(f'[project]\nname = "p"\nversion = "1"\n{requires}')
    return path


def test_the_one_that_runs_where_nothing_says_more(tmp_path: Path):
    project = read_project(project_in(tmp_path))
    assert str(project.requires_python) == RUNNING
    assert project.warnings == (
        f"project.requires-python is missing, so the lock is for Python {RUNNING} (the Python that runs satlock); "
        "add it to say which Pythons the project is for.",
    )


def test_the_one_of_the_projects_files(tmp_path: Path):
    path = project_in(tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.13.2\n")
    assert str(read_project(path).requires_python) == ">=3.13"
    (tmp_path / ".python-version").write_text("# of the team\n\n3.12.4\n3.9\n")
    assert str(read_project(path).requires_python) == ">=3.12"
    assert ".python-version" in read_project(path).warnings[0]
    assert str(read_project(path, around=Around(python="3.14")).requires_python) == ">=3.14"
    assert str(read_project(path, around=Around(files=False)).requires_python) == ">=3.13"


def test_what_the_project_says_wins(tmp_path: Path):
    path = project_in(tmp_path, requires='requires-python = ">=3.10"')
    (tmp_path / ".python-version").write_text("3.12")
    project = read_project(path, around=Around(python="3.14"))
    assert (str(project.requires_python), project.warnings) == (">=3.10", ())


def test_of_a_workspace_the_nearest_file_counts(tmp_path: Path):
    project_in(tmp_path).open("a").write('[tool.uv.workspace]\nmembers = ["a"]\n')
    member = tmp_path / "a"
    member.mkdir()
    (member / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "1"\n')
    (member / ".python-version").write_text("3.9")
    (tmp_path / ".python-version").write_text("3.13")
    assert str(read_project(tmp_path).requires_python) == ">=3.13"
    assert str(read_project(member).requires_python) == ">=3.9"
    (member / ".python-version").unlink()
    assert str(read_project(member).requires_python) == ">=3.13"


def test_scripts_and_requirements_look_above(tmp_path: Path):
    (tmp_path / ".python-version").write_text("3.13")
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "run.py").write_text("# /// script\n# dependencies = []\n# ///\n")
    (folder / "requirements.in").write_text("numpy\n")
    assert str(read_script(folder / "run.py").requires_python) == ">=3.13"
    assert str(read_requirements(folder / "requirements.in").requires_python) == ">=3.13"


@pytest.mark.parametrize(
    ("request_", "version"),
    [
        ("3.12", (3, 12)),
        ("3.12.4", (3, 12)),
        ("312", (3, 12)),
        ("cpython@3.12", (3, 12)),
        ("cp312", (3, 12)),
        ("pypy3.10", (3, 10)),
        ("python3.13", (3, 13)),
        ("3.13t", (3, 13)),
        ("3.14+freethreaded", (3, 14)),
        ("3.14.0rc2", (3, 14)),
        ("cpython-3.12.4-linux-x86_64-gnu", (3, 12)),
        ("3", sys.version_info[:2]),
        ("any", sys.version_info[:2]),
        (">=3.99", (3, 99)),
        (f">={sys.version_info[0]}.{sys.version_info[1]}", sys.version_info[:2]),
        (sys.executable, sys.version_info[:2]),
        (sys.prefix, sys.version_info[:2]),
    ],
)
def test_requests(tmp_path: Path, request_: str, version: tuple[int, int]):
    assert python_in_use(tmp_path, tmp_path, request=request_).version == version
