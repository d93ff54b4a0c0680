"""The index that pip is shown while it installs what a build needs.

pip takes all indexes that it is given for one, so that a stranger's package could come in the place of a private one.
So it is given this one, on loopback: for each name it has the files of the index of the project that serves the name,
with the pins, the order, the credentials and the dates of the project. pip asks nobody else.
"""

from __future__ import annotations

import asyncio
import html
import secrets
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, NamedTuple
from urllib.parse import quote, unquote

from satlock.corpora.facts import CorpusError, File, Listing
from satlock.corpora.index.building import Building, Place
from satlock.corpora.index.files import Broken
from satlock.corpora.index.transport import Job
from satlock.corpora.names import canonicalize_name

__all__ = ["BuildShelf", "Reading", "reading_in"]


class Reading(NamedTuple):
    """How indexes are read. Both may be called from any thread, and raise CorpusError where an index fails."""

    listing: Callable[[str, str], Listing | None]
    """Of an index address, which may hold credentials, and a normalised name."""
    file: Callable[[str, File], IO[bytes]]
    """A file that an index lists, verified, at its start. Raises Broken."""


def reading_in(
    loop: asyncio.AbstractEventLoop,
    clean: Callable[[str], str],
    listing: Callable[[str, str, Job], Coroutine[Any, Any, Listing | None]],
    whole: Callable[[File, str], Coroutine[Any, Any, IO[bytes]]],
) -> Reading:
    """How indexes are read in a running loop; ``clean`` takes the credentials out of an address, and keeps them."""
    asked = asyncio.run_coroutine_threadsafe
    return Reading(
        lambda index, name: asked(listing(clean(index), name, Job()), loop).result(),
        lambda index, file: asked(whole(file, clean(index)), loop).result(),
    )


class BuildShelf:
    """Serves from ``with`` to its end; each request in a thread of its own."""

    def __init__(self, building: Building, reading: Reading, python: str) -> None:
        """``python``: the version of the one that builds, for the markers of pins."""
        self._building = building
        self._reading = reading
        self._python = python
        self._offered: list[tuple[Place, File]] = []
        self._secret = secrets.token_urlsafe(16)  # the pages and files of a private index are for this build alone
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/{self._secret}"
        self.failure = ""
        """What an index or a file host refused first, in a sentence: then another release must not serve in silence."""

    def __enter__(self) -> BuildShelf:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[bytes | IO[bytes], int] | None:
        """What is at a path, and its size in bytes; None where there is nothing."""
        try:
            match path.strip("/").split("/"):
                case [self._secret, "files", number, _] if number.isdigit() and int(number) < len(self._offered):
                    place, file = self._offered[int(number)]
                    archive = self._reading.file(place.url, file)
                    size = archive.seek(0, 2)
                    archive.seek(0)
                    return archive, size
                case [self._secret, name]:
                    links = [self._link(place, file) for place, file in self._files(canonicalize_name(unquote(name)))]
                    page = "\n".join(("<!DOCTYPE html>", *links)).encode()
                    return (page, len(page)) if links else None
        except (CorpusError, Broken) as error:
            self.failure = self.failure or str(error)
        return None

    def _files(self, name: str) -> Iterator[tuple[Place, File]]:
        for place in self._places(name):
            listing = self._reading.listing(place.url, name)
            if listing is None:
                continue
            cutoff = self._cutoff(place, name)
            for release in listing.releases:
                for file in release.files:
                    if cutoff is None or (file.upload_time is not None and _moment(file.upload_time) < cutoff):
                        yield place, file
            if not place.beside and self._building.index_strategy != "unsafe-best-match":
                return

    def _places(self, name: str) -> tuple[Place, ...]:
        """Where a package may come from, the first that is asked first."""
        pins = [index for package, index, marker in self._building.pins if package == name and self._holds(marker)]
        pinned = tuple(place for place in self._building.places if place.name and place.name in pins)
        if pinned:
            return pinned
        chain = [place for place in self._building.places if not place.explicit]
        return tuple(sorted(chain, key=lambda place: (not place.beside, place.default)))

    def _holds(self, marker: str) -> bool:
        from packaging.markers import Marker

        minor = ".".join(self._python.split(".")[:2])
        here = {"python_full_version": self._python, "python_version": minor}
        return not marker or Marker(marker).evaluate(here)

    def _cutoff(self, place: Place, name: str) -> datetime | None:
        stated: str | None
        if place.flat:
            return None
        if name in self._building.exclude_newer_package:
            stated = self._building.exclude_newer_package[name]
        else:
            stated = self._building.exclude_newer if place.exclude_newer is None else place.exclude_newer
        return _moment(stated) if stated else None

    def _link(self, place: Place, file: File) -> str:
        number = len(self._offered)
        self._offered.append((place, file))
        known = [f"{name}={digest}" for name, digest in file.hashes if name in ("sha256", "sha384", "sha512")]
        told = {
            "href": f"/{self._secret}/files/{number}/{quote(file.filename)}{'#' if known else ''}{''.join(known[:1])}",
            "data-requires-python": file.requires_python,
            "data-yanked": file.yanked,
        }
        said = " ".join(f'{key}="{html.escape(value)}"' for key, value in told.items() if value is not None)
        return f"<a {said}>{html.escape(file.filename)}</a>"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: pip hangs up where it has its answer, or is ended."""


def _handler(shelf: BuildShelf) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = shelf.answer(self.path.partition("?")[0])
            self.send_response(404 if found is None else 200)
            body, size = found or (b"", 0)
            self.send_header("Content-Type", "text/html" if isinstance(body, bytes) else "application/octet-stream")
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if isinstance(body, bytes):
                self.wfile.write(body)
            else:
                with body:
                    shutil.copyfileobj(body, self.wfile)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler
