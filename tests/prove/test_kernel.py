"""The LRAT kernel: accepts every elaborated proof, and no proof of what is satisfiable, however it was broken."""

from __future__ import annotations

import ast
import itertools
import random
import time
from pathlib import Path

import pytest

from satlock.solver.checking import kernel
from satlock.solver.checking.kernel import ProofError, parse_dimacs, parse_lrat, refute
from satlock.solver.proofs.elaboration import elaborate, logged_proof

Clauses = list[tuple[int, ...]]
Steps = list[tuple[int, tuple[int, ...], tuple[int, ...]]]


def _random_clauses(chance: random.Random) -> Clauses:
    variables = chance.randint(2, 7)
    found = []
    for _ in range(chance.randint(3, 40)):
        chosen = chance.sample(range(1, variables + 1), chance.randint(1, min(3, variables)))
        found.append(tuple(variable * chance.choice((1, -1)) for variable in chosen))
    return found


def _satisfiable(clauses: Clauses) -> bool:
    variables = sorted({abs(lit) for clause in clauses for lit in clause})
    for values in itertools.product((False, True), repeat=len(variables)):
        value = dict(zip(variables, values, strict=True))
        if all(any(value[abs(lit)] == (lit > 0) for lit in clause) for clause in clauses):
            return True
    return False


def _steps(clauses: Clauses) -> Steps:
    return [(s.number, s.clause, s.reasons) for s in elaborate(clauses, logged_proof(clauses))]


def _accepted(clauses: Clauses, steps: Steps) -> bool:
    try:
        refute(clauses, steps)
    except ProofError:
        return False
    return True


def _mutated(chance: random.Random, clauses: Clauses, steps: Steps) -> tuple[Clauses, Steps]:
    clauses, steps = list(clauses), list(steps)
    kind = chance.randrange(8)
    place = chance.randrange(len(steps))
    number, clause, reasons = steps[place]
    if kind == 0:
        del clauses[chance.randrange(len(clauses))]
    elif kind == 1:
        target = chance.randrange(len(clauses))
        clauses[target] = (*clauses[target], chance.choice((1, -1)) * chance.randint(1, 8))
    elif kind == 2:
        del steps[place]
    elif kind == 3 and clause:
        dropped = chance.choice(clause)
        steps[place] = (number, tuple(lit for lit in clause if lit != dropped), reasons)
    elif kind == 4 and reasons:
        gone = chance.randrange(len(reasons))
        steps[place] = (number, clause, reasons[:gone] + reasons[gone + 1 :])
    elif kind == 5:
        steps[place] = (number, clause, tuple(chance.sample(reasons, len(reasons))))
    elif kind == 6 and clause:
        steps[place] = (number, (-clause[0], *clause[1:]), reasons)
    else:
        target = chance.randrange(len(clauses))
        flipped = clauses[target]
        clauses[target] = (-flipped[0], *flipped[1:])
    return clauses, steps


@pytest.mark.parametrize("batch", range(8))
def test_random_proofs_and_their_mutants(batch: int) -> None:
    chance = random.Random(batch)
    proofs = refused = 0
    for _ in range(700):
        clauses = _random_clauses(chance)
        if _satisfiable(clauses):
            with pytest.raises(ValueError, match="model"):
                logged_proof(clauses)
            continue
        proofs += 1
        steps = _steps(clauses)
        refute(clauses, steps)
        for _ in range(4):
            other, broken = _mutated(chance, clauses, steps)
            if _accepted(other, broken):
                assert not _satisfiable(other)
            else:
                refused += 1
    assert proofs > 150
    assert refused > 100


def test_broken_steps() -> None:
    clauses: Clauses = [(1,), (-1, 2), (-2,)]
    refute(clauses, [(4, (), (1, 2, 3))])
    for steps in (
        [],
        [(4, (2,), (1, 2))],
        [(4, (), (1, 3))],
        [(4, (), (2, 1, 3))],
        [(3, (), (1, 2, 3))],
        [(4, (), (1, 2, 9))],
        [(4, (), (1, 2, 3, 1))],
        [(4, (), (4,))],
        [(-4, (), (1, 2, 3))],
        [(4, (), (1, -2, 3))],
        [(4, (0,), (1, 2, 3))],
    ):
        assert not _accepted(clauses, steps)


