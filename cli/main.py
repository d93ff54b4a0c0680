"""Where the command starts: over at once where nothing is to do, ready for Ctrl-C before anything slow is imported."""

from __future__ import annotations

import sys

from satlock import __version__

__all__ = ["main"]


def main() -> None:
    """Runs ``satlock`` with the arguments of this process, and ends the process."""
    if sys.argv[1:] == ["--version"]:
        print("satlock", __version__)
        return
    if sys.argv[1:2] == ["lock"]:
        from satlock.cli.swift import nothing_to_do

        if nothing_to_do(sys.argv[2:]):
            return
    from satlock.cli.interruption import INTERRUPTED, leave, listen

    listen()
    import gc

    # A search makes millions of objects and hardly a cycle; looking for cycles as often as usual takes a tenth of it.
    gc.set_threshold(50_000, 20, 50)
    try:
        from satlock.cli.commands import satlock

        satlock.main(prog_name="satlock")
    except KeyboardInterrupt:
        leave()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            leave()
        _end(ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1)
        raise


def _end(code: int) -> None:
    """Ends the process as its end would, only that its memory is not taken apart object by object, which would take
    a tenth of a search. Returns where something else has to be done first.
    """
    import atexit
    import os
    import threading

    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if sys.getprofile() or sys.gettrace() or not all(thread.daemon for thread in others):
        return
    try:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return  # a reader that has gone away is told of in the usual way
    os._exit(code)


if __name__ == "__main__":
    main()
