"""What a proof needs of the ``pyproject.toml`` beside a lock: its conflicts, and the indexes it pins packages to.

Only these are read, so that a project which satlock could not lock can still be proven things about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from corpora.address import without_credentials
from encoder.values import Value

from .markers import read_marker
from .model import Condition, LockfileError, Switch, all_of

__all__ = ["Index", "Pin", "ProjectFacts", "in_scope", "read_project"]


@dataclass(frozen=True)
class Pin:
    """Where ``condition`` holds, ``name`` comes from the index at ``url``."""

    number: int
    name: str
    url: str
    scope: tuple[str, str] | None
    """``("extra", name)`` or ``("group", name)``."""
    marker: Condition


@dataclass(frozen=True)
class Index:
    """An index that the project declares."""

    name: str
    """Empty where it has none."""
    url: str
    default: bool


@dataclass(frozen=True)
class ProjectFacts:
    """The project's own part of an obligation."""

    forbidden: tuple[tuple[str, ...], ...] = ()
    """Sets of switches that its conflicts do not let be on together."""
    pins: tuple[Pin, ...] = ()
    indexes: tuple[Index, ...] = ()


def read_project(path: Path, *, as_groups: bool = False) -> ProjectFacts:
    """Reads ``pyproject.toml``; one that is not there says nothing.

    ``as_groups`` calls extras groups, as PDM does.

    Raises:
        ProjectError: where what is read of it is wrong.
    """
    from .reading import parse

    if not path.is_file():
        return ProjectFacts()
    top = parse(path)
    project = top["project"].table() if "project" in top else {}
    tool = top["tool"].table() if "tool" in top else {}
    tables = [tool[name].table() for name in ("uv", "satlock") if name in tool]
    pulls = _pulls(top, project)
    forbidden = []
    conflicts = next((table["conflicts"] for table in reversed(tables) if "conflicts" in table), None)
    for members in conflicts.items() if conflicts is not None else ():
        choices = [choice for item in members.items() for choice in _choice(item)]
        for left, right in combinations(dict.fromkeys(choices), 2):
            for one in (left, *pulls.get(left, ())):
                for other in (right, *pulls.get(right, ())):
                    switches = dict.fromkeys(_named(choice, as_groups) for choice in (one, other))
                    forbidden.append(tuple(switches))
    return ProjectFacts(tuple(dict.fromkeys(forbidden)), tuple(_pins(tables)), tuple(_indexes(tables)))


def _named(choice: tuple[str, str], as_groups: bool) -> str:
    return f"{'group' if as_groups else choice[0]} {choice[1]}"


def _choice(item: Value) -> list[tuple[str, str]]:
    table = item.table()
    return [(kind, table[kind].name(f"name of a {kind}")) for kind in ("extra", "group") if kind in table]


def _pulls(top: dict[str, Value], project: dict[str, Value]) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """For each extra and group, the others that bring it along in every environment."""
    from packaging.requirements import InvalidRequirement, Requirement

    own = project["name"].name() if "name" in project else ""
    direct: dict[tuple[str, str], set[tuple[str, str]]] = {}
    extras = project["optional-dependencies"].table() if "optional-dependencies" in project else {}
    for key, items in extras.items():
        here = ("extra", project["optional-dependencies"].key_name(key, "name of an extra"))
        for item in items.items():
            try:
                requirement = Requirement(item.text())
            except InvalidRequirement:
                continue
            if own and _same(requirement.name, own) and requirement.marker is None:
                direct.setdefault(here, set()).update(("extra", _normal(extra)) for extra in requirement.extras)
    groups = top["dependency-groups"].table() if "dependency-groups" in top else {}
    for key, items in groups.items():
        here = ("group", top["dependency-groups"].key_name(key, "name of a group"))
        for item in items.items():
            if isinstance(item.raw, dict) and "include-group" in item.raw:
                direct.setdefault(here, set()).add(("group", item.table()["include-group"].name("name of a group")))
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for start in direct:
        todo, seen = [start], {start}
        while todo:
            for other in direct.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
                    found.setdefault(other, set()).add(start)
    return {choice: tuple(sorted(by)) for choice, by in found.items()}


def _same(name: str, own: str) -> bool:
    return _normal(name) == own


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _indexes(tables: list[dict[str, Value]]) -> Iterator[Index]:
    for table in tables:
        for item in table["index"].items() if "index" in table else ():
            index = item.table()
            if "url" in index:
                name = index["name"].text() if "name" in index else ""
                yield Index(name, index["url"].text(), "default" in index and index["default"].flag())


def _pins(tables: list[dict[str, Value]]) -> list[Pin]:
    indexes: dict[str, str] = {}
    sources: dict[str, Value] = {}
    for table in tables:
        for index in table["index"].items() if "index" in table else ():
            described = index.table()
            if "name" in described and "url" in described:
                indexes[described["name"].text()] = without_credentials(described["url"].text()).rstrip("/")
        for key, value in table["sources"].table().items() if "sources" in table else ():
            sources[table["sources"].key_name(key, "name of a package")] = value
    pins: list[Pin] = []
    for name, value in sources.items():
        for item in value.items() if isinstance(value.raw, list) else (value,):
            described = item.table()
            if "index" not in described:
                continue
            named = described["index"].text()
            if named not in indexes:
                raise LockfileError(f"{described['index'].where} in {item.file} names an index that is not there.")
            scope = next(((kind, described[kind].name()) for kind in ("extra", "group") if kind in described), None)
            pins.append(Pin(len(pins), name, indexes[named], scope, read_marker(described.get("marker"))))
    return pins


def in_scope(pin: Pin, switches: tuple[str, ...], as_groups: bool) -> Condition | None:
    """Where a pin is in force; None where nobody can choose what it is scoped to."""
    if pin.scope is None:
        return pin.marker
    switch = _named(pin.scope, as_groups)
    return all_of(Switch(switch), pin.marker) if switch in switches else None
