"""Where packages come from and what excludes each other: the indexes, sources and conflicts of a project."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from encoder.project import Choice, Index, ProjectError, Source
from encoder.values import Value, shown

__all__ = ["Declared", "read_conflicts", "read_indexes", "read_sources"]

_INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+")

_INDEX_KEYS = frozenset({"name", "url", "explicit", "default", "format"})
_INDEX_KEYS_WITHOUT_BEARING = frozenset({"publish-url", "authenticate", "cache-control"})
_INDEX_KEYS_NOT_SUPPORTED = frozenset({"exclude-newer", "ignore-error-codes"})

_SOURCE_KINDS = ("index", "git", "url", "path", "workspace")
_SOURCE_KEYS = frozenset(
    (*_SOURCE_KINDS, "extra", "group", "marker", "subdirectory", "rev", "tag", "branch", "lfs", "editable", "package")
)


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
    where no index is marked so. The command line wins: ``named_indexes`` replace the URL of an index of that name, or
    come before all others; ``default_index`` takes the place of the default, and an index that was the default
    then serves only the sources that name it.
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

    indexes = _named_on_command_line(indexes, named_indexes or {})
    if default_index is not None:
        if not _is_url(default_index):
            raise ProjectError(f"--default-index is {shown(default_index)}, which is not a URL; write 'https://...'.")
        kept = [replace(index, default=False, explicit=True) if index.default else index for index in indexes]
        indexes = [index for index in kept if index.name or not index.explicit]
        indexes.append(Index("", default_index, default=True))
    return tuple(sorted(indexes, key=lambda index: index.default))


def _named_on_command_line(indexes: list[Index], named: Mapping[str, str]) -> list[Index]:
    added = []
    for name, url in named.items():
        if not _INDEX_NAME.fullmatch(name) or not _is_url(url):
            raise ProjectError(f"--index is {shown(f'{name}={url}')}, which is not NAME=URL; write 'name=https://...'.")
        if any(index.name == name for index in indexes):
            indexes = [replace(index, url=url, flat=False) if index.name == name else index for index in indexes]
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
    if shape == "flat":
        warnings.append(f"{entry.where} ({name or 'no name'}) has the format 'flat', which is not supported yet.")
    for key, item in table.items():
        if key in _INDEX_KEYS_NOT_SUPPORTED:
            warnings.append(f"{item.where} is not supported yet and has no effect.")
        elif key not in _INDEX_KEYS and key not in _INDEX_KEYS_WITHOUT_BEARING:
            warnings.append(f"{item.where} is unknown and has no effect.")
    return Index(name, _url(table["url"]), explicit, "default" in table and table["default"].flag(), shape == "flat")


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


def read_sources(
    value: Value | None, indexes: Collection[Index], declared: Declared, warnings: list[str]
) -> dict[str, tuple[Source, ...]]:
    """``sources``: for each package the index pins with their scopes.

    Other kinds (a path, git, a URL, a workspace member) are not supported yet: they have no effect, and one warning
    each. Whether scopes overlap is not decided here.
    """
    sources: dict[str, tuple[Source, ...]] = {}
    if value is None:
        return sources
    known = {index.name for index in indexes if index.name}
    seen: set[str] = set()
    for key, item in value.table().items():
        name = value.key_name(key, "package name")
        if name in seen:
            raise item.error(f"is a second key for the package '{name}'", "join the two in one list")
        seen.add(name)
        entries = [item] if isinstance(item.raw, dict) else list(item.items("a table or a list of tables"))
        pins = []
        kinds: dict[str, None] = {}
        for entry in entries:
            source = _one_source(entry, known, declared)
            if isinstance(source, Source):
                pins.append(source)
            else:
                kinds[source] = None
        warnings += [f"{item.where} takes '{name}' from a {kind}, which is not supported yet." for kind in kinds]
        if pins:
            sources[name] = tuple(pins)
    return sources


def _one_source(entry: Value, known: Collection[str], declared: Declared) -> Source | str:
    """The pin, or the kind of source where it is not an index."""
    table = entry.table()
    for key, item in table.items():
        if key not in _SOURCE_KEYS:
            raise item.error("is unknown", "use index, with extra, group or marker")
    kinds = [kind for kind in _SOURCE_KINDS if kind in table]
    if not kinds:
        raise entry.error("has no source", "add index = with the name of an index")
    if len(kinds) > 1:
        raise entry.error(f"has both {kinds[0]} and {kinds[1]}", "keep one of them")
    if "extra" in table and "group" in table:
        raise entry.error("has both extra and group", "write one entry for each of them")
    scope = next((declared.choice(table[kind], kind) for kind in ("extra", "group") if kind in table), None)
    marker = table["marker"].environment_marker() if "marker" in table else None
    if kinds[0] != "index":
        return {"url": "URL", "git": "git repository", "workspace": "workspace member"}.get(kinds[0], kinds[0])
    index = table["index"].text("the name of an index as a string")
    if index not in known:
        raise table["index"].error(
            f"names the unknown index {shown(index)}", "declare it in [[tool.uv.index]] or with --index NAME=URL"
        )
    return Source(index, scope, marker)


def read_conflicts(value: Value | None, declared: Declared, warnings: list[str]) -> tuple[tuple[Choice, ...], ...]:
    """``conflicts``: sets of extras and groups of which at most one is active at a time.

    An entry that names another package belongs to a workspace, and one that names a whole package has no counterpart
    here; both are left out with a warning.
    """
    if value is None:
        return ()
    conflicts = []
    for conflict in value.items("a list of lists"):
        choices: dict[Choice, None] = {}
        others: dict[str, None] = {}
        for entry in conflict.items("a list of {extra = ...} and {group = ...}"):
            choice = _one_choice(entry, declared)
            if isinstance(choice, Choice):
                choices[choice] = None
            else:
                others[choice] = None
        if not others and len(choices) < 2:
            raise conflict.error("has fewer than two members", "name the extras or groups that exclude each other")
        warnings += [
            f"{conflict.where} names {other}, which is not supported yet and has no effect." for other in others
        ]
        if len(choices) >= 2:
            conflicts.append(tuple(choices))
    return tuple(conflicts)


def _one_choice(entry: Value, declared: Declared) -> Choice | str:
    """The extra or group of this project; or, in words, what else the entry names."""
    table = entry.table()
    for key, item in table.items():
        if key not in ("package", "extra", "group"):
            raise item.error("is unknown", "use extra or group")
    if "extra" in table and "group" in table:
        raise entry.error("has both extra and group", "write one entry for each of them")
    kind = next((kind for kind in ("extra", "group") if kind in table), None)
    if "package" in table:
        package = table["package"].name("package name")
        if package != declared.name:
            return f"the package '{package}', another than this project"
        if kind is None:
            return f"the project '{package}' as a whole"
    if kind is None:
        raise entry.error("has neither extra nor group", "add one of them")
    return declared.choice(table[kind], kind)
