"""Files that are not what their index promises, that are refused, or gone: told, and never passed over in silence."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from .asking import Asking, index_table
from .conftest import Reply, Request, Server, metadata_bytes, sdist, wheel

DYNAMIC = {"PKG-INFO": metadata_bytes("tool", "2.0"), "setup.py": b"from setuptools import setup; setup()\n"}
"""A source distribution that says nothing binding."""
STATIC = {"PKG-INFO": metadata_bytes("tool", "2.0", metadata_version="2.2")}


@pytest.fixture
def asking(tmp_path: Path, server: Server) -> Asking:
    asking = Asking(tmp_path, server)
    asking.project("tool", more=index_table(server.index))
    return asking


def older(server: Server) -> dict[str, Any]:
    return server.file("tool-1.0-py3-none-any.whl", wheel("tool", "1.0"))


def changed(server: Server, filename: str, *, size_too: bool = False, ranges: bool = False) -> None:
    """Let a file be another one than its entry says."""
    path = f"/files/{filename}"
    body = server.replies[path].body  # type: ignore[union-attr]
    body = body + b"more" if size_too else body[:-1] + bytes([body[-1] ^ 1])
    server.replies[path] = Reply(body, ranges=ranges)


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
@pytest.mark.parametrize("size_too", [False, True])
@pytest.mark.parametrize("form", ["wheel", "sdist", "static sdist"])
def test_a_file_that_is_not_the_promised_one_ends_the_run(
    asking: Asking, form: str, size_too: bool, quiet: tuple[str, ...]
) -> None:
    server, name = asking.server, "tool-2.0.tar.gz"
    if form == "wheel":
        name = "tool-2.0-py3-none-any.whl"
        file = server.file(name, wheel("tool", "2.0"))
    else:
        file = server.file(name, sdist("tool", "2.0", STATIC if form == "static sdist" else DYNAMIC))
    server.page("tool", [older(server), file])
    changed(server, name, size_too=size_too)
    result = asking.lock(*quiet)
    assert result.exit_code == 3
    assert name in result.stderr and server.index in result.stderr
    assert ("larger than the index says" if size_too else "sha256 hash is not the one") in result.stderr
    assert "tool!=2.0 in constraint-dependencies" in result.stderr
    assert asking.locked() == {}
    more = '[tool.uv]\nconstraint-dependencies = ["tool!=2.0"]\n' + index_table(server.index)
    asking.project("tool", more=more)
    assert asking.lock(*quiet).exit_code == 0
    assert asking.locked() == {"tool": "1.0"}


def test_parts_of_a_wheel_that_make_it_look_broken_are_no_reason_to_pass_it_over(asking: Asking) -> None:
    """Parts cannot be checked against the hash: so all of the wheel is, before it is called broken."""
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    server.page("tool", [older(server), server.file(name, wheel("tool", "2.0"), ranges=True)])
    changed(server, name, ranges=True)
    body = bytearray(server.replies[f"/files/{name}"].body)  # type: ignore[union-attr]
    body[-22:] = bytes(22)
    server.replies[f"/files/{name}"] = Reply(bytes(body), ranges=True)
    result = asking.lock()
    assert result.exit_code == 3
    assert "sha256 hash is not the one" in result.stderr


def test_what_is_no_wheel_though_its_hash_is_right_is_told_and_passed_over(asking: Asking) -> None:
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    server.page("tool", [older(server), server.file(name, b"no zip", ranges=True)])
    result = asking.lock()
    assert result.exit_code == 0
    assert f"{name}: it is not a wheel" in result.stderr
    assert asking.locked() == {"tool": "1.0"}


@pytest.mark.parametrize("status", [401, 403, 410, 451])
@pytest.mark.parametrize("name", ["tool-2.0-py3-none-any.whl", "tool-2.0.tar.gz"])
def test_a_refused_file_ends_the_run(asking: Asking, name: str, status: int) -> None:
    server = asking.server
    server.page("tool", [older(server), server.file(name, b"never read")])
    asking.answer(f"/files/{name}", status)
    result = asking.lock("--quiet")
    assert result.exit_code == 3
    assert name in result.stderr and str(status) in result.stderr
    assert asking.locked() == {}


@pytest.mark.parametrize("fault", [403, 404, "changed"])
def test_another_file_of_the_same_version_serves_and_that_is_told(asking: Asking, fault: int | str) -> None:
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    files = [server.file(name, wheel("tool", "2.0")), server.file("tool-2.0.tar.gz", sdist("tool", "2.0", STATIC))]
    server.page("tool", [older(server), *files])
    if isinstance(fault, int):
        asking.answer(f"/files/{name}", fault)
    else:
        changed(server, name)
    result = asking.lock("--quiet")
    assert result.exit_code == 0
    assert asking.locked() == {"tool": "2.0"}
    assert f"warning: {name} of {server.index}" in result.stderr
    assert "another file of tool 2.0 serves" in result.stderr


@pytest.mark.parametrize("hashed", [True, False])
def test_another_version_serves_for_a_file_that_is_gone_with_a_warning_that_names_both(
    asking: Asking, hashed: bool
) -> None:
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    file = server.file(name, wheel("tool", "2.0"))
    if not hashed:  # its metadata can be read, and the file that would have to be hashed is gone
        server.replies[f"/files/{name}.metadata"] = Reply(metadata_bytes("tool", "2.0"))
        file |= {"hashes": {}, "core-metadata": True}
    server.page("tool", [older(server), file])
    asking.answer(f"/files/{name}", 404)
    for _ in range(2):  # the second run recalls the verdict, and says the same
        result = asking.lock("--quiet")
        assert result.exit_code == 0
        assert asking.locked() == {"tool": "1.0"}
        warning = " ".join(result.stderr.split())
        assert "warning: tool 2.0 is listed by" in warning and "404" in warning
        assert "tool 1.0 is locked in its place" in warning


GARBAGE = {
    "no archive": b"garbage",
    "empty": b"",
    "cut": wheel("tool", "2.0")[:-30],
    "no metadata": wheel("tool", "2.0").replace(b"METADATA", b"METADATE"),
    "of another": wheel("other", "2.0"),
    "of another version": wheel("tool", "3.0"),
}
"""What nobody can read as the wheel of tool 2.0, though it is what the index promises."""


@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("kind", GARBAGE)
def test_what_nobody_can_read_is_told_with_what_serves_in_its_place(asking: Asking, kind: str, ranges: bool) -> None:
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    garbage = server.file(name, GARBAGE[kind], ranges=ranges)
    server.page("tool", [older(server), garbage])
    for _ in range(2):  # the second run recalls the verdict, and says the same
        result = asking.lock("--quiet")
        assert result.exit_code == 0
        assert asking.locked() == {"tool": "1.0"}
        warning = " ".join(result.stderr.split())
        assert f"warning: tool 2.0 of {server.index} cannot be read: {name}" in warning
        assert "tool 1.0 is locked in its place" in warning
    server.page("tool", [older(server), garbage, server.file("tool-2.0.tar.gz", sdist("tool", "2.0", STATIC))])
    result = asking.lock("--quiet", "--upgrade", "--no-cache")
    assert result.exit_code == 0
    assert asking.locked() == {"tool": "2.0"}
    assert f"warning: {name} of {server.index}" in result.stderr
    assert "another file of tool 2.0 serves" in result.stderr
    server.page("tool", [server.file("tool-3.0-py3-none-any.whl", wheel("tool", "3.0")), garbage])
    assert asking.lock("--quiet", "--upgrade", "--no-cache").stderr == ""


def test_an_sdist_that_nobody_can_read_is_told_with_what_serves_in_its_place(asking: Asking) -> None:
    server = asking.server
    other = {"PKG-INFO": metadata_bytes("other", "2.0", metadata_version="2.2")}
    for content in (b"garbage", sdist("tool", "2.0", other), sdist("tool", "2.0", STATIC)[:40]):
        server.page("tool", [older(server), server.file("tool-2.0.tar.gz", content)])
        result = asking.lock("--quiet", "--no-cache", "--upgrade")
        assert result.exit_code == 0
        assert asking.locked() == {"tool": "1.0"}
        assert "tool 1.0 is locked in its place" in " ".join(result.stderr.split())


@pytest.mark.parametrize("cause", ["refused", "changed"])
def test_a_file_that_cannot_be_hashed_ends_the_run_unless_it_is_gone(asking: Asking, cause: str) -> None:
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    server.replies[f"/files/{name}.metadata"] = Reply(metadata_bytes("tool", "2.0"))
    file = server.file(name, wheel("tool", "2.0")) | {"hashes": {}, "core-metadata": True}
    server.page("tool", [older(server), file])
    if cause == "refused":
        asking.answer(f"/files/{name}", 403)
    else:
        changed(server, name, size_too=True)
    result = asking.lock("--quiet")
    assert result.exit_code == 3
    assert name in result.stderr
    assert asking.locked() == {}


@pytest.mark.parametrize("ranges", [True, False])
def test_metadata_with_a_wrong_digest_is_not_read_and_the_wheel_is_in_full(asking: Asking, ranges: bool) -> None:
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    file = server.file(name, wheel("tool", "2.0", "Requires-Dist: part"), ranges=ranges)
    lie = metadata_bytes("tool", "2.0", "Requires-Dist: stranger")
    server.replies[f"/files/{name}.metadata"] = Reply(lie)
    server.page("tool", [file | {"core-metadata": {"sha256": hashlib.sha256(b"the truth").hexdigest()}}])
    asking.serve("part", "1.0")
    result = asking.lock("--quiet")
    assert result.exit_code == 0
    assert asking.locked() == {"tool": "2.0", "part": "1.0"}
    assert f"{name}.metadata of {server.index} is not what it should be" in result.stderr
    spans = [request.headers.get("range") for request in server.requests if request.path == f"/files/{name}"]
    assert spans == [None]
    changed(server, name, ranges=ranges)
    (asking.folder / "pylock.toml").unlink()
    result = asking.lock("--no-cache")
    assert result.exit_code == 3
    assert "sha256 hash is not the one" in result.stderr


def test_the_server_of_a_file_is_told_from_the_index(asking: Asking) -> None:
    """Credentials of the index are no matter of another host's files."""
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    secret = server.index.replace("//", "//me:pa55word@")
    asking.project("tool", more=index_table(secret))

    def refuse(request: Request) -> Reply:
        return Reply(status=403)

    server.page("tool", [server.file(name, b"x")])
    server.replies[f"/files/{name}"] = refuse
    result = asking.lock()
    assert result.exit_code == 3
    assert "the credentials that were sent may be wrong or expired" in result.stderr
    assert "pa55word" not in result.output


