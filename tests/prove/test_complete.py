"""``--complete`` against every environment of a fine grid, on random locks with random requirements."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from satlock.solver.checking.certificate import check_certificate
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.complete import prove_complete
from satlock.solver.proofs.counterexample import told
from satlock.solver.proofs.examining import examine
from satlock.solver.proofs.owners import asking_of
from satlock.solver.proofs.unique import Proof
from tests.prove.deciding_locks import pdm_text, poetry_text, pylock_text, random_deciding
from tests.prove.random_locks import random_uv, uv_text
from tests.prove.requirements import (
    Asks,
    Told,
    asks_of_deciding,
    asks_of_uv,
    deciding_unmet,
    project_text,
    text_of,
    uv_unmet,
)

INDEX = "https://index.example/simple"
BATCHES = range(8)
EACH = 8


def _prove(folder: Path, name: str, text: str, project: str, told: Told) -> Proof:
    (folder / name).write_text(text)
    (folder / "pyproject.toml").write_text(project)
    reading = read_lockfile(folder / name)
    asking = asking_of(reading, folder / "pyproject.toml")
    assert not examine(asking, told, lambda address: told.index, lambda package: False)
    assert not asking.unexamined
    return prove_complete(reading, asking)


def _agrees(proof: Proof, truth: set[str], folder: Path, seed: int) -> Counter[bool]:
    assert {answer.name for answer in proof.answers if not answer.proven} == truth, seed
    if write_certificate(folder / f"c{seed}", [proof]):
        checked = check_certificate(folder / f"c{seed}").properties
        assert set(checked[0].claims) == {answer.name for answer in proof.answers if answer.proven}
    for answer in proof.answers:
        assert answer.proven or answer.requirement
        if answer.point is not None:
            assert told(proof.reading.lockfile, answer, "the lock")
    return Counter(answer.proven for answer in proof.answers if answer.name in proof.goals or not answer.proven)


def _with_notes(text: str, asks: Asks, member: str, number: int) -> str:
    """The lock with what uv notes of a member that has no project file here."""
    mark = f'[[package]]\nname = "{member}"\n'
    before, _, after = text.partition(mark)
    own, more, rest = after.partition("\n[[package]]")

    def table(which: str) -> str:
        found = []
        for (owner, key), lines in asks.lists.items():
            if owner == number and (key == which or (not which and key.startswith("["))):
                for line in lines:
                    texts = text_of(line._replace(extra=key[1:-1] if key.startswith("[") else ""))
                    requirement, _, marker = texts.partition("; ")
                    name, bracket, extras = requirement.partition("[")
                    extras, _, versions = extras.partition("]") if bracket else ("", "", "")
                    name, versions = (name, versions) if bracket else _cut(name)
                    parts = [f'name = "{name}"']
                    parts += [f'extras = ["{extras}"]'] if extras else []
                    parts += [f'specifier = "{versions}"'] if versions else []
                    parts += [f'marker = "{marker}"'] if marker else []
                    found.append("{ " + ", ".join(parts) + " }")
        return f"[{', '.join(found)}]"

    groups = [key for owner, key in asks.lists if owner == number and key.startswith("{")]
    extras_ = [key[1:-1] for owner, key in asks.lists if owner == number and key.startswith("[")]
    noted = [
        "",
        "[package.metadata]",
        f"requires-dist = {table('')}",
        f"provides-extras = {extras_!r}".replace("'", '"'),
    ]
    if groups:
        noted += ["[package.metadata.requires-dev]", *(f"{key[1:-1]} = {table(key)}" for key in groups)]
    return before + mark + own + "\n".join(noted) + more + rest


def _cut(text: str) -> tuple[str, str]:
    place = next((i for i, letter in enumerate(text) if letter in "=<>!~"), len(text))
    return text[:place], text[place:]


@pytest.mark.parametrize("batch", BATCHES)
def test_uv(batch: int, tmp_path: Path) -> None:
    """With the project's file, and (every third) with nothing but the lock's notes."""
    seen: Counter[bool] = Counter()
    for seed in range(batch * EACH, (batch + 1) * EACH):
        chance = random.Random(seed)
        lock = random_uv(chance)
        asks = asks_of_uv(chance, lock)
        text = uv_text(lock)
        for number, member in enumerate(lock.members):
            if number:
                text = _with_notes(text, asks, member, number)
        index = Told(INDEX, lock.entries, asks)
        proof = _prove(tmp_path, "uv.lock", text, project_text(asks, lock.members[0], 0), index)
        truth = uv_unmet(lock, asks)
        seen += _agrees(proof, truth, tmp_path, seed)
    assert seen[True]
    assert seen[False]


@pytest.mark.parametrize("batch", BATCHES[:7])
@pytest.mark.parametrize("kind", ["pylock", "poetry", "pdm"])
def test_deciding(kind: str, batch: int, tmp_path: Path) -> None:
    seen: Counter[bool] = Counter()
    for seed in range(batch * EACH, (batch + 1) * EACH):
        chance = random.Random(seed)
        choices, asked, groups = _choices(kind)
        lock = random_deciding(chance, asked, groups)[:4]
        lock += [("q0", "1.0", groups, None), ("q1", "2.0", groups, None)]
        asks = asks_of_deciding(chance, lock, _lists(kind))
        text = {"pylock": pylock_text, "poetry": poetry_text, "pdm": pdm_text}[kind](lock)
        index = Told(INDEX, [(name, version) for name, version, *_ in lock], asks)
        name = "pylock.toml" if kind == "pylock" else f"{kind}.lock"
        proof = _prove(tmp_path, name, text, project_text(asks, "app", -1), index)
        seen += _agrees(proof, deciding_unmet(lock, asks, choices, lambda which: _needs(kind, which)), tmp_path, seed)
    assert seen[True]
    assert seen[False]


def _choices(kind: str) -> tuple[tuple[tuple[str, str], ...], list[tuple[str, str]], tuple[str, ...]]:
    """What can be chosen, what markers ask for, and the groups that entries are in."""
    extras = [("extra", "a"), ("extra", "b")]
    if kind == "pylock":
        return (*extras, ("group", "g"), ("group", "h")), [*extras, ("group", "g"), ("group", "h")], ()
    if kind == "poetry":
        return (*extras, ("group", "main"), ("group", "dev")), extras, ("main", "dev")
    return (("group", "default"), ("group", "g"), ("group", "h")), [], ("default", "g", "h")


def _lists(kind: str) -> tuple[tuple[str, str], ...]:
    return {
        "pylock": (("extra", "a"), ("extra", "b"), ("group", "g"), ("group", "h")),
        "poetry": (("extra", "a"), ("extra", "b"), ("group", "dev")),
        "pdm": (("extra", "g"), ("group", "h")),
    }[kind]


def _needs(kind: str, which: str) -> set[tuple[str, str]]:
    name = which[1:-1]
    if kind == "pdm":
        return {("group", name or "default")}
    if which.startswith("{"):
        return {("group", name)}
    return ({("group", "main")} if kind == "poetry" else set()) | ({("extra", name)} if name else set())
