"""What the transport needs of an HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from satlock import __version__
from satlock.corpora.index.address import Credentials

__all__ = [
    "HEADERS",
    "LONGEST_CONNECT",
    "MOST_REDIRECTS",
    "Astray",
    "Client",
    "Response",
    "Unanswered",
]

HEADERS = {"User-Agent": f"satlock/{__version__}", "Accept": "*/*"}
"""What every request says, unless it says otherwise."""
MOST_REDIRECTS = 20
LONGEST_CONNECT = 15.0
"""Seconds."""


class Unanswered(Exception):
    """There was no whole answer, and asking again may help; the text is a clause for a person."""


class Astray(Exception):
    """What is no web address, or redirects to none, or one redirect too many."""


class Response(Protocol):
    """An answer whose body is still to come."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        ...

    @property
    def url(self) -> str:
        """Where it came from, after redirects."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body without its transfer encoding, piece by piece. Raises Unanswered."""
        ...


class Client(Protocol):
    """Asks for pages and files, many at once. Lives in one event loop."""

    def get(
        self, url: str, headers: Mapping[str, str], credentials: Credentials | None
    ) -> AbstractAsyncContextManager[Response]:
        """The answer to a GET request, after redirects; credentials go to the origin of ``url`` alone.

        Raises Unanswered, Astray.
        """
        ...

    async def close(self) -> None: ...
