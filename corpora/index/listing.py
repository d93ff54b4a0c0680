"""Pages of the simple repository API as listings (PEP 503, 592, 629, 658, 691, 700, 714).

What a page says is not trusted: a file whose name or address is unfit is left out, and the reason is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from satlock.corpora.columns import Columns, latest
from satlock.corpora.facts import Listing, Release
from satlock.corpora.index.address import split_credentials
from satlock.corpora.index.file_names import LONG_NUMBER, LONGEST, Unfit, unfit, version_part
from satlock.corpora.index.html_page import Anchor, read_html

__all__ = [
    "ACCEPT",
    "Entry",
    "ListingError",
    "charset_of",
    "listing_of_files",
    "page_of_html",
    "page_of_json",
    "parse_listing",
]

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
"""What to ask an index for (PEP 691)."""

Entry = tuple[str, str, Mapping[str, str], Any, Any, Any, Any, Any]
"""filename, URL, hashes, size, upload time, requires-python, yanked, metadata: as the page says, in File's order."""


_UNTOLD = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
"""The types that plain file servers give to what they do not know."""
_LONGEST_ADDRESS = 10_000
"""Characters."""
_HOST = re.compile(r"[^\s\x00-\x20\x7f\\<>\"'`{|}^]+")
_LOGIN = re.compile(r"<(?:input|form)\b[^<>]*(?:password|log-?in|sign-?in|saml|oauth|sso)", re.IGNORECASE)
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}
"""The hash algorithms that count, with the hexadecimal digits of a digest."""
_MOST_MARKS = 2_000_000
"""Commas, colons and brackets of a JSON page, or tags, attributes and spaces of an HTML page: what bounds the objects
that it becomes, and the time that it takes."""


class ListingError(ValueError):
    """A page that is no page of the simple API, or of a version nobody knows yet."""


def parse_listing(body: bytes, content_type: str, url: str, index: str, name: str) -> Listing:
    """The listing that a page holds; ``url`` is where the page was in the end, for relative addresses.

    Raises ListingError.
    """
    kind = content_type.partition(";")[0].strip().lower()
    head = body[:64].lstrip()[:1]
    if kind.endswith("json") or (head == b"{" and kind in _UNTOLD):
        entries = page_of_json(body)
        base = url
    elif kind.endswith("html") or (head == b"<" and kind in _UNTOLD):
        entries, base = page_of_html(body, charset_of(content_type), url)
    else:
        raise ListingError(f"its type is {kind[:100] or 'not given'!r}, which is not a simple API page")
    try:
        return listing_of_files(entries, base, index, name)
    except UnicodeEncodeError:  # JSON can hold halves of surrogate pairs, which are no characters
        clean = re.sub(rb"\\u[dD][89a-fA-F]..", b"?", body).decode("utf-8", "replace").encode()
        if clean == body:
            raise ListingError("it holds text that is not text") from None
        return parse_listing(clean, content_type, url, index, name)


def charset_of(content_type: str) -> str:
    """The encoding of a page by its type."""
    return content_type.lower().partition("charset=")[2].split(";")[0].strip("\"' ") or "utf-8"


