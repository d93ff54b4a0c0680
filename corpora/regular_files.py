"""Files of this machine, as far as they are files: no device, no pipe, and none that is too large to be an input."""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes its time, and this is read by runs that only recall something
    from typing import BinaryIO

__all__ = ["created_in", "open_regular", "read_regular"]

_MOST = 512 << 20
"""Bytes."""


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """A file, opened to be read.

    Raises OSError, also for what is no regular file: a pipe may never say anything, a device never end.
    """
    # A pipe without a writer would block for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(path, flags)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder", os.fspath(path))
        raise OSError(errno.EINVAL, "it is no regular file", os.fspath(path))
    return os.fdopen(handle, "rb")


def read_regular(path: str | os.PathLike[str], most: int = _MOST) -> bytes:
    """What a file holds. Raises OSError, also where that are more than ``most`` bytes."""
    with open_regular(path) as file:
        data = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else b""
        if len(data) > most or os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MB", os.fspath(path))
    return data


def created_in(folder: str | os.PathLike[str], prefix: str) -> tuple[int, str]:
    """A new empty file of a folder, for this user alone: its descriptor, open to be written, and its path.

    As :func:`tempfile.mkstemp`, whose module takes longer to import than a file to write. Raises OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    path = os.path.join(os.fspath(folder), prefix + os.urandom(8).hex())
    return os.open(path, flags, 0o600), path
