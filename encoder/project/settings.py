"""The keys of ``[tool.uv]`` and ``[tool.satlock]``: which of them have a meaning here, and the simple ones' values.

Their meaning is that of uv's settings reference; a key of ``[tool.satlock]`` replaces the whole key of ``[tool.uv]``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import combinations
from typing import TypedDict, TypeVar, get_args

from satlock.corpora.index.access import KEYRINGS, Access
from satlock.corpora.index.building import Building
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.building import BUILD_KEYS, read_building
from satlock.encoder.project.cutoffs import end_of_day, parse_cutoff
from satlock.encoder.project.misspelt import ignored
from satlock.encoder.project.project import (
    DependencyMetadata,
    ForkStrategy,
    IndexStrategy,
    PreReleases,
    Requirement,
    Resolution,
    Scope,
    ScopedExclude,
    ScopedOverride,
)
from satlock.encoder.project.values import Value, shown

__all__ = [
    "KEYS_OF_SATLOCK",
    "Resolving",
    "disjoint",
    "merge_settings",
    "read_default_groups",
    "read_dependency_metadata",
    "read_excludes",
    "read_markers",
    "read_names",
    "read_overrides",
    "resolving_of",
    "settings_of",
    "without_sources",
    "warnings_of_prereleases",
]

_Text = TypeVar("_Text", bound=str)

_PRERELEASES: tuple[PreReleases, ...] = get_args(PreReleases)
_OLD_NAME = "if-necessary-or-explicit"
_INDEX_STRATEGIES: tuple[IndexStrategy, ...] = get_args(IndexStrategy)
_RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)
_FORK_STRATEGIES: tuple[ForkStrategy, ...] = get_args(ForkStrategy)


class Resolving(TypedDict):
    """The settings that may stand outside of a project too, as the fields of a project."""

    index_strategy: IndexStrategy
    prerelease: PreReleases
    prerelease_package: Mapping[str, PreReleases]
    resolution: Resolution | None
    fork_strategy: ForkStrategy
    exclude_newer: datetime | None
    exclude_newer_package: Mapping[str, datetime | None]
    dependency_metadata: tuple[DependencyMetadata, ...]
    no_build: bool
    no_build_package: frozenset[str]
    no_binary: bool
    no_binary_package: frozenset[str]
    files_barred_here: bool
    access: Access
    building: Building


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READ = BUILD_KEYS | _words(
    "allow-insecure-host keyring-provider native-tls system-certs "
    "conflicts constraint-dependencies default-groups dependency-groups dependency-metadata dev-dependencies "
    "environments exclude-dependencies exclude-newer exclude-newer-package extra-index-url find-links fork-strategy "
    "index index-strategy index-url no-binary no-binary-package no-build no-build-package no-index no-sources "
    "no-sources-package override-dependencies prerelease prerelease-package required-environments resolution sources "
    "workspace"
)
_BARRING = _words("no-binary no-binary-package no-build no-build-package")
KEYS_OF_SATLOCK = _READ | {"metadata-per-wheel", "output", "single-version"}
"""What ``[tool.satlock]`` may have."""

_WITHOUT_BEARING = _words(
    # These steer an installation, a publication, uv itself, or where it keeps things: never what a lock says.
    "add-bounds audit build-backend cache-dir cache-keys check-url compile-bytecode concurrent-builds "
    "concurrent-downloads concurrent-installs graalpy-install-mirror link-mode managed no-cache package pip preview "
    "preview-features publish-url pyodide-install-mirror pypy-install-mirror python-downloads "
    "python-downloads-json-url python-install-mirror python-preference reinstall reinstall-package required-version "
    "trusted-publishing"
)
_NOT_SUPPORTED = _words(
    # These could change what a lock says, or whether there is one.
    "http-proxy https-proxy minimum-libc-version no-proxy offline require-build-hashes torch-backend upgrade "
    "upgrade-package"
)
KEYS_OF_UV = _READ | _WITHOUT_BEARING | _NOT_SUPPORTED
"""What ``[tool.uv]`` may have."""


def merge_settings(uv: Value | None, satlock: Value | None, warnings: list[str]) -> dict[str, Value]:
    """The keys that have a meaning here, each from the table that wins; one warning for each other key that could."""
    merged: dict[str, Value] = {}
    for settings, known in ((uv, _READ), (satlock, KEYS_OF_SATLOCK)):
        for key, value in settings.table().items() if settings else ():
            if key in known:
                merged[key] = value
            elif key in _NOT_SUPPORTED:
                warnings.append(f"{value.where} is not supported yet and has no effect.")
            elif key not in _WITHOUT_BEARING:
                warnings.append(ignored(value, key, known | KEYS_OF_UV))
    return merged


def settings_of(tables: Mapping[str, Value], warnings: list[str]) -> dict[str, Value]:
    """The settings of a ``pyproject.toml`` (see :func:`merge_settings`)."""
    tools = tables["tool"].table() if "tool" in tables else {}
    return merge_settings(tools.get("uv"), tools.get("satlock"), warnings)


def without_sources(settings: Mapping[str, Value]) -> Callable[[str], bool]:
    """Which packages have no sources: all of them (``no-sources``), or some (``no-sources-package``)."""
    everything = "no-sources" in settings and settings["no-sources"].flag()
    some = frozenset(read_names(settings.get("no-sources-package")))
    return lambda name: everything or name in some


def resolving_of(settings: Mapping[str, Value], now: datetime) -> Resolving:
    """What settings say of which versions are admitted, and how they are reached; durations count back from ``now``.

    Raises:
        ProjectError: one of them has a value that it cannot have.
    """
    return Resolving(
        index_strategy=read_one_of(settings.get("index-strategy"), _INDEX_STRATEGIES, "first-index"),
        prerelease=read_prereleases(settings.get("prerelease")),
        prerelease_package=read_prereleases_per_package(settings.get("prerelease-package")),
        resolution=read_one_of(settings["resolution"], _RESOLUTIONS, "highest") if "resolution" in settings else None,
        fork_strategy=read_one_of(settings.get("fork-strategy"), _FORK_STRATEGIES, "requires-python"),
        exclude_newer=read_cutoff(settings.get("exclude-newer"), now),
        exclude_newer_package=read_cutoff_per_package(settings.get("exclude-newer-package"), now),
        dependency_metadata=read_dependency_metadata(settings.get("dependency-metadata")),
        no_build="no-build" in settings and settings["no-build"].flag(),
        no_build_package=frozenset(read_names(settings.get("no-build-package"))),
        no_binary="no-binary" in settings and settings["no-binary"].flag(),
        no_binary_package=frozenset(read_names(settings.get("no-binary-package"))),
        files_barred_here=any(settings[key].where.startswith("tool.satlock.") for key in _BARRING & settings.keys()),
        access=read_access(settings),
        building=read_building(settings),
    )


def read_one_of(value: Value | None, choices: Collection[_Text], default: _Text) -> _Text:
    """A setting that is one of a few words."""
    if value is None:
        return default
    text = value.text()
    for choice in choices:
        if text == choice:
            return choice
    raise value.expected("one of " + ", ".join(f"'{choice}'" for choice in choices))


def read_names(value: Value | None) -> tuple[str, ...]:
    """A list of package names, normalised, without repetitions, in the order of the file."""
    if value is None:
        return ()
    return tuple(dict.fromkeys(item.name("package name") for item in value.items("a list of package names")))


def read_markers(value: Value | None) -> tuple[Marker, ...]:
    """``environments`` and ``required-environments``: one marker or a list of them."""
    if value is None:
        return ()
    if isinstance(value.raw, str):
        return (value.environment_marker(),)
    return tuple(item.environment_marker() for item in value.items("a marker or a list of markers"))


def disjoint(value: Value | None, markers: tuple[Marker, ...]) -> tuple[Marker, ...]:
    """These markers, which must exclude each other, as in uv: each environment is one of the project's by one of them.

    Raises:
        ProjectError: two of them overlap.
    """
    if value is None or len(markers) < 2:
        return markers
    from satlock.encoder.markers.domain import Domain
    from satlock.encoder.markers.marker import from_marker

    domain, regions = Domain(), [(marker, from_marker(marker)) for marker in markers]
    for (one, first), (other, second) in combinations(regions, 2):
        if domain.satisfiable(first, second):
            raise value.error(
                f"has two markers that overlap, {shown(str(one))} and {shown(str(other))}",
                "let them exclude each other",
            )
    return markers


def read_overrides(value: Value | None) -> tuple[tuple[Requirement, ...], tuple[ScopedOverride, ...]]:
    """``override-dependencies``: those for everybody, and those for one package.

    As in uv, the latter say versions only: what comes from elsewhere comes from there for everybody.
    """
    scoped: list[ScopedOverride] = []
    for item, scope, dependencies in _scoped(value):
        requirements = dependencies.requirements()
        if any(requirement.url is not None for requirement in requirements):
            raise item.error("has an address", "write it in [tool.uv.sources], which holds for everybody")
        scoped.append(ScopedOverride(scope, requirements))
    everybody = (item.requirement(value.where) for item in _unscoped(value)) if value is not None else ()
    return tuple(everybody), tuple(scoped)


def read_excludes(value: Value | None) -> tuple[frozenset[str], tuple[ScopedExclude, ...]]:
    """``exclude-dependencies``: those for everybody, and those for one package."""
    scoped = tuple(ScopedExclude(scope, read_names(names)) for _, scope, names in _scoped(value))
    return frozenset(item.name("package name") for item in _unscoped(value)), scoped


def _unscoped(value: Value | None) -> list[Value]:
    return [item for item in value.items() if not isinstance(item.raw, dict)] if value is not None else []


def _scoped(value: Value | None) -> Iterator[tuple[Value, Scope, Value]]:
    """The entries that are tables, ``{ package = { name, version }, dependencies = [] }``, with the last of these."""
    for item in value.items() if value is not None else ():
        if not isinstance(item.raw, dict):
            continue
        table = item.table()
        for key, other in table.items():
            if key not in ("package", "dependencies"):
                raise other.error("is unknown", "use package and dependencies")
        if "package" not in table or "dependencies" not in table:
            raise item.error("lacks package or dependencies", "write { package = { name = '...' }, dependencies = [] }")
        package = table["package"].table()
        for key, other in package.items():
            if key not in ("name", "version"):
                raise other.error("is unknown", "use name and version")
        if "name" not in package:
            raise table["package"].error("has no name", "add the name of the package")
        version = package["version"].version() if "version" in package else None
        yield item, Scope(package["name"].name("package name"), version), table["dependencies"]


def warnings_of_prereleases(settings: Mapping[str, Value]) -> Iterator[str]:
    """That the old name of the default is used, as uv 0.13.9 says it."""
    per_package = settings.get("prerelease-package")
    for value in (settings.get("prerelease"), *(per_package.table().values() if per_package is not None else ())):
        if value is not None and value.raw == _OLD_NAME:
            yield f"{value.where} is {_OLD_NAME!r}, which is deprecated and means 'if-necessary'; write that instead."


def read_prereleases_per_package(value: Value | None) -> dict[str, PreReleases]:
    """``prerelease-package``: a table of package names and the words of ``prerelease``."""
    if value is None:
        return {}
    return {value.key_name(key, "package name"): read_prereleases(item) for key, item in value.table().items()}


def read_prereleases(value: Value | None) -> PreReleases:
    """``prerelease``; ``if-necessary-or-explicit`` is what uv called the default once."""
    if value is not None and value.raw == _OLD_NAME:
        return "if-necessary"
    return read_one_of(value, _PRERELEASES, "if-necessary")


def read_cutoff(value: Value | None, now: datetime) -> datetime | None:
    """``exclude-newer``: see :func:`parse_cutoff`; also TOML's own dates, and false for none."""
    if value is None or value.raw is False:
        return None
    advice = "write e.g. '2025-01-31', '2025-01-31T12:00:00Z' or '30 days'"
    raw = value.raw
    try:
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return end_of_day(raw)
        if isinstance(raw, datetime) and raw.tzinfo is not None:
            return raw.astimezone(UTC)
        if isinstance(raw, datetime):
            raise ValueError("has no time zone")
        if not isinstance(raw, str):
            raise ValueError("is neither a timestamp, a date nor a duration")
        return parse_cutoff(raw, now)
    except OverflowError as error:
        raise value.error(f"is {shown(raw)}, which is out of range", advice) from error
    except ValueError as error:
        raise value.error(f"is {shown(raw)}, which {error}", advice) from error


