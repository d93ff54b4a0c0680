"""Files, and the releases that they make up, as an index lists them."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["File", "Release"]


class File(NamedTuple):
    """One distribution file of a release (PEP 503/592/658/691/700)."""

    filename: str
    url: str
    """Absolute, without credentials and without fragment."""
    hashes: tuple[tuple[str, str], ...]
    """(algorithm, hex digest), sorted; empty where the index gives none."""
    size: int | None
    """Bytes."""
    upload_time: str | None
    """RFC 3339 in UTC, or None where the index does not tell."""
    requires_python: str | None
    yanked: str | None
    """The reason, ``""`` for a yank without one, None where the file is not yanked."""
    metadata: tuple[tuple[str, str], ...] | None
    """Hashes of the ``.metadata`` file where the index offers one (may be empty), else None."""

    @property
    def is_wheel(self) -> bool:
        return self.filename.endswith(".whl")


class Release(NamedTuple):
    """All files of one version in one index."""

    version: str
    """Normalised (``str(packaging.version.Version(...))``)."""
    requires_python: str | None
    """As most of its files say."""
    yanked: bool
    """Whether every file is yanked."""
    upload_time: str | None
    """Of its earliest file."""
    wheels: bool
    sdist: bool
    raw_files: bytes | tuple[tuple[object, ...], ...]
    """The fields of each :class:`File`, as tuples or packed by msgpack: a listing has thousands, few are looked at."""

    @property
    def files(self) -> tuple[File, ...]:
        """Wheels and source distributions, ordered by file name. Decoded at each call."""
        return tuple(map(File._make, self.rows))

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """``raw_files`` as tuples."""
        if isinstance(self.raw_files, bytes):
            import msgpack

            rows: tuple[tuple[Any, ...], ...] = msgpack.unpackb(self.raw_files, use_list=False)
            return rows
        return self.raw_files
