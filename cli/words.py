"""Words that several commands say in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

__all__ = ["clear", "columns", "count", "in_code", "near"]


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


def clear(marker: str) -> str:
    """A marker with brackets where ``and`` and ``or`` meet, so that nobody has to know which binds more strongly."""
    from packaging.markers import InvalidMarker, Marker

    if " or " not in marker or " and " not in marker:
        return marker
    try:
        return _cleared(Marker(marker)._markers)
    except InvalidMarker:
        return marker


def _cleared(items: Any) -> str:
    alternatives: list[list[str]] = [[]]
    for item in items:
        if item == "or":
            alternatives.append([])
        elif isinstance(item, list):
            text = _cleared(item)
            alternatives[-1].append(f"({text})" if len(item) > 1 else text)
        elif item != "and":
            alternatives[-1].append(" ".join(part.serialize() for part in item).replace('"', "'"))
    texts = [" and ".join(parts) for parts in alternatives]
    if len(texts) > 1:
        texts = [f"({text})" if len(parts) > 1 else text for text, parts in zip(texts, alternatives, strict=True)]
    return " or ".join(texts)
