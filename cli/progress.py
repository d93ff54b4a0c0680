"""The moving line on a terminal while a run takes longer than a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from satlock.cli.terminal import is_terminal

__all__ = ["Progress"]

_PATIENCE = 0.5
"""Seconds before anything is shown: most runs are done by then, and never import rich."""


class Progress:
    """Shows ``told()`` while the block runs, on a terminal only."""

    def __init__(self, told: Callable[[], str], *, shown: bool = True) -> None:
        self._told = told
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True) if shown and is_terminal() else None

    def __enter__(self) -> Progress:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()  # so that what is said next does not meet the line

    def _run(self) -> None:
        if self._done.wait(_PATIENCE):
            return
        try:
            from rich.console import Console
            from rich.markup import escape

            console = Console(stderr=True)
            with console.status(escape(self._told())) as line:
                while not self._done.wait(0.1):
                    line.update(escape(self._told()))
        except Exception:
            return  # a line that cannot be shown is no reason to fail
