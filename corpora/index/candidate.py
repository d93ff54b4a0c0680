"""The metadata of one candidate, from the cheapest of its files that tells it.

What is kept of a file is kept under what vouches for it: the digest that was checked, of the file or of the metadata
file beside it, or else the index and the address that it came from. So no index can answer for the file of another.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, TypeAlias

from satlock.corpora.facts import Cause, File, Metadata, MetadataOutcome, NeedsBuild, Unavailable, Unhashed, Wanted
from satlock.corpora.index.address import origin
from satlock.corpora.index.cache import Cache, keys_of, sha256_of
from satlock.corpora.index.file_order import files_in_order
from satlock.corpora.index.files import GONE, Broken, Files, Request
from satlock.corpora.index.metadata import MetadataError, parse_metadata
from satlock.corpora.index.transport import Job, Transport
from satlock.corpora.index.wheel import Missing, Sparse, WheelError, metadata_of_wheel
from satlock.records import replace

if TYPE_CHECKING:
    from satlock.corpora.index.building import Building
    from satlock.corpora.index.builds import Builder
    from satlock.corpora.index.failed_build import BuildError

__all__ = ["CandidateReader"]

_ARCHIVES = 1 << 30
"""Bytes of source distributions that are held for builds."""
_TAIL = 64 << 10
"""Bytes of the end of a wheel that are asked for first: most wheels have their directory and metadata there."""
_PROBES = 4
"""How many metadata files a host may lack, while it has shown none, before it is not asked for more."""
_GRAVITY: tuple[Cause, ...] = ("unreadable", "unbuilt", "forbidden", "gone", "refused", "false")
_DAY = 24 * 3600.0
"""Seconds for which a build that failed is not tried again."""


Keep: TypeAlias = Callable[[str, str, Metadata | NeedsBuild | str], None]
"""Keeps an outcome in the cache: kind, key, outcome."""


class CandidateReader:
    """Finds metadata. Lives in one event loop; never asks twice for the same while the caller keeps the answers."""

    def __init__(
        self,
        transport: Transport,
        cache: Cache,
        keep: Keep,
        *,
        offline: bool,
        building: Building,
        builder: Callable[[], Builder],
    ) -> None:
        self._transport = transport
        self._files = Files(transport)
        self._cache = cache
        self._keep = keep
        self._told: dict[tuple[str, str], Metadata | NeedsBuild | str] = {}
        self._archives: dict[str, tuple[int, IO[bytes]]] = {}
        self._room = _ARCHIVES
        self._offline = offline
        self._building = building
        self._builder = builder
        from asyncio import Semaphore

        self._builds = Semaphore(max(1, (os.cpu_count() or 1) // 2 + 1))
        self._probes: dict[tuple[str, str, int | None], list[int]] = {}

    async def read(self, wanted: Wanted, job: Job) -> MetadataOutcome:
        """The outcome. Raises CorpusError where the network fails, which says nothing about the candidate."""
        request = Request(wanted.index, f"{wanted.name} {wanted.version}", job)
        wheels, sdists = files_in_order(wanted.files)
        failures: list[tuple[File, Broken]] = []
        unbuilt: NeedsBuild | None = None
        hint: Metadata | None = None
        for file in (*wheels, *sdists):
            told = await self._attempt("file", file, wanted, request, failures)
            if isinstance(told, NeedsBuild) and wanted.build:
                hint = told.hint or hint
                told = await self._attempt("build", file, wanted, request, failures)
            if isinstance(told, Metadata):
                return _with_doubts(told, failures, request)
            if told is not None and (unbuilt is None or unbuilt.hint is None):
                unbuilt = told
        if unbuilt is not None:
            return unbuilt
        if not failures:
            return Unavailable("it has no file that metadata can be read from")
        reason = "; ".join(f"{file.filename}: {broken}" for file, broken in failures)
        output = next((broken.output for _, broken in failures if broken.output), ())
        return Unavailable(reason, max((broken.cause for _, broken in failures), key=_GRAVITY.index), output, hint)

    async def _attempt(
        self, kind: str, file: File, wanted: Wanted, request: Request, failures: list[tuple[File, Broken]]
    ) -> Metadata | NeedsBuild | None:
        """What one file tells, or what building it tells; None where that is added to the ``failures``."""
        kept = self._recall(kind, file, wanted)
        try:
            if isinstance(kept, str) and self._offline:
                raise Broken(kept, "gone" if kept == GONE else "unreadable")
            if kept is not None and not isinstance(kept, str):
                return kept
            if kind == "build":
                return await self._built(file, wanted, request)
            return await (self._of_wheel if file.is_wheel else self._of_sdist)(file, wanted, request)
        except Broken as broken:
            failures.append((file, broken))
            if broken.cause in ("unreadable", "gone") and kind == "file":
                self._tell(kind, file, keys_of(file, wanted)[2], str(broken))
            return None

    def _recall(self, kind: str, file: File, wanted: Wanted) -> Metadata | NeedsBuild | str | None:
        more = self._building.fingerprint(wanted.name) if kind == "build" else ""
        told = (self._told.get((kind, key)) for key in keys_of(file, wanted, more))
        return next((one for one in told if one is not None), None) or self._cache.of_file(kind, file, wanted, more)

    def _tell(self, kind: str, file: File, key: str, outcome: Metadata | NeedsBuild | str) -> None:
        self._told[kind, key] = outcome
        if sha256_of(file.hashes) or not file.url.startswith("file:"):
            self._keep(kind, key, outcome)

    # -- wheels

    async def _of_wheel(self, file: File, wanted: Wanted, request: Request) -> Metadata:
        by_metadata, by_digest, by_place = keys_of(file, wanted)
        doubts: tuple[str, ...] = ()
        found, lacking = seen = self._probes.setdefault(origin(file.url), [0, 0])
        if file.metadata is not None or found or lacking < _PROBES:
            try:
                data = await self._files.beside(file, request)
                seen[0] += 1
                metadata = parse_metadata(data, wanted.name, wanted.version)
                self._tell("file", file, by_metadata or by_place, metadata)
                return metadata
            except Broken as broken:
                seen[1] += broken.cause in ("gone", "refused")
                if broken.cause == "false":
                    said = f"{file.filename}.metadata of {wanted.index} is not what it should be: {broken}"
                    doubts = (f"{said}; the wheel was read in full in its place",)
            except MetadataError:
                pass  # the wheel itself has the last word
        try:
            metadata, verified = await self._inside(file, wanted, request, in_full=bool(doubts))
        except (WheelError, MetadataError) as error:
            raise Broken(str(error)) from None
        self._tell("file", file, (by_digest if verified else "") or by_place, metadata)
        return replace(metadata, doubts=doubts) if doubts else metadata

    async def _inside(self, file: File, wanted: Wanted, request: Request, *, in_full: bool) -> tuple[Metadata, bool]:
        """What the metadata file in a wheel says, and whether all of the wheel was verified for that.

        A wheel that parts of it make look broken is read in full as well: it may not be the one that was promised.
        """
        whole: IO[bytes] | None = None
        if not in_full:
            try:
                told = await self._by_parts(file, wanted, request)
                if isinstance(told, bytes):
                    return parse_metadata(told, wanted.name, wanted.version), False
                whole = told
            except (WheelError, MetadataError):
                pass
        with whole or await self._files.whole(file, request) as archive:
            data = metadata_of_wheel(archive, wanted.name, wanted.version)
        return parse_metadata(data, wanted.name, wanted.version), True

    async def _by_parts(self, file: File, wanted: Wanted, request: Request) -> bytes | IO[bytes] | None:
        """The metadata file in a wheel, from the end of it where the server gives parts; else all of the wheel, where
        the server gives that instead; else None."""
        sparse: Sparse | None = None
        start, end = -_TAIL, 0
        if file.size is not None:
            start, end = max(0, file.size - _TAIL), file.size
        while True:
            piece = await self._files.part(file, start, end, request)
            if not isinstance(piece, tuple):
                return piece
            offset, total, data = piece
            if sparse is None:
                sparse = Sparse(total)
            sparse.add(offset, data)
            try:
                return metadata_of_wheel(sparse, wanted.name, wanted.version)
            except Missing as missing:
                start, end = missing.start, missing.end
                if offset <= start and end <= offset + len(data):
                    raise Broken("its server answers with other parts than it is asked for", "false") from None

    async def whole(self, file: File, index: str) -> IO[bytes]:
        """All of a file that an index (without credentials) lists, verified, at its start; for builds.

        Raises Broken, and CorpusError where the network fails.
        """
        try:
            return await self._files.whole(file, Request(index, file.filename, Job()))
        except Broken as broken:
            raise Broken(f"{file.filename} of {index}: {broken}", broken.cause) from None

    # -- digests

    async def hashed(self, wanted: Unhashed, job: Job) -> File | Unavailable:
        """A file with what its bytes tell: hash and size. A download is remembered by the file's address.

        Raises CorpusError where the network fails, which says nothing about the file.
        """
        file = wanted.file
        kept = self._cache.metadata("digest", file.url)
        if isinstance(kept, str):
            digest, _, size = kept.partition(" ")
            return file._replace(hashes=(("sha256", digest),), size=int(size))
        request = Request(wanted.index, f"{wanted.name} {wanted.version}", job)
        try:
            digest, length = await self._files.digest(file, request)
        except Broken as broken:
            return Unavailable(f"its index tells no hash, and {broken}", broken.cause)
        if not file.url.startswith("file:"):
            self._keep("digest", file.url, f"{digest} {length}")
        return file._replace(hashes=(("sha256", digest),), size=length)

    # -- source distributions

    async def _of_sdist(self, file: File, wanted: Wanted, request: Request) -> Metadata | NeedsBuild:
        from asyncio import to_thread

        from satlock.corpora.index.sdist import SdistError, metadata_of_sdist

        whole = await self._files.whole(file, request)
        held = False
        try:
            told = await to_thread(metadata_of_sdist, whole, file.filename, wanted.name, wanted.version)
            held = isinstance(told, NeedsBuild) and self._hold(file, whole)
            _, by_digest, by_place = keys_of(file, wanted)
            self._tell("file", file, by_digest or by_place, told)
            return told
        except SdistError as error:
            raise Broken(str(error)) from None
        finally:
            if not held:
                whole.close()

    def _hold(self, file: File, archive: IO[bytes]) -> bool:
        """Keep a source distribution for the build that may follow; False where there is no room."""
        size = archive.seek(0, 2)
        if size > self._room or file.url in self._archives:
            return False
        archive.seek(0)
        self._room -= size
        self._archives[file.url] = size, archive
        return True

    async def _built(self, file: File, wanted: Wanted, request: Request) -> Metadata:
        from asyncio import to_thread

        from satlock.corpora.index.failed_build import BuildError

        circumstances = self._building.circumstances(wanted.name)
        _, by_digest, by_place = keys_of(file, wanted, circumstances)
        failed = by_digest or by_place
        kept = self._cache.metadata("failed-build", failed)
        if isinstance(kept, str) and (known := _recent(kept)) is not None:
            raise known
        size, held = self._archives.pop(file.url, (0, None))
        self._room += size
        whole = await self._files.whole(file, request) if held is None else held
        with whole:
            try:
                async with self._builds:
                    with self._transport.building(request.what):
                        data = await to_thread(
                            self._builder().of_archive, whole, file.filename, wanted.name, file.requires_python
                        )
                metadata = parse_metadata(data, wanted.name, wanted.version)
            except BuildError as error:
                if error.lasting:
                    self._tell("failed-build", file, failed, _noted(error))
                raise Broken(str(error), "unbuilt", error.output) from None
            except MetadataError as error:
                raise Broken(str(error)) from None
        _, by_digest, by_place = keys_of(file, wanted, self._building.fingerprint(wanted.name))
        self._tell("build", file, by_digest or by_place, metadata)
        return metadata


def _noted(error: BuildError) -> str:
    """A failure as it is kept."""
    import json

    return json.dumps([time.time(), str(error), error.output])


def _recent(kept: str) -> Broken | None:
    """A failure that was kept, unless it was too long ago."""
    import json

    when, reason, output = json.loads(kept)
    if not 0 <= time.time() - when < _DAY:
        return None
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
    return Broken(f"{reason} (at {moment}; with --no-cache it is built again)", "unbuilt", tuple(output))


def _with_doubts(metadata: Metadata, failures: Sequence[tuple[File, Broken]], request: Request) -> Metadata:
    """The metadata with what a person should know of the files before the one that told it."""
    if not failures:
        return metadata
    said = [
        f"{file.filename} of {request.index}: {broken}; another file of {request.what} serves"
        for file, broken in failures
    ]
    return replace(metadata, doubts=(*said, *metadata.doubts))
