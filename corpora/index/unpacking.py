"""Source distributions as folders: archives of strangers, unpacked where they can do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from satlock.corpora.index.archives import MOST_MEMBERS, BoundedFile, HostileArchive, bounded_members
from satlock.corpora.index.failed_build import BuildError

if TYPE_CHECKING:
    import tarfile

__all__ = ["unpack_sdist"]

_LARGEST_ARCHIVE = 4 << 30
"""Bytes, unpacked."""


def unpack_sdist(archive: IO[bytes], filename: str, folder: Path) -> Path:
    """Unpack into ``folder``; the top folder of the source distribution. Raises BuildError."""
    import tarfile
    import zipfile

    folder.mkdir(parents=True)
    try:
        if filename.endswith(".zip"):
            with zipfile.ZipFile(BoundedFile(archive)) as packed:
                members = packed.infolist()
                if sum(info.file_size for info in members) > _LARGEST_ARCHIVE or len(members) > MOST_MEMBERS:
                    raise BuildError("its archive is too large to unpack")
                packed.extractall(folder)  # zipfile itself keeps members inside the folder
        else:
            with tarfile.open(fileobj=archive, mode="r:*", tarinfo=bounded_members()) as unpacked:
                total = 0
                for count, member in enumerate(unpacked):
                    total += member.size
                    if total > _LARGEST_ARCHIVE or count > MOST_MEMBERS:
                        raise BuildError("its archive is too large to unpack")
                    _extract(unpacked, member, folder)
    except BuildError:
        raise
    except HostileArchive as error:
        raise BuildError(str(error)) from None
    except Exception as error:  # tarfile, gzip, zlib and zipfile raise many kinds for hostile bytes
        raise BuildError(f"its archive cannot be unpacked ({type(error).__name__})") from None
    inside = [entry for entry in folder.iterdir() if entry.name != "pax_global_header"]
    if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink():
        raise BuildError("its archive does not hold one folder")
    return inside[0]


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Nothing outside of the folder, no devices, no links that lead out (PEP 706). Raises BuildError."""
    import tarfile

    outside = BuildError("its archive holds a file that would land outside of its folder")
    if hasattr(tarfile, "data_filter"):
        try:
            archive.extract(member, folder, filter="data")
        except tarfile.FilterError:
            raise outside from None
        return
    # Python before 3.11.4 has no filters.
    target = folder / member.name
    named = [target]
    if member.issym() or member.islnk():
        named.append((target.parent if member.issym() else folder) / member.linkname)
    if member.isdev() or not all(path.resolve().is_relative_to(folder.resolve()) for path in named):
        raise outside
    archive.extract(member, folder, set_attrs=False)
