"""Who requires what: the owners of requirements, from the project, the lock's notes, and metadata.

The lines of an owner are in lists: its own is in force wherever the owner is installed, that of an extra where the
extra was asked for, that of a group where that group of a project was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from satlock.records import dataclass, field
from satlock.solver.lockfiles.links import members_of
from satlock.solver.lockfiles.model import (
    ALWAYS,
    NEVER,
    PRODUCTION,
    Condition,
    Edge,
    Entry,
    Lockfile,
    Switch,
    Whether,
    all_of,
)
from satlock.solver.lockfiles.pulls import Pull
from satlock.solver.lockfiles.reading import Reading, parse
from satlock.solver.lockfiles.requirements import (
    OWN,
    Edits,
    Line,
    Listed,
    ProjectLists,
    edits_noted_by_uv,
    lines_of_uv,
    noted_by_uv,
    read_line,
    read_lists,
    selected,
)

__all__ = ["PROJECT", "Asked", "Asking", "Owner", "ReadFrom", "asking_of", "is_direct", "owner_of_metadata"]

PROJECT = "project"
"""The owner of what the project itself asks for, where that is no entry of the lock."""
_INDEXED = ("registry", "index", "legacy", "")
_LOCAL = ("editable", "virtual", "directory", "path")


@dataclass(frozen=True)
class ReadFrom:
    """Where metadata was read, so that it can be read there again."""

    index: str
    """The address that the lock names; empty where it names none."""
    asked: str
    """The address that was asked."""
    file: str = ""
    """The file of the lock whose metadata it is; empty where the index does not tell."""
    sha256: str = ""
    """Of that file, as the lock has it."""
    metadata: str = ""
    """The SHA-256 of its metadata, where the index tells (PEP 658)."""


@dataclass(frozen=True)
class Owner:
    """Whoever has requirements."""

    key: str
    """The number of its entry, or :data:`PROJECT`."""
    claim: str
    """The name under which it is told whether its requirements are met."""
    lists: Mapping[Listed, tuple[Line, ...]]
    origin: str
    """``project``, ``lockfile``, ``stated``, or the address of the index."""
    own: bool = False
    """It is part of the project: what the project takes from an address serves it, whatever the version."""
    includes: tuple[tuple[str, str], ...] = ()
    pythons: Mapping[Listed, Condition] = field(default_factory=dict)
    """For which Pythons a list is, where that is not for all."""
    read_from: ReadFrom | None = None
    """Where its lines were read, where an index told them."""

    @property
    def of_index(self) -> bool:
        """Whether an index told its lines."""
        return self.origin not in ("project", "lockfile", "stated")

    def of(self, which: Listed) -> Iterator[tuple[int, Line, Condition]]:
        """The lines of one list, with their places and when they hold."""
        listed = self.origin == "project" or which.kind == "group"
        bounds, lines = self.pythons.get(which, ALWAYS), self.lists.get(which if listed else OWN, ())
        for place, line, condition in selected(lines, which.extra, listed=listed):
            yield place, line, all_of(condition, bounds)


class Asked(NamedTuple):
    """One list of an owner: what is asked of it, or of an extra or group of it."""

    key: str
    which: Listed = OWN

    @property
    def node(self) -> str:
        """Its node in the graph: where it is what the lock installs, that of the entry."""
        return f"asked {self.key}{self.which}" if self.which != OWN or self.key == PROJECT else self.key


@dataclass
class Asking:
    """Everything that asks for packages."""

    owners: dict[str, Owner] = field(default_factory=dict)
    choices: list[tuple[Asked, Edge]] = field(default_factory=list)
    """Lists that what a person chooses puts in force, with the edges to them."""
    edits: Edits = field(default_factory=Edits)
    steps: tuple[Pull, ...] = ()
    """What brings what along of the project's own choices."""
    switches: tuple[Switch, ...] = ()
    """What can be chosen besides the lock's own switches."""
    implied: tuple[tuple[Switch, Switch], ...] = ()
    unexamined: dict[str, str] = field(default_factory=dict)
    """Owners whose requirements are not known, with the reason."""
    wanted: list[Entry] = field(default_factory=list)
    """Entries whose requirements an index tells."""
    itself: str = ""
    """The project's name, where it is no entry of the lock: who requires it has it, as it is what is installed."""
    notes: list[str] = field(default_factory=list)
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    """When metadata was read, or recorded (a date)."""


def is_direct(entry: Entry) -> bool:
    """Whether an entry comes from an address and not from an index."""
    return entry.source.kind not in _INDEXED


def asking_of(reading: Reading, beside: Path) -> Asking:
    """What the project and the lock's own notes ask for, and which entries an index has to tell of.

    ``beside`` is the ``pyproject.toml``.

    Raises:
        ProjectError: where it, or a note of the lock, cannot be read.
    """
    project, edits = read_lists(beside)
    found = Asking(edits=edits, steps=reading.project.steps)
    if reading.lockfile.kind == "uv":
        _ask_as_uv(found, reading, project, beside.is_file())
    else:
        _ask_as_project(found, reading.lockfile, project, beside)
    return found


def owner_of_metadata(entry: Entry, texts: Iterable[str], origin: str) -> Owner:
    """The owner of what metadata says.

    Raises:
        ValueError: where a line cannot be read.
    """
    lines = tuple(read_line(text, str(entry)) for text in texts)
    return Owner(str(entry.number), entry.name, {OWN: lines}, origin)