def read_cutoff_per_package(value: Value | None, now: datetime) -> dict[str, datetime | None]:
    """``exclude-newer-package``: a table of package names and cutoffs, false lifting the project's one."""
    if value is None:
        return {}
    return {value.key_name(key, "package name"): read_cutoff(item, now) for key, item in value.table().items()}


def read_access(settings: Mapping[str, Value]) -> Access:
    """How indexes are reached: ``keyring-provider``, ``native-tls`` or ``system-certs``, ``allow-insecure-host``."""
    system = settings.get("system-certs", settings.get("native-tls"))
    hosts = settings.get("allow-insecure-host")
    return Access(
        keyring=read_one_of(settings.get("keyring-provider"), KEYRINGS, "auto"),
        system_certificates=system is not None and system.flag(),
        insecure_hosts=frozenset(host.text("a host") for host in hosts.items("a list of hosts"))
        if hosts
        else frozenset(),
    )


def read_default_groups(value: Value | None, groups: Collection[str]) -> tuple[str, ...]:
    """``default-groups``: names of groups, or "all"; without it ``dev``, if there is one."""
    if value is None:
        return ("dev",) if "dev" in groups else ()
    if value.raw == "all":
        return tuple(groups)
    names: dict[str, None] = {}
    for item in value.items('a list of groups, or "all"'):
        name = item.name("group name")
        if name not in groups:
            raise item.error(f"names the unknown group '{name}'", "add it to [dependency-groups], or drop it here")
        names[name] = None
    return tuple(names)


