"""Credentials from wherever people keep them, certificates, and proxies: against servers that demand them."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from satlock.corpora.facts import CorpusError, Listing
from satlock.corpora.index.access import Access, credentials_of
from satlock.corpora.index.index import LiveCorpus
from satlock.corpora.index.redaction import redacted
from tests.corpora.conftest import Reply, Request, Server

pytestmark = pytest.mark.usefixtures("client")

Live = Callable[..., LiveCorpus]
SECRET = "s3cr/t"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def demand(server: Server, user: str = "me", password: str = SECRET) -> None:
    """Answers for the package ``demo`` with these credentials only."""
    server.page("demo", [])
    page = server.replies["/simple/demo/"]
    assert isinstance(page, Reply)

    def reply(request: Request) -> Reply:
        return page if request.headers.get("authorization") == basic(user, password) else Reply(status=401)

    server.replies["/simple/demo/"] = reply


def ask(corpus: LiveCorpus, index: str) -> Listing | None:
    with corpus:
        return corpus.listings([(index, "demo")])[index, "demo"]


def sent(server: Server) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


@pytest.mark.parametrize("name", ["pri.vate-1", "PRI_VATE_1"])
def test_variables_for_an_index_go_by_its_name(
    server: Server, live: Live, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    demand(server)
    monkeypatch.setenv("UV_INDEX_PRI_VATE_1_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_PRI_VATE_1_PASSWORD", SECRET)
    index = server.index.replace("//", "//other:wrong@")  # the variables win, as in uv
    assert ask(live(access=Access().named([(name, index)])), index) is not None
    assert sent(server) == [basic("me", SECRET)]
    assert credentials_of("another") is None


def test_netrc_serves_the_user_of_an_address(
    server: Server, live: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    demand(server)
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert ask(live(), server.index) is not None
    assert ask(live(), server.index.replace("//", "//me@")) is not None
    with pytest.raises(CorpusError, match=r"no credentials are known|wrong or expired"):
        ask(live(access=Access(keyring="disabled")), server.index.replace("//", "//you@"))
    assert sent(server) == [basic("me", SECRET)] * 2 + [basic("you", "")]


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program named keyring that knows one password, and notes what it is asked; the file with its notes."""
    if sys.platform == "win32":
        pytest.skip("a script is no program there")
    program, notes = tmp_path / "bin" / "keyring", tmp_path / "notes"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\necho \"$@\" >> '{notes}'\n"
        f"case \"$*\" in *127.0.0.1:*/simple*) exit 1;; 'get 127'*' me') echo '{SECRET}';;\n"
        f"'--mode creds get 127'*) printf 'me\\n{SECRET}\\n';; *) exit 1;; esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return notes


@pytest.mark.parametrize("user", ["", "me"])
def test_a_keyring_is_asked_once_and_only_where_an_index_demands(
    server: Server, live: Live, keyring: Path, user: str
) -> None:
    demand(server)
    server.page("free", [])
    index = server.index.replace("//", f"//{user}@") if user else server.index
    with live(access=Access(keyring="subprocess")) as corpus:
        corpus.listings([(index, "free")])
        assert not keyring.exists()
        assert corpus.listings([(index, "demo")])[index, "demo"] is not None
        with pytest.raises(CorpusError):
            server.replies["/simple/other/"] = Reply(status=401)
            corpus.listings([(index, "other")])
    host = server.url.removeprefix("http://")
    how = "get {} me" if user else "--mode creds get {}"
    assert keyring.read_text().splitlines() == [how.format(server.index), how.format(host)]
    assert sent(server)[1:] == [basic("me", "") if user else None, basic("me", SECRET), basic("me", SECRET)]


def test_a_keyring_is_not_asked_where_it_is_switched_off(server: Server, live: Live, keyring: Path) -> None:
    demand(server)
    with pytest.raises(CorpusError, match=r"no credentials are known|wrong or expired"):
        ask(live(access=Access(keyring="disabled")), server.index)
    assert not keyring.exists()


def test_the_library_keyring(server: Server, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    asked: list[tuple[str, str | None]] = []

    def get_credential(service: str, user: str | None) -> SimpleNamespace | None:
        asked.append((service, user))
        return SimpleNamespace(username="me", password=SECRET) if "/" not in service else None

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_credential=get_credential))
    demand(server)
    assert ask(live(), server.index) is not None
    assert asked == [(server.index, None), (server.url.removeprefix("http://"), None)]


def test_one_index_of_a_host_may_use_the_credentials_of_another(server: Server, live: Live) -> None:
    """As in uv: but only after it was refused without, and never on another host."""
    demand(server)
    foreign = Server()
    try:
        demand(foreign)
        known = f"{server.url}/known".replace("//", f"//me:{SECRET.replace('/', '%2F')}@")
        with live() as corpus:
            corpus.listings([(known, "x")])
            assert corpus.listings([(server.index, "demo")])[server.index, "demo"] is not None
            with pytest.raises(CorpusError):
                corpus.listings([(foreign.index, "demo")])
    finally:
        foreign.close()
    assert sent(server) == [basic("me", SECRET), None, basic("me", SECRET)]
    assert sent(foreign) == [None]


