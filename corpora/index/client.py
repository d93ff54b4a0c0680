"""What the transport needs of an HTTP client, and which one it gets.

``pyreqwest`` is asked first: its loop is not Python, and hundreds of small files cost it a sixth of the processor time
that ``httpx`` takes (``docs/benchmark.md``). Where it has no wheel, ``httpx`` serves as well.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from satlock import __version__
from satlock.corpora.index.access import Access
from satlock.corpora.index.address import Credentials

__all__ = [
    "HEADERS",
    "LONGEST_CONNECT",
    "MOST_REDIRECTS",
    "Astray",
    "Client",
    "Response",
    "Unanswered",
    "client_for",
    "prepare",
]

_importing: threading.Thread | None = None
_imported = threading.Event()

HEADERS = {"User-Agent": f"satlock/{__version__}", "Accept": "*/*"}
"""What every request says, unless it says otherwise."""
MOST_REDIRECTS = 20
LONGEST_CONNECT = 15.0
"""Seconds."""


class Unanswered(Exception):
    """There was no whole answer, and asking again may help; the text is a clause for a person."""


class Astray(Exception):
    """A redirect to what is no web address, or one redirect too many."""


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


def prepare() -> None:
    """Imports the client beside whatever else is done.

    The compiled one crashes where the thread that imported it has ended and another makes a client. So it is imported
    by a thread that never ends, before any thread that does.
    """
    global _importing  # noqa: PLW0603
    if _importing is None:
        _importing = threading.Thread(target=_hold, name="satlock-client", daemon=True)
        _importing.start()


def _hold() -> None:
    with suppress(ImportError):
        import pyreqwest.client  # noqa: F401
    _imported.set()
    threading.Event().wait()


def client_for(timeout: float, access: Access) -> Client:
    """A client that waits ``timeout`` seconds for the next byte.

    Raises CorpusError where the certificates or proxies that are set cannot be used.
    """
    prepare()
    _imported.wait()
    try:
        from satlock.corpora.index.swift_client import SwiftClient
    except ImportError:
        from satlock.corpora.index.httpx_client import HttpxClient

        return HttpxClient(timeout, access)
    return SwiftClient(timeout, access)