# -- the cache


@pytest.mark.parametrize("way", ["parts", "metadata", "metadata without a digest"])
def test_no_index_fills_the_cache_for_the_file_of_another(asking: Asking, way: str) -> None:
    """The liar lists the digest of the honest file, and answers with something else where that is not checked."""
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    honest = server.file(name, wheel("tool", "2.0", "Requires-Dist: part"))
    server.page("tool", [honest])
    server.replies["/honest/tool/"] = server.replies.pop("/simple/tool/")
    asking.serve("part", "1.0", at="honest")
    asking.serve("stranger", "6.6", at="liar")
    lie = metadata_bytes("tool", "2.0", "Requires-Dist: stranger")
    mask = {"url": f"/liar/files/{name}", "size": None}
    if way == "parts":
        body = wheel("tool", "2.0", "Requires-Dist: stranger")
        server.replies[f"/liar/files/{name}"] = Reply(body, ranges=True)
    else:
        server.replies[f"/liar/files/{name}.metadata"] = Reply(lie)
        digest = hashlib.sha256(lie).hexdigest()
        mask["core-metadata"] = {"sha256": digest} if way == "metadata" else True  # type: ignore[assignment]
    server.page("tool", [honest | mask])
    server.replies["/liar/tool/"] = server.replies.pop("/simple/tool/")
    asking.project("tool", more=index_table(f"{server.url}/liar"))
    assert asking.lock().exit_code == 0
    assert asking.locked() == {"tool": "2.0", "stranger": "6.6"}
    asking.project("tool", more=index_table(f"{server.url}/honest"))
    assert asking.lock("--upgrade").exit_code == 0
    assert asking.locked() == {"tool": "2.0", "part": "1.0"}


