"""What a proof needs of the ``pyproject.toml`` beside a lock: its conflicts, and the indexes it pins packages to.

Only these are read, so that a project which satlock could not lock can still be proven things about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from satlock.corpora.index.address import without_credentials
from satlock.corpora.names import canonicalize_name
from satlock.encoder.project.values import Value
from satlock.records import dataclass
from satlock.records import replace as changed
from satlock.solver.lockfiles.markers import read_marker, replace
from satlock.solver.lockfiles.model import ALWAYS, Comparison, Condition, Switch, Thing, Whether, all_of, any_of
from satlock.solver.lockfiles.pulls import Pull, conflicts_of, force_of, pulls_of
from satlock.solver.lockfiles.pyproject import read_pyproject

__all__ = ["as_setting", "in_scope", "Index", "Pin", "ProjectFacts", "read_project"]


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
    explicit: bool = False
    """It serves only what is pinned to it."""


@dataclass(frozen=True)
class ProjectFacts:
    """The project's own part of an obligation."""

    conflicts: tuple[tuple[Thing, ...], ...] = ()
    """Sets of which no two are in force together."""
    pulls: tuple[Pull, ...] = ()
    """What brings what along, where there are conflicts."""
    pins: tuple[Pin, ...] = ()
    indexes: tuple[Index, ...] = ()
    requires_python: str = ""
    steps: tuple[Pull, ...] = ()
    """What brings what along, where there are pins."""
    unknown_index: str = ""
    """The source, in so many words, whose index the file does not declare, but an option or uv.toml did; empty where
    there is none. Where it sends its package nobody can tell."""


def read_project(path: Path) -> ProjectFacts:
    """Reads ``pyproject.toml``; one that is not there says nothing.

    Raises:
        ProjectError: where what is read of it is wrong.
    """
    if not path.is_file():
        return ProjectFacts()
    found = read_pyproject(path)
    conflicts = tuple(things for things in conflicts_of(path, found) if len(things) > 1)
    pulls = tuple(pulls_of(path, found)) if conflicts else ()
    indexes = tuple(_indexes(found.settings))
    python = str(found.project["requires-python"].specifiers()) if "requires-python" in found.project else ""
    pins, unknown = _pins(found.settings, indexes)
    # What other members of a workspace bring along of this project does not widen its pins.
    asked = any(
        key in table for table in found.settings for key in ("override-dependencies", "constraint-dependencies")
    )
    own = pulls or (tuple(pulls_of(path, found)) if pins or asked else ())
    steps = tuple(pull for pull in own if not pull.by.package)
    if any(pin.scope is not None for pin in pins):
        pins = [changed(pin, marker=all_of(pin.marker, _listed(pin, steps))) for pin in pins]
    return ProjectFacts(conflicts, pulls, tuple(pins), indexes, python, steps, unknown)


def _listed(pin: Pin, pulls: Iterable[Pull]) -> Condition:
    """Where the extra or group that a pin is for lists its package itself; everywhere where it does not list it."""
    if pin.scope is None:
        return ALWAYS
    lines = [
        p.condition for p in pulls if p.by == Thing(*pin.scope, "") and p.brought == Thing("project", "", pin.name)
    ]
    return any_of(*lines) if lines else ALWAYS


def _indexes(tables: list[dict[str, Value]]) -> Iterator[Index]:
    for table in tables:
        for item in table["index"].items() if "index" in table else ():
            index = item.table()
            if "url" in index:
                name = index["name"].text() if "name" in index else ""
                default, explicit = (key in index and index[key].flag() for key in ("default", "explicit"))
                yield Index(name, index["url"].text(), default, explicit)


def _pins(tables: list[dict[str, Value]], declared: tuple[Index, ...]) -> tuple[list[Pin], str]:
    """The pins, and the last source whose index is not declared."""
    indexes = {index.name: without_credentials(index.url).rstrip("/") for index in declared if index.name}
    sources: dict[str, Value] = {}
    for table in tables:
        for key, value in table["sources"].table().items() if "sources" in table else ():
            sources[table["sources"].key_name(key, "name of a package")] = value
    pins: list[Pin] = []
    unknown = ""
    for name, value in sources.items():
        for item in value.items() if isinstance(value.raw, list) else (value,):
            described = item.table()
            if "index" not in described:
                continue
            named = described["index"].text()
            if named not in indexes:
                unknown = f"{described['index'].where} in {item.file}"
                continue
            scope = next(((kind, described[kind].name()) for kind in ("extra", "group") if kind in described), None)
            pins.append(Pin(len(pins), name, indexes[named], scope, read_marker(described.get("marker"))))
    return pins, unknown


def in_scope(pin: Pin, facts: ProjectFacts, switches: tuple[Switch, ...], kind: str) -> Condition:
    """Where a pin is in force in a lock of this kind: where what it is scoped to is, chosen or brought along."""
    found = as_setting(pin.marker, facts.steps, switches, kind)
    if pin.scope is not None:
        found = all_of(force_of(Thing(*pin.scope, ""), facts.steps, kind, frozenset(switches)), found)
    if kind != "uv":
        return found
    from satlock.solver.lockfiles.uv_markers import by_letters

    return by_letters(found)


def as_setting(marker: Condition, steps: Sequence[Pull], switches: Iterable[Switch], kind: str) -> Condition:
    """A marker of the project's settings: ``extra == 'x'`` asks whether that is in force, and ``!=`` whether it was not
    chosen."""
    known = frozenset(switches)

    def asked(comparison: Comparison) -> Condition:
        if comparison.variable != "extra":
            return comparison
        name = canonicalize_name(comparison.text)
        if comparison.operator == "==":
            return force_of(Thing("extra", name, ""), steps, kind, known)
        switch = Switch("group" if kind == "pdm" else "extra", name)
        return Whether(switch, False) if switch in known else ALWAYS

    return replace(marker, asked)
