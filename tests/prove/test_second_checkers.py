"""What others say of our certificates: a DRUP checker of the LRAT files, and two SMT solvers of the SMT-LIB files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.prove.scenes import SCENES
from tests.prove.test_certificate import _confirmed_by_cvc5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folder of each property of each scene."""
    found: list[Path] = []
    for name, make in SCENES.items():
        folder = tmp_path_factory.mktemp(name)
        make(folder)
        found += sorted(path for path in (folder / "c").iterdir() if path.is_dir())
    assert len(found) > 8
    return found


def _confirmed_by_dratify(folder: Path, drop: int = 0) -> bool:
    """A proof without its hints is a DRUP proof; its steps delete nothing."""
    dratify = pytest.importorskip("dratify")
    lines = (folder / "proof.lrat").read_text().splitlines()
    clauses = [line.split()[1 : line.split().index("0", 1)] for line in lines]
    text = "".join(" ".join([*clause, "0"]) + "\n" for clause in clauses[drop:])
    formula = dratify.parse_dimacs((folder / "obligation.cnf").read_text(), strict=True)
    found: Any = dratify.check_proof(formula, text, engine="python")
    return bool(found.valid if hasattr(found, "valid") else found)


def _confirmed_by_bitwuzla(path: Path) -> str:
    bitwuzla = pytest.importorskip("bitwuzla")
    manager = bitwuzla.TermManager()
    parser = bitwuzla.Parser(manager, bitwuzla.Options())
    assert parser.parse(str(path), True, True) in (None, "")
    return str(parser.bitwuzla().check_sat())


def test_a_drup_checker_confirms_every_proof(folders: list[Path]) -> None:
    assert all(_confirmed_by_dratify(folder) for folder in folders)


def test_the_drup_checker_is_not_fooled(folders: list[Path]) -> None:
    """A claim's clause less, and the same proof: some step no longer follows."""
    refused = 0
    for folder in folders:
        path = folder / "obligation.cnf"
        kept = path.read_text()
        lines = kept.splitlines()
        path.write_text("\n".join([f"{' '.join(lines[0].split()[:3])} {len(lines) - 2}", *lines[1:-1]]) + "\n")
        try:
            refused += not _confirmed_by_dratify(folder)
        finally:
            path.write_text(kept)
    assert refused >= len(folders) // 2


@pytest.mark.parametrize("solver", [_confirmed_by_cvc5, _confirmed_by_bitwuzla])
def test_other_solvers_answer_unsat(solver: Any, folders: list[Path]) -> None:
    for folder in folders:
        assert "unsat" in solver(folder / "obligation.smt2").lower(), folder


def test_the_other_solver_is_not_fooled(folders: list[Path]) -> None:
    folder = next(folder for folder in folders if folder.name == "unique")
    text = (folder / "obligation.smt2").read_text()
    goals = json.loads((folder / "obligation.json").read_text())["goals"]
    legend = json.loads((folder / "legend.json").read_text())
    symbols = "|".join(str(legend.index(goal) + 1) for goal in goals.values())
    lines = [line for line in text.splitlines() if not re.search(rf"\bv({symbols})\b", line)]
    path = folder.parent / "weaker.smt2"
    path.write_text("\n".join(lines) + "\n")
    assert "unsat" not in _confirmed_by_bitwuzla(path).lower()
