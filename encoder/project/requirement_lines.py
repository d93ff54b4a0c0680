"""The lines of requirements files as pip reads them: decoded, joined, without comments, with variables put in.

The format is pip's own (its reference documentation, "Requirements File Format"); no standard describes it.
"""

from __future__ import annotations

import codecs
import locale
import os
import re
from collections.abc import Iterator
from pathlib import Path

from satlock.corpora.regular_files import read_regular
from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.values import shown
from satlock.records import dataclass

__all__ = ["Line", "lines_of", "quoted"]

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of UTF-32 begins with that of UTF-16."""
_LARGEST = 16 << 20


@dataclass(frozen=True)
class Line:
    """One logical line."""

    path: Path
    number: int
    """Of its first physical line, from 1."""
    text: str
    """With the values of variables, so it may hold credentials: never shown as it is."""
    written: str
    """As in the file, with the names of variables."""

    @property
    def where(self) -> str:
        return f"line {self.number} of {self.path.name}"

    def error(self, problem: str, advice: str) -> ProjectError:
        return ProjectError(f"Line {self.number} of {self.path} {problem}; {advice}.")


def lines_of(path: Path, asked_by: Line | None = None) -> Iterator[Line]:
    """The logical lines of a file that say something.

    Args:
        asked_by: the line that includes the file, to be named where it cannot be read.

    Raises:
        ProjectError: the file cannot be read, or is no text.
    """
    number, parts = 0, list[str]()
    for at, physical in enumerate(_text(path, asked_by).splitlines(), 1):
        number = number if parts else at
        comment = _COMMENT.match(physical) is not None  # one ends a continued line, and is not continued itself
        if physical.endswith("\\") and not comment:
            parts.append(physical.strip("\\"))
            continue
        yield from _line(path, number, [*parts, " " if comment else physical])
        parts = []
    yield from _line(path, number, parts)


def _line(path: Path, number: int, parts: list[str]) -> Iterator[Line]:
    written = _COMMENT.sub("", "".join(parts)).strip()
    if written:
        yield Line(path, number, _VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[0], written), written)


def _text(path: Path, asked_by: Line | None) -> str:
    try:
        data = read_regular(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        if asked_by is None:
            raise ProjectError(f"{path} cannot be read ({reason}); name a requirements file.") from None
        raise asked_by.error(f"includes {path}, which cannot be read ({reason})", "correct the path") from None
    if len(data) > _LARGEST:
        raise ProjectError(f"{path} is larger than {_LARGEST >> 20} MB; name a requirements file.")
    try:
        return _decoded(data)
    except (UnicodeDecodeError, LookupError):
        raise ProjectError(f"{path} is not text in a known encoding; save it as UTF-8.") from None


def _decoded(data: bytes) -> str:
    """By its byte order mark, else as its first two lines say (PEP 263), else UTF-8, else as the system has it."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding).lstrip("\ufeff")
    for line in data.split(b"\n")[:2]:
        if found := _CODING.match(line):
            return data.decode(found[1].decode("ascii"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(locale.getpreferredencoding(False))


def quoted(line: Line, part: str | None = None) -> str:
    """A line, or the part of it that matters, for an error: never with the value of a variable."""
    return shown(line.written if part is None or part not in line.written else part)
