"""What every test may use."""

import pytest

from tests.index_server import index_server

__all__ = ["index_server"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than five seconds")
