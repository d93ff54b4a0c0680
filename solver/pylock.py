"""A lock as a PEP 751 file (``pylock.toml``), multi-use: for every extra and dependency group of the project."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from packaging.markers import Marker
from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from corpora.facts import File

from .lock import Lock, LockedPackage

__all__ = ["to_pylock", "to_toml"]


def to_pylock(lock: Lock) -> Pylock:
    """The lock as ``packaging`` models PEP 751."""
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
        packages=[_package(package, counts) for package in lock.packages],
    )


def to_toml(lock: Lock) -> str:
    """The text of ``pylock.toml``; the same lock gives the same bytes."""
    import tomli_w

    return tomli_w.dumps(to_pylock(lock).to_dict())


def _package(package: LockedPackage, counts: Counter[object]) -> Package:
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
