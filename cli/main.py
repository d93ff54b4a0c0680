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
    try:
        from satlock.cli.commands import satlock

        satlock.main(prog_name="satlock")
    except KeyboardInterrupt:
        leave()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            leave()
        raise


if __name__ == "__main__":
    main()
