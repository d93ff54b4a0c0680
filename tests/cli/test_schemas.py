"""Every report of ``--json`` is what its schema in ``docs/schemas`` says, and the schemas say what is there."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from satlock.cli.commands import satlock
from satlock.encoder.project.settings import KEYS_OF_SATLOCK
from tests.cli.scene import ROOT, Scene, pyproject, scene_of, world_of
from tests.world import Dist

SCHEMAS = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "docs" / "schemas").glob("*.json")}
PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "a": {"1": Dist(("c<2",)), "2": Dist(("c<2",))},
    "b": {"1": Dist(), "2": Dist(requires_python=">=3.12")},
    "c": {"1": Dist(), "2": Dist()},
}
MORE = '[project.optional-dependencies]\nx = ["a<2"]\ny = ["a>=2"]\n'
APART = '[tool.uv]\nconflicts = [[{ extra = "x" }, { extra = "y" }]]\n'
ADVISORY = {
    "id": "X-1",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "c"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    found = scene_of(world_of(PACKAGES, pyproject("a", "b", more=MORE + APART)), tmp_path_factory.mktemp("scene"))
    assert found.lock().exit_code == 0
    (found.project / "advisories.json").write_text(json.dumps(ADVISORY))
    return found


def report(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(satlock, [str(argument) for argument in arguments])
    found: dict[str, Any] = json.loads(done.stdout)
    kind = found["schema"].removeprefix("satlock/")
    Draft202012Validator(SCHEMAS[kind]).validate(found)
    return done.exit_code, {**found, "kind": kind}


def here(scene: Scene) -> list[str]:
    return ["--project", str(scene.project), "--corpus", str(scene.snapshot), "--json"]


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_a_schema_is_one(schema: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[schema])


def test_they_are_what_the_script_writes() -> None:
    done = subprocess.run([sys.executable, "docs/make_schemas.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "status"),
    [
        (["lock"], "lock", "unchanged"),
        (["lock", "--check"], "lock", "valid"),
        (["lock", "--upgrade", "--dry-run"], "lock", "unchanged"),
        (["lock", "--frozen"], "lock", "there"),
        (["why", "a"], "why", "locked"),
        (["why", "c>=2"], "why", "impossible"),
        (["why", "c<2"], "why", "met"),
        (["conflicts"], "conflicts", "none"),
        (["outdated"], "outdated", None),
        (["audit", "--database", "{project}/advisories.json"], "audit", None),
    ],
)
def test_what_asks_indexes(scene: Scene, arguments: list[str], kind: str, status: str | None) -> None:
    name, *rest = (argument.format(project=scene.project) for argument in arguments)
    _, found = report(name, *here(scene), *rest)
    assert (found["kind"], found.get("status")) == (kind, status)


def test_what_reads_locks(scene: Scene) -> None:
    assert report("tree", scene.lockfile, "--json")[1]["kind"] == "tree"
    assert report("diff", scene.lockfile, scene.lockfile, "--json")[1]["kind"] == "diff"
    assert report("prove", scene.lockfile, "--json")[1]["kind"] == "prove"
    assert report("prove", scene.lockfile, "--json", "--unique", "a", "--index-pins")[1]["kind"] == "prove"
    assert report("corpus", "show", scene.snapshot, "--json")[1]["kind"] == "corpus"


def test_what_reads_certificates(tmp_path: Path) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("a", "b", more=MORE + APART)), tmp_path)
    proof = scene.project / "proof"
    done = CliRunner().invoke(satlock, ["lock", "--certificate", str(proof), *here(scene)])
    assert done.exit_code == 0, done.stderr
    for options in ([], ["--lockfile", str(scene.lockfile)]):
        code, found = report("check", proof, *options, "--json")
        assert (code, found["kind"], found["confirmed"]) == (0, "check", True)
        assert {one["property"] for one in found["properties"]} >= {"unique", "optimality"}
    scene.lockfile.write_text(scene.lockfile.read_text("utf-8") + "# changed\n", "utf-8")
    code, found = report("check", proof, "--json")
    assert (code, found["confirmed"]) == (1, False) and found["reason"]


def test_what_says_no(tmp_path: Path) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("a", "b", more=MORE)), tmp_path)
    code, found = report("lock", *here(scene))
    assert (code, found["kind"], found["status"]) == (1, "lock", "no lock") and found["ways-out"]
    code, found = report("conflicts", *here(scene))
    assert (code, found["status"]) == (0, "conflicts")
    code, found = report("why", "a", *here(scene))
    assert (code, found["status"]) == (1, "no lock")
    for dry in (["--dry-run"], []):
        code, found = report("lock", *here(scene), "--apply", "1", *dry)
        assert (code, found["status"]) == (0, "would lock" if dry else "locked")
        assert found["applied"]["changes"] and found["applied"]["difference"][0] == "--- a/pyproject.toml"
    scene.rewrite(pyproject("a<2"))
    assert report("lock", *here(scene))[1]["status"] == "locked"
    scene.rewrite(pyproject("a>=2"))
    code, found = report("lock", "--check", *here(scene))
    assert (code, found["status"]) == (1, "out of date") and found["reason"]
    assert report("lock", *here(scene))[1]["changes"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["lock", "--project", "gone", "--json"],
        ["lock", "--no-such-option", "--json"],
        ["lokc", "--json"],
        ["why", "???", "--json"],
        ["prove", "gone.lock", "--json"],
        ["tree", "gone.lock", "--json"],
        ["diff", "gone", "gone", "--json"],
    ],
)
def test_what_is_wrong_is_reported_too(arguments: list[str]) -> None:
    code, found = report(*arguments)
    assert (code, found["kind"], found["exit-code"]) == (2, "error", 2) and found["error"][0]


def test_the_table_of_a_project() -> None:
    validator = Draft202012Validator(SCHEMAS["tool-satlock"])
    assert set(SCHEMAS["tool-satlock"]["properties"]) == KEYS_OF_SATLOCK
    text = (
        '[tool.satlock]\nsingle-version = ["torch"]\noutput = "uv.lock"\nprerelease = "allow"\n'
        'conflicts = [[{ extra = "a" }, { group = "b", package = "c" }]]\n'
    )
    assert validator.is_valid(tomllib.loads(text)["tool"]["satlock"])
    assert not validator.is_valid({"conflicts": [{"extra": "a"}, {"extra": "b"}]})
    assert not validator.is_valid({"prerelease": "sometimes"})
    assert not validator.is_valid({"single-version": "torch"})
