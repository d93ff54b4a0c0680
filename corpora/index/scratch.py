"""Folders for a moment, with the processes that work in them: gone afterwards, also where this process ends first."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

__all__ = ["Process", "abandon", "end", "folders", "scratch", "working"]

Process: TypeAlias = "subprocess.Popen[bytes]"

_FOLDERS: dict[Path, set[Process]] = {}


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """A folder that is there for the block."""
    folder = Path(tempfile.mkdtemp(prefix=f"satlock-{purpose}-"))
    _FOLDERS[folder] = set()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _FOLDERS.pop(folder, None)


@contextmanager
def working(process: Process, folder: Path) -> Iterator[None]:
    """Lets a process, the leader of its group, work in a scratch folder for the block; it ends with all it started."""
    _FOLDERS.setdefault(folder, set()).add(process)
    try:
        yield
    finally:
        end(process)
        _FOLDERS.get(folder, set()).discard(process)


def folders() -> list[str]:
    """Those that are there now."""
    return [str(folder) for folder in list(_FOLDERS)]


def abandon() -> None:
    """Ends all that works in scratch folders and removes them, for a process that is about to end."""
    for folder, processes in list(_FOLDERS.items()):
        for process in list(processes):
            end(process)
        shutil.rmtree(folder, ignore_errors=True)


def end(process: Process) -> None:
    """End the process and everything it started, also what it left behind."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
