"""What one build of a candidate requires: its ``Requires-Dist`` lines, sorted by the extras that activate them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

from packaging.specifiers import SpecifierSet

from satlock.corpora.names import canonicalize_name
from satlock.corpora.references import Reference
from satlock.encoder.markers.marker import FALSE, Formula, from_marker, in_project
from satlock.encoder.markers.specifiers import parse_requirement
from satlock.encoder.project.project import Choice, Project, Requirement, ScopedExclude, ScopedOverride
from satlock.records import dataclass, replace

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
    overrides: bool = False
    """The project states it in the place of what somebody requires."""


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

    overrides: Mapping[str, tuple[Dependency, ...]]
    """By name."""
    excludes: frozenset[str]
    scoped_overrides: tuple[ScopedOverride, ...] = ()
    scoped_excludes: tuple[ScopedExclude, ...] = ()

    def within(self, name: str, version: str) -> Edits:
        """For the requirements of one version of a package, without what :meth:`lines` has replaced already."""
        if not (self.scoped_overrides or self.scoped_excludes):
            return self
        replaced = self._instead(name, version)
        excluded = [one.names for one in _nearest(self.scoped_excludes, name, version)]
        kept = {other: found for other, found in self.overrides.items() if other not in replaced}
        return Edits(kept, self.excludes.union(*excluded))

    def lines(self, name: str, version: str, lines: Sequence[str]) -> Sequence[str]:
        """The ``Requires-Dist`` lines of one version of a package, as overrides for it alone make them.

        As in uv, such an override replaces what it names, stays in the extra of what it replaces, and is added where
        there is nothing to replace; one for this very version counts before one for all versions.
        """
        instead = self._instead(name, version)
        if not instead:
            return lines
        changed: list[str] = []
        named: set[str] = set()
        for line in lines:
            stated = parse_requirement(line, "")
            named.add(stated.name)
            if stated.name in instead:
                extra = _EXTRA.search(line.partition(";")[2])
                changed += (_in_extra(one, extra[1] if extra else None) for one in instead[stated.name])
            else:
                changed.append(line)
        changed += (one.text for other in sorted(instead.keys() - named) for one in instead[other])
        return changed

    def _instead(self, name: str, version: str) -> dict[str, list[Requirement]]:
        found: dict[str, list[Requirement]] = {}
        for one in _nearest(self.scoped_overrides, name, version):
            for requirement in one.requirements:
                found.setdefault(requirement.name, []).append(requirement)
        return found

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
                kept += self.overrides[dependency.name]
        return tuple(kept)


_Scoped = TypeVar("_Scoped", ScopedOverride, ScopedExclude)


def _nearest(scoped: Sequence[_Scoped], name: str, version: str) -> list[_Scoped]:
    covering = [one for one in scoped if one.scope.covers(name, version)]
    return [one for one in covering if one.scope.version is not None] or covering


def _in_extra(override: Requirement, extra: str | None) -> str:
    """The text of an override, in the extra of the requirement that it replaces."""
    if extra is None:
        return override.text
    head = override.text.partition(";")[0]
    own = f"({override.marker}) and " if override.marker is not None else ""
    return f"{head}; {own}extra == '{extra}'"


def edits_of(project: Project, active: Mapping[Choice, Formula], *, itself: bool = True) -> Edits:
    """The edits of a project.

    Args:
        active: when each choice of the project is in force, which markers of overrides may ask for.
        itself: whether requirements on the project count as met.
    """
    overrides: dict[str, tuple[Dependency, ...]] = {}
    for requirement in project.overrides:
        stated = replace(dependency_of(requirement, in_project(requirement.marker, active)), overrides=True)
        overrides[requirement.name] = (*overrides.get(requirement.name, ()), stated)
    # A package that requires the project itself has it: it is what is being installed.
    met = frozenset((project.name,)) if project.name and itself else frozenset()
    return Edits(overrides, project.excludes | met, project.scoped_overrides, project.scoped_excludes)


@lru_cache(maxsize=1 << 14)
def _one_extra(marker: str) -> str:
    """The extra that a marker plainly asks for, normalised; empty where it asks for several, or in another way."""
    named = _EXTRA.findall(marker)
    return canonicalize_name(named[0]) if len(named) == 1 and not _OTHER_EXTRA.search(marker) else ""


class Dependencies:
    """The requirements of one build. Lines are parsed when their extra is first asked for: most never are."""

    def __init__(  # noqa: PLR0917
        self,
        lines: Sequence[str],
        provides: Iterable[str],
        name: str,
        version: str,
        edits: Edits,
        lowering: Lowers | None = None,
        requires_python: str | None = None,
    ) -> None:
        """
        Args:
            requires_python: the Pythons that the metadata admits, where the listing does not tell.

        Raises:
            ValueError: a line cannot be read that edits of this package alone have to look at.
        """
        self.provides = frozenset(provides)
        self.requires_python = requires_python
        self._origin = f"{name} {version}"
        self._edits = edits.within(name, version)
        self._lowering = lowering
        self._always: list[str] = []
        self._by_extra: dict[str, list[str]] = {}
        self._read: dict[str, tuple[Dependency, ...]] = {}
        for line in edits.lines(name, version, lines):
            marker = line.partition(";")[2]
            extra = _one_extra(marker) if "extra" in marker else ""
            if extra:
                self._by_extra.setdefault(extra, []).append(line)
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
