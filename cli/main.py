"""Where the command starts: ready for Ctrl-C before anything slow is imported."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

__all__ = ["main"]

_INTERRUPTED = 130
_GRACE = 3.0
"""Seconds for an interrupted run to stop its requests and builds."""
_SHOW_CURSOR = "\x1b[?25h"


def main() -> None:
    """Runs ``satlock`` with the arguments of this process, and ends the process."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        from cli.commands import satlock

        satlock.main(prog_name="satlock")
    except KeyboardInterrupt:
        _leave()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _leave()
        raise


def _interrupted(number: int, frame: FrameType | None) -> None:
    """The first Ctrl-C ends the run in an orderly way, the second at once.

    An exception that strikes in the middle of an import can leave its locks held for ever: it waits for a better
    moment. And the run also ends where the orderly way does not come to its end. A thread in its plainest form takes
    no lock here.
    """
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        _thread.start_new_thread(_strike_again, ())
        return
    signal.signal(signal.SIGINT, lambda number, frame: _leave())
    _thread.start_new_thread(_leave_soon, ())
    raise KeyboardInterrupt


def _strike_again() -> None:
    time.sleep(0.01)
    _thread.interrupt_main()


def _leave_soon() -> None:
    time.sleep(_GRACE)
    _leave()


def _leave() -> NoReturn:
    """Ends the process without waiting for threads; files are replaced as a whole, so none is half written."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            if sys.stderr.isatty():
                sys.stderr.write(_SHOW_CURSOR)
            sys.stderr.flush()
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
