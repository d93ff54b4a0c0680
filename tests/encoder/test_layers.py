"""Settings from outside of a project's file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from satlock.encoder.project.layers import Around, joined
from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.uv_view import uv_view_of
from satlock.encoder.project.values import Value


def layer(place: str, **settings: object) -> dict[str, Value]:
    return {key.replace("_", "-"): Value(raw, place, key.replace("_", "-")) for key, raw in settings.items()}


def write(folder: Path, text: str = "", **files: str) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "pyproject.toml"
    path.write_text(f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n{text}')
    for name, said in files.items():
        (folder / f"{name}.toml").write_text(said)
    return path


def test_the_stronger_place_wins(tmp_path: Path):
    path = write(tmp_path, '[tool.uv]\nprerelease = "disallow"\nresolution = "lowest"\n')
    around = Around(
        above=[
            layer("options", prerelease="allow"),
            layer("environment", prerelease="explicit", fork_strategy="fewest"),
        ],
        below=[layer("user", resolution="lowest-direct", index_strategy="unsafe-best-match")],
    )
    project = read_project(path, around=around)
    assert (project.prerelease, project.fork_strategy) == ("allow", "fewest")
    assert (project.resolution, project.index_strategy) == ("lowest", "unsafe-best-match")
    assert uv_view_of(path, around=around).project.prerelease == "allow"


def test_lists_follow_one_another_and_tables_are_joined(tmp_path: Path):
    path = write(
        tmp_path, '[tool.uv]\nno-build-package = ["b"]\nexclude-newer-package = { b = false, c = "2024-01-01" }\n'
    )
    around = Around(
        above=[layer("options", no_build_package=["a"], exclude_newer_package={"c": False, "d": "2025-01-01"})],
        below=[layer("user", no_build_package=["e"])],
    )
    project = read_project(path, around=around)
    assert project.no_build_package == {"a", "b", "e"}
    assert project.exclude_newer_package == {"b": None, "c": None, "d": datetime(2025, 1, 2, tzinfo=UTC)}
    assert set(uv_view_of(path, around=around).exclude_newer_package) == {"b", "c", "d"}


def test_what_satlock_says_wins_over_uv_and_options_over_both(tmp_path: Path):
    path = write(tmp_path, '[tool.uv]\nfork-strategy = "requires-python"\n[tool.satlock]\nfork-strategy = "fewest"\n')
    assert read_project(path).fork_strategy == "fewest"
    above = Around(above=[layer("options", fork_strategy="requires-python")])
    assert read_project(path, around=above).fork_strategy == "requires-python"


def test_errors_name_the_place(tmp_path: Path):
    around = Around(above=[layer("the environment", fork_strategy="few")])
    with pytest.raises(ProjectError, match=r"^fork-strategy in the environment is 'few'; write one of"):
        read_project(write(tmp_path), around=around)
    both = joined([Value(["a"], "one", "x"), Value([1], "two", "y")])
    with pytest.raises(ProjectError, match=r"^entry 1 of y in two is 1; write"):
        [item.name("package name") for item in both.items()]


def test_a_uv_toml_beside_the_project_hides_its_table(tmp_path: Path):
    path = write(
        tmp_path,
        '[tool.uv]\nprerelease = "allow"\nconstraint-dependencies = ["c<1"]\n'
        '[[tool.uv.index]]\nname = "torch"\nurl = "https://index.example/torch"\n'
        '[[tool.uv.index]]\nurl = "https://index.example/nobody"\ndefault = true\n',
        uv='resolution = "lowest"\n[[index]]\nname = "main"\nurl = "https://index.example/main"\ndefault = true\n',
    )
    project = read_project(path)
    assert (project.prerelease, project.resolution) == ("if-necessary", "lowest")
    assert [constraint.name for constraint in project.constraints] == ["c"]
    assert [(index.name, index.default, index.explicit) for index in project.indexes] == [
        ("torch", False, True),
        ("main", True, False),
    ]
    assert "hides" in project.warnings[0]


def test_a_project_without_settings_has_those_of_the_folder_above(tmp_path: Path):
    write(tmp_path, '[tool.uv]\nprerelease = "allow"\noverride-dependencies = ["a==1"]\n')
    path = write(tmp_path / "inner")
    project = read_project(path)
    assert (project.prerelease, project.overrides) == ("allow", ())
    path.write_text(path.read_text() + "[tool.uv]\n")
    assert read_project(path).prerelease == "if-necessary"
