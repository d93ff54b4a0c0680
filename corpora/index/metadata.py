"""Core metadata (METADATA and PKG-INFO files) as far as resolution needs it."""

from __future__ import annotations

import re

from satlock.corpora.facts import Metadata
from satlock.records import replace

__all__ = ["MetadataError", "agrees", "noted_fields", "own_metadata", "parse_metadata", "static_fields"]

_WANTED = frozenset(
    ("metadata-version", "name", "version", "requires-dist", "requires-python", "provides-extra", "dynamic")
)
_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)  # field names are printable ASCII without a colon (RFC 5322)
_MOST_LINES, _LONGEST_LINE = 20_000, 10_000
"""Requirements, and characters in one."""
_DYNAMIC = frozenset(("Requires-Dist", "Requires-Python", "Provides-Extra"))
_DECIDES = frozenset(("requires-dist", "requires-python", "provides-extra"))


class MetadataError(ValueError):
    """A metadata file that does not tell what it has to, or speaks for another candidate; the text is one clause."""


def parse_metadata(data: bytes, name: str, version: str) -> Metadata:
    """The metadata of the candidate ``name`` (normalised) ``version`` from its METADATA or PKG-INFO file.

    Raises MetadataError, also where the file is that of another candidate.
    """
    return _metadata(_headers(data), name, version)


def own_metadata(data: bytes, *, static: bool = False) -> Metadata | None:
    """The metadata of whatever candidate the file says it is of; None where ``static`` is asked for and it does not
    tell what is built from it (see :func:`noted_fields`). Raises MetadataError."""
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    headers = _headers(data)
    tell = (static_fields, noted_fields) if static else (parse_metadata,)
    name, version = headers.get("name", [""])[0], headers.get("version", [""])[0]
    try:
        name, version = canonicalize_name(name, validate=True), str(Version(version))
    except InvalidVersion:
        raise MetadataError(f"its metadata has the version {version[:100]!r}") from None
    except ValueError:
        raise MetadataError("its metadata has no valid name") from None
    return next((found for read in tell if (found := read(data, name, version)) is not None), None)


def static_fields(data: bytes, name: str, version: str) -> Metadata | None:
    """As :func:`parse_metadata` for the PKG-INFO of a source distribution.

    None where it does not bind the wheels that are built from it: before Metadata 2.2, or where requirements,
    extras or the Pythons are dynamic (PEP 643).
    """
    return _static(_headers(data), name, version)


def _static(headers: dict[str, list[str]], name: str, version: str) -> Metadata | None:
    metadata = _metadata(headers, name, version)
    major, _, minor = (headers.get("metadata-version") or [""])[0].partition(".")
    if not (major.isdecimal() and minor.isdecimal()) or (int(major), int(minor)) < (2, 2):
        return None
    if any(field.lower() in _DECIDES for field in headers.get("dynamic", ())):
        return None
    return metadata


def noted_fields(data: bytes, name: str, version: str) -> Metadata | None:
    """As :func:`static_fields`, also where setuptools says that a build may change them.

    It does so for whatever a ``setup.py`` or another file tells, which is nearly always the same in every build, and
    spells these fields in lower case. A backend that spells them as the standard does means it. uv draws the same line.
    """
    headers = _headers(data)
    if any(field in _DYNAMIC for field in headers.get("dynamic", ())):
        return None
    said = {key: values for key, values in headers.items() if key != "dynamic"}
    metadata = _static(said, name, version)
    return None if metadata is None else replace(metadata, noted=True)


def _metadata(headers: dict[str, list[str]], name: str, version: str) -> Metadata:
    from packaging.utils import canonicalize_name

    said_name, said_version = headers.get("name", [""])[0], headers.get("version", [""])[0]
    if not said_name or not said_version:
        raise MetadataError("its metadata has no name and version")
    if canonicalize_name(said_name) != name:
        raise MetadataError(f"its metadata is that of {said_name[:100]!r}")
    if not agrees(said_version, version):
        raise MetadataError(f"its metadata is that of version {said_version[:100]!r}")
    requires_python = next((value for value in headers.get("requires-python", ()) if value), None)
    extras = dict.fromkeys(canonicalize_name(extra) for extra in headers.get("provides-extra", ()) if extra)
    requires_dist = tuple(value for value in headers.get("requires-dist", ()) if value)
    if len(requires_dist) > _MOST_LINES or max(map(len, requires_dist), default=0) > _LONGEST_LINE:
        raise MetadataError("its metadata has more requirements, or longer ones, than any package")
    return Metadata(name, version, requires_dist, requires_python, tuple(extras))


def agrees(said: str, version: str) -> bool:
    """Whether metadata that says this version may be that of a file whose name says ``version``."""
    from packaging.version import InvalidVersion, Version

    if said == version:
        return True
    try:
        full = Version(said)
    except InvalidVersion:
        return False
    # A file may leave the local part of its version to its metadata, as uv accepts it.
    return Version(version) in (full, Version(full.public))


def _headers(data: bytes) -> dict[str, list[str]]:
    """The wanted fields, by lower-case name. The body (the description) is never read."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    end = data.find(b"\n\n")
    head = data if end < 0 else data[:end]
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            if current is not None:
                current[-1] = f"{current[-1]} {line.strip()}".strip()
            continue
        match = _HEADER.match(line)
        if match is None:
            break  # the first line that is no field ends the fields, as in the email parser of the standard library
        field = match[1].lower()
        if field in _WANTED:
            current = found.setdefault(field, [])
            current.append(match[2].strip())
        else:
            current = None
    return found
