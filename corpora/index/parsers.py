"""Pages parsed in other processes, because parsing large listings would hold up the requests in this one.

A parser that cannot start, or ends, costs time and nothing else: its page is then parsed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO

import msgpack

__all__ = ["Parsers", "pack_page", "serve"]

_SMALL = 24 << 10
"""Bytes; parsing less takes less than handing it over."""
_WORTH = 16 << 20
"""Bytes of pages that are parsed here before processes are started: to start them takes as long as to parse so many."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from satlock.corpora.index.parsers import serve; serve()"

_Page = tuple[bytes, str, str, str, str]
"""body, content type, address, index, name"""


def pack_page(page: _Page) -> bytes:
    """The packed listing of a page, as the cache keeps it. Raises ListingError."""
    from satlock.corpora.index.cache import pack_listing
    from satlock.corpora.index.listing import parse_listing

    return pack_listing(parse_listing(*page))


def serve() -> None:
    """Parse pages from standard input until it ends: a process of :class:`Parsers`."""
    import gc
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end closes our input
    gc.disable()  # listings hold no cycles, and there are many objects to look through
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (request := _receive(source)) is not None:
        try:
            answer = pack_page(msgpack.unpackb(request, use_list=False))
        except ValueError:
            answer = b""  # the parent finds out what is wrong
        _send(sink, answer)


class Parsers:
    """A few processes, started when it has turned out that there is much to parse. Safe from any thread."""

    def __init__(self, count: int | None = None, here: int = _WORTH) -> None:
        """``here``: bytes that are parsed in this process before others are started."""
        self._count = min(3, os.cpu_count() or 1) if count is None else count
        self._here = here
        self._local = threading.local()
        self._started: list[subprocess.Popen[bytes]] = []
        self._threads: ThreadPoolExecutor | None = None

    def threads(self, size: int) -> ThreadPoolExecutor | None:
        """Where to run :meth:`pack` for a page of ``size`` bytes; None: here and now."""
        if self._count < 1 or size < _SMALL:
            return None
        self._here -= size
        if self._here > 0:
            return None
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, "satlock-parser")
        return self._threads

    def pack(self, page: _Page) -> bytes:
        """As :func:`pack_page`, by the process of this thread."""
        try:
            process = self._process()
            if process is not None:
                assert process.stdin is not None and process.stdout is not None
                _send(process.stdin, msgpack.packb(page))
                answer = _receive(process.stdout)
                if answer:
                    return answer
                if answer is None:
                    self._local.process = None
        except (OSError, ValueError):
            self._local.process = None
        return pack_page(page)

    def close(self) -> None:
        """End the processes."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._started:
            process.kill()
        for process in self._started:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    def _process(self) -> subprocess.Popen[bytes] | None:
        if not hasattr(self._local, "process"):
            paths = [os.path.abspath(path) for path in sys.path]
            # -I -S: nothing but what this process imports from, and no start-up files, which take longer than a page.
            self._local.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for pipe in (self._local.process.stdin, self._local.process.stdout):
                _widen(pipe)
            self._started.append(self._local.process)
        process: subprocess.Popen[bytes] | None = self._local.process
        return process


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold a whole page: at each refill the reader would wait for its turn behind the event loop."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)


def _send(sink: IO[bytes], data: bytes) -> None:
    sink.write(len(data).to_bytes(8, "big"))
    sink.write(data)
    sink.flush()


def _receive(source: IO[bytes]) -> bytes | None:
    head = source.read(8)
    if len(head) < 8:
        return None
    length = int.from_bytes(head, "big")
    data = source.read(length)
    return data if len(data) == length else None
