"""The client over ``pyreqwest``: connections, TLS, HTTP/2 and decompression in compiled code, outside of the GIL."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, PyreqwestError, RequestTimeoutError
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.response import Response

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.access import Access
from satlock.corpora.index.address import Credentials, origin
from satlock.corpora.index.client import HEADERS, LONGEST_CONNECT, MOST_REDIRECTS, Astray, Unanswered
from satlock.corpora.index.client import Response as Answer
from satlock.corpora.index.tls import own_certificate, trusted_certificates

if TYPE_CHECKING:
    from satlock.corpora.index.httpx_client import HttpxClient

__all__ = ["SwiftClient"]

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PROXIES = ("http", "https", "all")
_PROXY_SCHEMES = ("http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://")


class SwiftClient:
    """See :class:`satlock.corpora.index.client.Client`.

    Trusts whom the operating system trusts besides whom it is told to: the library has no way to leave these out. And
    it is stricter than OpenSSL, by which people make certificates of their own: where it refuses one, OpenSSL decides.
    """

    def __init__(self, timeout: float, access: Access) -> None:
        """Raises CorpusError where the certificates or proxies that are set cannot be used."""
        self._insecure = access.insecure_hosts
        self._lenient: HttpxClient | None = None
        self._settings = (timeout, access)
        secure = _builder(timeout)
        for name, path, certificates in trusted_certificates(access):
            try:
                secure = secure.add_root_certificate_pem(certificates)
            except (ValueError, PyreqwestError):
                raise CorpusError(f"the certificates of {name} ({path}) cannot be read: they are none") from None
        try:
            self._client: Client = secure.build()
            self._trusting: Client | None = (
                _builder(timeout).danger_accept_invalid_certs(True).build() if self._insecure else None
            )
        except (ValueError, PyreqwestError) as error:
            raise CorpusError(f"the certificates that are set cannot be used: {_clause(error)}") from None

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str], credentials: Credentials | None) -> AsyncIterator[Answer]:
        """See :meth:`satlock.corpora.index.client.Client.get`."""
        there = url
        for _ in range(MOST_REDIRECTS + 1):
            sent = dict(headers)
            if credentials is not None and origin(there) == origin(url):
                sent["Authorization"] = _basic(credentials)
            try:
                asking = self._client_of(there).get(there)
            except ValueError:  # what is an address to Python alone
                raise Astray from None
            try:
                with _translated():
                    async with asking.headers(sent).build_streamed() as response:
                        further = response.get_header("location") if response.status in _REDIRECTS else None
                        if further is None:
                            yield _Response(response, there)
                            return
                        there = _target(there, further)
            except _Distrusted:
                async with self._other().get(there, sent, None) as answer:
                    yield answer
                return
        raise Astray

    def _other(self) -> HttpxClient:
        if self._lenient is None:
            from satlock.corpora.index.httpx_client import HttpxClient

            self._lenient = HttpxClient(*self._settings)
        return self._lenient

    async def close(self) -> None:
        """Closes the connections."""
        if self._lenient is not None:
            await self._lenient.close()
        await self._client.close()
        if self._trusting is not None:
            await self._trusting.close()

    def _client_of(self, url: str) -> Client:
        if self._trusting is not None and url.startswith("https:"):
            _, host, port = origin(url)
            if not self._insecure.isdisjoint((host, f"{host}:{port}")):
                return self._trusting
        return self._client


class _Distrusted(Exception):
    """The other side's certificate was refused."""


class _Response:
    def __init__(self, response: Response, url: str) -> None:
        self._response = response
        self.status = response.status
        self.url = url
        self.headers: dict[str, str] = {}
        for spelled, value in response.headers.items():
            name = spelled.lower()
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value

    async def chunks(self) -> AsyncIterator[bytes]:
        with _translated():
            while (chunk := await self._response.body_reader.read()) is not None:
                yield bytes(chunk)


def _builder(timeout: float) -> ClientBuilder:
    """Raises CorpusError where proxies or certificates cannot be used."""
    builder = (
        ClientBuilder()
        .http2(True)
        .http2_adaptive_window(True)
        .follow_redirects(False)
        .default_headers(HEADERS)
        .read_timeout(timedelta(seconds=timeout))
        .connect_timeout(timedelta(seconds=min(timeout, LONGEST_CONNECT)))
        .pool_idle_timeout(timedelta(seconds=60))
    )
    try:
        builder = _with_proxies(builder)
    except (ValueError, PyreqwestError):  # what they say may hold the proxy's password
        raise CorpusError("a proxy that the environment names (HTTPS_PROXY, ALL_PROXY) cannot be used") from None
    own = own_certificate()
    if own is not None:
        path, pem = own
        try:
            builder = builder.identity_pem(pem)
        except (ValueError, PyreqwestError) as error:
            raise CorpusError(f"the client's certificate {path} cannot be read: {_clause(error)}") from None
    return builder


def _with_proxies(builder: ClientBuilder) -> ClientBuilder:
    """With the proxies of the environment (or of the system's settings), each of which has to be one."""
    builder = builder.no_proxy()
    if sys.platform not in ("win32", "darwin") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return builder
    from urllib.request import getproxies

    found = getproxies()
    for kind in _PROXIES:
        address = found.get(kind)
        if address:
            address = address if "://" in address else f"http://{address}"
            if not address.startswith(_PROXY_SCHEMES):
                raise ValueError
            builder = builder.proxy(getattr(ProxyBuilder, kind)(address).no_proxy(found.get("no")))
    return builder


def _target(base: str, location: str) -> str:
    try:
        found = urljoin(base, location)
    except ValueError:
        raise Astray from None
    if not found.startswith(("http://", "https://")):
        raise Astray
    return found


def _basic(credentials: Credentials) -> str:
    joined = f"{credentials.user}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(joined).decode()}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RequestTimeoutError:
        raise Unanswered("no answer in time") from None
    except BuilderError:
        raise Astray from None
    except PyreqwestError as error:
        reason = _clause(error)
        raise (_Distrusted if "invalid peer certificate" in reason else Unanswered)(reason) from None


def _clause(error: Exception) -> str:
    """The innermost reason: those around it repeat the address."""
    causes = error.details.get("causes") if isinstance(error, DetailedPyreqwestError) else None
    text = (causes[-1]["message"] if causes else str(error)).strip().splitlines()
    return (text[0][:200] if text else "") or type(error).__name__
