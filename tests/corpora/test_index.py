"""The live index: which requests it makes, what it keeps, what it says when things go wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from satlock.corpora.facts import CorpusError, Listing, Metadata, NeedsBuild, Unavailable, Wanted
from satlock.corpora.index.access import Access
from satlock.corpora.index.cache import Cache, Kept
from satlock.corpora.index.freshness import fresh_until
from satlock.corpora.index.index import LiveCorpus

from .conftest import Reply, Request, Server, metadata_bytes, sdist, wheel

pytestmark = pytest.mark.usefixtures("client")

Live = Callable[..., LiveCorpus]


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satlock.corpora.index.transport._FIRST_WAIT", 0.01)


def listing(corpus: LiveCorpus, server: Server, name: str = "demo") -> Listing:
    found = corpus.listings([(server.index, name)])[server.index, name]
    assert found is not None
    return found


def wanted(corpus: LiveCorpus, server: Server, name: str = "demo", *, build: bool = False) -> Wanted:
    release = listing(corpus, server, name).releases[-1]
    return Wanted(server.index, name, release.version, release.files, build)


def outcome(corpus: LiveCorpus, server: Server, *, build: bool = False) -> Any:
    want = wanted(corpus, server, build=build)
    return corpus.metadata([want])[want]


# -- listings and the cache


def test_many_listings_each_asked_once(server: Server, live: Live) -> None:
    for n in range(150):
        server.page(f"p{n}", [server.file(f"p{n}-1.0.tar.gz", b"x")])
    corpus = live()
    pairs = [(server.index, f"p{n}") for n in range(150)] + [(server.index, "missing")]
    corpus.prefetch(pairs[:100], [])
    found = corpus.listings(pairs)
    again = corpus.listings(reversed(pairs))
    assert found == again
    assert found[server.index, "missing"] is None
    assert [found[pair].name for pair in pairs[:-1]] == [name for _, name in pairs[:-1]]  # type: ignore[union-attr]
    assert sorted(server.paths()) == sorted(f"/simple/{name}/" for _, name in pairs)
    assert corpus.progress.requests_done == 151
    assert corpus.progress.requests_open == 0


def test_one_index_after_another_in_a_process(server: Server) -> None:
    """Each has a thread and a client of its own, and what the first leaves behind must not crash the second."""
    server.page("demo", [server.file("demo-1.0.tar.gz", b"x")])
    code = f"""
from satlock.corpora.index.index import LiveCorpus
for _ in range(3):
    corpus = LiveCorpus(no_cache=True)
    corpus.listings([({server.index!r}, "demo")])
    corpus.close()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_headers_of_a_request(server: Server, live: Live) -> None:
    server.page("demo", [])
    listing(live(), server)
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("satlock/")
    assert headers["accept"].startswith("application/vnd.pypi.simple.v1+json")


