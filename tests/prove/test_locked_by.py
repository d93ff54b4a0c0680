"""Locks that Poetry 2.5.1 and PDM 2.29.4 wrote (without their files), with markers, groups and extras."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from satlock.solver.checking.certificate import check_certificate
from satlock.solver.lockfiles.model import Switch
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.counterexample import command
from satlock.solver.proofs.unique import Answer, Proof, prove_unique

LOCKED = Path(__file__).parent / "locked_by"
OLD, NEW = r'markers = "extra == \"old\" and extra != \"new\""', r"and extra == \"new\" and extra != \"old\""
LATE, EARLY = 'marker = "python_version >= \\"3.12\\""\n', r"python_version < \"3.12\" and "


def _proof(folder: Path, tool: str, *changes: tuple[str, str], after: str = "") -> Proof:
    """Of the lock with the first of each text that comes ``after`` changed."""
    shutil.copytree(LOCKED / tool, folder, dirs_exist_ok=True)
    path = folder / f"{tool}.lock"
    for old, new in changes:
        before, mark, rest = path.read_text().partition(after) if after else ("", "", path.read_text())
        assert old in rest
        path.write_text(before + mark + rest.replace(old, new, 1))
    return prove_unique(read_lockfile(path))


def _refuted(proof: Proof) -> list[Answer]:
    return [answer for answer in proof.answers if not answer.proven]


@pytest.mark.parametrize("tool", ["poetry", "pdm"])
def test_proven_and_certified(tool: str, tmp_path: Path) -> None:
    proof = _proof(tmp_path, tool)
    assert not _refuted(proof) and len(proof.answers) == 19 and len(proof.goals) > 8
    write_certificate(tmp_path / "c", [proof])
    (checked,) = check_certificate(tmp_path / "c").properties
    assert len(checked.claims) == 19


@pytest.mark.parametrize(
    ("changes", "name", "printed"),
    [
        (((NEW, r"and extra == \"new\""), (OLD, OLD.replace(r" and extra != \"new\"", ""))), "click",
         "poetry sync --only main --extras new --extras old"),
        (((r'markers = "python_version < \"3.12\""', ""),), "iniconfig", "poetry sync --only dev"),
    ],
)  # fmt: skip
def test_poetry_refuted(changes: tuple[tuple[str, str], ...], name: str, printed: str, tmp_path: Path) -> None:
    """Poetry itself installs both clicks of the first of these."""
    proof = _proof(tmp_path, "poetry", *changes)
    (answer,) = _refuted(proof)
    assert answer.name == name and answer.point is not None and len(answer.reached) == 2
    assert command(read_lockfile(tmp_path / "poetry.lock").lockfile, answer.point) == printed


@pytest.mark.parametrize(
    ("change", "after", "name", "group"),
    [((LATE, ""), 'name = "numpy"', "numpy", "all"), ((EARLY, ""), 'name = "pytest"', "pytest", "dev")],
)
def test_pdm_refuted(change: tuple[str, str], after: str, name: str, group: str, tmp_path: Path) -> None:
    (answer,) = _refuted(_proof(tmp_path, "pdm", change, after=after))
    assert answer.name == name and answer.point is not None and Switch("group", group) in answer.point.switches
    assert answer.point.variables["python_full_version"] == ("3.9.0" if name == "numpy" else "3.12.0")


def test_pdm_installs_only_where_it_locked_for(tmp_path: Path) -> None:
    """The wrong lock above is right if none of its environments has such a Python."""
    wrong = (LATE, "")
    assert _refuted(_proof(tmp_path, "pdm", wrong, after='name = "numpy"'))
    target = '[[metadata.targets]]\nrequires_python = ">=3.9,<3.12"\n\n'
    assert not _refuted(_proof(tmp_path, "pdm", wrong, (target, ""), after="[metadata]"))


@pytest.mark.parametrize(
    ("one", "other", "proven"),
    [
        ("linux", "macos", True),
        ("manylinux_2_17_x86_64", "macos_14_0_arm64", True),
        ("linux", "windows", False),
        ("musllinux_1_2_aarch64", "windows_arm64", False),
        ("windows_x86", "alpine", False),
        ("freebsd_13_x86_64", "macos", False),
    ],
)
def test_platforms_of_pdms_targets(one: str, other: str, proven: bool, tmp_path: Path) -> None:
    """Two that both are installed on Windows, or on a platform that satlock does not know."""
    lines = ["[metadata]", 'groups = ["default"]', 'strategy = ["inherit_metadata"]', 'lock_version = "4.5.0"']
    for platform in (one, other):
        lines += ["[[metadata.targets]]", 'requires_python = ">=3.9"', f'platform = "{platform}"']
    for version, wrong in (("1", "darwin"), ("2", "linux")):
        lines += ["[[package]]", 'name = "numpy"', f'version = "{version}"', 'groups = ["default"]',
                  f"""marker = "sys_platform != '{wrong}'" """]  # fmt: skip
    (tmp_path / "pdm.lock").write_text("\n".join(lines))
    proof = prove_unique(read_lockfile(tmp_path / "pdm.lock"))
    assert (not _refuted(proof)) == proven
    last = lines.index("[[package]]", lines.index("[[package]]") + 1)
    (tmp_path / "pdm.lock").write_text("\n".join(lines if proven else lines[:last]))
    write_certificate(tmp_path / "c", [prove_unique(read_lockfile(tmp_path / "pdm.lock"))])
    assert check_certificate(tmp_path / "c")


def test_the_project_bounds_a_pdm_lock_without_targets(tmp_path: Path) -> None:
    """Such a lock is for the Pythons of its project: what old ones would install says nothing."""
    lines = ["[metadata]", 'groups = ["default"]', 'strategy = ["inherit_metadata"]', 'lock_version = "4.4.1"']
    for version, marker in (("1.0", 'python_version < "3.9"'), ("2.0", 'python_version < "3.10"'), ("3.0", "")):
        lines += ["[[package]]", 'name = "numpy"', f'version = "{version}"', 'groups = ["default"]']
        lines += [f"marker = '{marker}'"] if marker else []
    (tmp_path / "pdm.lock").write_text("\n".join(lines) + "\n")
    assert not prove_unique(read_lockfile(tmp_path / "pdm.lock")).answers[0].proven
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\nrequires-python = ">=3.10"\n')
    proof = prove_unique(read_lockfile(tmp_path / "pdm.lock"))
    assert proof.answers[0].proven
    write_certificate(tmp_path / "c", [proof])
    assert check_certificate(tmp_path / "c").python == ">=3.10"
