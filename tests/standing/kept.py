"""The versions that a lock asks to be kept, as a run of the command would take them."""

from __future__ import annotations

from packaging.pylock import Pylock

__all__ = ["kept_versions"]


def kept_versions(lock: Pylock) -> dict[str, frozenset[str]]:
    """For each package its versions in a lock."""
    versions: dict[str, set[str]] = {}
    for package in lock.packages:
        if package.version is not None:
            versions.setdefault(str(package.name), set()).add(str(package.version))
    return {name: frozenset(found) for name, found in versions.items()}
