"""One advisory, and which versions of which package it affects (OSV schema, https://ossf.github.io/osv-schema/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version

from satlock.corpora.names import canonicalize_name
from satlock.records import dataclass

__all__ = ["Advisory", "Affected", "read_advisory", "version_of"]

_ECOSYSTEM = "PyPI"


@dataclass(frozen=True)
class Affected:
    """Versions of one package: those that are listed, and those in the ranges."""

    name: str
    versions: frozenset[str]
    """Normalised."""
    ranges: tuple[tuple[tuple[str, str], ...], ...]
    """For each range its events in the order of versions: (``introduced``, ``fixed``, ``last_affected`` or ``limit``,
    version)."""

    def admits(self, text: str) -> bool:
        """Whether a version is affected. A local version is a build of its release, and affected with it."""
        version = version_of(text)
        if version is None:
            return False
        public = Version(version.public)
        return {str(version), str(public)} & self.versions != frozenset() or any(
            _inside(events, public) for events in self.ranges
        )

    @property
    def fixed(self) -> list[str]:
        """The versions that are said to fix it, oldest first."""
        found = {text for events in self.ranges for kind, text in events if kind == "fixed"}
        return sorted(found, key=lambda text: version_of(text) or Version("0"))


@dataclass(frozen=True)
class Advisory:
    """A known vulnerability."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: str
    """As the advisory has it, e.g. ``HIGH`` or a CVSS vector; empty where it has none."""
    affected: tuple[Affected, ...]
    url: str

    def of(self, name: str) -> list[Affected]:
        """What it says of one package."""
        return [one for one in self.affected if one.name == name]

    def affects(self, name: str, version: str) -> bool:
        return any(one.admits(version) for one in self.of(name))

    @property
    def names(self) -> frozenset[str]:
        """All that it is known by, in capitals."""
        return frozenset(name.upper() for name in (self.id, *self.aliases))


@lru_cache(maxsize=16384)
def version_of(text: str) -> Version | None:
    """The version that a text is; None where it is none (PEP 440)."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _inside(events: Sequence[tuple[str, str]], version: Version) -> bool:
    """The evaluation that the schema states: events in order, the last one at or below the version decides."""
    vulnerable = False
    for kind, text in events:
        bound = Version("0") if text == "0" else version_of(text)
        if bound is None:
            continue
        if kind == "introduced":
            vulnerable = vulnerable or text == "0" or version >= bound
        elif (kind in ("fixed", "limit") and version >= bound) or (kind == "last_affected" and version > bound):
            vulnerable = False
    return vulnerable


def read_advisory(raw: Any) -> Advisory | None:
    """An advisory of a record in the OSV format; None where it was withdrawn, or says nothing of a Python package.

    Raises:
        ValueError: it is not in that format.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), str):
        raise ValueError("an advisory has no id")
    if raw.get("withdrawn"):
        return None
    affected = tuple(_affected(raw))
    if not affected:
        return None
    identity = raw["id"]
    return Advisory(
        identity,
        tuple(sorted(str(alias) for alias in _list(raw.get("aliases")))),
        " ".join(str(raw.get("summary") or str(raw.get("details") or "").partition("\n")[0]).split()),
        _severity(raw),
        affected,
        f"https://osv.dev/vulnerability/{identity}",
    )


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _affected(raw: Mapping[str, Any]) -> Iterator[Affected]:
    for item in _list(raw.get("affected")):
        package = item.get("package") if isinstance(item, Mapping) else None
        if not isinstance(package, Mapping) or str(package.get("ecosystem", "")).partition(":")[0] != _ECOSYSTEM:
            continue
        versions = {str(version) for text in _list(item.get("versions")) if (version := version_of(str(text)))}
        ranges = [one for one in _list(item.get("ranges")) if isinstance(one, Mapping)]
        events = [tuple(_events(one)) for one in ranges if one.get("type") in ("ECOSYSTEM", "SEMVER")]
        yield Affected(
            canonicalize_name(str(package.get("name", ""))), frozenset(versions), tuple(filter(None, events))
        )


def _events(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (kind, str(text))
        for event in _list(one.get("events"))
        if isinstance(event, Mapping)
        for kind, text in event.items()
        if kind in ("introduced", "fixed", "last_affected", "limit") and text != "*"
    ]
    # At one version, what begins comes after what ends.
    order = {"last_affected": 0, "fixed": 1, "limit": 1, "introduced": 2}
    return sorted(found, key=lambda event: (_place(event[1]), order[event[0]]))


def _place(text: str) -> tuple[bool, Version]:
    version = None if text == "0" else version_of(text)
    return (version is not None, version or Version("0"))


def _severity(raw: Mapping[str, Any]) -> str:
    own = raw.get("database_specific")
    if isinstance(own, Mapping) and isinstance(own.get("severity"), str):
        return str(own["severity"])
    scores = [item for item in _list(raw.get("severity")) if isinstance(item, Mapping)]
    return str(scores[0].get("score", "")) if scores else ""