_METADATA_KEYS = frozenset({"name", "version", "requires-dist", "requires-python", "provides-extra", "provides-extras"})


def read_dependency_metadata(value: Value | None) -> tuple[DependencyMetadata, ...]:
    """``dependency-metadata``: what the project says of packages whose own metadata is wrong or must be built."""
    if value is None:
        return ()
    return tuple(_one_metadata(item) for item in value.items("a list of tables"))


def _one_metadata(entry: Value) -> DependencyMetadata:
    table = entry.table()
    for key, item in table.items():
        if key not in _METADATA_KEYS:
            raise item.error("is unknown", "use name, version, requires-dist, requires-python or provides-extra")
    if "name" not in table:
        raise entry.error("has no name", "add the name of the package")
    version = table.get("version")
    requires_python = table.get("requires-python")
    extras = table.get("provides-extra", table.get("provides-extras"))
    return DependencyMetadata(
        name=table["name"].name("package name"),
        version=version.version() if version else None,
        requires_dist=_texts_of_requirements(table),
        requires_python=str(requires_python.specifiers()) if requires_python else None,
        provides_extra=tuple(item.name("extra name") for item in extras.items()) if extras else (),
    )


def _texts_of_requirements(table: Mapping[str, Value]) -> tuple[str, ...]:
    requires = table.get("requires-dist")
    return tuple(requirement.text for requirement in requires.requirements()) if requires else ()
