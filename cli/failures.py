"""How a run ends: the exit codes of the contract, and one sentence in place of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from satlock.cli.report import print_failure
from satlock.cli.terminal import say, say_error
from satlock.records import dataclass

__all__ = ["FAILED", "INTERRUPTED", "NO", "WRONG", "End", "Ended", "ending"]

NO = 1
"""No lock exists, the property is refuted, the lock is out of date."""
WRONG = 2
"""The input or the command is wrong."""
FAILED = 3
"""Something outside failed."""
INTERRUPTED = 130


class Ended(Exception):
    """Ends the run with a code, and with lines for a person, the first of which says what is the matter."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__(code, *lines)
        self.code, self.lines = code, lines


@dataclass
class End:
    """How the run ended."""

    code: int = 0


@contextmanager
def ending() -> Iterator[End]:
    """Turns every way in which the block can end into an exit code, and into a sentence on standard error."""
    end = End()
    try:
        yield end
        _flush()
    except Exception as error:
        if os.environ.get("SATLOCK_TRACEBACK") and not isinstance(error, Ended | click.ClickException | click.Abort):
            import traceback

            say(traceback.format_exc())
        end.code = _end_of(error)
        _silence_broken_streams()


def _end_of(error: Exception) -> int:
    """The exit code of an exception, once a person has been told."""
    match error:
        case Ended():
            return _told(error.code, *error.lines)
        case click.Abort():
            return INTERRUPTED
        case click.ClickException():
            from satlock.corpora.index.redaction import redacted

            said = redacted(error.format_message())
            error.format_message = lambda: said  # type: ignore[method-assign]
            error.show()
            print_failure(error.exit_code, [said])
            return error.exit_code
        case BrokenPipeError():
            return FAILED  # whoever reads has gone, so there is nobody to tell
        case OSError():
            return _told(FAILED, _sentence(error))
    if str(error) == "Caught keyboard interrupt":
        return INTERRUPTED  # PySAT catches the signal itself while its solvers run
    kinds = {kind.__name__ for kind in type(error).__mro__}  # by name: importing them would slow down every start
    if "Unsatisfiable" in kinds:
        return _told(NO, f"No lock exists: {error}")
    if kinds & {"ProjectError", "SnapshotError", "AccessError"}:
        return _told(WRONG, str(error))
    if "CorpusError" in kinds:
        return _told(FAILED, str(error))
    said = " ".join(str(error).split())
    return _told(
        FAILED,
        f"satlock failed with {type(error).__name__}{': ' if said else ''}{said[:300]}; this is a bug in satlock.",
        "Set SATLOCK_TRACEBACK=1 to see where, and please report it.",
    )


def _told(code: int, *lines: str) -> int:
    """The code, once a person and a program know what ended the run."""
    if lines:
        say_error(*lines)
    print_failure(code, lines)
    return code


def _sentence(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}."


def _flush() -> None:
    """Makes a full disk or a reader that has gone show while it can still be told."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _silence_broken_streams() -> None:
    """Keeps the interpreter from complaining at its exit about what it can no longer write."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
