"""Certificates: checked without a solver, confirmed by another one, and refused after any change."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from satlock.solver.checking.certificate import Bad, check_certificate
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.installable import prove_installable
from satlock.solver.proofs.pins import prove_index_pins
from satlock.solver.proofs.unique import prove_unique
from tests.prove.locks import origin_lock, write_lock
from tests.prove.random_locks import random_uv, uv_text

PROJECT = """
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


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    lock = write_lock(tmp_path, origin_lock())
    write_lock(tmp_path, PROJECT, "pyproject.toml")
    reading = read_lockfile(lock)
    write_certificate(
        tmp_path / "certificate", [prove_unique(reading), prove_index_pins(reading), prove_installable(reading)]
    )
    return tmp_path / "certificate"


def test_holds(certificate: Path) -> None:
    found = {one.property: one.claims for one in check_certificate(certificate).properties}
    names = ("origin", "torch", "torchmetrics")
    assert found == {"unique": names, "index-pins": ("torch",), "installable": names}


def test_moved_along_with_its_lock(certificate: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-moved")
    assert check_certificate(tmp_path.parent / f"{tmp_path.name}-moved" / "certificate")


def test_without_any_solver(certificate: Path) -> None:
    program = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("z3", "pysat", "cvc5", "packaging", "encoder", "httpx"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
from satlock.cli.main import main
sys.argv = ["satlock", "check", sys.argv[1]]
main()
"""
    done = subprocess.run([sys.executable, "-c", program, certificate], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Confirmed: unique" in done.stderr


def _confirmed_by_cvc5(path: Path) -> str:
    cvc5 = pytest.importorskip("cvc5")
    solver = cvc5.Solver()
    parser = cvc5.InputParser(solver)
    parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, str(path))
    answer = ""
    while True:
        command = parser.nextCommand()
        if command.isNull():
            return answer
        answer += str(command.invoke(solver, parser.getSymbolManager())).strip()


@pytest.mark.parametrize("name", ["unique", "index-pins", "installable"])
def test_second_solver(certificate: Path, name: str) -> None:
    assert _confirmed_by_cvc5(certificate / name / "obligation.smt2") == "unsat"


def test_second_solver_on_random_locks(tmp_path: Path) -> None:
    confirmed = 0
    for seed in range(40):
        lock = write_lock(tmp_path / str(seed), uv_text(random_uv(random.Random(seed))))
        if write_certificate(tmp_path / str(seed) / "c", [prove_unique(read_lockfile(lock))]):
            assert _confirmed_by_cvc5(tmp_path / str(seed) / "c" / "unique" / "obligation.smt2") == "unsat"
            confirmed += 1
    assert confirmed > 20


def test_second_solver_is_not_fooled(certificate: Path) -> None:
    path = certificate / "unique" / "obligation.smt2"
    lines = path.read_text().splitlines()
    legend = json.loads((certificate / "unique" / "legend.json").read_text())
    symbol = f"v{legend.index('picked extra-6-origin-cpu') + 1}"
    path.write_text("\n".join(line for line in lines if not re.search(rf"\b{symbol}\b", line) or "declare" in line))
    assert "got sat" in _confirmed_by_cvc5(path)


def _digests_again(certificate: Path, *, lock: bool = True) -> None:
    """What a forger does last: a manifest that fits what was changed."""
    manifest = json.loads((certificate / "manifest.json").read_text())
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((certificate / name).read_bytes()).hexdigest()
    if lock:
        digest = hashlib.sha256((certificate / manifest["lockfile"]["path"]).read_bytes()).hexdigest()
        manifest["lockfile"]["sha256"] = digest
        for path in certificate.glob("*/obligation.json"):
            words = json.loads(path.read_text())
            words["sha256"] = digest
            path.write_text(json.dumps(words))
            manifest["files"][path.relative_to(certificate).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    (certificate / "manifest.json").write_text(json.dumps(manifest))


def test_any_changed_byte(certificate: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    files = [path for path in certificate.rglob("*") if path.is_file() and path.name != "manifest.json"]
    for path in [*files, tmp_path / "uv.lock", tmp_path / "pyproject.toml"]:
        content = path.read_bytes()
        for _ in range(4):
            place = chance.randrange(len(content))
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(Bad):
                check_certificate(certificate)
        path.write_bytes(content)
    assert check_certificate(certificate)


def _drop_line(name: str, mark: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines()
        if name.endswith(".cnf"):
            del lines[-2]
            count = lines[0].split()
            lines[0] = f"p cnf {count[2]} {int(count[3]) - 1}"
        else:
            gone = next(i for i, line in enumerate(lines) if mark in line)
            del lines[gone]
        (folder / name).write_text("\n".join(lines) + "\n")

    return change


def _words(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        words = json.loads((folder / "obligation.json").read_text())
        change(words)
        (folder / "obligation.json").write_text(json.dumps(words))

    return changed


def _flip_literal(folder: Path) -> None:
    lines = (folder / "obligation.cnf").read_text().splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("-") and len(line.split()) == 3)
    lines[place] = lines[place].removeprefix("-")
    (folder / "obligation.cnf").write_text("\n".join(lines) + "\n")


def _stronger(folder: Path) -> None:
    """An axiom that was made up: no production."""
    legend = json.loads((folder / "legend.json").read_text())
    lines = (folder / "obligation.cnf").read_text().splitlines()
    count = lines[0].split()
    lines[0] = f"p cnf {count[2]} {int(count[3]) + 1}"
    lines.append(f"-{legend.index('production') + 1} 0")
    (folder / "obligation.cnf").write_text("\n".join(lines) + "\n")


def _swap_names(folder: Path) -> None:
    legend = json.loads((folder / "legend.json").read_text())
    a, b = legend.index("extra cpu"), legend.index("extra cu124")
    legend[a], legend[b] = legend[b], legend[a]
    (folder / "legend.json").write_text(json.dumps(legend))


def _weaken_step(folder: Path) -> None:
    lines = (folder / "proof.lrat").read_text().splitlines()
    number, *_ = lines[-1].split()
    lines[-1] = f"{number} 0 1 2 0"
    (folder / "proof.lrat").write_text("\n".join(lines) + "\n")


FORGERIES: dict[str, Callable[[Path], None]] = {
    "a dropped clause": _drop_line("obligation.cnf", ""),
    "a flipped literal": _flip_literal,
    "an axiom made up": _stronger,
    "names swapped": _swap_names,
    "a dropped step": _drop_line("proof.lrat", " 0 "),
    "a step that does not follow": _weaken_step,
    "a dropped assertion": _drop_line("obligation.smt2", "(assert (or"),
    "a changed python": _words(lambda w: w["axioms"]["python"].pop()),
    "a changed requires-python": _words(lambda w: w["axioms"].update({"requires-python": ">=3.13"})),
    "a changed conflict": _words(lambda w: w["axioms"]["conflicts"].append(["a", "b"])),
    "a changed machine": _words(lambda w: w["axioms"]["machine"].append("m68k")),
    "a further axiom": _words(lambda w: w["axioms"].update({"comfort": True})),
    "a further claim": _words(lambda w: w["claims"].update({"numpy": ["7"]})),
    "a smaller claim": _words(lambda w: w["claims"].update({"torch": ["2", "3"]})),
    "no claims": _words(lambda w: w.update({"claims": {}})),
    "a dropped goal": _words(lambda w: w["goals"].clear()),
    "another entry": _words(lambda w: w["entries"].update({"2": "torch 9.9"})),
    "another property": _words(lambda w: w.update({"property": "installable"})),
    "another format": _words(lambda w: w.update({"format": "pylock"})),
    "a loop made up": _words(lambda w: w["loops"].append(["reach", ["1", "2"]])),
    "a loop of nothing": _words(lambda w: w["loops"].append(["reach", ["99"]])),
    "a walk made up": _words(lambda w: w["walked"].append({"goal": "two torch", "python": ["3.12.0"],
        "platform": ["posix linux Linux"], "implementation": ["cpython CPython"], "machine": ["x86_64"], "fixed": {}})),
    "no words": lambda folder: (folder / "obligation.json").write_text("[]") and None,
    "no legend": lambda folder: (folder / "legend.json").write_text("{}") and None,
}  # fmt: skip


@pytest.mark.parametrize("name", ["unique", "index-pins", "installable"])
def test_entries_told_wrong(certificate: Path, name: str) -> None:
    def told_wrong(words: dict[str, Any]) -> None:
        number = next(iter(words["entries"]))
        words["entries"][number] = "torch 9.9"

    _words(told_wrong)(certificate / name)
    _digests_again(certificate, lock=False)
    with pytest.raises(Bad, match="describes other entries"):
        check_certificate(certificate)


@pytest.mark.parametrize("kind", FORGERIES)
def test_forgery_with_a_fitting_manifest(certificate: Path, kind: str) -> None:
    FORGERIES[kind](certificate / "unique")
    _digests_again(certificate, lock=False)
    with pytest.raises(Bad):
        check_certificate(certificate)


def test_another_lock_with_a_fitting_manifest(certificate: Path, tmp_path: Path) -> None:
    for text in (
        origin_lock(kept=("cu124",)),
        origin_lock(conflicts=False),
        origin_lock().replace(">=3.12", ">=3.11"),
        origin_lock().replace('version = "2.5.1+cpu"', 'version = "2.5.2+cpu"'),
    ):
        write_lock(tmp_path, text)
        _digests_again(certificate)
        with pytest.raises(Bad):
            check_certificate(certificate)
    write_lock(tmp_path, origin_lock())
    _digests_again(certificate)
    assert check_certificate(certificate)


def test_another_project_with_a_fitting_manifest(certificate: Path, tmp_path: Path) -> None:
    write_lock(tmp_path, PROJECT.replace("/cu124/", "/cu126/"), "pyproject.toml")
    manifest = json.loads((certificate / "manifest.json").read_text())
    manifest["project"]["sha256"] = hashlib.sha256((tmp_path / "pyproject.toml").read_bytes()).hexdigest()
    (certificate / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Bad):
        check_certificate(certificate)


def test_files_more_or_less(certificate: Path) -> None:
    (certificate / "unique" / "note.txt").write_text("trust me")
    with pytest.raises(Bad, match="not in the manifest"):
        check_certificate(certificate)
    (certificate / "unique" / "note.txt").unlink()
    (certificate / "unique" / "proof.lrat").unlink()
    with pytest.raises(Bad, match="missing"):
        check_certificate(certificate)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    from satlock.solver.lockfiles.model import LockfileError

    lock = write_lock(tmp_path, origin_lock())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(LockfileError, match="not empty"):
        write_certificate(tmp_path / "mine", [prove_unique(read_lockfile(lock))])
    for _ in range(2):
        write_certificate(tmp_path / "again", [prove_unique(read_lockfile(lock))])
        assert check_certificate(tmp_path / "again")


def test_conditions_that_would_read_alike_are_told_apart(tmp_path: Path) -> None:
    """A part of a marker is named after what it says; a text with quotes in it must not say what two comparisons do."""
    head = 'lock-version = "1.0"\ncreated-by = "a test"\n'
    one = "os_name == 'x' or (sys_platform == 'linux' and platform_machine == 'a' and os_name == 'posix')"
    other = "os_name == 'y' or (sys_platform == 'linux' and platform_machine == \\\"a' and os_name == 'posix\\\")"
    more = "os_name == 'z' or (sys_platform == 'linux' and platform_machine == 'a' and os_name == 'posix')"
    entry = '[[packages]]\nname = "torch"\nversion = "{}"\nmarker = "{}"\ndirectory = {{ path = "x" }}\n'
    for second, proven in ((other, True), (more, False)):
        lock = write_lock(tmp_path, head + entry.format("1", one) + entry.format("2", second), "pylock.toml")
        proof = prove_unique(read_lockfile(lock))
        assert proof.answers[0].proven is proven
        assert len({name for name in proof.obligation.names if name.startswith("part ")}) == (2 if proven else 1)
        if proven:
            write_certificate(tmp_path / "c", [proof])
            assert check_certificate(tmp_path / "c").properties
