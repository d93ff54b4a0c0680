"""What was verified once need not be verified again: a lock and a project that are byte for byte the same.

A new release makes no lock invalid, and of those that are locked an index changes nothing but whether they are yanked.
So the verdict holds for a day, and for a check as long as the answers it rests on. One small file in the cache for each
lock says for which bytes it was found valid, when the indexes were asked, and what was said then.
"""

from __future__ import annotations

import os
import time

from satlock.corpora.regular_files import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing and collections take their time too
    from collections.abc import Sequence

__all__ = ["Memory", "Remembered"]

_DAY = 24 * 3600.0
_BREAK = "\x1f"
"""Between the lines of one warning, in a file that has one warning on each line."""


class Remembered:
    """A lock that was found valid."""

    def __init__(self, packages: int, warnings: tuple[str, ...]) -> None:
        self.packages, self.warnings = packages, warnings


class Memory:
    """What is remembered of one lock. Where nothing may be kept, nothing is; what cannot be read is forgotten.

    Kept free of slow imports, as all of this module: a run that only recalls something is over in a moment.
    """

    def __init__(
        self,
        source: str,
        lock: str | None,
        *,
        folder: str | None = None,
        snapshot: str | None = None,
        options: Sequence[object] = (),
    ) -> None:
        """``folder`` is that of the cache; ``options`` are those of the command line that decide about validity."""
        self._source = os.path.join(source, "pyproject.toml") if os.path.isdir(source) else source
        self._snapshot, self._options = snapshot, [option for option in options if option]
        self._file: str | None = None
        if lock is not None:
            from satlock.corpora.index.cache_folder import default_folder, entry_name

            self._file = os.path.join(folder or default_folder(), "verified", entry_name(os.path.abspath(lock)))

    def recall(self, text: str, check: bool = False) -> Remembered | None:
        """What was found of a lock with this text, if it was verified for the project as it is, and lately enough."""
        if self._file is None:
            return None
        try:
            with open(self._file, encoding="utf-8") as file:
                state, packages, asked, until, *warnings = file.read().splitlines()
            holds = time.time() < float(until) or (not check and self._lately(float(asked)))
            if holds and state == self._state(text):
                return Remembered(int(packages), tuple(warning.replace(_BREAK, "\n") for warning in warnings))
        except (OSError, ValueError):
            pass
        return None

    def asked(self) -> float:
        """When the indexes were last asked for the lock, in seconds since the epoch; 0 where that is not known, or is
        longer ago than a day."""
        try:
            with open(self._file or "", encoding="utf-8") as file:
                asked = float(file.read().splitlines()[2])
            return asked if self._lately(asked) else 0.0
        except (OSError, ValueError, IndexError):
            return 0.0

    @staticmethod
    def _lately(moment: float) -> bool:
        return 0 <= time.time() - moment < _DAY

    def keep(self, text: str, packages: int, warnings: Sequence[str], *, asked: float, until: float) -> None:
        """Remembers that the lock with this text is valid.

        Args:
            asked: when the indexes were asked.
            until: when their answers are no longer fresh.
        """
        if self._file is None:
            return
        said = (_BREAK.join(warning.splitlines()) for warning in warnings)
        kept = [str(packages), str(asked), str(until), *said]
        try:
            os.makedirs(os.path.dirname(self._file), exist_ok=True)
            temporary = f"{self._file}.{os.getpid()}"
            with open(temporary, "w", encoding="utf-8") as file:
                file.write("\n".join([self._state(text), *kept]) + "\n")
            os.replace(temporary, self._file)
        except OSError:
            pass  # then it is verified again

    def _cut_off(self, project: bytes) -> bool:
        """Whether something may say ``exclude-newer``: the project, an option, the environment or a ``uv.toml``."""
        from satlock.corpora.index.configuration import uv_files

        said = b"exclude-newer" in project or "exclude-newer" in repr(self._options) or "UV_EXCLUDE_NEWER" in os.environ
        files = [path for path in _above(self._source) if os.path.basename(path) == "uv.toml"]
        return said or any(os.path.exists(file) for file in (*files, *uv_files()))

    def _state(self, text: str) -> str:
        """A digest of all that the verdict depends on. Raises OSError where something cannot be read."""
        project = read_regular(self._source)
        said: list[object] = [
            _code(), os.path.abspath(self._source), project, text, self._options,
            [(path, *_stamp(path)) for path in _above(self._source) if os.path.exists(path)],
        ]  # fmt: skip
        if self._snapshot is not None:
            said.append((os.path.abspath(self._snapshot), *_stamp(self._snapshot)))
        from satlock.corpora.index.configuration import configuration

        said.append(configuration())
        if self._cut_off(project):  # which may count back from now
            from datetime import UTC, datetime

            said.append(datetime.now(UTC).date())
        if b"requires-python" not in project:  # then the Python that is used tells it
            from pathlib import Path

            from satlock.encoder.project.interpreter import python_in_use

            here = Path(self._source).absolute().parent
            said.append(python_in_use(here, here))
        from satlock.corpora.index.cache_folder import entry_name

        return entry_name(repr(said))


def _above(project: str) -> list[str]:
    """Where a project could be whose workspace this one is a member of, and where its settings could be."""
    folder = os.path.dirname(os.path.abspath(project))
    found = [os.path.join(folder, "uv.toml")]
    while (parent := os.path.dirname(folder)) != folder:
        folder = parent
        found += [os.path.join(folder, "pyproject.toml"), os.path.join(folder, "uv.toml")]
    return found


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size


def _code() -> list[tuple[int, int]]:
    """Which code gave the verdict: another release of satlock verifies again."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = (
        "solver/lockfiles/standing/verifying.py",
        "solver/writing/uvlock/agreement.py",
        "encoder/project/reading.py",
    )
    return [_stamp(os.path.join(here, name)) for name in files]
