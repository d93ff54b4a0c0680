"""Releases of a lock that their authors have withdrawn (PEP 592), with who asks for them all the same."""

from __future__ import annotations

from collections.abc import Iterable

from satlock.corpora.facts import Release
from satlock.records import dataclass

__all__ = ["Yanked", "yanked"]


@dataclass(frozen=True)
class Yanked:
    """A yanked release that is locked."""

    name: str
    version: str
    index: str
    reason: str
    """As the index has it; empty where it gives none."""
    asked_by: tuple[str, ...]
    """Who names exactly this version: the project, and entries of the lock. Nobody where it is there since a lock was
    kept, so that it was yanked after that one was made. An index tells no time (PEP 700), so of others nobody knows."""

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        if not self.asked_by:
            return (
                f"{self.name} {self.version} was yanked by its authors since it was locked{why}; nothing asks for "
                f"exactly this version, and --upgrade-package {self.name} takes another."
            )
        who = f"{' and '.join(self.asked_by)} ask{'s' if len(self.asked_by) == 1 else ''}"
        return f"{self.name} {self.version} was yanked by its authors{why}; {who} for it."

    def data(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "name": self.name, "version": self.version, "index": self.index, "reason": self.reason,
            "asked-by": list(self.asked_by), "since-locked": not self.asked_by,
        }  # fmt: skip


def yanked(name: str, release: Release, index: str, asked_by: Iterable[str]) -> Yanked:
    """What is told of a yanked release."""
    reason = next((file.yanked for file in release.files if file.yanked), "")
    return Yanked(name, release.version, index, " ".join(reason.split()), tuple(dict.fromkeys(asked_by)))
