"""Why a build made no metadata: one clause, and the last lines of what it printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from satlock.corpora.index.build_worker import MARK
from satlock.corpora.index.redaction import redacted

__all__ = ["BuildError", "BuildForbidden", "failure_of"]

_LINES, _LONGEST = 12, 300
"""How many lines of the output are kept, and how much of each."""
_READ = 2000
_ERROR = re.compile(
    r"(?:[\w.]+\.)?\w*(?:Error|Exception|Exit|Interrupt)\b.*|(?:fatal )?error:.*|.*: (?:fatal )?error: .*", re.I
)
_FRAME = re.compile(r'  File "|Traceback \(most recent|\^+$|~')
_OF_OTHERS = ("pyproject_hooks", "_in_process.py", "site-packages")


class BuildError(Exception):
    """No metadata came out; the text is one clause for a person."""

    def __init__(self, reason: str, output: Sequence[str] = (), *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.output = tuple(output)
        """The last lines that it printed, without credentials."""
        self.lasting = lasting
        """Whether the same build would fail again: it was the backend that gave up."""


class BuildForbidden(BuildError):
    """The project allows no build of it."""


def failure_of(log: Path, code: int) -> BuildError:
    """What went wrong, from the output of a build that ended with a code that is not 0.

    The line that most likely says why is the last error, else the last line of the build, else what the worker says.
    """
    lines = [redacted(line.rstrip()) for line in log.read_text("utf-8", "replace").splitlines()[-_READ:]]
    summary = next((line[len(MARK) :].strip() for line in reversed(lines) if line.startswith(MARK)), "")
    stage, _, said = summary.partition(": ")
    lines = [line for line in lines if line.strip() and not line.startswith(MARK)]
    if stage == "environment":
        return BuildError(f"what its build needs cannot be installed: {_of_installer(lines) or said}", _last(lines))
    errors = [line.strip() for line in lines if _ERROR.fullmatch(line.strip())]
    others = [line.strip() for line in lines if not _FRAME.match(line.strip()) and not _FRAME.match(line)]
    reason = (errors[-1] if errors else "") or (others[-1] if others else "") or said or f"it ended with {code}"
    return BuildError(f"its build failed: {reason[:_LONGEST]}", _last(lines), lasting=code > 0)


def _of_installer(lines: Sequence[str]) -> str:
    """What uv or pip say of requirements that cannot be met, on one line."""
    text = " ".join(line.strip() for line in lines if not line.startswith("  hint:"))
    because = re.search(r"Because .*?(?= hint: |$)", text)
    if because is not None:
        refusals = [line.strip().removeprefix("hint: ") for line in lines if line.strip().startswith("hint: An index")]
        return "; ".join(said[:_LONGEST].rstrip(".") for said in (because[0], *refusals))
    errors = [line.strip() for line in lines if line.strip().lower().startswith(("error:", "\u00d7"))]
    return (errors[-1] if errors else lines[-1].strip() if lines else "")[:_LONGEST]


def _last(lines: Sequence[str]) -> list[str]:
    """The end of the output, without the parts of tracebacks that lead through what calls and helps the backend."""
    kept: list[str] = []
    inner = False
    for line in lines:
        if line.startswith('  File "'):
            inner = any(part in line for part in _OF_OTHERS)
        elif not line.startswith("    "):
            inner = False
        if not inner:
            kept.append(line)
    return [line[:_LONGEST] for line in kept[-_LINES:]]
