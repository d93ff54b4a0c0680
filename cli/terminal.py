"""What a person reads: lines on standard error, in colour where that is a terminal that wants it."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import Any

import click

__all__ = ["is_terminal", "marked", "printable", "say", "say_error", "say_warning", "show"]


def is_terminal() -> bool:
    """Whether standard error is a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def marked(text: str, **style: Any) -> str:
    """The text in a style, which is left out again where nobody would see it."""
    return click.style(text, **style)


def say(text: str = "") -> None:
    """A line on standard error. One that cannot be written is lost: the run does not depend on its being read."""
    with suppress(OSError, ValueError):
        click.echo(printable(text), err=True, color=_colour())


def show(text: str = "") -> None:
    """A line on standard output, of a command whose answer it is."""
    click.echo(printable(text), color=_colour())


def _colour() -> bool | None:
    """Whether to use colours; None where that is for the terminal to say. ``NO_COLOR`` wins over ``FORCE_COLOR``."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def say_error(first: str, *more: str) -> None:
    """What went wrong, and what more there is to say of it."""
    say(f"{marked('error', fg='red', bold=True)}: {first}")
    for line in more:
        say(line)


def say_warning(text: str) -> None:
    say(f"{marked('warning', fg='yellow', bold=True)}: {text}")


_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*m|[^\n\t -~]")


def printable(text: str) -> str:
    """Without the control characters that names from outside may hold: they could rewrite what the terminal shows.

    And without credentials, whoever wrote an address into the text.
    """

    def shown(found: re.Match[str]) -> str:
        piece = found[0]
        return piece if len(piece) > 1 or piece.isprintable() else f"\\x{ord(piece):02x}"

    if "://" in text or "@" in text or "%40" in text:
        from satlock.corpora.index.redaction import redacted

        text = redacted(text)
    return _UNPRINTABLE.sub(shown, text)