def test_a_digest_that_was_checked_vouches_for_the_file_of_any_index(asking: Asking) -> None:
    server, name = asking.server, "tool-2.0.tar.gz"
    file = server.file(name, sdist("tool", "2.0", STATIC))
    for index in ("one", "two"):
        server.page("tool", [file])
        server.replies[f"/{index}/tool/"] = server.replies.pop("/simple/tool/")
        asking.project("tool", more=index_table(f"{server.url}/{index}"))
        assert asking.lock("--upgrade").exit_code == 0
    assert server.paths().count(f"/files/{name}") == 1


def test_what_is_kept_of_a_file_is_not_that_of_another_package_with_its_digest(asking: Asking) -> None:
    server = asking.server
    body = metadata_bytes("tool", "2.0")
    beside = {"core-metadata": {"sha256": hashlib.sha256(body).hexdigest()}}
    for name in ("tool", "mask"):
        wheel_name = f"{name}-2.0-py3-none-any.whl"
        server.page(name, [server.file(wheel_name, wheel("mask", "2.0", "Requires-Dist: tool")) | beside])
        server.replies[f"/files/{wheel_name}.metadata"] = Reply(body)
    asking.project("tool", more=index_table(server.index))
    assert asking.lock().exit_code == 0
    asking.project("mask", more=index_table(server.index))
    assert asking.lock("--upgrade").exit_code == 0
    assert asking.locked() == {"mask": "2.0", "tool": "2.0"}


# -- what is believed without a build


def test_what_an_sdist_notes_serves_without_a_build_and_the_lock_says_so(asking: Asking) -> None:
    """As setuptools writes it of a setup.py, which here would fail."""
    noted = metadata_bytes("tool", "2.0", "Requires-Dist: part", "Dynamic: requires-dist", metadata_version="2.4")
    files = {"PKG-INFO": noted, "setup.py": b"raise SystemExit('no compiler here')\n"}
    asking.server.page("tool", [asking.server.file("tool-2.0.tar.gz", sdist("tool", "2.0", files))])
    asking.serve("part", "1.0")
    for _ in range(2):
        result = asking.lock("--upgrade")
        assert result.exit_code == 0
        assert "tool 2.0 was not built: what it requires is what its source distribution notes" in result.stderr
    assert asking.locked() == {"tool": "2.0", "part": "1.0"}
