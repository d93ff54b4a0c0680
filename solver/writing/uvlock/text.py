"""TOML as uv lays it out: short tables inline, one item of a long list on a line.

A lock that uv accepts stays as it is; in this layout, one that uv rewrites later differs in no more than what changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Item", "array", "inline", "lines", "nested", "short", "table"]

Item = Mapping[str, object]


def inline(value: object) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key_of(key)} = {inline(item)}' for key, item in value.items())} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(inline, value))}]"
    return str(value)


def key_of(key: str) -> str:
    """A key, quoted where it has to be."""
    return key if key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key) else inline(key)


def array(items: Sequence[object]) -> str:
    """A list with one item on each line."""
    return "[\n" + "".join(f"    {inline(item)},\n" for item in items) + "]" if items else "[]"


def short(items: Sequence[object]) -> str:
    """A list that stays on one line as long as it has one item."""
    return array(items) if len(items) > 1 else inline(items)


def nested(lists: Iterable[Sequence[object]]) -> str:
    """A list of lists."""
    return "[" + ", ".join(map(array, lists)) + "]"


def lines(pairs: Mapping[str, str | None]) -> list[str]:
    """Keys with values that are laid out already; those without one are left out."""
    return [f"{key_of(key)} = {value}" for key, value in pairs.items() if value is not None]


def table(header: str, pairs: Mapping[str, str | None]) -> list[str]:
    """A table after an empty line; nothing where all its keys are left out."""
    body = lines(pairs)
    return ["", header, *body] if body else []
