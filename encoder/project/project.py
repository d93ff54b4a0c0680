"""What a project asks, as plain immutable facts: the reading of one ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.corpora.index.access import Access
from satlock.corpora.index.address import without_credentials
from satlock.corpora.index.building import Building
from satlock.corpora.references import PathReference, Reference
from satlock.encoder.markers.structure import Marker
from satlock.records import dataclass, field, replace

__all__ = ["Choice", "DependencyMetadata", "Index", "Member", "Project", "ProjectError", "Requirement", "Scope",
           "ScopedExclude", "ScopedOverride", "Source", "Unsatisfiable"]  # fmt: skip


class ProjectError(Exception):
    """The input is wrong (exit code 2). The message is one sentence: what, in which file and table, what to do."""


class Unsatisfiable(ProjectError):
    """What the project's own files ask contradicts itself, whatever any index has: there is no lock (exit code 1)."""


class Choice(NamedTuple):
    """Something a person chooses at install time: an extra, a dependency group, or a member of a workspace."""

    kind: Literal["extra", "group", "project"]
    name: str
    """Empty for ``project``."""
    package: str = ""
    """The workspace member, or other source tree, that it belongs to; empty for the project itself."""

    def __str__(self) -> str:
        if self.kind == "project":
            return f"project {self.package!r}" if self.package else "the project itself"
        return f"{self.kind} {self.name!r}" + (f" of {self.package!r}" if self.package else "")


@dataclass(frozen=True)
class Requirement:
    """A PEP 508 requirement with its names normalised and a note of where it was written."""

    name: str
    extras: tuple[str, ...]
    """Sorted and normalised."""
    specifier: SpecifierSet
    marker: Marker | None
    url: str | None
    text: str
    """As written."""
    origin: str
    """Where it was written, e.g. ``project.dependencies`` or ``project.optional-dependencies.cpu``."""
    reference: Reference | None = None
    """What ``url`` refers to; None where there is no URL."""


@dataclass(frozen=True)
class Scope:
    """A package, or one version of it, whose requirements alone a setting speaks of."""

    package: str
    version: str | None = None

    def covers(self, name: str, version: str) -> bool:
        return self.package == name and (self.version is None or Version(self.version) == Version(version))


@dataclass(frozen=True)
class ScopedOverride:
    """What takes the place of requirements of one package (``override-dependencies`` with ``package``)."""

    scope: Scope
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class ScopedExclude:
    """What one package does not require after all (``exclude-dependencies`` with ``package``)."""

    scope: Scope
    names: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """A package index of the project (``[[tool.uv.index]]``)."""

    name: str
    """Empty for an index without a name."""
    url: str
    explicit: bool = False
    default: bool = False
    flat: bool = False
    """``format = "flat"``: a folder of files, or one page of links to the files of all its packages."""
    beside: bool = False
    """``find-links``: what it has stands beside what the other indexes have, wherever no source says more."""
    ignored: frozenset[int] | None = None
    """``ignore-error-codes``: HTTP statuses by which it says that it lacks a package; None where nothing is stated."""
    relative: bool = False
    """Whether it was given as a path from the project's file, which is how a lock then names it."""


@dataclass(frozen=True)
class Source:
    """Where one package comes from (``[tool.uv.sources]``), with the scope of that: an index or a reference."""

    index: str
    """The name of an :class:`Index`; empty where it is a reference."""
    choice: Choice | None
    marker: Marker | None
    reference: Reference | None = None
    url: str = ""
    """Of the index, where it is not one of the project's own (but of a source tree that it takes something from)."""


@dataclass(frozen=True)
class DependencyMetadata:
    """Metadata that the project states in place of what a package says (``tool.uv.dependency-metadata``)."""

    name: str
    version: str | None
    requires_dist: tuple[str, ...]
    requires_python: str | None
    provides_extra: tuple[str, ...]


StatedGroups: TypeAlias = tuple[str, ...] | Literal["all"]
"""``default-groups`` as they are written: their names, sorted, or all."""


@dataclass(frozen=True)
class Member:
    """One project of a workspace. What it requires and what extras it has tells its metadata."""

    name: str
    folder: PathReference
    path: Path
    """Its ``pyproject.toml``."""
    groups: Mapping[str, tuple[Requirement, ...]]
    """Only what each group itself lists."""
    group_includes: Mapping[str, tuple[str, ...]]
    group_pythons: Mapping[str, SpecifierSet]
    extras: tuple[str, ...]
    """Those that its file tells of."""
    default_groups: StatedGroups | None = None
    """What it says of the groups that are installed unless somebody says otherwise, if it says it."""


IndexStrategy = Literal["first-index", "unsafe-first-match", "unsafe-best-match"]
Resolution = Literal["highest", "lowest", "lowest-direct"]
ForkStrategy = Literal["requires-python", "fewest"]
PreReleases = Literal["disallow", "allow", "if-necessary", "explicit"]


