"""The reading of ``requirements.in`` and ``requirements.txt`` into a :class:`Project`."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from satlock.corpora.names import canonicalize_name
from satlock.corpora.references import PathReference
from satlock.encoder.markers.specifiers import parse_strict_requirement
from satlock.encoder.project.direct import reference_of_url
from satlock.encoder.project.interpreter import python_in_use
from satlock.encoder.project.layers import NOTHING_AROUND, Around
from satlock.encoder.project.pins import is_relative, read_indexes
from satlock.encoder.project.project import Index, Project, Requirement
from satlock.encoder.project.requirement_lines import Line, lines_of, quoted
from satlock.encoder.project.settings import resolving_of
from satlock.encoder.project.tables import tables_of
from satlock.encoder.project.values import Value, first_line
from satlock.records import dataclass, field, replace

__all__ = ["read_requirements"]

_HASH = re.compile(r"([a-z0-9]+):([0-9a-fA-F]+)")
_HASHES = ("sha256", "sha384", "sha512")
"""What pip accepts in ``--hash``."""
_REMOTE = re.compile(r"(https?|ftp)://", re.IGNORECASE)
_NAMELESS = re.compile(r"(\.{0,2}[/\\]|[A-Za-z]:[/\\]|[a-z+]+://|[a-z+]+:)|.*\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$")
_NAMED = re.compile(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\]\s*)?@\s")
_EXTRAS = re.compile(r"\[[A-Za-z0-9._,\s-]+\]$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)(\[[^\]]*\])?")


class _Options(argparse.ArgumentParser):
    """The options of a line; a wrong one is a ValueError."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _options() -> _Options:
    parser = _Options(add_help=False, allow_abbrev=False, usage="")
    for names in (
        ("-r", "--requirement"), ("-c", "--constraint"), ("-e", "--editable"), ("-i", "--index-url", "--pypi-url"),
        ("--extra-index-url",), ("-f", "--find-links"), ("--hash",), ("--no-binary",), ("--only-binary",),
        ("--trusted-host",), ("--use-feature",), ("--config-settings", "--config-setting", "-C"),
        ("--global-option",), ("--build-option",), ("--only-final",), ("--all-releases",),
    ):  # fmt: skip
        parser.add_argument(*names, action="append", default=[])
    for flag in ("--no-index", "--pre", "--prefer-binary", "--require-hashes"):
        parser.add_argument(flag, action="store_true")
    return parser


@dataclass
class _Gathered:
    """What the files say so far."""

    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    hashes: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    indexes: dict[str, list[Value]] = field(default_factory=dict)
    """By option: ``index-url``, ``extra-index-url``."""
    links: dict[str, Index] = field(default_factory=dict)
    """Those of ``find-links``, by address."""
    no_index: Line | None = None
    """The line that says so."""
    binary: dict[str, dict[str, None]] = field(default_factory=lambda: {"no-binary": {}, "only-binary": {}})
    pre: bool = False
    warnings: dict[str, None] = field(default_factory=dict)
    read: set[tuple[Path, bool]] = field(default_factory=set)


