"""What a source distribution says about itself, out of an archive that may be hostile; nothing is unpacked."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, TypeAlias

from satlock.corpora.facts import Metadata, NeedsBuild
from satlock.corpora.index.archives import MOST_MEMBERS, BoundedFile, HostileArchive, bounded_members
from satlock.corpora.index.metadata import MetadataError, noted_fields, static_fields

__all__ = ["SdistError", "metadata_of_sdist"]

_LARGEST_PKG_INFO = 32 << 20
_LARGEST_TEXT = 512 << 10
"""Bytes of a ``pyproject.toml`` or ``requires.txt``; a larger one is not read."""
_LARGEST_ARCHIVE = 1 << 30
"""Bytes that are decompressed at most before the search is given up."""
_MOST_FOR_A_HINT = 64 << 20
"""Bytes that are passed at most for what is not binding."""
_MOST_EGG_INFOS = 4
_EGG_INFO = re.compile(r"((?:[^/]+/)?([^/]+)\.egg-info)/([^/]+)")
"""Setuptools puts it where the packages are: often in src."""

_Member: TypeAlias = tuple[str, int, Callable[[], bytes]]
"""Path, size, and what reads it before the next member is looked at."""


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


class _Found:
    """What has been seen in the top folder. Of a path that is there twice, the first counts."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pkg_info: bytes | None = None
        self.project: bytes | None = None
        self.egg_infos: dict[str, bytes | None] = {}
        """The requires.txt of each folder of setuptools; empty where there is none, None where it is too large."""
        self.read: set[str] = set()

    @property
    def requires(self) -> bytes | None:
        """The one requires.txt, empty where setuptools noted no requirements, None where nothing clear was noted."""
        texts = set(self.egg_infos.values())
        return texts.pop() if len(texts) == 1 and len(self.egg_infos) <= _MOST_EGG_INFOS else None


def metadata_of_sdist(file: IO[bytes], filename: str, name: str, version: str) -> Metadata | NeedsBuild:
    """The metadata of the candidate ``name`` (normalised) ``version`` from its source distribution.

    From PKG-INFO where it is binding (PEP 643), else from the ``[project]`` table of ``pyproject.toml`` where that is
    (PEP 621), else from PKG-INFO where it serves all the same; else NeedsBuild, with what was recorded when the archive
    was made as its hint. Raises SdistError.
    """
    from satlock.corpora.index.project_table import project_fields
    from satlock.corpora.index.recorded import recorded

    found = _Found("")
    passed = 0
    try:
        for path, size, read in _in_zip(file) if filename.endswith(".zip") else _in_tar(file):
            folder, slash, rest = path.removeprefix("./").partition("/")
            passed += size
            if passed > _MOST_FOR_A_HINT and found.pkg_info is not None:
                return _noted(found, name, version) or NeedsBuild()
            if not slash or folder in ("", ".", ".."):
                continue
            if rest == "PKG-INFO" and found.pkg_info is None:
                if folder != found.folder:
                    found = _Found(folder)
                if size > _LARGEST_PKG_INFO:
                    raise SdistError("its PKG-INFO is too large")
                found.pkg_info = data = read()
                try:
                    static = static_fields(data, name, version)
                except MetadataError:
                    static = None  # old tools wrote other versions there than in the file name
                if static is not None:
                    return static
            elif folder == found.folder or not found.folder:
                _note(found, rest, size, read, name)
                if found.read or found.egg_infos:
                    found.folder = folder
            if found.pkg_info is not None and found.project is not None:
                static = project_fields(found.project, name, version)
                if static is not None:
                    return static
                found.project = None
    except Exception as error:  # tarfile, gzip, zlib and zipfile raise many kinds for hostile bytes
        if found.pkg_info is not None:
            return _noted(found, name, version) or NeedsBuild()  # the build will tell
        if isinstance(error, SdistError):
            raise
        if isinstance(error, HostileArchive):
            raise SdistError(str(error)) from None
        raise SdistError(f"it is not an archive that can be read ({type(error).__name__})") from None
    if found.project is not None and (static := project_fields(found.project, name, version)) is not None:
        return static
    if (noted := _noted(found, name, version)) is not None:
        return noted
    return NeedsBuild(None if found.pkg_info is None else recorded(found.pkg_info, found.requires, name, version))


def _noted(found: _Found, name: str, version: str) -> Metadata | None:
    """What PKG-INFO notes, where that serves without a build."""
    try:
        return None if found.pkg_info is None else noted_fields(found.pkg_info, name, version)
    except MetadataError:
        return None


def _note(found: _Found, path: str, size: int, read: Callable[[], bytes], name: str) -> None:
    """Keep a file of the top folder, if it is one of those that tell something."""
    if path in found.read:
        return
    if path == "pyproject.toml":
        found.read.add(path)
        found.project = read() if size <= _LARGEST_TEXT else None
    elif len(found.egg_infos) <= _MOST_EGG_INFOS and (match := _EGG_INFO.fullmatch(path)) is not None:
        from satlock.corpora.names import canonicalize_name

        if canonicalize_name(match[2]) == name:
            found.egg_infos.setdefault(match[1], b"")
            if match[3] == "requires.txt":
                found.read.add(path)
                found.egg_infos[match[1]] = read() if size <= _LARGEST_TEXT else None


def _in_tar(file: IO[bytes]) -> Iterator[_Member]:
    import gzip
    import tarfile

    def read(archive: Any, member: Any) -> bytes:
        data: bytes = archive.extractfile(member).read()
        return data

    with gzip.GzipFile(fileobj=file, mode="rb") as plain:
        limited: Any = _Limited(plain)
        archive: Any = tarfile.open(fileobj=limited, mode="r|", tarinfo=bounded_members())  # noqa: SIM115  a stream has nothing to close
        for count, member in enumerate(archive):
            if count > MOST_MEMBERS:
                raise SdistError("it holds too many files to look into")
            if member.isreg():
                yield member.name, member.size, partial(read, archive, member)
            archive.members = []  # it would keep every member that it has passed


def _in_zip(file: IO[bytes]) -> Iterator[_Member]:
    import stat
    import zipfile

    def read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
        with archive.open(info) as member:
            data = member.read(info.file_size + 1)
        if len(data) > info.file_size:
            raise SdistError("it holds a file that is larger than it says")
        return data

    with zipfile.ZipFile(BoundedFile(file)) as archive:
        if len(archive.infolist()) > MOST_MEMBERS:
            raise SdistError("it holds too many files to look into")
        for info in archive.infolist():
            if not stat.S_ISLNK(info.external_attr >> 16):
                yield info.filename, info.file_size, partial(read, archive, info)