def page_of_json(body: bytes) -> Iterator[Entry]:
    """The files of a JSON page (PEP 691, 700)."""
    _bounded(body, b",:[{")
    try:
        page = json.loads(body)
        version = str(page["meta"].get("api-version", "1.0"))
        files = page["files"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ListingError("its JSON is not a simple API page") from None
    _check_version(version)
    if not isinstance(files, list):
        raise ListingError("its JSON is not a simple API page")
    return _json_files(files)


def _json_files(files: list[Any]) -> Iterator[Entry]:
    for file in files:
        if not isinstance(file, dict):
            continue
        get = file.get
        offered = get("core-metadata", get("dist-info-metadata"))
        yield (
            get("filename", ""),
            get("url", ""),
            get("hashes") or {},
            size if type(size := get("size")) is int and 0 <= size < 1 << 63 else None,
            get("upload-time"),
            get("requires-python"),
            get("yanked"),
            offered,
        )


def page_of_html(body: bytes, charset: str, url: str) -> tuple[Iterator[Entry], str]:
    """The files of an HTML page (PEP 503, 592, 658, 714), and the address that its links are relative to."""
    _bounded(body, b"<=& \t\r\n\f")
    try:
        text = body.decode(charset, "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    page = read_html(text)
    _check_version(page.version)
    if not any(anchor.text.endswith((".whl", ".gz", ".zip")) for anchor in page.anchors) and _LOGIN.search(text):
        raise ListingError("it is a page to log in, and not one of the simple API; credentials are missing or expired")
    base = url
    if page.base is not None:
        try:
            base = urljoin(url, page.base)
        except ValueError:
            raise ListingError("its <base> is not an address") from None
    return _html_files(page.anchors), base


def _html_files(found: list[Anchor]) -> Iterator[Entry]:
    for attributes, text in found:
        address, _, fragment = (attributes.get("href") or "").strip().partition("#")
        algorithm, _, digest = fragment.partition("&")[0].partition("=")
        last = unquote(address.partition("?")[0].rpartition("/")[2])
        # The text has to be the file name (PEP 503); some pages decorate it, and their address still tells.
        filename = text if text.endswith((".whl", ".tar.gz", ".zip")) else last or text
        offered: object = None
        for key in ("data-core-metadata", "data-dist-info-metadata"):
            if key in attributes:
                value = attributes[key] or ""
                known, equals, hexadecimal = value.partition("=")
                offered = {known: hexadecimal} if equals else value.lower() == "true"
                break
        yanked = (attributes["data-yanked"] or "") if "data-yanked" in attributes else None
        requires = attributes.get("data-requires-python")
        yield filename, address, {algorithm: digest} if digest else {}, None, None, requires, yanked, offered


def _bounded(body: bytes, marks: bytes) -> None:
    """Raises ListingError where a page would become far more objects than any index has files."""
    if len(body) < _MOST_MARKS:
        return
    if sum(body.count(mark) for mark in marks) + body.count(b"/") // 4 > _MOST_MARKS:
        raise ListingError("it holds more than any index has of a package")


def _check_version(version: str) -> None:
    if version.partition(".")[0] != "1":
        raise ListingError(f"it speaks version {version[:20]!r} of the simple API, and only version 1 is known")


# ---------------------------------------------------------------------------------------------------------------------


def listing_of_files(entries: Iterable[Entry], base: str, index: str, name: str) -> Listing:
    """Group what a page says by version. ``base`` is what addresses are relative to."""
    import msgpack
    from packaging.version import InvalidVersion, Version

    packer = msgpack.Packer()
    groups: dict[str, list[tuple[Any, ...]]] = {}  # by version as file names spell it, to parse each spelling once
    invalid: set[str] = set()
    versions: dict[Version, list[str]] = {}
    skipped: list[tuple[str, str]] = []
    local = base.startswith("file:")
    for filename, url, hashes, size, uploaded, requires, yanked, offered in entries:
        try:
            spelled = version_part(filename, name)
            group = groups.get(spelled)
            if group is None:
                try:
                    if spelled in invalid or LONG_NUMBER.search(spelled):
                        raise InvalidVersion
                    versions.setdefault(Version(spelled), []).append(spelled)
                except InvalidVersion:
                    invalid.add(spelled)
                    unfit(f"its version {spelled[:100]!r} is not a version (PEP 440)")
                group = groups[spelled] = []
            raw = (
                filename,
                _address(url, base, local),
                _hashes(hashes),
                size,
                None if uploaded is None else _instant(uploaded),
                _requires(requires) if isinstance(requires, str) else None,
                None if not yanked and yanked != "" else yanked if isinstance(yanked, str) else _flag(yanked),
                None if offered is None else _offered(offered),
            )
        except Unfit as reason:
            skipped.append((_shown(filename), str(reason)))
            continue
        group.append(raw)
    releases: list[Release] = []
    lasts: list[str | None] = []
    for version in sorted(versions):
        spellings = versions[version]
        files = [raw for spelled in spellings for raw in groups[spelled]]
        if files:
            shown = str(version)
            if len(spellings) > 1:  # 1.0 and 1.0.0 are one version: the shorter one stands for both
                shown = min({str(Version(spelled)) for spelled in spellings if groups[spelled]}, key=_shortest)
            releases.append(_release(shown, files, packer.pack))
            lasts.append(latest(files))
    return Listing(name, index, Columns.of(releases, lasts), tuple(sorted(skipped)))


def _shortest(version: str) -> tuple[int, str]:
    return len(version), version


def _release(version: str, files: list[tuple[Any, ...]], pack: Callable[[object], bytes]) -> Release:
    files.sort(key=_NAME_AND_ADDRESS)
    requires = files[0][5]
    said = [raw[5] for raw in files]
    if said.count(requires) < len(said):
        # Ties: a file that says something, and then the alphabet, so that the order of a page decides nothing.
        requires = min(set(said), key=lambda value: (-said.count(value), value is None, value or ""))
    times = [raw[4][:-1] for raw in files if raw[4] is not None]  # without the Z, which sorts after fractions
    kinds = {raw[0][-4:] for raw in files}
    return Release(
        version,
        requires,
        None not in [raw[6] for raw in files],
        min(times) + "Z" if times else None,
        ".whl" in kinds,
        len(kinds) > 1 or ".whl" not in kinds,
        pack(files),
    )


_NAME_AND_ADDRESS = itemgetter(0, 1)


def _shown(filename: object) -> str:
    return filename[:200].encode("utf-8", "replace").decode() if isinstance(filename, str) else ""


def _flag(yanked: object) -> str | None:
    return "" if yanked is True else None


def _offered(said: object) -> tuple[tuple[str, str], ...] | None:
    """The digests of a metadata file; one that is offered with what is no digest is as good as none."""
    try:
        return _hashes(said) if isinstance(said, dict) else () if said is True else None
    except Unfit:
        return None


def _address(url: object, base: str, local: bool) -> str:
    if not isinstance(url, str) or not url:
        unfit("it has no address")
    if (
        url.startswith(("https://", "http://"))
        and url.partition("//")[2][:1].isalnum()
        and not ("@" in url or "#" in url or "\\" in url or " " in url)
        and url.isascii()
        and url.isprintable()
        and ":" not in url[8:]
        and len(url) <= _LONGEST_ADDRESS
    ):
        return url
    try:
        absolute, _ = split_credentials(urljoin(base, url.strip()))
        parts = urlsplit(absolute)
        _ = parts.port  # which has to be one
    except ValueError:
        unfit("its address is not an address")
    if parts.scheme not in ("http", "https") and not (local and parts.scheme == "file"):
        unfit(f"its address has the scheme {parts.scheme[:20]!r}, which is not fetched")
    if parts.scheme != "file" and not _HOST.fullmatch(parts.hostname or ""):
        unfit("its address names no host")
    if len(absolute) > _LONGEST_ADDRESS:
        unfit("its address is too long")
    return absolute.replace(" ", "%20")


def _hashes(hashes: object) -> tuple[tuple[str, str], ...]:
    """The digests that a lock may promise; weak and unknown ones tell as little as none."""
    if not isinstance(hashes, dict):
        return ()
    if len(hashes) == 1:
        digest = hashes.get("sha256")  # as nearly every index answers
        if isinstance(digest, str) and len(digest) == 64 and _HEXADECIMAL.issuperset(digest):
            return (("sha256", digest.lower()),)
    found = []
    for key, value in hashes.items():
        algorithm = key.lower() if isinstance(key, str) else ""
        length = _LENGTHS.get(algorithm)
        if length is None:
            continue
        if not isinstance(value, str) or len(value) != length or not _HEXADECIMAL.issuperset(value):
            unfit(f"its {algorithm} hash is not one")
        found.append((algorithm, value.lower()))
    return tuple(sorted(found))


def _requires(said: str) -> str | None:
    if len(said) > LONGEST or LONG_NUMBER.search(said):
        unfit("its Requires-Python is too long")
    return said.strip() or None


def _instant(time: object) -> str | None:
    """An upload time as RFC 3339 in UTC, ending in Z."""
    if not isinstance(time, str):
        return None
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(time)
        if len(time) >= 20 and time[-1] == "Z" and time[10] == "T" and time[13] == ":":
            return time
    except ValueError:
        leap = time.replace(":60", ":59") if time[16:19] == ":60" else None
        return _instant(leap)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return None
