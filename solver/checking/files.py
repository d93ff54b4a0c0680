"""The only place where the checker opens files: regular ones, and no more of them than it says here."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from satlock.solver.checking.markers import Bad

__all__ = ["LARGEST", "NotGiven", "read_file", "read_folder"]

LARGEST = 256 * 1024 * 1024
"""Bytes of one file, and of all files of a certificate together."""
_MOST = 64
"""Files and folders of a certificate."""


class NotGiven(Exception):
    """What is to be checked is not there, or is not what it has to be; the message is one sentence."""


def read_file(path: Path, *, inside: bool = False) -> bytes:
    """The content of a regular file.

    Args:
        inside: it belongs to a certificate, which does not choose what is opened: links are not followed.

    Raises:
        NotGiven: where there is none, or it cannot be read.
        Bad: where it is something else, such as a device, or is too large.
    """
    follow = getattr(os, "O_NOFOLLOW", 0) if inside else 0
    try:
        # A fifo without a writer would block for ever.
        handle = os.open(path, os.O_RDONLY | follow | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        if inside and path.is_symlink():
            raise Bad(f"{path.name} is a link, and a certificate has none") from None
        detail = error.strerror or str(error) if isinstance(error, OSError) else "its name is not valid"
        raise NotGiven(f"{path} cannot be read: {detail}") from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise Bad(f"{path.name} is no regular file")
    with os.fdopen(handle, "rb") as file:
        content = file.read(LARGEST + 1) if status.st_size <= LARGEST else b""
    if status.st_size > LARGEST or len(content) > LARGEST:
        raise Bad(f"{path.name} is larger than {LARGEST // 1024 // 1024} MB")
    return content


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a certificate, ``manifest.json`` apart, by its path in the folder.

    Raises:
        NotGiven: where one cannot be read.
        Bad: where there is something else, or too much of it.
    """
    found: dict[str, bytes] = {}
    room = LARGEST
    todo = [(folder, "")]
    seen = 0
    while todo:
        here, prefix = todo.pop()
        entries = _entries(here)
        if prefix and not entries:
            raise Bad(f"{prefix} is a folder without files, and a certificate has none")
        for entry in entries:
            seen += 1
            if seen > _MOST:
                raise Bad(f"the certificate has more than {_MOST} files")
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if prefix:
                    raise Bad(f"{name} is a folder inside of a folder, and a certificate has none")
                todo.append((here / entry.name, f"{name}/"))
            elif name != "manifest.json":
                found[name] = read_file(here / entry.name, inside=True)
                room -= len(found[name])
                if room < 0:
                    raise Bad(f"the files of the certificate are larger than {LARGEST // 1024 // 1024} MB together")
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            found = []
            for entry in listed:
                found.append(entry)
                if len(found) > _MOST:
                    break
            return found
    except OSError as error:
        raise NotGiven(f"{folder} cannot be read: {error.strerror or error}") from None
