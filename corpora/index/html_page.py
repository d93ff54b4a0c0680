"""Anchors of HTML pages, in time that grows with the page alone.

By hand, because the parser of the standard library takes minutes for hostile pages of a few kilobytes, and the parsers
of the field build a tree first: seconds for the pages of large indexes. It finds what a browser finds in pages that
tools write; of broken markup it makes something, and never more than there is.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

__all__ = ["Anchor", "Page", "read_html"]

_TAG = re.compile(r"<(?:([A-Za-z][^\s/>]*+)|(/[A-Za-z][^\s/<>]*+)[^<>]*+>|(!--)|[!?][^<>]*+>)")
"""The start of a tag, an end tag, the start of a comment, or another declaration."""
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?+)?+""",
)
_RAW = {name: re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE) for name in ("script", "style", "textarea", "title")}
"""Elements whose content is no markup."""


class Anchor(NamedTuple):
    """A link."""

    attributes: dict[str, str | None]
    """By lower-case name; of a repeated one the first counts, as in browsers."""
    text: str


class Page(NamedTuple):
    """What is of interest in a page of an index."""

    anchors: list[Anchor]
    base: str | None
    """The address that links are relative to, where the page says another than its own."""
    version: str
    """Of the simple API (PEP 629)."""


def read_html(text: str) -> Page:
    """Read a page."""
    anchors: list[Anchor] = []
    base: str | None = None
    version = "1.0"
    opened: dict[str, str | None] | None = None
    pieces: list[str] = []
    position = 0
    while (tag := _TAG.search(text, position)) is not None:
        if opened is not None:
            pieces.append(text[position : tag.start()])
        position = tag.end()
        name = (tag[1] or tag[2] or "").lower()
        if tag[3] is not None:
            position = _past(text, text.find("-->", position), 3)
        if name in ("a", "/a") and opened is not None:
            anchors.append(Anchor(opened, _unescaped("".join(pieces)).strip()))
            opened, pieces = None, []
        if tag[1] is None:
            continue
        attributes, position = _attributes(text, position)
        if name == "a":
            opened = attributes if attributes.get("href") else None
        elif name == "base":
            base = attributes.get("href") if base is None else base
        elif name == "meta":
            if attributes.get("name") == "pypi:repository-version":
                version = attributes.get("content") or version
        elif name in _RAW:
            closing = _RAW[name].search(text, position)
            position = len(text) if closing is None else closing.end()
    if opened is not None:
        anchors.append(Anchor(opened, _unescaped("".join((*pieces, text[position:]))).strip()))
    return Page(anchors, base, version)


def _attributes(text: str, position: int) -> tuple[dict[str, str | None], int]:
    """The attributes of a tag, and where it ends."""
    found: dict[str, str | None] = {}
    while (match := _ATTRIBUTE.match(text, position)) is not None and match.end() > position:
        position = match.end()
        if match[1] is None:
            continue
        value = next((group for group in match.groups()[1:] if group is not None), None)
        found.setdefault(match[1].lower(), None if value is None else _unescaped(value))
    if text.startswith("=", position):  # an equals sign without a name before it
        return found, _past(text, text.find(">", position), 1)
    return found, position + text.startswith(">", position)


def _past(text: str, found: int, length: int) -> int:
    """The position after what was found, or the end of the text where it was not."""
    return len(text) if found < 0 else found + length


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    try:
        return unescape(text)
    except ValueError:  # the number of a character with thousands of digits
        return text
