"""What an index refuses is told, and never answered from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from .asking import Asking, index_table
from .conftest import Server


@pytest.fixture
def asking(tmp_path: Path, server: Server) -> Asking:
    return Asking(tmp_path, server)


def two_indexes(asking: Asking, first: str = "") -> str:
    return index_table(f"{asking.server.url}/private", "private", first) + index_table(f"{asking.server.url}/public")


@pytest.mark.parametrize("status", [401, 403, 410, 407, 451, 400])
@pytest.mark.parametrize("form", ["pylock.toml", "uv.lock"])
def test_a_stranger_takes_no_refused_package(asking: Asking, status: int, form: str) -> None:
    asking.project("secret", more=two_indexes(asking))
    asking.answer("/private/secret/", status)
    asking.serve("secret", "99.0", at="public")
    result = asking.lock("--output", str(asking.folder / form), "--quiet")
    assert result.exit_code == 3
    assert str(status) in result.stderr and f"{asking.server.url}/private" in result.stderr
    assert "Any one of these" not in result.stderr
    assert not (asking.folder / form).exists()
    assert "/public/secret/" not in asking.server.paths()


def test_a_listed_status_means_that_the_index_lacks_it(asking: Asking) -> None:
    asking.project("secret", more=two_indexes(asking, "ignore-error-codes = [403, 410]"))
    asking.serve("secret", "1.0", at="public")
    for status in (403, 410):
        asking.answer("/private/secret/", status)
        assert asking.lock().exit_code == 0
        assert asking.locked() == {"secret": "1.0"}
    asking.answer("/private/secret/", 401)
    assert asking.lock("--upgrade").exit_code == 3


def test_an_index_is_not_asked_for_what_one_before_it_has(asking: Asking) -> None:
    """So what it refuses is no matter, and it does not hear of private names."""
    asking.project("secret", "open", more=two_indexes(asking))
    asking.serve("secret", "1.0", at="private", requires=("deep",))
    asking.serve("deep", "1.0", at="private")
    asking.serve("open", "1.0", at="public")
    for name in ("secret", "deep"):
        asking.answer(f"/public/{name}/", 403)
    assert asking.lock().exit_code == 0
    assert asking.locked() == {"secret": "1.0", "deep": "1.0", "open": "1.0"}
    assert [path for path in asking.server.paths() if path.startswith("/public/")] == ["/public/open/"]


def test_every_index_is_asked_where_all_count_alike(asking: Asking) -> None:
    asking.project("secret", more='[tool.uv]\nindex-strategy = "unsafe-best-match"\n' + two_indexes(asking))
    asking.serve("secret", "1.0", at="private")
    asking.answer("/public/secret/", 403)
    assert asking.lock().exit_code == 3
    asking.serve("secret", "2.0", at="public")
    assert asking.lock().exit_code == 0
    assert asking.locked() == {"secret": "2.0"}


def test_a_pinned_index_that_refuses_is_told_with_all_that_may_be_wrong(asking: Asking) -> None:
    source = '[tool.uv.sources]\nsecret = { index = "private" }\n'
    asking.project("secret", more=source + two_indexes(asking, "explicit = true"))
    asking.answer("/private/secret/", 401)
    asking.serve("secret", "1.0", at="public")
    result = asking.lock()
    assert result.exit_code == 3
    assert "UV_INDEX_PRIVATE_PASSWORD" in result.stderr
    result = asking.lock(env={"UV_INDEX_PRIVATE_USERNAME": "me", "UV_INDEX_PRIVATE_PASSWORD": "old-token"})
    assert result.exit_code == 3
    assert "wrong or expired" in result.stderr and "old-token" not in result.output
