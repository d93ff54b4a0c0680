"""Which Python builds, and where uv is."""

from __future__ import annotations

import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import uv

from satlock.corpora.index.interpreters import uv_program


def test_builds_at_the_same_time_look_for_uv_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """``sysconfig`` answers None to whoever asks while another thread is the first to."""
    started, going_on = threading.Event(), threading.Lock()

    def find() -> str:
        assert going_on.acquire(blocking=False), "two threads at once"
        started.wait(0.2)
        going_on.release()
        return sysconfig.get_config_var("EXE") + "uv"

    monkeypatch.setattr(uv, "find_uv_bin", find)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: uv_program(), range(4)))
    assert found == ["uv"] * 4
