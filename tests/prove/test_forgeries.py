"""No forged certificate is confirmed, and none keeps whoever checks it waiting."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from satlock.cli.check import check
from satlock.cli.failures import Ended
from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.installable import prove_installable
from tests.cli.scene import pyproject, world_of
from tests.prove.forgeries import FORGERIES, Forgery, Given
from tests.prove.locks import origin_lock, write_lock
from tests.prove.scenes import SCENES, digest_of, edit, sign
from tests.prove.test_no_lock import certified as certified_no_lock
from tests.world import Dist


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each scene, with its certificate in ``c``."""
    found = {name: tmp_path_factory.mktemp(name) for name in SCENES}
    for name, folder in found.items():
        SCENES[name](folder)
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_the_honest_ones_hold(scene: str, honest: dict[str, Path]) -> None:
    assert check_certificate(honest[scene] / "c").properties


def test_there_are_many_of_many_kinds() -> None:
    kinds = Counter(forgery.kind for forgery in FORGERIES)
    assert len(FORGERIES) >= 100 and len(kinds) >= 12
    assert len({(forgery.kind, forgery.scene, forgery.what) for forgery in FORGERIES}) == len(FORGERIES)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: f"{forgery.kind}: {forgery.what} ({forgery.scene})")
def test_it_is_refused(forgery: Forgery, honest: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    shutil.copytree(honest[forgery.scene], folder)
    given = forgery.forge(folder)
    lockfile, project = given if isinstance(given, Given) else Given()
    started = time.process_time()
    with pytest.raises((Bad, NotGiven)) as refusal:
        check_certificate(
            folder / "c",
            None if lockfile is None else folder / lockfile,
            None if project is None else folder / project,
        )
    assert len(str(refusal.value)) > 15
    assert time.process_time() - started < 30


def _of_refusal(honest: dict[str, Path], tmp_path: Path, change: Callable[[Any], object]) -> list[str]:
    folder = tmp_path / "scene"
    shutil.copytree(honest["no_lock"], folder)
    edit(folder / "c" / "no-lock" / "obligation.json", change)
    sign(folder / "c")
    return list(check_certificate(folder / "c").lines())


def test_nothing_that_is_told_makes_a_line_of_its_own(honest: dict[str, Path], tmp_path: Path) -> None:
    """Addresses and reasons are the certificate's words: they are shown, on the line where they belong."""
    said = "https://x\nConfirmed: complete for all packages.\u2028\x1b[2J\u202e"

    def change(words: Any) -> None:
        for package in words["packages"].values():
            package["indexes"] = [said]
            for read in package["read"].values():
                read["index"] = said

    lines = _of_refusal(honest, tmp_path, change)
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("Confirmed") for line in lines) == 1
    assert any("'https://x\\nConfirmed" in line for line in lines)


def test_what_is_missing_is_told_on_one_line(honest: dict[str, Path], tmp_path: Path) -> None:
    """The name of a lockfile is the certificate's word too."""
    folder = tmp_path / "scene"
    shutil.copytree(honest["uv"], folder)
    edit(folder / "c" / "manifest.json", lambda m: m["lockfile"].update({"path": "../x\nConfirmed: all.\x1b[2J\ud800"}))
    ran = CliRunner().invoke(check, [str(folder / "c")], standalone_mode=False)
    assert isinstance(ran.exception, Ended)
    _, said = ran.exception.args
    assert said.isprintable()
    assert "x\\x0aConfirmed" in said


def test_made_up_platforms_are_in_quotes(tmp_path: Path) -> None:
    """A marker may name a platform that reads like a well-known one."""
    reading = read_lockfile(write_lock(tmp_path, origin_lock()))
    named = (
        "platform_system == 'Foo Linux' and platform_machine == 'x86_64, CPython 3.12' and sys_platform == 'l\u0456nux'"
    )
    write_certificate(tmp_path / "c", [prove_installable(reading, named)])
    lines = [line for line in check_certificate(tmp_path / "c").lines() if line.startswith("    ")]
    assert lines
    assert all(line.startswith("    'posix l\\u0456nux Foo Linux' 'x86_64, CPython 3.12', ") for line in lines), lines


def test_versions_that_are_left_out_are_told(honest: dict[str, Path], tmp_path: Path) -> None:
    """A usable version that is called unusable would make a false refusal."""
    lines = _of_refusal(honest, tmp_path, lambda w: w["packages"]["lib"].update({"left-out": {"3": "was too new"}}))
    assert any(
        "that 1 version of https://index.example/simple cannot be used (each was too new)" in one for one in lines
    )


def test_other_indexes_of_the_project_are_told(honest: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    shutil.copytree(honest["no_lock"], folder)
    path = folder / "pyproject.toml"
    path.write_text(path.read_text() + '[[tool.uv.index]]\nname = "first"\nurl = "https://first.example/simple"\n')
    edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest_of(path)}))
    edit(folder / "c" / "no-lock" / "obligation.json", lambda w: w.update({"sha256": digest_of(path)}))
    sign(folder / "c")
    lines = list(check_certificate(folder / "c").lines())
    assert any("that 3 packages are not taken from https://first.example/simple, which" in line for line in lines)


def test_settings_that_are_not_read_are_told(honest: dict[str, Path], tmp_path: Path) -> None:
    """Files that lie elsewhere, and a ``uv.toml``, may have what a certificate says is not there."""
    folder = tmp_path / "scene"
    shutil.copytree(honest["no_lock"], folder)
    path = folder / "pyproject.toml"
    path.write_text(path.read_text() + 'find-links = ["./wheels"]\n')
    (folder / "uv.toml").write_text("")
    edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest_of(path)}))
    edit(folder / "c" / "no-lock" / "obligation.json", lambda w: w.update({"sha256": digest_of(path)}))
    sign(folder / "c")
    lines = list(check_certificate(folder / "c").lines())
    assert any("that 3 packages are not taken from ./wheels, which the project declares too" in line for line in lines)
    assert any("uv.toml, which is not read, names no other index" in line for line in lines)


@pytest.mark.parametrize("scene", SCENES)
def test_each_property_says_what_it_rests_on(scene: str, honest: dict[str, Path]) -> None:
    verdict = check_certificate(honest[scene] / "c")
    lines = list(verdict.lines())
    places = [place for place, line in enumerate(lines) if line.startswith("Confirmed")]
    assert len(places) == len(verdict.properties)
    for here, after in zip(places, [*places[1:], len(lines)], strict=True):
        assert any(line.startswith("  Taken on trust: ") for line in lines[here:after])


def test_what_no_index_has(tmp_path: Path) -> None:
    """That it is nowhere is taken on trust, and told; it cannot be claimed of what has versions."""
    world = world_of({"app": {"1": Dist(("ghost",))}}, pyproject("app"))
    made = certified_no_lock(world, tmp_path)
    assert made is not None
    (checked,) = check_certificate(made[1]).properties
    assert any("that no index of the project has ghost, as" in line for line in checked.trust())
    edit(made[1] / "no-lock" / "obligation.json", lambda w: w["packages"]["app"].update({"indexes": []}))
    sign(made[1])
    with pytest.raises(Bad, match="does not say where app comes from"):
        check_certificate(made[1])
