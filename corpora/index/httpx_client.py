"""The client over ``httpx``: pure Python, for wherever the swift one has no wheel."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.access import Access
from satlock.corpora.index.address import Credentials
from satlock.corpora.index.client import HEADERS, LONGEST_CONNECT, MOST_REDIRECTS, Astray, Unanswered
from satlock.corpora.index.tls import insecure_context, secure_context

# httpx imports its command line (rich, pygments, click) just to offer it: as long as all the rest together.
_hidden = "httpx" not in sys.modules and "httpx._main" not in sys.modules
if _hidden:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
try:
    import httpx
finally:
    if _hidden:
        sys.modules.pop("httpx._main", None)

__all__ = ["HttpxClient"]


class HttpxClient:
    """See :class:`satlock.corpora.index.client.Client`."""

    def __init__(self, timeout: float, access: Access) -> None:
        """Raises CorpusError where the certificates or proxies that are set cannot be used."""
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60)
        trusting = insecure_context() if access.insecure_hosts else None
        try:
            self._client = httpx.AsyncClient(
                http2=True,
                follow_redirects=True,
                max_redirects=MOST_REDIRECTS,
                timeout=httpx.Timeout(timeout, connect=min(timeout, LONGEST_CONNECT), pool=None),
                limits=limits,
                headers=HEADERS,
                verify=secure_context(access),
                mounts={
                    f"https://{host}": httpx.AsyncHTTPTransport(verify=trusting, http2=True, limits=limits)
                    for host in access.insecure_hosts
                    if trusting is not None
                },
            )
        except (ValueError, ImportError, httpx.InvalidURL):  # what they say may hold the proxy's password
            raise CorpusError("a proxy that the environment names (HTTPS_PROXY, ALL_PROXY) cannot be used") from None

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str], credentials: Credentials | None
    ) -> AsyncIterator[_Response]:
        """See :meth:`satlock.corpora.index.client.Client.get`."""
        auth: dict[str, Any] = {"auth": tuple(credentials)} if credentials is not None else {}
        with _translated():
            async with self._client.stream("GET", url, headers=headers, **auth) as response:
                yield _Response(response)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


class _Response:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url = str(response.url)

    async def chunks(self) -> AsyncIterator[bytes]:
        with _translated():
            async for chunk in self._response.aiter_bytes():
                yield chunk


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise Unanswered("no answer in time") from None
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL):
        raise Astray from None
    # That a certificate is demanded arrives only with the first answer, and then httpx lets it through as it is.
    except (httpx.HTTPError, httpx.StreamError, ssl.SSLError) as error:
        text = str(error).strip().splitlines()
        raise Unanswered((text[0][:200] if text else "") or type(error).__name__) from None
