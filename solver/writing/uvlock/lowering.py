"""Requirements as uv notes them in ``package.metadata`` and ``manifest``: with the sources that apply to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import Formula, chosen, from_marker
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Choice, Requirement, Source
from satlock.records import dataclass, field
from satlock.solver.writing.uvlock.markers import conjunction, negation
from satlock.solver.writing.uvlock.sources import reference_item
from satlock.solver.writing.uvlock.text import Item

__all__ = ["Lowering", "specifier_text"]

_DOUBLY_QUOTED = re.compile(r'"([^"\']*)"')
"""Text in a marker, which uv puts into single quotes."""


@dataclass(frozen=True)
class Lowering:
    """What turns the requirements of one member into those of its lock."""

    package: str
    sources: Mapping[str, tuple[Source, ...]]
    indexes: Mapping[str, str]
    """URLs by name."""
    folder: Path
    """Of the lock; local paths are relative to it."""
    _anywhere: Domain = field(default_factory=Domain)

    def all(self, requirements: Sequence[Requirement], choice: Choice | None = None) -> list[Item]:
        """Each requirement once for each source that it may come from, sorted."""
        said = f"extra == '{choice.name}'" if choice is not None and choice.kind == "extra" else None
        found = {str(item): item for one in requirements for item in self._lowered(one, choice, said)}
        return sorted(found.values(), key=_order)

    def _lowered(self, requirement: Requirement, choice: Choice | None, said: str | None) -> list[Item]:
        marker = str(requirement.marker) if requirement.marker else None
        applying = [
            source
            for source in self.sources.get(requirement.name, ())
            if source.choice is None or (choice is not None and source.choice[:2] == choice[:2])
        ]
        if not applying:
            return [self._item(requirement, conjunction(marker, said), None)]
        parts: list[tuple[str | None, Source | None]] = [
            (conjunction(marker, str(source.marker) if source.marker else None), source) for source in applying
        ]
        if all(source.marker is not None for source in applying):
            others = [negation(source.marker) for source in applying if source.marker is not None]
            parts.append((conjunction(marker, *others), None))
        stated = [(conjunction(where, said), source) for where, source in parts]
        return [
            self._item(requirement, where, source)
            for where, source in stated
            if where is None or self._anywhere.satisfiable(from_marker(Marker(where), _asked))
        ]

    def _item(self, requirement: Requirement, marker: str | None, source: Source | None) -> Item:
        item: dict[str, object] = {"name": requirement.name}
        if requirement.extras:
            item["extras"] = list(requirement.extras)
        if marker:
            item["marker"] = _DOUBLY_QUOTED.sub(r"'\1'", marker)
        reference = requirement.reference if source is None else source.reference
        if reference is not None:
            return {**item, **reference_item(reference, self.folder)}
        if requirement.specifier:
            item["specifier"] = specifier_text(requirement.specifier)
        if source is not None:
            item["index"] = self.indexes[source.index]
            if source.choice is not None:
                item["conflict"] = {"package": self.package, source.choice.kind: source.choice.name}
        return item


def _asked(extra: str) -> Formula:
    return chosen(Choice("extra", extra))


def specifier_text(specifiers: SpecifierSet, between: str = ",") -> str:
    """A specifier set in the order in which uv writes it: by version."""

    def order(text: str) -> tuple[Version, str]:
        version = text.lstrip("=<>!~").removesuffix(".*").strip()
        try:
            return Version(version), text
        except InvalidVersion:
            return Version("0"), text

    return between.join(sorted(map(str, specifiers), key=order))


def _order(item: Item) -> tuple[str, str]:
    return str(item["name"]), str(item)
