"""That the parts of a certificate record the same of a candidate: two that do not cannot both be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from satlock.solver.checking.claims import Candidate, Checked
from satlock.solver.checking.markers import Bad
from satlock.solver.checking.model import Lock
from satlock.solver.checking.owners import read_line

__all__ = ["check_agreement"]


def check_agreement(lock: Lock, properties: Sequence[Checked]) -> None:
    """That no two properties rest on different metadata of one file, nor on different requirements of one candidate.

    Raises:
        Bad: where two do, or where the metadata of what is locked is of a file with another hash than the lockfile has.
    """
    known: dict[tuple[str, str, str], list[Candidate]] = {}
    for checked in properties:
        for one in checked.candidates:
            known.setdefault((one.index, one.name, one.version), []).append(one)
    for entry in lock.entries:
        for one in known.get((entry.source.address, entry.name, entry.version), ()):
            if one.file in entry.hashes and one.sha256 != entry.hashes[one.file]:
                raise Bad(f"the certificate has another hash of {one.file} than the lockfile")
    for (_, name, version), some in known.items():
        for one, other in combinations(some, 2):
            if _differ(one, other):
                raise Bad(f"the certificate records two things of {name} {version}")


def _differ(one: Candidate, other: Candidate) -> bool:
    if one.file and other.file:
        if one.file != other.file:
            return False  # wheels of a version may require different things
        if (one.sha256, one.digest) != (other.sha256, other.digest):
            return True
    mine, others = _read(one.lines), _read(other.lines)
    return (one.whole and not others <= mine) or (other.whole and not mine <= others)


def _read(lines: Iterable[str]) -> set[tuple[object, ...]]:
    """Requirements without how they are spelled."""
    found: set[tuple[object, ...]] = set()
    for line in map(read_line, lines):
        clauses = frozenset("".join(part.split()) for part in line.versions.split(",") if part.strip())
        found.add((line.name, line.extras, clauses, line.marker, line.address))
    return found
