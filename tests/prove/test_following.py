"""Locks that do not say when an entry is installed: of Poetry before 2.0, and of PDM without ``inherit_metadata``."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.encoder.project.values import Value
from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
from satlock.solver.checking.following import _alternatives
from satlock.solver.lockfiles.following import alternatives
from satlock.solver.lockfiles.model import LockfileError
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.installable import prove_installable
from satlock.solver.proofs.unique import prove_unique
from tests.prove.scenes import edit, sign
from tests.test_properties import NIGHTLY

LOCKED = Path(__file__).parent / "locked_by"
TOOLS = {"poetry_1": "poetry.lock", "pdm_2_10": "pdm.lock"}
PYTHONS, PLATFORMS = ("3.9", "3.11", "3.13"), ("linux", "win32")


class Line(NamedTuple):
    name: str
    clause: str
    marker: tuple[str, str, str] | None


class Entry(NamedTuple):
    name: str
    version: str
    python: str
    lines: list[Line]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_real_one_is_proven_and_certified(tool: str, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(LOCKED / tool, folder)
    proof = prove_unique(read_lockfile(folder / TOOLS[tool]))
    assert all(answer.proven for answer in proof.answers)
    assert bool(proof.goals) == (tool == "poetry_1")  # numpy has two entries there
    write_certificate(folder / "c", [proof])
    (checked,) = check_certificate(folder / "c").properties
    assert len(checked.claims) == len(proof.answers) > 9
    project = folder / "pyproject.toml"
    project.write_text(project.read_text() + "\n")
    with pytest.raises(Bad, match="digest"):
        check_certificate(folder / "c")
    project.unlink()
    with pytest.raises((Bad, NotGiven)):
        check_certificate(folder / "c")
    with pytest.raises(LockfileError, match="name the folder"):
        read_lockfile(folder / TOOLS[tool])


def test_only_its_tool_knows_where_requirements_part(tmp_path: Path) -> None:
    """Poetry would look for a numpy that both admit; what the lock says does not tell which one."""
    shutil.copytree(LOCKED / "poetry_1", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "pyproject.toml"
    path.write_text(
        path.read_text().replace("numpy = [", 'numpy = [\n  { version = ">=1.2", markers = "os_name == \'nt\'" },')
    )
    reading = read_lockfile(tmp_path / "poetry.lock")
    answers = {answer.name: answer for answer in prove_unique(reading).answers}
    assert "several of its entries" in answers["numpy"].undecided and answers["requests"].proven
    with pytest.raises(LockfileError, match="has several entries"):
        prove_installable(reading)


def test_a_forged_claim_about_files_is_refused(tmp_path: Path) -> None:
    """What is reached there is what Poetry tries first, not what it installs."""
    shutil.copytree(LOCKED / "poetry_1", tmp_path, dirs_exist_ok=True)
    write_certificate(tmp_path / "c", [prove_unique(read_lockfile(tmp_path / "poetry.lock"))])
    (tmp_path / "c" / "unique").rename(tmp_path / "c" / "installable")
    edit(tmp_path / "c" / "installable" / "obligation.json", lambda words: words.update({"property": "installable"}))
    sign(tmp_path / "c")
    with pytest.raises(Bad, match="does not say when"):
        check_certificate(tmp_path / "c")


@pytest.mark.parametrize("tool", ["poetry", "pdm"])
def test_random_ones_against_following_them(tool: str, tmp_path: Path) -> None:
    """In each environment, with each choice of groups."""
    proven = undecided = 0
    for seed in range(400 if NIGHTLY else 40):
        chance = random.Random(f"{tool} {seed}")
        entries, roots = _drawn(chance)
        folder = tmp_path / str(seed)
        folder.mkdir()
        _write(folder, tool, entries, roots)
        proof = prove_unique(read_lockfile(folder / f"{tool}.lock"))
        truth = set()
        for python, platform, chosen in itertools.product(PYTHONS, PLATFORMS, _choices(roots)):
            reached = _follow(entries, [line for group in chosen for line in roots[group]], python, platform)
            names = [entries[number].name for number in reached]
            truth |= {name for name in names if names.count(name) > 1}
        assert {answer.name for answer in proof.answers if answer.undecided} == truth, seed
        assert all(answer.proven for answer in proof.answers if answer.name not in truth), seed
        undecided += len(truth)
        if write_certificate(folder / "c", [proof]):
            (checked,) = check_certificate(folder / "c").properties
            proven += len(set(checked.claims) & proof.goals.keys())
    assert proven > 10 and undecided > 5


def _drawn(chance: random.Random) -> tuple[list[Entry], dict[str, list[Line]]]:
    """Entries, the later ones required by the earlier ones, and what each group of the project requires."""
    names = "abcd"

    def line(among: str) -> Line:
        marker = chance.choice((None, ("sys_platform", "==", "linux"), ("python_version", "<", "3.12"),
                                ("python_version", ">=", "3.10")))  # fmt: skip
        return Line(chance.choice(among), chance.choice(("", ">=1", ">=2", "<2", "==1.0", "!=2.0")), marker)

    entries = []
    for place, name in enumerate(names):
        for version in chance.sample(("1.0", "2.0", "3.0"), chance.choice((1, 1, 2))):
            after = names[place + 1 :]
            lines = [line(after) for _ in range(chance.randint(0, 2))] if after else []
            entries.append(Entry(name, version, chance.choice(("", ">=3.9", ">=3.10", ">=3.12", "<3.12")), lines))
    return entries, {"main": [line(names) for _ in range(3)], "dev": [line(names) for _ in range(2)]}


def _choices(roots: dict[str, list[Line]]) -> Iterator[tuple[str, ...]]:
    for size in range(1, len(roots) + 1):
        yield from itertools.combinations(roots, size)


def _follow(entries: list[Entry], lines: list[Line], python: str, platform: str) -> set[int]:
    values = {"sys_platform": platform, "python_version": python}
    found: set[int] = set()
    todo = list(lines)
    while todo:
        name, clause, marker = todo.pop()
        if marker is not None:
            here, operator, text = values[marker[0]], marker[1], marker[2]
            if not (SpecifierSet(f"{operator}{text}").contains(here) if marker[0] != "sys_platform" else here == text):
                continue
        fits = [k for k, one in enumerate(entries) if one.name == name and SpecifierSet(clause).contains(one.version)]
        if len(fits) > 1:
            fits = [k for k in fits if SpecifierSet(entries[k].python).contains(f"{python}.0")]
        if fits:
            best = max(fits, key=lambda k: Version(entries[k].version))
            if best not in found:
                found.add(best)
                todo += entries[best].lines
    return found


def _write(folder: Path, tool: str, entries: list[Entry], roots: dict[str, list[Line]]) -> None:
    lines = ["[metadata]", 'lock-version = "2.0"', 'python-versions = ">=3.9"'] if tool == "poetry" else [
        "[metadata]", 'lock_version = "4.4"', 'groups = ["default", "dev"]', 'strategy = ["cross_platform"]'
    ]  # fmt: skip
    project = ["[tool.poetry]"] if tool == "poetry" else ['[project]\nname = "p"\nrequires-python = ">=3.9"']
    for group, listed in roots.items():
        if tool == "poetry":
            table = "[tool.poetry.dependencies]" if group == "main" else f"[tool.poetry.group.{group}.dependencies]"
            project += [table, *_poetry_lines(listed)]
        elif group == "main":
            project += [f"dependencies = {json.dumps(list(map(_pep508, listed)))}"]
        else:
            project += ["[tool.pdm.dev-dependencies]", f"{group} = {json.dumps(list(map(_pep508, listed)))}"]
    for one in entries:
        lines += ["[[package]]", f'name = "{one.name}"', f'version = "{one.version}"']
        if tool == "poetry":
            lines += [f'python-versions = "{one.python or "*"}"', "[package.dependencies]", *_poetry_lines(one.lines)]
        else:
            lines += [f'requires_python = "{one.python}"'] if one.python else []
            lines += [f"dependencies = {json.dumps(list(map(_pep508, one.lines)))}"]
    (folder / f"{tool}.lock").write_text("\n".join(lines) + "\n")
    (folder / "pyproject.toml").write_text("\n".join(project) + "\n")


def _pep508(line: Line) -> str:
    return line.name + line.clause + (f"; {line.marker[0]} {line.marker[1]} '{line.marker[2]}'" if line.marker else "")


def _poetry_lines(lines: list[Line]) -> Iterator[str]:
    for name in dict.fromkeys(line.name for line in lines):
        tables = []
        for line in (line for line in lines if line.name == name):
            marker = f", markers = \"{' '.join(line.marker[:2])} '{line.marker[2]}'\"" if line.marker else ""
            tables.append(f'{{version = "{line.clause or "*"}"{marker}}}')
        yield f"{name} = [{', '.join(tables)}]"


@pytest.mark.parametrize(
    ("text", "specifiers"),
    [
        ("^1.2.3", [">=1.2.3,<2"]), ("^0.2.3", [">=0.2.3,<0.3"]), ("^0.0.3", [">=0.0.3,<0.0.4"]), ("^0", [">=0,<1"]),
        ("^0.0", [">=0.0,<0.1"]), ("~1.2.3", [">=1.2.3,<1.3"]), ("~1", [">=1,<2"]), ("1.2.*", ["==1.2.*"]), ("*", [""]),
        ("1.2", ["==1.2"]), (">=1.5.6,<1.5.7 || >1.5.7", [">=1.5.6,<1.5.7", ">1.5.7"]), (">=1.0 <2.0", [">=1.0,<2.0"]),
        ("^8.0 || ^7.4", [">=8.0,<9", ">=7.4,<8"]), (">=2.7, !=3.0.*", [">=2.7,!=3.0.*"]), ("~=1.2", ["~=1.2"]),
    ],
)  # fmt: skip
def test_constraints_of_poetry(text: str, specifiers: list[str]) -> None:
    """As the documentation of Poetry has them, read twice."""
    assert list(alternatives(Value(text, "pyproject.toml", "here"))) == specifiers == _alternatives(text)
