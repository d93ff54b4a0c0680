"""What a project asks for, read with ``packaging`` alone, for the judge and for the peers' own project files."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from satlock.records import dataclass, field

__all__ = ["Asked", "Choice", "Pin", "asked_by"]

_MOST_CHOICES = 24


class Choice(NamedTuple):
    """An extra or a dependency group."""

    kind: str
    """``extra`` or ``group``."""
    name: str


@dataclass(frozen=True)
class Pin:
    """Where a package comes from, and where this holds (``tool.uv.sources``)."""

    index: str
    """Its address."""
    choice: Choice | None
    marker: Marker | None


@dataclass(frozen=True)
class Asked:
    """What a project asks for."""

    name: str
    requires_python: SpecifierSet
    dependencies: tuple[Requirement, ...]
    choices: Mapping[Choice, tuple[Requirement, ...]]
    """The requirements of each, with those of the groups that it includes."""
    conflicts: tuple[frozenset[Choice], ...] = ()
    environments: tuple[Marker, ...] = ()
    """Where the lock has to hold; everywhere if empty."""
    overrides: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)
    constraints: tuple[Requirement, ...] = ()
    pins: Mapping[str, tuple[Pin, ...]] = field(default_factory=dict)
    exclude_newer: str | None = None
    """RFC 3339."""

    def combinations(self) -> Iterator[frozenset[Choice]]:
        """Choices that may be made together: none, each alone, each pair, all of them; as many as are reasonable."""
        ordered = sorted(self.choices)
        sizes = itertools.chain.from_iterable(itertools.combinations(ordered, size) for size in (0, 1, 2))
        everything = [tuple(ordered)] if len(ordered) > 2 else []
        allowed = (
            frozenset(chosen)
            for chosen in itertools.chain(sizes, everything)
            if not any(len(conflict & self.active(chosen)) > 1 for conflict in self.conflicts)
        )
        yield from itertools.islice(allowed, _MOST_CHOICES)

    def active(self, chosen: Iterable[Choice]) -> frozenset[Choice]:
        """What is chosen with the project's own extras that it brings along, wherever these are not conditional."""
        found, todo = set(chosen), list(chosen)
        while todo:
            for requirement in self.choices.get(todo.pop(), ()):
                if canonicalize_name(requirement.name) == self.name and requirement.marker is None:
                    named = {Choice("extra", canonicalize_name(extra)) for extra in requirement.extras}
                    todo += sorted(named - found)
                    found |= named
        return frozenset(found)


def asked_by(pyproject: str) -> Asked:
    """Reads the text of a ``pyproject.toml``. Raises ValueError (and its kin) where it is not one."""
    document = tomllib.loads(pyproject)
    project, settings = document.get("project", {}), document.get("tool", {}).get("uv", {})
    groups = document.get("dependency-groups", {})
    extras = {
        Choice("extra", canonicalize_name(name)): _requirements(texts)
        for name, texts in project.get("optional-dependencies", {}).items()
    }
    listed = {Choice("group", canonicalize_name(name)): _requirements(_group(groups, name)) for name in groups}
    indexes = {index["name"]: index["url"] for index in settings.get("index", ()) if "name" in index}
    overrides: dict[str, tuple[Requirement, ...]] = {}
    for requirement in _requirements(settings.get("override-dependencies", ())):
        name = canonicalize_name(requirement.name)
        overrides[name] = (*overrides.get(name, ()), requirement)
    for name in settings.get("exclude-dependencies", ()):
        overrides[canonicalize_name(name)] = ()
    environments = settings.get("environments", ())
    return Asked(
        canonicalize_name(project.get("name", "project")),
        SpecifierSet(project.get("requires-python", "")),
        _requirements(project.get("dependencies", ())),
        {**extras, **listed},
        tuple(frozenset(map(_choice, conflict)) for conflict in settings.get("conflicts", ())),
        tuple(map(Marker, [environments] if isinstance(environments, str) else environments)),
        overrides,
        _requirements(settings.get("constraint-dependencies", ())),
        {canonicalize_name(name): tuple(_pins(told, indexes)) for name, told in settings.get("sources", {}).items()},
        _moment(settings.get("exclude-newer")),
    )


def _requirements(texts: Any) -> tuple[Requirement, ...]:
    return tuple(map(Requirement, texts))


def _group(groups: Mapping[str, Any], name: str) -> list[str]:
    found: list[str] = []
    normal = {canonicalize_name(one): one for one in groups}
    for entry in groups[name]:
        if isinstance(entry, str):
            found.append(entry)
        else:
            found += _group(groups, normal[canonicalize_name(entry["include-group"])])
    return found


def _choice(entry: Mapping[str, str]) -> Choice:
    kind = "extra" if "extra" in entry else "group"
    return Choice(kind, canonicalize_name(entry[kind]))


def _pins(told: Any, indexes: Mapping[str, str]) -> Iterator[Pin]:
    for entry in told if isinstance(told, list) else [told]:
        if entry.get("index") in indexes:
            choice = _choice(entry) if "extra" in entry or "group" in entry else None
            marker = Marker(entry["marker"]) if "marker" in entry else None
            yield Pin(indexes[entry["index"]].rstrip("/"), choice, marker)


def _moment(told: Any) -> str | None:
    """A date means its end, as uv has it: the start of the next day (in UTC)."""
    if told is None:
        return None
    text = str(told)
    if len(text) == len("2024-01-01"):
        from datetime import date, timedelta

        return f"{date.fromisoformat(text) + timedelta(days=1)}T00:00:00Z"
    return text.replace(" ", "T").replace("+00:00", "Z")
