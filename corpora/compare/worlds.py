"""A snapshot at work: served by a process of its own, with every page made, and its facts for the judge."""

from __future__ import annotations

import atexit
import hashlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from satlock.corpora.compare.judging import World
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.records import dataclass

__all__ = ["Hosted", "hosted"]


@dataclass(frozen=True)
class Hosted:
    """A snapshot that is being served."""

    world: World
    base: str
    urls: dict[str, str]
    """The served address of each recorded index."""
    default_index: str

    def url(self, before: str | None) -> str:
        """The served address of the default index, as it was before a moment (RFC 3339)."""
        return self.at(self.default_index, before)

    def at(self, index: str, before: str | None) -> str:
        """The same of any recorded index."""
        url = self.urls[index]
        return f"{url.removesuffix('/simple')}@{before}/simple" if before else url

    def original(self, text: str) -> str:
        """A text with the recorded addresses in place of the served ones: the same wherever it was served."""
        import re

        for index, url in sorted(self.urls.items(), key=lambda item: -len(item[1])):
            place = re.escape(url.removesuffix("/simple"))
            text = re.sub(rf"{place}(@[^/\"'\s]+)?/simple", index, text)
            text = re.sub(
                rf"{place}/files", f"https://files.example/{hashlib.sha256(index.encode()).hexdigest()[:8]}", text
            )
        return text


_HOSTED: dict[str, Hosted] = {}


def hosted(snapshot: bytes, told: Callable[[int, int], None] = lambda done, of: None, *, warm: bool = True) -> Hosted:
    """Serves a snapshot until this process ends; the same one for the same bytes.

    The server ends with this process, however that ends: it holds on to the other end of its standard input.

    Args:
        told: how many pages are made, and of how many.
        warm: whether all pages are made before anyone asks: the first resolver that does must not pay for it.
    """
    digest = hashlib.sha256(snapshot).hexdigest()
    if digest not in _HOSTED:
        folder = tempfile.TemporaryDirectory(prefix="satlock-world-")
        atexit.register(folder.cleanup)
        path = Path(folder.name, "world.snapshot")
        path.write_bytes(snapshot)
        corpus = SnapshotCorpus(path)
        default_index = corpus.default_index or corpus.indexes[0]
        process = subprocess.Popen(
            [sys.executable, "-m", "satlock", "corpus", "serve", str(path), "--json", "--with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        atexit.register(_ended, process)
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        found = Hosted(World.of(corpus.facts(), default_index), said["base"], said["indexes"], default_index)
        if warm:
            _warm(found, told)
        _HOSTED[digest] = found
    return _HOSTED[digest]


def _warm(one: Hosted, told: Callable[[int, int], None]) -> None:
    pages = [f"{one.urls[index]}/{quote(name)}/" for index, name in sorted(one.world.releases)]

    def fetch(url: str) -> None:
        with suppress(OSError), urllib.request.urlopen(url) as answer:
            answer.read()

    with ThreadPoolExecutor(4) as threads:
        for done, _ in enumerate(threads.map(fetch, pages), start=1):
            told(done, len(pages))


def _ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
