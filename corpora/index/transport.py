"""Requests to indexes and file hosts: one client, many requests in flight, retries, credentials, local files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from satlock.corpora.facts import CorpusError, Unreachable
from satlock.corpora.index.access import Access
from satlock.corpora.index.address import Credentials, origin, path_of, split_credentials
from satlock.corpora.index.credentials import Vault
from satlock.corpora.regular_files import open_regular
from satlock.records import dataclass, field

if TYPE_CHECKING:
    import asyncio

    from satlock.corpora.index.client import Client

__all__ = ["Answer", "Job", "Progress", "Refused", "TooLarge", "Transport"]

T = TypeVar("T")

_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504))
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 60.0
"""Seconds between tries; a server that asks for a longer pause has failed."""
_PATIENCE = 4
"""How many times the seconds without a byte a whole answer may take, and longer only as it comes at a sensible rate."""
_SLOWEST = 2 << 10
"""Bytes in a second; less for long is a drip that would never end."""
_CHUNK = 1 << 16
_GUESSES = 16
"""Requests that only guess what may be needed, at once with urgent ones."""


class Refused(Exception):
    """The server answered, and the answer was no. ``status`` is its HTTP status (404 for a missing local file)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class TooLarge(Exception):
    """A body that is longer than it may be."""


@dataclass(eq=False)
class Job:
    """What requests are made for. An urgent one goes before those that only guess what may be needed."""

    urgent: bool = True
    ticket: asyncio.Future[None] | None = None


@dataclass
class Progress:
    """Counters that any thread may read while requests run."""

    requests_done: int = 0
    requests_open: int = 0
    bytes_received: int = 0
    builds_done: int = 0
    builds_open: int = 0
    last: str = ""
    """What was asked for last: a name, or a name and a version."""


@dataclass
class Answer:
    """A response whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    url: str
    """Where the answer came from after redirects, without credentials."""
    _body: AsyncIterator[bytes]
    _progress: Progress = field(repr=False)

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body, piece by piece. Raises TooLarge once it is longer than ``limit`` bytes."""
        length = 0
        async for chunk in self._body:
            length += len(chunk)
            self._progress.bytes_received += len(chunk)
            if length > limit:
                raise TooLarge
            yield chunk

    async def body(self, limit: int) -> bytes:
        return b"".join([chunk async for chunk in self.chunks(limit)])


