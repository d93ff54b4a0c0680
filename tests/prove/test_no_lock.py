"""Certificates that a project has no lock: every one that a search refuses, checked without a solver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from satlock.corpora.recorded.families import FAMILIES, write_families
from satlock.corpora.recorded.served import StandinCorpus
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.encoder.project.reading import read_project
from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
from satlock.solver.locking import lock
from satlock.solver.proofs.certificate import write_no_lock
from satlock.solver.proofs.no_lock import prove_no_lock
from satlock.solver.search.search import NoLock
from tests.bruteforce import Judge
from tests.cli.scene import pyproject, run, scene_of, world_of
from tests.prove.test_certificate import _confirmed_by_cvc5
from tests.test_properties import NIGHTLY, Draw, judged, kinds, locked
from tests.world import Dist, World

CORPORA = Path(__file__).parents[2] / "corpora"
REFUSED = sorted(path.parent for path in (CORPORA / "hard").glob("*/explanation.txt"))
EMPTY = Dist()


def certified(world: World, folder: Path) -> tuple[NoLock, Path] | None:
    """Why a world has no lock, and the certificate of that; None where it has one."""
    folder.mkdir(parents=True, exist_ok=True)
    answer = locked(world, folder)
    if not isinstance(answer, NoLock):
        return None
    proof = prove_no_lock(answer.facts, answer.universe, frozenset(read_project(folder).single_version))
    write_no_lock(folder / "c", proof, folder / "pyproject.toml", "2024-12-05")
    return answer, folder / "c"


@kinds
def test_every_refusal_is_certified(draw: Draw, tmp_path: Path) -> None:
    """And what is certified is true: by brute force the environment that it names has no solution."""
    held = 0
    for seed in range(3000 if NIGHTLY else 150):
        world = draw(seed)
        made = certified(world, tmp_path / str(seed))
        if made is not None:
            (checked,) = check_certificate(made[1]).properties
            assert checked.property == "no-lock" and checked.facts, seed
            assert made[0].witness is not None and Judge(world).solve(judged(made[0].witness)) is None, seed
            held += 1
    assert held > 20


@pytest.mark.parametrize("folder", REFUSED, ids=lambda folder: folder.name)
def test_the_committed_ones_hold(folder: Path) -> None:
    (checked,) = check_certificate(folder / "no-lock").properties
    assert checked.property == "no-lock"
    assert _confirmed_by_cvc5(folder / "no-lock" / "no-lock" / "obligation.smt2") == "unsat"


def test_there_are_four_of_them() -> None:
    assert len(REFUSED) == 4


def test_generated_families(tmp_path: Path) -> None:
    """Each instance that has no lock gets a certificate of that."""
    made, _, _ = FAMILIES["phase-transition"]
    instances = [made(size, seed) for size in (10, 20) for seed in range(1, 9)]
    assert sum(not instance.satisfiable for instance in instances) > 2
    snapshot = StandinCorpus(SnapshotCorpus(write_families(instances, tmp_path)))
    for instance in instances:
        folder = tmp_path / instance.name
        project = read_project(folder)
        try:
            lock(project, snapshot, default_index=snapshot.default_index or "")
            assert instance.satisfiable
        except NoLock as none:
            assert not instance.satisfiable
            proof = prove_no_lock(none.facts, none.universe, frozenset(project.single_version))
            write_no_lock(folder / "c", proof, folder / "pyproject.toml", "2025-01-01")
            assert check_certificate(folder / "c").properties


PACKAGES = {
    "app": {"1": Dist(requires_dist=("lib<2",)), "2": Dist(requires_dist=("lib[fast]<2",))},
    "tool": {"1": Dist(requires_dist=("lib>=2; python_version >= '3.12'",))},
    "lib": {"1": EMPTY, "2": EMPTY},
}


def test_the_command_writes_it_and_the_check_tells_it(tmp_path: Path) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("app", "tool")), tmp_path)
    certificate = scene.project / "why"
    done = scene.run("--certificate", str(certificate))
    assert done.returncode == 1
    assert "No lock exists" in done.stderr and "Wrote the certificate of this to" in done.stderr
    done = run("check", str(certificate), "--json")
    assert done.returncode == 0, done.stderr
    assert f"The project {scene.project / 'pyproject.toml'} (sha256 " in done.stderr
    assert "Confirmed: no-lock (" in done.stderr and "In CPython 3.12.0 on linux" in done.stderr
    assert "- project.dependencies: tool" in done.stderr
    assert "Taken on trust: which versions of 3 packages https://index.example/simple lists" in done.stderr
    said = json.loads(done.stdout)
    assert (said["lockfile"], said["properties"][0]["property"]) == (None, "no-lock")
    assert "tool 1: lib>=2; python_version >= '3.12'" in said["properties"][0]["facts"]
    done = run("check", str(certificate), "--metadata", "online", "--corpus", str(scene.snapshot))
    assert done.returncode == 0, done.stderr
    assert "Taken on trust" not in done.stderr


def test_a_lock_takes_the_place_of_it(tmp_path: Path) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("app", "tool")), tmp_path)
    certificate = scene.project / "why"
    assert scene.lock("--certificate", str(certificate)).exit_code == 1
    scene.rewrite(pyproject("app"))
    with pytest.raises(Bad, match="digest differs"):
        check_certificate(certificate)
    assert scene.lock("--certificate", str(certificate)).exit_code == 0
    assert "no-lock" not in {one.property for one in check_certificate(certificate).properties}


def test_a_version_that_came_since(tmp_path: Path) -> None:
    """The certificate is about the facts that it records; whoever asks the index finds out that there are others."""
    scene = scene_of(world_of(PACKAGES, pyproject("app", "tool")), tmp_path)
    certificate = scene.project / "why"
    assert scene.lock("--certificate", str(certificate)).exit_code == 1
    newer = {**PACKAGES, "app": {**PACKAGES["app"], "3": EMPTY}}
    later = scene_of(world_of(newer, pyproject("app", "tool")), tmp_path / "later")
    assert check_certificate(certificate).properties
    done = run("check", str(certificate), "--metadata", "online", "--corpus", str(later.snapshot))
    assert done.returncode == 1
    assert "lists app 3, which the certificate does not know" in done.stderr


def test_one_version_everywhere_takes_several_environments(tmp_path: Path) -> None:
    listed = {
        "shared": {"1": EMPTY, "2": EMPTY},
        "left": {"1": Dist(requires_dist=("shared<2",))},
        "right": {"1": Dist(requires_dist=("shared>=2",))},
    }
    asked = ("left; sys_platform == 'linux'", "right; sys_platform != 'linux'")
    rule = '[tool.satlock]\nsingle-version = ["shared"]\n'
    made = certified(world_of(listed, pyproject(*asked, more=rule)), tmp_path)
    assert made is not None and made[0].witness is None
    (checked,) = check_certificate(made[1]).properties
    assert len(checked.clash_in) == 2
    path = tmp_path / "pyproject.toml"
    path.write_text(path.read_text().replace('["shared"]', "[]"))
    assert certified(world_of(listed, pyproject(*asked)), tmp_path / "free") is None


def test_it_is_beside_its_project(tmp_path: Path) -> None:
    made = certified(world_of(PACKAGES, pyproject("app", "tool")), tmp_path / "here")
    assert made is not None
    made[1].rename(tmp_path / "c")
    with pytest.raises(NotGiven, match="--project"):
        check_certificate(tmp_path / "c")
    assert check_certificate(tmp_path / "c", project=tmp_path / "here").properties
    with pytest.raises(Bad, match="claims that there is none"):
        check_certificate(tmp_path / "c", lockfile=tmp_path / "here" / "pylock.toml")


@pytest.mark.parametrize("pythons", ["", "<3.12", ">=3.12"])
def test_groups_are_for_their_pythons(pythons: str, tmp_path: Path) -> None:
    """The certificate of a lock, or that there is none, heeds for which Pythons a group is."""
    bounds = f"[tool.uv.dependency-groups]\ndev = {{ requires-python = '{pythons}' }}\n" if pythons else ""
    more = f"[dependency-groups]\nall = [{{ include-group = 'dev' }}]\ndev = ['tool']\n{bounds}"
    scene = scene_of(world_of(PACKAGES, pyproject("app<2", more=more)), tmp_path)
    done = scene.run("--certificate", str(scene.project / "c"))
    assert done.returncode == (0 if pythons == "<3.12" else 1), done.stderr
    found = {one.property for one in check_certificate(scene.project / "c").properties}
    assert ("complete" in found) if pythons == "<3.12" else found == {"no-lock"}


def test_a_member_of_a_workspace_has_the_settings_of_its_root(tmp_path: Path) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("app<2", "tool")), tmp_path)
    folder = scene.project
    root = folder.parent / "pyproject.toml"
    root.write_text(f"[tool.uv.workspace]\nmembers = ['{folder.name}']\n", encoding="utf-8")
    assert scene.run("--certificate", str(folder / "none")).returncode == 1
    assert [one.property for one in check_certificate(folder / "none").properties] == ["no-lock"]
    root.write_text(f"{root.read_text()}[tool.uv]\noverride-dependencies = ['lib==2']\n", encoding="utf-8")
    with pytest.raises(Bad):
        check_certificate(folder / "none")
    done = scene.run("--certificate", str(folder / "lock"))
    assert done.returncode == 0, done.stderr
    assert "complete" in {one.property for one in check_certificate(folder / "lock").properties}
