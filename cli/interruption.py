"""Ctrl-C: an orderly end, and one that comes even where the orderly one does not."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

__all__ = ["INTERRUPTED", "leave", "listen"]

INTERRUPTED = 130
_GRACE = 3.0
"""Seconds for an interrupted run to stop its requests and builds."""
_SHOW_CURSOR = "\x1b[?25h"


def listen() -> None:
    """Ends the run in an orderly way at the first Ctrl-C, by a KeyboardInterrupt, and at once at the second."""
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """The first Ctrl-C ends the run in an orderly way, the second at once.

    An exception that strikes in the middle of an import can leave its locks held for ever: it waits for a better
    moment. And the run also ends where the orderly way does not come to its end. A thread in its plainest form takes
    no lock here.
    """
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        _thread.start_new_thread(_strike_again, ())
        return
    signal.signal(signal.SIGINT, lambda number, frame: leave())
    _thread.start_new_thread(_leave_soon, ())
    raise KeyboardInterrupt


def _strike_again() -> None:
    time.sleep(0.01)
    _thread.interrupt_main()


def _leave_soon() -> None:
    time.sleep(_GRACE)
    leave()


def leave() -> NoReturn:
    """Ends the process without waiting for threads; files are replaced as a whole, so none is half written.

    Builds that still run end, and their folders are removed.
    """
    scratch = sys.modules.get("satlock.corpora.index.scratch")
    if scratch is not None:
        with suppress(Exception):
            scratch.abandon()
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            if sys.stderr.isatty():
                sys.stderr.write(_SHOW_CURSOR)
            sys.stderr.flush()
    os._exit(INTERRUPTED)
