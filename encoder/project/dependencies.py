"""What one build of a candidate requires: its ``Requires-Dist`` lines, sorted by the extras that activate them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from satlock.corpora.references import Reference
from satlock.encoder.markers.marker import FALSE, Formula, from_marker
from satlock.encoder.markers.specifiers import parse_requirement
from satlock.encoder.project.project import Project, Requirement

__all__ = ["Dependencies", "Dependency", "Edits", "Lowers", "dependency_of", "edits_of"]

_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")
_OTHER_EXTRA = re.compile(r"""\bor\b|\bextra\s*(?!==)[^\s=]|['"]\s*[=!<>~]=\s*extra\b""")


@dataclass(frozen=True)
class Dependency:
    """A requirement in the form in which it is encoded."""

    name: str
    extras: tuple[str, ...]
    specifier: SpecifierSet
    marker: Formula
    """Without the ``extra`` variable."""
    url: str | None
    text: str
    origin: str
    reference: Reference | None = None
    """The repository, archive or folder that it demands."""
    index: tuple[str, str] | None = None
    """(name, URL) of the index that the source tree which requires it takes it from."""


class Lowers(Protocol):
    """What the sources of a source tree make of its requirements (see ``satlock.encoder.project.lowering``)."""

    def apply(self, dependency: Dependency, kind: str, name: str) -> Iterable[Dependency]: ...


def dependency_of(requirement: Requirement, marker: Formula) -> Dependency:
    return Dependency(
        requirement.name,
        requirement.extras,
        requirement.specifier,
        marker,
        requirement.url,
        requirement.text,
        requirement.origin,
        requirement.reference,
    )


@dataclass(frozen=True)
class Edits:
    """What the project changes in everybody's requirements."""

    overrides: Mapping[str, tuple[Requirement, ...]]
    excludes: frozenset[str]

    def apply(self, found: Iterable[Dependency]) -> tuple[Dependency, ...]:
        """Replaces each overridden requirement by the overrides of its name, and drops the excluded ones.

        As in uv, an override brings its own marker; of the replaced one only the extra survives, which is
        the case here already.
        """
        kept: list[Dependency] = []
        replaced: set[str] = set()
        for dependency in found:
            if dependency.name in self.excludes:
                continue
            if dependency.name not in self.overrides:
                kept.append(dependency)
            elif dependency.name not in replaced:
                replaced.add(dependency.name)
                kept += [dependency_of(o, from_marker(o.marker)) for o in self.overrides[dependency.name]]
        return tuple(kept)


def edits_of(project: Project, *, itself: bool = True) -> Edits:
    """The edits of a project; ``itself`` says whether requirements on the project count as met."""
    overrides: dict[str, tuple[Requirement, ...]] = {}
    for requirement in project.overrides:
        overrides[requirement.name] = (*overrides.get(requirement.name, ()), requirement)
    # A package that requires the project itself has it: it is what is being installed.
    met = frozenset((project.name,)) if project.name and itself else frozenset()
    return Edits(overrides, project.excludes | met)


class Dependencies:
    """The requirements of one build. Lines are parsed when their extra is first asked for: most never are."""

    def __init__(
        self, lines: Sequence[str], provides: Iterable[str], origin: str, edits: Edits, lowering: Lowers | None = None
    ) -> None:
        self.provides = frozenset(provides)
        self._origin = origin
        self._edits = edits
        self._lowering = lowering
        self._always: list[str] = []
        self._by_extra: dict[str, list[str]] = {}
        self._read: dict[str, tuple[Dependency, ...]] = {}
        for line in lines:
            marker = line.partition(";")[2]
            named = _EXTRA.findall(marker) if "extra" in marker else []
            if len(named) == 1 and not _OTHER_EXTRA.search(marker):
                self._by_extra.setdefault(canonicalize_name(named[0]), []).append(line)
            else:
                self._always.append(line)

    def of(self, extra: str = "") -> tuple[Dependency, ...]:
        """The requirements that ``extra`` adds, or those of the package itself for ``""``.

        Raises:
            ValueError: a line cannot be read; the message names it.
        """
        found = self._read.get(extra)
        if found is None:
            found = self._read[extra] = self._edits.apply(self._select(extra))
        return found

    def _select(self, extra: str) -> Iterable[Dependency]:
        for line in [*self._always, *self._by_extra.get(extra, ())] if extra else self._always:
            requirement = parse_requirement(line, self._origin)
            marker = from_marker(requirement.marker, extra)
            if marker is FALSE or (extra and marker is from_marker(requirement.marker)):
                continue
            if self._lowering is None:
                yield dependency_of(requirement, marker)
            else:
                yield from self._lowering.apply(dependency_of(requirement, marker), "extra", extra)
