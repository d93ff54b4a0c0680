"""Where things come from, in the words of ``uv.lock``."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from satlock.corpora.facts import File
from satlock.corpora.index.address import path_of
from satlock.corpora.references import Direct, GitReference, PathReference, Reference, UrlReference, with_reference
from satlock.solver.writing.pylock import path_from, relative_to
from satlock.solver.writing.uvlock.text import Item

__all__ = ["direct_file_item", "file_item", "reference_item", "source_of"]


def source_of(index: str, direct: Direct | None, folder: Path, relative: Collection[str] = ()) -> Item:
    """The ``source`` of an entry from an index, or from what it comes from instead.

    Args:
        relative: indexes on this machine that are named by paths from the lock.
    """
    if direct is None:
        return {"registry": _place_of(index, folder, relative) if index.startswith("file:") else index}
    reference = direct.reference
    if isinstance(reference, GitReference):
        return {"git": with_reference(direct)}
    if isinstance(reference, PathReference) and direct.file is not None:
        return {"path": relative_to(folder, reference)}
    return reference_item(reference, folder)


def reference_item(reference: Reference, folder: Path) -> Item:
    """What a requirement says that names a place itself."""
    if isinstance(reference, GitReference):
        asked = Direct(reference, None)  # type: ignore[arg-type]  # what it came to is not part of what was asked
        return {"git": with_reference(asked)}
    if isinstance(reference, UrlReference):
        inside = {"subdirectory": reference.subdirectory} if reference.subdirectory else {}
        return {"url": reference.url, **inside}
    path = relative_to(folder, reference) or "."
    if not reference.folder:
        return {"path": path}
    if not reference.package:
        return {"virtual": path}
    return {"editable" if reference.editable else "directory": path}


def _place_of(index: str, folder: Path, relative: Collection[str]) -> str:
    """An index on this machine, as uv writes it: like the project has it."""
    path = path_of(index)
    return path_from(folder, path) if index in relative else Path(path).as_posix()


def file_item(file: File, index: str, relative: Collection[str]) -> Item:
    """A wheel or source distribution of an index; on this machine, by its path, from the index where that has one."""
    item: dict[str, object] = {"url": file.url}
    if file.url.startswith("file:") and index.startswith("file:"):
        path = path_of(file.url)
        item = {"path": path_from(Path(path_of(index)), path) if index in relative else Path(path).as_posix()}
    digests = dict(file.hashes)
    kind = next((kind for kind in ("sha256", "sha384", "sha512", "blake2b", "md5") if kind in digests), None)
    if kind is not None:
        item["hash"] = f"{kind}:{digests[kind]}"
    if file.size is not None:
        item["size"] = file.size
    if file.upload_time is not None:
        item["upload-time"] = moment(datetime.fromisoformat(file.upload_time))
    return item


def direct_file_item(file: File) -> Item:
    """The file of an archive that is named itself: a wheel by its address or its name, a source archive by its hash."""
    digest = {"hash": f"sha256:{dict(file.hashes)['sha256']}"}
    if not file.is_wheel:
        return digest
    return {"filename": file.filename, **digest} if file.url.startswith("file:") else {"url": file.url, **digest}


def moment(when: datetime) -> str:
    """A moment in UTC, to the millisecond."""
    when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    text = when.strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{when.microsecond // 1000:03}".rstrip("0") if when.microsecond >= 1000 else "") + "Z"
