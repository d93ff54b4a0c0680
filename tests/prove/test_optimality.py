"""Certificates that no newer version serves: they are checked without a solver, and no forged one is."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from satlock.cli.certifying import _holds
from satlock.encoder.markers.marker import FALSE
from satlock.solver.checking.certificate import Bad, check_certificate
from satlock.solver.checking.claims import Checked
from satlock.solver.checking.versions import admits
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.locking import Locked
from satlock.solver.objective.environments import Environments
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.optimality import Finding, optimality_of
from satlock.solver.proofs.unique import prove_unique
from satlock.solver.writing.pylock_text import to_toml
from tests.cli.scene import scene_of, world_of
from tests.cli.test_why import PACKAGES, on, pyproject
from tests.test_fresh import dated
from tests.test_properties import NIGHTLY, Draw, kinds, locked
from tests.world import Dist, World

WISHED: Mapping[str, Mapping[str, Dist]] = {
    "engine": {"1": on(0), "2": replace(on(5), wheels=("cp311-cp311-win_amd64",))},
    "tool": {
        "1": on(0, "further; extra == 'fast'", extras=("fast",)),
        "2": on(3, "plugin<2"),
        "3": on(9, "plugin>=2", "further; extra == 'fast'", extras=("fast",)),
    },
    "plugin": {"1": on(0), "2": on(4, "engine>=2")},
    "further": {"1": on(0)},
    "old": {"1": on(0, "lib"), "2": on(6, "lib<2"), "3": on(8, "lib<2")},
    "lib": {"1": on(0), "2": on(100)},
}
"""What keeps these from being newer is wished for: a file, an extra, no escape."""


def certified(world: World, folder: Path) -> tuple[Locked, Path] | None:
    """The lock of a world, and its certificate; None where there is no lock or nothing is behind."""
    folder.mkdir(parents=True, exist_ok=True)
    world.write_project(folder)
    answer = locked(world, folder, objective="fresh")
    if not isinstance(answer, Locked):
        return None
    (folder / "pylock.toml").write_text(to_toml(answer.lock), encoding="utf-8")
    claims = optimality_of(answer, partial(_holds, folder / "pylock.toml", folder))
    if claims is None:
        return None
    proof = prove_unique(read_lockfile(folder / "pylock.toml", folder))
    if not write_certificate(folder / "certificate", [proof], claims, "2024-12-05"):
        return None
    return answer, folder / "certificate"


def of_optimality(found: list[Checked]) -> Checked:
    return next(one for one in found if one.property == "optimality")


@kinds
def test_certificates_of_random_locks_hold(draw: Draw, tmp_path: Path) -> None:
    """Whatever is behind somewhere has a claim, and each holds."""
    claims = 0
    for seed in range(600 if NIGHTLY else 60):
        made = certified(dated(draw(seed), seed), tmp_path / str(seed))
        if made is not None:
            found = of_optimality(check_certificate(made[1]).properties)
            behind = {cell.package.name for cell in made[0].reasons.behind()}
            assert set(found.claims) <= behind, seed
            claims += len(found.not_newer)
    assert claims > 60


@kinds
def test_every_package_that_is_behind_somewhere_has_a_claim(draw: Draw, tmp_path: Path) -> None:
    for seed in range(200 if NIGHTLY else 40):
        world = dated(draw(seed), seed)
        world.write_project(tmp_path)
        answer = locked(world, tmp_path, objective="fresh")
        if isinstance(answer, Locked):
            finding, environments = Finding(answer), Environments(answer.universe.domain)
            for cell in answer.reasons.behind():
                rank = answer.reasons.selection.ranks[cell] + 1
                where = answer.reasons.admissible.where(cell, answer.reasons.admissible.ranks(cell) >> rank << rank)
                seen = environments.of(finding.regions[cell] & where) if cell in finding.regions else FALSE
                assert bool(list(finding.of(cell))) == answer.universe.domain.satisfiable(seen), (seed, str(cell))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = certified(world_of(PACKAGES, pyproject("boto", "fs", "wide")), tmp_path)
    assert made is not None
    return made[1]


def test_the_command_writes_and_checks_it(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from satlock.cli.commands import satlock

    scene = scene_of(world_of(PACKAGES, pyproject("boto", "fs", "wide")), tmp_path)
    folder = tmp_path / "certificate"
    assert scene.lock("--certificate", str(folder)).exit_code == 0
    assert CliRunner().invoke(satlock, ["check", str(folder)]).exit_code == 2  # it is not beside the lockfile
    checked = CliRunner().invoke(satlock, ["check", str(folder), "--lockfile", str(scene.lockfile)])
    assert checked.exit_code == 0 and "Confirmed: optimality for boto, colours, core (" in checked.stderr


def test_any_changed_byte_is_refused(folder: Path) -> None:
    dice = random.Random(7)
    for path in sorted((folder / "optimality").iterdir()):
        content = bytearray(path.read_bytes())
        place = dice.randrange(len(content))
        content[place] ^= 1
        kept = path.read_bytes()
        path.write_bytes(bytes(content))
        with pytest.raises(Bad):
            check_certificate(folder)
        path.write_bytes(kept)
    check_certificate(folder)


def test_what_is_wished_for_is_told(tmp_path: Path) -> None:
    made = certified(world_of(WISHED, pyproject("engine", "tool[fast]", "old", "lib")), tmp_path)
    assert made is not None
    claims = {one.package: one for one in of_optimality(check_certificate(made[1]).properties).not_newer}
    assert claims["engine"].facts == ("1 version of engine has no file there",)
    assert "1 version of tool has no extra fast" in claims["tool"].facts
    assert any("does not say yet that 1 version of lib is too new" in fact for fact in claims["lib"].facts)
    assert "CPython 3.12.0 on win32 (AMD64)" in claims["engine"].environments
    assert "CPython 3.11.0 on win32 (AMD64)" not in claims["engine"].environments


def test_each_environment_has_its_reason(tmp_path: Path) -> None:
    """One package, two environments: on Windows because of one requirement, elsewhere because of another."""
    packages = {
        "a": {"1": on(0), "2": on(1), "3": on(2)},
        "b": {"1": on(0, "a<2; sys_platform == 'win32'", "a<3; sys_platform != 'win32'")},
    }
    made = certified(world_of(packages, pyproject("a", "b")), tmp_path)
    assert made is not None
    found = of_optimality(check_certificate(made[1]).properties).not_newer
    assert {("1", True), ("2", False)} == {(one.version, "win32" in one.places[0]) for one in found}


@pytest.mark.parametrize("name", ["obligation.cnf", "proof.lrat", "legend.json", "obligation.smt2"])
def test_a_missing_line_is_refused(folder: Path, name: str) -> None:
    lines = (folder / "optimality" / name).read_text().splitlines(keepends=True)
    rewrite(folder, name, "".join([*lines[: len(lines) // 2], *lines[len(lines) // 2 + 1 :]]))
    with pytest.raises(Bad):
        check_certificate(folder)


def test_the_certificate_of_another_lock_is_refused(folder: Path) -> None:
    path = folder.parent / "pylock.toml"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(Bad):
        check_certificate(folder)


def rewrite(folder: Path, name: str, text: str) -> None:
    (folder / "optimality" / name).write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][f"optimality/{name}"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_the_checker_reads_specifiers_as_packaging_does() -> None:
    dice = random.Random(1)

    def version(local: bool) -> str:
        text = "1!" if dice.random() < 0.05 else ""
        text += ".".join(str(dice.randint(0, 2)) for _ in range(dice.randint(2, 3)))
        text += f"{dice.choice(['a', 'b', 'rc'])}{dice.randint(0, 2)}" if dice.random() < 0.3 else ""
        text += f".post{dice.randint(0, 2)}" if dice.random() < 0.25 else ""
        text += f".dev{dice.randint(0, 2)}" if dice.random() < 0.2 else ""
        return text + (dice.choice(["+cpu", "+1", "+cu12.1"]) if local and dice.random() < 0.2 else "")

    for _ in range(6_000):
        op = dice.choice(["==", "!=", "<", ">", "<=", ">=", "~=", "==*", "!=*", "==="])
        said = f"{dice.randint(0, 2)}.{dice.randint(0, 2)}.*" if "*" in op else version(op in ("==", "!=", "==="))
        specifier, one = f"{op.removesuffix('*')}{said}", version(True)
        assert admits(specifier, one) == SpecifierSet(specifier).contains(one, prereleases=True), (specifier, one)
