"""What a program reads: one JSON object on standard output for each run with ``--json``, also where the run fails.

Every object says what it is, ``schema`` and ``version``; ``docs/schemas/`` has the JSON schema of each. A version is
raised when a key goes or changes its meaning; keys may come at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

__all__ = ["VERSION", "begin", "print_failure", "print_line", "print_report", "text_of"]

VERSION = 1


class _State:
    """What this run has to say to a program."""

    asked = False
    said = False


def begin(arguments: Sequence[str]) -> None:
    """Notes whether this run is to print a report."""
    _State.asked, _State.said = "--json" in arguments, False


def text_of(schema: str, data: Mapping[str, Any]) -> str:
    """The text of a report, e.g. of schema ``lock``."""
    import json

    return json.dumps({"schema": f"satlock/{schema}", "version": VERSION, **data}, indent=2, ensure_ascii=False)


def print_report(schema: str, data: Mapping[str, Any]) -> None:
    """Prints the report of the run."""
    _State.said = True
    click.echo(text_of(schema, data))


def print_line(schema: str, data: Mapping[str, Any]) -> None:
    """Prints a report on one line, for who reads it while the run goes on."""
    import json

    _State.said = True
    click.echo(json.dumps({"schema": f"satlock/{schema}", "version": VERSION, **data}))


def print_failure(code: int, lines: Sequence[str]) -> None:
    """Prints why a run has no other report, where one was asked for."""
    if _State.asked and not _State.said:
        from satlock.cli.terminal import printable

        with suppress(OSError, ValueError):
            print_report("error", {"exit-code": code, "error": [printable(click.unstyle(line)) for line in lines]})
