"""OSV's API (https://google.github.io/osv.dev/api/).

``POST /v1/querybatch`` tells ids, ``GET /v1/vulns/ID`` an advisory. Only names and versions are sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from packaging.version import InvalidVersion, Version

from satlock.corpora.advisories.advisory import Advisory, read_advisory
from satlock.corpora.facts import CorpusError

if TYPE_CHECKING:
    import httpx

__all__ = ["OSV", "Osv"]

OSV = "https://api.osv.dev"
_BATCH = 1000
"""Queries that the API takes at once."""
_PAGES = 50
_TRIES = 3
_PATIENCE = 30.0
"""Seconds for one answer."""


class Osv:
    """Asks the API, each question once."""

    def __init__(self, url: str = OSV) -> None:
        """Raises CorpusError where the address is none that can be asked."""
        parts = urlsplit(url)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            raise CorpusError(f"{url} is no address of an advisory service: give an https:// URL.")
        import httpx

        from satlock.corpora.index.access import Access
        from satlock.corpora.index.tls import secure_context

        self._url = url.rstrip("/")
        verify: Any = secure_context(Access().with_environment()) if parts.scheme == "https" else True
        self._client: httpx.Client = httpx.Client(timeout=_PATIENCE, verify=verify, follow_redirects=False)
        self._records: dict[str, Advisory | None] = {}

    def __enter__(self) -> Osv:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def known(self, packages: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Advisory]]:
        """For each package and version the advisories that affect it.

        Raises:
            CorpusError: the API does not answer, or not as it is documented.
        """
        pairs = list(dict.fromkeys(packages))
        found = self._ids([_query(name, _public(version)) for name, version in pairs])
        return {pair: self._advisories(ids) for pair, ids in zip(pairs, found, strict=True)}

    def of(self, name: str) -> list[Advisory]:
        """Every advisory that speaks of a package. Raises CorpusError."""
        return self._advisories(self._ids([_query(name, None)])[0])

    def _ids(self, queries: Sequence[dict[str, Any]]) -> list[list[str]]:
        """The ids that answer each query; a long answer comes in pages."""
        found: list[list[str]] = [[] for _ in queries]
        waiting = list(enumerate(queries))
        for _ in range(_PAGES):
            if not waiting:
                return found
            batch, waiting = waiting[:_BATCH], waiting[_BATCH:]
            answer = self._json("POST", "/v1/querybatch", {"queries": [query for _, query in batch]})
            results = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(results, list) or len(results) != len(batch):
                raise CorpusError(f"{self._url} did not answer as the API of OSV does.")
            for (place, query), result in zip(batch, results, strict=True):
                table = result if isinstance(result, dict) else {}
                found[place] += [str(one["id"]) for one in table.get("vulns") or () if "id" in one]
                if table.get("next_page_token"):
                    waiting.append((place, {**query, "page_token": table["next_page_token"]}))
        raise CorpusError(f"{self._url} has more pages than satlock reads.")

    def _advisories(self, ids: Iterable[str]) -> list[Advisory]:
        found = []
        for identity in dict.fromkeys(ids):
            if identity not in self._records:
                record = self._json("GET", f"/v1/vulns/{quote(identity, safe='')}")
                try:
                    self._records[identity] = read_advisory(record)
                except ValueError as error:
                    raise CorpusError(f"{self._url} did not answer as the API of OSV does: {error}.") from None
            advisory = self._records[identity]
            if advisory is not None:
                found.append(advisory)
        return found

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        import httpx

        said = ""
        for _ in range(_TRIES):
            try:
                answer = self._client.request(method, f"{self._url}{path}", json=body)
            except httpx.HTTPError as error:
                said = str(error) or type(error).__name__
                continue
            if answer.status_code == httpx.codes.OK:
                try:
                    return answer.json()
                except ValueError:
                    said = "the answer is no JSON"
            else:
                said = f"HTTP {answer.status_code}"
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                break
        advice = "Give the advisories as a file with --database, or the address of a mirror with --osv-url."
        raise CorpusError(f"{self._url} could not be asked for advisories ({said.rstrip('.')}). {advice}")


def _query(name: str, version: str | None) -> dict[str, Any]:
    query: dict[str, Any] = {"package": {"name": name, "ecosystem": "PyPI"}}
    return query if version is None else {**query, "version": version}


def _public(version: str) -> str:
    """Without the local part, which names a build of the release."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version
