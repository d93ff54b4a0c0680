"""A package index on loopback: serves a world over real HTTP, as HTML (PEP 503) and JSON (PEP 691).

    with IndexServer(world) as server:
        server.world                      # the same world, with indexes and pyproject.toml that point at the server
        server.url(DEFAULT)               # http://127.0.0.1:PORT/index-example-simple/simple
        server.requests                   # what was asked, in order

The ``index_server`` fixture starts any number of them and stops them after the test.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import pytest
from packaging.version import Version

from tests import standins
from tests.world import World

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


@dataclass(frozen=True)
class Options:
    """What an index offers; mirrors leave much of it out."""

    json: bool = True
    html: bool = True
    metadata_files: bool = True
    """Whether ``FILE.metadata`` is served for wheels (PEP 658)."""
    metadata_keys: bool = True
    """Whether the listing says so."""
    ranges: bool = True
    etags: bool = True
    max_age: int | None = None
    """Seconds a listing may be kept without asking again; None sends no ``Cache-Control``."""
    hashes: bool = True
    unhashed: str | None = None
    """A regular expression for the names of files whose hashes are not told."""
    sizes: bool = True
    upload_times: bool = True
    login: str | None = None
    """``user:password`` without which it answers nothing but 401."""


class Asked(NamedTuple):
    """One request and how it was answered."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes
    location: str | None = None
    cacheable: bool = True


class _Indexed(NamedTuple):
    """Where a slug of a path leads."""

    url: str
    options: Options


class IndexServer:
    """Serves the indexes of a world until it is closed.

    ``faults`` maps a path to a status that is answered in place of the truth; ``latency`` seconds pass before each
    answer; ``per_index`` gives single indexes (by URL) options of their own.
    """

    def __init__(
        self,
        world: World,
        options: Options | None = None,
        *,
        per_index: Mapping[str, Options] | None = None,
        latency: float = 0.0,
    ) -> None:
        self.original = world
        self.requests: list[Asked] = []
        self.faults: dict[str, int] = {}
        self.latency = latency
        options, per_index = options or Options(), per_index or {}
        self._slugs = {slug(url): _Indexed(url, per_index.get(url, options)) for url in world.indexes}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.world = self._moved(world)

    def __enter__(self) -> IndexServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, index: str) -> str:
        """The address at which an index of the world is served."""
        return f"{self.base}/{slug(index)}/simple"

    def paths(self, pattern: str = "") -> list[str]:
        """The paths asked so far that contain a regular expression."""
        return [asked.path for asked in self.requests if re.search(pattern, asked.path)]

    def file(self, index: str, filename: str) -> bytes:
        """The bytes of a file of an index (by its URL in the original world); KeyError where there is none."""
        return self._files(index)[filename]()

    def _moved(self, world: World) -> World:
        pyproject = world.pyproject
        for url in sorted(world.indexes, key=len, reverse=True):
            pyproject = re.sub(rf"([\"']){re.escape(url)}/?([\"'])", rf"\g<1>{self.url(url)}\g<2>", pyproject)
        indexes = {self.url(url): packages for url, packages in world.indexes.items()}
        return replace(world, pyproject=pyproject, indexes=indexes, default_index=self.url(world.default_index))

    # What is served

    def answer(self, path: str, accept: str) -> Answer:
        """The answer to a path, which is without its query."""
        missing = Answer(404, "text/plain", b"not found", cacheable=False)
        parts = unquote(path).strip("/").split("/")
        if len(parts) < 2 or parts[0] not in self._slugs:
            return missing
        index, options = self._slugs[parts[0]]
        packages = self.original.indexes[index]
        match parts[1:]:
            case ["simple", *_] if not path.endswith("/"):
                return Answer(301, "text/plain", b"", location=f"{path}/")
            case ["simple"]:
                names = sorted(packages)
                document = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
                links = [f'<a href="{name}/">{name}</a>' for name in names]
                return _negotiated(accept, options, document, links)
            case ["simple", name] if name in packages:
                files = [
                    self._described(index, name, version, filename, options)
                    for version in sorted(packages[name], key=Version)
                    for filename, _ in self.original.files(index, name, version)
                ]
                listing = {
                    "meta": {"api-version": "1.1"},
                    "name": name,
                    "versions": sorted(packages[name], key=Version),
                    "files": files,
                }
                return _negotiated(accept, options, listing, [_link(file) for file in files])
            case ["files", filename]:
                if filename.endswith(".metadata") and not options.metadata_files:
                    return missing
                make = self._files(index).get(filename)
                return missing if make is None else Answer(200, "application/octet-stream", make())
        return missing

    def options(self, path: str) -> Options:
        indexed = self._slugs.get(path.strip("/").split("/")[0])
        return indexed.options if indexed else Options()

    @functools.cached_property
    def _made(self) -> dict[str, dict[str, Callable[[], bytes]]]:
        found: dict[str, dict[str, Callable[[], bytes]]] = {url: {} for url in self.original.indexes}
        for index, name, version, dist in self.original.candidates():
            for filename, tags in self.original.files(index, name, version):
                said = dist.as_told_by(tags)
                if tags is None:
                    make = functools.partial(standins.sdist, index, name, version, said)
                else:
                    make = functools.partial(standins.wheel, index, name, version, said, tags)
                    if dist.broken is None:
                        metadata = functools.partial(standins.core_metadata, name, version, said)
                        found[index][f"{filename}.metadata"] = functools.cache(metadata)
                found[index][filename] = functools.cache(make)
        return found

    def _files(self, index: str) -> dict[str, Callable[[], bytes]]:
        return self._made[index]

    def _described(self, index: str, name: str, version: str, filename: str, options: Options) -> dict[str, Any]:
        """A file as PEP 691 and 700 describe it."""
        dist = self.original.indexes[index][name][version]
        made = self._files(index)
        data = made[filename]()
        hashed = options.hashes and not (options.unhashed and re.search(options.unhashed, filename))
        found: dict[str, Any] = {
            "filename": filename,
            "url": f"{self.base}/{slug(index)}/files/{quote(filename)}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()} if hashed else {},
            "yanked": False if dist.yanked is None else dist.yanked or True,
        }
        if dist.requires_python is not None:
            found["requires-python"] = dist.requires_python
        if options.sizes:
            found["size"] = len(data)
        if options.upload_times and dist.upload_time is not None:
            found["upload-time"] = dist.upload_time
        metadata = made.get(f"{filename}.metadata")
        if options.metadata_keys and metadata is not None:
            found["core-metadata"] = {"sha256": hashlib.sha256(metadata()).hexdigest()}
        return found


