"""Checks a certificate: that it repeats what is checked, that it claims what follows, and that its proof is right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from satlock.solver.checking.agreeing import check_agreement
from satlock.solver.checking.claims import Checked, Place, Trusted, Verdict
from satlock.solver.checking.complete import complete_goals
from satlock.solver.checking.environments import Cells, Row, cells_of
from satlock.solver.checking.facts import Facts
from satlock.solver.checking.files import NotGiven, read_file
from satlock.solver.checking.forms import FACTS, MANIFEST, OBLIGATION, OPTIMALITY, RECORD, check_form
from satlock.solver.checking.further import Asked, Goals
from satlock.solver.checking.installable import installable_goals
from satlock.solver.checking.kernel import ProofError, parse_dimacs
from satlock.solver.checking.markers import Bad
from satlock.solver.checking.model import Lock, Table
from satlock.solver.checking.no_lock import no_lock_of
from satlock.solver.checking.obligation import Clauses
from satlock.solver.checking.optimality import optimality_of
from satlock.solver.checking.owners import Record, is_day, read_record, recorded_candidates, trusted_metadata
from satlock.solver.checking.parts import json_of, legend_of, manifest_of, texts_of, words_of
from satlock.solver.checking.passing import box_clause, box_of, each_kind, walk_again
from satlock.solver.checking.pins import pin_goals
from satlock.solver.checking.pulls import marker_of
from satlock.solver.checking.reading import Subject, check_stated, named_lockfile, project_of, read_lockfile, subject_of
from satlock.solver.checking.replaying import replay
from satlock.solver.checking.unique import unique_goals
from satlock.solver.checking.walk import Here, installed, met

__all__ = ["Bad", "NotGiven", "check_certificate", "is_about_the_lock"]

_FILES = frozenset(("legend.json", "obligation.cnf", "obligation.json", "obligation.smt2", "proof.lrat"))
_FILES_OF = {
    "unique": _FILES,
    "index-pins": _FILES,
    "installable": _FILES,
    "complete": _FILES | {"metadata.json"},
    "optimality": _FILES,
    "no-lock": _FILES,
}
_WORDS_OF_NO_LOCK = {"property", "project", "sha256", "recorded", "environments", "packages", "single-version", "facts"}
_WORDS_OF_OPTIMALITY = {"property", "lockfile", "sha256", "format", "recorded", "environments", "packages", "facts",
                        "claims", "unproven"}  # fmt: skip
_WORDS = frozenset(("property", "lockfile", "sha256", "format", "claims", "entries", "goals", "axioms", "loops",
                    "walked", "example"))  # fmt: skip
_FURTHER_WORDS = {"installable": {"environments"}, "complete": {"requirements"}}


def check_certificate(folder: Path, lockfile: Path | None = None, project: Path | None = None) -> Verdict:
    """Checks every certificate in a folder.

    Args:
        lockfile: what is checked; by default the lockfile that the certificate names in the folder around it.
        project: the folder of its ``pyproject.toml``; by default that of the lockfile.

    Raises:
        NotGiven: where something is missing, or it is no certificate.
        Bad: where the certificate does not hold.
    """
    try:
        return _check(folder, lockfile, project)
    except ProofError as error:
        raise Bad(str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        detail = " ".join(str(error).split())[:120]
        raise Bad(f"the certificate or the lockfile is broken ({type(error).__name__}: {detail})") from None


def is_about_the_lock(words: Table, lockfile: Path, project: Path) -> None:
    """Checks what claims of *optimality* say of a lockfile and its project; their proof is another matter.

    Raises:
        Bad: where they do not hold.
        NotGiven: where a file is missing.
    """
    subject = subject_of(lockfile, project, {"optimality"})
    assert subject.project is not None
    lock, _ = read_lockfile(subject)
    numbers: dict[str, int] = {}
    optimality_of(words, lock, subject.stated, [one.table for one in subject.workspace],
                  lambda name: numbers.setdefault(name, len(numbers) + 1))  # fmt: skip


def _check(folder: Path, lockfile: Path | None, project: Path | None) -> Verdict:
    if not os.path.lexists(folder / "manifest.json"):
        raise NotGiven(f"{folder} holds no certificate: it has no manifest.json")
    manifest = manifest_of(read_file(folder / "manifest.json", inside=True))
    check_form("manifest.json", manifest, MANIFEST)
    files, texts = manifest.pop("files"), texts_of(folder)
    if set(files) != set(texts):
        odd = min(set(files) ^ set(texts))
        raise Bad(f"{odd} is {'not in the manifest' if odd in texts else 'missing'}")
    for name, text in texts.items():
        if hashlib.sha256(text.encode()).hexdigest() != files[name]:
            raise Bad(f"{name} is not the file that the certificate was written with: its digest differs")
    by_property: dict[str, dict[str, str]] = {}
    for name, text in texts.items():
        one, _, rest = name.partition("/")
        by_property.setdefault(one, {})[rest] = text
    for one, mine in by_property.items():
        if set(mine) != _FILES_OF.get(one, set()):
            raise Bad(f"the certificate does not have the files that one of {one[:40]!r} has")
    if not by_property:
        raise Bad("the certificate claims nothing")
    if "no-lock" in by_property:
        if len(by_property) > 1 or lockfile is not None:
            raise Bad("the certificate is of a lockfile, and claims that there is none")
        return _no_lock(by_property["no-lock"], folder, project, manifest)
    stated = manifest.get("lockfile")
    named = stated.get("path") if isinstance(stated, dict) else None
    path = lockfile or named_lockfile(folder, named)
    subject = subject_of(path, project, set(by_property))
    check_stated(subject, manifest, elsewhere=project is not None)
    lock, top = read_lockfile(subject)
    found = tuple(_check_one(one, by_property[one], subject, top) for one in sorted(by_property))
    check_agreement(lock, found)
    conflicts = [tuple(label for label, _, _ in members) for members in lock.conflicts]
    conflicts += [tuple(name.removeprefix("in force ") for name in pair) for pair in lock.rivals if lock.kind != "uv"]
    members = tuple(name.removeprefix("project ") for name in lock.switches if name.startswith("project "))
    return Verdict(subject, found, lock.python, tuple(conflicts), members)


def _no_lock(texts: Mapping[str, str], folder: Path, project: Path | None, manifest: dict[str, Any]) -> Verdict:
    """Checks the claim that a project has no lock."""
    subject = project_of(folder, project)
    check_stated(subject, manifest, elsewhere=project is not None)
    assert subject.project is not None
    words, legend = words_of(texts), legend_of(texts)
    check_form("no-lock/obligation.json", words, FACTS)
    if set(words) != _WORDS_OF_NO_LOCK or words["property"] != "no-lock" or words["sha256"] != subject.project.sha256:
        raise Bad("the obligation is of another property or project")
    if words["project"] != subject.project.path.name:
        raise Bad("the obligation is of another property or project")
    _check_day(words)
    variables, given = parse_dimacs(texts["obligation.cnf"])
    clauses = Clauses(Lock(""), cells_of([], ""), legend, len(given))
    found = no_lock_of(words, subject.stated, [one.table for one in subject.workspace], clauses.number)
    for clause in found.facts.clauses:
        clauses.say(clause)
    steps = replay(texts, clauses, variables, given, legend, "no-lock")
    names = tuple(sorted({name.partition(" #")[0] for name in words["packages"]}))
    checked = Checked("no-lock", names, (), steps, len(given), facts=found.told,
                      clash_in=tuple(map(str, found.environments)),
                      **_rests_on(found.facts, words, subject))  # fmt: skip
    return Verdict(subject, (checked,), subject.project.table.get("project", {}).get("requires-python", ""), ())


def _rests_on(facts: Facts, words: Table, subject: Subject) -> dict[str, Any]:
    """What is taken on trust with some facts."""
    stated = [one.path.with_name("uv.toml") for one in (subject.project, *subject.workspace[:1]) if one is not None]
    unread = [Trusted("unread", "", 1, detail=str(path)) for path in stated if os.path.exists(path)]
    return {
        "trusted": (*facts.trusted(words["recorded"]), *unread),
        "candidates": tuple(facts.candidates()),
        "listed": tuple(facts.listed()),
    }


def _check_day(words: Table) -> None:
    if not is_day(words["recorded"]):
        raise Bad("the certificate does not say on which day its facts were recorded")


def _check_one(name: str, texts: Mapping[str, str], subject: Subject, top: Table) -> Checked:
    words, legend = words_of(texts), legend_of(texts)
    check_form(f"{name}/obligation.json", words, OPTIMALITY if name == "optimality" else OBLIGATION)
    assert subject.lockfile is not None
    said = {"property": name, "lockfile": subject.lockfile.path.name, "sha256": subject.lockfile.sha256,
            "format": subject.kind}  # fmt: skip
    for key, mine in said.items():
        if words[key] != mine:
            raise Bad(f"the obligation of {name} has another {key} than what is checked: {str(words[key])[:80]!r}")
    if not words["claims"]:
        raise Bad("the certificate claims nothing")
    variables, given = parse_dimacs(texts["obligation.cnf"])
    lock, _ = read_lockfile(subject)
    if lock.followed and name != "unique" and len({entry.name for entry in lock.entries}) < len(lock.entries):
        raise Bad(f"the lockfile does not say when a package is installed, and the certificate claims {name} of it")
    record = Record()
    if name == "complete":
        recorded = json_of(texts["metadata.json"])
        check_form("complete/metadata.json", recorded, RECORD)
        record = read_record(recorded)
    places: tuple[Place, ...] = ()
    if name == "optimality":
        if subject.project is None or set(words) != _WORDS_OF_OPTIMALITY:
            raise Bad("the obligation of optimality has other keys than it should have, or no project")
        _check_day(words)
        clauses = Clauses(lock, cells_of([], ""), legend, len(given))
        found = optimality_of(words, lock, subject.stated, [one.table for one in subject.workspace],
                              clauses.number)  # fmt: skip
        for clause in found.facts.clauses:
            clauses.say(clause)
        rests_on, not_newer, unproven = _rests_on(found.facts, words, subject), found.told, tuple(words["unproven"])
        if sorted({entry.name for entry in lock.entries}.intersection(unproven)) != list(unproven):
            raise Bad("the certificate calls something unproven that is no package of the lockfile")
    else:
        if set(words) != _WORDS | _FURTHER_WORDS.get(name, set()):
            raise Bad(f"the obligation of {name} has other keys than it should have")
        project = subject.stated if subject.project is not None else None
        asked = Asked(lock, words["claims"], legend, len(given), top, project, words.get("environments", ""),
                      words.get("requirements", {}))  # fmt: skip
        goals = _goals(name, asked, record)
        clauses = _with_the_rest(goals, words, legend, lock)
        rests_on, not_newer, unproven = {"trusted": trusted_metadata(record, lock),
                                         "candidates": recorded_candidates(record, lock)}, (), ()  # fmt: skip
        if name == "installable":
            places = _places(goals, lock)
        if name in ("installable", "index-pins"):
            listed = sum(bool(entry.files) for entry in lock.entries if entry.name in words["claims"])
            what = "listed" if name == "installable" else "served"
            rests_on["trusted"] = (Trusted(what, "", listed),) if listed else ()
    steps = replay(texts, clauses, variables, given, legend, name)
    claims = tuple(sorted(words["claims"]))
    left_out = tuple(sorted({entry.name for entry in lock.entries} - set(claims)))
    silent = {"(project)" if key == "project" else lock.entries[int(key)].name for key in record.unexamined}
    return Checked(name, claims, left_out, steps, len(given), places, not_newer=not_newer, unproven=unproven,
                   unexamined=tuple(sorted(silent)), **rests_on)  # fmt: skip


def _goals(name: str, asked: Asked, record: Record) -> Goals:
    if name == "complete":
        return complete_goals(asked, record)
    return {"unique": unique_goals, "index-pins": pin_goals, "installable": installable_goals}[name](asked)


def _with_the_rest(goals: Goals, words: Table, legend: list[str], lock: Lock) -> Clauses:
    """The clauses of the goals, with those of loops and walks, once all that a person reads was compared."""
    clauses, cells = goals.clauses, goals.clauses.cells
    for kind, nodes in words["loops"]:
        clauses.say_loop(kind, nodes)
    _check_words(clauses.lock, cells, words, goals.names)
    switches = set(clauses.lock.switches)
    inputs = [name for name in legend if name in switches or name.startswith("opaque ")]
    boxes = [box_of(box, cells) for box in words["walked"]]
    walk_again(clauses.lock, boxes, inputs, goals)
    for box in boxes:
        clauses.say(box_clause(box, cells, clauses.number))
    clauses.say(clauses.number(goal) for goal in goals.names.values())
    example = _example(words["example"], cells, clauses.lock)
    if installed(clauses.lock, example) is None or not met(goals.where, example, example.on):
        raise Bad("the certificate's example is not one of the environments that it speaks of")
    return clauses


def _example(words: Table, cells: Cells, lock: Lock) -> Here:
    """An environment that the claims speak of: without one they would say nothing."""
    if set(words) != {*cells.rows, "on"}:
        raise Bad("the certificate's example is no environment")
    places: dict[str, Row] = {}
    for axis, known in cells.rows.items():
        fits = [row for row in known if cells.value_at(axis, row) == words[axis]]
        if len(fits) != 1:
            raise Bad("the certificate's example is no environment that the lockfile tells apart")
        places[axis] = fits[0]
    on = set(words["on"])
    if not on <= set(lock.switches) or (places["platform"], places["machine"]) in cells.impossible():
        raise Bad("the certificate's example is not one of the environments that it speaks of")
    return Here(cells, places, on)


_PLACE = ("platform", "machine", "implementation")


def _places(goals: Goals, lock: Lock) -> tuple[Place, ...]:
    """The environments that are asked about."""
    cells = goals.clauses.cells
    meant: dict[tuple[Row, Row, Row], set[Row]] = {}

    def is_meant(here: Here) -> bool:
        return met(goals.where, here, here.on) and met(lock.environments, here, here.on)

    for answer, rows in each_kind(cells.rows, {}, cells, (), is_meant):
        for place in product(rows["platform"], rows["machine"], rows["implementation"]) if answer else ():
            meant.setdefault(place, set()).update(rows["python"])
    for platform, machine in cells.impossible():
        for implementation in cells.rows["implementation"]:
            meant.pop((platform, machine, implementation), None)
    return tuple(
        Place(" ".join(platform), machine[0], " ".join(implementation),
              tuple(python[1] for python in cells.rows["python"] if python in pythons))
        for platform, machine, implementation in product(*(cells.rows[one] for one in _PLACE))
        if (pythons := meant.get((platform, machine, implementation)))
    )  # fmt: skip


def _check_words(lock: Lock, cells: Cells, words: Table, goals: dict[str, str]) -> None:
    """What a person reads of the obligation is what was proven."""

    def pythons(text: str) -> list[str]:
        return sorted(part.strip() for part in text.split(","))

    axioms = dict(words["axioms"])
    mine: dict[str, Any] = {
        **{axis: [cells.value_at(axis, row) for row in rows] for axis, rows in cells.rows.items()},
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
    shown = {number: lock.entries[int(number)].shown for name in goals for number in words["claims"][name]}
    if words["entries"] != shown:
        raise Bad("the certificate describes other entries than the lockfile has")
