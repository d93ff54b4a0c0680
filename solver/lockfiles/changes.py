"""What one lock has otherwise than another."""

from __future__ import annotations

from datetime import UTC, datetime

from packaging.version import Version

from satlock.records import dataclass
from satlock.solver.lockfiles.lock import Lock, LockedPackage

__all__ = ["Change", "changes"]


@dataclass(frozen=True)
class Change:
    """One package that has other versions."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    days: int | None
    """By how many days its newest version is newer (negative: older); None where an index does not tell."""

    def __str__(self) -> str:
        if not self.after:
            return f"{self.name} {', '.join(self.before)} is no longer needed"
        if not self.before:
            return f"{self.name} {', '.join(self.after)} comes in"
        said = f"{self.name} {', '.join(self.before)} → {', '.join(self.after)}"
        if not self.days:
            return said
        count = abs(self.days)
        return f"{said} ({count} day{'' if count == 1 else 's'} {'newer' if self.days > 0 else 'older'})"


def changes(before: Lock, after: Lock) -> list[Change]:
    """The packages that two locks have in different versions, by name."""
    old, new = _by_name(before), _by_name(after)
    return [
        Change(name, _versions(old.get(name, ())), _versions(new.get(name, ())), _days(old.get(name), new.get(name)))
        for name in sorted({*old, *new})
        if _versions(old.get(name, ())) != _versions(new.get(name, ()))
    ]


def _by_name(lock: Lock) -> dict[str, tuple[LockedPackage, ...]]:
    found: dict[str, tuple[LockedPackage, ...]] = {}
    for package in lock.packages:
        found[package.name] = (*found.get(package.name, ()), package)
    return found


def _versions(packages: tuple[LockedPackage, ...]) -> tuple[str, ...]:
    return tuple(sorted({package.version for package in packages}, key=Version))


def _days(before: tuple[LockedPackage, ...] | None, after: tuple[LockedPackage, ...] | None) -> int | None:
    if not before or not after:
        return None
    old, new = _uploaded(before), _uploaded(after)
    return None if old is None or new is None else (new - old).days


def _uploaded(packages: tuple[LockedPackage, ...]) -> datetime | None:
    """When the newest of some versions of a package was uploaded."""
    newest = max(packages, key=lambda package: Version(package.version))
    moments = [file.upload_time for file in newest.files]
    known = [datetime.fromisoformat(moment) for moment in moments if moment]
    return min((w if w.tzinfo else w.replace(tzinfo=UTC) for w in known), default=None)
