"""Checks a certificate: that nothing was changed, that it speaks of this lockfile, and that its proof is right."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satlock.solver.checking.cells import Cells, cells_of
from satlock.solver.checking.complete import complete_goals
from satlock.solver.checking.conditions import Bad, Condition, leaves
from satlock.solver.checking.conflicts import axioms_of, marker_of, workspace_files
from satlock.solver.checking.further import Guilty, further_goals
from satlock.solver.checking.kernel import ProofError, parse_dimacs, parse_lrat, refute
from satlock.solver.checking.locks import Lock, read_lock
from satlock.solver.checking.optimality import optimality_clauses
from satlock.solver.checking.rebuild import Clauses
from satlock.solver.checking.walks import box_clause, environments_in, installed

__all__ = ["Bad", "Checked", "check_certificate"]

_RECORD = "metadata.json"
_FILES = ("legend.json", "obligation.cnf", "obligation.json", "obligation.smt2", "proof.lrat")


@dataclass(frozen=True)
class Checked:
    """One property that holds."""

    property: str
    claims: tuple[str, ...]
    steps: int
    clauses: int
    trusted: tuple[tuple[str, int], ...] = ()
    """The indexes whose word was taken, each with the number of candidates that it told of."""


@dataclass(frozen=True)
class _Project:
    """The ``pyproject.toml`` that a certificate speaks of, and the others of its workspace that it was read with."""

    path: Path
    tables: dict[str, Any]
    listed: dict[Path, bytes]

    def workspace(self) -> list[dict[str, Any]]:
        """What the others say; they have to be those that a search for them finds."""
        found = workspace_files(self.path)
        if [file.resolve() for file in found] != [file.resolve() for file in self.listed]:
            raise Bad("the certificate was written with other files of the workspace than there are")
        return [tomllib.loads(content.decode()) for content in self.listed.values()]


def check_certificate(folder: Path, lockfile: Path | None = None) -> list[Checked]:
    """Checks every certificate in a folder; ``lockfile`` stands for the one that it was written for.

    Raises:
        Bad: where something is not right.
    """
    try:
        return _check(folder, lockfile)
    except ProofError as error:
        raise Bad(str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        detail = " ".join(str(error).split())[:120]
        raise Bad(f"the certificate or the lockfile is broken ({type(error).__name__}: {detail})") from None


def _check(folder: Path, lockfile: Path | None) -> list[Checked]:
    if not (folder / "manifest.json").is_file():
        raise Bad(f"{folder} holds no certificate: it has no manifest.json")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if manifest["version"] != 1:
        raise Bad("the certificate is of a version that this satlock does not know")
    texts = _read_files(folder, manifest["files"])
    path = lockfile or folder / manifest["lockfile"]["path"]
    lock_bytes = _read(path, manifest["lockfile"]["sha256"])
    project: _Project | None = None
    if "project" in manifest:
        about = manifest["project"]
        beside = path.parent / "pyproject.toml" if lockfile else folder / about["path"]
        tables = tomllib.loads(_read(beside, about["sha256"]).decode())
        listed = [(beside.parent / other["path"], other["sha256"]) for other in manifest.get("workspace", [])]
        project = _Project(beside, tables, {file: _read(file, digest) for file, digest in listed})
    properties = sorted({name.partition("/")[0] for name in texts})
    expected = {f"{one}/{name}" for one in properties for name in _FILES}
    expected |= {f"complete/{_RECORD}"} if "complete" in properties else set()
    if not properties or set(texts) != expected:
        raise Bad("the certificate does not have the files that it should have")
    top = tomllib.loads(lock_bytes.decode())
    digest = hashlib.sha256(lock_bytes).hexdigest()
    return [_check_one(name, texts, top, project, digest) for name in properties]


def _read_files(folder: Path, digests: dict[str, str]) -> dict[str, str]:
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"manifest.json"}
    if there != set(digests):
        odd = sorted(there ^ set(digests))[0]
        raise Bad(f"{odd} is {'not in the manifest' if odd in there else 'missing'}")
    return {name: _read(folder / name, digest).decode() for name, digest in digests.items()}


def _read(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Bad(f"{path} cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise Bad(f"{path.name} is not the file that the certificate was written for: its digest differs")
    return content


def _check_one(name: str, texts: dict[str, str], top: dict[str, Any], project: _Project | None, digest: str) -> Checked:
    words = json.loads(texts[f"{name}/obligation.json"])
    legend = json.loads(texts[f"{name}/legend.json"])
    if not isinstance(legend, list) or not all(isinstance(item, str) for item in legend):
        raise Bad("the legend is no list of names")
    if not words["claims"]:
        raise Bad("the certificate claims nothing")
    if words["property"] != name or words["sha256"] != digest:
        raise Bad("the obligation is of another property or lockfile")
    lock = read_lock(words["format"], top)
    if project is not None and lock.kind != "uv":
        lock.brings, lock.rivals = axioms_of(project.tables, project.workspace(), lock.kind, lock.switches)
    recorded = json.loads(texts.get(f"{name}/{_RECORD}", "{}"))
    if name == "optimality":
        clauses = _of_optimality(words, lock, legend)
    else:
        clauses = _rebuilt(lock, words, legend, project.tables if project is not None else None, top, recorded)
    variables, given = parse_dimacs(texts[f"{name}/obligation.cnf"])
    if variables != len(legend):
        raise Bad("the legend and the CNF have different variables")
    _compare(clauses, {frozenset(clause) for clause in given}, legend)
    steps = parse_lrat(texts[f"{name}/proof.lrat"])
    refute(given, steps)
    _compare_smt(texts[f"{name}/obligation.smt2"], given, legend)
    return Checked(name, tuple(sorted(words["claims"])), len(steps), len(given), _trusted(recorded))


def _of_optimality(words: dict[str, Any], lock: Lock, legend: list[str]) -> Clauses:
    clauses = Clauses(lock, cells_of([], lock.python), legend)
    for clause in optimality_clauses(words, lock, clauses.number):
        clauses.say(clause)
    return clauses


def _trusted(recorded: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for said in recorded.get("owners", {}).values():
        if "requires-dist" in said:
            counts[str(said["from"])] = counts.get(str(said["from"]), 0) + 1
    return tuple(sorted(counts.items()))


def _rebuilt(  # noqa: PLR0917
    lock: Lock,
    words: dict[str, Any],
    legend: list[str],
    project: dict[str, Any] | None,
    top: dict[str, Any],
    recorded: dict[str, Any],
) -> Clauses:
    asked = [leaf for condition in _conditions(lock) for leaf in leaves(condition)]
    if words["property"] == "unique":
        goals = _unique_goals(lock, words)
        cells = cells_of(asked, lock.python)
        clauses = Clauses(lock, cells, legend)
        clauses.say_everything({node for nodes in goals.values() for node in nodes})
        for name, nodes in goals.items():
            for left_out in nodes:
                literals = {clauses.number(f"reach {node}") for node in nodes if node != left_out}
                clauses.say({-clauses.number(f"two {name}"), *literals})
        goal_names = {name: f"two {name}" for name in goals}

        def twice(name: str, reached: set[str], places: Any, on: set[str]) -> bool:
            return len(reached.intersection(goals[name])) > 1

        guilty: Guilty = twice

    elif words["property"] == "complete":
        clauses, goal_names, guilty = complete_goals(lock, top, words, legend, project, recorded)
        lock, cells = clauses.lock, clauses.cells
    else:
        clauses, goal_names, guilty = further_goals(lock, words, legend, project, asked)
        cells = clauses.cells
    for kind, nodes in words["loops"]:
        clauses.say_loop(kind, nodes)
    _check_words(lock, cells, words, goal_names)
    inputs = [name for name in legend if name in set(lock.switches) or name.startswith("opaque ")]
    for box in words["walked"]:
        _check_box(lock, cells, box, inputs, goal_names, guilty)
        clauses.say(box_clause(box, cells, clauses.number))
    clauses.say(clauses.number(goal) for goal in goal_names.values())
    return clauses


def _conditions(lock: Lock) -> Iterable[Condition]:
    yield lock.environments
    for edge in lock.edges:
        yield edge.condition
    for _, _, condition in lock.brings:
        yield condition


def _unique_goals(lock: Lock, words: dict[str, Any]) -> dict[str, list[str]]:
    """The names with several entries among those that the certificate claims."""
    goals: dict[str, list[str]] = {}
    for name, entries in words["claims"].items():
        mine = [str(number) for number, entry in enumerate(lock.entries) if entry["name"] == name]
        if not mine or mine != entries:
            raise Bad(f"the lockfile has other entries of {name} than the certificate says")
        if len(mine) > 1:
            goals[name] = mine
    return goals


def _check_words(lock: Lock, cells: Cells, words: dict[str, Any], goals: dict[str, str]) -> None:
    """What a person reads of the obligation is what was proven."""

    def pythons(text: str) -> list[str]:
        return sorted(part.strip() for part in text.split(","))

    axioms = dict(words["axioms"])
    mine: dict[str, Any] = {
        **{axis: [cells.label(axis, row).partition(" ")[2] for row in rows] for axis, rows in cells.rows.items()},
        "impossible": [[cells.label("platform", p), cells.label("machine", m)] for p, m in cells.impossible()],
        "switches": lock.switches,
        "required": lock.required,
        "implied": [list(pair) for pair in lock.implied],
        "conflicts": [[label for label, _, _ in members] for members in lock.conflicts],
        "rivals": [list(pair) for pair in lock.rivals],
    }
    if [(by, brought, marker_of(text)) for by, brought, text in axioms.pop("brings")] != lock.brings:
        raise Bad("the certificate's axioms about what is brought along do not follow from the project")
    if pythons(axioms.pop("requires-python")) != pythons(lock.python):
        raise Bad("the certificate has another requires-python than the lockfile")
    for key in {*axioms, *mine}:
        if axioms.get(key) != mine.get(key):
            raise Bad(f"the certificate's axioms about {key} do not follow from the lockfile")
    if words["goals"] != goals:
        raise Bad("the certificate's goals are not those of its claims")
    shown = {}
    for name in goals:
        for number in words["claims"][name]:
            entry = lock.entries[int(number)]
            title = f"{entry['name']} {entry['version']}".rstrip()
            shown[number] = f"{title} ({entry['source']})" if entry["source"] else title
    if words["entries"] != shown:
        raise Bad("the certificate describes other entries than the lockfile has")


def _check_box(  # noqa: PLR0917
    lock: Lock,
    cells: Cells,
    box: dict[str, Any],
    inputs: list[str],
    goals: dict[str, str],
    guilty: Guilty,
) -> None:
    """No environment of the box refutes its goal."""
    name = next((name for name, goal in goals.items() if goal == box["goal"]), None)
    if name is None:
        raise Bad("the certificate walks for a goal that it does not have")
    for places, on in environments_in(box, cells, inputs):
        reached = installed(lock, cells, places, on)
        if reached is not None and guilty(name, reached, places, on):
            raise Bad(f"an environment that the certificate calls walked refutes the claim about {name}")


def _compare(clauses: Clauses, given: set[frozenset[int]], legend: list[str]) -> None:
    def shown(clause: frozenset[int]) -> str:
        names = {number: name for name, number in clauses.numbers.items()}
        return " or ".join(f"{'not ' if lit < 0 else ''}{names.get(abs(lit), '?')}" for lit in sorted(clause))[:200]

    if len(clauses.numbers) != len(legend):
        odd = next(name for name, number in clauses.numbers.items() if number == len(legend) + 1)
        raise Bad(f"the certificate leaves out {odd[:100]!r}, which the lockfile speaks of")
    for clause in given - clauses.found:
        raise Bad(f"the CNF has a clause that does not follow from the lockfile: {shown(clause)}")
    for clause in clauses.found - given:
        raise Bad(f"the CNF leaves out a clause: {shown(clause)}")


def _compare_smt(text: str, given: list[tuple[int, ...]], legend: list[str]) -> None:
    """The SMT-LIB file says what the CNF says, line by line."""
    symbols = {number: f"|{name}|" if re.fullmatch(r"[ -\[\]-{}~]+", name) else f"v{number}"
               for number, name in enumerate(legend, 1)}  # fmt: skip
    expected = ["(set-logic QF_UF)", "(set-info :status unsat)"]
    expected += [f"(declare-const {symbols[number]} Bool)" for number in range(1, len(legend) + 1)]
    for clause in given:
        parts = [symbols[lit] if lit > 0 else f"(not {symbols[-lit]})" for lit in clause]
        inner = f"(or {' '.join(parts)})" if len(parts) > 1 else "".join(parts) or "false"
        expected.append(f"(assert {inner})")
    expected += ["(check-sat)", "(exit)"]
    if [line for line in text.split("\n") if line and not line.startswith(";")] != expected:
        raise Bad("the SMT-LIB file does not say what the CNF says")
