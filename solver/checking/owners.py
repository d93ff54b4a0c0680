"""Who requires what, read a second time: from the project, from the lock's notes, and from the recorded metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from satlock.solver.checking.claims import Candidate, Trusted
from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    AllOf,
    Bad,
    Condition,
    Is,
    Switch,
    both,
    either,
    leaves,
    parse,
    plain,
)
from satlock.solver.checking.model import Entry, Lock, Table
from satlock.solver.checking.uv_lock import noted_groups

__all__ = ["Asking", "Line", "Owner", "Record", "Told", "decided", "is_day",
           "of_one", "read_asked", "read_line",
           "read_record", "recorded_candidates", "trusted_metadata"]  # fmt: skip

_LINE = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<rest>.*)", re.DOTALL)
_ADDRESS = re.compile(r"@\s*(?P<url>\S+?)(?:\s*;\s+(?P<marker>.*)|\s+;(?P<late>.*)|\s*)", re.DOTALL)
_AFAR = ("url", "git", "path", "directory", "editable", "virtual", "workspace")
_LOCAL = ("editable", "virtual", "directory", "path")


@dataclass(frozen=True)
class Line:
    name: str
    extras: tuple[str, ...]
    versions: str
    marker: Condition
    address: str
    """Empty where it asks for versions."""

    @property
    def direct(self) -> bool:
        return bool(self.address)


@dataclass
class Owner:
    claim: str
    lists: dict[str, list[Line]]
    origin: str = "index"
    """``project``, ``lockfile``, ``stated`` or ``index``."""
    listed: bool = False
    """Each extra has a list of its own, as in a project; in metadata the markers tell them apart."""
    own: bool = False
    includes: list[tuple[str, str]] = field(default_factory=list)
    pythons: Mapping[str, Condition] = field(default_factory=dict)
    """For which Pythons a list is, where that is not for all."""

    def of(self, which: str) -> Iterator[tuple[int, Line, Condition]]:
        extra = which[1:-1] if which.startswith("[") else ""
        listed = self.listed or which.startswith("{")
        for place, line in enumerate(self.lists.get(which if listed else "", [])):
            condition = line.marker
            if any(leaf.variable == "extra" for leaf in leaves(condition)):
                condition = decided(condition, extra)
            elif extra and not listed:
                continue
            if condition != NEVER:
                yield place, line, both(condition, self.pythons.get(which, ALWAYS))


@dataclass(frozen=True)
class Told:
    """What an index told of one entry, as a certificate records it."""

    index: str
    """As the lockfile names it; empty where it names none."""
    asked: str
    """The address that was asked in its place."""
    file: str
    """The file whose metadata this is; empty where that is not known."""
    sha256: str
    """Of the file, as the lockfile has it."""
    digest: str
    """SHA-256 of its metadata (PEP 658)."""
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What a certificate records of metadata."""

    day: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Whose lines need no record, and who states them."""
    told: Mapping[str, Told] = field(default_factory=dict)
    unexamined: Mapping[str, str] = field(default_factory=dict)


def is_day(text: object) -> bool:
    """Whether it is a date, such as 2026-11-27."""
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def read_record(words: Table) -> Record:
    """A record as JSON has it.

    Raises:
        Bad: where it is none.
    """
    if set(words) != {"recorded", "owners", "unexamined"}:
        raise Bad("the certificate's record of metadata has other keys than it should have")
    if not is_day(words["recorded"]):
        raise Bad("the certificate does not say on which day metadata was recorded")
    origins: dict[str, str] = {}
    told: dict[str, Told] = {}
    for key, said in words["owners"].items():
        if set(said) == {"from"}:
            origins[key] = said["from"]
            continue
        known = {"from", "asked", "file", "sha256", "metadata", "requires-dist"}
        if not {"from", "requires-dist"} <= set(said) <= known:
            raise Bad("the certificate's record of metadata has other keys than it should have")
        texts = [said["from"], said.get("asked", ""), said.get("file", ""), said.get("sha256", ""),
                 said.get("metadata", ""), *said["requires-dist"]]  # fmt: skip
        index, where, file, sha256, digest, *lines = texts
        told[key] = Told(index, where, file, sha256, digest, tuple(lines))
    return Record(words["recorded"], origins, told, words["unexamined"])


@dataclass
class Asking:
    owners: dict[str, Owner] = field(default_factory=dict)
    choices: list[tuple[str, str, Condition]] = field(default_factory=list)
    """Owners with the list that is in force where something is chosen."""
    overrides: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)
    excludes: set[str] = field(default_factory=set)
    scoped_overrides: list[tuple[str, str | None, list[Line]]] = field(default_factory=list)
    """(package, version, what replaces its requirements); without a version for every one."""
    scoped_excludes: list[tuple[str, str | None, list[str]]] = field(default_factory=list)
    unexamined: dict[str, str] = field(default_factory=dict)
    switches: list[str] = field(default_factory=list)
    steps: list[tuple[str, str, Condition]] = field(default_factory=list)
    """What brings what along of the project's own choices."""
    itself: str = ""


