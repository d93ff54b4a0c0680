"""Running one command with limits, and measuring it: seconds, memory, how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from satlock.records import dataclass

__all__ = ["Limits", "Measured", "end_all", "measured"]

_TICK = 0.01
_LOOK = 0.1
"""Seconds between two looks at the memory; fewer at first, since some are done before that."""
_KEPT = 20_000
"""Characters of what a command says that are kept, from its end."""


_RUNNING: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Limits:
    """What one run may take at most."""

    seconds: float = 120.0
    megabytes: float = 4096.0


@dataclass(frozen=True)
class Measured:
    """How one run went. ``stopped`` is ``time`` or ``memory`` where a limit ended it."""

    seconds: float
    megabytes: float
    """The most that the command and all it started held at once, as far as it was seen."""
    code: int
    stopped: str
    said: str
    """The end of what it wrote, standard error after standard output."""


def measured(command: Sequence[str], *, folder: Path, env: Mapping[str, str], limits: Limits) -> Measured:
    """Runs a command to its end, or to its limit; whatever it started ends with it.

    Raises OSError where the command cannot be started.
    """
    with tempfile.TemporaryFile() as said:
        begin = time.perf_counter()
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _RUNNING.add(process)
        stopped, peak, looked = "", 0.0, begin
        try:
            while process.poll() is None:
                now = time.perf_counter()
                if now - begin > limits.seconds:
                    stopped = "time"
                elif now - looked > min(_LOOK, 0.01 + (now - begin) / 4):
                    looked = now
                    peak = max(peak, _megabytes(process.pid))
                    if peak > limits.megabytes:
                        stopped = "memory"
                if stopped:
                    break
                time.sleep(_TICK)
            seconds = time.perf_counter() - begin
        finally:
            _end(process)
            _RUNNING.discard(process)
        said.seek(max(0, said.seek(0, os.SEEK_END) - _KEPT))
        text = said.read().decode("utf-8", "replace")
    return Measured(round(seconds, 4), round(peak, 1), process.returncode, stopped, text)


def end_all() -> None:
    """Ends every command that is running now."""
    for process in list(_RUNNING):
        _end(process)


def _megabytes(pid: int) -> float:
    """Of a process and all that it started."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        main = psutil.Process(pid)
        for one in (main, *main.children(recursive=True)):
            with suppress(psutil.Error):
                total += one.memory_info().rss
    return total / (1 << 20)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and its group; what has ended already is no matter."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
