"""Archives of strangers: what keeps them from taking more memory than any archive needs."""

from __future__ import annotations

import io
from functools import cache
from typing import IO, TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import tarfile

__all__ = ["LARGEST_PIECE", "MOST_MEMBERS", "BoundedFile", "HostileArchive", "bounded_members"]

MOST_MEMBERS = 200_000
"""Files in one archive."""
_LARGEST_HEADER = 256 << 10
"""Bytes of what a tar archive says of one file; uv refuses more too."""
LARGEST_PIECE = 16 << 20
"""Bytes that are read of a zip archive at once: of its list of files, or of one file."""


class HostileArchive(ValueError):
    """An archive that would take more memory than any needs; the text is one clause."""


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...
    def tell(self) -> int: ...


class BoundedFile(io.RawIOBase):
    """A zip archive of which no large part is read at once: zipfile reads the whole list of files, whatever length it
    claims to have, and makes an object of each."""

    def __init__(self, file: IO[bytes] | _Readable) -> None:
        super().__init__()
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        most = LARGEST_PIECE + 1
        data = self._file.read(most if size is None or size < 0 else min(size, most))
        if len(data) == most:
            raise HostileArchive("its list of files is too large")
        return data


@cache
def bounded_members() -> type[tarfile.TarInfo]:
    """Members of a tar archive whose headers take no more than uv lets them: tarfile holds each in memory.

    Sparse files are none of a source distribution's, and what they hold is said by headers without bounds.
    """
    import tarfile

    class Bounded(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            found = super().frombuf(buf, encoding, errors)
            if found.type in _HEADERS and found.size > _LARGEST_HEADER:
                raise HostileArchive("a header of its archive is too large")
            if found.type == tarfile.GNUTYPE_SPARSE:
                raise HostileArchive("its archive holds a sparse file")
            return found

        def _proc_gnusparse_10(self, *_: object) -> None:
            raise HostileArchive("its archive holds a sparse file")

    _HEADERS = frozenset(
        (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
    )
    return Bounded
