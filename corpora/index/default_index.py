"""Which index a person means when they name none: the one that their other tools use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from satlock.corpora.index.configuration import pip_files, uv_files

__all__ = [
    "certificate_bundle",
    "default_index_in_environment",
    "default_index_url",
    "further_indexes",
    "pip_setting",
    "standard_index_url",
]

_PYPI = ("pypi", "org")
"""The labels of PyPI's host."""


def _uv_files() -> Iterator[Path]:
    return map(Path, uv_files())


def _pip_files() -> Iterator[Path]:
    return map(Path, pip_files())


def default_index_url() -> str:
    """The default index of the user's uv configuration, else of pip's, else PyPI. May hold credentials."""
    url = _from_uv() or pip_setting("index-url")
    if url is None:
        url = standard_index_url().rstrip("/")  # as uv writes it into its locks
    return _expanded(url).strip()


def default_index_in_environment() -> str | None:
    """The default index that ``UV_DEFAULT_INDEX`` or ``UV_INDEX_URL`` says. May hold credentials."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if value := os.environ.get(variable, "").strip():
            return _expanded(_name_and_url(value)[1]).strip()
    return None


def further_indexes() -> tuple[tuple[str, str], ...]:
    """(name or nothing, address) of the indexes that ``UV_INDEX`` and ``UV_EXTRA_INDEX_URL`` put before the project's.

    May hold credentials.
    """
    words = os.environ.get("UV_INDEX", "").split()
    named = [_name_and_url(word) for word in words]
    return (*named, *(("", url) for url in os.environ.get("UV_EXTRA_INDEX_URL", "").split()))


def _name_and_url(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    return (name, url) if equals and re.fullmatch(r"[A-Za-z0-9._-]+", name) else ("", text)


def certificate_bundle() -> str | None:
    """A file of certificates that pip or requests were told to trust."""
    for variable in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if path := os.environ.get(variable):
            return path
    return pip_setting("cert")


def _expanded(text: str) -> str:
    """``${NAME}`` becomes the value of the variable, as in uv's and pip's files; unknown ones stay."""
    return re.sub(r"\$\{([A-Z0-9_]+)\}", lambda match: os.environ.get(match[1], match[0]), text)


def _from_uv() -> str | None:
    if stated := default_index_in_environment():
        return stated
    if os.environ.get("UV_NO_CONFIG", "").lower() in ("1", "true", "yes"):
        return None
    for file in _uv_files():
        table = _toml(file)
        pip = table.get("pip")
        indexes = table.get("index")
        for index in indexes if isinstance(indexes, list) else ():
            if isinstance(index, dict) and index.get("default") is True and isinstance(index.get("url"), str):
                return str(index["url"])
        for place in (table, pip if isinstance(pip, dict) else {}):
            if isinstance(place.get("index-url"), str):
                return str(place["index-url"])
    return None


def _toml(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def pip_setting(key: str) -> str | None:
    """The value of a global setting of pip, by its name with hyphens: from the environment, else from pip's files."""
    if value := os.environ.get("PIP_" + key.upper().replace("-", "_"), "").strip():
        return value
    for file in _pip_files():  # the most particular first
        if not file.is_file():
            continue
        from configparser import Error, RawConfigParser

        parser = RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (Error, OSError, UnicodeDecodeError):
            continue
        for spelling in (key, key.replace("-", "_")):
            if value := parser.get("global", spelling, fallback="").strip():
                return value
    return None


def standard_index_url() -> str:
    """The index that pip and uv ask where nothing else is configured: PyPI's simple API."""
    return f"https://{'.'.join(_PYPI)}/simple/"