def decided(condition: Condition, extra: str) -> Condition:
    """The condition where this extra, and no other, was asked for."""
    if isinstance(condition, Switch):
        return condition
    if isinstance(condition, Is):
        if condition.variable != "extra":
            return condition
        return ALWAYS if (condition.text == extra) == (condition.operator == "==") else NEVER
    parts = [decided(part, extra) for part in condition.parts]
    if isinstance(condition, AllOf):
        return NEVER if NEVER in parts else both(*(part for part in parts if part != ALWAYS))
    return ALWAYS if ALWAYS in parts else either(*(part for part in parts if part != NEVER))


def read_line(text: str) -> Line:
    """A requirement as PEP 508 spells it."""
    found = _LINE.fullmatch(text)
    if found is None:
        raise Bad(f"the requirement {text[:60]!r} cannot be read")
    extras = tuple(sorted({plain(one.strip()) for one in (found["extras"] or "").split(",") if one.strip()}))
    rest = found["rest"]
    if rest.startswith("@"):
        address = _ADDRESS.fullmatch(rest)
        if address is None:
            raise Bad(f"the requirement {text[:60]!r} cannot be read")
        marker = address["marker"] or address["late"]
        return Line(plain(found["name"]), extras, "", parse(marker) if marker else ALWAYS, address["url"])
    versions, semicolon, marker = rest.partition(";")
    versions = versions.strip()
    if versions.startswith("("):
        versions = versions[1:].removesuffix(")")
    return Line(plain(found["name"]), extras, versions, parse(marker) if semicolon else ALWAYS, "")


def _noted(table: Table) -> Line:
    """A requirement as ``uv.lock`` notes it."""
    extras = tuple(sorted({plain(extra) for extra in table.get("extras", [])}))
    versions = table.get("specifier", "")
    marker = parse(table["marker"]) if "marker" in table else ALWAYS
    address = next((re.sub(r"\s", "%20", str(table[kind])) or "." for kind in _AFAR if kind in table), "")
    return Line(plain(table["name"]), extras, "" if versions == "*" or address else versions, marker, address)


