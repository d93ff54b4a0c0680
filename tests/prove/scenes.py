"""Small projects with their locks and certificates, for those who forge, and the forger's last step."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.complete import prove_complete
from satlock.solver.proofs.examining import examine
from satlock.solver.proofs.installable import prove_installable
from satlock.solver.proofs.owners import asking_of
from satlock.solver.proofs.pins import prove_index_pins
from satlock.solver.proofs.unique import prove_unique
from tests.cli.scene import scene_of, world_of
from tests.cli.test_why import PACKAGES, pyproject
from tests.prove.deciding_locks import pdm_text, poetry_text
from tests.prove.locks import origin_lock, write_lock
from tests.prove.random_locks import uv_text
from tests.prove.requirements import Told, project_text
from tests.prove.test_complete_certificate import INDEX, _asks, _lock
from tests.prove.test_in_force import _workspace
from tests.prove.test_no_lock import PACKAGES as CLASHING
from tests.prove.test_no_lock import certified as certified_no_lock
from tests.prove.test_optimality import WISHED, certified

PINNED = """
[project]
name = "origin"
[tool.uv.sources]
torch = [{ index = "cpu", extra = "cpu" }, { index = "cu124", extra = "cu124" }]
[[tool.uv.index]]
name = "cpu"
url = "https://index.example/cpu"
[[tool.uv.index]]
name = "cu124"
url = "https://index.example/cu124/"
"""


def uv(folder: Path) -> None:
    """A ``uv.lock`` with three properties: ``unique``, ``index-pins`` and ``installable``."""
    write_lock(folder, PINNED, "pyproject.toml")
    reading = read_lockfile(write_lock(folder, origin_lock()))
    write_certificate(folder / "c", [prove_unique(reading), prove_index_pins(reading), prove_installable(reading)])


def complete(folder: Path) -> None:
    """A ``uv.lock`` whose requirements are met; the record says what its index told."""
    write_lock(folder, project_text(_asks(), "app", 0), "pyproject.toml")
    reading = read_lockfile(write_lock(folder, uv_text(_lock())))
    asking = asking_of(reading, folder / "pyproject.toml")
    examine(asking, Told(INDEX, _lock().entries, _asks()), lambda address: INDEX, lambda package: False)
    write_certificate(folder / "c", [prove_complete(reading, asking)])


ADDRESS = "https://files.example/b-1-py3-none-any.whl"
DIRECT = f"""
version = 1
requires-python = ">=3.9"
[manifest]
members = ["app", "side"]
[[package]]
name = "app"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "b" }}]
[[package]]
name = "side"
version = "0"
source = {{ virtual = "side" }}
dependencies = [{{ name = "b" }}]
[package.metadata]
requires-dist = [{{ name = "b", url = "{ADDRESS}" }}]
[[package]]
name = "b"
version = "1"
source = {{ url = "{ADDRESS}" }}
wheels = [{{ url = "{ADDRESS}" }}]
"""


def direct(folder: Path) -> None:
    """A ``uv.lock`` whose members require something from an address."""
    write_lock(folder, f'[project]\nname = "app"\ndependencies = ["b @ {ADDRESS}"]\n', "pyproject.toml")
    reading = read_lockfile(write_lock(folder, DIRECT))
    write_certificate(folder / "c", [prove_complete(reading, asking_of(reading, folder / "pyproject.toml"))])


def workspace(folder: Path) -> None:
    """A ``pylock.toml`` that is only right under the conflicts of a member of its workspace."""
    folder.mkdir(parents=True, exist_ok=True)
    _workspace(folder)


def optimality(folder: Path) -> None:
    """A ``pylock.toml`` with the claim that what is not at its newest cannot be newer."""
    assert certified(world_of(PACKAGES, pyproject("boto", "fs", "wide")), folder)
    (folder / "certificate").rename(folder / "c")


def wished(folder: Path) -> None:
    """The same, where what keeps them is a file, an extra, and an escape."""
    assert certified(world_of(WISHED, pyproject("engine", "tool[fast]", "old", "lib")), folder)
    (folder / "certificate").rename(folder / "c")


def whole(folder: Path) -> None:
    """What ``satlock lock --certificate`` writes: every property, and so facts of one candidate more than once."""
    scene = scene_of(world_of(PACKAGES, pyproject("boto", "fs", "wide")), folder / "made")
    assert scene.lock("--certificate", str(scene.project / "c")).exit_code == 0
    shutil.copytree(scene.project, folder, dirs_exist_ok=True)


def no_lock(folder: Path) -> None:
    """A project that has no lock where its extra is chosen, unless the Python is old."""
    more = "[project.optional-dependencies]\nextra = ['tool']\nother = ['app']\n[tool.uv]\n" \
        "constraint-dependencies = ['app<2']\nconflicts = [[{extra = 'extra'}, {extra = 'other'}]]\n"  # fmt: skip
    assert certified_no_lock(world_of(CLASHING, pyproject("app", more=more)), folder)


def poetry(folder: Path) -> None:
    """A ``poetry.lock`` with one build for each of two groups' markers."""
    _deciding(folder, "poetry.lock", poetry_text)


def followed(folder: Path) -> None:
    """A ``poetry.lock`` of version 2.0, in which the project says when an entry is installed."""
    shutil.copytree(Path(__file__).parent / "locked_by" / "poetry_1", folder, dirs_exist_ok=True)
    write_certificate(folder / "c", [prove_unique(read_lockfile(folder / "poetry.lock"))])


def pdm(folder: Path) -> None:
    """A ``pdm.lock`` of the same kind."""
    _deciding(folder, "pdm.lock", pdm_text)


def _deciding(folder: Path, name: str, text: Callable[[Any], str]) -> None:
    linux, other = ("atom", ("sys_platform", "==", "linux")), ("atom", ("sys_platform", "!=", "linux"))
    group = "main" if name == "poetry.lock" else "default"
    lock = [("torch", "1.0", (group,), linux), ("torch", "2.0", (group,), other), ("numpy", "1.0", (group,), None)]
    reading = read_lockfile(write_lock(folder, text(lock), name))
    write_certificate(folder / "c", [prove_unique(reading)])


SCENES: dict[str, Callable[[Path], None]] = {
    made.__name__: made
    for made in (uv, complete, direct, workspace, optimality, wished, whole, no_lock, poetry, followed, pdm)
}


def sign(certificate: Path) -> None:
    """A manifest that fits whatever was changed in the certificate."""
    manifest = json.loads((certificate / "manifest.json").read_text())
    files = (path for path in certificate.rglob("*") if path.is_file() and path.name != "manifest.json")
    manifest["files"] = {
        path.relative_to(certificate).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    (certificate / "manifest.json").write_text(json.dumps(manifest))


def bind(certificate: Path, lockfile: Path, **further: str) -> None:
    """As :func:`sign`, for a certificate that is to speak of another lockfile."""
    digest = hashlib.sha256(lockfile.read_bytes()).hexdigest()
    for path in certificate.glob("*/obligation.json"):
        edit(path, lambda words: words.update({"sha256": digest, "lockfile": lockfile.name, **further}))
    edit(
        certificate / "manifest.json", lambda m: m["lockfile"].update({"sha256": digest, "path": f"../{lockfile.name}"})
    )
    sign(certificate)


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Changes what a JSON file says."""
    words = json.loads(path.read_text())
    change(words)
    path.write_text(json.dumps(words))


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
