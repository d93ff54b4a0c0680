"""Everything that is written of a comparison: the table, the pictures, the page, and the locks as files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from satlock.corpora.compare.page import page_of
from satlock.corpora.compare.plots import draw_all
from satlock.corpora.compare.tables import Line, csv_of, json_of, lines_of, markdown_of

__all__ = ["write_report"]


def write_report(
    results: Sequence[dict[str, Any]], output: Path, about: Mapping[str, Any], *, limit: float
) -> list[Line]:
    """Writes ``results.csv``, ``results.json``, ``summary.md``, ``index.html``, ``figures/``, ``locks/CASE/PEER-LOCK``.

    Args:
        about: what is said of the run, by name.
        limit: the seconds after which a run was stopped.
    """
    output.mkdir(parents=True, exist_ok=True)
    lines = lines_of(results)
    pictures = draw_all(lines, output / "figures", limit)
    _write(output / "results.csv", csv_of(lines))
    _write(output / "results.json", json_of(results, lines, dict(about)))
    _write(output / "summary.md", markdown_of(lines, about))
    _write(output / "index.html", page_of(results, lines, pictures, output / "figures", about))
    for result in results:
        for peer, known in result["peers"].items():
            if known["lock"] is not None:
                folder = output / "locks" / result["case"]["name"]
                folder.mkdir(parents=True, exist_ok=True)
                _write(folder / f"{peer}-{known['lock']['name']}", known["lock"]["text"])
    return lines


def _write(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
