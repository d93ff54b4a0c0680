"""Replays LRAT proofs. All that has to be trusted of a proof is in this file.

A proof is a list of steps ``NUMBER LITERAL... 0 REASON... 0``. A step is right if its clause follows from its reasons
by unit propagation: assume that each of its literals is false; then each reason in turn must have all of its
literals false but one, which becomes true, and the last reason must have all of them false. The proof is right if
every step is, and the last one derives the empty clause. Steps that delete clauses are not taken, nor are those with
negative reasons (RAT), which this project's proofs do not have.

A small file can ask for much: long clauses, named again and again. So all reasons together may have no more than
``MOST`` literals for each number that clauses and steps are written with.

Only the standard library is used, and nothing of this project.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["MOST", "ProofError", "parse_dimacs", "parse_lrat", "refute"]

MOST = 64
"""Proofs of this project have one to three."""


class ProofError(Exception):
    """The proof is wrong; the message is one sentence that says where."""


def refute(clauses: Sequence[Sequence[int]], steps: Iterable[tuple[int, Sequence[int], Sequence[int]]]) -> None:
    """Returns if ``steps`` prove that ``clauses`` (numbered from 1) have no model.

    Raises:
        ProofError: where they do not.
    """
    known: dict[int, frozenset[int]] = {}
    for number, clause in enumerate(clauses, 1):
        known[number] = frozenset(clause)
        if 0 in clause:
            raise ProofError(f"clause {number} has the literal 0")
    room, ended = MOST * sum(map(len, clauses)), False
    for number, clause, reasons in steps:
        if ended:
            raise ProofError(f"the proof goes on with step {number} where it has ended")
        room += MOST * (len(clause) + len(reasons) + 1) - sum(len(known[one]) for one in reasons if one in known)
        if room < 0:
            raise ProofError(f"the proof asks for more work at step {number} than its size allows")
        if number in known or number <= 0:
            raise ProofError(f"step {number} takes a number that is not free")
        if 0 in clause:
            raise ProofError(f"step {number} has the literal 0")
        _follows(number, clause, reasons, known)
        known[number] = frozenset(clause)
        ended = not clause
    if not ended:
        raise ProofError("the proof ends without the empty clause")


def _follows(number: int, clause: Sequence[int], reasons: Sequence[int], known: dict[int, frozenset[int]]) -> None:
    false = set(clause)
    if any(-literal in false for literal in clause):
        return
    for place, reason in enumerate(reasons, 1):
        if reason not in known:
            raise ProofError(f"step {number} names clause {reason}, which is not known there")
        left = known[reason] - false
        if not left:
            if place < len(reasons):
                raise ProofError(f"step {number} has reasons after its conflict")
            return
        if len(left) > 1:
            raise ProofError(f"step {number} does not follow: clause {reason} does not propagate")
        (literal,) = left
        # An opposite literal that is true already would make this clause say nothing.
        false.add(-literal)
    raise ProofError(f"step {number} does not follow: its reasons do not conflict")


def parse_dimacs(text: str) -> tuple[int, list[tuple[int, ...]]]:
    """The number of variables and the clauses of a DIMACS file.

    Raises:
        ProofError: where it is not one.
    """
    header: list[str] | None = None
    numbers: list[int] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] == "c":
            continue
        if words[0] == "p":
            if header is not None or len(words) != 4 or words[1] != "cnf":
                raise ProofError("the CNF has a wrong header")
            header = words
        elif header is None:
            raise ProofError("the CNF has no header")
        else:
            numbers += _integers(words, "the CNF")
    if header is None or (numbers and numbers[-1] != 0):
        raise ProofError("the CNF ends too early")
    variables, count = _integers(header[2:], "the CNF")
    clauses: list[tuple[int, ...]] = []
    clause: list[int] = []
    for number in numbers:
        if abs(number) > variables:
            raise ProofError(f"the CNF has the variable {abs(number)}, which its header does not")
        if number:
            clause.append(number)
        else:
            clauses.append(tuple(clause))
            clause = []
    if len(clauses) != count:
        raise ProofError(f"the CNF has {len(clauses)} clauses, and its header says {count}")
    return variables, clauses


def parse_lrat(text: str) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """The steps of an LRAT file.

    Raises:
        ProofError: where it is not one.
    """
    steps: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] == "c":
            continue
        numbers = _integers(words, "the proof")
        if numbers.count(0) != 2 or numbers[-1] != 0 or numbers[0] == 0:
            raise ProofError(f"the proof has the line {line[:60]!r}, which is no step")
        middle = numbers.index(0)
        steps.append((numbers[0], tuple(numbers[1:middle]), tuple(numbers[middle + 1 : -1])))
    return steps


def _integers(words: Sequence[str], where: str) -> list[int]:
    try:
        numbers = [int(word) for word in words]
        # No other spelling: ``+1``, ``01`` and ``1_0`` are not the same to everybody.
        if all(str(number) == word for number, word in zip(numbers, words, strict=True)):
            return numbers
    except ValueError:
        pass
    raise ProofError(f"{where} has something that is not a number")
