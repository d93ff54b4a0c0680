"""Words that several commands say in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["clear", "columns", "count", "example", "in_code", "near"]


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of the known names; empty where none is near."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, e.g. ``1 package`` or ``2 packages``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def example(command: str) -> str:
    """What stands at the end of a command's help."""
    return f"\b\nExample:\n  {command}"


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


def clear(marker: str) -> str:
    """A marker with brackets where ``and`` and ``or`` meet, so that nobody has to know which binds more strongly."""
    from satlock.encoder.markers.structure import Marker, folded

    if " or " not in marker or " and " not in marker:
        return marker
    try:
        return folded(
            Marker(marker),
            lambda asked: f"{asked.left} {asked.operator} {asked.right}".replace('"', "'"),
            lambda parts: _joined(" and ", parts),
            lambda parts: _joined(" or ", parts),
        )
    except ValueError:
        return marker


def _joined(word: str, parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    other = " or " if word == " and " else " and "
    return word.join(f"({part})" if other in part else part for part in parts)
