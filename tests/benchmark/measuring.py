"""One run of one command: wall and processor time, and the memory of the command and its helpers."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["LIMIT", "Run", "measured", "median", "peak_of", "spread"]

LIMIT = 120.0
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class Run:
    """Wall seconds, the seconds that processors worked for it and its helpers, the megabytes that its largest process
    held at its peak, and its exit code (negative: the signal that ended it).
    """

    seconds: float
    worked: float
    megabytes: float
    code: int


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None, limit: float = LIMIT) -> Run:
    """Runs a command with nothing to read and nobody to read it."""
    opened = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, opened, stream) for stream in (0, 1, 2)]
    given = dict(os.environ if environment is None else environment)
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], list(command), given, file_actions=actions)
    timer = threading.Timer(limit, os.kill, (child, 9))
    timer.daemon = True
    timer.start()
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    timer.cancel()
    os.close(opened)
    worked = usage.ru_utime + usage.ru_stime
    return Run(seconds, worked, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))


def peak_of(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """The megabytes that a command and all its helper processes hold together at their peak, looked at every 5 ms."""
    import psutil

    nothing = subprocess.DEVNULL
    process = psutil.Popen(list(command), env=dict(environment), stdin=nothing, stdout=nothing, stderr=nothing)
    peak = 0
    deadline = time.monotonic() + LIMIT
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
        held = 0
        try:
            for one in (process, *process.children(recursive=True)):
                held += one.memory_info().rss
        except psutil.Error:
            continue
        peak = max(peak, held)
        time.sleep(0.005)
    return peak / (1 << 20)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Half the distance from the smallest to the largest, as a part of the median."""
    return (max(values) - min(values)) / 2 / (statistics.median(values) or 1.0)
