"""Conflicts of a project whose extras and groups bring each other along, some of it under markers."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import ProjectError
from satlock.solver.checking.certificate import Bad, check_certificate
from satlock.solver.lockfiles.installed import installed
from satlock.solver.lockfiles.model import LockfileError, Switch
from satlock.solver.lockfiles.reading import Reading, read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.complete import prove_complete
from satlock.solver.proofs.examining import examine
from satlock.solver.proofs.installable import prove_installable
from satlock.solver.proofs.owners import asking_of
from satlock.solver.proofs.unique import Proof, prove_unique
from tests.cli.scene import pyproject, scene_of, world_of
from tests.prove.deciding_locks import Deciding, pdm_text, poetry_text, pylock_text, random_deciding
from tests.prove.random_projects import random_project, truth_under, write_project
from tests.prove.requirements import Asks, Told
from tests.world import Dist

Choices = tuple[tuple[str, str], ...]
KINDS: dict[str, tuple[Choices, tuple[str, ...], tuple[str, ...], Callable[[Deciding], str], list[tuple[str, str]]]] = {
    # Choices, extras and groups of the project, the writer, and the choices that markers of the lock ask for.
    "pylock": (
        (("extra", "a"), ("extra", "b"), ("group", "g"), ("group", "h")), ("a", "b", "c"), ("g", "h"), pylock_text,
        [("extra", "a"), ("extra", "b"), ("group", "g"), ("group", "h")],
    ),
    "poetry": (
        (("extra", "a"), ("extra", "b"), ("group", "main"), ("group", "dev")), ("a", "b", "c"), ("dev",), poetry_text,
        [("extra", "a"), ("extra", "b")],
    ),
    "pdm": ((("group", "default"), ("group", "g"), ("group", "h")), ("g", "c"), ("h",), pdm_text, []),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", range(6))
def test_against_enumeration(kind: str, batch: int, tmp_path: Path) -> None:
    """Truth is told by following steps in one environment at a time, with every choice."""
    choices, extras, groups, text, asked = KINDS[kind]
    for seed in range(batch * 10, (batch + 1) * 10):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        lock = random_deciding(chance, asked, tuple(n for k, n in choices if k == "group") if kind != "pylock" else ())
        project = random_project(chance, extras, groups)
        folder.mkdir()
        write_project(project, folder)
        (folder / f"{kind}{'.toml' if kind == 'pylock' else '.lock'}").write_text(text(lock))
        reading = read_lockfile(next(folder.glob(f"{kind}*")))
        expected = truth_under(lock, project, kind, choices)
        if expected is None:
            with pytest.raises(LockfileError, match="no environment to ask about"):
                prove_unique(reading)
            continue
        proof = prove_unique(reading)
        assert {answer.name for answer in proof.answers if not answer.proven} == expected, seed
        proofs = [proof, *(_further(reading, folder, lock) if seed % 3 == 0 else ())]
        if write_certificate(folder / "c", proofs):
            assert check_certificate(folder / "c")


def _further(reading: Reading, folder: Path, lock: Deciding) -> list[Proof]:
    """The other properties stand on the same axioms; here no entry requires anything, only the project does."""
    asking = asking_of(reading, folder / "pyproject.toml")
    index = "https://index.example/simple"
    examine(
        asking, Told(index, [(name, version) for name, version, *_ in lock], Asks()), lambda _: index, lambda _: False
    )
    return [prove_installable(reading), prove_complete(reading, asking)]


PROJECT = """
[project]
name = "proj"
dependencies = ["proj[base] ; python_version < '3.12'"]
[project.optional-dependencies]
cpu = []
cu = []
base = []
most = ["proj[cpu] ; sys_platform == 'linux'"]
all = ["proj[most] ; platform_machine == 'x86_64'", "proj[cu] ; extra == 'never'"]
[tool.uv]
conflicts = [[{ extra = "cpu" }, { extra = "cu" }]]
"""
BOTH = "'all' in extras and 'cu' in extras"


def _lock(folder: Path, marker: str, project: str = PROJECT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(project)
    lines = ['lock-version = "1.0"', 'created-by = "a test"', 'extras = ["cpu", "cu", "most", "all"]']
    for version, where in (("1.0", BOTH), ("2.0", f"{BOTH} and {marker}")):
        lines += ["[[packages]]", 'name = "torch"', f'version = "{version}"', f'marker = "{where}"',
                  f'wheels = [{{ url = "https://files.example/torch-{version}-py3-none-any.whl", '
                  f'hashes = {{ sha256 = "{"0" * 64}" }} }}]']  # fmt: skip
    path = folder / "pylock.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("marker", "proven"),
    [
        ("sys_platform == 'linux' and platform_machine == 'x86_64'", True),
        ("sys_platform == 'linux'", False),
        ("platform_machine == 'x86_64'", False),
        ("sys_platform == 'linux' and platform_machine != 'x86_64'", False),
        ("os_name == 'posix' and platform_system == 'Linux' and platform_machine == 'x86_64'", True),
    ],
)
def test_a_chain_excludes_where_all_its_markers_hold(tmp_path: Path, marker: str, proven: bool) -> None:
    (answer,) = prove_unique(read_lockfile(_lock(tmp_path, marker))).answers
    assert answer.proven == proven
    if answer.point is not None:
        here = answer.point.variables
        assert (here["sys_platform"], here["platform_machine"]) != ("linux", "x86_64")


def _certified(folder: Path) -> Path:
    lock = _lock(folder, "sys_platform == 'linux' and platform_machine == 'x86_64'")
    write_certificate(folder / "c", [prove_unique(read_lockfile(lock))])
    return folder / "c"


def _forge_project(certificate: Path, text: str) -> None:
    """Another project beside the lock, and a manifest that says it was this one."""
    (certificate.parent / "pyproject.toml").write_text(text)
    manifest = json.loads((certificate / "manifest.json").read_text())
    manifest["project"]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (certificate / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sys_platform == 'linux'", "sys_platform == 'win32'"),
        ("sys_platform == 'linux'", "sys_platform != 'linux'"),
        (" ; sys_platform == 'linux'", ""),
        ("platform_machine == 'x86_64'", "platform_machine == 'x86_64' and python_version < '3.13'"),
        ("proj[most]", "proj[base]"),
        ("extra == 'never'", "extra != 'never'"),
        ('{ extra = "cpu" }', '{ extra = "base" }'),
        ('name = "proj"', 'name = "other"'),
    ],
)
def test_another_project_is_refused(tmp_path: Path, old: str, new: str) -> None:
    certificate = _certified(tmp_path)
    assert check_certificate(certificate)
    assert old in PROJECT
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace(old, new))
    with pytest.raises(Bad, match="digest differs"):
        check_certificate(certificate)
    _forge_project(certificate, PROJECT.replace(old, new))
    with pytest.raises(Bad, match=r"do not follow from|leaves out"):
        check_certificate(certificate)


def test_what_changes_nothing_holds(tmp_path: Path) -> None:
    """The check reads the project itself: only what bears on the conflict counts."""
    certificate = _certified(tmp_path)
    _forge_project(certificate, PROJECT.replace("python_version < '3.12'", "python_version < '3.13'"))
    assert check_certificate(certificate)


SIDE = """
[project]
name = "side"
version = "1"
[project.optional-dependencies]
cpu = []
gpu = ["side[cu] ; sys_platform == 'linux'"]
cu = []
[tool.uv]
conflicts = [[{ extra = "cpu" }, { extra = "cu" }]]
"""
ROOT = """
[project]
name = "proj"
dependencies = ["side[cpu]"]
[project.optional-dependencies]
cpu = []
cu = []
most = []
all = ["side[gpu] ; platform_machine == 'x86_64'"]
[tool.uv.workspace]
members = ["packages/*"]
"""


def _workspace(folder: Path) -> Path:
    (folder / "packages" / "side").mkdir(parents=True)
    (folder / "packages" / "side" / "pyproject.toml").write_text(SIDE)
    lock = _lock(folder, "sys_platform == 'linux' and platform_machine == 'x86_64'", ROOT)
    write_certificate(folder / "c", [prove_unique(read_lockfile(lock))])
    return folder / "c"


def test_a_member_counts_as_well(tmp_path: Path) -> None:
    certificate = _workspace(tmp_path)
    (checked,) = check_certificate(certificate).properties
    assert checked.claims == ("torch",)
    tmp_path.rename(tmp_path.parent / f"{tmp_path.name}-moved")
    assert check_certificate(tmp_path.parent / f"{tmp_path.name}-moved" / "c")


def test_without_any_solver(tmp_path: Path) -> None:
    """Nothing that the check needs for this imports a solver, or anything but the standard library."""
    program = """
