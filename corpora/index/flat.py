"""Flat indexes: a folder of files, or one page of links to the files of many packages (pip's ``--find-links``).

Such an index has no page for each package; it is read once, and what it holds is sorted by the names of the files.
Files of this machine are hashed here, since no page tells their digests.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import msgpack

from satlock.corpora.facts import CorpusError, Listing
from satlock.corpora.index.address import path_of
from satlock.corpora.index.cache import Cache
from satlock.corpora.index.file_names import names_of
from satlock.corpora.index.listing import Entry, ListingError, charset_of, listing_of_files, page_of_html, page_of_json
from satlock.corpora.index.pages import Pages
from satlock.corpora.index.transport import Job, Refused
from satlock.corpora.regular_files import open_regular
from satlock.records import dataclass

__all__ = ["FlatIndexes", "digest_of"]

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Links:
    """What one flat index holds."""

    base: str
    """What addresses are relative to."""
    by_name: dict[str, list[Entry]]
    """By normalised name. A source distribution whose name can be read in several ways is there under each."""


class FlatIndexes:
    """Reads flat indexes. Lives in one event loop."""

    def __init__(self, pages: Pages, cache: Cache, keep: Callable[[str, str, str], None]) -> None:
        self._pages = pages
        self._cache = cache
        self._keep = keep
        self._read: dict[str, asyncio.Task[_Links]] = {}

    async def listing(self, index: str, name: str) -> Listing | None:
        """What an index has of one package; None where it has nothing. Raises CorpusError."""
        if index not in self._read:
            self._read[index] = asyncio.get_running_loop().create_task(self._links(index))
        links = await asyncio.shield(self._read[index])
        entries = links.by_name.get(name, [])
        if links.base.startswith("file:"):
            entries = [await asyncio.to_thread(self._hashed, entry, links.base) for entry in entries]
        found = listing_of_files(entries, links.base, index, name)
        return found if found.releases else None

    async def _links(self, index: str) -> _Links:
        if index.startswith("file:") and os.path.isdir(path_of(index)):
            return _Links(index.rstrip("/") + "/", _sorted(await asyncio.to_thread(_in_folder, path_of(index))))
        try:
            kept = await self._pages.page(
                index, _packed, key=f"{index}#flat", index=index, what="its links", job=Job(urgent=True)
            )
        except Refused as refused:
            if index.startswith("file:"):
                raise CorpusError(f"the flat index {path_of(index)} is neither a folder nor a page of links") from None
            raise CorpusError(self._pages.refusal(index, "its links", refused.status)) from None
        base, entries = msgpack.unpackb(kept.packed or b"", use_list=False)
        return _Links(base, _sorted(entries))

    def _hashed(self, entry: Entry, base: str) -> Entry:
        """A file of this machine with its size and digest; one that cannot be read is as the page says."""
        filename, url, hashes, _, *rest = entry
        path = path_of(urljoin(base, url.partition("#")[0]))
        try:
            told = os.stat(path)
            key = f"{path} {told.st_size} {told.st_mtime_ns}"
            known = self._cache.metadata("digest", key)
            digest = known if isinstance(known, str) else digest_of(path)
        except OSError:
            return entry
        if digest != known:
            self._keep("digest", key, digest)
        return (filename, url, {**hashes, "sha256": digest}, told.st_size, *rest)


def digest_of(path: str) -> str:
    """The SHA-256 of a file. Raises OSError."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


async def _packed(body: bytes, kind: str, url: str) -> bytes:
    """The base and the links of a page, HTML as everybody writes it, or the JSON of the simple API."""
    if kind.partition(";")[0].strip().lower().endswith("json"):
        entries, base = page_of_json(body), url
    else:
        entries, base = page_of_html(body, charset_of(kind), url)
    try:
        packed: bytes = msgpack.packb((base, list(entries)))
    except (ValueError, TypeError, OverflowError):  # a number of no size, or halves of surrogate pairs
        raise ListingError("its JSON is not a simple API page") from None
    return packed


def _in_folder(path: str) -> list[Entry]:
    """The files of a folder, not of the folders in it."""
    try:
        found = sorted(one.name for one in os.scandir(path) if one.is_file())
    except OSError as error:
        raise CorpusError(f"the flat index {path} cannot be read ({error.strerror or error})") from None
    nothing: tuple[Any, ...] = (None, None, None, None, None)
    return [(name, Path(path, name).as_uri(), {}, *nothing) for name in found]


def _sorted(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for name in names_of(entry[0]):
            found.setdefault(name, []).append(entry)
    return found
