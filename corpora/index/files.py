"""Distribution files from their hosts: in full and verified, in parts, or their digest alone.

The bytes of a file are what its index promises, or the file is not read.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from satlock.corpora.facts import Cause, File
from satlock.corpora.index.transport import Answer, Job, Refused, TooLarge, Transport
from satlock.records import dataclass

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["GONE", "Broken", "Files", "Request"]

_LARGEST_METADATA = 32 << 20
_LARGEST_FILE = 8 << 30
_IN_MEMORY = 32 << 20
GONE = "it is gone (HTTP status 404)"
_RAW = {"Accept-Encoding": "identity"}


class Broken(Exception):
    """A file tells nothing; the text is a clause that says why."""

    def __init__(self, reason: str, cause: Cause = "unreadable", output: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.cause: Cause = cause
        self.output = output
        """The last lines of a build that failed."""


@dataclass(frozen=True)
class Request:
    """For whom something is asked."""

    index: str
    """That lists the file, without credentials."""
    what: str
    """Of which candidate the file is, for people."""
    job: Job


class Files:
    """Reads files. Lives in one event loop.

    Raises CorpusError where the network fails, which says nothing about a file.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def beside(self, file: File, request: Request) -> bytes:
        """The metadata file next to a wheel (PEP 658, 714). Raises Broken."""
        url, mark, query = file.url.partition("?")
        url = f"{url}.metadata{mark}{query}"

        async def read(answer: Answer) -> bytes:
            if answer.status != 200:
                raise Refused(answer.status)
            return await answer.body(_LARGEST_METADATA)

        try:
            data = await self._transport.ask(url, read, index=request.index, job=request.job, what=request.what)
        except Refused as refused:
            raise self._refusal(refused, url, request) from None
        except TooLarge:
            raise Broken("its metadata file is too large") from None
        sums = _sums(file.metadata or ())
        for digest in sums.values():
            digest.update(data)
        _verify(file.metadata or (), sums)
        return data

    async def part(
        self, file: File, start: int, end: int, request: Request
    ) -> tuple[int, int, bytes] | IO[bytes] | None:
        """(offset, size of the file, bytes) of a part; a negative ``start`` counts from the end.

        Or all of the file, verified, where the server gives that instead; None where it refuses to give parts. Raises
        Broken.
        """
        if file.url.startswith("file:"):
            return None
        span = f"bytes={start}" if start < 0 else f"bytes={start}-{end - 1}"

        async def read(answer: Answer) -> tuple[int, int, bytes] | IO[bytes] | None:
            if answer.status == 200:
                return await _spooled(answer, file)
            match = re.fullmatch(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", answer.headers.get("content-range", ""))
            if answer.status != 206 or match is None:
                return None
            first, last, total = (int(group) for group in match.groups())
            data = await answer.body(last - first + 1 if last >= first else 0)
            if len(data) != last - first + 1 or (start >= 0 and first != start):
                raise Broken("its server answers with other parts than it is asked for", "false")
            if file.size is not None and total != file.size:
                raise Broken(f"it has {total} bytes and not the {file.size} that the index says", "false")
            return first, total, data

        headers = {**_RAW, "Range": span}
        try:
            return await self._transport.ask(
                file.url, read, index=request.index, job=request.job, what=request.what, headers=headers
            )
        except Refused as refused:
            if refused.status in (400, 405, 501):
                return None
            raise self._refusal(refused, file.url, request) from None
        except TooLarge:
            raise Broken("its server answers with other parts than it is asked for", "false") from None

    async def whole(self, file: File, request: Request) -> IO[bytes]:
        """All of a file, verified against the hashes of the index, positioned at its start. Raises Broken."""

        async def read(answer: Answer) -> IO[bytes]:
            if answer.status != 200:
                raise Refused(answer.status)
            return await _spooled(answer, file)

        try:
            return await self._transport.ask(
                file.url, read, index=request.index, job=request.job, what=request.what, headers=_RAW
            )
        except Refused as refused:
            raise self._refusal(refused, file.url, request) from None

    async def digest(self, file: File, request: Request) -> tuple[str, int]:
        """The SHA-256 and the size of a file, by downloading it. Raises Broken."""

        async def read(answer: Answer) -> tuple[str, int]:
            if answer.status != 200:
                raise Refused(answer.status)
            told, sums, length = hashlib.sha256(), _sums(file.hashes), 0
            async for chunk in answer.chunks(file.size if file.size is not None else _LARGEST_FILE):
                for one in (told, *sums.values()):
                    one.update(chunk)
                length += len(chunk)
            _verify(file.hashes, sums)
            return told.hexdigest(), length

        try:
            return await self._transport.ask(
                file.url, read, index=request.index, job=request.job, what=request.what, headers=_RAW
            )
        except Refused as refused:
            raise self._refusal(refused, file.url, request) from None
        except TooLarge:
            raise Broken("it is larger than the index says", "false") from None

    def _refusal(self, refused: Refused, url: str, request: Request) -> Broken:
        if refused.status == 404:
            return Broken(GONE, "gone")
        return Broken(self._transport.refusal_of_file(url, request.index, refused.status), "refused")


async def _spooled(answer: Answer, file: File) -> IO[bytes]:
    """The body of an answer as a file at its start, in memory or on disk; raises Broken unless it is ``file``."""
    sums = _sums(file.hashes)
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  the caller closes it
    try:
        async for chunk in answer.chunks(file.size if file.size is not None else _LARGEST_FILE):
            for digest in sums.values():
                digest.update(chunk)
            spool.write(chunk)
        _verify(file.hashes, sums)
        spool.seek(0)
    except TooLarge:
        spool.close()
        raise Broken("it is larger than the index says", "false") from None
    except BaseException:
        spool.close()
        raise
    return spool


def _sums(hashes: Iterable[tuple[str, str]]) -> dict[str, _Hash]:
    """A fresh digest for each algorithm that is worth comparing: strong ones where there are any."""
    known = [name for name, _ in hashes if name in hashlib.algorithms_guaranteed and not name.startswith("shake")]
    strong = [name for name in known if name not in ("md5", "sha1")]
    return {name: hashlib.new(name, usedforsecurity=False) for name in strong or known}


def _verify(hashes: Iterable[tuple[str, str]], sums: dict[str, _Hash]) -> None:
    for name, digest in hashes:
        if name in sums and sums[name].hexdigest() != digest:
            raise Broken(f"its {name} hash is not the one that the index promises", "false")
