"""How indexes are reached, as far as settings and the environment say, and not the addresses themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.address import Credentials, origin, without_credentials
from satlock.corpora.index.default_index import pip_setting
from satlock.records import dataclass, field, replace

__all__ = ["KEYRINGS", "Access", "AccessError", "Keyring", "credentials_of", "variables_of"]

Keyring: TypeAlias = Literal["auto", "disabled", "import", "subprocess"]
KEYRINGS: tuple[Keyring, ...] = get_args(Keyring)

_TRUE = ("1", "true", "yes", "on", "y", "t")
_FORBIDS_WHAT_IT_LACKS = ("download", "pytorch", "org")
"""The labels of a host of indexes that is known to answer 403 for what it does not have."""


_TIMEOUTS = ("UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT")
_RETRIES = ("UV_HTTP_RETRIES",)
_LONGEST = 1e6
"""More seconds, or tries, are none that anybody means."""


class AccessError(CorpusError):
    """A setting on how indexes are reached has a value that it cannot have (exit code 2)."""


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
    ignored: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """By the address of an index (without credentials), the statuses by which it says that it lacks a package, besides
    404: ``ignore-error-codes``."""
    timeout: float = 30.0
    """Seconds without a byte after which a server is given up."""
    retries: int = 3
    """How often something is asked for again that failed for a reason that may pass."""

    def with_environment(self) -> Access:
        """With what the environment and pip's configuration say, which wins as it does in uv.

        Raises AccessError where something has a value that it cannot have.
        """
        keyring = os.environ.get("UV_KEYRING_PROVIDER") or pip_setting("keyring-provider") or self.keyring
        found = next((word for word in KEYRINGS if word == keyring), None)
        if found is None:
            raise AccessError(f"the keyring provider {keyring!r} is none of {', '.join(KEYRINGS)}")
        hosts = f"{os.environ.get('UV_INSECURE_HOST', '')} {pip_setting('trusted-host') or ''}".replace(",", " ")
        system = os.environ.get("UV_SYSTEM_CERTS") or os.environ.get("UV_NATIVE_TLS")
        return replace(
            self,
            keyring=found,
            system_certificates=self.system_certificates if system is None else system.lower() in _TRUE,
            insecure_hosts=self.insecure_hosts.union(hosts.split()),
            timeout=_number(_TIMEOUTS, "timeout", self.timeout, least=0.001),
            retries=int(_number(_RETRIES, "retries", self.retries, least=0)),
        )

    def named(self, indexes: Iterable[tuple[str, str]]) -> Access:
        """With the names of these indexes, given as (name, address)."""
        names = {url: name for name, url in indexes if name}
        return replace(self, index_names={**self.index_names, **names})

    def label(self, index: str) -> str:
        """The name of an index (without credentials); empty where it has none."""
        return next((name for url, name in self.index_names.items() if without_credentials(url) == index), "")

    def with_flat(self, urls: Iterable[str]) -> Access:
        """With these indexes as flat ones."""
        return replace(self, flat=self.flat.union(map(without_credentials, urls)))

    def with_ignored(self, statuses: Iterable[tuple[str, frozenset[int] | None]]) -> Access:
        """With the statuses that mean *not there*, given as (address of the index, statuses or None)."""
        stated = {without_credentials(url): codes for url, codes in statuses if codes is not None}
        return replace(self, ignored={**self.ignored, **stated})

    def says_absent(self, index: str, status: int) -> bool:
        """Whether an index (without credentials) says by this HTTP status that it does not have a package.

        Everything else is a refusal or a failure, after which another index must not serve in its place: that would
        take a stranger's package for a private one.
        """
        if status == 404:
            return True
        stated = self.ignored.get(index)
        if stated is not None:
            return status in stated
        return status == 403 and origin(index)[1] == ".".join(_FORBIDS_WHAT_IT_LACKS)


def _number(variables: Iterable[str], of_pip: str, default: float, *, least: float) -> float:
    """What the first variable that is set says, else pip's settings. Raises AccessError where that is no number."""
    named = ((name, os.environ.get(name, "").strip()) for name in variables)
    name, text = next(((name, text) for name, text in named if text), (f"pip's {of_pip}", pip_setting(of_pip) or ""))
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number < _LONGEST:
        raise AccessError(f"{name} is {text[:40]!r}, which is no number of {'seconds' if least else 'tries'}")
    return number


def variables_of(name: str) -> tuple[str, str]:
    """The variables that hold the user name and the password for the index of a name."""
    spelled = re.sub(r"[^A-Z0-9]", "_", name.upper())
    return f"UV_INDEX_{spelled}_USERNAME", f"UV_INDEX_{spelled}_PASSWORD"


def credentials_of(name: str) -> Credentials | None:
    """What ``UV_INDEX_NAME_USERNAME`` and ``UV_INDEX_NAME_PASSWORD`` say for the index of a name."""
    user, password = map(os.environ.get, variables_of(name))
    return None if user is None and password is None else Credentials(user or "", password or "")
