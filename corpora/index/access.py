"""How indexes are reached, as far as settings and the environment say, and not the addresses themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.address import Credentials, without_credentials
from satlock.corpora.index.default_index import pip_setting

__all__ = ["KEYRINGS", "Access", "Keyring", "credentials_of"]

Keyring: TypeAlias = Literal["auto", "disabled", "import", "subprocess"]
KEYRINGS: tuple[Keyring, ...] = get_args(Keyring)

_TRUE = ("1", "true", "yes", "on", "y", "t")


@dataclass(frozen=True)
class Access:
    """What may be set."""

    index_names: Mapping[str, str] = field(default_factory=dict)
    """The names of indexes by their addresses: what ``UV_INDEX_NAME_USERNAME`` goes by."""
    keyring: Keyring = "auto"
    """Whom to ask for a password that an index demands: the ``keyring`` library (``import``), the program of that name
    (``subprocess``), nobody, or the library where it is installed (``auto``)."""
    system_certificates: bool = False
    """Whether to trust whom the operating system trusts, and not certifi's list."""
    insecure_hosts: frozenset[str] = frozenset()
    """Hosts, some with a port, whose certificates are not looked at."""
    flat: frozenset[str] = frozenset()
    """The addresses (without credentials) of indexes that are one folder or one page of links, for all packages."""

    def with_environment(self) -> Access:
        """With what the environment and pip's configuration say, which wins as it does in uv.

        Raises CorpusError where that is none of the words that it may be.
        """
        keyring = os.environ.get("UV_KEYRING_PROVIDER") or pip_setting("keyring-provider") or self.keyring
        found = next((word for word in KEYRINGS if word == keyring), None)
        if found is None:
            raise CorpusError(f"the keyring provider {keyring!r} is none of {', '.join(KEYRINGS)}")
        hosts = f"{os.environ.get('UV_INSECURE_HOST', '')} {pip_setting('trusted-host') or ''}".replace(",", " ")
        system = os.environ.get("UV_SYSTEM_CERTS") or os.environ.get("UV_NATIVE_TLS")
        return replace(
            self,
            keyring=found,
            system_certificates=self.system_certificates if system is None else system.lower() in _TRUE,
            insecure_hosts=self.insecure_hosts.union(hosts.split()),
        )

    def named(self, indexes: Iterable[tuple[str, str]]) -> Access:
        """With the names of these indexes, given as (name, address)."""
        names = {url: name for name, url in indexes if name}
        return replace(self, index_names={**self.index_names, **names})

    def with_flat(self, urls: Iterable[str]) -> Access:
        """With these indexes as flat ones."""
        return replace(self, flat=self.flat.union(map(without_credentials, urls)))


def credentials_of(name: str) -> Credentials | None:
    """What ``UV_INDEX_NAME_USERNAME`` and ``UV_INDEX_NAME_PASSWORD`` say for the index of a name."""
    spelled = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = os.environ.get(f"UV_INDEX_{spelled}_USERNAME")
    password = os.environ.get(f"UV_INDEX_{spelled}_PASSWORD")
    return None if user is None and password is None else Credentials(user or "", password or "")