def read_requirements(
    path: Path,
    *,
    default_index: str | None = None,
    named_indexes: Mapping[str, str] | None = None,
    requires_python: SpecifierSet | None = None,
    around: Around = NOTHING_AROUND,
) -> Project:
    """Read what a requirements file asks, with all the files that it includes.

    The format is pip's. A nested ``-r`` inside of constraints gives constraints, as in uv. What belongs to an
    installation and not to a lock (``--trusted-host``, ``--config-settings``) has no effect.

    Args:
        default_index: the command line's ``--default-index``.
        named_indexes: the command line's ``--index``.
        requires_python: which Pythons the lock is for; these files cannot say.

    Raises:
        ProjectError: for whatever is wrong with one of the files; the message names the file and the line.
    """
    found = _Gathered()
    _read(path, found, _options(), trail=(), constraint=False, asked_by=None)
    warnings = list(found.warnings)
    if requires_python is None:
        found_python = python_in_use(path.parent, None, request=around.python, files=around.files)
        requires_python = SpecifierSet(found_python.lower_bound)
        warnings.append(
            f"{path} cannot say which Pythons it is for, so the lock is for Python {found_python.lower_bound} "
            f"({found_python.why}); say it with --requires-python."
        )
    settings: dict[str, Value] = {}
    if extra := found.indexes.get("extra-index-url"):
        settings["extra-index-url"] = Value([value.raw for value in extra], extra[0].file, extra[0].where)
    if stated := found.indexes.get("index-url"):
        settings["index-url"] = stated[-1]
    no_binary, only_binary = found.binary["no-binary"], found.binary["only-binary"]
    said = {
        "prerelease": "allow" if found.pre else None,
        "no-binary": ":all:" in no_binary or None,
        "no-binary-package": [name for name in no_binary if name != ":all:"] or None,
        "no-build": ":all:" in only_binary or None,
        "no-build-package": [name for name in only_binary if name != ":all:"] or None,
    }
    settings |= {key: Value(raw, str(path), f"--{key}") for key, raw in said.items() if raw is not None}
    settings = around.over(settings)
    indexes = read_indexes(settings, warnings, default_index=default_index, named_indexes=named_indexes)
    if found.no_index is not None:
        if not found.links:
            raise found.no_index.error("has --no-index, and no line has --find-links", "say where the files are")
        # The last place is what is asked in place of all indexes.
        *_, last = found.links.values()
        found.links[last.url], indexes = replace(last, beside=False, default=True), ()
    return Project(
        path=path,
        name=None,
        requires_python=requires_python,
        dependencies=tuple(found.requirements),
        extras={},
        groups={},
        constraints=tuple(found.constraints),
        indexes=(*found.links.values(), *indexes),
        **resolving_of(settings, datetime.now(UTC)),
        hashes={name: frozenset(hashes) for name, hashes in found.hashes.items()},
        warnings=tuple(warnings),
    )


def _read(
    path: Path, found: _Gathered, options: _Options, *, trail: tuple[Path, ...], constraint: bool, asked_by: Line | None
) -> None:
    here = path.resolve()
    if here in trail and asked_by is not None:
        raise asked_by.error(f"includes {path}, which includes this file in turn", "break the cycle")
    if (here, constraint) in found.read:
        return
    found.read.add((here, constraint))
    for line in lines_of(path, asked_by):
        requirement, given = _split(line, options)
        if requirement:
            _require(line, requirement, given, found, constraint)
            continue
        if constraint and given.editable:
            raise line.error("constrains a package to an address", "require it in a requirements file instead")
        _note(line, given, found)
        for files, as_constraint in ((given.requirement, constraint), (given.constraint, True)):
            for name in files:
                if _REMOTE.match(name):
                    raise line.error("includes a file from the network", "download it, and name the file")
                included = path.parent / name.removeprefix("file://")
                _read(included, found, options, trail=(*trail, here), constraint=as_constraint, asked_by=line)


def _split(line: Line, options: _Options) -> tuple[str, argparse.Namespace]:
    """The requirement of a line (or nothing), and its options."""
    words = line.text.split()
    at = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    try:
        arguments = shlex.split(" ".join(words[at:]))
        given, left = options.parse_known_args(arguments)
    except ValueError as error:
        raise line.error(f"has options that cannot be read ({first_line(error)})", "write them as pip does") from None
    if left:
        word = left[0].partition("=")[0]
        raise line.error(f"has {quoted(line, word)}, which satlock does not know", "drop it or correct it")
    return " ".join(words[:at]).strip(), given


def _require(line: Line, text: str, given: argparse.Namespace, found: _Gathered, constraint: bool) -> None:
    if any(value for key, value in vars(given).items() if key not in ("hash", "config_settings", "global_option")):
        raise line.error("has a requirement together with options of a file", "write each on a line of its own")
    requirement = _requirement(line, text)
    if constraint:
        if requirement.url is not None:
            raise line.error("constrains a package to an address", "require it in a requirements file instead")
        found.constraints.append(requirement)
    else:
        found.requirements.append(requirement)
    for value in given.hash:
        match = _HASH.fullmatch(value)
        if match is None or match[1] not in _HASHES:
            raise line.error(f"has --hash {quoted(line, value)}", f"write ALGORITHM:DIGEST with {', '.join(_HASHES)}")
        found.hashes.setdefault(requirement.name, set()).add((match[1], match[2].lower()))