def slug(url: str) -> str:
    """An index URL as one part of a path."""
    return re.sub(r"[^a-z0-9]+", "-", url.split("://", 1)[-1].lower()).strip("-")


def _negotiated(accept: str, options: Options, document: Mapping[str, Any], links: list[str]) -> Answer:
    """The representation that a client likes best of those that are offered (RFC 9110, 12.5.1)."""
    offered = {JSON: options.json, HTML: options.html, "text/html": options.html}
    weights: dict[str, float] = {}
    for item in (accept or "*/*").split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        weights[media] = next((float(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
    anything = weights.get("*/*", 0.0)
    order = ["text/html", HTML, JSON]  # among equals, the last is best
    best = max((weights.get(media, anything), order.index(media), media) for media, there in offered.items() if there)
    if best[0] == 0:
        return Answer(406, "text/plain", b"not acceptable", cacheable=False)
    if best[2] == JSON:
        return Answer(200, JSON, json.dumps(document).encode())
    title = str(document.get("name", "Simple index"))
    lines = ["<!DOCTYPE html>", "<html><head>", '<meta name="pypi:repository-version" content="1.1">']
    lines += [f"<title>{title}</title>", "</head><body>", *(f"{link}<br>" for link in links), "</body></html>"]
    return Answer(200, f"{best[2]}; charset=utf-8", "\n".join(lines).encode())


def _link(file: Mapping[str, Any]) -> str:
    """An anchor of PEP 503, 592 and 714."""
    sha256 = file["hashes"].get("sha256")
    attributes = {"href": file["url"] + (f"#sha256={sha256}" if sha256 else "")}
    if "requires-python" in file:
        attributes["data-requires-python"] = file["requires-python"]
    if file["yanked"] is not False:
        attributes["data-yanked"] = "" if file["yanked"] is True else file["yanked"]
    if "core-metadata" in file:
        digest = f"sha256={file['core-metadata']['sha256']}"
        attributes |= {"data-core-metadata": digest, "data-dist-info-metadata": digest}
    spelled = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {spelled}>{html.escape(file['filename'])}</a>"


def _handler(server: IndexServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if server.latency:
                time.sleep(server.latency)
            path = urlsplit(self.path).path
            if not self._let_in(server.options(path).login):
                answer = Answer(401, "text/plain", b"who are you?", cacheable=False)
            elif path in server.faults:
                answer = Answer(server.faults[path], "text/plain", b"a fault that the test asked for", cacheable=False)
            else:
                answer = server.answer(path, self.headers.get("Accept", ""))
            self._send(path, answer)

        do_HEAD = do_GET

        def _let_in(self, login: str | None) -> bool:
            expected = f"Basic {base64.b64encode((login or '').encode()).decode()}"
            return login is None or self.headers.get("Authorization") == expected

        def _send(self, path: str, answer: Answer) -> None:
            options = server.options(path)
            status, body = answer.status, answer.body
            headers = {"Content-Type": answer.content_type}
            if answer.location is not None:
                headers["Location"] = answer.location
            if status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="packages"'
            if status == 200 and answer.cacheable:
                if options.etags:
                    headers["ETag"] = f'"{hashlib.sha256(answer.content_type.encode() + body).hexdigest()[:32]}"'
                    headers["Vary"] = "Accept"
                    if headers["ETag"] in self.headers.get("If-None-Match", ""):
                        status, body = 304, b""
                if options.max_age is not None:
                    headers["Cache-Control"] = f"max-age={options.max_age}"
                if options.ranges and "/files/" in path:
                    headers["Accept-Ranges"] = "bytes"
                    status, body = self._ranged(status, body, headers)
            with_body = self.command != "HEAD" and status != 304
            server.requests.append(Asked(self.command, path, status, {k.lower(): v for k, v in self.headers.items()}))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def _ranged(self, status: int, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            """The part of a body that a ``Range`` header asks for (one range only)."""
            match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if status != 200 or match is None or match.groups() == ("", ""):
                return status, body
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
            """Quiet: ``IndexServer.requests`` has it."""

    return Handler


@pytest.fixture
def index_server() -> Iterator[Callable[..., IndexServer]]:
    """Call it with what ``IndexServer`` takes; what it started is closed after the test."""
    started: list[IndexServer] = []

    def start(*args: Any, **kwargs: Any) -> IndexServer:
        started.append(IndexServer(*args, **kwargs))
        return started[-1]

    yield start
    for server in started:
        server.close()
