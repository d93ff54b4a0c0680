"""The moving line on a terminal while a run takes longer than a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from satlock.cli.terminal import is_terminal

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["Progress"]

_PATIENCE = 0.5
"""Seconds before anything is shown: most runs are done by then, and never import rich."""


class Progress:
    """Shows ``told()`` while the block runs, on a terminal only."""

    def __init__(self, told: Callable[[], str], *, shown: bool = True) -> None:
        self._told = told
        self._done, self._pause = threading.Event(), threading.Lock()
        self._line: Status | None = None
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

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Takes the line away while something else is said."""
        with self._pause:
            if self._line is not None:
                self._line.stop()
            try:
                yield
            finally:
                if self._line is not None:
                    self._line.start()

    def _run(self) -> None:
        if self._done.wait(_PATIENCE):
            return
        try:
            from rich.console import Console
            from rich.markup import escape

            console = Console(stderr=True)
            with console.status(escape(self._told())) as line:
                with self._pause:
                    self._line = line
                while not self._done.wait(0.1):
                    with self._pause:
                        line.update(escape(self._told()))
                with self._pause:
                    self._line = None
        except Exception:
            return  # a line that cannot be shown is no reason to fail
