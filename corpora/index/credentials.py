"""Credentials of indexes: taken out of addresses once, and given to requests to the same origin only."""

from __future__ import annotations

import os
import threading
from typing import Any

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.access import Access, credentials_of
from satlock.corpora.index.address import Credentials, origin, split_credentials

__all__ = ["Vault"]


class Vault:
    """The credentials of the indexes of a run.

    In this order, as in uv: those of ``UV_INDEX_NAME_USERNAME`` and ``UV_INDEX_NAME_PASSWORD``, those of the address,
    those of ``.netrc``; and once an index demands some, those of another index of the same origin, and a keyring's.
    """

    def __init__(self, access: Access | None = None) -> None:
        self._access = access or Access()
        self._credentials: dict[str, Credentials] = {}
        self._clean: dict[str, str] = {}
        self._netrc: Any = None
        self._asked: dict[tuple[str, str], Credentials | None] = {}
        self._one_asks = threading.Lock()

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
        name = self._access.index_names.get(index)
        credentials = (credentials_of(name) if name else None) or credentials
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
        if found is not None and origin(index) == target and found.password:
            return found
        own = found if found is not None and origin(index) == target else None
        return self._from_netrc(target[1], own.user if own else "") or own

    def find_further(self, url: str, index: str, sent: Credentials | None) -> Credentials | None:
        """What to send in the place of what was ``sent`` and refused; None where nothing else is known.

        May wait for a keyring, and for whoever else asks it: each index does so once.
        """
        try:
            if index and origin(url) != origin(index):
                return None
            place = (index.rstrip("/") or url, sent.user if sent else "")
            with self._one_asks:
                if place not in self._asked:
                    self._asked[place] = self._ask(index or url, sent)
                found = self._asked[place]
        except ValueError:
            return None
        if found is not None and index:
            self._credentials[index.rstrip("/")] = found
        return found if found != sent else None

    def _ask(self, place: str, sent: Credentials | None) -> Credentials | None:
        if sent is None:
            for other, credentials in self._credentials.items():
                if origin(other) == origin(place) and credentials.password:
                    return credentials
        if sent is not None and sent.password:
            return None
        if self._access.keyring == "disabled":
            return None
        from satlock.corpora.index.keyrings import ask_keyring

        return ask_keyring(self._access.keyring, place, sent.user if sent else "")

    def _from_netrc(self, host: str, user: str = "") -> Credentials | None:
        if self._netrc is None:
            self._netrc = _read_netrc()
        entry = self._netrc.authenticators(host) if self._netrc else None
        found = Credentials(entry[0] or entry[1] or "", entry[2] or "") if entry else None
        return found if found is not None and user in ("", found.user) else None


def _read_netrc() -> Any:
    import netrc

    try:
        return netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
