"""How long a run took, and for what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from satlock.records import dataclass, field

__all__ = ["Phases"]


@dataclass
class Phases:
    """Seconds by phase, in the order in which they began; ``now`` is the one that is under way."""

    seconds: dict[str, float] = field(default_factory=dict)
    now: str = ""
    started: float = field(default_factory=time.perf_counter)
    _since: float = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times the block; what a phase inside of it takes counts as that one's."""
        before = self.now
        self._turn(name)
        try:
            yield
        finally:
            self._turn(before)

    def _turn(self, name: str) -> None:
        moment = time.perf_counter()
        if self.now:
            self.seconds[self.now] += moment - self._since
        self.now, self._since = name, moment
        if name:
            self.seconds.setdefault(name, 0.0)

    @property
    def total(self) -> float:
        return time.perf_counter() - self.started
