"""Who requires what, read a second time: from the project, from the lock's notes, and from the recorded metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from satlock.solver.checking.conditions import ALWAYS, NEVER, Bad, Condition, both, either, leaves, parse, plain
from satlock.solver.checking.locks import Edge, Lock

__all__ = ["Asked", "Line", "Owner", "read_asked", "read_line"]

_LINE = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<rest>.*)", re.DOTALL)
_ADDRESS = re.compile(r"@\s*(?P<url>\S+?)(?:\s*;\s+(?P<marker>.*)|\s+;(?P<late>.*)|\s*)", re.DOTALL)
_AFAR = ("url", "git", "path", "directory", "editable", "virtual", "workspace")
_INDEXED = ("registry", "index", "legacy", "")
_LOCAL = ("editable", "virtual", "directory", "path")


@dataclass(frozen=True)
class Line:
    name: str
    extras: tuple[str, ...]
    versions: str
    marker: Condition
    direct: bool


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

    def of(self, which: str) -> Iterator[tuple[int, Line, Condition]]:
        extra = which[1:-1] if which.startswith("[") else ""
        listed = self.listed or which.startswith("{")
        for place, line in enumerate(self.lists.get(which if listed else "", [])):
            condition = line.marker
            if any(leaf[1] == "extra" for leaf in leaves(condition)):
                condition = decided(condition, extra)
            elif extra and not listed:
                continue
            if condition != NEVER:
                yield place, line, condition


@dataclass
class Asked:
    owners: dict[str, Owner] = field(default_factory=dict)
    choices: list[Edge] = field(default_factory=list)
    overrides: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)
    excludes: set[str] = field(default_factory=set)
    unexamined: dict[str, str] = field(default_factory=dict)
    switches: list[str] = field(default_factory=list)
    itself: str = ""


def decided(condition: Condition, extra: str) -> Condition:
    """The condition where this extra, and no other, was asked for."""
    if condition[0] == "is":
        if condition[1] != "extra":
            return condition
        return ALWAYS if (condition[3] == extra) == (condition[2] == "==") else NEVER
    parts = [decided(part, extra) for part in condition[1:]]
    if condition[0] == "all":
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
        return Line(plain(found["name"]), extras, "", parse(marker) if marker else ALWAYS, True)
    versions, semicolon, marker = rest.partition(";")
    versions = versions.strip()
    if versions.startswith("("):
        versions = versions[1:].removesuffix(")")
    return Line(plain(found["name"]), extras, versions, parse(marker) if semicolon else ALWAYS, False)


def _noted(table: dict[str, Any]) -> Line:
    """A requirement as ``uv.lock`` notes it."""
    extras = tuple(sorted({plain(extra) for extra in table.get("extras", [])}))
    versions = table.get("specifier", "")
    marker = parse(table["marker"]) if "marker" in table else ALWAYS
    return Line(
        plain(table["name"]), extras, "" if versions == "*" else versions, marker, any(k in table for k in _AFAR)
    )


def read_asked(lock: Lock, top: dict[str, Any], project: dict[str, Any] | None, recorded: dict[str, Any]) -> Asked:
    """Everything that asks for packages.

    Raises:
        Bad: where the record does not fit the lockfile and the project.
    """
    asked = Asked(unexamined=dict(recorded["unexamined"]))
    about = (project or {}).get("project", {})
    tool = (project or {}).get("tool", {})
    settings = {**tool.get("uv", {}), **tool.get("satlock", {})}
    if project is None and lock.kind == "uv":
        manifest = top.get("manifest", {})
        asked.overrides = [_noted(table) for table in manifest.get("overrides", [])]
        asked.constraints = [_noted(table) for table in manifest.get("constraints", [])]
        asked.excludes = {plain(name) for name in manifest.get("excludes", [])}
        settings = {"dependency-metadata": manifest.get("dependency-metadata", [])}
    else:
        asked.overrides = _texts(settings.get("override-dependencies", []))
        asked.constraints = _texts(settings.get("constraint-dependencies", []))
        asked.excludes = {plain(name) for name in settings.get("exclude-dependencies", []) if isinstance(name, str)}
    lists, includes = _lists_of(project or {}, settings)
    name = plain(about["name"]) if "name" in about else ""
    dynamic = bool({"dependencies", "optional-dependencies"}.intersection(about.get("dynamic", [])))
    mine = Owner("(project)", lists, "project", listed=True, own=True, includes=includes)
    if lock.kind == "uv":
        _uv_owners(asked, lock, top, recorded, settings, mine, "" if dynamic else name)
    else:
        asked.itself = name
        for number, entry in enumerate(lock.entries):
            if name and entry["name"] == name and _from_afar(entry):
                asked.owners[str(number)] = Owner(name, {"": []}, "project", listed=True)
            else:
                _entry(asked, number, entry, recorded, settings, None)
        if project is not None and not dynamic and "project" not in asked.unexamined:
            asked.owners["project"] = mine
            for which in lists:
                needs = _needs(lock.kind, which)
                if set(needs) <= set(lock.switches):
                    condition = both(*(("on", need) for need in needs))
                    asked.choices.append(Edge(f"choose project{which}", None, [f"asked project{which}"], condition))
    _same_origins(asked, recorded, len(lock.entries))
    return asked


def _texts(items: list[Any]) -> list[Line]:
    return [read_line(text) for text in items if isinstance(text, str)]


def _lists_of(project: dict[str, Any], settings: dict[str, Any]) -> tuple[dict[str, list[Line]], list[tuple[str, str]]]:
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


def _from_afar(entry: dict[str, Any]) -> bool:
    return entry["source"].split(" ")[0] not in _INDEXED


def _entry(  # noqa: PLR0917
    asked: Asked,
    number: int,
    entry: dict[str, Any],
    recorded: dict[str, Any],
    settings: dict[str, Any],
    noted: dict[str, Any] | None,
) -> None:
    """The owner that an entry is: by the project's word, by the lock's notes, or by what was recorded."""
    key = str(number)
    for stated in settings.get("dependency-metadata", []):
        if plain(stated["name"]) == entry["name"] and stated.get("version") in (None, entry["version"]):
            asked.owners[key] = Owner(entry["name"], {"": _texts(stated.get("requires-dist", []))}, "stated")
            return
    if noted is not None:
        lines = [_noted(table) for table in noted.get("requires-dist", [])]
        lists = {"": lines}
        mentioned = [leaf[3] for line in lines for leaf in leaves(line.marker) if leaf[1] == "extra"]
        for extra in [plain(extra) for extra in noted.get("provides-extras", [])] + mentioned:
            lists[f"[{extra}]"] = lines
        for group, items in noted.get("requires-dev", {}).items():
            lists[f"{{{plain(group)}}}"] = [_noted(table) for table in items]
        asked.owners[key] = Owner(entry["name"], lists, "lockfile", own=True)
    elif not _from_afar(entry) and key in recorded["owners"]:
        lines = [read_line(text) for text in recorded["owners"][key]["requires-dist"]]
        asked.owners[key] = Owner(entry["name"], {"": lines})
    elif key not in asked.unexamined:
        raise Bad(f"the certificate does not record what {entry['name']} {entry['version']} requires")


def _uv_owners(  # noqa: PLR0917
    asked: Asked,
    lock: Lock,
    top: dict[str, Any],
    recorded: dict[str, Any],
    settings: dict[str, Any],
    mine: Owner,
    name: str,
) -> None:
    for number, (entry, package) in enumerate(zip(lock.entries, top.get("package", []), strict=True)):
        kind, _, place = entry["source"].partition(" ")
        if kind in _LOCAL and place == "." and name and name == entry["name"]:
            asked.owners[str(number)] = Owner(
                name, mine.lists, "project", listed=True, own=True, includes=mine.includes
            )
        else:
            noted = package.get("metadata", {}) if kind in _LOCAL else None
            _entry(asked, number, entry, recorded, settings, noted)
    for edge in [edge for edge in lock.edges if edge.name.startswith("root ") and "[" not in edge.name]:
        key = edge.targets[0]
        for which in asked.owners[key].lists if key in asked.owners else ():
            if which:
                switch = f"{'extra' if which.startswith('[') else 'group'} {which[1:-1]}"
                asked.switches.append(switch)
                condition = both(("on", f"project {lock.entries[int(key)]['name']}"), ("on", switch))
                asked.choices.append(Edge(f"choose {key}{which}", None, [f"asked {key}{which}"], condition))
    asked.switches = [switch for switch in dict.fromkeys(asked.switches) if switch not in lock.switches]
    manifest = top.get("manifest", {})
    lists = {"": [_noted(table) for table in manifest["requirements"]]} if "requirements" in manifest else {}
    for group, items in manifest.get("dependency-groups", {}).items():
        lists[f"{{{plain(group)}}}"] = [_noted(table) for table in items]
    if lists:
        asked.owners["project"] = Owner("(project)", lists, "lockfile", own=True)
        for which in lists:
            condition = ("on", f"group {which[1:-1]}" if which else "production")
            asked.choices.append(Edge(f"choose project{which}", None, [f"asked project{which}"], condition))


def _same_origins(asked: Asked, recorded: dict[str, Any], entries: int) -> None:
    """The record speaks of the same owners, and tells lines of just those that an index has to tell of."""
    if set(recorded["owners"]) != set(asked.owners):
        raise Bad("the certificate records the requirements of others than the lockfile has")
    if not set(asked.unexamined) <= {*map(str, range(entries)), "project"}:
        raise Bad("the certificate leaves out what the lockfile does not have")
    for key, said in recorded["owners"].items():
        origin = asked.owners[key].origin
        indexed = "requires-dist" in said and said["from"] not in ("project", "lockfile", "stated")
        if not (indexed if origin == "index" else said == {"from": origin}):
            raise Bad(f"the certificate says of entry {key} that its requirements are from elsewhere than they are")
