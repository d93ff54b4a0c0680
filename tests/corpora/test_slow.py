"""Servers that are slow, drip, or ask for patience: how long they get it, and what is said in the end."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path

import pytest

from satlock.corpora.facts import CorpusError
from satlock.corpora.index import transport
from satlock.corpora.index.access import Access, AccessError
from satlock.corpora.index.index import LiveCorpus

from .asking import Asking, index_table
from .conftest import Reply, Server

Live = Callable[..., LiveCorpus]
SETTINGS = ("UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT",
            "UV_HTTP_RETRIES", "PIP_RETRIES")  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(transport, "_FIRST_WAIT", 0.01)


@contextmanager
def raw(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers each connection by ``answer``; its index."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                answer(connection)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/simple"


def silence(connection: socket.socket) -> None:
    time.sleep(20)


def drip_of_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        time.sleep(0.1)
        connection.sendall(b"X-%d: x\r\n" % number)


def drip_of_a_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(200):
        time.sleep(0.1)
        connection.sendall(b" ")


@pytest.mark.parametrize("answer", [silence, drip_of_headers, drip_of_a_body])
def test_nothing_is_waited_for_without_an_end(live: Live, answer: Callable[[socket.socket], None]) -> None:
    with raw(answer) as index:
        begun = time.monotonic()
        with pytest.raises(CorpusError, match=r"asked for demo: .*(in time|too slowly).* \(tried 2 times\)"):
            live(access=Access(timeout=0.3, retries=1)).listings([(index, "demo")])
        assert time.monotonic() - begun < 8


def test_a_long_answer_that_comes_at_a_sensible_rate_is_read(server: Server, live: Live) -> None:
    def slowly(connection: socket.socket) -> None:
        body = b"<html>" + b" " * 120_000 + b"</html>"
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 4000):
            time.sleep(0.2)
            connection.sendall(body[start : start + 4000])

    with raw(slowly) as index:  # 6 seconds
        found = live(access=Access(timeout=1.0)).listings([(index, "demo")])[index, "demo"]
    assert found is not None and found.releases == ()


@pytest.mark.parametrize(
    ("retry_after", "waits"),
    [("1", True), ("61", False), ("date", True), ("3600", False), ("9" * 400, False), ("soon", True), ("-1", True)],
)
def test_a_pause_up_to_a_minute_is_made(server: Server, live: Live, retry_after: str, waits: bool) -> None:
    said = formatdate(time.time() + 2, usegmt=True) if retry_after == "date" else retry_after
    body = server.page("demo", [])
    answers = [Reply(status=429, headers={"Retry-After": said})]
    good = Reply(body, headers={"Content-Type": "application/json"})
    server.replies["/simple/demo/"] = lambda request: answers.pop() if answers else good
    begun = time.monotonic()
    if waits:
        assert live().listings([(server.index, "demo")])
        assert (0.5 if retry_after in ("1", "date") else 0) < time.monotonic() - begun < 10
    else:
        with pytest.raises(CorpusError, match=r"HTTP status 429, and it asks to wait \d+ seconds \(tried once\)"):
            live().listings([(server.index, "demo")])
        assert time.monotonic() - begun < 5


def test_the_longest_pause_is_a_minute() -> None:
    assert transport._LONGEST_WAIT == 60


def test_tries_are_counted(server: Server, live: Live) -> None:
    server.replies["/simple/demo/"] = Reply(status=503)
    with pytest.raises(CorpusError, match=r"HTTP status 503 \(tried 4 times\)"):
        live().listings([(server.index, "demo")])
    assert len(server.requests) == 4
    with pytest.raises(CorpusError, match=r"\(tried once\)"):
        live(access=Access(retries=0)).listings([(server.index, "demo")])


@pytest.mark.parametrize("name", ["UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT", "PIP_TIMEOUT",
                                  "PIP_DEFAULT_TIMEOUT"])  # fmt: skip
def test_variables_of_uv_and_pip(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert Access().with_environment().timeout == 30
    monkeypatch.setenv(name, "7.5")
    assert Access().with_environment().timeout == 7.5
    for wrong in ("soon", "-1", "0", "nan", "inf", "1e400"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(AccessError, match="no number of seconds"):
            Access().with_environment()


def test_what_a_person_sets_for_one_run_wins_over_a_default_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "180")
    monkeypatch.setenv("PIP_TIMEOUT", "5")
    assert Access().with_environment().timeout == 5


def test_retries_of_uv_and_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "5")
    assert Access().with_environment().retries == 5
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    assert Access().with_environment().retries == 0


def test_the_command_line(tmp_path: Path, server: Server) -> None:
    asking = Asking(tmp_path, server)
    with raw(silence) as index:
        asking.project("thing", more=index_table(index))
        begun = time.monotonic()
        result = asking.lock("--http-timeout", "0.2", env={"UV_HTTP_TIMEOUT": "30", "UV_HTTP_RETRIES": "1"})
        assert time.monotonic() - begun < 10
    assert result.exit_code == 3
    assert "tried 2 times" in result.stderr
    result = asking.lock(env={"UV_HTTP_TIMEOUT": "soon"})
    assert result.exit_code == 2
    assert "UV_HTTP_TIMEOUT is 'soon'" in result.stderr
