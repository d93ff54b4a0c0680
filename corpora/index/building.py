"""How source distributions are built: what their builds get, and from where, as the project says it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from satlock.corpora.index.access import Access
from satlock.records import dataclass, field

__all__ = ["Building", "Place"]

_BEARS_ON_BUILDS = re.compile(r"PATH|CC|CXX|LD|AR|.*FLAGS|.*_(?:HOME|ROOT|DIR|PATH|VERSION|COMMAND)")


@dataclass(frozen=True)
class Place:
    """An index, for what builds need."""

    name: str
    """Empty for one without a name."""
    url: str = field(repr=False)
    """As it was given: it may hold credentials."""
    default: bool = False
    explicit: bool = False
    flat: bool = False
    ignored: frozenset[int] | None = None
    """The HTTP statuses by which it says that it lacks a package; None where nothing is stated."""
    exclude_newer: str | None = None
    """A moment (RFC 3339) of its own, in the place of the project's; empty where no file of it is too new."""

    @property
    def beside(self) -> bool:
        """Whether its files count beside those of the index that has a package (``find-links``)."""
        return self.flat and not self.name


@dataclass(frozen=True)
class Building:
    """What a project says of builds; the keys of uv of these names."""

    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``extra-build-dependencies``: requirements by package."""
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """``extra-build-variables``: environment variables by package."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """``config-settings``: texts, or lists of them."""
    settings_of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``config-settings-package``, which come before the others."""
    constraints: tuple[str, ...] = ()
    """``build-constraint-dependencies``."""
    shared: frozenset[str] | None = frozenset()
    """``no-build-isolation-package``: what is built in the project's environment; None for everything."""
    places: tuple[Place, ...] = ()
    """Where requirements of builds come from, in order of priority. Where there are none, the installer decides."""
    pins: tuple[tuple[str, str, str], ...] = ()
    """(package, name of the index, marker or nothing): the packages that come from an index of their own."""
    index_strategy: str = "first-index"
    exclude_newer: str | None = None
    """A moment (RFC 3339) from which on no file counts."""
    exclude_newer_package: Mapping[str, str | None] = field(default_factory=dict)
    """None lifts it for a package."""
    requires_python: str = ""
    """The Pythons of the project."""
    python: tuple[int, int] | None = None
    """The one that the project is worked on with, where something says so."""
    environment: str | None = None
    """The folder of the project's environment, where it would be."""
    access: Access = field(default_factory=Access)
    """How indexes are reached."""
    no_build: bool = False
    no_build_of: frozenset[str] = frozenset()
    """``no-build-package``."""
    no_binary_of: frozenset[str] = frozenset()
    """``no-binary-package``: what is built in spite of ``no-build``."""

    def forbids(self, name: str | None) -> bool:
        """Whether a package that is not of the project's own folders is not to be built."""
        return name in self.no_build_of or (self.no_build and name not in self.no_binary_of)

    def is_shared(self, name: str | None) -> bool:
        """Whether a package is built in the project's environment."""
        return self.shared is None or name in self.shared

    def settings_for(self, name: str | None) -> dict[str, Any]:
        """The settings for the backend of a package: of a key that both tables have, all values."""
        merged = dict(self.settings)
        for key, own in self.settings_of.get(name or "", {}).items():
            others = merged.get(key)
            merged[key] = own if others is None else [*_listed(own), *_listed(others)]
        return merged

    def fingerprint(self, name: str) -> str:
        """What makes the metadata that a build of a package says another one; nothing where nothing does."""
        stated = [
            self.extra.get(name), self.variables.get(name), self.settings_for(name), self.constraints,
            self.is_shared(name), self.python if self.python != sys.version_info[:2] else None,
        ]  # fmt: skip
        return _digest(stated) if any(stated) else ""

    def circumstances(self, name: str) -> str:
        """What may make a build succeed that failed before."""
        variables = {key: value for key, value in os.environ.items() if _BEARS_ON_BUILDS.fullmatch(key)}
        indexes = [(place.name, place.url, place.default) for place in self.places]
        stated = [self.fingerprint(name), variables, indexes, self.pins, self.exclude_newer, sys.version_info[:2]]
        return _digest(stated)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _digest(stated: object) -> str:
    import hashlib
    import json

    text = json.dumps(stated, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
