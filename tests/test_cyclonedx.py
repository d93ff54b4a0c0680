"""The bill of materials: valid by the schema of CycloneDX, with what the lock installs and no more."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from satlock.cli.commands import satlock
from tests.cli.scene import pyproject, scene_of, world_of
from tests.world import Dist

PACKAGES = {
    "web": {"1": Dist(("core", "colours; sys_platform == 'win32'"))},
    "core": {"1": Dist(), "2": Dist()},
    "colours": {"1": Dist()},
    "lint": {"1": Dist()},
}
MORE = """
[project.optional-dependencies]
old = ["core<2"]
new = ["core>=2"]
[dependency-groups]
dev = ["lint"]
[tool.uv]
conflicts = [[{ extra = "old" }, { extra = "new" }]]
"""


@pytest.fixture(scope="module", params=["pylock.toml", "uv.lock"])
def lockfile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = scene_of(world_of(PACKAGES, pyproject("web", more=MORE)), tmp_path_factory.mktemp("bom"))
    path = scene.project / str(request.param)
    assert scene.lock("--output", str(path)).exit_code == 0
    return path


def export(lockfile: Path, *arguments: str, form: str = "cyclonedx") -> Result:
    return CliRunner().invoke(satlock, ["export", str(lockfile), "--format", form, *arguments])


def components(done: Result) -> dict[tuple[str, str], dict[str, Any]]:
    assert done.exit_code == 0, done.stderr
    return {(one["name"], one["version"]): one for one in json.loads(done.stdout)["components"]}


@pytest.mark.parametrize("version", [SchemaVersion.V1_4, SchemaVersion.V1_5, SchemaVersion.V1_6])
def test_it_is_valid(lockfile: Path, version: SchemaVersion) -> None:
    for arguments in (["--whole-lock"], ["--extra", "new"]):
        done = export(lockfile, *arguments, form=f"cyclonedx{version.to_version()}")
        assert done.exit_code == 0, done.stderr
        assert JsonStrictValidator(version).validate_str(done.stdout) is None


def test_one_choice(lockfile: Path) -> None:
    done = export(lockfile, "--extra", "old", "--platform", "linux")
    assert set(components(done)) == {("web", "1"), ("core", "1"), ("lint", "1")}
    assert set(components(export(lockfile, "--no-group", "dev"))) == {("web", "1"), ("core", "2"), ("colours", "1")}
    found = json.loads(done.stdout)
    steps = {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}
    named = {one["bom-ref"]: one["name"] for one in found["components"]}
    assert {named[ref] for ref in steps["project"]} == {"web", "core", "lint"}
    (web,) = (ref for ref, name in named.items() if name == "web")
    assert [named[ref] for ref in steps[web]] == ["core"]
    assert found["metadata"]["component"] | {"bom-ref": ""} == {
        **{"bom-ref": "", "name": "proj", "version": "0.1.0", "type": "application"}
    }


def test_the_whole_lock(lockfile: Path) -> None:
    found = components(export(lockfile, "--whole-lock"))
    markers = {
        key: [p["value"] for p in one["properties"] if p["name"] == "satlock:marker"] for key, one in found.items()
    }
    assert markers == {
        ("web", "1"): [],
        ("core", "1"): ["'old' in extras"],
        ("core", "2"): ["'old' not in extras"],
        ("colours", "1"): ["sys_platform == 'win32'"],
        ("lint", "1"): ["'dev' in dependency_groups"],
    }


def test_files_and_hashes(lockfile: Path) -> None:
    (file,) = components(export(lockfile))["web", "1"]["externalReferences"]
    assert file["url"].startswith("https://") and file["url"].endswith("web-1-py3-none-any.whl")
    assert [one["alg"] for one in file["hashes"]] == ["SHA-256"]


def test_the_same_bytes_every_time(lockfile: Path) -> None:
    assert export(lockfile).stdout == export(lockfile).stdout != export(lockfile, "--extra", "new").stdout


def test_choices_that_exclude_each_other(lockfile: Path) -> None:
    done = export(lockfile, "--all-extras")
    assert done.exit_code == 2 and done.stdout == ""


def test_without_the_library(lockfile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "satlock.solver.writing.cyclonedx":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    done = export(lockfile)
    assert done.exit_code == 2 and "satlock[sbom]" in done.stderr


POETRY_LOCK = """
[[package]]
name = "core"
version = "1"
groups = ["main"]
files = []
[package.source]
type = "git"
url = "https://git.example/core"
reference = "main"
resolved_reference = "0123abc"
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
"""
PDM_LOCK = """
[metadata]
groups = ["default"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
[[package]]
name = "core"
version = "1"
groups = ["default"]
path = "./my core"
"""


@pytest.mark.parametrize(
    ("name", "text", "purl", "said"),
    [
        ("poetry.lock", POETRY_LOCK, "vcs_url=git%2Bhttps://git.example/core%400123abc", {"satlock:git"}),
        ("pdm.lock", PDM_LOCK, "pkg:pypi/core@1", {"satlock:path"}),
    ],
)
def test_what_comes_from_a_repository_or_a_folder(
    name: str, text: str, purl: str, said: set[str], tmp_path: Path
) -> None:
    """The commit is no part of the address, and a path with a space is one."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = components(export(tmp_path / name, "--whole-lock"))["core", "1"]
    assert purl in found["purl"]
    assert {one["name"] for one in found["properties"]} == said
