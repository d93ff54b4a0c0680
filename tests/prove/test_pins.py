"""Pins and explicit indexes: where a lock takes a package from an index that it should not be from."""

from __future__ import annotations

from pathlib import Path

import pytest

from satlock.solver.checking.certificate import check_certificate
from satlock.solver.lockfiles.model import Switch
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.pins import prove_index_pins
from satlock.solver.proofs.unique import Answer, Proof
from tests.prove.locks import write_lock

CPU, PYPI = "https://index.example/cpu", "https://index.example/pypi"
PROJECT = """
[project]
name = "proj"
[project.optional-dependencies]
cpu = []
train = ["proj[cpu]"]
win = ["proj[cpu]; sys_platform == 'win32'"]
[tool.uv.sources]
{sources}
[[tool.uv.index]]
name = "cpu"
url = "https://reader:secret@index.example/cpu"
explicit = true
"""
LOCK = """
lock-version = "1.0"
created-by = "a test"
extras = ["cpu", "train", "win"]
requires-python = ">=3.12"
"""


def entry(name: str, index: str, marker: str = "") -> str:
    lines = ["[[packages]]", f'name = "{name}"', 'version = "1"', f'index = "{index}"']
    lines += [f'marker = "{marker}"'] if marker else []
    lines += [f'wheels = [{{ url = "https://files.example/{name}-1-py3-none-any.whl", hashes = {{ sha256 = "0" }} }}]']
    return "\n".join(lines) + "\n"


def proven(folder: Path, sources: str, *entries: str) -> Proof:
    write_lock(folder, PROJECT.format(sources=sources), "pyproject.toml")
    return prove_index_pins(read_lockfile(write_lock(folder, LOCK + "".join(entries), "pylock.toml")))


ON_LINUX = "sys_platform == 'linux'"
WITH_CPU = "'cpu' in extras"


@pytest.mark.parametrize(
    ("sources", "marker", "right"),
    [
        ("torch = { index = 'cpu' }", "", True),
        ("torch = { index = 'cpu', extra = 'cpu' }", WITH_CPU, True),
        ("torch = { index = 'cpu', extra = 'cpu' }", "", False),
        ("torch = { index = 'cpu', extra = 'cpu' }", "'train' in extras", True),
        ("torch = { index = 'cpu', extra = 'cpu' }", "'win' in extras", False),
        ("torch = { index = 'cpu', extra = 'cpu' }", "'win' in extras and sys_platform == 'win32'", True),
        ("torch = { index = 'cpu', marker = \"extra == 'cpu'\" }", "'train' in extras", True),
        ("torch = { index = 'cpu', marker = \"sys_platform == 'linux'\" }", ON_LINUX, True),
        ("torch = { index = 'cpu', marker = \"sys_platform == 'linux'\" }", WITH_CPU, False),
        ("torch = { index = 'cpu', marker = \"extra == 'cpu'\" }", WITH_CPU, True),
        ("torch = { index = 'cpu', marker = \"extra == 'cpu'\" }", ON_LINUX, False),
        ("torch = { index = 'cpu', marker = \"extra != 'cpu'\" }", f"{WITH_CPU} and {ON_LINUX}", False),
        ("torch = { index = 'cpu', marker = \"extra == 'gone'\" }", "", False),
        ("other = { index = 'cpu' }", "", False),
    ],
)
def test_an_explicit_index_serves_what_is_pinned_to_it(sources: str, marker: str, right: bool, tmp_path: Path) -> None:
    proof = proven(tmp_path, sources, entry("torch", CPU, marker), entry("numpy", PYPI))
    (answer,) = proof.answers
    assert (answer.name, answer.proven) == ("torch", right)
    if right:
        write_certificate(tmp_path / "c", [proof])
        (checked,) = check_certificate(tmp_path / "c").properties
        assert checked.claims == ("torch",)
    else:
        assert answer.note.startswith(f"the index {CPU} is explicit")


def test_a_pin_whose_marker_asks_for_an_extra(tmp_path: Path) -> None:
    """uv reads such markers, so a project that has one can be proven things about."""
    source = "torch = { index = 'cpu', marker = \"extra == 'cpu'\" }"
    without = " and ".join(f"'{extra}' not in extras" for extra in ("cpu", "train", "win"))
    right = proven(tmp_path, source, entry("torch", CPU, WITH_CPU), entry("torch", PYPI, without))
    assert all(answer.proven for answer in right.answers)
    wrong: list[Answer] = [*proven(tmp_path, source, entry("torch", PYPI)).answers]
    assert wrong[0].point is not None and Switch("extra", "cpu") in wrong[0].point.switches
    assert wrong[0].note == f"the project pins it to {CPU} there"
