"""A small world of packages, and a corpus that answers from it in memory.

One :class:`World` describes what every test needs: the indexes with their packages, and the project's
``pyproject.toml``. The same world is served over HTTP by ``tests/index_server.py``, judged by
``tests/bruteforce.py`` and drawn at random by ``tests/strategies.py``.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.corpora.facts import (
    Corpus,
    File,
    Guess,
    Listing,
    Metadata,
    MetadataOutcome,
    NeedsBuild,
    Release,
    Unavailable,
    Unhashed,
    Wanted,
)
from satlock.corpora.index.file_order import files_in_order
from satlock.corpora.references import DirectOutcome, Reference

T = TypeVar("T")

DEFAULT = "https://index.example/simple"
"""The index that serves packages for which the project names no other."""

UPLOADED = "2024-01-01T00:00:00Z"


@dataclass(frozen=True)
class Dist:
    """One version of a package in one index."""

    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    provides_extra: tuple[str, ...] = ()
    yanked: str | None = None
    """The reason, ``""`` for a yank without one, None where it is not yanked."""
    upload_time: str | None = UPLOADED
    wheels: tuple[str, ...] = ("py3-none-any",)
    """The tags of each wheel, such as ``cp312-cp312-win_amd64``."""
    sdist: bool = False
    needs_build: bool = False
    """Whether the metadata of an sdist is dynamic, so that only a build tells."""
    hint: tuple[str, ...] | None = None
    """What such an sdist noted of its requirements, right or wrong."""
    broken: str | None = None
    """Why no metadata can be had, if so."""
    per_wheel: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(tags, requirements) of wheels that say something else than ``requires_dist``."""

    @property
    def stated(self) -> tuple[str, ...]:
        """The requirements that any of its files states."""
        return (*self.requires_dist, *(line for _, lines in self.per_wheel for line in lines))

    def as_told_by(self, tags: str | None) -> Dist:
        """The same with the requirements that one of its files states."""
        said = dict(self.per_wheel).get(tags or "", self.requires_dist)
        return replace(self, requires_dist=said, per_wheel=())


Packages = Mapping[str, Mapping[str, Dist]]


class WorldFile(NamedTuple):
    """A file that a world's index lists; ``tags`` is None for an sdist."""

    filename: str
    tags: str | None


@dataclass(frozen=True)
class World:
    """Everything a locker may read: the project, and what each index (by URL) lists."""

    pyproject: str
    indexes: Mapping[str, Packages] = field(default_factory=dict)
    default_index: str = DEFAULT
    """Used where the project names no default index itself."""

    def files(self, index: str, name: str, version: str) -> tuple[WorldFile, ...]:
        """The files of one version, ordered by name."""
        dist = self.indexes[index][name][version]
        stem = f"{name.replace('-', '_')}-{version}"
        found = [WorldFile(f"{stem}-{tags}.whl", tags) for tags in dist.wheels]
        if dist.sdist:
            found.append(WorldFile(f"{stem}.tar.gz", None))
        return tuple(sorted(found))

    def candidates(self) -> Iterator[tuple[str, str, str, Dist]]:
        """(index, name, version, dist) of everything there is."""
        for index, packages in self.indexes.items():
            for name, versions in packages.items():
                for version, dist in versions.items():
                    yield index, name, version, dist

    def write_project(self, folder: Path) -> Path:
        """Write the project's ``pyproject.toml`` into a folder."""
        path = folder / "pyproject.toml"
        path.write_text(self.pyproject, encoding="utf-8")
        return path


def file_url(index: str, filename: str) -> str:
    """Where a file of an index lies in memory: never fetched."""
    return f"https://files.example/{re.sub(r'[^a-z0-9]+', '-', index.removeprefix('https://'))}/{filename}"


def fake_sha256(text: str) -> str:
    """A stable digest for a file that has no bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


class MemoryCorpus(Corpus):
    """A corpus over a world.

    ``shuffle`` is a seed for the order of the keys in the answers, which must never matter.
    ``listing_requests`` and ``metadata_requests`` record what was asked, ``calls`` how often.
    """

    def __init__(self, world: World, *, shuffle: int | None = None) -> None:
        self.world = world
        self.calls: dict[str, int] = {"listings": 0, "metadata": 0, "prefetch": 0}
        self.listing_requests: list[tuple[str, str]] = []
        self.metadata_requests: list[Wanted] = []
        self.closed = False
        self._random = None if shuffle is None else random.Random(shuffle)

    def _ordered(self, items: Iterable[T]) -> list[T]:
        found = list(items)
        if self._random is not None:
            self._random.shuffle(found)
        return found

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        asked = list(wanted)
        self.calls["listings"] += 1
        self.listing_requests += asked
        return {(index, name): self._listing(index, name) for index, name in self._ordered(asked)}

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        self.calls["metadata"] += 1
        self.metadata_requests += wanted
        return {one: self._metadata(one) for one in self._ordered(wanted)}

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        return {one: Unavailable("a world has no references") for one in wanted}

    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        return {one: Unavailable("a world has no files") for one in wanted}

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        self.calls["prefetch"] += 1

    def close(self) -> None:
        self.closed = True

    def _listing(self, index: str, name: str) -> Listing | None:
        assert name == canonicalize_name(name), f"{name!r} was asked for without being normalised"
        versions = self.world.indexes.get(index, {}).get(name)
        if versions is None:
            return None
        releases = [self._release(index, name, version) for version in sorted(versions, key=Version)]
        return Listing(name, index, tuple(releases))

    def _release(self, index: str, name: str, version: str) -> Release:
        dist = self.world.indexes[index][name][version]
        files = self.world.files(index, name, version)
        raw = [tuple(self._file(index, dist, file)) for file in files]
        return Release(
            version=str(Version(version)),
            requires_python=dist.requires_python,
            yanked=bool(files) and dist.yanked is not None,
            upload_time=dist.upload_time,
            wheels=bool(dist.wheels),
            sdist=dist.sdist,
            raw_files=tuple(raw),
        )

    @staticmethod
    def _file(index: str, dist: Dist, file: WorldFile) -> File:
        url = file_url(index, file.filename)
        digest = fake_sha256(url)
        offers_metadata, told = file.tags is not None, dist.as_told_by(file.tags)
        return File(
            filename=file.filename,
            url=url,
            hashes=(("sha256", digest),),
            size=1000 + int(digest[:4], 16),
            upload_time=dist.upload_time,
            requires_python=dist.requires_python,
            yanked=dist.yanked,
            metadata=(("sha256", fake_sha256(repr(told))),) if offers_metadata else None,
        )

    def _metadata(self, wanted: Wanted) -> MetadataOutcome:
        dist = self.world.indexes[wanted.index][wanted.name][wanted.version]
        tags = {file.filename: file.tags for file in self.world.files(wanted.index, wanted.name, wanted.version)}
        assert tags.keys() >= {f.filename for f in wanted.files}, f"{wanted} names files that the index does not list"
        wheels, _ = files_in_order(wanted.files)
        dist = dist.as_told_by(tags[wheels[0].filename] if wheels else None)
        extras = tuple(canonicalize_name(extra) for extra in dist.provides_extra)
        if dist.needs_build and not wanted.build and not any(file.is_wheel for file in wanted.files):
            if dist.hint is None:
                return NeedsBuild()
            return NeedsBuild(Metadata(wanted.name, wanted.version, dist.hint, dist.requires_python, extras))
        if dist.broken is not None:
            return Unavailable(dist.broken)
        return Metadata(wanted.name, wanted.version, dist.requires_dist, dist.requires_python, extras)
