"""What was verified once need not be verified again: a lock and a project that are byte for byte the same.

What an index says of a release does not change, so the verdict holds; a new release makes no lock invalid. One small
file in the cache for each lock says for which bytes it was found valid, and what was said then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cli.inputs import Inputs

__all__ = ["Memory", "Remembered"]


@dataclass(frozen=True)
class Remembered:
    """A lock that was found valid."""

    packages: int
    warnings: tuple[str, ...]


class Memory:
    """What is remembered of one lock. Where nothing may be kept, nothing is; what cannot be read is forgotten."""

    def __init__(self, given: Inputs, lock: Path | None) -> None:
        self._given, self._lock = given, lock
        self._file: Path | None = None
        if lock is not None and not given.no_cache and given.kind != "requirements":
            place = blake2b(os.path.abspath(lock).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
            from corpora.cache_folder import default_folder

            with suppress(OSError, RuntimeError):
                self._file = (given.cache_dir or default_folder()) / "verified" / place

    def recall(self, text: str) -> Remembered | None:
        """What was found of a lock with this text, if it was verified for the project as it is."""
        if self._file is None:
            return None
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            if kept["state"] == self._state(text):
                return Remembered(int(kept["packages"]), tuple(map(str, kept["warnings"])))
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None

    def keep(self, text: str, packages: int, warnings: Sequence[str]) -> None:
        """Remembers that the lock with this text is valid."""
        if self._file is None:
            return
        with suppress(OSError):
            kept = {"state": self._state(text), "packages": packages, "warnings": list(warnings)}
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            temporary.write_text(json.dumps(kept), encoding="utf-8")
            temporary.replace(self._file)

    def _state(self, text: str) -> str:
        """A digest of all that the verdict depends on. Raises OSError where something cannot be read."""
        given = self._given
        source = given.source / "pyproject.toml" if given.source.is_dir() else given.source
        project = source.read_bytes()
        said: list[object] = [
            _code(), os.path.abspath(source), project, text,
            given.default_index, sorted(given.named_indexes.items()), given.exclude_newer, given.requires_python,
        ]  # fmt: skip
        if given.snapshot is not None:
            found = given.snapshot.stat()
            said += [os.path.abspath(given.snapshot), found.st_size, found.st_mtime_ns]
        elif given.default_index is None:
            from corpora.default_index import default_index_url, further_indexes

            said += [default_index_url(), further_indexes()]
        if b"exclude-newer" in project:  # it may count back from now
            from datetime import UTC, datetime

            said.append(datetime.now(UTC).date())
        return blake2b(repr(said).encode("utf-8", "surrogateescape")).hexdigest()


def _code() -> tuple[tuple[str, int], ...]:
    """Which code gave the verdict: another release of satlock verifies again."""
    here = Path(__file__).parent.parent
    files = ("solver/standing/verifying.py", "solver/uvlock/agreement.py", "encoder/reading.py")
    return tuple((name, (here / name).stat().st_mtime_ns) for name in files)