import sys
from pathlib import Path
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in sys.stdlib_module_names and name.split(".")[0] != "satlock":
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
from satlock.solver.checking.certificate import check_certificate
print(*(one.claims for one in check_certificate(Path(sys.argv[1])).properties))
"""
    certificate = _workspace(tmp_path)
    done = subprocess.run([sys.executable, "-c", program, certificate], capture_output=True, text=True, check=False)
    assert done.stdout == "('torch',)\n", done.stderr


def test_another_workspace_is_refused(tmp_path: Path) -> None:
    certificate = _workspace(tmp_path)
    side = tmp_path / "packages" / "side" / "pyproject.toml"
    side.write_text(SIDE.replace("== 'linux'", "== 'win32'"))
    with pytest.raises(Bad, match="digest differs"):
        check_certificate(certificate)
    manifest = json.loads((certificate / "manifest.json").read_text())
    manifest["workspace"][0]["sha256"] = hashlib.sha256(side.read_bytes()).hexdigest()
    (certificate / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Bad, match="follow from the project"):
        check_certificate(certificate)
    side.write_text(SIDE)
    manifest["workspace"] = []
    (certificate / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Bad, match="other files of the workspace"):
        check_certificate(certificate)
    (tmp_path / "packages" / "more").mkdir()
    (tmp_path / "packages" / "more" / "pyproject.toml").write_text(SIDE.replace('"side"', '"more"'))
    with pytest.raises(Bad, match="other files of the workspace"):
        check_certificate(_again(certificate, side))


def _again(certificate: Path, side: Path) -> Path:
    manifest = json.loads((certificate / "manifest.json").read_text())
    digest = hashlib.sha256(side.read_bytes()).hexdigest()
    manifest["workspace"] = [{"path": "packages/side/pyproject.toml", "sha256": digest}]
    (certificate / "manifest.json").write_text(json.dumps(manifest))
    return certificate


def test_a_project_that_excludes_itself(tmp_path: Path) -> None:
    """Nothing is proven of a lock that no choice at all may be installed from."""
    text = PROJECT.replace("dependencies = [", 'dependencies = ["proj[cpu, cu]", ')
    with pytest.raises(LockfileError, match="no environment to ask about"):
        prove_unique(read_lockfile(_lock(tmp_path, "python_version > '3'", text)))


def test_export_refuses_where_the_markers_hold(tmp_path: Path) -> None:
    lockfile = read_lockfile(_lock(tmp_path, "sys_platform == 'linux'")).lockfile
    chosen = (Switch("extra", "all"), Switch("extra", "cu"))
    with pytest.raises(ProjectError, match="extra cpu and extra cu are in conflict"):
        installed(lockfile, chosen)
    (found,) = installed(lockfile, chosen, Marker("sys_platform == 'darwin'"))
    assert found.entry.version == "1.0"


def test_a_lock_of_such_a_project(tmp_path: Path) -> None:
    """What satlock locks is proven under the very conflicts it was locked under."""
    more = (
        "[project.optional-dependencies]\ncpu = ['torch==1']\ncu = ['torch==2']\n"
        "all = [\"proj[cpu] ; sys_platform == 'linux'\"]\n"
        "[tool.uv]\nconflicts = [[{extra = 'cpu'}, {extra = 'cu'}]]\n"
    )
    world = world_of({"torch": {"1": Dist(), "2": Dist()}}, pyproject(more=more))
    scene = scene_of(world, tmp_path)
    done = scene.lock("--certificate", str(tmp_path / "c"))
    assert done.exit_code == 0, done.output
    assert scene.entries() == [("torch", "1"), ("torch", "2")]
    assert check_certificate(tmp_path / "c", scene.lockfile)
    (answer,) = prove_unique(read_lockfile(scene.lockfile)).answers
    assert answer.proven
    scene.rewrite(world.pyproject.replace("== 'linux'", "== 'win32'"))
    (answer,) = prove_unique(read_lockfile(scene.lockfile)).answers
    assert answer.point is not None and answer.point.variables["sys_platform"] == "linux"
    assert {Switch("extra", "all"), Switch("extra", "cu")} <= answer.point.switches