def test_etag(server: Server, live: Live) -> None:
    server.page("demo", [server.file("demo-1.0.tar.gz", b"x")])
    page = server.replies["/simple/demo/"]
    assert isinstance(page, Reply)
    page.headers |= {"ETag": '"one"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}

    def reply(request: Request) -> Reply:
        return Reply(status=304) if request.headers.get("if-none-match") == '"one"' else page

    server.replies["/simple/demo/"] = reply
    with live() as corpus:
        first = listing(corpus, server)
    assert listing(live(), server) == first
    assert "if-none-match" not in server.requests[0].headers
    assert server.requests[1].headers["if-modified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert len(server.requests) == 2


def test_max_age(server: Server, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    server.page("demo", [server.file("demo-1.0.tar.gz", b"x")], cache_control="max-age=600, public")
    with live() as corpus:
        first = listing(corpus, server)
    with live() as corpus:
        assert listing(corpus, server) == first
    assert len(server.requests) == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    with live() as corpus:
        assert listing(corpus, server) == first
    assert len(server.requests) == 2


def test_without_cache_headers_a_page_is_asked_for_again_but_not_parsed(
    server: Server, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.page("demo", [server.file("demo-1.0.tar.gz", b"x")])
    with live() as corpus:
        first = listing(corpus, server)
    parsed: list[object] = []
    monkeypatch.setattr("satlock.corpora.index.parsers.pack_page", parsed.append)
    with live() as corpus:
        assert listing(corpus, server) == first
    assert (len(server.requests), parsed) == (2, [])


def test_a_changed_page_is_noticed(server: Server, live: Live) -> None:
    server.page("demo", [server.file("demo-1.0.tar.gz", b"x")])
    with live() as corpus:
        assert [release.version for release in listing(corpus, server).releases] == ["1.0"]
    server.page("demo", [server.file("demo-2.0.tar.gz", b"x")])
    with live() as corpus:
        assert [release.version for release in listing(corpus, server).releases] == ["2.0"]
    with live(offline=True) as corpus:
        assert [release.version for release in listing(corpus, server).releases] == ["2.0"]


def test_no_store_is_not_kept(server: Server, live: Live, tmp_path: Path) -> None:
    server.page("demo", [server.file("demo-1.0.tar.gz", b"x")], cache_control="no-store")
    with live() as corpus:
        listing(corpus, server)
    with live(offline=True) as corpus, pytest.raises(CorpusError, match="offline"):
        listing(corpus, server)


def test_no_cache_writes_nothing(server: Server, live: Live, tmp_path: Path) -> None:
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", wheel("demo", "1.0"))], cache_control="max-age=600")
    for _ in range(2):
        with live(no_cache=True) as corpus:
            assert isinstance(outcome(corpus, server), Metadata)
    assert server.paths().count("/simple/demo/") == 2
    assert not (tmp_path / "cache").exists()


def test_offline(server: Server, live: Live) -> None:
    content = sdist("demo", "1.0", {"PKG-INFO": metadata_bytes("demo", "1.0")})
    server.page("demo", [server.file("demo-1.0.tar.gz", content)])
    server.page("pure", [server.file("pure-1.0-py3-none-any.whl", wheel("pure", "1.0"))])
    with live() as corpus:
        online = corpus.listings([(server.index, name) for name in ("demo", "pure", "missing")])
        wants = [wanted(corpus, server, name) for name in ("demo", "pure")]
        told = corpus.metadata(wants)
    count = len(server.requests)
    with live(offline=True) as corpus:
        corpus.prefetch([(server.index, "unknown")], [])
        assert corpus.listings(online) == online
        assert corpus.metadata(wants) == told
        with pytest.raises(CorpusError, match="unknown is not in the cache, and satlock is offline"):
            corpus.listings([(server.index, "unknown")])
    assert isinstance(told[wants[0]], NeedsBuild)
    assert isinstance(told[wants[1]], Metadata)
    assert len(server.requests) == count


def test_broken_entries_are_discarded(server: Server, live: Live, tmp_path: Path) -> None:
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", wheel("demo", "1.0"))], cache_control="max-age=600")
    with live() as corpus:
        first, told = listing(corpus, server), outcome(corpus, server)
    entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(entries) == 2
    for damage in (
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
    ):
        for path in entries:
            path.write_bytes(damage(path.read_bytes()))
        with live() as corpus:
            assert listing(corpus, server) == first
            assert outcome(corpus, server) == told
    assert server.paths().count("/simple/demo/") == 4


def test_processes_share_a_cache(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from satlock.corpora.index.cache import Cache
from satlock.corpora.facts import Metadata
cache = Cache(Path(sys.argv[1]))
for turn in range(150):
    for key in range(5):
        value = Metadata(f"p{key}", sys.argv[2] * 200, (str(turn),) * 50, None, ())
        cache.keep_metadata("file", str(key), value)
        found = cache.metadata("file", str(key))
        assert found is not None and found.name == f"p{key}" and len(set(found.version)) == 1, found
"""
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), mark], cwd=root, stderr=subprocess.PIPE)
        for mark in "abcd"
    ]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, errors
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 5  # and no temporary file is left


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = Cache(blocked / "cache")
    cache.keep_page("https://index.example/demo/", Kept("", "", 0.0, b"", None))
    assert cache.page("https://index.example/demo/") is None


@pytest.mark.parametrize(
    ("headers", "lifetime", "store"),
    [
        ({}, 0, True),
        ({"cache-control": "max-age=60"}, 60, True),
        ({"cache-control": "public, Max-Age=60", "age": "20"}, 40, True),
        ({"cache-control": "max-age=60", "age": "80"}, 0, True),
        ({"cache-control": "no-cache, max-age=60"}, 0, True),
        ({"cache-control": "no-store"}, 0, False),
        ({"cache-control": "max-age=nonsense"}, 0, True),
        ({"expires": "Thu, 01 Jan 1970 00:01:40 GMT", "date": "Thu, 01 Jan 1970 00:00:40 GMT"}, 60, True),
        ({"expires": "0"}, 0, True),
        ({"cache-control": "max-age=10", "expires": "Thu, 01 Jan 2099 00:00:00 GMT"}, 10, True),
    ],
)
def test_freshness(headers: dict[str, str], lifetime: float, store: bool) -> None:
    assert fresh_until(headers, 1000.0) == (1000.0 + lifetime if lifetime else 0.0, store)


# -- metadata


def test_metadata_beside_the_wheel(server: Server, live: Live) -> None:
    data = metadata_bytes("demo", "1.0", "Requires-Dist: six")
    offered = {"core-metadata": {"sha256": hashlib.sha256(data).hexdigest()}}
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", b"never read", **offered)])
    server.replies["/files/demo-1.0-py3-none-any.whl.metadata"] = Reply(data)
    with live() as corpus:
        corpus.prefetch([], [wanted(corpus, server)])
        assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())
    with live() as corpus:
        assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())
    assert server.paths() == ["/simple/demo/", "/files/demo-1.0-py3-none-any.whl.metadata", "/simple/demo/"]


def test_metadata_with_another_hash_is_not_believed(server: Server, live: Live) -> None:
    content = wheel("demo", "1.0", "Requires-Dist: true")
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", content, **{"core-metadata": {"sha256": "0" * 64}})])
    server.replies["/files/demo-1.0-py3-none-any.whl.metadata"] = Reply(metadata_bytes("demo", "1.0"))
    assert outcome(live(), server) == Metadata("demo", "1.0", ("true",), None, ())


def test_metadata_in_a_large_wheel_by_parts(server: Server, live: Live) -> None:
    content = wheel("demo", "1.0", "Requires-Dist: six", files={"demo/big": bytes(3_000_000)})
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", content, ranges=True)])
    corpus = live()
    assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())
    assert corpus.progress.bytes_received < 100_000
    assert any("range" in request.headers for request in server.requests)


def test_metadata_in_a_whole_wheel(server: Server, live: Live) -> None:
    content = wheel("demo", "1.0", "Requires-Dist: six", files={"demo/big": bytes(300_000)})
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", content, ranges=False)])
    assert outcome(live(), server) == Metadata("demo", "1.0", ("six",), None, ())
    assert len(server.requests) == 3  # the page, the missing metadata file, and the wheel only once


def test_a_host_without_metadata_files_is_not_asked_for_ever(server: Server, live: Live) -> None:
    corpus = live()
    for n in range(12):
        server.page(f"p{n}", [server.file(f"p{n}-1.0-py3-none-any.whl", wheel(f"p{n}", "1.0"), ranges=True)])
        want = wanted(corpus, server, f"p{n}")
        assert isinstance(corpus.metadata([want])[want], Metadata)
    assert sum(path.endswith(".metadata") for path in server.paths()) == 4


def test_the_order_of_wheels(server: Server, live: Live) -> None:
    def content(mark: str) -> bytes:
        return wheel("demo", "1.0", f"Requires-Dist: {mark}")

    tags = ["cp313-cp313t-manylinux_2_17_x86_64", "cp311-cp311-win_amd64", "cp39-cp39-manylinux1_x86_64"]
    tags += ["cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp314-cp314-manylinux_2_28_aarch64"]
    tags += ["py2-none-any", "py2.py3-none-any"]
    order = ["py2.py3-none-any", "py2-none-any", tags[3], tags[0], tags[2], tags[1]]
    files = [server.file(f"demo-1.0-{tag}.whl", content(f"m{n}"), ranges=True) for n, tag in enumerate(tags)]
    for tag in order:
        server.page("demo", files)
        with live(no_cache=True) as corpus:
            assert outcome(corpus, server).requires_dist == (f"m{tags.index(tag)}",)
        files = [file for file in files if file["filename"] != f"demo-1.0-{tag}.whl"]


def test_a_broken_wheel_gives_way_to_the_next(server: Server, live: Live) -> None:
    bad = server.file("demo-1.0-cp313-cp313-manylinux1_x86_64.whl", b"no zip at all")
    gone = server.file("demo-1.0-cp312-cp312-manylinux1_x86_64.whl", b"")
    del server.replies["/files/demo-1.0-cp312-cp312-manylinux1_x86_64.whl"]
    other = server.file("demo-1.0-cp311-cp311-manylinux1_x86_64.whl", wheel("other", "1.0"))
    good = server.file("demo-1.0-cp310-cp310-manylinux1_x86_64.whl", wheel("demo", "1.0", "Requires-Dist: six"))
    server.page("demo", [bad, gone, other, good])
    with live() as corpus:
        assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())
    with live(offline=True) as corpus:
        assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())
    server.page("demo", [bad, gone, other])
    with live() as corpus:
        told = outcome(corpus, server)
    assert isinstance(told, Unavailable)
    for reason in ("is not a wheel that can be read", "HTTP status 404", "its metadata is that of 'other'"):
        assert reason in told.reason
    with live(offline=True) as corpus:
        assert outcome(corpus, server) == told


def test_a_wheel_with_another_hash_is_not_believed(server: Server, live: Live) -> None:
    file = server.file("demo-1.0-py3-none-any.whl", wheel("demo", "1.0", files={"big": bytes(100_000)}))
    server.page("demo", [{**file, "hashes": {"sha256": "0" * 64}}])
    told = outcome(live(), server)
    assert isinstance(told, Unavailable)
    assert "sha256" in told.reason


def test_a_static_sdist(server: Server, live: Live) -> None:
    info = metadata_bytes("demo", "1.0", "Requires-Dist: six", metadata_version="2.2")
    server.page("demo", [server.file("demo-1.0.tar.gz", sdist("demo", "1.0", {"PKG-INFO": info}))])
    assert outcome(live(), server) == Metadata("demo", "1.0", ("six",), None, ())


def test_an_sdist_with_another_hash_is_not_believed(server: Server, live: Live) -> None:
    info = metadata_bytes("demo", "1.0", metadata_version="2.2")
    file = server.file("demo-1.0.tar.gz", sdist("demo", "1.0", {"PKG-INFO": info}))
    server.page("demo", [{**file, "hashes": {"sha256": "0" * 64}}])
    assert isinstance(outcome(live(), server), Unavailable)


def test_a_static_project_table(server: Server, live: Live) -> None:
    files = {
        "PKG-INFO": metadata_bytes("demo", "1.0"),
        "pyproject.toml": b'[project]\nname = "demo"\nversion = "1.0"\ndependencies = ["six"]\n',
    }
    server.page("demo", [server.file("demo-1.0.tar.gz", sdist("demo", "1.0", files))])
    with live() as corpus:
        assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())
    with live(offline=True) as corpus:
        assert outcome(corpus, server) == Metadata("demo", "1.0", ("six",), None, ())


def test_a_hint_is_kept_and_changes_nothing_else(server: Server, live: Live) -> None:
    more = {"demo.egg-info/requires.txt": b"six>=1\n\n[x]\nattrs\n"}
    server.page("demo", [server.file("demo-1.0.tar.gz", dynamic_sdist(more=more))])
    hint = Metadata("demo", "1.0", ("six>=1", 'attrs; extra == "x"'), None, ("x",))
    built = Metadata("demo", "1.0", ("built",), None, ())
    with live() as corpus:
        assert outcome(corpus, server) == NeedsBuild(hint)
    with live(offline=True) as corpus:
        assert outcome(corpus, server) == NeedsBuild(hint)
    with live() as corpus:
        assert outcome(corpus, server, build=True) == built
        assert outcome(corpus, server) == NeedsBuild(hint)
    with live(offline=True) as corpus:
        assert outcome(corpus, server) == NeedsBuild(hint)
        assert outcome(corpus, server, build=True) == built


def test_the_first_archive_with_a_hint_gives_it(server: Server, live: Live) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("demo-1.0/PKG-INFO", metadata_bytes("demo", "1.0", "Requires-Dist: six"))
    bare = server.file("demo-1.0.tar.gz", dynamic_sdist())
    server.page("demo", [server.file("demo-1.0.zip", buffer.getvalue()), bare])
    assert outcome(live(), server) == NeedsBuild(Metadata("demo", "1.0", ("six",), None, ()))


BACKEND = b"""
import os, sys, time
def build_wheel(*_): raise SystemExit("not needed")
def build_sdist(*_): raise SystemExit("not needed")
def prepare_metadata_for_build_wheel(folder, settings=None):
    print("noise on standard output"); print("noise on standard error", file=sys.stderr)
    MORE
    os.mkdir(os.path.join(folder, "demo-1.0.dist-info"))
    with open(os.path.join(folder, "demo-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\nRequires-Dist: built\\n")
    return "demo-1.0.dist-info"
"""
PROJECT = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def dynamic_sdist(code: str = "pass", more: dict[str, bytes] | None = None) -> bytes:
    files = {"PKG-INFO": metadata_bytes("demo", "1.0"), "pyproject.toml": PROJECT, **(more or {})}
    return sdist("demo", "1.0", files | {"backend.py": BACKEND.replace(b"MORE", code.encode())})


def test_a_build(server: Server, live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    server.page("demo", [server.file("demo-1.0.tar.gz", dynamic_sdist())])
    with live() as corpus:
        assert outcome(corpus, server) == NeedsBuild()
        assert outcome(corpus, server, build=True) == Metadata("demo", "1.0", ("built",), None, ())
        assert corpus.progress.builds_done == 1
        assert server.paths() == ["/simple/demo/", "/files/demo-1.0.tar.gz"]  # nothing is asked for twice
    with live(offline=True) as corpus:
        assert outcome(corpus, server, build=True) == Metadata("demo", "1.0", ("built",), None, ())
        assert outcome(corpus, server) == NeedsBuild()  # what is built never changes the answer without builds
        assert corpus.progress.builds_done == 0
    assert capfd.readouterr() == ("", "")


def test_a_build_that_fails(server: Server, live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    content = dynamic_sdist("raise RuntimeError('no compiler, no cake')")
    server.page("demo", [server.file("demo-1.0.tar.gz", content)])
    told = outcome(live(), server, build=True)
    assert isinstance(told, Unavailable)
    assert "its build failed: RuntimeError: no compiler, no cake" in told.reason
    assert "\n" not in told.reason
    assert capfd.readouterr() == ("", "")


def test_closing_ends_builds(server: Server, live: Live, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    server.page("demo", [server.file("demo-1.0.tar.gz", dynamic_sdist(f"open({str(mark)!r}, 'w'); time.sleep(60)"))])
    corpus = live()
    want = wanted(corpus, server, build=True)
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            corpus.metadata([want])
        except CorpusError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not mark.exists():
        time.sleep(0.02)
    start = time.monotonic()
    corpus.close()
    thread.join(timeout=5)
    assert time.monotonic() - start < 5
    assert "closed" in str(failures[0])
    deadline = time.monotonic() + 5
    while corpus._builder_of_all().running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not corpus._builder_of_all().running


# -- failures


def test_passing_failures_are_tried_again(server: Server, live: Live) -> None:
    body = server.page("demo", [server.file("demo-1.0.tar.gz", b"x")])
    answers = [Reply(status=503), Reply(status=429, headers={"Retry-After": "0"})]
    good = Reply(body, headers={"Content-Type": "application/json"})
    server.replies["/simple/demo/"] = lambda request: answers.pop() if answers else good
    assert listing(live(), server).releases[0].version == "1.0"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=500), "could not be asked for demo: HTTP status 500"),
        (Reply(status=401), "refuses demo with HTTP status 401.*sent may be wrong or expired"),
        (Reply(status=403), "refuses demo with HTTP status 403.*ignore-error-codes = \\[403\\]"),
        (Reply(status=410), "refuses demo with HTTP status 410"),
        (Reply(status=418), "answered for demo with HTTP status 418"),
        (Reply(b"<", headers={"Content-Type": "image/png"}), "has a page for demo that cannot be read"),
        (Reply(status=302, headers={"Location": "ftp://files.example/"}), "redirects to where satlock does not follow"),
    ],
)
def test_errors_are_one_sentence_without_credentials(server: Server, live: Live, reply: Reply, reason: str) -> None:
    server.replies["/simple/demo/"] = reply
    index = server.index.replace("//", "//someone:secret@")
    corpus = live()
    with pytest.raises(CorpusError, match=reason) as caught:
        corpus.listings([(index, "demo")])
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(CorpusError, match=reason):  # also the second time, and without asking again
        corpus.listings([(index, "demo")])


def test_an_index_that_is_not_there(live: Live) -> None:
    with pytest.raises(CorpusError, match=r"http://127\.0\.0\.1:9/simple could not be asked for demo"):
        live().listings([("http://127.0.0.1:9/simple", "demo")])


@pytest.mark.parametrize(
    "index", ["ftp://index.example/", "index.example", "http://[x", "http://host:port/", "http://"]
)
def test_what_is_no_index_address(live: Live, index: str) -> None:
    corpus = live()
    corpus.prefetch([(index, "demo")], [])
    with pytest.raises(CorpusError):
        corpus.listings([(index, "demo")])


@pytest.mark.parametrize("status", [401, 403, 410])
def test_what_an_index_refuses_is_absent_only_where_the_project_says_so(
    server: Server, live: Live, status: int
) -> None:
    server.replies["/simple/kept/"] = Reply(status=status)
    with pytest.raises(CorpusError, match=r"no credentials are known for it|410, gone"):
        live().listings([(server.index, "kept")])
    stated = Access().with_ignored([(server.index, frozenset({status})), (f"{server.index}/other", None)])
    assert live(access=stated).listings([(server.index, "kept")]) == {(server.index, "kept"): None}
    other = Access().with_ignored([(server.index, frozenset({418}))])
    with pytest.raises(CorpusError, match=f"HTTP status {status}"):
        live(access=other).listings([(server.index, "kept")])


def test_the_stores_of_pytorch_forbid_what_they_lack() -> None:
    index = f"https://{'.'.join(('download', 'pytorch', 'org'))}/whl/cpu"
    assert Access().says_absent(index, 403) and not Access().says_absent(index, 401)
    assert not Access().says_absent("https://index.example/whl/cpu", 403)
    stated = Access().with_ignored([(index, frozenset({401}))])
    assert stated.says_absent(index, 401) and stated.says_absent(index, 404) and not stated.says_absent(index, 403)


def test_a_refusal_tells_where_credentials_may_be_put(server: Server, live: Live) -> None:
    server.replies["/simple/demo/"] = Reply(status=401)
    access = Access().named([("our-own", server.index)])
    with pytest.raises(CorpusError, match="UV_INDEX_OUR_OWN_USERNAME and UV_INDEX_OUR_OWN_PASSWORD"):
        live(access=access).listings([(server.index, "demo")])


def test_a_file_host_that_fails_is_no_property_of_the_candidate(server: Server, live: Live) -> None:
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", b"")])
    server.replies["/files/demo-1.0-py3-none-any.whl"] = Reply(status=502)
    with pytest.raises(CorpusError, match=r"demo 1\.0: HTTP status 502"):
        outcome(live(), server)


def test_closing_stops_what_runs(server: Server, live: Live) -> None:
    waiting = threading.Event()

    def slow(request: Request) -> Reply:
        waiting.wait(20)
        return Reply(status=404)

    server.replies["/simple/demo/"] = slow
    corpus = live()
    corpus.prefetch([(server.index, "demo")], [])
    while not server.requests:
        time.sleep(0.01)
    start = time.monotonic()
    corpus.close()
    assert time.monotonic() - start < 5
    waiting.set()
    with pytest.raises(CorpusError, match="closed"):
        corpus.listings([(server.index, "demo")])


# -- credentials


def test_credentials_go_to_their_origin_only_and_are_never_shown(
    server: Server, live: Live, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    other = Server()
    try:
        own = server.file("demo-1.0-cp312-cp312-manylinux1_x86_64.whl", b"broken")
        foreign = other.file("demo-1.0-cp311-cp311-manylinux1_x86_64.whl", wheel("demo", "1.0"))
        server.page("demo", [own, {**foreign, "url": other.url + foreign["url"]}])
        index = server.index.replace("//", "//someone:s%2Fecret@")
        with live() as corpus:
            found = corpus.listings([(index, "demo")])[index, "demo"]
            assert found is not None
            release = found.releases[0]
            want = Wanted(found.index, "demo", "1.0", release.files)
            told = corpus.metadata([want])[want]
    finally:
        other.close()
    assert isinstance(told, Metadata)
    expected = "Basic " + base64.b64encode(b"someone:s/ecret").decode()
    assert [request.headers.get("authorization") for request in server.requests] == [expected] * len(server.requests)
    assert len(server.requests) >= 3
    assert other.requests
    assert not any("authorization" in request.headers for request in other.requests)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert kept
    for text in (repr(found), repr(want), repr(told), caplog.text, kept.decode("latin-1"), repr(corpus.progress)):
        assert "secret" not in text
        assert "ecret@" not in text


def test_redirects_to_other_hosts_lose_credentials(server: Server, live: Live) -> None:
    other = Server()
    try:
        other.page("demo", [])
        server.replies["/simple/demo/"] = Reply(status=302, headers={"Location": f"{other.index}/demo/"})
        index = server.index.replace("//", "//someone:secret@")
        assert live().listings([(index, "demo")])[index, "demo"] is not None
        assert "authorization" in server.requests[0].headers
        assert "authorization" not in other.requests[0].headers
    finally:
        other.close()


# -- folders, and what is imported


def test_an_index_in_a_folder(live: Live, tmp_path: Path) -> None:
    page = tmp_path / "simple" / "demo"
    page.mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "demo-1.0-py3-none-any.whl").write_bytes(wheel("demo", "1.0", "Requires-Dist: six"))
    name = "demo-1.0-py3-none-any.whl"
    (page / "index.html").write_text(f'<a href="../../files/{name}">{name}</a>')
    index = (tmp_path / "simple").as_uri()
    for offline in (False, True):
        corpus = live(offline=offline)
        found = corpus.listings([(index, "demo"), (index, "missing")])
        assert found[index, "missing"] is None
        release = found[index, "demo"].releases[0]  # type: ignore[union-attr]
        want = Wanted(index, "demo", release.version, release.files)
        assert corpus.metadata([want])[want] == Metadata("demo", "1.0", ("six",), None, ())


def test_imports_are_lean(server: Server, live: Live, tmp_path: Path) -> None:
    server.page("demo", [server.file("demo-1.0-py3-none-any.whl", wheel("demo", "1.0"))])
    with live() as corpus:
        outcome(corpus, server)
    code = """
import sys
import satlock.corpora.index.index, satlock.corpora.index.default_index
from pathlib import Path
from satlock.corpora.facts import Wanted
with satlock.corpora.index.index.LiveCorpus(cache_dir=Path(sys.argv[1]), offline=True) as corpus:
    (listing,) = corpus.listings([(sys.argv[2], "demo")]).values()
    (told,) = corpus.metadata([Wanted(sys.argv[2], "demo", "1.0", listing.releases[0].files)]).values()
assert told.name == "demo"
satlock.corpora.index.default_index.default_index_url()
heavy = {"httpx", "bs4", "pydantic", "build", "rich", "ssl", "asyncio", "packaging.version"}
print(sorted(heavy & set(sys.modules)))
"""
    root = Path(__file__).parents[2]
    arguments = [sys.executable, "-c", code, str(tmp_path / "cache"), server.index]
    done = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
