"""The files that each entry of a lock names, with their hashes, in any of the formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from satlock.corpora.index.address import without_credentials
from satlock.corpora.names import canonicalize_name
from satlock.records import dataclass
from satlock.solver.lockfiles.reading import Reading, packages_of

__all__ = ["LockedFile", "files_of"]


@dataclass(frozen=True)
class LockedFile:
    """A wheel, source distribution or other archive."""

    name: str
    url: str
    """Where it is, without credentials; empty where the lock does not tell."""
    hashes: tuple[tuple[str, str], ...]
    """(algorithm, digest), sorted."""


def files_of(reading: Reading) -> list[tuple[LockedFile, ...]]:
    """For each entry of a lock its files, by the number of the entry.

    Raises:
        ProjectError: where the lock cannot be read.
    """
    lockfile, tables = reading.lockfile, packages_of(reading)
    if lockfile.kind != "pdm":
        return [tuple(_files(table)) for table in tables]
    # PDM has an entry for each choice of extras of a package; those are one candidate here.
    found: dict[tuple[str, str], dict[str, LockedFile]] = {}
    for table in tables:
        own = found.setdefault((canonicalize_name(str(table.get("name", ""))), str(table.get("version", ""))), {})
        own.update({file.name: file for file in _files(table)})
    return [tuple(found.get((entry.name, entry.version), {}).values()) for entry in lockfile.entries]


def _files(table: Mapping[str, Any]) -> Iterator[LockedFile]:
    listed = [*_tables(table.get("wheels")), *_tables([table.get("sdist")]), *_tables(table.get("files"))]
    for file in [*listed, *_tables([table.get("archive")])]:
        url = str(file.get("url", ""))
        name = str(file.get("name") or file.get("filename") or file.get("file") or "")
        name = name or (url or str(file.get("path", ""))).partition("#")[0].rpartition("/")[2]
        yield LockedFile(name, without_credentials(url) if url else "", tuple(sorted(_hashes(file))))


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _hashes(file: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of PEP 751 a table, of the others ``ALGORITHM:DIGEST``."""
    table = file.get("hashes")
    if isinstance(table, dict):
        yield from ((str(algorithm), str(digest)) for algorithm, digest in table.items())
    algorithm, colon, digest = str(file.get("hash", "")).partition(":")
    if colon:
        yield algorithm, digest
