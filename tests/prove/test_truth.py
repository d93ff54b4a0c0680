"""What is proven and refuted, against every environment of a fine grid, on random locks right and wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from packaging.pylock import Pylock, PylockSelectError

from satlock.solver.checking.certificate import check_certificate
from satlock.solver.lockfiles.model import PRODUCTION, Switch
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.unique import Proof, prove_unique
from tests.prove.deciding_locks import pdm_text, poetry_text, pylock_text, random_deciding, truth
from tests.prove.random_locks import random_uv, uv_installs, uv_text, uv_truth

BATCHES = range(20)
UV_EACH, OTHERS_EACH = 10, 10


def _prove(folder: Path, name: str, text: str) -> Proof:
    (folder / name).write_text(text)
    return prove_unique(read_lockfile(folder / name))


def _refuted(proof: Proof) -> set[str]:
    return {answer.name for answer in proof.answers if not answer.proven}


def _certified(proof: Proof, folder: Path, number: int) -> None:
    if write_certificate(folder / f"c{number}", [proof]):
        checked = check_certificate(folder / f"c{number}").properties
        assert set(checked[0].claims) == {answer.name for answer in proof.answers if answer.proven}


@pytest.mark.parametrize("batch", BATCHES)
def test_uv(batch: int, tmp_path: Path) -> None:
    for seed in range(batch * UV_EACH, (batch + 1) * UV_EACH):
        lock = random_uv(random.Random(seed))
        proof = _prove(tmp_path, "uv.lock", uv_text(lock))
        assert _refuted(proof) == uv_truth(lock), seed
        for answer in proof.answers:
            if answer.point is not None:
                switches = answer.point.switches
                chosen = [
                    frozenset(name for one, name in switches if one == kind) for kind in ("project", "extra", "group")
                ]
                installed = uv_installs(
                    lock, dict(answer.point.variables), (PRODUCTION in switches, chosen[0], chosen[1], chosen[2])
                )
                assert installed is not None
                assert {entry.number for entry in answer.reached} <= installed
        _certified(proof, tmp_path, seed)


@pytest.mark.parametrize("batch", BATCHES)
def test_pylock(batch: int, tmp_path: Path) -> None:
    """PEP 751 locks; every counterexample is one on which ``packaging`` refuses to select."""
    choices = (("extra", "a"), ("extra", "b"), ("group", "g"), ("group", "h"))
    for seed in range(batch * OTHERS_EACH, (batch + 1) * OTHERS_EACH):
        chance = random.Random(seed)
        lock = random_deciding(chance, list(choices), ())
        conflicts = [set(chance.sample(choices, 2))] if chance.random() < 0.5 else []
        items = ", ".join(f'{{ {kind} = "{name}" }}' for members in conflicts for kind, name in sorted(members))
        (tmp_path / "pyproject.toml").write_text(f"[tool.uv]\nconflicts = [{f'[{items}]' if items else ''}]\n")
        proof = _prove(tmp_path, "pylock.toml", pylock_text(lock))
        assert _refuted(proof) == truth(lock, choices, conflicts), seed
        for answer in proof.answers:
            if answer.point is not None:
                _refuses(tmp_path / "pylock.toml", answer.point.switches, dict(answer.point.variables), answer.name)
        _certified(proof, tmp_path, seed)


def _refuses(path: Path, switches: frozenset[Switch], variables: dict[str, str], name: str) -> None:
    import tomllib

    lock = Pylock.from_dict(tomllib.loads(path.read_text()))
    kept = [package for package in lock.packages if package.name == name]
    alone = Pylock(lock_version=lock.lock_version, created_by="a test", packages=kept, extras=lock.extras,
                   dependency_groups=lock.dependency_groups)  # fmt: skip
    with pytest.raises(PylockSelectError, match="Multiple packages"):
        list(
            alone.select(
                environment=variables,
                tags=[],
                extras=[name for kind, name in switches if kind == "extra"],
                dependency_groups=[name for kind, name in switches if kind == "group"],
            )
        )


@pytest.mark.parametrize("batch", BATCHES)
def test_poetry(batch: int, tmp_path: Path) -> None:
    choices = (("extra", "a"), ("extra", "b"), ("group", "main"), ("group", "dev"))
    for seed in range(batch * OTHERS_EACH, (batch + 1) * OTHERS_EACH):
        lock = random_deciding(random.Random(seed), [("extra", "a"), ("extra", "b")], ("main", "dev"))
        proof = _prove(tmp_path, "poetry.lock", poetry_text(lock))
        assert _refuted(proof) == truth(lock, choices, []), seed
        _certified(proof, tmp_path, seed)


@pytest.mark.parametrize("batch", BATCHES)
def test_pdm(batch: int, tmp_path: Path) -> None:
    choices = (("group", "default"), ("group", "g"), ("group", "h"))
    for seed in range(batch * OTHERS_EACH, (batch + 1) * OTHERS_EACH):
        lock = random_deciding(random.Random(seed), [], ("default", "g", "h"))
        proof = _prove(tmp_path, "pdm.lock", pdm_text(lock))
        assert _refuted(proof) == truth(lock, choices, []), seed
        _certified(proof, tmp_path, seed)
