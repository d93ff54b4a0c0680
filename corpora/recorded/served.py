"""The world that is served: what a corpus knows, as stand-in files and the pages that list them.

A release is served where its requirements are known; so every installer can read each candidate that it is shown, and
all of them see the very same world.
"""

from __future__ import annotations

import hashlib
import html
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, overload
from urllib.parse import quote

from satlock.corpora.columns import Columns
from satlock.corpora.facts import (
    Corpus,
    CorpusError,
    Delegating,
    File,
    Listing,
    Metadata,
    NeedsBuild,
    Wanted,
)
from satlock.corpora.recorded import standins
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.records import dataclass, field, replace

__all__ = ["HTML", "JSON", "Page", "Served", "StandinCorpus"]

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


class _Candidate(NamedTuple):
    metadata: Metadata
    needs_build: bool


class Page(NamedTuple):
    """The two forms of a page: JSON (PEP 691, 700) and HTML (PEP 503, 592, 658, 714)."""

    json: bytes
    html: bytes


@dataclass
class Served:
    """Pages and files of a corpus, each made once, when it is first asked for.

    ``whole``: the corpus is a live index: its pages list every release, without hashes, and metadata is read when
    somebody asks for it. Otherwise a page lists the releases that the corpus can tell about, and the stand-ins' hashes.
    """

    corpus: Corpus
    whole: bool = False
    _listings: dict[tuple[str, str], Listing | None] = field(default_factory=dict)
    _candidates: dict[tuple[str, str, str], _Candidate | None] = field(default_factory=dict)
    _pages: dict[tuple[str, str, str | None, str], Page | None] = field(default_factory=dict)
    _described: dict[tuple[str, str, str], list[tuple[str | None, dict[str, Any]]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def page(self, index: str, name: str, before: str | None, base: str) -> Page | None:
        """The page of a package; None where the index has no such package.

        Args:
            before: RFC 3339; files uploaded later are left out.
            base: the address under which the files of the index are served.
        """
        key = (index, name, before, base)
        if key not in self._pages:
            with self._lock:
                if key not in self._pages:
                    listing = self._listing(index, name)
                    self._pages[key] = None if listing is None else self._made(listing, before, base)
        return self._pages[key]

    def root(self, index: str) -> Page:
        """The page that lists the packages of an index."""
        names = [name for name in self.corpus.packages(index) if self._listing(index, name) is not None]
        document = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
        links = (f'<a href="{quote(name)}/">{html.escape(name)}</a>' for name in names)
        return Page(json.dumps(document).encode(), _html("Simple index", links))

    def file(self, index: str, name: str, filename: str) -> bytes | None:
        """A stand-in, or the metadata of one where the name ends with ``.metadata``; None where there is none."""
        wanted = filename.removesuffix(".metadata")
        listing = self._listing(index, name)
        for release in listing.releases if listing is not None else ():
            for file in release.files:
                if file.filename == wanted:
                    candidate = self._candidate(listing, release.version, release.files) if listing else None
                    if candidate is None or (wanted != filename and not file.is_wheel):
                        return None
                    return standins.core_metadata(candidate.metadata) if wanted != filename else _bytes(candidate, file)
        return None

    def _listing(self, index: str, name: str) -> Listing | None:
        key = (index, name)
        if key not in self._listings:
            try:
                self._listings[key] = self.corpus.listings([key])[key]
            except CorpusError:
                if self.whole:
                    raise
                self._listings[key] = None  # nobody asked for it when it was recorded
        return self._listings[key]

    def _candidate(self, listing: Listing, version: str, files: Sequence[File]) -> _Candidate | None:
        key = (listing.index, listing.name, version)
        if key not in self._candidates:
            self._candidates[key] = _candidate(self.corpus, Wanted(*key, tuple(files)))
        return self._candidates[key]

    def _made(self, listing: Listing, before: str | None, base: str) -> Page:
        files = []
        for release in listing.releases:
            for moment, described in self._of_release(listing, release.version, release.files):
                if before is None or moment is None or moment < before:
                    url = f"{base}/{quote(listing.name)}/{quote(described['filename'])}"
                    files.append({**described, "url": url})
        versions = dict.fromkeys(str(file.pop("satlock-version")) for file in files)
        document = {
            "meta": {"api-version": "1.1"},
            "name": listing.name,
            "versions": list(versions),
            "files": files,
        }
        return Page(json.dumps(document).encode(), _html(f"Links for {listing.name}", map(_link, files)))

    def _of_release(
        self, listing: Listing, version: str, files: Sequence[File]
    ) -> list[tuple[str | None, dict[str, Any]]]:
        """The files of a release with the moment of their upload, each as PEP 691 and 700 describe it."""
        key = (listing.index, listing.name, version)
        if key not in self._described:
            candidate = None if self.whole else self._candidate(listing, version, files)
            self._described[key] = [
                (file.upload_time, _described(file, version, candidate))
                for file in files
                if self.whole or candidate is not None
            ]
        return self._described[key]


class StandinCorpus(Delegating):
    """A corpus over a snapshot that was recorded without hashes: its files are the stand-ins, with their hashes.

    So a lock from it installs from what is served of it, and is the lock that is found over the network.
    """

    def __init__(self, snapshot: SnapshotCorpus) -> None:
        super().__init__(snapshot)
        self._hashed: dict[tuple[str, str], Listing | None] = {}

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        answers = self._corpus.listings(wanted)
        for key, listing in answers.items():
            if key not in self._hashed:
                self._hashed[key] = listing and replace(listing, releases=self._of(listing))
        return {key: self._hashed[key] for key in answers}

    def _of(self, listing: Listing) -> Columns:
        columns = listing.columns
        files = _Standins(self._corpus, listing)
        return Columns(columns.versions, columns.requires, columns.flags, columns.firsts, columns.lasts, files)


_Rows: TypeAlias = tuple[tuple[object, ...], ...]
"""Fields of files."""


class _Standins(Sequence[_Rows]):
    """The files of each release of a listing, with the hashes of their stand-ins: these are made for a release when
    somebody asks for its files, which is for few of them.
    """

    def __init__(self, corpus: Corpus, listing: Listing) -> None:
        self._corpus, self._listing = corpus, listing
        self._made: dict[int, _Rows] = {}

    def __len__(self) -> int:
        return len(self._listing.columns)

    @overload
    def __getitem__(self, place: int) -> _Rows: ...
    @overload
    def __getitem__(self, place: slice) -> list[_Rows]: ...
    def __getitem__(self, place: int | slice) -> _Rows | list[_Rows]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if place not in self._made:
            release = self._listing.columns[place]
            wanted = Wanted(self._listing.index, self._listing.name, release.version, release.files)
            candidate = _candidate(self._corpus, wanted)
            files = release.files if candidate is None else _hashed(candidate, release.files)
            self._made[place] = tuple(map(tuple, files))
        return self._made[place]


def _hashed(candidate: _Candidate, files: Iterable[File]) -> Iterator[File]:
    metadata = standins.core_metadata(candidate.metadata)
    for file in files:
        data = _bytes(candidate, file, metadata)
        yield file._replace(hashes=(("sha256", hashlib.sha256(data).hexdigest()),), size=len(data))


def _candidate(corpus: Corpus, wanted: Wanted) -> _Candidate | None:
    """What a candidate requires, by a build where one was recorded, else by its own word; None where nothing tells."""
    try:
        outcome = corpus.metadata([wanted])[wanted]
    except CorpusError:
        outcome = NeedsBuild()
    if isinstance(outcome, Metadata):
        return _Candidate(outcome, needs_build=False)
    if not isinstance(outcome, NeedsBuild):
        return None
    built = Wanted(wanted.index, wanted.name, wanted.version, wanted.files, build=True)
    try:
        by_build = corpus.metadata([built])[built]
    except CorpusError:
        by_build = outcome
    if isinstance(by_build, Metadata):
        return _Candidate(by_build, needs_build=True)
    return None if outcome.hint is None else _Candidate(outcome.hint, needs_build=True)


def _bytes(candidate: _Candidate, file: File, metadata: bytes = b"") -> bytes:
    """The stand-in of a file; ``metadata`` is its METADATA, where that is at hand."""
    if file.is_wheel:
        return standins.wheel(metadata or standins.core_metadata(candidate.metadata), file.filename)
    return standins.sdist(candidate.metadata, file.filename, needs_build=candidate.needs_build)


def _described(file: File, version: str, candidate: _Candidate | None) -> dict[str, Any]:
    found: dict[str, Any] = {"filename": file.filename, "hashes": {}, "satlock-version": version}
    found["yanked"] = False if file.yanked is None else file.yanked or True
    if candidate is not None:
        data = _bytes(candidate, file)
        found["hashes"] = {"sha256": hashlib.sha256(data).hexdigest()}
        found["size"] = len(data)
    if file.requires_python is not None:
        found["requires-python"] = file.requires_python
    if file.upload_time is not None:
        found["upload-time"] = file.upload_time
    if file.is_wheel:
        metadata = None if candidate is None else standins.core_metadata(candidate.metadata)
        found["core-metadata"] = True if metadata is None else {"sha256": hashlib.sha256(metadata).hexdigest()}
    return found


def _html(title: str, links: Iterator[str]) -> bytes:
    lines = ["<!DOCTYPE html>", "<html><head>", '<meta name="pypi:repository-version" content="1.1">']
    lines += [f"<title>{html.escape(title)}</title>", "</head><body>", *(f"{link}<br>" for link in links)]
    return "\n".join([*lines, "</body></html>"]).encode()


def _link(file: dict[str, Any]) -> str:
    sha256 = file["hashes"].get("sha256")
    attributes = {"href": file["url"] + (f"#sha256={sha256}" if sha256 else "")}
    if "requires-python" in file:
        attributes["data-requires-python"] = file["requires-python"]
    if file["yanked"] is not False:
        attributes["data-yanked"] = "" if file["yanked"] is True else file["yanked"]
    if "core-metadata" in file:
        told = file["core-metadata"]
        digest = "true" if told is True else f"sha256={told['sha256']}"
        attributes |= {"data-core-metadata": digest, "data-dist-info-metadata": digest}
    spelled = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {spelled}>{html.escape(file['filename'])}</a>"
