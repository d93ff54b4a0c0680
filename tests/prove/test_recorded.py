"""Certificates of recorded projects: ``lock --certificate`` writes them, and ``check`` confirms them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from satlock.solver.checking.certificate import check_certificate
from tests.cli.scene import run

CORPORA = Path(__file__).parents[2] / "corpora"
NIGHTLY = os.environ.get("SATLOCK_NIGHTLY") == "1"
SOME = {"torch": ("override-and-constraint", "six-accelerators", "extra-on-linux"), "ecosystem": ("click-tool",)}
EVERY = [
    (group, path.parent.name)
    for group in ("torch", "ecosystem", "hard")
    for path in sorted((CORPORA / group).glob("*/pyproject.toml"))
    if path.parent.name != "airflow-all" and (NIGHTLY or path.parent.name in SOME.get(group, ()))
]


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_the_certificate_of_a_recorded_project_holds(group: str, name: str, tmp_path: Path) -> None:
    shutil.copy(CORPORA / group / name / "pyproject.toml", tmp_path)
    snapshot = CORPORA / group / f"{group}.snapshot"
    arguments = ("lock", "--project", str(tmp_path), "--corpus", str(snapshot), "--certificate", str(tmp_path / "c"))
    done = run(*arguments, "-q")
    properties = {one.property for one in check_certificate(tmp_path / "c").properties}
    if done.returncode == 0:
        assert {"unique", "complete"} <= properties
    else:
        assert (done.returncode, properties) == (1, {"no-lock"})