def test_the_environment_wins_over_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_INSECURE_HOST", "PIP_TRUSTED_HOST",
                 "UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT",
                 "UV_HTTP_RETRIES", "PIP_RETRIES"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    own = Access(keyring="import", system_certificates=True, insecure_hosts=frozenset(("a.example",)))
    assert own.with_environment() == own
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    monkeypatch.setenv("UV_NATIVE_TLS", "false")
    monkeypatch.setenv("UV_INSECURE_HOST", "b.example,c.example:8443")
    found = own.with_environment()
    assert (found.keyring, found.system_certificates) == ("subprocess", False)
    assert found.insecure_hosts == {"a.example", "b.example", "c.example:8443"}
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "pocket")
    with pytest.raises(CorpusError, match="'pocket' is none of auto, disabled, import, subprocess"):
        own.with_environment()


# -- proxies and certificates


def test_a_proxy_is_asked_but_for_what_is_excepted(server: Server, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    server.replies["http://index.example/simple/demo/"] = Reply(
        b'{"meta": {"api-version": "1.0"}, "name": "demo", "files": []}',
        headers={"Content-Type": "application/vnd.pypi.simple.v1+json"},
    )
    server.page("demo", [])
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", f"//me:{SECRET.replace('/', '%2F')}@"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    with live() as corpus:
        assert all(corpus.listings([("http://index.example/simple", "demo"), (server.index, "demo")]).values())
    (first,) = [request for request in server.requests if request.path.startswith("http:")]
    assert first.headers["proxy-authorization"] == basic("me", SECRET)
    assert "proxy-authorization" not in next(r for r in server.requests if r.path.startswith("/")).headers


@pytest.mark.parametrize("proxy", ["ftp://me:s3cr@127.0.0.1:9", "nonsense://me:s3cr@127.0.0.1"])
def test_a_proxy_that_cannot_be_used(live: Live, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(CorpusError, match="a proxy that the environment names") as error:
        ask(live(), "https://index.example/simple")
    assert "s3cr" not in str(error.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody knows, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        check=True, capture_output=True, cwd=tmp_path,
    )  # fmt: skip
    path.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return path


@pytest.fixture
def secure(server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Makes the server speak TLS; what it uses for that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    server.index = server.index.replace("http:", "https:")
    server.page("demo", [])
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return context


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_named_certificates_are_trusted(  # noqa: PLR0917
    server: Server,
    secure: ssl.SSLContext,
    live: Live,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    variable: str,
) -> None:
    with pytest.raises(CorpusError, match=r"(?i)certificate verify failed|invalid peer certificate"):
        ask(live(), server.index)
    monkeypatch.setenv(variable, str(certificate))
    assert ask(live(), server.index) is not None


def test_an_insecure_host_is_trusted_unseen(server: Server, secure: ssl.SSLContext, live: Live) -> None:
    host = server.index.removeprefix("https://").partition("/")[0]
    assert ask(live(access=Access(insecure_hosts=frozenset((host,)))), server.index) is not None
    with pytest.raises(CorpusError):
        ask(live(access=Access(insecure_hosts=frozenset(("index.example",)))), server.index)


def test_the_own_certificate_is_shown(
    server: Server, secure: ssl.SSLContext, live: Live, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    secure.verify_mode = ssl.CERT_REQUIRED
    secure.load_verify_locations(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(CorpusError):
        ask(live(), server.index)
    monkeypatch.setenv("SSL_CLIENT_CERT", str(certificate))
    assert ask(live(), server.index) is not None


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT", "SSL_CLIENT_CERT"])
def test_certificates_that_cannot_be_read(
    live: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    with pytest.raises(CorpusError, match=r"gone.pem\)? cannot be read: No such file"):
        ask(live(), "https://index.example/simple")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a https://me:pw@x.example/s, b", "a https://****@x.example/s, b"),
        ("'git+https://token@x.example/s@v1'", "'git+https://****@x.example/s@v1'"),
        ("git+ssh://git@x.example/s", "git+ssh://git@x.example/s"),
        ("ssh://git:pw@x.example/s", "ssh://****@x.example/s"),
        ("https://x.example/a@b, me@y.example", "https://x.example/a@b, me@y.example"),
        ("x://a:b@c@d/ y://e:f@g", "x://****@d/ y://****@g"),
        ("is 'https://me:p/w@x.example/s', which", "is 'https://****@x.example/s', which"),
        ("is 'https://me:p w@x.example/s', which", "is 'https://****@x.example/s', which"),
        ("is 'https://me:p#w@x.example/s@v1'", "is 'https://****@v1'"),
        ("is 'https://me:12/pw@x.example/s'", "is 'https://****@x.example/s'"),
        ("https://me:p?w@x.example/s is not there", "https://****@x.example/s is not there"),
        ("the repository https://me:pw cannot be asked", "the repository https://**** cannot be asked"),
        ("https://x.example:8080/s and https://[::1]:80/t@v1", "https://x.example:8080/s and https://[::1]:80/t@v1"),
        ("https://x.example: it is gone. https://y.example.", "https://x.example: it is gone. https://y.example."),
        ("'https://[bad/simple' is none", "'https://[bad/simple' is none"),
        ("'me:pw@x.example/s' is no URL", "'me:****@x.example/s' is no URL"),
        ("https:/me:pw@x.example/s", "https:****@x.example/s"),
        ("file:///srv/me%3Apw%40x.example/s", "file:///srv/me%3A****%40x.example/s"),
        ("requires a @ git+https://x.example/a@v1: it's", "requires a @ git+https://x.example/a@v1: it's"),
        ("pip @ 1.0: none; a==1 @ b", "pip @ 1.0: none; a==1 @ b"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown
