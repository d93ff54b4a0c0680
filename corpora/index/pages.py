"""Pages of indexes over the network, kept between runs and asked for again only where they have changed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TypeAlias

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.cache import Cache, Kept
from satlock.corpora.index.freshness import fresh_until
from satlock.corpora.index.listing import ACCEPT, ListingError
from satlock.corpora.index.transport import Answer, Job, TooLarge, Transport

__all__ = ["Pack", "Pages"]

_LARGEST_PAGE = 128 << 20
"""Bytes, decompressed; the largest page of PyPI has a tenth of that."""

Pack: TypeAlias = Callable[[bytes, str, str], Awaitable[bytes]]
"""What to keep of a page: from its body, its type, and the address where it was in the end. Raises ListingError."""


class Pages:
    """Asks for pages. Lives in one event loop."""

    def __init__(self, transport: Transport, cache: Cache, keep: Callable[[str, Kept], None], *, settled: bool) -> None:
        """``settled``: what is kept of a page serves, however old."""
        self._transport = transport
        self.refusal = transport.refusal
        self._cache = cache
        self._keep = keep
        self._settled = settled

    async def page(self, url: str, pack: Pack, *, key: str, index: str, what: str, job: Job) -> Kept:
        """The page at ``url``.

        Args:
            key: what it is kept under.
            what: what it is of, for errors.

        Raises:
            Refused: the index does not have it.
            CorpusError: it cannot be had, or not be read.
        """
        kept = self._cache.page(key)
        if kept is not None and (self._settled or kept.fresh_until > time.time()):
            return kept
        headers = {"Accept": ACCEPT, "Cache-Control": "max-age=0"}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        if kept is not None and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified

        async def read(answer: Answer) -> tuple[Answer, bytes]:
            return answer, await answer.body(_LARGEST_PAGE) if answer.status == 200 else b""

        try:
            answer, body = await self._transport.ask(url, read, index=index, job=job, what=what, headers=headers)
        except TooLarge:
            raise CorpusError(f"the index {index} has a page for {what} that is too large to read") from None
        until, store = fresh_until(answer.headers, time.time())
        if answer.status == 304 and kept is not None:
            if until > kept.fresh_until:
                kept = kept._replace(fresh_until=until)
                self._keep(key, kept)
            return kept
        if answer.status != 200:
            raise CorpusError(self.refusal(index, what, answer.status))
        kind = answer.headers.get("content-type", "")
        digest = sha256(sha256(f"{answer.url} {kind}".encode()).digest() + body).digest()
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        if kept is not None and kept.digest == digest and kept.packed is not None:
            if until or (etag, modified) != (kept.etag, kept.last_modified):
                kept = kept._replace(etag=etag, last_modified=modified, fresh_until=until)
                self._keep(key, kept)
            return kept
        try:
            packed = await pack(body, kind, answer.url)
        except ListingError as error:
            raise CorpusError(f"the index {index} has a page for {what} that cannot be read: {error}") from None
        kept = Kept(etag, modified, until, digest, packed)
        if store:
            self._keep(key, kept)
        return kept
