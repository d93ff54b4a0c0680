"""The metadata inside a wheel, also one that is far away and large, of which only the end is read."""

from __future__ import annotations

import io
from typing import IO

from satlock.corpora.index.archives import LARGEST_PIECE, BoundedFile, HostileArchive

__all__ = ["Missing", "Sparse", "WheelError", "metadata_of_wheel"]

_LARGEST_METADATA = 32 << 20


class WheelError(ValueError):
    """A file that is no wheel, or holds no metadata; the text is one clause."""


class Missing(Exception):
    """Bytes ``start`` to ``end`` (exclusive) of the file are needed first."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(f"bytes {start} to {end}")
        self.start = start
        self.end = end


class Sparse(io.RawIOBase):
    """A file of which some pieces are known. Reading elsewhere raises Missing."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._position = 0
        self._pieces: list[tuple[int, bytes]] = []

    def add(self, start: int, data: bytes) -> None:
        self._pieces.append((start, data))

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position < 0:
            raise OSError("before the start of the file")
        self._position = position
        return position

    def read(self, size: int | None = -1) -> bytes:
        start = self._position
        end = self._size if size is None or size < 0 else min(start + size, self._size)
        if end <= start:
            return b""
        for first, data in self._pieces:
            if first <= start and end <= first + len(data):
                self._position = end
                return data[start - first : end - first]
        if end - start > LARGEST_PIECE:
            raise HostileArchive("its list of files is too large")
        raise Missing(start, end)


def metadata_of_wheel(file: IO[bytes] | Sparse, name: str, version: str) -> bytes:
    """The METADATA file of a wheel of ``name`` (normalised).

    Raises WheelError; and Missing where ``file`` is a Sparse that lacks what is needed next.
    """
    import zipfile
    import zlib

    from satlock.corpora.names import canonicalize_name

    try:
        with zipfile.ZipFile(BoundedFile(file)) as archive:
            found = []
            for info in archive.infolist():
                folder, slash, rest = info.filename.partition("/")
                if slash and rest == "METADATA" and folder.endswith(".dist-info"):
                    found.append(info)
            if len(found) > 1:
                found = [i for i in found if canonicalize_name(i.filename.partition("-")[0]) == name]
            if len(found) != 1:
                raise WheelError("it holds no metadata" if not found else "it holds metadata more than once")
            (info,) = found
            if info.file_size > _LARGEST_METADATA or info.compress_size > _LARGEST_METADATA:
                raise WheelError("its metadata is too large")
            if isinstance(file, Sparse):
                # All of the member in one request: its header is 30 bytes, its name, and a little more.
                position = info.header_offset
                file.seek(position)
                file.read(30 + len(info.orig_filename.encode()) + 64 + info.compress_size)
            with archive.open(info) as member:
                data = member.read(_LARGEST_METADATA + 1)
            if len(data) > _LARGEST_METADATA:
                raise WheelError("its metadata is too large")
            return data
    except (Missing, WheelError):
        raise
    except HostileArchive as error:
        raise WheelError(f"it is not a wheel: {error}") from None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise WheelError(f"it is not a wheel that can be read ({type(error).__name__})") from None
    except Exception as error:  # lzma and bz2 errors, and whatever else hostile bytes provoke
        raise WheelError(f"it is not a wheel that can be read ({type(error).__name__})") from None
