"""A lock as a PEP 751 file (``pylock.toml``), multi-use: for every extra and dependency group of the project."""

from __future__ import annotations

import os
from collections import Counter
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

from corpora.facts import File
from corpora.references import Direct, GitReference, PathReference, UrlReference

from .lock import Lock, LockedPackage

__all__ = ["relative_to", "to_pylock", "to_toml"]


def to_pylock(lock: Lock, folder: Path = Path()) -> Pylock:
    """The lock as ``packaging`` models PEP 751.

    Args:
        folder: where the file will lie, which local paths are relative to.
    """
    counts: Counter[object] = Counter(package.name for package in lock.packages)
    counts.update((package.name, package.version) for package in lock.packages)
    return Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(text) for text in lock.environments] or None,
        requires_python=SpecifierSet(lock.requires_python) if lock.requires_python else None,
        extras=[canonicalize_name(name) for name in lock.extras],
        dependency_groups=list(lock.groups),
        default_groups=list(lock.default_groups),
        created_by="satlock",
        packages=[_package(package, counts, folder) for package in lock.packages],
    )


def to_toml(lock: Lock, folder: Path = Path()) -> str:
    """The text of the ``pylock.toml`` in ``folder``; the same lock gives the same bytes."""
    import tomli_w

    return tomli_w.dumps(to_pylock(lock, folder).to_dict())


def _package(package: LockedPackage, counts: Counter[object], folder: Path) -> Package:
    if package.direct is not None:
        return _direct(package, package.direct, counts, folder)
    wheels = [file for file in package.files if file.is_wheel and file.hashes]
    sdists = [file for file in package.files if not file.is_wheel and file.hashes]
    return Package(
        name=canonicalize_name(package.name),
        version=Version(package.version),
        marker=Marker(package.marker) if package.marker else None,
        requires_python=SpecifierSet(package.requires_python) if package.requires_python else None,
        dependencies=[_reference(dependency, counts) for dependency in package.dependencies] or None,
        index=package.index,
        sdist=PackageSdist(**_details(sdists[0])) if sdists else None,
        wheels=[PackageWheel(**_details(file)) for file in wheels] or None,
    )


def _direct(package: LockedPackage, direct: Direct, counts: Counter[object], folder: Path) -> Package:
    reference = direct.reference
    vcs = archive = directory = None
    if isinstance(reference, GitReference):
        vcs = PackageVcs(
            type="git",
            url=reference.url,
            requested_revision=reference.ref or None,
            commit_id=direct.commit,
            subdirectory=reference.subdirectory or None,
        )
    elif direct.file is not None:
        subdirectory = reference.subdirectory if isinstance(reference, UrlReference) else ""
        archive = PackageArchive(
            url=direct.file.url if isinstance(reference, UrlReference) else None,
            path=relative_to(folder, reference) if isinstance(reference, PathReference) else None,
            size=direct.file.size,
            hashes=dict(direct.file.hashes),
            subdirectory=subdirectory or None,
        )
    else:
        assert isinstance(reference, PathReference)
        directory = PackageDirectory(path=relative_to(folder, reference), editable=reference.editable or None)
    return Package(
        name=canonicalize_name(package.name),
        # A folder changes under the lock, so that the version it has now is no promise (PEP 751).
        version=None if directory is not None else Version(package.version),
        marker=Marker(package.marker) if package.marker else None,
        requires_python=SpecifierSet(package.requires_python) if package.requires_python else None,
        dependencies=[_reference(dependency, counts) for dependency in package.dependencies] or None,
        vcs=vcs,
        archive=archive,
        directory=directory,
    )


def relative_to(folder: Path, reference: PathReference) -> str:
    """A local path as a lock in ``folder`` says it: with slashes, and relative unless it was written otherwise."""
    path = Path(reference.path)
    if os.path.isabs(reference.given):
        return path.as_posix()
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # On another drive.
        return path.as_posix()


def _reference(dependency: tuple[str, str, str], counts: Counter[object]) -> dict[str, str]:
    """What it takes to tell one entry from the others of its name."""
    name, version, index = dependency
    reference = {"name": name}
    if counts[name] > 1:
        reference["version"] = version
    if counts[name, version] > 1:
        reference["index"] = index
    return reference


def _details(file: File) -> dict[str, Any]:
    return {
        "name": file.filename,
        "upload_time": _moment(file.upload_time),
        "url": file.url,
        "size": file.size,
        "hashes": dict(file.hashes),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
