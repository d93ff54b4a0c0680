"""That a certificate has just the clauses that follow from what is checked, and a proof that they have no model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from satlock.solver.checking.kernel import parse_lrat, refute
from satlock.solver.checking.markers import Bad
from satlock.solver.checking.obligation import Clauses

__all__ = ["replay"]


def replay(  # noqa: PLR0917
    texts: Mapping[str, str],
    clauses: Clauses,
    variables: int,
    given: list[tuple[int, ...]],
    legend: list[str],
    name: str,
) -> int:
    """Compares the clauses with those of the certificate, and replays its proof; returns the number of its steps."""
    for file in ("obligation.cnf", "proof.lrat"):
        if re.search("[^ -~\n]", texts[file]):
            raise Bad(f"{file} has a letter that others may read otherwise")
        if re.search("^ *c", texts[file], re.MULTILINE):
            raise Bad(f"{file} has a comment, which nothing could check")
    if variables != len(legend):
        raise Bad("the legend and the CNF have different variables")
    _compare(clauses, {frozenset(clause) for clause in given}, legend)
    steps = parse_lrat(texts["proof.lrat"])
    refute(given, steps)
    if texts["obligation.smt2"] != _smt(name, given, legend):
        raise Bad("the SMT-LIB file does not say what the CNF says")
    return len(steps)


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


def _smt(name: str, given: Iterable[tuple[int, ...]], legend: list[str]) -> str:
    """The SMT-LIB file that says what the CNF says."""
    wrong = "the last assertion says that one of the claims is wrong"
    lines = [f"; {name}: {'these facts cannot all hold' if name == 'no-lock' else wrong}, so this is to be unsat"]
    lines += ["(set-logic QF_UF)", "(set-info :status unsat)"]
    for number, said in enumerate(legend, 1):
        lines.append(f"(declare-const v{number} Bool) ; {said if re.fullmatch('[ -~]+', said) else 'see legend.json'}")
    for clause in given:
        parts = [f"v{lit}" if lit > 0 else f"(not v{-lit})" for lit in clause]
        inner = f"(or {' '.join(parts)})" if len(parts) > 1 else "".join(parts) or "false"
        lines.append(f"(assert {inner})")
    return "\n".join([*lines, "(check-sat)", "(exit)", ""])
