"""Changes to the text of a ``pyproject.toml`` that leave its comments and its layout as they are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from satlock.encoder.project.amendments import Amendment, InList, amended
from satlock.encoder.project.project import ProjectError

if TYPE_CHECKING:
    from tomlkit.items import Item

__all__ = ["edited"]

_WIDE = 100
"""Characters; a list that is longer is written on several lines."""


def edited(text: str, amendments: Iterable[Amendment], where: str) -> str:
    """The text after these changes: it says what :func:`amended` says, and all else stands as it stood.

    Args:
        where: the file, for the error.

    Raises:
        ProjectError: where that cannot be done.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    listed = list(amendments)
    try:
        wanted = amended(tomllib.loads(text), listed)
        document = tomlkit.parse(text)
        for amendment in listed:
            _apply(amendment, document)
        changed = tomlkit.dumps(document)
        if tomllib.loads(changed) == wanted:
            return changed
    except (TOMLKitError, tomllib.TOMLDecodeError, LookupError, TypeError, ValueError, AttributeError):
        pass
    said = "; and ".join(map(str, listed))
    raise ProjectError(f"{where} is laid out in a way that satlock cannot keep; change it by hand: {said}.")


def _apply(amendment: Amendment, document: Any) -> None:
    key = amendment.path[-1]
    if isinstance(amendment, InList):
        _change_list(_table(document, amendment.path[:-1]), key, amendment.old, amendment.new)
    elif amendment.value is None:
        table = _table(document, amendment.path[:-1])
        if key in table:
            table.remove(key)
    else:
        table = _table(document, amendment.path[:-1])
        written = _value(amendment.value)
        if key in table and hasattr(table[key], "trivia"):
            written.trivia.comment_ws, written.trivia.comment = table[key].trivia.comment_ws, table[key].trivia.comment
        table[key] = written


def _table(document: Any, path: Iterable[str]) -> Any:
    """The table of a path, which is made where it is missing."""
    import tomlkit

    table = document
    steps = list(path)
    for place, key in enumerate(steps):
        if key not in table:
            inside = type(table).__name__ == "InlineTable"
            # A table that only holds others needs no head of its own.
            new = tomlkit.inline_table() if inside else tomlkit.table(is_super_table=place < len(steps) - 1)
            table[key] = new
        table = table[key]
    return table


def _change_list(table: Any, key: str, old: Any, new: Any) -> None:
    import tomlkit

    if key not in table:
        table[key] = tomlkit.array()
    items = table[key]
    if not isinstance(items, list):  # a single text or table stands for a list of one
        table[key] = items = _value([items.unwrap() if hasattr(items, "unwrap") else items])
    if "#" in items.as_string():
        trivia, items = items.trivia, _with_last_comma(items)
        table[key] = items
        table[key].trivia.comment_ws, table[key].trivia.comment = trivia.comment_ws, trivia.comment
        items = table[key]
    if old is None:
        text = items.as_string()
        indent = _INDENT.search(text)
        if "\n" in text:
            items.add_line(_value(new), indent=indent[1] if indent else "    ")
        else:
            items.append(_value(new))
        return
    for place in reversed([place for place, item in enumerate(items) if _plain(item) == old]):
        if new is None:
            del items[place]
        else:
            items[place] = _value(new)


_INDENT = re.compile(r"\n([ \t]*)[^\s#\]]")
_REST = re.compile(r"\s*(#[^\n]*\n\s*)*\]")
"""What may follow the last item of a list that has no comma after it."""


def _with_last_comma(items: Any) -> Any:
    """The list with a comma after its last item, without which tomlkit appends to the comment that follows."""
    import tomlkit

    text = items.as_string()
    written = items[-1].as_string() if len(items) else ""
    place = text.find(written) if written else -1
    while place >= 0:
        end = place + len(written)
        if _REST.fullmatch(text, end):
            return tomlkit.parse(f"x = {text[:end]},{text[end:]}\n")["x"]
        place = text.find(written, end)
    return items


def _plain(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _value(value: Any) -> Item:
    """A value as it is written anew."""
    import tomlkit

    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, item in value.items():
            table.append(key, _value(item))
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        for item in value:
            array.append(_value(item))
        return array.multiline(len(array.as_string()) > _WIDE)
    written: Item = tomlkit.item(value)
    return written
