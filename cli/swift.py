"""A plain ``satlock lock`` where nothing has changed since: over before anything slow is imported.

Whatever is not plain is left to the command itself, which says the same in the same words.
"""

from __future__ import annotations

import os
import sys
import time

from satlock.corpora.regular_files import read_regular

__all__ = ["nothing_to_do"]


_ELSEWHERE = ("UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_FROZEN", "UV_LOCKED")
"""Variables that make a plain call another one."""


def nothing_to_do(arguments: list[str]) -> bool:
    """Whether the arguments after ``lock`` ask for a lock that is known to be valid; says so where it is."""
    started = time.perf_counter()
    try:
        asked = _read(arguments)
        if asked is None or (sys.stderr is not None and sys.stderr.isatty()):
            return False
        source, lock, check, quiet = asked
        from satlock.cli.remembered import Memory

        known = Memory(source, lock).recall(_text(lock), check)
        if known is None or (known.warnings and os.environ.get("FORCE_COLOR")):
            return False
        if not "".join(known.warnings).replace("\n", "").isprintable() or "://" in "".join(known.warnings):
            return False
        for warning in known.warnings:
            sys.stderr.write(f"warning: {warning}\n")
        if not quiet:
            said = "Valid" if check else "Already locked"
            packages = f"{known.packages} package{'' if known.packages == 1 else 's'}"
            shown = os.path.relpath(os.path.realpath(lock))
            shown = lock if shown.startswith("..") else shown
            sys.stderr.write(f"{said}: {packages} ({shown}, {time.perf_counter() - started:.1f} s)\n")
    except (OSError, ValueError, AttributeError):
        return False
    except KeyboardInterrupt:
        os._exit(130)
    return True


def _text(lock: str) -> str:
    return read_regular(lock).decode("utf-8")


def _read(arguments: list[str]) -> tuple[str, str, bool, bool] | None:
    """The source, the lock, and whether to check it and to be quiet; None where more is asked."""
    values: dict[str, str] = {}
    flags: set[str] = set()
    left = list(arguments)
    while left:
        name, equals, value = left.pop(0).partition("=")
        name = "--output" if name == "-o" and not equals else name
        if name in ("--check", "--quiet", "-q") and not equals:
            flags.add(name)
        elif name in ("--output", "--format", "--project") and name not in values and (equals or left):
            values[name] = value if equals else left.pop(0)
        else:
            return None
    form = values.get("--format")
    source = values.get("--project", ".")
    if any(os.environ.get(name) for name in _ELSEWHERE):
        return None
    from satlock.cli.which_lock import lock_meant, stated_output

    lock = values.get("--output") or (
        os.path.join(source, "uv.lock" if form == "uv" else "pylock.toml")
        if form is not None
        else lock_meant(source, stated_output(os.path.join(source, "pyproject.toml")))
    )
    named = {"uv.lock": "uv", "pylock.toml": "pylock"}.get(os.path.basename(lock))
    if named is None or form not in (None, named) or not os.path.isdir(source):
        return None
    return source, lock, "--check" in flags, bool(flags & {"-q", "--quiet"})
