"""Advisories from a file: one record of the OSV format, a list of them, a folder or a ZIP archive full of them.

The archives that OSV offers for download (``PyPI/all.zip``) are of this kind.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from satlock.corpora.advisories.advisory import Advisory, read_advisory
from satlock.corpora.facts import CorpusError

__all__ = ["Database"]

_LARGEST = 64 * 1024 * 1024
"""Bytes of one record or list; a single advisory has a few thousand."""


class Database:
    """Advisories that are all known beforehand."""

    def __init__(self, advisories: Iterable[Advisory]) -> None:
        self._by_name: dict[str, dict[str, Advisory]] = {}
        for advisory in advisories:
            for one in advisory.affected:
                self._by_name.setdefault(one.name, {})[advisory.id] = advisory

    @classmethod
    def read(cls, path: Path) -> Database:
        """Reads a file, a folder or an archive.

        Raises:
            CorpusError: it cannot be read, or has something that is no advisory.
        """
        try:
            return cls(list(_advisories(path)))
        except (OSError, zipfile.BadZipFile, ValueError, RecursionError) as error:
            said = getattr(error, "strerror", None) or str(error)
            said = f"no JSON ({said})" if isinstance(error, json.JSONDecodeError) else said
            raise CorpusError(f"The advisories of {path} cannot be read: {said.rstrip('.')}.") from None

    def known(self, packages: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Advisory]]:
        """For each package and version the advisories that affect it."""
        return {pair: [one for one in self.of(pair[0]) if one.affects(*pair)] for pair in packages}

    def of(self, name: str) -> list[Advisory]:
        """Every advisory that speaks of a package."""
        return list(self._by_name.get(name, {}).values())


def _advisories(path: Path) -> Iterator[Advisory]:
    for text in _texts(path):
        for record in _records(json.loads(text)):
            advisory = read_advisory(record)
            if advisory is not None:
                yield advisory


def _texts(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield _sized(file.read_bytes(), file.name)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".json"):
                    if info.file_size > _LARGEST:
                        raise ValueError(f"{info.filename} is too large")
                    yield archive.read(info)
    else:
        yield _sized(path.read_bytes(), path.name)


def _sized(text: bytes, name: str) -> bytes:
    if len(text) > _LARGEST:
        raise ValueError(f"{name} is larger than {_LARGEST // 1024 // 1024} MB; give a folder or a ZIP archive")
    return text


def _records(found: Any) -> list[Any]:
    if isinstance(found, dict) and isinstance(found.get("vulns"), list):
        return list(found["vulns"])  # an answer of the API that was kept
    return found if isinstance(found, list) else [found]
