"""Which files a lock lists: against `packaging`'s own tags, environment by environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from satlock.corpora.facts import File
from satlock.encoder.markers.marker import TRUE, from_marker
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Project
from satlock.encoder.project.reading import read_project
from satlock.solver.lockfiles.serving import Serving

NAMES = [
    "m-1-cp38-cp38-manylinux_2_17_x86_64.whl", "m-1-cp311-cp311-manylinux_2_17_x86_64.whl",
    "m-1-cp313-cp313-manylinux_2_17_x86_64.whl", "m-1-cp313-cp313t-manylinux_2_17_x86_64.whl",
    "m-1-cp312-cp312-manylinux_2_17_aarch64.whl", "m-1-cp312-cp312-macosx_11_0_arm64.whl",
    "m-1-cp312-cp312-win_amd64.whl", "m-1-cp39-abi3-manylinux_2_17_x86_64.whl", "m-1-py2-none-any.whl",
    "m-1-py3-none-any.whl", "m-1-cp310-cp310-musllinux_1_2_x86_64.whl", "m-1-pp311-pypy311_pp73-win_amd64.whl",
    "m-1-py3-none-unheard_of_1.whl", "m-1.tar.gz",
]  # fmt: skip


def project(folder: Path, pythons: str, environments: str = "") -> Project:
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "p"\nversion = "1"\nrequires-python = "{pythons}"\n'
        f"[tool.uv]\nenvironments = [{environments}]\n"
    )
    return read_project(folder)


def kept(project: Project, where: str = "") -> set[str]:
    files = [File(name, f"https://files.example/{name}", (), None, None, None, None, None) for name in NAMES]
    region = from_marker(Marker(where)) if where else TRUE
    return {file.filename for file in Serving(project).of(files, region)}


def test_what_serves_nobody_is_left_out(tmp_path: Path) -> None:
    linux = "\"sys_platform == 'linux' and platform_machine == 'x86_64'\""
    assert kept(project(tmp_path, ">=3.11", linux)) == {
        "m-1-cp311-cp311-manylinux_2_17_x86_64.whl", "m-1-cp313-cp313-manylinux_2_17_x86_64.whl",
        "m-1-cp313-cp313t-manylinux_2_17_x86_64.whl", "m-1-cp39-abi3-manylinux_2_17_x86_64.whl", "m-1-py3-none-any.whl",
        "m-1-py3-none-unheard_of_1.whl", "m-1.tar.gz",
    }  # fmt: skip


@pytest.mark.parametrize(("where", "lost"), [
    ("sys_platform == 'win32'", {name for name in NAMES if "linux" in name or "macosx" in name or "py2" in name}
     | {"m-1-cp38-cp38-manylinux_2_17_x86_64.whl"}),
    ("python_version < '3.12'", {"m-1-cp38-cp38-manylinux_2_17_x86_64.whl", "m-1-py2-none-any.whl",
                                 *(name for name in NAMES if "cp312" in name or "cp313" in name)}),
])  # fmt: skip
def test_where_a_package_is_installed_decides(tmp_path: Path, where: str, lost: set[str]) -> None:
    assert kept(project(tmp_path, ">=3.10"), where) == set(NAMES) - lost


def test_where_nothing_serves_all_stay(tmp_path: Path) -> None:
    only = replace(project(tmp_path, ">=3.20"), environments=(Marker("sys_platform == 'emscripten'"),))
    files = [File(name, "https://files.example/x", (), None, None, None, None, None) for name in NAMES[:7]]
    assert list(Serving(only).of(files, TRUE)) == files
