"""Words that several commands say in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["columns", "count", "in_code", "near"]


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of the known names; empty where none is near."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, e.g. ``1 package`` or ``2 packages``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def in_code(text: str) -> str:
    """Text as code in a cell of a Markdown table, whatever it holds."""
    plain = " ".join(text.split()).replace("|", "\\|")
    fence = "``" if "`" in plain else "`"
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, each column as wide as its widest cell."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
