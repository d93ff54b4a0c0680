"""Where packages come from and what excludes each other: the indexes, sources and conflicts of a project."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from satlock.corpora.index.address import without_credentials
from satlock.encoder.project.misspelt import ignored
from satlock.encoder.project.project import Choice, Index, ProjectError
from satlock.encoder.project.settings import read_cutoff
from satlock.encoder.project.values import Value, shown
from satlock.records import dataclass, replace

__all__ = ["Declared", "in_place_of_indexes", "is_relative", "read_conflicts", "read_cutoffs_per_index", "read_indexes"]

_INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+")

_INDEX_KEYS = frozenset({"name", "url", "explicit", "default", "format", "ignore-error-codes", "exclude-newer"})
_INDEX_KEYS_WITHOUT_BEARING = frozenset({"publish-url", "authenticate", "cache-control"})


@dataclass(frozen=True)
class Declared:
    """What the project declares, for settings to name."""

    name: str | None
    extras: Collection[str]
    groups: Collection[str]

    def choice(self, value: Value, kind: str) -> Choice:
        """The extra or group that the value names; raises :class:`ProjectError` where the project has none such."""
        name = value.name(f"{kind} name")
        if kind == "extra":
            if name not in self.extras:
                raise value.error(
                    f"names the unknown extra '{name}'", "add it to [project.optional-dependencies], or drop it here"
                )
            return Choice("extra", name)
        if name not in self.groups:
            raise value.error(f"names the unknown group '{name}'", "add it to [dependency-groups], or drop it here")
        return Choice("group", name)


def read_indexes(
    settings: Mapping[str, Value],
    warnings: list[str],
    *,
    default_index: str | None = None,
    named_indexes: Mapping[str, str] | None = None,
) -> tuple[Index, ...]:
    """The indexes in order of priority, the default one last.

    As in uv: ``index`` in the order of the file, then ``extra-index-url``, then ``index-url``, which is the default
    where no index is marked so; ``find-links`` have no place in this order, and stand first. The command line wins:
    ``named_indexes`` replace the URL of an index of that name, or come before all others; ``default_index`` takes the
    place of the default, and an index that was the default then serves only the sources that name it.
    """
    indexes: list[Index] = []
    value = settings.get("index")
    for entry in value.items("a list of tables") if value else ():
        index = _one_index(entry, warnings)
        if index.name and any(index.name == other.name for other in indexes):
            raise entry.error(f"has the name '{index.name}' of an earlier index", "give each index a name of its own")
        if index.default and any(other.default for other in indexes):
            raise entry.error("is a second index with default = true", "mark only one as the default")
        indexes.append(index)
    extra = settings.get("extra-index-url")
    indexes += [Index("", _url(item)) for item in (extra.items("a list of URLs") if extra else ())]
    legacy = settings.get("index-url")
    if legacy is not None:
        url = _url(legacy)  # Checked also where it has no effect.
        if not any(index.default for index in indexes):
            indexes.append(Index("", url, default=True))

    links = settings.get("find-links")
    beside = [
        Index("", _url(item), flat=True, beside=True, relative=is_relative(item.raw))
        for item in (links.items("a list of paths and URLs") if links else ())
    ]
    indexes = _named_on_command_line(indexes, named_indexes or {})
    if default_index is not None:
        if not _is_url(default_index):
            raise ProjectError(f"--default-index is {shown(default_index)}, which is not a URL; write 'https://...'.")
        kept = [replace(index, default=False, explicit=True) if index.default else index for index in indexes]
        indexes = [index for index in kept if index.name or not index.explicit]
        indexes.append(Index("", default_index, default=True))
    return (*beside, *sorted(indexes, key=lambda index: index.default))


def in_place_of_indexes(value: Value | None, indexes: tuple[Index, ...]) -> tuple[Index, ...]:
    """The indexes as far as ``no-index`` leaves any: ``find-links``, and those that only sources name.

    The last of ``find-links`` stands in the place of the default index, so that no other is asked.

    Raises:
        ProjectError: nothing is left to ask.
    """
    if value is None or not value.flag():
        return indexes
    beside = [index for index in indexes if index.beside]
    if not beside:
        raise value.error("is true, and there are no find-links", "say with find-links where the files are")
    last = replace(beside[-1], beside=False, default=True)
    return (*beside[:-1], *(index for index in indexes if index.explicit), last)


def read_cutoffs_per_index(
    value: Value | None, indexes: Collection[Index], now: datetime
) -> dict[str, datetime | None]:
    """``exclude-newer`` of the entries of ``index``, by the URLs that they came to; false lifts the project's one."""
    found: dict[str, datetime | None] = {}
    for entry in value.items("a list of tables") if value else ():
        table = entry.table()
        if "exclude-newer" not in table:
            continue
        name = table["name"].raw if "name" in table else None
        url = next((one.url for one in indexes if name and one.name == name), _url(table["url"]))
        found[without_credentials(url)] = read_cutoff(table["exclude-newer"], now)
    return found


