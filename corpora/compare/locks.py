"""What lockfiles of every kind install in an environment, read by the rules that their installers state."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.corpora.compare.asked import Choice
from satlock.corpora.environments import Variables
from satlock.records import dataclass

__all__ = ["Environment", "Installed", "Lock", "read_lock"]


@dataclass(frozen=True, order=True)
class Installed:
    """One package that an installer takes from a lock."""

    name: str
    version: str
    index: str | None
    """Its address, where the lock tells."""


class Environment(NamedTuple):
    """One Python on one platform with one choice."""

    variables: Variables
    choices: frozenset[Choice]

    def __str__(self) -> str:
        told = f"Python {self.variables['python_full_version']} on {self.variables['sys_platform']}"
        told += f" ({self.variables['platform_machine']})"
        return told + "".join(f", {kind} {name}" for kind, name in sorted(self.choices))

    def names(self, kind: str) -> frozenset[str]:
        return frozenset(choice.name for choice in self.choices if choice.kind == kind)

    def holds(self, marker: str | None) -> bool:
        """Whether a marker holds; ``extra == …`` speaks of the extras that are chosen."""
        if not marker:
            return True
        if "extra" in marker and "extras" not in marker:
            chosen = self.names("extra")
            marker = _EXTRA.sub(lambda found: _TRUTH[(found[3] in chosen) == (found[1] == "==")], marker)
        return _holds(marker, tuple(self.variables.items()), self.names("extra"), self.names("group"))


_EXTRA = re.compile(r"""\bextra\s*(==|!=)\s*(["'])(.*?)\2""")
_TRUTH = {True: "python_version >= '0'", False: "python_version < '0'"}


@lru_cache(maxsize=500_000)
def _holds(marker: str, variables: tuple[tuple[str, str], ...], extras: frozenset[str], groups: frozenset[str]) -> bool:
    context: dict[str, Any] = {**dict(variables), "extras": extras, "dependency_groups": groups}
    return bool(Marker(marker).evaluate(context, context="lock_file"))


@dataclass(frozen=True)
class Lock:
    """A lock: what it installs where, and every (name, version) in it."""

    installed: Callable[[Environment], list[Installed]]
    everything: frozenset[tuple[str, str]]


def read_lock(filename: str, text: str) -> Lock:
    """The lock in the text of a file with a name. Raises ValueError (and its kin) where it is not understood."""
    if filename == "requirements.txt":
        return _of_entries(_requirements_txt(text))
    document = tomllib.loads(text)
    match filename:
        case "uv.lock":
            return _uv(document)
        case "poetry.lock":
            return _of_entries(_poetry(document))
        case "pdm.lock":
            return _of_entries(_pdm(document))
    return _of_entries(_pylock(document))


class _Entry(NamedTuple):
    installed: Installed
    applies: Callable[[Environment], bool]


def _of_entries(entries: Iterable[_Entry]) -> Lock:
    listed = list(entries)
    return Lock(
        lambda environment: [one.installed for one in listed if one.applies(environment)],
        frozenset((one.installed.name, one.installed.version) for one in listed),
    )


def _installed(row: Mapping[str, Any], index: str | None) -> Installed:
    version = str(row.get("version", ""))
    return Installed(canonicalize_name(row["name"]), str(Version(version)) if version else "", index)


def _pylock(document: Mapping[str, Any]) -> Iterator[_Entry]:
    for row in document.get("packages", ()):
        index, marker = row.get("index"), row.get("marker")
        yield _Entry(_installed(row, index and index.rstrip("/")), lambda env, marker=marker: env.holds(marker))  # type: ignore[misc]


def _poetry(document: Mapping[str, Any]) -> Iterator[_Entry]:
    for row in document.get("package", ()):
        groups, markers = set(row.get("groups", ["main"])), row.get("markers")

        def applies(env: Environment, groups: set[str] = groups, markers: Any = markers) -> bool:
            active = groups & {"main", *env.names("group")}
            told = markers if isinstance(markers, dict) else dict.fromkeys(groups, markers)
            return any(env.holds(told.get(group)) for group in active)

        source = row.get("source", {})
        yield _Entry(_installed(row, source.get("url")), applies)


def _pdm(document: Mapping[str, Any]) -> Iterator[_Entry]:
    for row in document.get("package", ()):
        groups, marker = set(row.get("groups", ["default"])), row.get("marker")

        def applies(env: Environment, groups: set[str] = groups, marker: str | None = marker) -> bool:
            active = {"default", *env.names("extra"), *env.names("group")}
            return bool(groups & active) and env.holds(marker)

        yield _Entry(_installed(row, None), applies)


def _requirements_txt(text: str) -> Iterator[_Entry]:
    for line in text.splitlines():
        stated = line.split(" #")[0].strip().rstrip("\\").strip()
        if not stated or stated.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(stated.split(" --hash")[0])
        except InvalidRequirement:
            raise ValueError(f"a line of requirements.txt is not understood: {stated[:80]}") from None
        version = next((one.version for one in requirement.specifier if one.operator == "=="), "")
        marker = None if requirement.marker is None else str(requirement.marker)
        row = {"name": requirement.name, "version": version}
        yield _Entry(_installed(row, None), lambda env, marker=marker: env.holds(marker))  # type: ignore[misc]


def _uv(document: Mapping[str, Any]) -> Lock:
    """A ``uv.lock`` is a graph: an installer walks it from the project along the edges that are active."""
    packages: dict[str, list[Mapping[str, Any]]] = {}
    root: Mapping[str, Any] | None = None
    for row in document.get("package", ()):
        if {"virtual", "editable"} & set(row.get("source", {})):
            root = row
        packages.setdefault(row["name"], []).append(row)
    if root is None:
        raise ValueError("the uv.lock names no project")
    everything = [
        _installed(row, row["source"].get("registry")) for rows in packages.values() for row in rows if row is not root
    ]

    def installed(environment: Environment) -> list[Installed]:
        found: dict[Installed, None] = {}
        seen: set[tuple[int, str]] = set()
        todo: list[Any] = list(root.get("dependencies", ()))
        for extra in environment.names("extra"):
            todo += root.get("optional-dependencies", {}).get(extra, ())
        for group in environment.names("group"):
            todo += root.get("dev-dependencies", {}).get(group, ())
        while todo:
            edge = todo.pop()
            if not _uv_holds(edge.get("marker"), environment, root["name"]):
                continue
            for row in packages.get(edge["name"], ()):
                if ("version" in edge and row.get("version") != edge["version"]) or (
                    "source" in edge and row["source"] != edge["source"]
                ):
                    continue
                if row is not root:
                    index = row["source"].get("registry")
                    found[_installed(row, index and index.rstrip("/"))] = None
                for extra in ("", *edge.get("extra", ())):
                    if (id(row), extra) not in seen:
                        seen.add((id(row), extra))
                        todo += row.get("optional-dependencies", {}).get(extra, ()) if extra else ()
                        todo += () if extra or row is root else row.get("dependencies", ())
        return list(found)

    return Lock(installed, frozenset((one.name, one.version) for one in everything))


def _uv_holds(marker: str | None, environment: Environment, project: str) -> bool:
    """uv writes choices that conflict as extras with made-up names: extra-LENGTH-PROJECT-NAME."""
    if marker is None or "extra" not in marker:
        return environment.holds(marker)
    active = {f"{kind}-{len(project)}-{project}-{name}" for kind, name in environment.choices}
    return environment.holds(_EXTRA.sub(lambda found: _TRUTH[(found[3] in active) == (found[1] == "==")], marker))
