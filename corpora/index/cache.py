"""Facts kept between runs, already parsed: one small file for each, replaced as a whole.

Files rather than a database: a killed process, a full disk or another process
can spoil at most the one entry it was writing, which is then discarded.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from satlock.corpora.columns import Columns
from satlock.corpora.facts import File, Listing, Metadata, NeedsBuild, Wanted
from satlock.corpora.index.cache_folder import default_folder, entry_name
from satlock.corpora.regular_files import created_in
from satlock.records import replace

__all__ = ["Cache", "Kept", "default_folder", "keys_of", "pack_listing", "sha256_of", "unpack_listing"]

_MAGIC = b"satlock\x04"
"""Changes with the form of the entries, so that an old entry is one that is not there."""


class Kept(NamedTuple):
    """What the cache holds of a page: how to ask again, and its listing."""

    etag: str
    last_modified: str
    fresh_until: float
    """Seconds since the epoch."""
    digest: bytes
    """Of the page and its address: a page that comes back unchanged is not parsed again."""
    packed: bytes | None
    """The listing; None where the index said that it has none."""

    def listing(self, index: str) -> Listing | None:
        """The listing, of the index as it is spelled now."""
        return None if self.packed is None else replace(unpack_listing(self.packed), index=index)


class KeptArchive(NamedTuple):
    """What the cache holds of an archive that a URL names: how to ask again, and what it was."""

    etag: str
    last_modified: str
    file: File
    metadata: Metadata


def pack_listing(listing: Listing) -> bytes:
    """A listing as bytes that :func:`unpack_listing` reads back in about a millisecond, however long it is."""
    packed: bytes = msgpack.packb((listing.name, listing.index, listing.columns.packed(), listing.skipped))
    return packed


def unpack_listing(packed: bytes) -> Listing:
    """The listing that was packed."""
    name, index, releases, skipped = msgpack.unpackb(packed, use_list=False)
    return Listing(name, index, Columns.unpacked(releases), skipped)


def _fields(metadata: Metadata) -> tuple[object, ...]:
    m = metadata
    return m.name, m.version, m.requires_dist, m.requires_python, m.provides_extra, m.noted


def sha256_of(hashes: Iterable[tuple[str, str]]) -> str:
    """The SHA-256 among hashes; empty where there is none."""
    return next((digest for algorithm, digest in hashes if algorithm == "sha256"), "")


def keys_of(file: File, wanted: Wanted, more: str = "") -> tuple[str, str, str]:
    """What the metadata of a file may be kept under, by what vouches for it: the digest of the metadata file beside
    it, its own digest, and the place that it came from. Empty where there is no such digest. ``more`` is what else it
    depends on."""
    candidate = f"{wanted.name} {wanted.version}{more and ' '}{more}"
    beside, own = sha256_of(file.metadata or ()), sha256_of(file.hashes)
    return (
        f"{candidate} metadata sha256:{beside}" if beside else "",
        f"{candidate} sha256:{own}" if own else "",
        f"{candidate} {wanted.index.rstrip('/')} {file.url} {own}",
    )


class Cache:
    """Facts by key, in ``folder``; None keeps nothing. Every method may be called from any thread and process.

    Nothing here raises: an entry that cannot be read is not there, and one that cannot be written is not kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def holds(self, kind: str) -> bool:
        """Whether there is anything of a kind; nothing is read for that."""
        return self._folder is not None and os.path.isdir(os.path.join(self._folder, kind))

    def page(self, url: str) -> Kept | None:
        """What is kept of the page at ``url`` (without credentials)."""
        fields = self._read("page", url)
        return Kept._make(fields) if isinstance(fields, tuple) and len(fields) == 5 else None

    def keep_page(self, url: str, kept: Kept) -> None:
        self._write("page", url, tuple(kept))

    def of_file(self, kind: str, file: File, wanted: Wanted, more: str = "") -> Metadata | NeedsBuild | str | None:
        """As :meth:`metadata`, under any of the keys of a file."""
        kept = (self.metadata(kind, key) for key in keys_of(file, wanted, more) if key)
        return next((one for one in kept if one is not None), None)

    def metadata(self, kind: str, key: str) -> Metadata | NeedsBuild | str | None:
        """Metadata kept under the file (or the build) it came from; a string is a reason why it tells nothing."""
        found: Any = self._read(kind, key)
        match found:
            case [_, _, _, _, _, _]:
                return Metadata(*found)
            case [None]:
                return NeedsBuild()
            case [[_, _, _, _, _, _] as hint]:
                return NeedsBuild(Metadata(*hint))
            case str(reason):
                return reason
        return None

    def keep_metadata(self, kind: str, key: str, outcome: Metadata | NeedsBuild | str) -> None:
        match outcome:
            case Metadata():
                self._write(kind, key, _fields(outcome))
            case NeedsBuild(hint):
                self._write(kind, key, (None if hint is None else _fields(hint),))
            case reason:
                self._write(kind, key, reason)

    def archive(self, key: str) -> KeptArchive | None:
        """What is kept of an archive."""
        found: Any = self._read("archive", key)
        match found:
            case [etag, last_modified, file, metadata] if len(file) == len(File._fields):
                return KeptArchive(etag, last_modified, File._make(file), Metadata(*metadata))
        return None

    def keep_archive(self, key: str, etag: str, last_modified: str, file: File, metadata: Metadata) -> None:
        self._write("archive", key, (etag, last_modified, tuple(file), _fields(metadata)))

    def folder_of(self, kind: str) -> Path | None:
        """Where things are kept that are no entries (repositories); None where nothing is."""
        return None if self._folder is None else Path(self._folder, kind)

    def _path(self, kind: str, key: str) -> str | None:
        if self._folder is None:
            return None
        name = entry_name(key, kind)
        return os.path.join(self._folder, kind, name[:2], name[2:])

    def _read(self, kind: str, key: str) -> object:
        path = self._path(kind, key)
        if path is None:
            return None
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.read()
        except OSError:
            return None
        body = memoryview(data)[12:]
        try:
            if data[:8] != _MAGIC or zlib.crc32(body) != int.from_bytes(data[8:12], "big"):
                raise ValueError
            found = msgpack.unpackb(body, use_list=False, strict_map_key=False)
            if not (isinstance(found, tuple) and len(found) == 2 and found[0] == key):
                raise ValueError
        except Exception:  # whatever a broken entry makes of the decoder
            with suppress(OSError):
                os.unlink(path)
            return None
        return found[1]

    def _write(self, kind: str, key: str, value: object) -> None:
        path = self._path(kind, key)
        if path is None:
            return
        body = msgpack.packb((key, value))
        folder = os.path.dirname(path)
        temporary = ""
        try:
            try:
                handle, temporary = created_in(folder, ".new-")
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)
                handle, temporary = created_in(folder, ".new-")
            with open(handle, "wb", buffering=0) as file:
                file.write(_MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)
            os.replace(temporary, path)
        except OSError:
            if temporary:
                with suppress(OSError):
                    os.unlink(temporary)