def _named_on_command_line(indexes: list[Index], named: Mapping[str, str]) -> list[Index]:
    added = []
    for name, url in named.items():
        if not _INDEX_NAME.fullmatch(name) or not _is_url(url):
            raise ProjectError(f"--index is {shown(f'{name}={url}')}, which is not NAME=URL; write 'name=https://...'.")
        if any(index.name == name for index in indexes):
            indexes = [
                replace(index, url=url, flat=False, ignored=None, relative=False) if index.name == name else index
                for index in indexes
            ]
        else:
            added.append(Index(name, url))
    return added + indexes


def _one_index(entry: Value, warnings: list[str]) -> Index:
    table = entry.table()
    if "url" not in table:
        raise entry.error("has no url", "add the address of the index")
    name = table["name"].text("the name of the index as a string") if "name" in table else ""
    if "name" in table and not _INDEX_NAME.fullmatch(name):
        raise table["name"].error(
            f"is {shown(name)}, which is not a valid index name", "use letters, digits, '-', '_' and '.'"
        )
    explicit = "explicit" in table and table["explicit"].flag()
    if explicit and not name:
        raise entry.error("is explicit and has no name", "give it a name, so that sources can name it")
    shape = table["format"].text() if "format" in table else "simple"
    if shape not in ("simple", "flat"):
        raise table["format"].expected("'simple' or 'flat'")
    for key, item in table.items():
        if key not in _INDEX_KEYS and key not in _INDEX_KEYS_WITHOUT_BEARING:
            warnings.append(ignored(item, key, _INDEX_KEYS | _INDEX_KEYS_WITHOUT_BEARING))
    return Index(
        name,
        _url(table["url"]),
        explicit,
        "default" in table and table["default"].flag(),
        shape == "flat",
        ignored=_statuses(table["ignore-error-codes"]) if "ignore-error-codes" in table else None,
        relative=is_relative(table["url"].raw),
    )


def _statuses(value: Value) -> frozenset[int]:
    codes = []
    for item in value.items("a list of HTTP statuses"):
        if type(item.raw) is not int or not 100 <= item.raw <= 999:
            raise item.error(f"is {shown(item.raw)}, which is no HTTP status", "write numbers such as 403")
        codes.append(item.raw)
    return frozenset(codes)


def is_relative(written: object) -> bool:
    """Whether an address is a path from the file that has it."""
    return isinstance(written, str) and "://" not in written and not os.path.isabs(written)


def _url(value: Value) -> str:
    """The URL as written, without expansion of variables; a local path becomes a file URL, as in uv."""
    text = value.text("a URL as a string")
    if "://" not in text and text.strip():
        return Path(os.path.abspath(Path(value.file).parent / text)).as_uri()
    if not _is_url(text):
        raise value.error(f"is {shown(text)}, which is not a URL", "write it with https://, http:// or file://")
    return text


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_place = bool(parts.path if parts.scheme == "file" else parts.hostname and parts.port != 0)
    except ValueError:  # A bracket or a port that is none.
        return False
    return parts.scheme in ("http", "https", "file") and has_place and text.isprintable() and " " not in text


def read_conflicts(value: Value | None, declared: Declared) -> tuple[tuple[Choice, ...], ...]:
    """``conflicts``: sets of extras, groups and whole projects of which at most one is active at a time.

    An entry may name another package than the project: a member of its workspace, or another source tree that it
    requires. Whether that one has such an extra is not known here.
    """
    if value is None:
        return ()
    conflicts = []
    for conflict in value.items("a list of lists"):
        choices = dict.fromkeys(
            _one_choice(entry, declared) for entry in conflict.items("a list of {extra = ...} and {group = ...}")
        )
        if len(choices) < 2:
            raise conflict.error("has fewer than two members", "name the extras or groups that exclude each other")
        conflicts.append(tuple(choices))
    return tuple(conflicts)


def _one_choice(entry: Value, declared: Declared) -> Choice:
    table = entry.table()
    for key, item in table.items():
        if key not in ("package", "extra", "group"):
            raise item.error("is unknown", "use extra or group, and package")
    if "extra" in table and "group" in table:
        raise entry.error("has both extra and group", "write one entry for each of them")
    kind: Literal["extra", "group"] | None = "extra" if "extra" in table else "group" if "group" in table else None
    package = table["package"].name("package name") if "package" in table else ""
    if package and package != declared.name:
        if kind is None:
            return Choice("project", "", package)
        return Choice(kind, table[kind].name(f"{kind} name"), package)
    if kind is None:
        if package:
            return Choice("project", "", "")
        raise entry.error("has neither extra nor group", "add one of them")
    return declared.choice(table[kind], kind)