@pytest.mark.parametrize(
    "text",
    ["", "1 0", "p cnf 1 2\n1 0\n", "p cnf 1 1\n1\n", "p cnf 1 1\n2 0\n", "p cnf 1 1\nx 0\n", "p cnf a b\n",
     "p cnf 1 1\np cnf 1 1\n1 0\n", "p dnf 1 1\n1 0\n", "p cnf 1 1\n\u0661 0\n"],
)  # fmt: skip
def test_broken_dimacs(text: str) -> None:
    with pytest.raises(ProofError):
        parse_dimacs(text)


@pytest.mark.parametrize("text", ["1 0", "4 1 0 1 2", "4 d 1 0", "x", "0 0 0", "4 0 1 0 1 0"])
def test_broken_lrat(text: str) -> None:
    with pytest.raises(ProofError):
        parse_lrat(text)


def test_small_and_alone() -> None:
    """About 150 lines, and nothing but the standard library."""
    source = Path(kernel.__file__).read_text()
    assert len(source.splitlines()) <= 150
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert imported <= {"__future__", "collections.abc"}


def test_proofs_that_others_wrote() -> None:
    """Proofs of all clauses over two variables, and of Rivest's formula, as other tools write them: by resolution.

    Steps that delete are not taken, so a proof with them is refused, and is accepted without them.
    """
    two = "p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n"
    with_deletions = "5 -2 0 4 3 0\n5 d 3 4 0\n6 1 0 5 1 0\n6 d 1 0\n7 0 5 2 6 0\n"
    with pytest.raises(ProofError):
        parse_lrat(with_deletions)
    lines = [line for line in with_deletions.splitlines() if " d " not in line]
    refute(parse_dimacs(two)[1], parse_lrat("\n".join(lines)))
    rivest = "p cnf 4 8\n1 2 -3 0\n-1 -2 3 0\n2 3 -4 0\n-2 -3 4 0\n1 3 4 0\n-1 -3 -4 0\n-1 2 4 0\n1 -2 -4 0\n"
    clauses = parse_dimacs(rivest)[1]
    steps = _steps(clauses)
    refute(clauses, steps)
    for gone in range(len(clauses)):
        assert _satisfiable([*clauses[:gone], *clauses[gone + 1 :]])
        assert not _accepted([*clauses[:gone], *clauses[gone + 1 :]], steps)


def test_work_is_bounded_by_the_size_of_the_files() -> None:
    """A long clause that one literal satisfies propagates nothing, however often it is named."""
    long = tuple(range(2, 3000))
    clauses: Clauses = [(1, *long), *((-one,) for one in long), (-1,)]
    honest = [*range(2, len(long) + 2), 1]
    refute(clauses, [(9000, (), (*honest, len(clauses)))])
    again = (*honest[:-1], *[1] * 100_000, len(clauses))
    started = time.process_time()
    with pytest.raises(ProofError, match="more work"):
        refute(clauses, [(9000, (), again)])
    assert time.process_time() - started < 1


def test_it_raises_nothing_but_its_own_error() -> None:
    """Whatever the files hold."""
    chance = random.Random(11)
    whole = "p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n5 -2 0 4 3 0\n6 1 0 5 1 0\n7 0 5 2 6 0\n"
    refused = 0
    for _ in range(4000):
        content = bytearray(whole.encode())
        for _ in range(chance.randint(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        text = content.decode("latin-1")
        lines = text.split("\n")
        try:
            _, clauses = parse_dimacs("\n".join(lines[:5]))
            refute(clauses, parse_lrat("\n".join(lines[5:])))
            assert not _satisfiable(clauses)
        except ProofError:
            refused += 1
    assert refused > 3000