def read_asked(
    lock: Lock, top: Table, project: Table | None, record: Record, pythons: Mapping[str, Condition]
) -> Asking:
    """Everything that asks for packages; ``pythons`` are those of the project's groups that are not for all.

    Raises:
        Bad: where the record does not fit the lockfile and the project.
    """
    asked = Asking(unexamined=dict(record.unexamined))
    about = (project or {}).get("project", {})
    tool = (project or {}).get("tool", {})
    settings = {**tool.get("uv", {}), **tool.get("satlock", {})}
    if project is None and lock.kind == "uv":
        manifest = top.get("manifest", {})
        overrides, excludes = manifest.get("overrides", []), manifest.get("excludes", [])
        asked.overrides = [_noted(table) for table in overrides if "dependencies" not in table]
        asked.scoped_overrides = [
            (*of_one(table), [_noted(one) for one in table["dependencies"]])
            for table in overrides if "dependencies" in table
        ]  # fmt: skip
        asked.constraints = [_noted(table) for table in manifest.get("constraints", [])]
        settings = {"dependency-metadata": manifest.get("dependency-metadata", [])}
    else:
        overrides, excludes = settings.get("override-dependencies", []), settings.get("exclude-dependencies", [])
        asked.overrides = _texts(overrides)
        asked.scoped_overrides = [
            (*of_one(table), _texts(table["dependencies"])) for table in overrides if isinstance(table, dict)
        ]
        asked.constraints = _texts(settings.get("constraint-dependencies", []))
    asked.excludes = {plain(name) for name in excludes if isinstance(name, str)}
    for_one = [table for table in excludes if isinstance(table, dict)]
    asked.scoped_excludes = [(*of_one(table), [plain(name) for name in table["dependencies"]]) for table in for_one]
    lists, includes = _lists_of(project or {}, settings)
    name = plain(about["name"]) if "name" in about else ""
    dynamic = bool({"dependencies", "optional-dependencies"}.intersection(about.get("dynamic", [])))
    bounds = {f"{{{group}}}": condition for group, condition in pythons.items()}
    mine = Owner("(project)", lists, "project", True, True, includes, bounds)
    if lock.kind == "uv":
        _uv_owners(asked, lock, top, record, settings, mine, "" if dynamic else name)
    else:
        asked.itself = name
        for number, entry in enumerate(lock.entries):
            if name and entry.name == name and entry.source.afar:
                asked.owners[str(number)] = Owner(name, {"": []}, "project", listed=True)
            else:
                _entry(asked, number, entry, record, settings, None)
        if project is not None and not dynamic and "project" not in asked.unexamined:
            asked.owners["project"] = mine
            for which in lists:
                needs = _needs(lock.kind, which)
                if set(needs) <= set(lock.switches):
                    condition = both(*(Switch(need) for need in needs))
                    asked.choices.append(("project", which, condition))
    _same_origins(asked, lock, record)
    return asked


def of_one(table: Table) -> tuple[str, str | None]:
    """The package, and the version of it, that a change is for alone."""
    return plain(table["package"]["name"]), table["package"].get("version")


def _texts(items: list[object]) -> list[Line]:
    return [read_line(text) for text in items if isinstance(text, str)]


def _lists_of(project: Table, settings: Table) -> tuple[dict[str, list[Line]], list[tuple[str, str]]]:
    about = project.get("project", {})
    lists = {"": _texts(about.get("dependencies", []))}
    for extra, items in about.get("optional-dependencies", {}).items():
        lists[f"[{plain(extra)}]"] = _texts(items)
    includes = []
    for group, items in project.get("dependency-groups", {}).items():
        lists[f"{{{plain(group)}}}"] = _texts(items)
        includes += [(plain(group), plain(i["include-group"])) for i in items if isinstance(i, dict)]
    if "dev-dependencies" in settings:
        lists["{dev}"] = lists.get("{dev}", []) + _texts(settings["dev-dependencies"])
    return lists, includes


def _needs(kind: str, which: str) -> list[str]:
    """What puts a list of the project in force, where entries decide for themselves."""
    own = which[1:-1]
    if kind == "pdm":
        return [f"group {own}" if own else "group default"]
    if which.startswith("{"):
        return [f"group {own}"]
    return (["group main"] if kind == "poetry" else []) + ([f"extra {own}"] if own else [])


def _entry(  # noqa: PLR0917
    asked: Asking,
    number: int,
    entry: Entry,
    record: Record,
    settings: Table,
    noted: Table | None,
) -> None:
    """The owner that an entry is: by the project's word, by the lock's notes, or by what was recorded."""
    key = str(number)
    for stated in settings.get("dependency-metadata", []):
        if plain(stated["name"]) == entry.name and stated.get("version") in (None, entry.version):
            asked.owners[key] = Owner(entry.name, {"": _texts(stated.get("requires-dist", []))}, "stated")
            return
    if noted is not None:
        lines = [_noted(table) for table in noted.get("requires-dist", [])]
        lists = {"": lines}
        mentioned = [leaf.text for line in lines for leaf in leaves(line.marker) if leaf.variable == "extra"]
        for extra in [plain(extra) for extra in noted.get("provides-extras", [])] + mentioned:
            lists[f"[{extra}]"] = lines
        for group, items in noted_groups(noted, "requires-dev").items():
            lists[f"{{{plain(group)}}}"] = [_noted(table) for table in items]
        asked.owners[key] = Owner(entry.name, lists, "lockfile", own=True)
    elif not entry.source.afar and key in record.told:
        lines = [read_line(text) for text in record.told[key].lines]
        asked.owners[key] = Owner(entry.name, {"": lines})
    elif key not in asked.unexamined:
        raise Bad(f"the certificate does not record what {entry.name} {entry.version} requires")


