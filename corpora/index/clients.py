"""Which HTTP client the transport gets.

``pyreqwest`` is asked first: its loop is not Python, and hundreds of small files cost it a sixth of the processor time
that ``httpx`` takes (``docs/benchmark.md``). Where it has no wheel, ``httpx`` serves as well.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from satlock.corpora.index.access import Access
from satlock.corpora.index.client import Client

__all__ = ["client_for", "prepare"]

_importing: threading.Thread | None = None
_imported = threading.Event()


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