@dataclass(frozen=True)
class Project:
    """Everything a project asks. All names are normalised; all mappings keep the order of the file."""

    path: Path
    """The ``pyproject.toml``, script or requirements file."""
    name: str | None
    requires_python: SpecifierSet
    dependencies: tuple[Requirement, ...]
    extras: Mapping[str, tuple[Requirement, ...]]
    """A requirement on the project's own name is a self-reference: it activates the extras that it names."""
    groups: Mapping[str, tuple[Requirement, ...]]
    """Only what each group itself lists; see ``group_includes``."""
    group_includes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group_pythons: Mapping[str, SpecifierSet] = field(default_factory=dict)
    """For which Pythons a group is, where that is not every one; what each lists has it in its marker already."""
    default_groups: tuple[str, ...] = ()
    conflicts: tuple[tuple[Choice, ...], ...] = ()
    exclusions: tuple[tuple[Choice, ...], ...] = ()
    """Sets of choices that are never all active together: inferred ones, for which ``conflicts``, by which no two
    members are, has no words. No file states them."""
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    """In order of priority; at most one has ``default``."""
    index_strategy: IndexStrategy = "first-index"
    constraints: tuple[Requirement, ...] = ()
    overrides: tuple[Requirement, ...] = ()
    excludes: frozenset[str] = frozenset()
    scoped_overrides: tuple[ScopedOverride, ...] = ()
    scoped_excludes: tuple[ScopedExclude, ...] = ()
    environments: tuple[Marker, ...] = ()
    required_environments: tuple[Marker, ...] = ()
    prerelease: PreReleases = "if-necessary"
    prerelease_package: Mapping[str, PreReleases] = field(default_factory=dict)
    resolution: Resolution | None = None
    fork_strategy: ForkStrategy = "requires-python"
    """``requires-python``: the best version for each Python; ``fewest``: as few versions of a package as can be."""
    exclude_newer: datetime | None = None
    """In UTC; a file is admitted if it was uploaded before this moment."""
    exclude_newer_package: Mapping[str, datetime | None] = field(default_factory=dict)
    """None lifts the project's ``exclude_newer`` for the package."""
    exclude_newer_index: Mapping[str, datetime | None] = field(default_factory=dict)
    """The same by the URL of an index, without credentials; what is said of a package comes first."""
    dependency_metadata: tuple[DependencyMetadata, ...] = ()
    no_build: bool = False
    no_build_package: frozenset[str] = frozenset()
    no_binary: bool = False
    no_binary_package: frozenset[str] = frozenset()
    files_barred_here: bool = False
    """Whether ``[tool.satlock]`` says what is not built, or always is: uv does not know of it, and installs that."""
    single_version: tuple[str, ...] = ()
    metadata_per_wheel: frozenset[str] = frozenset()
    """Packages of which every wheel is read, since those of one version may require different things."""
    members: tuple[Member, ...] = ()
    """Of the workspace that the project is the root or a member of, by name, without the project itself."""
    dynamic: bool = False
    """Whether a build told what it requires."""
    whole_workspace: bool = False
    """Whether the lock is for every member with its extras and groups (``uv.lock``), or for this project alone."""
    hashes: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """(algorithm, digest) of the only files that may serve, for the packages that a requirements file gives any."""
    access: Access = field(default_factory=Access)
    """How its indexes are reached; never what they say."""
    building: Building = field(default_factory=Building)
    """What it says of builds, without the indexes that what they need comes from."""
    warnings: tuple[str, ...] = ()
    """One sentence for each setting that was read and has no effect yet."""

    def cutoff(self, name: str, index: str) -> datetime | None:
        """The moment from which on files of a package in an index are ignored; None where none is.

        Flat indexes have no upload times that mean anything: their files are never cut off, as in uv.
        """
        place = without_credentials(index)
        if any(one.flat and without_credentials(one.url) == place for one in self.indexes):
            return None
        if name in self.exclude_newer_package:
            return self.exclude_newer_package[name]
        return self.exclude_newer_index.get(place, self.exclude_newer)

    def in_canonical_order(self) -> Project:
        """The same project, with whatever says the same in any order brought into one order.

        Indexes keep theirs, which is their priority.
        """
        return replace(
            self,
            dependencies=_sorted(self.dependencies),
            extras={name: _sorted(self.extras[name]) for name in sorted(self.extras)},
            groups={name: _sorted(self.groups[name]) for name in sorted(self.groups)},
            group_includes={name: tuple(sorted(self.group_includes[name])) for name in sorted(self.group_includes)},
            conflicts=tuple(sorted(tuple(sorted(members)) for members in self.conflicts)),
            sources={name: tuple(sorted(self.sources[name], key=str)) for name in sorted(self.sources)},
            constraints=_sorted(self.constraints),
            overrides=_sorted(self.overrides),
            environments=tuple(sorted(self.environments, key=str)),
            required_environments=tuple(sorted(self.required_environments, key=str)),
            single_version=tuple(sorted(self.single_version)),
        )


def _sorted(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda one: (one.name, one.extras, str(one.specifier), str(one.marker))))
