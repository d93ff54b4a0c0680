"""Passwords from a keyring, as pip and uv take them from there."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from urllib.parse import urlsplit

from satlock.corpora.index.access import Keyring
from satlock.corpora.index.address import Credentials

__all__ = ["ask_keyring"]

_PATIENCE = 120.0
"""Seconds; a keyring may have to wait for a person to unlock it."""


def ask_keyring(provider: Keyring, url: str, user: str) -> Credentials | None:
    """The credentials that a keyring has for an address, else for its host; None where it has none.

    Args:
        user: the name they are wanted for; empty where nothing says one.
    """
    for service in (url, urlsplit(url).netloc):
        found = None
        if provider in ("auto", "import"):
            found = _from_library(service, user)
        elif provider == "subprocess":
            found = _from_program(service, user)
        if found is not None:
            return found
    return None


def _from_library(service: str, user: str) -> Credentials | None:
    try:
        import keyring
    except Exception:  # not installed, or not able to start
        return None
    with suppress(Exception):  # whatever is wrong with a backend: the index will say that something is missing
        found = keyring.get_credential(service, user or None)
        if found is not None and found.password is not None:
            return Credentials(found.username or user, found.password)
    return None


def _from_program(service: str, user: str) -> Credentials | None:
    command = ["keyring", "get", service, user] if user else ["keyring", "--mode", "creds", "get", service]
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_PATIENCE, text=True, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    lines = ran.stdout.splitlines()
    if ran.returncode != 0 or len(lines) < (1 if user else 2):
        return None
    return Credentials(user, lines[0]) if user else Credentials(lines[0], lines[1])
