"""Values of a TOML file that know where they stand, so that every error names its place in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.corpora.index.redaction import redacted
from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.specifiers import parse_strict_requirement
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.direct import reference_of_url
from satlock.encoder.project.project import ProjectError, Requirement
from satlock.records import dataclass, replace

__all__ = ["Value", "first_line", "shown"]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SHOWN = 80


def shown(value: object) -> str:
    """The value as one short line without credentials: what a person sees of it in an error."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = redacted(value.isoformat() if isinstance(value, date | time) else repr(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def first_line(error: BaseException) -> str:
    """What a library said, as part of a sentence: its first line without the full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(". :") or type(error).__name__


@dataclass(frozen=True)
class Value:
    """One value of a TOML file. The reading methods raise :class:`ProjectError` where it has another type."""

    raw: object
    file: str
    where: str
    """Its dotted key, e.g. ``tool.uv.conflicts``, or ``entry 2 of tool.uv.conflicts``."""

    def error(self, problem: str, advice: str) -> ProjectError:
        return ProjectError(f"{self.where} in {self.file} {problem}; {advice}.")

    def expected(self, what: str) -> ProjectError:
        return self.error(f"is {shown(self.raw)}", f"write {what}")

    def at(self, key: str, raw: object) -> Value:
        """The value of a key in this table."""
        name = key if _BARE_KEY.fullmatch(key) else shown(key)
        where = f"{name} of {self.where}" if " of " in self.where else f"{self.where}.{name}" if self.where else name
        return Value(raw, self.file, where)

    def table(self) -> dict[str, Value]:
        if not isinstance(self.raw, dict):
            raise self.expected("a table")
        return {key: self.at(key, raw) for key, raw in self.raw.items()}

    def items(self, what: str = "a list") -> Iterator[Value]:
        if not isinstance(self.raw, list):
            raise self.expected(what)
        return (Value(raw, self.file, f"entry {i} of {self.where}") for i, raw in enumerate(self.raw, 1))

    def text(self, what: str = "a string") -> str:
        if not isinstance(self.raw, str):
            raise self.expected(what)
        return self.raw

    def flag(self) -> bool:
        if not isinstance(self.raw, bool):
            raise self.expected("true or false")
        return self.raw

    def name(self, what: str = "name") -> str:
        """A name of a package, extra or group, normalised (PEP 503, PEP 685, PEP 735)."""
        text = self.text(f"a {what} as a string")
        if not _NAME.fullmatch(text):
            raise self.error(
                f"is {shown(text)}, which is not a valid {what}",
                "use letters, digits, '-', '_' and '.', with a letter or digit at both ends",
            )
        return canonicalize_name(text)

    def key_name(self, key: str, what: str) -> str:
        """The normalised name that a key of this table is."""
        if not _NAME.fullmatch(key):
            raise self.error(
                f"has the key {shown(key)}, which is not a valid {what}",
                "use letters, digits, '-', '_' and '.', with a letter or digit at both ends",
            )
        return canonicalize_name(key)

    def requirement(self, origin: str) -> Requirement:
        """A PEP 508 requirement, read strictly: the project's own file is to be right."""
        text = self.text("a requirement as a string")
        try:
            found = parse_strict_requirement(text, origin)
            if found.url is None:
                return found
            return replace(found, reference=reference_of_url(found.url, Path(self.file).parent, expand=True))
        except ValueError as error:
            raise self.error(
                f"is {shown(text)}, which is not a valid requirement ({first_line(error)})",
                "write it as in PEP 508, e.g. 'numpy>=1.26'",
            ) from error

    def requirements(self) -> tuple[Requirement, ...]:
        return tuple(item.requirement(self.where) for item in self.items("a list of requirements"))

    def version(self) -> str:
        """A version (PEP 440), in its normal form."""
        text = self.text("a version as a string")
        try:
            if len(text) > 1000:
                raise InvalidVersion("it is too long")
            return str(Version(text))
        except InvalidVersion as error:
            raise self.error(
                f"is {shown(text)}, which is not a valid version", "write it as in PEP 440, e.g. '1.2.3'"
            ) from error

    def specifiers(self) -> SpecifierSet:
        text = self.text("a version specifier as a string")
        try:
            if len(text) > 1000:
                raise InvalidSpecifier("it is too long")
            return SpecifierSet(text)
        except InvalidSpecifier as error:
            raise self.error(
                f"is {shown(text)}, which is not a valid version specifier", "write it as in PEP 440, e.g. '>=3.11'"
            ) from error

    def environment_marker(self) -> Marker:
        """A PEP 508 marker on the platform and the Python alone, not on extras or groups."""
        return self._marker(r"\b(extras?|dependency_groups)\b", "an extra or a group")

    def marker(self) -> Marker:
        """A PEP 508 marker, which may ask for an extra of the project (``extra == 'x'``)."""
        return self._marker(r"\b(extras|dependency_groups)\b", "what only a lock may ask for")

    def _marker(self, refused: str, what: str) -> Marker:
        text = self.text("an environment marker as a string")
        advice = "write one as in PEP 508, e.g. \"sys_platform == 'linux'\""
        try:
            marker = Marker(text)
        except (ValueError, RecursionError) as error:
            raise self.error(f"is {shown(text)}, which is not a valid marker ({first_line(error)})", advice) from error
        if re.search(refused, _QUOTED.sub("''", str(marker))):
            raise self.error(f"is {shown(text)}, which depends on {what}", advice)
        return marker
