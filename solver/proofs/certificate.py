"""Writes proofs down, so that they can be checked without the solver that found them.

A certificate is a folder: ``manifest.json`` with the digest of every file and of the lockfile, and for each property
a folder with the obligation in words (``obligation.json``), its clauses (``obligation.cnf`` in DIMACS, ``legend.json``
with what each variable means), the proof (``proof.lrat``), and the same clauses as SMT-LIB 2 (``obligation.smt2``).
``optimality/`` has the same files, for claims that no newer version serves.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from satlock.encoder.markers.grid import AXES
from satlock.solver.lockfiles.model import LockfileError
from satlock.solver.lockfiles.pulls import workspace_files
from satlock.solver.lockfiles.reading import digest_of
from satlock.solver.proofs.elaboration import Step, elaborate, logged_proof
from satlock.solver.proofs.environments import Axes
from satlock.solver.proofs.no_lock import NoLockProof, NotCertified
from satlock.solver.proofs.obligation import Clause, Obligation
from satlock.solver.proofs.optimality import Optimality
from satlock.solver.proofs.passing import Passed, passing_clause, values_of
from satlock.solver.proofs.unique import Proof

__all__ = ["remove_certificate", "write_certificate", "write_no_lock"]

_PLAIN = re.compile(r"[ -~]+")
"""What a comment of SMT-LIB may have."""


def write_certificate(
    folder: Path, proofs: Iterable[Proof], optimality: Optimality | None = None, day: str = ""
) -> int:
    """Writes the certificate of everything that was proven; returns its size in bytes, 0 where nothing was.

    Args:
        optimality: claims about what is behind its newest in the lock that the proofs are of.
        day: when the indexes were read, or recorded, for these claims.

    Raises:
        LockfileError: where the folder holds something else, which is not written over.
        OSError: where it cannot be written.
    """
    proofs = [proof for proof in proofs if any(answer.proven for answer in proof.answers)]
    if not proofs:
        return 0
    subject = _subject(proofs, folder, optimality)
    files: dict[str, str] = {}
    for proof in proofs:
        files |= {f"{proof.property}/{name}": text for name, text in _files(proof).items()}
    if optimality is not None:
        files |= {f"optimality/{name}": text for name, text in _optimality_files(optimality, proofs[0], day).items()}
    return _write(folder, subject, files)


def write_no_lock(folder: Path, proof: NoLockProof, project: Path, day: str) -> int:
    """Writes the certificate that a project has no lock; returns its size in bytes.

    Args:
        project: its ``pyproject.toml``.
        day: when its indexes were read, or recorded (a date).

    Raises:
        NotCertified: where the facts in words can hold together.
        LockfileError: where the folder holds something else, which is not written over.
        OSError: where it cannot be written.
    """
    digest = digest_of(project)
    words = {"property": "no-lock", "project": project.name, "sha256": digest, "recorded": day, **proof.words}
    try:
        # A fact that no version fits refutes itself.
        alone = proof.clauses.index(()) + 1 if () in proof.clauses else 0
        own = [Step(len(proof.clauses) + 1, (), (alone,))]
        steps = own if alone else elaborate(proof.clauses, logged_proof(proof.clauses))
    except ValueError:
        raise NotCertified("What clashes are facts that the words of a certificate do not have yet.") from None
    written = _written("no-lock", words, proof.names, proof.clauses, steps)
    subject: dict[str, Any] = {"project": _listed(project, folder, digest)}
    others = [_listed(path, project.parent, digest_of(path)) for path in workspace_files(project)]
    files = {f"no-lock/{name}": text for name, text in written.items()}
    return _write(folder, {**subject, **({"workspace": others} if others else {})}, files)


def _write(folder: Path, subject: Mapping[str, Any], files: Mapping[str, str]) -> int:
    _make_room(folder)
    digests = {}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        digests[name] = hashlib.sha256(text.encode()).hexdigest()
    manifest = {"version": 3, **subject, "files": dict(sorted(digests.items()))}
    text = json.dumps(manifest, indent=1) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return len(text) + sum(len(content.encode()) for content in files.values())


def remove_certificate(folder: Path) -> None:
    """Removes a certificate, and nothing else that is in the folder."""
    _make_room(folder)
    if not any(folder.iterdir()):
        folder.rmdir()


def _make_room(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise LockfileError(f"{folder} is not a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    there = sorted(path for path in folder.rglob("*") if path.is_file())
    if there and not (folder / "manifest.json").is_file():
        raise LockfileError(f"{folder} is not empty and holds no certificate; name another folder.")
    if there:
        try:
            known = {"manifest.json", *json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]}
        except (ValueError, KeyError, TypeError):
            raise LockfileError(f"{folder} holds a broken certificate; remove it first.") from None
        for path in there:
            if path.relative_to(folder).as_posix() in known:
                path.unlink()
        for path in folder.iterdir():
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


_HEARD = frozenset(("index-pins", "complete"))
"""The properties of a ``uv.lock`` that its project has a say in; in other locks it always has."""


def _subject(proofs: list[Proof], folder: Path, optimality: Optimality | None) -> dict[str, Any]:
    """What the certificate is about; whoever checks it finds the same by a rule, and refuses anything else.

    Raises:
        LockfileError: where the name of the lockfile does not tell its format, by which it is checked.
    """
    reading = proofs[0].reading
    kind = reading.lockfile.kind
    if not reading.named_by_format:
        raise LockfileError(
            f"{reading.path.name} does not tell its format by its name, by which a certificate is checked; call it "
            "pylock.toml, pylock.NAME.toml, uv.lock, poetry.lock or pdm.lock."
        )
    subject: dict[str, Any] = {"lockfile": _listed(reading.path, folder, reading.digest)}
    heard = kind != "uv" or optimality is not None or any(proof.property in _HEARD for proof in proofs)
    if heard and reading.has_project:
        subject["project"] = _listed(reading.beside, reading.path.parent, digest_of(reading.beside))
        if reading.workspace:
            beside = reading.beside.parent
            subject["workspace"] = [_listed(path, beside, digest) for path, digest in reading.workspace]
    return subject


def _listed(path: Path, base: Path, digest: str) -> dict[str, str]:
    """Paths are relative, so that all can be moved together."""
    there = path.parent.resolve() / path.name
    return {"path": Path(os.path.relpath(there, base.resolve())).as_posix(), "sha256": digest}


def _files(proof: Proof) -> dict[str, str]:
    obligation = proof.obligation
    clauses = [*obligation.clauses, *(passing_clause(obligation, box) for box in proof.passed)]
    goals = tuple(sorted(proof.goals.values()))
    clauses.append(goals)
    # Without a goal nothing could be wrong: the last clause is empty, and is its own refutation.
    steps = elaborate(clauses, logged_proof(clauses, goals)) if goals else [Step(len(clauses) + 1, (), (len(clauses),))]
    recorded = {"metadata.json": proof.recorded} if proof.recorded else {}
    return {**recorded, **_written(proof.property, _in_words(proof), obligation.names, clauses, steps)}


def _optimality_files(optimality: Optimality, proof: Proof, day: str) -> dict[str, str]:
    reading = proof.reading
    words = {
        "property": "optimality",
        "lockfile": reading.path.name,
        "sha256": reading.digest,
        "format": reading.lockfile.kind,
        "recorded": day,
        **optimality.words,
    }
    clauses = optimality.clauses
    return _written(
        "optimality", words, optimality.names, clauses, elaborate(clauses, logged_proof(clauses, clauses[-1]))
    )


def _written(
    name: str, words: dict[str, Any], names: Sequence[str], clauses: Sequence[Clause], steps: Iterable[Step]
) -> dict[str, str]:
    lines = [" ".join(map(str, (step.number, *step.clause, 0, *step.reasons, 0))) for step in steps]
    dimacs = [f"p cnf {len(names) - 1} {len(clauses)}"]
    dimacs += [" ".join(map(str, (*clause, 0))) for clause in clauses]
    return {
        "obligation.json": json.dumps(words, indent=1) + "\n",
        "legend.json": json.dumps(names[1:], indent=0) + "\n",
        "obligation.cnf": "\n".join(dimacs) + "\n",
        "proof.lrat": "\n".join(lines) + "\n",
        "obligation.smt2": _smt(name, names, clauses),
    }


def _in_words(proof: Proof) -> dict[str, Any]:
    obligation, lockfile = proof.obligation, proof.obligation.lockfile
    axes = obligation.axes
    return {
        "property": proof.property,
        "lockfile": proof.reading.path.name,
        "sha256": proof.reading.digest,
        "format": lockfile.kind,
        **proof.details,
        "claims": {answer.name: [str(e.number) for e in answer.entries] for answer in proof.answers if answer.proven},
        "entries": {str(e.number): f"{e} ({e.source})" if any(e.source) else str(e)
                    for answer in proof.answers if answer.name in proof.goals for e in answer.entries},
        "goals": {name: obligation.names[goal] for name, goal in proof.goals.items()},
        "axioms": {
            "requires-python": lockfile.requires_python,
            **{name: [axes.value(axis, place) for place in range(axes.size(axis))]
               for axis, name in _named(axes)},
            "impossible": [[axes.label(1, one), axes.label(3, other)] for one, other in axes.phantoms()],
            "switches": [*map(str, lockfile.switches)],
            "required": [*map(str, lockfile.required)],
            "implied": [[*map(str, pair)] for pair in lockfile.implied],
            "conflicts": [[member.label for member in members] for members in lockfile.conflicts],
            "brings": [[str(bring.by or ""), str(bring.brought), bring.marker] for bring in lockfile.brings],
            "rivals": [[*map(str, pair)] for pair in lockfile.rivals],
        },
        "loops": [[kind, list(nodes)] for kind, nodes in obligation.loops],
        "walked": [_box(obligation, box) for box in proof.passed],
        "example": _example(proof),
    }  # fmt: skip


def _named(axes: Axes) -> list[tuple[int, str]]:
    """The axes on which something is asked, with their names."""
    return [(axis, AXES[axis]) for axis in axes.asked]


def _example(proof: Proof) -> dict[str, Any]:
    axes = proof.obligation.axes
    values = values_of(proof.example, axes)
    places = {name: values[axis] for axis, name in _named(axes)}
    return {**places, "on": sorted(map(str, proof.example.switches))}


def _box(obligation: Obligation, box: Passed) -> dict[str, Any]:
    places = {
        name: [obligation.axes.value(axis, place) for place in box.places[axis]]
        for axis, name in _named(obligation.axes)
    }
    return {"goal": obligation.names[box.goal], **places, "fixed": dict(box.fixed)}


def _smt(about: str, names: Sequence[str], clauses: Sequence[Clause]) -> str:
    """The clauses over short symbols, each of which is said to mean what the legend says."""
    wrong = "the last assertion says that one of the claims is wrong"
    lines = [
        f"; {about}: {'these facts cannot all hold' if about == 'no-lock' else wrong}, so this is to be unsat",
        "(set-logic QF_UF)",
        "(set-info :status unsat)",
        *(f"(declare-const v{number} Bool) ; {name if _PLAIN.fullmatch(name) else 'see legend.json'}"
          for number, name in enumerate(names) if number),
    ]  # fmt: skip
    for clause in clauses:
        parts = [f"v{lit}" if lit > 0 else f"(not v{-lit})" for lit in clause]
        lines.append(f"(assert (or {' '.join(parts)}))" if len(parts) > 1 else f"(assert {''.join(parts) or 'false'})")
    return "\n".join([*lines, "(check-sat)", "(exit)", ""])
