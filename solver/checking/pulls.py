"""What the choices of a project bring along and what of it excludes each other, read a second time.

Also which files a workspace has, since its members state conflicts and bring things along as well.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

from satlock.solver.checking.files import NotGiven, read_file
from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    Condition,
    Is,
    Switch,
    both,
    either,
    leaves,
    parse,
    plain,
    replaced,
)
from satlock.solver.checking.model import Table
from satlock.solver.checking.owners import decided, read_line

__all__ = [
    "Brings",
    "as_setting",
    "axioms_of",
    "bounds_of",
    "conflicts_of",
    "force_of",
    "marker_of",
    "steps_of",
    "thing_of",
    "with_root",
    "workspace_files",
]

Brings = list[tuple[str, str, Condition]]


def axioms_of(
    project: Table, workspace: list[Table], kind: str, switches: list[str]
) -> tuple[Brings, list[tuple[str, ...]]]:
    """What puts things in force in a lock of this kind, and the pairs that never are together.

    Args:
        workspace: what the other files of the project's workspace say, its root first.
    """
    own = _name(project)
    stated = [*conflicts_of(project, own, own)]
    for other in workspace:
        stated += conflicts_of(other, own, _name(other))
    pairs = list(dict.fromkeys(pair for members in stated for pair in combinations(dict.fromkeys(members), 2)))
    if not pairs:
        return [], []
    steps = [*steps_of(project, own, "")]
    for other in sorted((other for other in workspace if "project" in other), key=_name):
        if _name(other) != own:
            steps += steps_of(other, own, _name(other))
    mentioned = dict.fromkeys(thing for one, other, _ in steps for thing in (one, other))
    mentioned.update(dict.fromkeys(thing for pair in pairs for thing in pair))
    chosen = {"in force the project": {"poetry": "group main", "pdm": "group default"}.get(kind, "")}
    for switch in switches:
        sort, _, name = switch.partition(" ")
        for what in ("extra", "group") if kind == "pdm" else (sort,):
            chosen[f"in force {what} {name}"] = switch
    brings: Brings = [(chosen[thing], thing, ALWAYS) for thing in mentioned if thing in chosen]
    brings += steps
    forwards = _reached({"", *switches}, [(by, brought) for by, brought, _ in brings])
    rivals: list[tuple[str, ...]] = [pair for pair in pairs if forwards >= set(pair)]
    backwards = _reached({name for pair in rivals for name in pair}, [(brought, by) for by, brought, _ in brings])
    return [bring for bring in brings if bring[0] in forwards and bring[1] in backwards], rivals


def _reached(known: set[str], steps: list[tuple[str, str]]) -> set[str]:
    while more := {there for here, there in steps if here in known} - known:
        known = known | more
    return known


def _name(top: Table) -> str:
    return plain(top.get("project", {}).get("name", ""))


def force_of(thing: str, steps: Brings, kind: str, switches: Sequence[str]) -> Condition:
    """Where something is in force: where it is chosen, or brought along by what is.

    Args:
        thing: as :func:`thing_of` calls it.
    """

    def found(here: str, way: tuple[str, ...]) -> Condition:
        parts: list[Condition] = []
        what, _, name = here.removeprefix("in force ").partition(" ")
        switch = f"{'group' if kind == 'pdm' else what} {name}"
        if here == "in force the project":
            itself = {"poetry": "group main", "pdm": "group default"}.get(kind, "")
            parts += [ALWAYS] if not itself else [Switch(itself)] if itself in switches else []
        elif what in ("extra", "group") and " of " not in name and switch in switches:
            parts.append(Switch(switch))
        leading = [(by, condition) for by, brought, condition in steps if brought == here and by not in way]
        return either(*parts, *(both(found(by, (*way, by)), condition) for by, condition in leading))

    return found(thing, (thing,))


def as_setting(marker: Condition, steps: Brings, kind: str, switches: Sequence[str]) -> Condition:
    """A marker of the project's settings: of an extra they ask whether it is in force, or was not chosen."""

    def chosen(leaf: Is) -> Condition:
        if leaf.variable != "extra":
            return leaf
        if leaf.operator == "==":
            return force_of(thing_of("extra", leaf.text, ""), steps, kind, switches)
        switch = f"{'group' if kind == 'pdm' else 'extra'} {plain(leaf.text)}"
        return Switch(switch, False) if switch in switches else ALWAYS

    return replaced(marker, chosen)


def thing_of(kind: str, name: str, package: str) -> str:
    if kind == "project":
        return f"in force project {package}" if package else "in force the project"
    return f"in force {kind} {plain(name)}" + (f" of {package}" if package else "")


def conflicts_of(top: Table, own: str, owner: str) -> Iterator[list[str]]:
    """The sets that one file states, of which no two are in force together."""
    tool = top.get("tool", {})
    for members in next((tool[t]["conflicts"] for t in ("satlock", "uv") if "conflicts" in tool.get(t, {})), []):
        found = []
        for item in members:
            if "package" not in item and own and not owner:
                continue
            package = plain(item.get("package", owner))
            kind = next((kind for kind in ("extra", "group") if kind in item), "project")
            if kind != "project" or "package" in item:
                found.append(thing_of(kind, item.get(kind, ""), "" if package == own else package))
        yield found


