"""What every test may use."""

import gc
import os
from collections.abc import Iterator

import pytest

from tests import slow
from tests.index_server import index_server

__all__ = ["index_server"]

# The worlds of the tests make millions of objects and hardly a cycle; looking for cycles as often as usual takes a
# seventh of their time.
gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def no_environment_of_another_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.ci/run` says where this project's own environment is; the projects of the tests have others."""
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: a quarter of the time, tests wait for the processes they started."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes long, and is left out of the quick part (tests/slow.py)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    named = slow.named()
    for item in items:
        if slow.test_of(item.nodeid) in named:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end, so nobody looks through it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with slow.timed(item.nodeid):
        return (yield)
