"""Certificates that no newer version serves: they are checked without a solver, and no forged one is."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from satlock.solver.checking.certificate import Bad, Checked, check_certificate
from satlock.solver.checking.versions import admits
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.locking import Locked
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.optimality import optimality_of
from satlock.solver.proofs.unique import prove_unique
from satlock.solver.writing.pylock_text import to_toml
from tests.cli.scene import scene_of, world_of
from tests.cli.test_why import PACKAGES, pyproject
from tests.test_fresh import dated
from tests.test_properties import Draw, kinds, locked
from tests.world import World


def certified(world: World, folder: Path) -> tuple[Locked, Path] | None:
    """The lock of a world, and its certificate; None where there is no lock or nothing is behind."""
    folder.mkdir(parents=True, exist_ok=True)
    world.write_project(folder)
    answer = locked(world, folder, objective="fresh")
    if not isinstance(answer, Locked):
        return None
    claims = optimality_of(answer)
    if claims is None:
        return None
    (folder / "pylock.toml").write_text(to_toml(answer.lock), encoding="utf-8")
    proof = prove_unique(read_lockfile(folder / "pylock.toml", folder))
    if not write_certificate(folder / "certificate", [proof], claims):
        return None
    return answer, folder / "certificate"


def of_optimality(found: list[Checked]) -> Checked:
    return next(one for one in found if one.property == "optimality")


@kinds
def test_certificates_of_random_locks_hold(draw: Draw, tmp_path: Path) -> None:
    claims = 0
    for seed in range(40):
        made = certified(dated(draw(seed), seed), tmp_path / str(seed))
        if made is not None:
            found = of_optimality(check_certificate(made[1]).properties)
            behind = {cell.package.name for cell in made[0].reasons.behind()}
            assert {name.partition(" #")[0] for name in found.claims} <= behind, seed
            claims += len(found.claims)
    assert claims > 20


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
    assert checked.exit_code == 0 and "Confirmed: optimality for boto, colours #1, core (" in checked.stderr


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


def _drop_a_version(words: dict[str, Any]) -> None:
    words["cells"]["core"]["versions"].pop()


def _loosen(words: dict[str, Any]) -> None:
    fact = next(fact for fact in words["facts"] if fact["specifier"] == "<1.7")
    fact["specifier"] = "<1.8"


def _drop_a_fact(words: dict[str, Any]) -> None:
    words["facts"].pop()


def _claim_more(words: dict[str, Any]) -> None:
    words["claims"]["fs"] = {"package": "fs", "version": "2", "rank": 2, "newer": [[2, 2]], "kept": [], "absent": []}


def _claim_of_another_version(words: dict[str, Any]) -> None:
    words["claims"]["boto"] |= {"rank": 6, "version": "1.5"}


def _rename(words: dict[str, Any]) -> None:
    words["claims"]["boto"]["package"] = "fs"


def _say_absent(words: dict[str, Any]) -> None:
    words["claims"]["boto"]["absent"].append("fs")


def _give_up_what_is_kept(words: dict[str, Any]) -> None:
    words["claims"]["boto"]["kept"] = []


def _keep_what_is_not_locked(words: dict[str, Any]) -> None:
    (kept,) = words["claims"]["boto"]["kept"]
    kept |= {"rank": 1, "version": "1"}


def _invent_a_kind(words: dict[str, Any]) -> None:
    words["facts"].append({"kind": "rumour", "on": "core"})


def _call_a_cell_otherwise(words: dict[str, Any]) -> None:
    words["cells"]["core"]["package"] = "boto"


FORGERIES = [_drop_a_version, _loosen, _drop_a_fact, _claim_more, _claim_of_another_version, _rename, _say_absent,
             _give_up_what_is_kept, _keep_what_is_not_locked, _invent_a_kind, _call_a_cell_otherwise]  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES)
def test_forged_words_are_refused(folder: Path, forge: Callable[[dict[str, Any]], None]) -> None:
    """With a manifest that fits."""
    words = json.loads((folder / "optimality/obligation.json").read_text())
    forge(words)
    replace(folder, "obligation.json", json.dumps(words, indent=1) + "\n")
    with pytest.raises(Bad):
        check_certificate(folder)


@pytest.mark.parametrize("name", ["obligation.cnf", "proof.lrat", "legend.json", "obligation.smt2"])
def test_a_missing_line_is_refused(folder: Path, name: str) -> None:
    lines = (folder / "optimality" / name).read_text().splitlines(keepends=True)
    replace(folder, name, "".join([*lines[: len(lines) // 2], *lines[len(lines) // 2 + 1 :]]))
    with pytest.raises(Bad):
        check_certificate(folder)


def test_the_certificate_of_another_lock_is_refused(folder: Path) -> None:
    path = folder.parent / "pylock.toml"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(Bad):
        check_certificate(folder)


def replace(folder: Path, name: str, text: str) -> None:
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
