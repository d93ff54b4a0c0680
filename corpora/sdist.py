"""The PKG-INFO of a source distribution, out of an archive that may be hostile; nothing is unpacked."""

from __future__ import annotations

import io
from typing import IO, Any

__all__ = ["SdistError", "pkg_info_of_sdist"]

_LARGEST_PKG_INFO = 32 << 20
_LARGEST_ARCHIVE = 1 << 30
"""Bytes that are decompressed at most before the search is given up."""
_MOST_MEMBERS = 200_000


class SdistError(ValueError):
    """An archive that cannot be read; the text is one clause."""


class _Limited(io.RawIOBase):
    """Reads on until too much has come out, so that a small archive cannot hold a machine for long."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source
        self._left = _LARGEST_ARCHIVE

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        data: bytes = self._source.read(min(1 << 20, size) if size is not None and size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            raise SdistError("it is too large to look into")
        return data


def pkg_info_of_sdist(file: IO[bytes], filename: str) -> bytes | None:
    """The PKG-INFO in the top folder of the archive, or None where there is none. Raises SdistError."""
    try:
        return _from_zip(file) if filename.endswith(".zip") else _from_tar(file)
    except SdistError:
        raise
    except Exception as error:  # tarfile, gzip, zlib and zipfile raise many kinds for hostile bytes
        raise SdistError(f"it is not an archive that can be read ({type(error).__name__})") from None


def _is_pkg_info(path: str) -> bool:
    folder, slash, rest = path.removeprefix("./").partition("/")
    return bool(slash) and rest == "PKG-INFO" and folder not in ("", ".", "..")


def _from_tar(file: IO[bytes]) -> bytes | None:
    import gzip
    import tarfile

    with gzip.GzipFile(fileobj=file, mode="rb") as plain:
        limited: Any = _Limited(plain)
        archive: Any = tarfile.open(fileobj=limited, mode="r|")  # noqa: SIM115  a stream has nothing to close
        for count, member in enumerate(archive):
            if count > _MOST_MEMBERS:
                raise SdistError("it holds too many files to look into")
            if member.isreg() and _is_pkg_info(member.name):
                content = archive.extractfile(member)
                if member.size > _LARGEST_PKG_INFO or content is None:
                    raise SdistError("its PKG-INFO is too large")
                data: bytes = content.read()
                return data
            archive.members = []  # it would keep every member that it has passed
    return None


def _from_zip(file: IO[bytes]) -> bytes | None:
    import zipfile

    with zipfile.ZipFile(file) as archive:
        if len(archive.infolist()) > _MOST_MEMBERS:
            raise SdistError("it holds too many files to look into")
        for info in archive.infolist():
            if _is_pkg_info(info.filename):
                with archive.open(info) as member:
                    data = member.read(_LARGEST_PKG_INFO + 1)
                if len(data) > _LARGEST_PKG_INFO:
                    raise SdistError("its PKG-INFO is too large")
                return data
    return None