class _Gate:
    """Lets ``limit`` requests through at once, the urgent ones first, and few guesses as long as one of these is open:
    on a fast line the answers to many guesses would keep the thread from reading the one that is waited for.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: list[Job] = []
        self._urgent: deque[tuple[Job, asyncio.Future[None]]] = deque()
        self._idle: deque[tuple[Job, asyncio.Future[None]]] = deque()

    async def enter(self, job: Job) -> None:
        import asyncio

        ticket = job.ticket = asyncio.get_running_loop().create_future()
        (self._urgent if job.urgent else self._idle).append((job, ticket))
        self._admit()
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self.leave(job)
            raise
        finally:
            job.ticket = None

    def promote(self, job: Job) -> None:
        if not job.urgent:
            job.urgent = True
            if job.ticket is not None:
                self._urgent.append((job, job.ticket))  # it stays in the other queue too, where it will be found done
                self._admit()

    def leave(self, job: Job) -> None:
        self._open.remove(job)
        self._admit()

    def _admit(self) -> None:
        while len(self._open) < self._limit:
            urgent = sum(job.urgent for job in self._open)
            if self._urgent:
                job, ticket = self._urgent.popleft()
            elif self._idle and (not urgent or len(self._open) - urgent < _GUESSES):
                job, ticket = self._idle.popleft()
            else:
                return
            if not ticket.done():
                self._open.append(job)
                ticket.set_result(None)


class Transport:
    """Asks for pages and files. Lives in one event loop."""

    def __init__(self, *, offline: bool, limit: int, progress: Progress, vault: Vault, access: Access) -> None:
        self._access = access
        self._offline = offline
        self._timeout = access.timeout
        self._gate = _Gate(limit)
        self._client: Client | None = None
        self._progress = progress
        self._vault = vault

    def promote(self, job: Job) -> None:
        self._gate.promote(job)

    def refusal(self, index: str, what: str, status: int) -> str:
        """That an index refuses something with this HTTP status, and what may be wrong."""
        from satlock.corpora.index.refusals import refusal

        known = self._vault.find(index, index) is not None
        return refusal(index, what, status, known=known, label=self._access.label(index))

    def refusal_of_file(self, url: str, index: str, status: int) -> str:
        """That the server of a file refuses it, as a clause."""
        from satlock.corpora.index.refusals import refused_file

        label = self._access.label(index) if origin(url) == origin(index) else ""
        return refused_file(status, known=self._vault.find(url, index) is not None, label=label)

    def connect(self) -> None:
        """Make the client now: importing and reading certificates take time that can be spent before it is needed."""
        if self._client is None and not self._offline:
            from satlock.corpora.index.clients import client_for

            self._client = client_for(self._timeout, self._access)

    @contextmanager
    def building(self, what: str) -> Iterator[None]:
        """Count a build while it runs."""
        self._progress.builds_open += 1
        self._progress.last = what
        try:
            yield
        finally:
            self._progress.builds_open -= 1
            self._progress.builds_done += 1

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def ask(
        self,
        url: str,
        read: Callable[[Answer], Awaitable[T]],
        *,
        index: str,
        job: Job,
        what: str,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """What ``read`` makes of the answer, which has status 200, 206, 304 or 416; again and again where that helps.

        ``what`` is shown as progress and in errors. Raises Refused, whatever ``read`` raises, and CorpusError where
        no answer can be had.
        """
        if url.startswith("file:"):
            return await read(_local(url, self._progress))
        if self._offline:
            raise CorpusError(f"{what} is not in the cache, and satlock is offline")
        import asyncio

        credentials = self._vault.find(url, index)
        failure: str | None = "its credentials are missing or wrong"
        attempts = self._access.retries + 1
        for number in range(attempts):
            try:
                return await self._ask_once(url, read, credentials, job, what=what, headers=headers)
            except Refused as refused:
                if refused.status not in (401, 403) or self._access.says_absent(index, refused.status):
                    raise
                further = await asyncio.to_thread(self._vault.find_further, url, index, credentials)
                if further is None:
                    raise
                credentials = further
                continue
            except Exception as error:
                if isinstance(error, _Retry) and self._access.says_absent(index, error.status):
                    raise Refused(error.status) from None
                failure = _passing(error, f"{index or origin(url)[1]} could not be asked for {what}")
                if failure is None:
                    raise
                asked_for = _seconds(error.retry_after) if isinstance(error, _Retry) else None
            wait = asked_for if asked_for is not None else min(_FIRST_WAIT * 3**number, _LONGEST_WAIT)
            if wait > _LONGEST_WAIT:
                failure = f"{failure}, and it asks to wait {wait:.0f} seconds"
                break
            if number < attempts - 1:
                await asyncio.sleep(wait)
        tries = "once" if number == 0 else f"{number + 1} times"
        raise Unreachable(f"{index or origin(url)[1]} could not be asked for {what}: {failure} (tried {tries})")

    async def _ask_once(  # one try of ask
        self,
        url: str,
        read: Callable[[Answer], Awaitable[T]],
        credentials: Credentials | None,
        job: Job,
        *,
        what: str,
        headers: Mapping[str, str] | None,
    ) -> T:
        import asyncio

        from satlock.corpora.index.client import Unanswered

        progress = self._progress
        await self._gate.enter(job)
        progress.requests_open += 1
        progress.last = what
        try:
            self.connect()
            assert self._client is not None
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(self._timeout * _PATIENCE):
                        response = await stack.enter_async_context(self._client.get(url, headers or {}, credentials))
                except TimeoutError:
                    raise Unanswered("no answer in time") from None
                status = response.status
                if status not in (200, 206, 304, 416):
                    raise _Retry(status, response.headers.get("retry-after")) if status in _RETRIED else Refused(status)
                final = split_credentials(response.url)[0]
                body = _steady(response.chunks(), self._timeout * _PATIENCE)
                return await read(Answer(status, response.headers, final, body, progress))
        finally:
            progress.requests_open -= 1
            progress.requests_done += 1
            self._gate.leave(job)


async def _steady(chunks: AsyncIterator[bytes], patience: float) -> AsyncIterator[bytes]:
    """A body, as long as it comes at a sensible rate. Raises Unanswered where it drips for longer than ``patience``."""
    import time

    begun, length = time.monotonic(), 0
    async for chunk in chunks:
        length += len(chunk)
        if time.monotonic() - begun > patience + length / _SLOWEST:
            from satlock.corpora.index.client import Unanswered

            raise Unanswered(f"its answer comes too slowly ({length} bytes in {time.monotonic() - begun:.0f} seconds)")
        yield chunk


class _Retry(Exception):
    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__(f"HTTP status {status}")
        self.status, self.retry_after = status, retry_after


def _passing(error: Exception, failed: str) -> str | None:
    """Why it failed, in a clause, where asking again may help; else None. Raises CorpusError where it never can."""
    if isinstance(error, _Retry):
        return str(error)
    from satlock.corpora.index.client import Astray, Unanswered

    if isinstance(error, Astray):
        said = "its address is none that can be asked, or redirects to where satlock does not follow"
        raise CorpusError(f"{failed}: {said}") from None
    return str(error) if isinstance(error, Unanswered) else None


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, in seconds or as a date (RFC 9110)."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after[:20])
    import time
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    return None


def _local(url: str, progress: Progress) -> Answer:
    """A ``file:`` address; a folder means the page that it holds."""
    path = path_of(url)
    if os.path.isdir(path):
        for page in ("index.html", "index.json"):
            if os.path.isfile(os.path.join(path, page)):
                path = os.path.join(path, page)
                break
    kind = {".html": "text/html", ".json": "application/json"}.get(os.path.splitext(path)[1], "")
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise Refused(404) from None
    except (OSError, ValueError):
        raise CorpusError(f"{url} cannot be read") from None

    async def pieces() -> AsyncIterator[bytes]:
        with open_regular(path) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    return Answer(200, {"content-type": kind, "content-length": str(size)}, url, pieces(), progress)