def steps_of(top: Table, own: str, package: str) -> Brings:
    """What the lists of one package bring along, in the order of the file."""
    about = top.get("project", {})
    found: Brings = []
    settings = {key: value for t in ("uv", "satlock") for key, value in top.get("tool", {}).get(t, {}).items()}
    lists = [("project", "", about.get("dependencies", []))]
    lists += [("extra", key, items) for key, items in about.get("optional-dependencies", {}).items()]
    lists += [("group", key, items) for key, items in top.get("dependency-groups", {}).items()]
    lists += [("group", "dev", settings.get("dev-dependencies", []))]
    pythons = bounds_of(top)
    for kind, key, items in lists:
        here = thing_of(kind, key, package)
        bounds = pythons.get(plain(key), ALWAYS) if kind == "group" else ALWAYS
        if kind == "extra" and package:
            found.append((here, thing_of("project", "", package), ALWAYS))
        for item in items:
            if isinstance(item, dict):
                if "include-group" in item:
                    found.append((here, thing_of("group", item["include-group"], package), bounds))
                continue
            line = read_line(item)
            target = "" if line.name == own else line.name
            condition = decided(line.marker, "") if _asks_for_extras(line.marker) else line.marker
            things = [thing_of("project", "", target)] if target else []
            things += [thing_of("extra", extra, target) for extra in line.extras]
            if condition != NEVER:
                found += [(here, thing, both(condition, bounds)) for thing in things]
    return found


def bounds_of(top: Table) -> dict[str, Condition]:
    """For which Pythons each group is that says so; what it leaves out in between is not heard, as in uv."""
    found: dict[str, Condition] = {}
    for which in ("uv", "satlock"):
        for group, said in top.get("tool", {}).get(which, {}).get("dependency-groups", {}).items():
            parts = ["".join(part.split()) for part in said.get("requires-python", "").split(",")]
            bounds = re.findall(r"(?m)^([=<>!~]+)(.+)$", "\n".join(sorted(parts)))
            if any(operator != "!=" for operator, _ in bounds):
                found[plain(group)] = both(
                    *(Is("python_full_version", operator, text) for operator, text in bounds if operator != "!=")
                )
    return found


_OF_EACH_MEMBER = {
    "sources",
    "index",
    "workspace",
    "dependency-groups",
    "dev-dependencies",
    "default-groups",
    "conflicts",
}


def with_root(project: Table, workspace: Sequence[Table]) -> Table:
    """What a project says, with the settings of the root of its workspace in place of its own, as they count for it.

    Args:
        workspace: what the other files of the workspace say, its root first where the project is another one.
    """
    mine = project.get("tool", {})
    if not workspace or "workspace" in mine.get("uv", {}):
        return project
    shared, tool = workspace[0].get("tool", {}), dict(mine)
    for which in ("uv", "satlock"):
        own, theirs = mine.get(which, {}), shared.get(which, {})
        tool[which] = {key: value for key, value in theirs.items() if key not in _OF_EACH_MEMBER}
        tool[which] |= {key: value for key, value in own.items() if key in _OF_EACH_MEMBER}
        tool[which]["sources"] = {**theirs.get("sources", {}), **own.get("sources", {})}
        named = [one.get("name") for one in theirs.get("index", [])]
        added = [
            {**one, "explicit": True, "default": False} for one in own.get("index", []) if one.get("name") not in named
        ]
        tool[which]["index"] = [*added, *theirs.get("index", [])]
    return {**project, "tool": tool}


def _asks_for_extras(condition: Condition) -> bool:
    return any(leaf.variable == "extra" for leaf in leaves(condition))


def marker_of(text: str) -> Condition:
    """The condition of a marker as a certificate shows it; empty where there is none."""
    condition = parse(text) if text else ALWAYS
    return decided(condition, "") if _asks_for_extras(condition) else condition


def workspace_files(path: Path) -> list[Path]:
    """The other files of the workspace that the project is the root or a member of: the root's, then by name."""
    path = Path(os.path.abspath(path))
    for folder in path.parents:
        root = folder / "pyproject.toml"
        if os.path.isfile(root):
            top = _load(root)
            declared = top.get("tool", {}).get("uv", {}).get("workspace")
            if declared is not None:
                members = _members(root, top, declared)
                inside = path == root or path in members.values()
                files = dict.fromkeys((root, *(members[name] for name in sorted(members)))) if inside else ()
                return [file for file in files if not file.samefile(path)]
    return []


def _load(path: Path) -> Table:
    try:
        return tomllib.loads(read_file(path).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise NotGiven(f"{path} is not valid TOML") from None


def _members(root: Path, top: Table, declared: Table) -> dict[str, Path]:
    found = {_name(top): root} if "project" in top else {}
    excluded = {folder for pattern in declared.get("exclude", []) for folder in _folders(root.parent, pattern)}
    for pattern in declared.get("members", []):
        for folder in _folders(root.parent, pattern):
            file = folder / "pyproject.toml"
            if folder not in excluded and file != root and file.is_file():
                own = _load(file)
                if "project" in own and own.get("tool", {}).get("uv", {}).get("managed", True):
                    found[_name(own)] = file
    return found


def _folders(above: Path, pattern: str) -> Iterable[Path]:
    """The folders that a pattern names, which may begin with steps upwards."""
    pattern = pattern.rstrip("/")
    if not re.search(r"[*?\[]", pattern):
        return [Path(os.path.normpath(above / pattern))]
    steps = [part for part in Path(pattern).parts if part != ".."]
    for part in Path(pattern).parts:
        above = above.parent if part == ".." else above
    return [folder for folder in above.glob("/".join(steps)) if folder.is_dir()]
