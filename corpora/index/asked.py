"""What was asked of the index's thread, and the wait for its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from satlock.corpora.facts import CorpusError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from threading import Thread

    from satlock.corpora.index.transport import Job

__all__ = ["Asked"]


class Asked:
    """A job and its outcome."""

    __slots__ = ("future", "job")

    def __init__(self, job: Job) -> None:
        from concurrent.futures import Future  # which takes its time, and a run with a full cache asks for nothing

        self.job = job
        self.future: Future[Any] = Future()

    def result(self, thread: Thread | None) -> Any:
        """The outcome, once the thread that works on it has found it. Raises what the job raised, and CorpusError."""
        from concurrent.futures import CancelledError
        from concurrent.futures import TimeoutError as NotYet

        while True:
            try:
                return self.future.result(timeout=1.0)  # waiting for ever cannot be interrupted on Windows
            except NotYet:
                if self.future.done():
                    raise
                if thread is None or not thread.is_alive():
                    raise CorpusError("the index was closed while it was asked") from None
            except CancelledError:
                raise CorpusError("the index was closed while it was asked") from None
