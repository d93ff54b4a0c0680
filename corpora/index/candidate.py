"""The metadata of one candidate, from the cheapest of its files that tells it."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import IO, TYPE_CHECKING, TypeAlias

from satlock.corpora.facts import File, Metadata, MetadataOutcome, NeedsBuild, Unavailable, Unhashed, Wanted
from satlock.corpora.index.address import origin
from satlock.corpora.index.cache import Cache, cache_key
from satlock.corpora.index.file_order import files_in_order
from satlock.corpora.index.metadata import MetadataError, parse_metadata
from satlock.corpora.index.transport import Answer, Job, Refused, TooLarge, Transport
from satlock.corpora.index.wheel import Missing, Sparse, WheelError, metadata_of_wheel

if TYPE_CHECKING:
    from satlock.corpora.index.builds import Process

__all__ = ["CandidateReader"]

_LARGEST_METADATA = 32 << 20
_LARGEST_FILE = 8 << 30
_IN_MEMORY = 32 << 20
_ARCHIVES = 1 << 30
"""Bytes of source distributions that are held for builds."""
_TAIL = 64 << 10
"""Bytes of the end of a wheel that are asked for first: most wheels have their directory and metadata there."""
_PROBES = 4
"""How many metadata files a host may lack, while it has shown none, before it is not asked for more."""
_RAW = {"Accept-Encoding": "identity"}


Keep: TypeAlias = Callable[[str, str, Metadata | NeedsBuild | str], None]
"""Keeps an outcome in the cache: kind, key, outcome."""


class _Broken(Exception):
    """This file tells nothing; the argument is a clause."""


class CandidateReader:
    """Finds metadata. Lives in one event loop; never asks twice for the same while the caller keeps the answers."""

    def __init__(
        self, transport: Transport, cache: Cache, keep: Keep, *, offline: bool, build_environment: Mapping[str, str]
    ) -> None:
        self._transport = transport
        self._cache = cache
        self._keep = keep
        self._told: dict[tuple[str, str], Metadata | NeedsBuild | str] = {}
        self._archives: dict[str, tuple[int, IO[bytes]]] = {}
        self._room = _ARCHIVES
        self._offline = offline
        self._build_environment = build_environment
        from asyncio import Semaphore

        self._builds = Semaphore(max(1, (os.cpu_count() or 1) // 2 + 1))
        self.running: set[Process] = set()
        """Builds that run now."""
        self._probes: dict[tuple[str, str, int | None], list[int]] = {}

    async def read(self, wanted: Wanted, job: Job) -> MetadataOutcome:
        """The outcome. Raises CorpusError where the network fails, which says nothing about the candidate."""
        wheels, sdists = files_in_order(wanted.files)
        reasons = []
        for file in wheels:
            kept = self._recall("file", cache_key(file))
            if isinstance(kept, Metadata):
                return kept
            try:
                if isinstance(kept, str) and self._offline:
                    raise _Broken(kept)
                metadata = await self._of_wheel(file, wanted, job)
            except _Broken as reason:
                reasons.append(f"{file.filename}: {reason}")
                self._tell("file", cache_key(file), str(reason))
                continue
            self._tell("file", cache_key(file), metadata)
            return metadata
        unbuilt: NeedsBuild | None = None
        for file in sdists:
            kept = self._recall("file", cache_key(file))
            if isinstance(kept, Metadata):
                return kept
            if not isinstance(kept, NeedsBuild):
                try:
                    if kept is not None and self._offline:
                        raise _Broken(kept)
                    kept = await self._of_sdist(file, wanted, job)
                except _Broken as reason:
                    reasons.append(f"{file.filename}: {reason}")
                    self._tell("file", cache_key(file), str(reason))
                    continue
                self._tell("file", cache_key(file), kept)
                if isinstance(kept, Metadata):
                    return kept
            if not wanted.build:
                if unbuilt is None or unbuilt.hint is None:
                    unbuilt = kept
                continue
            built = self._recall("build", cache_key(file))
            if isinstance(built, Metadata):
                return built
            try:
                if isinstance(built, str) and self._offline:
                    raise _Broken(built)
                metadata = await self._built(file, wanted, job)
            except _Broken as reason:
                reasons.append(f"{file.filename}: {reason}")
                self._tell("build", cache_key(file), str(reason))
                continue
            self._tell("build", cache_key(file), metadata)
            return metadata
        if unbuilt is not None:
            return unbuilt
        return Unavailable("; ".join(reasons) if reasons else "it has no file that metadata can be read from")

    def _recall(self, kind: str, key: str) -> Metadata | NeedsBuild | str | None:
        return self._told.get((kind, key)) or self._cache.metadata(kind, key)

    def _tell(self, kind: str, key: str, outcome: Metadata | NeedsBuild | str) -> None:
        self._told[kind, key] = outcome
        self._keep(kind, key, outcome)

    # -- wheels

    async def _of_wheel(self, file: File, wanted: Wanted, job: Job) -> Metadata:
        host = origin(file.url)
        found, lacking = seen = self._probes.setdefault(host, [0, 0])
        if file.metadata is not None or found or lacking < _PROBES:
            try:
                data = await self._beside(file, wanted, job)
                seen[0] += 1
                return parse_metadata(data, wanted.name, wanted.version)
            except Refused:
                seen[1] += 1
            except (_Broken, MetadataError, TooLarge):
                pass  # the wheel itself has the last word
        try:
            data = await self._inside(file, wanted, job)
            return parse_metadata(data, wanted.name, wanted.version)
        except (WheelError, MetadataError) as error:
            raise _Broken(str(error)) from None

    async def _beside(self, file: File, wanted: Wanted, job: Job) -> bytes:
        """The metadata file next to a wheel (PEP 658, 714)."""
        url, mark, query = file.url.partition("?")
        url = f"{url}.metadata{mark}{query}"

        async def read(answer: Answer) -> bytes:
            if answer.status != 200:
                raise Refused(answer.status)
            return await answer.body(_LARGEST_METADATA)

        data = await self._transport.ask(url, read, index=wanted.index, job=job, what=_what(wanted))
        _verify(file.metadata or (), {name: hashlib.new(name, data) for name in _algorithms(file.metadata or ())})
        return data

    async def _inside(self, file: File, wanted: Wanted, job: Job) -> bytes:
        """The metadata file in a wheel: from the end of it where the server gives parts, else from all of it."""
        sparse: Sparse | None = None
        start, end = -_TAIL, 0
        if file.size is not None:
            start, end = max(0, file.size - _TAIL), file.size
        while True:
            piece = await self._part(file, start, end, wanted, job)
            if not isinstance(piece, tuple):
                with piece or await self._whole(file, wanted, job) as whole:
                    return metadata_of_wheel(whole, wanted.name, wanted.version)
            offset, total, data = piece
            if file.size is not None and total != file.size:
                raise _Broken(f"it has {total} bytes and not the {file.size} that the index says")
            if sparse is None:
                sparse = Sparse(total)
            sparse.add(offset, data)
            try:
                return metadata_of_wheel(sparse, wanted.name, wanted.version)
            except Missing as missing:
                start, end = missing.start, missing.end
                if offset <= start and end <= offset + len(data):
                    raise _Broken("its server answers with other parts than it is asked for") from None

    async def _part(
        self, file: File, start: int, end: int, wanted: Wanted, job: Job
    ) -> tuple[int, int, bytes] | IO[bytes] | None:
        """(offset, size of the file, bytes) of a part; a negative ``start`` counts from the end.

        Or all of the file, where the server gives that instead; None where it refuses to give parts.
        """
        if file.url.startswith("file:"):
            return None
        span = f"bytes={start}" if start < 0 else f"bytes={start}-{end - 1}"

        async def read(answer: Answer) -> tuple[int, int, bytes] | IO[bytes] | None:
            if answer.status == 200:
                return await _spooled(answer, file)
            match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("content-range", "").strip())
            if answer.status != 206 or match is None:
                return None
            first, last, total = (int(group) for group in match.groups())
            data = await answer.body(last - first + 1 if last >= first else 0)
            if len(data) != last - first + 1 or (start >= 0 and first != start):
                raise _Broken("its server answers with other parts than it is asked for")
            return first, total, data

        try:
            headers = {**_RAW, "Range": span}
            return await self._transport.ask(
                file.url, read, index=wanted.index, job=job, what=_what(wanted), headers=headers
            )
        except Refused as refused:
            if refused.status in (400, 405, 501):
                return None
            raise _Broken(f"its server refuses it ({refused})") from None
        except TooLarge:
            raise _Broken("its server answers with other parts than it is asked for") from None

    # -- whole files

    async def _whole(self, file: File, wanted: Wanted, job: Job) -> IO[bytes]:
        """All of a file, verified against the hashes of the index, positioned at its start."""

        async def read(answer: Answer) -> IO[bytes]:
            if answer.status != 200:
                raise Refused(answer.status)
            return await _spooled(answer, file)

        try:
            return await self._transport.ask(
                file.url, read, index=wanted.index, job=job, what=_what(wanted), headers=_RAW
            )
        except Refused as refused:
            raise _Broken(f"its server refuses it ({refused})") from None
        except TooLarge:
            raise _Broken("it is larger than the index says") from None

    async def hashed(self, wanted: Unhashed, job: Job) -> File | Unavailable:
        """A file with what its bytes tell: hash and size. A download is remembered by the file's address.

        Raises CorpusError where the network fails, which says nothing about the file.
        """
        file = wanted.file
        kept = self._cache.metadata("digest", file.url)
        if isinstance(kept, str):
            digest, _, size = kept.partition(" ")
            return file._replace(hashes=(("sha256", digest),), size=int(size))

        async def read(answer: Answer) -> tuple[str, int]:
            if answer.status != 200:
                raise Refused(answer.status)
            told, length = hashlib.sha256(), 0
            async for chunk in answer.chunks(file.size if file.size is not None else _LARGEST_FILE):
                told.update(chunk)
                length += len(chunk)
            return told.hexdigest(), length

        what = f"{wanted.name} {wanted.version}"
        try:
            digest, length = await self._transport.ask(
                file.url, read, index=wanted.index, job=job, what=what, headers=_RAW
            )
        except Refused as refused:
            return Unavailable(f"its index tells no hash, and its server refuses it ({refused})")
        except TooLarge:
            return Unavailable("its index tells no hash, and it is larger than the index says")
        self._keep("digest", file.url, f"{digest} {length}")
        return file._replace(hashes=(("sha256", digest),), size=length)

    # -- source distributions

    async def _of_sdist(self, file: File, wanted: Wanted, job: Job) -> Metadata | NeedsBuild:
        from asyncio import to_thread

        from satlock.corpora.index.sdist import SdistError, metadata_of_sdist

        whole = await self._whole(file, wanted, job)
        held = False
        try:
            told = await to_thread(metadata_of_sdist, whole, file.filename, wanted.name, wanted.version)
            held = isinstance(told, NeedsBuild) and self._hold(file, whole)
            return told
        except SdistError as error:
            raise _Broken(str(error)) from None
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

    async def _built(self, file: File, wanted: Wanted, job: Job) -> Metadata:
        from asyncio import to_thread

        from satlock.corpora.index.builds import BuildError, metadata_by_build

        size, held = self._archives.pop(file.url, (0, None))
        self._room += size
        whole = await self._whole(file, wanted, job) if held is None else held
        with whole:
            try:
                async with self._builds:
                    with self._transport.building(_what(wanted)):
                        data = await to_thread(
                            metadata_by_build,
                            whole,
                            file.filename,
                            environment=self._build_environment,
                            running=self.running,
                        )
                return parse_metadata(data, wanted.name, wanted.version)
            except (BuildError, MetadataError) as error:
                raise _Broken(str(error)) from None


async def _spooled(answer: Answer, file: File) -> IO[bytes]:
    """The body of an answer as a file at its start, in memory or on disk; raises _Broken unless it is ``file``."""
    sums = {name: hashlib.new(name) for name in _algorithms(file.hashes)}
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  the caller closes it
    try:
        async for chunk in answer.chunks(file.size if file.size is not None else _LARGEST_FILE):
            for digest in sums.values():
                digest.update(chunk)
            spool.write(chunk)
        _verify(file.hashes, sums)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool


def _what(wanted: Wanted) -> str:
    return f"{wanted.name} {wanted.version}"


def _algorithms(hashes: Iterable[tuple[str, str]]) -> list[str]:
    known = [name for name, _ in hashes if name in hashlib.algorithms_guaranteed and not name.startswith("shake")]
    strong = [name for name in known if name not in ("md5", "sha1")]
    return strong or known


def _verify(hashes: Iterable[tuple[str, str]], sums: dict[str, hashlib._Hash]) -> None:
    for name, digest in hashes:
        if name in sums and sums[name].hexdigest() != digest:
            raise _Broken(f"its {name} is not the one that the index says")
