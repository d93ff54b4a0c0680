"""What every test may use."""

import pytest

from tests.index_server import index_server

__all__ = ["index_server"]


@pytest.fixture(autouse=True)
def no_environment_of_another_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.ci/run` says where this project's own environment is; the projects of the tests have others."""
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than five seconds")
