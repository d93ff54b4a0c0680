"""Credentials of indexes: taken out of addresses once, and given to requests to the same origin only."""

from __future__ import annotations

import os
from typing import Any

from corpora.address import Credentials, origin, split_credentials
from corpora.facts import CorpusError

__all__ = ["Vault"]


class Vault:
    """The credentials of the indexes of a run; those of ``.netrc`` serve where an address has none, as in pip."""

    def __init__(self) -> None:
        self._credentials: dict[str, Credentials] = {}
        self._clean: dict[str, str] = {}
        self._netrc: Any = None

    def __repr__(self) -> str:
        return f"Vault({sorted(self._credentials)})"

    def remember(self, index: str) -> str:
        """Keep the credentials of an index address for later requests; the address without them.

        Raises CorpusError where it is no address that can be asked.
        """
        clean = self._clean.get(index)
        if clean is not None:
            return clean
        try:
            clean, credentials = split_credentials(index)
            scheme, host, port = origin(clean)
        except ValueError:
            raise CorpusError("an index has an address that cannot be parsed") from None
        if scheme not in ("http", "https", "file") or (scheme != "file" and not host) or port == -1:
            raise CorpusError(f"the index {clean} is not an http, https or file address")
        if credentials is not None:
            self._credentials[clean.rstrip("/")] = credentials
        self._clean[index] = clean
        return clean

    def find(self, url: str, index: str) -> Credentials | None:
        """What to send with a request for ``url`` that is made on behalf of ``index`` (without credentials)."""
        try:
            target = origin(url)
        except ValueError:
            return None
        found = self._credentials.get(index.rstrip("/"))
        if found is not None and origin(index) == target:
            return found
        return self._from_netrc(target[1])

    def _from_netrc(self, host: str) -> Credentials | None:
        if self._netrc is None:
            self._netrc = _read_netrc()
        entry = self._netrc.authenticators(host) if self._netrc else None
        return Credentials(entry[0] or entry[1] or "", entry[2] or "") if entry else None


def _read_netrc() -> Any:
    import netrc

    try:
        return netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
