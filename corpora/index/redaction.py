"""Texts without the credentials of the addresses in them, also of addresses that are none: a password that holds what
no address may hold is a password all the same."""

from __future__ import annotations

import re

__all__ = ["redacted"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SOUND = re.compile(
    r"""(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:'"<>\[\]]*)(?::\d{0,5})?(?=[/?#\s'"<>,;)\]]|\.?$)""", re.MULTILINE
)
"""A host with or without a port, and nothing before it."""
_STATED = re.compile(r"""[^\s/?#'"<>]*@""")
"""The credentials of an address that is one."""
_END = re.compile(r"\s|$")
_QUOTE = re.compile(r"""['"\n]|$""")
_HOST = re.compile(r"(?:[\w-]+\.)+[A-Za-z]{2,}(?=[:/?#'\"\s]|$)|localhost\b|\[")
_BARE = re.compile(r"""(?<![\w@])([\w.+-]+):(?!//|\\)([^\s'"<>@]+)@(?=[\w\[])""")
"""An address whose scheme was left out, or is not one."""
_ENCODED = re.compile(r"%3A[^/\s]*?%40", re.IGNORECASE)
_HIDDEN = "****"


def redacted(text: str) -> str:
    """The text; the user name alone of an SSH address is no credential."""
    if "://" in text:
        text = _of_addresses(text)
    if "@" in text:
        text = _BARE.sub(rf"\1:{_HIDDEN}@", text)
    return _ENCODED.sub(f"%3A{_HIDDEN}%40", text) if "%40" in text else text


def _of_addresses(text: str) -> str:
    pieces: list[str] = []
    position = 0
    for scheme in _SCHEME.finditer(text):
        start = scheme.end()
        if start < position:
            continue
        end = _secret_end(text, start, scheme[1].lower())
        if end > start:
            pieces += [text[position:start], _HIDDEN]
            position = end
    return "".join((*pieces, text[position:]))


def _secret_end(text: str, start: int, scheme: str) -> int:
    """Where that ends which is to be hidden of an address without its scheme; ``start`` where nothing is."""
    if (stated := _STATED.match(text, start)) is not None:
        end = stated.end() - 1
        return start if scheme.endswith("ssh") and ":" not in text[start:end] else end
    another = _SCHEME.search(text, start)
    last = len(text) if another is None else another.start()
    token = min(last, _END.search(text, start).start())  # type: ignore[union-attr]
    quoted = min(last, _QUOTE.search(text, start).start())  # type: ignore[union-attr]
    if _SOUND.match(text, start):
        # A password may begin like the number of a port and go on with a slash: then a host comes after it.
        at = text.rfind("@", start, min(token, quoted))
        return at if at >= 0 and ":" in text[start:at] and _HOST.match(text, at + 1) else start
    at = max(text.rfind("@", start, quoted), text.rfind("@", start, token))
    if at >= 0:
        return at
    end = min(token, quoted)
    return end if ":" in text[start:end] else start
