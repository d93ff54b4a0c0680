"""Addresses of indexes and files: credentials are taken out first, so that nothing later can print them."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = ["Credentials", "listing_url", "origin", "path_of", "split_credentials", "without_credentials"]

_PORTS = {"http": 80, "https": 443}


class Credentials(NamedTuple):
    """A user name and a password (or token) for basic authentication."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(…)"


def split_credentials(url: str) -> tuple[str, Credentials | None]:
    """The address without user information and fragment, and what was taken out.

    Raises ValueError where the address cannot be parsed at all.
    """
    parts = urlsplit(url)
    user_info, at, host = parts.netloc.rpartition("@")
    clean = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    if not at or not user_info.strip(":"):
        return clean, None
    user, _, password = user_info.partition(":")
    return clean, Credentials(unquote(user), unquote(password))


def without_credentials(url: str) -> str:
    """The address as it may be shown; an address that cannot be parsed is not shown at all."""
    try:
        return split_credentials(url)[0]
    except ValueError:
        return "<an invalid address>"


def origin(url: str) -> tuple[str, str, int | None]:
    """(scheme, host, port): credentials are only ever sent to the origin they were given for (RFC 6454)."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        port = -1
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme)


def listing_url(index: str, name: str) -> str:
    """Where an index has the page of a project (PEP 503: with a trailing slash)."""
    base, _, query = index.partition("?")
    page = f"{base.rstrip('/')}/{name}/"
    return f"{page}?{query}" if query else page


def path_of(url: str) -> str:
    """The local path of a ``file:`` address."""
    from urllib.request import url2pathname

    parts = urlsplit(url)
    prefix = f"//{parts.netloc}" if parts.netloc and parts.netloc != "localhost" else ""
    return url2pathname(prefix + parts.path)
