"""What an index refuses is told, and never answered from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from .asking import Asking, index_table
from .conftest import Reply, Server, metadata_bytes, wheel
from .conftest import sdist as sdist_of


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
    asking.project("secret", more=two_indexes(asking, "ignore-error-codes = [403, 410, 500, 503]"))
    asking.serve("secret", "1.0", at="public")
    for status in (403, 410, 500, 503):
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


@pytest.mark.parametrize(
    "page",
    [
        b"<html><body><form action='/login'><input name=user><input type=password></form></body></html>",
        b"<!doctype html><a href='/help.html'>Help</a><form method=post action='https://sso.example/saml2'></form>",
    ],
)
def test_a_page_to_log_in_is_no_answer(asking: Asking, page: bytes) -> None:
    """As it comes with status 200 from an index before which somebody has to log in."""
    asking.project("secret", more=two_indexes(asking))
    asking.server.replies["/private/secret/"] = Reply(page, headers={"Content-Type": "text/html; charset=utf-8"})
    asking.serve("secret", "99.0", at="public")
    result = asking.lock("--quiet")
    assert result.exit_code == 3 and "log in" in result.stderr and "/private" in result.stderr
    assert "/public/secret/" not in asking.server.paths()


def test_a_form_beside_files_is_no_page_to_log_in(asking: Asking) -> None:
    asking.project("tool", more=index_table(asking.server.index))
    asking.serve("tool", "1.0")
    links = "<a href='/files/tool-1.0-py3-none-any.whl'>tool-1.0-py3-none-any.whl</a><form action='/+login'></form>"
    asking.server.replies["/simple/tool/"] = Reply(links.encode(), headers={"Content-Type": "text/html"})
    assert asking.lock().exit_code == 0 and asking.locked() == {"tool": "1.0"}


@pytest.mark.parametrize("place", ["http://127.0.0.1:99999/x/", "file:///etc/", "http://[::1/", "gopher://a/"])
def test_a_redirect_to_nowhere_names_the_index(asking: Asking, place: str) -> None:
    asking.project("tool", more=index_table(asking.server.index))
    asking.server.replies["/simple/tool/"] = Reply(status=302, headers={"Location": place})
    result = asking.lock("--quiet")
    assert result.exit_code == 3 and f"{asking.server.index} could not be asked for tool: " in result.stderr


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"hashes": {"sha256": "a" * 63}}, "its sha256 hash is not one"),
        ({"hashes": {"md5": "a" * 32, "sha512": None}}, "its sha512 hash is not one"),
        ({"url": "http://127.0.0.1:99999/x"}, "its address is not an address"),
        ({"url": "http://a b/"}, "its address names no host"),
        ({"url": "data:text/plain,x"}, "has the scheme 'data'"),
        ({"url": "http://a.example/" + "x" * 20_000}, "its address is too long"),
        ({"requires-python": ">=" + "9" * 5000}, "its Requires-Python is too long"),
    ],
)
def test_a_newer_release_that_is_left_out_for_a_fault_of_the_index_is_told(
    asking: Asking, more: dict[str, object], reason: str
) -> None:
    server = asking.server
    asking.project("tool", more=index_table(server.index))
    old, new = (server.file(f"tool-{v}-py3-none-any.whl", wheel("tool", v)) for v in ("1.0", "2.0"))
    odd = {**old, "filename": "tool-1.5.egg"}, {**old, "filename": "tool-3.x-py3-none-any.whl"}
    server.page("tool", [old, *odd, {**new, **more}])
    result = asking.lock("--quiet")
    assert result.exit_code == 0 and asking.locked() == {"tool": "1.0"}
    (line,) = result.stderr.splitlines()
    assert f"tool-2.0-py3-none-any.whl of {server.index} is left out: {reason}"[:60] in line and reason in line
    assert line.endswith("tool 1.0 is locked.")
    server.page("tool", [*odd, {**new, **more}])
    result = asking.lock("--upgrade")
    assert result.exit_code == 1 and reason in result.stderr, result.stderr
    sdist = server.file(
        "tool-2.0.tar.gz", sdist_of("tool", "2.0", {"PKG-INFO": metadata_bytes("tool", "2.0", metadata_version="2.2")})
    )
    server.page("tool", [old, {**new, **more}, sdist])
    result = asking.lock("--upgrade", "--quiet")
    assert asking.locked() == {"tool": "2.0"} and "left out" not in result.stderr
