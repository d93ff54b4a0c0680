"""A lock as a PEP 751 file (``pylock.toml``), multi-use: for every extra and dependency group of the project."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
)
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.corpora.facts import File
from satlock.corpora.index.address import path_of
from satlock.corpora.references import Direct, GitReference, PathReference, UrlReference
from satlock.records import dataclass
from satlock.solver.lockfiles.lock import Lock, LockedPackage

__all__ = ["Place", "path_from", "place_of", "relative_to", "to_pylock"]


def to_pylock(lock: Lock, folder: Path = Path(), only: Collection[LockedPackage] | None = None) -> Pylock:
    """The lock as ``packaging`` models PEP 751.

    Args:
        folder: where the file will lie, which local paths are relative to.
        only: the entries to be in it; all that are installed where none are given.
    """
    # What is not installed itself (package = false) is in the lock by what it requires.
    entries = [package for package in lock.packages if package.is_installed]
    names = _Names(folder, lock.relative, {(entry.name, entry.version, entry.index): entry for entry in entries})
    return Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(text) for text in lock.environments] or None,
        requires_python=SpecifierSet(lock.requires_python) if lock.requires_python else None,
        extras=[canonicalize_name(name) for name in lock.extras],
        dependency_groups=list(lock.groups),
        default_groups=list(lock.default_groups),
        created_by="satlock",
        packages=[_package(package, names) for package in (entries if only is None else only)],
    )


def _package(package: LockedPackage, names: _Names) -> Package:
    if package.direct is not None:
        return _direct(package, package.direct, names)
    here = package.index in names.relative
    wheels = [file for file in package.files if file.is_wheel and file.hashes]
    sdists = [file for file in package.files if not file.is_wheel and file.hashes]
    return Package(
        name=canonicalize_name(package.name),
        version=Version(package.version),
        marker=Marker(package.marker) if package.marker else None,
        requires_python=SpecifierSet(package.requires_python) if package.requires_python else None,
        dependencies=names.dependencies(package),
        index=None if here else package.index,  # PEP 751 has no relative address for it
        sdist=PackageSdist(**_details(sdists[0], names.folder if here else None)) if sdists else None,
        wheels=[PackageWheel(**_details(file, names.folder if here else None)) for file in wheels] or None,
    )


@dataclass(frozen=True)
class Place:
    """Where PEP 751 says that an entry comes from, where that is no index."""

    vcs: PackageVcs | None = None
    archive: PackageArchive | None = None
    directory: PackageDirectory | None = None


def place_of(direct: Direct, folder: Path) -> Place:
    """The place of a direct candidate in a lock that lies in ``folder``."""
    reference = direct.reference
    if isinstance(reference, GitReference):
        return Place(
            vcs=PackageVcs(
                type="git",
                url=reference.url,
                requested_revision=reference.ref or None,
                commit_id=direct.commit,
                subdirectory=reference.subdirectory or None,
            )
        )
    if direct.file is not None:
        remote = isinstance(reference, UrlReference)
        return Place(
            archive=PackageArchive(
                url=direct.file.url if remote else None,
                path=relative_to(folder, reference) if isinstance(reference, PathReference) else None,
                size=direct.file.size,
                hashes=dict(direct.file.hashes),
                subdirectory=(reference.subdirectory or None) if isinstance(reference, UrlReference) else None,
            )
        )
    assert isinstance(reference, PathReference)
    return Place(directory=PackageDirectory(path=relative_to(folder, reference), editable=reference.editable or None))


def _direct(package: LockedPackage, direct: Direct, names: _Names) -> Package:
    place = place_of(direct, names.folder)
    return Package(
        name=canonicalize_name(package.name),
        # A folder changes under the lock, so that the version it has now is no promise (PEP 751).
        version=None if place.directory is not None else Version(package.version),
        marker=Marker(package.marker) if package.marker else None,
        requires_python=SpecifierSet(package.requires_python) if package.requires_python else None,
        dependencies=names.dependencies(package),
        vcs=place.vcs,
        archive=place.archive,
        directory=place.directory,
    )


def relative_to(folder: Path, reference: PathReference) -> str:
    """A local path as a lock in ``folder`` says it: with slashes, and relative unless it was written otherwise."""
    return Path(reference.path).as_posix() if os.path.isabs(reference.given) else path_from(folder, reference.path)


def path_from(folder: Path, path: str) -> str:
    """A path of this machine from a folder, with slashes."""
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # On another drive.
        return Path(path).as_posix()


@dataclass(frozen=True)
class _Names:
    """The entries of a lock, to call each by what tells it from the others of its name."""

    folder: Path
    relative: Collection[str]
    """Indexes that are named by paths from the lock."""
    entries: Mapping[tuple[str, str, str], LockedPackage]
    """By name, version and index."""

    def dependencies(self, package: LockedPackage) -> list[dict[str, Any]] | None:
        return [self._reference(key) for key in package.dependencies if key in self.entries] or None

    def _reference(self, key: tuple[str, str, str]) -> dict[str, Any]:
        name, version, index = key
        reference: dict[str, Any] = {"name": name}
        rivals = [other for other in self.entries if other[0] == name]
        if len(rivals) == 1:
            return reference
        direct = self.entries[key].direct
        if direct is not None:
            return reference | _told(place_of(direct, self.folder))
        reference["version"] = version
        if sum(other[1] == version for other in rivals) > 1 and index not in self.relative:
            reference["index"] = index
        return reference


def _told(place: Place) -> dict[str, Any]:
    """A place in few words."""
    if place.vcs is not None:
        told = {"type": "git", "url": place.vcs.url, "commit-id": place.vcs.commit_id}
        return {"vcs": told | ({"subdirectory": place.vcs.subdirectory} if place.vcs.subdirectory else {})}
    if place.archive is not None:
        where = {"url": place.archive.url} if place.archive.url else {"path": place.archive.path}
        return {"archive": where | {"hashes": dict(place.archive.hashes)}}
    return {"directory": {"path": place.directory.path}} if place.directory is not None else {}


def _details(file: File, folder: Path | None) -> dict[str, Any]:
    """A file; one of this machine by its path from ``folder`` where one is given."""
    path = path_from(folder, path_of(file.url)) if folder is not None and file.url.startswith("file:") else None
    return {
        "name": file.filename,
        "upload_time": _moment(file.upload_time),
        "url": None if path else file.url,
        "path": path,
        "size": file.size,
        "hashes": dict(file.hashes),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
