"""A recorded snapshot: every listing and metadata that some projects read, in one file, in place of the indexes.

The file is a zip of canonical JSON. ``manifest.json`` says when it was recorded, names for each index and package the
two objects that hold its listing and its metadata, and tells the size of each object; an object is named by the SHA-256
of its content. The same facts give the same bytes: entries are sorted, dates fixed, keys ordered. The SHA-256 of the
manifest names the whole content, however it was compressed.

A snapshot may come from anyone. Nothing in it is a path, nothing of it is unpacked to disk, and no more of an object is
read than the manifest says it has.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satlock.corpora.facts import (
    Corpus,
    CorpusError,
    File,
    Listing,
    Metadata,
    MetadataOutcome,
    NeedsBuild,
    Release,
    Unavailable,
    Unhashed,
    Wanted,
)
from satlock.corpora.regular_files import open_regular

if TYPE_CHECKING:
    from satlock.corpora.index.builds import Builder
    from satlock.corpora.references import DirectOutcome, Reference

__all__ = ["SnapshotCorpus", "SnapshotError", "write_snapshot"]

FORMAT = 1
MANIFEST = "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can hold."""
_LARGEST_MANIFEST = 256 << 20
_LARGEST_OBJECT = 512 << 20
"""Bytes of what the manifest does not tell the size of."""

_BROKEN = (
    *(AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError),
    *(zipfile.BadZipFile, zlib.error, EOFError),
)
"""What reading a damaged file raises."""


class SnapshotError(CorpusError):
    """The snapshot that was given is damaged, or is none (exit code 2)."""