def _stated(found: Asking, entry: Entry) -> bool:
    """Adds what the project states of an entry in place of its own metadata."""
    for stated in found.edits.stated:
        if stated.name == entry.name and stated.version in (None, entry.version):
            found.owners[str(entry.number)] = owner_of_metadata(entry, stated.requires_dist, "stated")
            return True
    return False


def _ask_as_project(found: Asking, lockfile: Lockfile, project: ProjectLists, beside: Path) -> None:
    for entry in lockfile.entries:
        key = str(entry.number)
        if project.name and entry.name == project.name and is_direct(entry):
            found.owners[key] = Owner(key, entry.name, {OWN: ()}, "project")
        elif not _stated(found, entry):
            if is_direct(entry):
                found.unexamined[key] = _of_address(entry)
            else:
                found.wanted.append(entry)
    found.itself = project.name
    tool = f"tool.{lockfile.kind}."
    if not beside.is_file():
        if lockfile.kind == "pylock" and not lockfile.switches:
            found.notes.append(f"There is no {beside.name} beside the lock, so nothing is said of what a project asks.")
        else:
            found.unexamined[PROJECT] = f"there is no {beside}"
    elif project.dynamic:
        found.unexamined[PROJECT] = f"the requirements in {beside.name} are dynamic"
    elif project.elsewhere.startswith(tool):
        found.unexamined[PROJECT] = f"it has requirements in {project.elsewhere}, which satlock does not read"
    else:
        found.owners[PROJECT] = Owner(
            PROJECT, "(project)", project.lists, "project", True, project.includes, project.pythons
        )
        for which in project.lists:
            condition = _chosen(lockfile, which)
            if condition != NEVER:
                found.choices.append(_choice(PROJECT, which, condition))


def _of_address(entry: Entry) -> str:
    return f"it comes from an address ({entry.source.kind}), so no index tells what it requires"


def _chosen(lockfile: Lockfile, which: Listed) -> Condition:
    """When one of the project's lists is in force, in the formats in which entries decide for themselves."""
    kind = lockfile.kind
    if kind == "pylock":
        needed = [Switch(*which)] if which != OWN else []
    elif kind == "poetry":
        needed = [Switch("group", "main") if which.kind != "group" else Switch(*which)]
        needed += [Switch(*which)] if which.extra else []
    else:
        needed = [Switch("group", which.name or "default")]
    return all_of(*map(Whether, needed)) if set(needed) <= set(lockfile.switches) else NEVER


def _choice(key: str, which: Listed, condition: Condition) -> tuple[Asked, Edge]:
    asked = Asked(key, which)
    return asked, Edge(f"choose {key}{which}", None, (asked.node,), condition, step=which.name or "the project")


def _ask_as_uv(found: Asking, reading: Reading, project: ProjectLists, there: bool) -> None:
    lockfile = reading.lockfile
    top = parse(reading.path)
    packages = [item.table() for item in top["package"].items()] if "package" in top else []
    manifest = top["manifest"].table() if "manifest" in top else {}
    if not there:
        found.edits = edits_noted_by_uv(manifest)
    for entry, package in zip(lockfile.entries, packages, strict=True):
        key, (kind, place, _) = str(entry.number), entry.source
        if kind in _LOCAL and place in (".", "") and project.name == entry.name and not project.dynamic:
            found.owners[key] = Owner(
                key, entry.name, project.lists, "project", True, project.includes, project.pythons
            )
        elif _stated(found, entry):
            pass
        elif kind in _LOCAL:
            found.owners[key] = Owner(key, entry.name, noted_by_uv(package).lists, "lockfile", own=True)
        elif kind == "registry":
            found.wanted.append(entry)
        else:
            found.unexamined[key] = _of_address(entry)
    _choose_as_uv(found, lockfile)
    lists = {OWN: lines_of_uv(manifest.get("requirements"))} if "requirements" in manifest else {}
    if "dependency-groups" in manifest:
        groups = manifest["dependency-groups"]
        for key, items in groups.table().items():
            lists[Listed("group", groups.key_name(key, "name of a group"))] = lines_of_uv(items)
    if lists:
        found.owners[PROJECT] = Owner(PROJECT, "(project)", lists, "lockfile", own=True)
        for which in lists:
            condition = Whether(Switch(*which) if which != OWN else PRODUCTION)
            found.choices.append(_choice(PROJECT, which, condition))


def _choose_as_uv(found: Asking, lockfile: Lockfile) -> None:
    """The extras and groups of each member can be chosen, also those of which the lock has no list."""
    switches: list[Switch] = []
    for number, member in members_of(lockfile).items():
        owner = found.owners.get(str(number))
        for which in owner.lists if owner is not None else ():
            if which != OWN:
                switches.append(Switch(*which))
                itself = Switch("project", member)
                condition = all_of(Whether(itself), Whether(switches[-1]))
                found.choices.append(_choice(str(number), which, condition))
    found.switches = tuple(switch for switch in dict.fromkeys(switches) if switch not in lockfile.switches)
    found.implied = tuple((switch, PRODUCTION) for switch in found.switches if switch.kind == "extra")
