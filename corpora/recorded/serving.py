"""An HTTP server for a corpus: the simple API of every index in it, for any installer.

The packages of an index are at ``/INDEX/simple/``, where INDEX is the address of the recorded index as one path
segment; at ``/INDEX@MOMENT/simple/`` they are as they were at a moment. The default index is also at ``/simple/``.
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from satlock.corpora.facts import CorpusError
from satlock.corpora.names import canonicalize_name
from satlock.corpora.recorded.served import HTML, JSON, Page, Served

__all__ = ["CorpusServer", "slug"]

_FOR_GOOD = "max-age=365000000, immutable, public"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")


class _Answer(NamedTuple):
    status: int
    kind: str
    body: bytes
    location: str | None = None


_MISSING = _Answer(404, "text/plain", b"not found\n")


class CorpusServer:
    """Serves until it is closed; each request in a thread of its own.

    ``port`` 0 takes a free one. Binds the loopback interface unless ``host`` says otherwise.
    """

    def __init__(
        self,
        served: Served,
        indexes: tuple[str, ...],
        default_index: str | None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_age: int | None = None,
    ) -> None:
        """``max_age``: seconds for which a client may take a page from its cache unasked, and files for good, as PyPI
        answers; None says nothing of it.
        """
        self._served = served
        self.max_age = max_age
        self._indexes = {slug(index): index for index in indexes}
        self._default = default_index
        self.requests = 0
        self._server = _Server((host, port), _handler(self))
        address = self._server.server_address
        shown = f"[{host}]" if ":" in host else host
        self.base = f"http://{shown}:{address[1]}"

    def __enter__(self) -> CorpusServer:
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self) -> None:
        """Serve in this thread."""
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, index: str, before: str | None = None) -> str:
        """The address at which a recorded index is served, as it was before a moment (RFC 3339)."""
        return f"{self.base}/{slug(index)}{'@' + before if before else ''}/simple"

    def urls(self) -> dict[str, str]:
        """The addresses by recorded index."""
        return {index: self.url(index) for index in self._indexes.values()}

    def answer(self, path: str, accept: str) -> _Answer:
        """The answer to a path without its query."""
        parts = unquote(path).strip("/").split("/")
        if parts[0] in ("simple", "files"):
            parts = [slug(self._default or ""), *parts]
        place, _, before = parts[0].partition("@")
        index = self._indexes.get(place)
        if index is None or (before and not _MOMENT.fullmatch(before)):
            return _MISSING
        match parts[1:]:
            case ["simple", *_] if not path.endswith("/"):
                return _Answer(301, "text/plain", b"", location=f"{path}/")
            case ["simple"]:
                return _negotiated(accept, self._served.root(index))
            case ["simple", name] if (normal := canonicalize_name(name)) != name:
                return _Answer(301, "text/plain", b"", location=f"/{parts[0]}/simple/{normal}/")
            case ["simple", name]:
                base = f"{self.base}/{place}/files"
                page = self._served.page(index, name, before or None, base)
                return _MISSING if page is None else _negotiated(accept, page)
            case ["files", name, filename]:
                data = self._served.file(index, name, filename)
                return _MISSING if data is None else _Answer(200, "application/octet-stream", data)
        return _MISSING


def slug(index: str) -> str:
    """The address of an index as one segment of a path."""
    return re.sub(r"[^a-z0-9]+", "-", index.split("://", 1)[-1].lower()).strip("-")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet where the other side hung up: a resolver that has its answer, or is stopped, does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _negotiated(accept: str, page: Page) -> _Answer:
    """The form that a client likes best (RFC 9110, 12.5.1)."""
    weights: dict[str, float] = {}
    for item in (accept or "*/*").split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        try:
            weights[media] = next((float(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        except ValueError:
            weights[media] = 0.0
    offered = ("text/html", HTML, JSON)  # among equals, the last is best
    anything = weights.get("*/*", 0.0)
    weight, best = max((weights.get(media, anything), place) for place, media in enumerate(offered))
    if weight == 0:
        return _Answer(406, "text/plain", b"not acceptable\n")
    if offered[best] == JSON:
        return _Answer(200, JSON, page.json)
    return _Answer(200, f"{offered[best]}; charset=utf-8", page.html)


def _handler(server: CorpusServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            server.requests += 1
            try:
                answer = server.answer(urlsplit(self.path).path, self.headers.get("Accept", ""))
            except CorpusError as error:
                answer = _Answer(502, "text/plain", f"{error}\n".encode())
            status, body = answer.status, answer.body
            headers = {"Content-Type": answer.kind}
            if answer.location is not None:
                headers["Location"] = answer.location
            if status == 200:
                headers["ETag"] = f'"{hashlib.sha256(answer.kind.encode() + body).hexdigest()[:32]}"'
                if headers["ETag"] in self.headers.get("If-None-Match", ""):
                    status, body = 304, b""
            page = "simple" in answer.kind or answer.kind.startswith("text/html")
            if server.max_age is not None and answer.status == 200:
                headers["Cache-Control"] = f"max-age={server.max_age}, public" if page else _FOR_GOOD
            if page:
                headers["Vary"] = "Accept"
            elif status == 200:
                headers["Accept-Ranges"] = "bytes"
                status, body = self._ranged(body, headers)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def _ranged(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            """The part of a body that a ``Range`` header asks for (one range only)."""
            match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if match is None or match.groups() == ("", ""):
                return 200, body
            first, last = match.groups()
            size = len(body)
            start = int(first) if first else max(0, size - int(last))
            end = min(int(last), size - 1) if first and last else size - 1
            if start > end:
                headers["Content-Range"] = f"bytes */{size}"
                return 416, b""
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
            return 206, body[start : end + 1]

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: a resolver asks thousands of times."""

    return Handler