def _requirement(line: Line, text: str, *, editable: bool = False) -> Requirement:
    try:
        found = parse_strict_requirement(_with_name(line, text), line.where)
        if found.url is not None:
            found = replace(found, reference=reference_of_url(found.url, line.path.parent, expand=True))
    except ValueError as error:
        raise line.error(
            f"is {quoted(line)}, which is not a valid requirement ({first_line(error)})",
            "write it as in PEP 508, e.g. 'numpy>=1.26'",
        ) from None
    if isinstance(found.reference, PathReference):
        given = found.reference.given if "://" in text else ""  # a lock says a path as it was written
        is_editable = True if editable and found.reference.folder else None
        found = replace(found, reference=replace(found.reference, editable=is_editable, given=given))
    # What is shown of it has the names of variables, and not their values.
    return found if line.text == line.written else replace(found, text=line.written.partition(" --")[0])


def _with_name(line: Line, text: str) -> str:
    """A path or an address as a requirement ``NAME @ ADDRESS``, where the name is to be seen."""
    address, semicolon, marker = text.partition(" ;") if " ;" in text else text.partition("; ")
    address, extras = _without_extras(address.strip())
    if _NAMED.match(text) or not (_NAMELESS.match(address) or (address == "." or address.startswith(".."))):
        return text
    name = None
    if egg := _EGG.search(address):
        name, extras = egg[1], egg[2] or extras
        address = address.partition("#")[0]
    elif address.endswith(".whl"):
        try:
            name = parse_wheel_filename(unquote(address).replace("\\", "/").rpartition("/")[2])[0]
        except InvalidWheelFilename as error:
            raise line.error(f"names a wheel that is none ({first_line(error)})", "correct its name") from None
    if "://" not in address:
        path = (line.path.parent / address.removeprefix("file:")).resolve()
        if name is None and (path / "pyproject.toml").is_file():
            name = _name_of(path)
        address = path.as_uri()
    if name is None:
        raise line.error(f"is {quoted(line)}, which does not say the name of the package", "write NAME @ ADDRESS")
    return f"{name}{extras} @ {address}{f' ; {marker.strip()}' if semicolon else ''}"


def _without_extras(address: str) -> tuple[str, str]:
    found = _EXTRAS.search(address)
    return (address[: found.start()], found[0]) if found else (address, "")


def _name_of(folder: Path) -> str | None:
    """The name that a project in a folder has for itself, if it says one."""
    path = folder / "pyproject.toml"
    tables = tables_of(path)
    project = tables["project"].table() if "project" in tables else {}
    return project["name"].name("project name") if "name" in project else None


def _note(line: Line, given: argparse.Namespace, found: _Gathered) -> None:
    """What a line of options says of the whole."""
    if given.hash:
        raise line.error("has --hash without a requirement", "write it behind the requirement")
    found.requirements += [_requirement(line, text, editable=True) for text in given.editable]
    for key, values in (("index-url", given.index_url), ("extra-index-url", given.extra_index_url)):
        for url in values:
            address = url if "://" in url else (line.path.parent / url).resolve().as_uri()
            found.indexes.setdefault(key, []).append(Value(address, str(line.path), f"--{key} in line {line.number}"))
    for url in given.find_links:
        address = url if "://" in url else (line.path.parent / url).resolve().as_uri()
        if not address.startswith(("https://", "http://", "file://")):
            raise line.error("has --find-links that is neither a path nor an address", "write a path, or https://")
        found.links[address] = Index("", address, flat=True, beside=True, relative=is_relative(url))
    found.no_index = found.no_index or (line if given.no_index else None)
    if given.require_hashes:
        found.warnings[
            f"--require-hashes in {line.where} has no effect: a lock always has hashes, and what is not listed here "
            "takes those of its index."
        ] = None
    found.pre = found.pre or given.pre
    for key, values in (("no-binary", given.no_binary), ("only-binary", given.only_binary)):
        for name in (name.strip() for value in values for name in value.split(",")):
            if name == ":none:":
                found.binary[key].clear()
            elif name:
                found.binary[key][name if name == ":all:" else canonicalize_name(name)] = None
