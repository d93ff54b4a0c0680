"""Whom to trust on the other side of a connection, and as whom to appear there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from satlock.corpora.facts import CorpusError
from satlock.corpora.index.access import Access
from satlock.corpora.index.default_index import certificate_bundle, pip_setting

if TYPE_CHECKING:
    import ssl

__all__ = ["insecure_context", "own_certificate", "secure_context", "trusted_certificates"]


def secure_context(access: Access) -> ssl.SSLContext:
    """The certificates of SSL_CERT_FILE and SSL_CERT_DIR, else those that pip is told, else the system's or certifi's.

    Raises CorpusError where those that are named cannot be read.
    """
    import ssl

    named = list(_named())
    context = _system() if access.system_certificates and not named else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not named and not access.system_certificates:
        import certifi

        named.append(("certifi", certifi.where()))
    for variable, path in named:
        try:
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        except OSError as error:  # those of ssl are of its kind
            raise CorpusError(f"the certificates of {variable} ({path}) cannot be read: {_reason(error)}") from None
    _show_own(context)
    return context


def insecure_context() -> ssl.SSLContext:
    """One that trusts everybody, for the hosts of ``allow-insecure-host``."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _show_own(context)
    return context


def trusted_certificates(access: Access) -> Iterator[tuple[str, str, bytes]]:
    """What names them, where they are, and what is there (PEM), for a client that trusts the system besides.

    Raises CorpusError where those that are named cannot be read.
    """
    named = list(_named())
    if not named and not access.system_certificates:
        import certifi

        named.append(("certifi", certifi.where()))
    for variable, path in named:
        files = [path]
        try:
            if os.path.isdir(path):
                files = [entry.path for entry in os.scandir(path) if entry.is_file()]
            for file in files:
                with open(file, "rb") as opened:
                    content = opened.read()
                if b"-----BEGIN" in content:
                    yield variable, file, content
                elif file == path:
                    raise CorpusError(f"the certificates of {variable} ({path}) cannot be read: there are none")
        except OSError as error:
            raise CorpusError(f"the certificates of {variable} ({path}) cannot be read: {_reason(error)}") from None


def own_certificate() -> tuple[str, bytes] | None:
    """Where the client's own certificate is, and what is there: it with its key (PEM), as uv and pip take it.

    Raises CorpusError where it cannot be read.
    """
    path = os.environ.get("SSL_CLIENT_CERT") or pip_setting("client-cert")
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return path, file.read()
    except OSError as error:
        raise CorpusError(f"the client's certificate {path} cannot be read: {_reason(error)}") from None


def _named() -> Iterator[tuple[str, str]]:
    """Each file and folder of certificates that is named, with what names it."""
    stated = [(name, path) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if (path := os.environ.get(name))]
    if stated:
        for name, path in stated:
            parts = path.split(os.pathsep) if name == "SSL_CERT_DIR" else [path]
            yield from ((name, part) for part in parts if part)
    elif bundle := certificate_bundle():
        yield "pip's settings", bundle


def _system() -> ssl.SSLContext:
    import ssl

    import truststore

    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context


def _show_own(context: ssl.SSLContext) -> None:
    own = own_certificate()
    if own is not None:
        try:
            context.load_cert_chain(own[0])
        except OSError as error:
            raise CorpusError(f"the client's certificate {own[0]} cannot be read: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")
