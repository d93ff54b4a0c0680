"""What it takes to walk the boxes of environments that clauses cannot rule out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from satlock.solver.checking import passing as checked
from satlock.solver.checking.certificate import check_certificate
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs import passing as proven
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.unique import prove_unique
from tests.prove.random_locks import random_uv, uv_text


def test_one_environment_of_each_kind_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock whose extras activate each other in many ways: nine environments of ten need no walk of their own."""
    walks = {"proving": 0, "checking": 0}
    walk, installed = proven.walk, checked.installed

    def counted_walk(*arguments: object) -> object:
        walks["proving"] += 1
        return walk(*arguments)  # type: ignore[arg-type]

    def counted_installed(*arguments: object) -> object:
        walks["checking"] += 1
        return installed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(proven, "walk", counted_walk)
    monkeypatch.setattr(checked, "installed", counted_installed)
    (tmp_path / "uv.lock").write_text(uv_text(random_uv(random.Random(10))))
    proof = prove_unique(read_lockfile(tmp_path / "uv.lock"))
    assert write_certificate(tmp_path / "c", [proof])
    check_certificate(tmp_path / "c")
    switches = [one for one in proof.obligation.lockfile.switches if proof.obligation.knows(str(one))]
    free = len(switches) + len(proof.obligation.opaque)
    environments = sum(box.size(free - len(box.fixed)) for box in proof.passed)
    assert environments > 10_000
    assert 0 < walks["proving"] < environments / 10
    assert 0 < walks["checking"] < environments / 10
