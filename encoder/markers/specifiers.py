"""Requirements and Requires-Python as package metadata really spells them, read tolerantly and cached."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Requirement

__all__ = ["marker_of", "parse_requirement", "parse_strict_requirement", "python_lower_bounds", "specifiers_of"]


def parse_requirement(text: str, origin: str) -> Requirement:
    """Read one ``Requires-Dist`` line of a package.

    Lines that are not valid PEP 508 are repaired where uv repairs them (``LenientRequirement`` in its sources):
    missing commas, ``>=1.0.*``, ``!=1.0*``, ``!=~1.0``, ``>dev``, ``>=9.0.0a1.0``, trailing commas, stray quotes.

    Raises :class:`ValueError` where that does not help. Cached, because an index repeats the same lines for every
    version of a package.
    """
    return _with_origin(_read_tolerantly(text), text, origin)


def parse_strict_requirement(text: str, origin: str) -> Requirement:
    """Read a requirement that must be valid PEP 508; raises :class:`ValueError` where it is not."""
    return _with_origin(_read_plainly(text) or _read(text), text, origin)


class _Parsed(NamedTuple):
    """A requirement without where it was written."""

    name: str
    extras: tuple[str, ...]
    specifier: SpecifierSet
    marker: Marker | None
    url: str | None


def _with_origin(parsed: _Parsed, text: str, origin: str) -> Requirement:
    return Requirement(parsed.name, parsed.extras, parsed.specifier, parsed.marker, parsed.url, text, origin)


def _parsed(
    name: str, extras: Iterable[str], specifier: SpecifierSet, marker: Marker | None, url: str | None
) -> _Parsed:
    named = tuple(sorted({canonicalize_name(extra) for extra in extras}))
    return _Parsed(canonicalize_name(name), named, specifier, marker, url)


_URL_AND_MARKER = r"([^;@]*@\s*[^\s;]+);(\s.*)"
_LONG = 1000


def _read(text: str) -> _Parsed:
    if len(text) > _LONG and _LONG_NUMBER.search(text):
        raise ValueError("it has a number of more than a hundred digits")
    # `name @ URL; marker`: PEP 508 wants a space before the semicolon, but neither uv nor the people who write it do.
    match = re.fullmatch(_URL_AND_MARKER, text, re.DOTALL) if "@" in text else None
    from packaging.requirements import Requirement as Pep508Requirement

    try:
        found = Pep508Requirement(f"{match.group(1)} ;{match.group(2)}" if match else text)
    except RecursionError as error:  # A marker of thousands of nested parentheses.
        raise ValueError("it is nested too deeply") from error
    marker = None if found.marker is None else marker_of(str(found.marker))
    return _parsed(found.name, found.extras, found.specifier, marker, found.url)


_CLAUSES = r"(?:~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PLAIN = re.compile(
    rf"(?P<name>{_NAME})\s*(?:\[\s*(?P<extras>{_NAME}(?:\s*,\s*{_NAME})*)\s*\]\s*)?"
    rf"(?P<open>\(\s*)?(?P<specifiers>{_CLAUSES}(?:\s*,\s*{_CLAUSES})*)?(?(open)\s*\))\s*(?:;(?P<marker>.+))?"
)


def _read_plainly(text: str) -> _Parsed | None:
    """A requirement of the usual form, of which only the marker and the specifiers need a parser: few differ, so each
    is parsed once. None where it is of another form, or wrong.
    """
    found = _PLAIN.fullmatch(text) if len(text) <= _LONG else None
    if found is None or (found["open"] and not found["specifiers"]):
        return None
    try:
        marker = marker_of(found["marker"].strip()) if found["marker"] else None
        specifier = specifiers_of(found["specifiers"] or "")
    except (ValueError, RecursionError):
        return None
    extras = re.split(r"\s*,\s*", found["extras"]) if found["extras"] else ()
    return _parsed(found["name"], extras, specifier, marker, None)


@lru_cache(maxsize=1 << 15)
def marker_of(text: str) -> Marker:
    """A marker, parsed once. Raises ValueError."""
    return Marker(text)


@lru_cache(maxsize=1 << 15)
def specifiers_of(text: str) -> SpecifierSet:
    """A set of specifiers, parsed once. Raises ValueError."""
    return SpecifierSet(text)


@lru_cache(maxsize=1 << 17)
def _read_tolerantly(text: str) -> _Parsed:
    plain = _read_plainly(text)
    if plain is not None:
        return plain
    try:
        return _read(text)
    except ValueError as error:
        # The name and the marker are left as they are: `a2>=1` needs no comma, and quotes belong to a marker.
        parts = re.fullmatch(_PARTS, text, re.DOTALL)
        if parts is None:
            raise
        name, versions, marker = parts.group("name"), parts.group("versions"), parts.group("marker") or ""
        name = _STRAY_QUOTES.sub("", name)
        for repair in _REPAIRS:
            repaired = repair(versions)
            if repaired != versions or repair is _without_quotes:
                versions = repaired
                try:
                    return _read(f"{name}{versions}{marker}")
                except ValueError:
                    continue
        raise ValueError(f"{text!r} is not a valid requirement") from error


_PARTS = (
    r"""(?P<name>\s*['"]?[A-Za-z0-9][A-Za-z0-9._-]*['"]?\s*(?:\[[^\]]*\]\s*)?)"""
    r"""(?P<versions>[^;@]*?)(?P<marker>\s*;.*)?"""
)
_STRAY_QUOTES = re.compile(r"['\"]")


def _without_quotes(versions: str) -> str:
    return _STRAY_QUOTES.sub("", versions)


def _substitution(pattern: str, replacement: str) -> Callable[[str], str]:
    return lambda versions: re.sub(pattern, replacement, versions)  # compiled where something is to be repaired


_REPAIRS: tuple[Callable[[str], str], ...] = (
    _substitution(r"(?<=[0-9A-Za-z*])\s*(?=[<>~]|==|!=)", ","),  # >=7.2.0<8.0.0
    _substitution(r"!=\s*~\s*([0-9]+(?:\.[0-9]+)*)", r"!=\1.*"),  # !=~5.0
    _substitution(r"(<=|>=|<|>)(\s*[0-9]+(?:\.[0-9]+)*)\.\*", r"\1\2"),  # >=1.9.*
    _substitution(r"([0-9])\*", r"\1.*"),  # !=3.0*
    _substitution(r",\s*(?=\)?\s*$)", ""),  # >=3.6,
    _substitution(r">\s*dev", ">0.0.0dev"),  # >dev
    _substitution(r"([0-9](?:a|b|rc|post|dev)[0-9]+)\.0", r"\1"),  # >=9.0.0a1.0
    _without_quotes,  # >=3.6'
    _substitution(r",\s*(?=\)?\s*$)", ""),  # <1.4.0', : the comma shows once the quote is gone
)


# Python refuses to convert numbers of thousands of digits; packaging meets them late, when it compares versions.
_LONG_NUMBER = re.compile(r"[0-9]{100}")

_CLAUSE = re.compile(r"(~=|===|==|!=|<=|>=|=>|<|>)\s*(~?)\s*v?([0-9][0-9A-Za-z.!+*_-]*)")
_WILDCARD = re.compile(r"(?:\.?\*|\.[xX])+$")


@lru_cache(maxsize=1 << 14)
def python_lower_bounds(specifier: str) -> str | None:
    """What a package's ``Requires-Python`` says of *older* Pythons: its lower bound and what it excludes.

    Upper bounds are dropped, as every universal resolver does: a package that says ``<4`` or ``<3.13`` did not know
    the Pythons that came after it, and no older version of it is a better choice. ``==3.9.*`` and ``~=3.9`` are
    ``>=3.9``. The exclusion of one release (``!=3.14.1``, and ``!=3.15``, which is 3.15.0 alone) is dropped as well: it
    would move everybody to another version, or leave none. Exclusions below the lower bound say nothing and are
    dropped, so that the many spellings of one bound become one string.

    Returns a canonical :class:`~packaging.specifiers.SpecifierSet` string, empty where every Python is admitted, and
    ``None`` where nothing can be read. Reads malformed ones as far as they are clear (``>=3.6.*``, ``>=3.7,<4.0'``,
    ``>=3.6<4``, ``!=3.0*``).
    """
    if not specifier.strip():
        return ""
    clauses = (
        [] if "|" in specifier or _LONG_NUMBER.search(specifier) else _CLAUSE.findall(_STRAY_QUOTES.sub("", specifier))
    )
    lower: tuple[Version, bool] | None = None
    excluded: list[Version] = []
    readable = False
    for operator, tilde, text in clauses:
        digits = _WILDCARD.sub("", text).rstrip(".-_")
        try:
            # Without a local part, which has no place in a bound.
            version = Version(Version(digits).public)
        except InvalidVersion:
            continue
        readable = True
        if operator == "!=":
            # One broken release (!=3.14.1) is no reason to lock another version for everybody, or none at all.
            if digits != text or tilde:
                excluded.append(Version(version.base_version))
        elif operator not in ("<", "<="):
            bound = (version, operator == ">")
            lower = bound if lower is None else max(lower, bound)
    if not readable:
        return None
    kept = {f"!={version}.*" for version in excluded if lower is None or not _is_below(version, lower)}
    if lower is not None:
        kept.add(f"{'>' if lower[1] else '>='}{_shortest(lower[0])}")
    return str(SpecifierSet(",".join(kept)))


def _shortest(version: Version) -> str:
    """Without the zeros at the end of its release."""
    text = str(version)
    if text.replace(".", "").isdecimal():
        return re.sub(r"(?:\.0)+$", "", text)
    from packaging.utils import canonicalize_version

    return canonicalize_version(version)


def _is_below(version: Version, lower: tuple[Version, bool]) -> bool:
    """Whether the exclusion of all that begins with a version removes nothing that the lower bound still admits."""
    *head, last = version.release
    return Version(f"{version.epoch}!{'.'.join(map(str, [*head, last + 1]))}") <= lower[0]