class SnapshotCorpus(Corpus):
    """A corpus over a snapshot. Reads lazily, and verifies the digest of all that it reads.

    What was not recorded is an error, never an empty answer: the two would lead to different locks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listings: dict[tuple[str, str], Listing | None] = {}
        self._outcomes: dict[tuple[str, str], list[Any]] = {}
        try:
            open_regular(path).close()
            self._archive = zipfile.ZipFile(path)
        except OSError as error:
            raise SnapshotError(f"The snapshot {path} cannot be read: {error.strerror or error}.") from None
        except zipfile.BadZipFile:
            raise SnapshotError(f"{path} is not a snapshot, or it is damaged.") from None
        try:
            with self._damage():
                content = self._member(MANIFEST, _LARGEST_MANIFEST)
                self.digest: str = hashlib.sha256(content).hexdigest()
                """Names the content: SHA-256 of the manifest, in hexadecimal."""
                manifest = json.loads(content)
                form = manifest["format"]
                if form == FORMAT:
                    self.recorded = manifest["recorded"]
                    self.default_index = manifest["default-index"]
                    self._packages: dict[str, dict[str, Any]] = manifest["packages"]
                    self.projects: tuple[str, ...] = tuple(map(str, manifest.get("projects", ())))
                    """The names of the projects that it was recorded from."""
                    self.small: bool = manifest.get("small", False) is True
                    """Whether it was recorded without hashes: then its files are the stand-ins that are served."""
                    self._sizes: dict[str, int] = manifest.get("sizes", {})
            if form != FORMAT:
                raise SnapshotError(f"The snapshot {path} has format {form!r}; this satlock reads format {FORMAT}.")
        except SnapshotError:
            self._archive.close()
            raise

    @property
    def indexes(self) -> tuple[str, ...]:
        return tuple(sorted(self._packages))

    def packages(self, index: str) -> tuple[str, ...]:
        """Those that were asked for, with those that the index turned out not to have."""
        return tuple(sorted(self._packages.get(index.rstrip("/"), ())))

    def facts(self) -> tuple[dict[tuple[str, str], Listing | None], dict[Wanted, MetadataOutcome]]:
        """Everything that it holds: the listings, and the outcomes for the files that they list."""
        keys = [(index, name) for index in self.indexes for name in self.packages(index)]
        listings = dict(self.listings(keys))
        outcomes: dict[Wanted, MetadataOutcome] = {}
        for key, listing in listings.items():
            if listing is None:
                continue
            releases = {release.version: release for release in listing.releases}
            for version, filenames, build, document in self._rows(*key):
                with self._damage():
                    release = releases.get(version)
                    files = [file for file in release.files if file.filename in filenames] if release else []
                    wanted = Wanted(*key, version, tuple(files), bool(build))
                    outcomes[wanted] = _outcome(wanted, document)
        return listings, outcomes

    def objects(self) -> tuple[int, int]:
        """How many objects the manifest names, and their bytes in all."""
        named = {d for packages in self._packages.values() for entry in packages.values() for d in entry.values() if d}
        with self._damage():
            return len(named), sum(self._archive.getinfo(_member(digest)).file_size for digest in named)

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        return {(index, name): self._listing(index, name) for index, name in wanted}

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        return {one: self._outcome(one) for one in wanted}

    def direct(self, wanted: Sequence[Reference]) -> Mapping[Reference, DirectOutcome]:
        """Files and folders of this machine. Raises CorpusError for what is elsewhere: snapshots do not record it."""
        from satlock.corpora.index.cache import Cache
        from satlock.corpora.index.direct import local
        from satlock.corpora.references import PathReference

        def builder() -> Builder:
            from satlock.corpora.index.builds import Builder

            return Builder()

        found: dict[Reference, DirectOutcome] = {}
        for reference in wanted:
            if not isinstance(reference, PathReference):
                raise CorpusError(
                    f"{reference} cannot be had with --corpus: a snapshot records indexes, and satlock fetches nothing "
                    "beside it; paths of this machine can be had."
                )
            found[reference] = local(reference, Cache(None), builder)
        return found

    def hashed(self, wanted: Sequence[Unhashed]) -> Mapping[Unhashed, File | Unavailable]:
        """Nothing: a snapshot holds no files."""
        return {one: Unavailable("its index tells no hash, and a snapshot has no files to hash") for one in wanted}

    def close(self) -> None:
        self._archive.close()

    def _listing(self, index: str, name: str) -> Listing | None:
        if (index, name) not in self._listings:
            digest = self._entry(index, name)["listing"]
            with self._damage():
                self._listings[index, name] = None if digest is None else _listing(index, name, self._object(digest))
        return self._listings[index, name]

    def _outcome(self, wanted: Wanted) -> MetadataOutcome:
        rows = self._rows(wanted.index, wanted.name)
        with self._damage():
            outcome = _find(rows, wanted)
        if outcome is None:
            raise CorpusError(
                f"The snapshot {self.path} holds no metadata of {wanted.name} {wanted.version} from {wanted.index}: "
                "the projects that it was recorded from did not read it."
            )
        return outcome

    def _rows(self, index: str, name: str) -> list[Any]:
        """[version, file names, whether a build was allowed, outcome] for all that was asked of a package."""
        key = (index, name)
        if key not in self._outcomes:
            digest = self._entry(*key)["metadata"]
            with self._damage():
                self._outcomes[key] = [] if digest is None else self._object(digest)
        return self._outcomes[key]

    def _entry(self, index: str, name: str) -> dict[str, Any]:
        with self._damage():
            entry: dict[str, Any] | None = self._packages.get(index.rstrip("/"), {}).get(name)
        if entry is None:
            raise CorpusError(
                f"The snapshot {self.path} holds no listing of {name} from {index}: "
                "the projects that it was recorded from did not read it."
            )
        return entry

    def _object(self, digest: str) -> Any:
        content = self._member(_member(digest), self._sizes.get(digest, _LARGEST_OBJECT))
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"{digest} is not the digest of its content")
        return json.loads(content)

    def _member(self, name: str, most: int) -> bytes:
        """The content of a member. Raises ValueError where there is more of it than ``most`` bytes."""
        entry = self._archive.getinfo(name)
        if entry.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
            raise ValueError(f"{name} is compressed in a way that no snapshot is")
        with self._archive.open(entry) as member:
            content = member.read(most + 1)
        if len(content) > most:
            raise ValueError(f"{name} is larger than it should be")
        return content

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        """Turns every way in which a damaged file shows into one sentence."""
        try:
            yield
        except (*_BROKEN, OSError, NotImplementedError, RuntimeError, MemoryError):
            raise SnapshotError(f"The snapshot {self.path} is damaged; fetch or record it again.") from None


def write_snapshot(
    path: Path,
    listings: Mapping[tuple[str, str], Listing | None],
    metadata: Mapping[Wanted, MetadataOutcome],
    *,
    recorded: str,
    default_index: str | None = None,
    projects: Iterable[str] = (),
    small: bool = False,
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Write a snapshot, whole or not at all: beside the target first, then renamed.

    ``listings`` has None for what an index turned out not to have; ``recorded`` is a date and time in RFC 3339;
    ``projects`` are the names of those that it was recorded from; ``small`` says that it is without hashes.
    ``beside`` are further members of the archive, which no reader of snapshots looks at.
    """
    objects: dict[str, bytes] = {}
    packages: dict[str, dict[str, dict[str, str | None]]] = {}
    for (index, name), listing in listings.items():
        digest = None if listing is None else _add(objects, _listing_document(listing))
        packages.setdefault(index.rstrip("/"), {})[name] = {"listing": digest, "metadata": None}
    by_package: dict[tuple[str, str], list[Any]] = {}
    for wanted, outcome in metadata.items():
        row = [wanted.version, sorted(file.filename for file in wanted.files), wanted.build, _outcome_document(outcome)]
        by_package.setdefault((wanted.index.rstrip("/"), wanted.name), []).append(row)
    for (index, name), rows in by_package.items():
        packages[index][name]["metadata"] = _add(objects, sorted(rows, key=_canonical))
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "recorded": recorded,
        "default-index": default_index,
        "packages": packages,
        "projects": sorted(set(projects)),
        "small": small,
        "sizes": {digest: len(content) for digest, content in objects.items()},
    }
    members = {MANIFEST: _canonical(manifest), **{_member(digest): content for digest, content in objects.items()}}
    members.update(beside or {})

    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(members.items()):
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, also where it is written on another system
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content, compresslevel=9)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _member(digest: str) -> str:
    return f"objects/{digest}.json"


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _add(objects: dict[str, bytes], document: Any) -> str:
    content = _canonical(document)
    digest = hashlib.sha256(content).hexdigest()
    objects[digest] = content
    return digest


