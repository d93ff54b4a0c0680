"""A small index on loopback whose every answer a test decides, and makers of wheels and source distributions."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from satlock.corpora.index.index import LiveCorpus

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Reply:
    """What the server says for a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = False


@dataclass
class Request:
    """What the server was asked."""

    path: str
    headers: dict[str, str]


@pytest.fixture(params=["swift_client", "httpx_client"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two clients in turn, for tests of what they both have to do."""
    if request.param == "httpx_client":
        monkeypatch.setitem(sys.modules, "satlock.corpora.index.swift_client", None)
    else:
        pytest.importorskip("pyreqwest")


class Server:
    """Answers by path; a callable decides for itself. Records every request."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | Callable[[Request], Reply]] = {}
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                request = Request(self.path, {key.lower(): value for key, value in self.headers.items()})
                outer.requests.append(request)
                reply = outer.replies.get(self.path, Reply(status=404))
                if callable(reply):
                    reply = reply(request)
                status, body, headers = reply.status, reply.body, dict(reply.headers)
                span = request.headers.get("range", "")
                if reply.ranges and status == 200 and span.startswith("bytes="):
                    first, _, last = span.removeprefix("bytes=").partition("-")
                    start = int(first) if first else max(0, len(body) - int(last))
                    end = min(int(last) + 1 if first and last else len(body), len(body))
                    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
                    status, body = 206, body[start:end]
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):  # a client that has seen enough
                    self.wfile.write(body if self.command == "GET" else b"")

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self._server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.index = f"{self.url}/simple"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, name: str, files: list[dict[str, Any]], **headers: str) -> bytes:
        """Serve a JSON page."""
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": files}
        body = json.dumps(page).encode()
        self.replies[f"/simple/{name}/"] = Reply(
            body, headers={"Content-Type": JSON, **{key.replace("_", "-"): value for key, value in headers.items()}}
        )
        return body

    def file(self, filename: str, content: bytes, *, ranges: bool = False, **extra: Any) -> dict[str, Any]:
        """Serve a file; its entry for a page."""
        self.replies[f"/files/{filename}"] = Reply(content, ranges=ranges)
        digest = hashlib.sha256(content).hexdigest()
        entry = {"filename": filename, "url": f"/files/{filename}", "hashes": {"sha256": digest}, "size": len(content)}
        return {**entry, **extra}

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., LiveCorpus]]:
    """Makes corpora that share one cache folder, and closes them."""
    made: list[LiveCorpus] = []

    def make(**options: Any) -> LiveCorpus:
        corpus = LiveCorpus(**{"cache_dir": tmp_path / "cache", **options})
        made.append(corpus)
        return corpus

    yield make
    for corpus in made:
        corpus.close()


def metadata_bytes(name: str, version: str, *lines: str, metadata_version: str = "2.1") -> bytes:
    head = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}", *lines]
    return ("\n".join(head) + "\n\nA description.\n").encode()


def wheel(name: str, version: str, *lines: str, files: dict[str, bytes] | None = None) -> bytes:
    """A wheel; ``files`` come after its metadata."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata_bytes(name, version, *lines))
        for path, content in (files or {}).items():
            archive.writestr(path, content, zipfile.ZIP_STORED)
    return buffer.getvalue()


def sdist(name: str, version: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
