"""The live index: listings and metadata over the network, many at once, behind plain calls.

One thread runs an event loop with every request in it. What a call asks for is a job there; a later call for the
same waits for the same job, so that nothing is asked for twice in a run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from satlock.corpora.facts import (
    Corpus,
    CorpusError,
    Guess,
    Listing,
    Metadata,
    MetadataOutcome,
    NeedsBuild,
    Unhashed,
    Wanted,
)
from satlock.corpora.index.access import Access
from satlock.corpora.index.address import listing_url
from satlock.corpora.index.asked import Asked
from satlock.corpora.index.building import Building
from satlock.corpora.index.cache import Cache, Kept, default_folder
from satlock.corpora.index.credentials import Vault

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from satlock.corpora.facts import File, Unavailable
    from satlock.corpora.index.builds import Builder
    from satlock.corpora.index.candidate import CandidateReader
    from satlock.corpora.index.direct import DirectReader
    from satlock.corpora.index.flat import FlatIndexes
    from satlock.corpora.index.pages import Pages
    from satlock.corpora.index.parsers import Parsers
    from satlock.corpora.index.transport import Job, Progress, Transport
    from satlock.corpora.references import DirectOutcome, Reference

__all__ = ["LiveCorpus"]


class LiveCorpus(Corpus):
    """A corpus that asks simple repository indexes, and keeps what they said.

    ``cache_dir``: where; the platform's user cache folder by default. ``no_cache``: keep nothing and read nothing.
    ``offline``: only what the cache holds (and ``file:`` indexes); anything else is a CorpusError.
    ``settled``: what the cache holds of a page serves, however old: for questions about releases that are known, since
    what an index says of a release does not change.
    ``limit``: requests at once. ``building``: what the project says of builds. ``access``: how indexes are reached.

    Index addresses may hold credentials. They are used for requests to that origin, and appear nowhere else.
    Close it (or use it in a ``with``) to stop its thread and finish writing.
    """

    def __init__(
        self,
        *,
        cache_dir: Path | None = None,
        no_cache: bool = False,
        offline: bool = False,
        settled: bool = False,
        building: Building | None = None,
        access: Access | None = None,
    ) -> None:
        self._cache = Cache(None if no_cache else cache_dir or Path(default_folder()))
        self._offline = offline
        self._settled = settled
        self._building = building or Building()
        self._builder: Builder | None = None
        self._lock = threading.Lock()
        self._asked: dict[object, Asked] = {}
        self._known: dict[object, Any] = {}
        self._access = access or Access()
        self._vault = Vault(self._access)
        self._guess: Guess | None = None
        self._ahead: list[object] | None = []
        self._closed = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._transport: Transport
        self._reader: CandidateReader
        self._direct: DirectReader | None = None
        self._parsers: Parsers
        self._pages: Pages
        self._flat: FlatIndexes
        self._writer: ThreadPoolExecutor
        from satlock.corpora.index.transport import Progress

        self.progress: Progress = Progress()
        self.fetches = True
        if not (offline or settled or self._cache.holds("page")):
            self._miss()  # imports and certificates load while the caller still reads its project

    # -- the Corpus protocol

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        """See :class:`satlock.corpora.facts.Corpus`."""
        pairs = list(dict.fromkeys(wanted))
        keys = [(self._vault.remember(index), name) for index, name in pairs]
        for key in keys:
            self._recall(key)
        self._want(keys, urgent=True)
        return {pair: self._result(key) for pair, key in zip(pairs, keys, strict=True)}

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        """See :class:`satlock.corpora.facts.Corpus`."""
        for candidate in wanted:
            if candidate not in self._known and candidate not in self._asked:
                self._recall_metadata(candidate)
        self._want(wanted, urgent=True)
        return {candidate: self._result(candidate) for candidate in wanted}

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        """See :class:`satlock.corpora.facts.Corpus`."""
        self._want(wanted, urgent=True)
        return {reference: self._result(reference) for reference in wanted}

    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        """See :class:`satlock.corpora.facts.Corpus`."""
        self._want(wanted, urgent=True)
        return {one: self._result(one) for one in wanted}

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        """See :class:`satlock.corpora.facts.Corpus`."""
        if self._offline or self._closed:
            return
        if then is not None:
            self._guess = then
        pairs: list[tuple[str, str]] = []
        for index, name in listings:
            try:
                pairs.append((self._vault.remember(index), name))
            except CorpusError:
                continue  # it is told when it is really asked for
        wanted = [candidate for candidate in metadata if not candidate.build]
        if self._ahead is None:
            self._want([*pairs, *wanted], urgent=False)
            return
        self._ahead += [*pairs, *wanted]
        if not all(self._recall(key) for key in pairs):
            self._miss()

    def close(self) -> None:
        """Stop everything that still runs, and finish writing the cache."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop)
            self._thread.join(timeout=10)

    # -- jobs, from the caller's thread

    def _recall(self, key: tuple[str, str]) -> bool:
        """Whether a listing is known without asking anybody: it was asked for, or the cache holds it and may be
        trusted."""
        if key not in self._known and key not in self._asked and key[0] not in self._access.flat:
            kept = self._cache.page(listing_url(*key))
            if kept is not None and (self._offline or self._settled or kept.fresh_until > time.time()):
                self._known[key] = kept.listing(key[0])
                self._count(kept)
        return key in self._known

    def _recall_metadata(self, candidate: Wanted) -> None:
        """Takes from the cache what the file that is asked first said."""
        from satlock.corpora.index.file_order import files_in_order

        wheels, sdists = files_in_order(candidate.files)
        for file in (wheels or sdists)[:1]:
            kept = self._cache.of_file("file", file, candidate)
            if isinstance(kept, NeedsBuild) and candidate.build:
                kept = self._cache.of_file("build", file, candidate, self._building.fingerprint(candidate.name))
            if isinstance(kept, Metadata) or (isinstance(kept, NeedsBuild) and len(sdists) == 1):
                self._known[candidate] = kept

    def _miss(self) -> None:
        """Something has to be fetched: from now on, what is likely to be needed is fetched ahead.

        As long as the cache holds all that is asked for, guessing would only take its time.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is None or self._offline:
            return
        if self._thread is None:
            self._start()
        self._want(ahead, urgent=False)
        if self._guess is not None and not self._closed:
            arrived = [found for found in self._known.values() if isinstance(found, (Listing, Metadata))]
            self._loop.call_soon_threadsafe(self._follow, arrived)

    def _want(self, keys: Iterable[object], *, urgent: bool) -> None:
        from satlock.corpora.index.transport import Job

        new: list[tuple[object, Asked]] = []
        sooner: list[Job] = []
        with self._lock:
            for key in keys:
                if key in self._known:
                    continue
                asked = self._asked.get(key)
                if asked is None:
                    asked = self._asked[key] = Asked(Job(urgent))
                    new.append((key, asked))
                elif urgent and not asked.job.urgent:
                    sooner.append(asked.job)
        if self._closed:
            if new:
                raise CorpusError("the index was closed before it was asked")
        elif new or sooner:
            if self._thread is None:
                self._start()
            self._loop.call_soon_threadsafe(self._launch, new, sooner)
            self._miss()

    def _result(self, key: object) -> Any:
        if key in self._known:
            return self._known[key]
        result = self._known[key] = self._asked[key].result(self._thread)
        return result

    def _start(self) -> None:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        from satlock.corpora.index.candidate import CandidateReader
        from satlock.corpora.index.flat import FlatIndexes
        from satlock.corpora.index.pages import Pages
        from satlock.corpora.index.parsers import Parsers
        from satlock.corpora.index.transport import Transport

        self._loop = asyncio.new_event_loop()
        self._transport = Transport(
            offline=self._offline,
            limit=64,
            progress=self.progress,
            vault=self._vault,
            access=self._access,
        )
        self._parsers = Parsers()
        self._pages = Pages(self._transport, self._cache, self._keep_page, settled=self._offline or self._settled)
        self._flat = FlatIndexes(self._pages, self._cache, self._keep_metadata)
        self._writer = ThreadPoolExecutor(1, "satlock-cache")
        self._reader = CandidateReader(
            self._transport,
            self._cache,
            self._keep_metadata,
            offline=self._offline,
            building=self._building,
            builder=self._builder_of_all,
        )
        from satlock.corpora.index.clients import prepare

        prepare()
        self._thread = threading.Thread(target=self._run, name="satlock-index", daemon=True)
        self._thread.start()

    # -- in the thread of the loop

    def _run(self) -> None:
        import asyncio

        loop = self._loop
        asyncio.set_event_loop(loop)
        loop.call_soon(self._connect)
        try:
            loop.run_forever()
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if self._builder is not None:
                self._builder.end()
            if tasks:
                loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(asyncio.wait_for(self._transport.close(), 5))
        except TimeoutError:
            pass
        finally:
            self._parsers.close()
            if self._direct is not None:
                self._direct.close()
            self._writer.shutdown(wait=True)
            loop.close()

    def _connect(self) -> None:
        with suppress(CorpusError):  # it is told when something is really asked for
            self._transport.connect()

    def _stop(self) -> None:
        self._loop.stop()

    def _launch(self, new: list[tuple[object, Asked]], sooner: list[Job]) -> None:
        for job in sooner:
            self._transport.promote(job)
        for key, asked in new:
            self._loop.create_task(self._serve(key, asked))

    async def _serve(self, key: object, asked: Asked) -> None:
        from asyncio import CancelledError as Stopped

        try:
            if isinstance(key, Wanted):
                result: object = await self._reader.read(key, asked.job)
            elif isinstance(key, Unhashed):
                result = await self._reader.hashed(key, asked.job)
            elif not isinstance(key, tuple):
                result = await self._direct_reader().read(cast("Reference", key), asked.job)
            else:
                result = await self._listing(*cast("tuple[str, str]", key), asked.job)
        except Stopped:
            asked.future.cancel()
            raise
        except BaseException as error:
            asked.future.set_exception(error)
        else:
            asked.future.set_result(result)
            if isinstance(result, (Listing, Metadata)):
                self._follow([result])

    def _follow(self, arrived: Iterable[Listing | Metadata]) -> None:
        """Fetch what is likely to be asked for after these."""
        guess = self._guess
        if guess is None:
            return
        for one in arrived:
            with suppress(Exception):  # a guess that fails is no guess
                self.prefetch(*guess(one))

    def _builder_of_all(self) -> Builder:
        if self._builder is None:
            from satlock.corpora.index.build_shelf import reading_in
            from satlock.corpora.index.builds import Builder

            reading = reading_in(self._loop, self._vault.remember, self._listing, self._reader.whole)
            self._builder = Builder(self._building, offline=self._offline, reading=reading)
        return self._builder

    def _direct_reader(self) -> DirectReader:
        if self._direct is None:
            from satlock.corpora.index.direct import DirectReader

            self._direct = DirectReader(
                self._transport,
                self._vault,
                self._cache,
                offline=self._offline,
                builder=self._builder_of_all,
            )
        return self._direct

    async def _listing(self, index: str, name: str, job: Job) -> Listing | None:
        if index in self._access.flat:
            self.fresh_until = 0.0
            return await self._flat.listing(index, name)
        from satlock.corpora.index.parsers import pack_page
        from satlock.corpora.index.transport import Refused

        async def pack(body: bytes, kind: str, address: str) -> bytes:
            page = (body, kind, address, index, name)
            threads = self._parsers.threads(len(body))
            return await self._loop.run_in_executor(threads, self._parsers.pack, page) if threads else pack_page(page)

        url = listing_url(index, name)
        try:
            page = await self._pages.page(url, pack, key=url, index=index, what=name, job=job)
            self._count(page)
            return page.listing(index)
        except Refused as refused:
            self._absent(refused.status, index, name)
            return None

    def _count(self, page: Kept) -> None:
        """Notes how long an answer may be used; one that there is no such package says nothing of a release."""
        if page.packed is not None:
            self.fresh_until = min(self.fresh_until, page.fresh_until)

    def _absent(self, status: int, index: str, name: str) -> None:
        """Keep that the index has no such package, or raise CorpusError where the status does not say that."""
        if not self._access.says_absent(index, status):
            raise CorpusError(self._transport.refusal(index, name, status))
        self._keep_page(listing_url(index, name), Kept("", "", 0.0, b"", None))

    def _keep_page(self, url: str, kept: Kept) -> None:
        if not url.startswith("file:"):
            self._writer.submit(self._cache.keep_page, url, kept)

    def _keep_metadata(self, kind: str, key: str, outcome: Metadata | NeedsBuild | str) -> None:
        self._writer.submit(self._cache.keep_metadata, kind, key, outcome)