def _listing_document(listing: Listing) -> dict[str, Any]:
    releases = [release._replace(raw_files=release.rows) for release in listing.releases]
    return {"releases": releases, "skipped": listing.skipped}


def _listing(index: str, name: str, document: Any) -> Listing:
    rows = (Release(*row) for row in document["releases"])
    releases = tuple(row._replace(raw_files=tuple(map(_raw_file, row.raw_files))) for row in rows)
    return Listing(name, index, releases, tuple((filename, reason) for filename, reason in document["skipped"]))


def _raw_file(row: Any) -> tuple[object, ...]:
    """The fields of a :class:`File`, with the tuples that JSON has as lists."""
    file = File(*row)
    metadata = None if file.metadata is None else _hashes(file.metadata)
    return tuple(file._replace(hashes=_hashes(file.hashes), metadata=metadata))


def _hashes(pairs: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((algorithm, digest) for algorithm, digest in pairs)


def _outcome_document(outcome: MetadataOutcome) -> Any:
    match outcome:
        case Metadata():
            return ["metadata", *_fields(outcome)]
        case Unavailable():
            return ["unavailable", outcome.reason]
        case NeedsBuild():
            return ["needs-build", *(_fields(outcome.hint) if outcome.hint is not None else [])]


def _fields(metadata: Metadata) -> list[Any]:
    return [list(metadata.requires_dist), metadata.requires_python, list(metadata.provides_extra)]


def _find(rows: Sequence[Any], wanted: Wanted) -> MetadataOutcome | None:
    """The outcome that was recorded for the first of the wanted files that has one.

    One recorded without a build answers a request that allows a build, unless all that it says is that it needs one.
    """
    asked = {file.filename for file in wanted.files}

    def fitness(row: Any) -> tuple[bool, int]:
        # Files may have been recorded apart from others of their version, or together with them.
        return row[2] != wanted.build, len(asked.symmetric_difference(row[1]))

    mine = sorted((row for row in rows if row[0] == wanted.version), key=fitness)
    for file in wanted.files:
        for _, filenames, build, document in mine:
            usable = build == wanted.build or document[0] != "needs-build"
            if usable and file.filename in filenames:
                return _outcome(wanted, document)
    return None


def _outcome(wanted: Wanted, document: Any) -> MetadataOutcome:
    match document:
        case ["metadata", requires_dist, requires_python, extras]:
            return Metadata(wanted.name, wanted.version, tuple(requires_dist), requires_python, tuple(extras))
        case ["unavailable", reason]:
            return Unavailable(reason)
        case ["needs-build"]:
            return NeedsBuild()
        case ["needs-build", requires_dist, requires_python, extras]:
            hint = Metadata(wanted.name, wanted.version, tuple(requires_dist), requires_python, tuple(extras))
            return NeedsBuild(hint)
    raise ValueError("an outcome of no known kind")