def _uv_owners(  # noqa: PLR0917
    asked: Asking,
    lock: Lock,
    top: Table,
    record: Record,
    settings: Table,
    mine: Owner,
    name: str,
) -> None:
    for number, (entry, package) in enumerate(zip(lock.entries, top.get("package", []), strict=True)):
        kind, place, _ = entry.source
        if kind in _LOCAL and place in (".", "") and name and name == entry.name:
            asked.owners[str(number)] = Owner(name, mine.lists, "project", True, True, mine.includes, mine.pythons)
        else:
            noted = package.get("metadata", {}) if kind in _LOCAL else None
            _entry(asked, number, entry, record, settings, noted)
    for edge in [edge for edge in lock.edges if edge.name.startswith("root ") and "[" not in edge.name]:
        key = edge.targets[0]
        for which in asked.owners[key].lists if key in asked.owners else ():
            if which:
                switch = f"{'extra' if which.startswith('[') else 'group'} {which[1:-1]}"
                asked.switches.append(switch)
                condition = both(Switch(f"project {lock.entries[int(key)].name}"), Switch(switch))
                asked.choices.append((key, which, condition))
    asked.switches = [switch for switch in dict.fromkeys(asked.switches) if switch not in lock.switches]
    manifest = top.get("manifest", {})
    lists = {"": [_noted(table) for table in manifest["requirements"]]} if "requirements" in manifest else {}
    for group, items in manifest.get("dependency-groups", {}).items():
        lists[f"{{{plain(group)}}}"] = [_noted(table) for table in items]
    if lists:
        asked.owners["project"] = Owner("(project)", lists, "lockfile", own=True)
        for which in lists:
            condition = Switch(f"group {which[1:-1]}" if which else "production")
            asked.choices.append(("project", which, condition))


def _same_origins(asked: Asking, lock: Lock, record: Record) -> None:
    """The record speaks of the same owners, and tells lines of just those that an index has to tell of."""
    if set(record.origins) | set(record.told) != set(asked.owners) or set(record.origins) & set(record.told):
        raise Bad("the certificate records the requirements of others than the lockfile has")
    if not set(asked.unexamined) <= {*map(str, range(len(lock.entries))), "project"}:
        raise Bad("the certificate leaves out what the lockfile does not have")
    for key, owner in asked.owners.items():
        if (owner.origin == "index") != (key in record.told) or record.origins.get(key, "index") != owner.origin:
            raise Bad(f"the certificate says of entry {key} that its requirements are from elsewhere than they are")
    for key, told in record.told.items():
        entry = lock.entries[int(key)]
        if told.index != entry.source.address:
            raise Bad(f"the certificate has the metadata of {entry.name} from {told.index[:80]!r}, which the lockfile "
                      "does not name for it")  # fmt: skip
        if told.file and told.file not in entry.files:
            raise Bad(f"the certificate has the metadata of {entry.name} from a file that the lockfile does not have")
        if told.sha256 != entry.hashes.get(told.file, ""):
            raise Bad(f"the certificate has another hash of {told.file} than the lockfile")


def recorded_candidates(record: Record, lock: Lock) -> tuple[Candidate, ...]:
    """What the record says of each candidate."""
    entries = ((lock.entries[int(key)], told) for key, told in record.told.items())
    return tuple(
        Candidate(told.index, entry.name, entry.version, told.file, told.sha256, told.digest, told.lines)
        for entry, told in entries
    )


def trusted_metadata(record: Record, lock: Lock) -> tuple[Trusted, ...]:
    """Whose word was taken, and for how many candidates."""
    by_index: dict[tuple[str, str], list[Told]] = {}
    for told in record.told.values():
        by_index.setdefault((told.index, told.asked), []).append(told)
    noted = list(record.origins.values()).count("lockfile")
    return (
        *((Trusted("noted", "", noted),) if noted else ()),
        *(
            Trusted("metadata", index, len(mine), record.day, asked,
                    sum(bool(one.sha256 and one.digest) for one in mine))
            for (index, asked), mine in sorted(by_index.items())
        ),
    )  # fmt: skip
