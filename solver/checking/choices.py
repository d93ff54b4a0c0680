"""Which environments a project admits, what is in force in one of them, and where packages come from there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from satlock.solver.checking import ordered
from satlock.solver.checking.claims import word
from satlock.solver.checking.environments import Cells, admits, cells_of
from satlock.solver.checking.markers import (
    ALWAYS,
    NEVER,
    AllOf,
    Bad,
    Condition,
    Is,
    Switch,
    holds,
    is_opaque,
    leaves,
    parse,
    plain,
    replaced,
)
from satlock.solver.checking.model import Table
from satlock.solver.checking.owners import Line, decided, of_one, read_line
from satlock.solver.checking.pulls import Brings, bounds_of, conflicts_of, steps_of

__all__ = ["Choices", "Environment", "bare", "choices_of", "holds_as_setting", "holds_in"]

_VARIABLES = frozenset((
    "python_version", "python_full_version", "os_name", "sys_platform", "platform_system", "platform_machine",
    "implementation_name", "platform_python_implementation", *ordered.VARIABLES,
))  # fmt: skip


@dataclass(frozen=True)
class Environment:
    """A Python on a platform, with a choice of extras and groups, and what that puts in force."""

    variables: Mapping[str, str]
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    force: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        v = self.variables
        shown = f"{word(v['platform_python_implementation'])} {v['python_full_version']} on {word(v['sys_platform'])}"
        shown += f" ({word(v['platform_machine'])})"
        for what, names in (("extras", self.extras), ("groups", self.groups)):
            shown += f", {what} {', '.join(names)}" if names else ""
        return shown


def holds_in(condition: Condition, environment: Environment) -> bool:
    """Whether a marker holds there.

    Raises:
        Bad: where it asks for what nothing is known of.
    """
    if isinstance(condition, Is):
        if is_opaque(condition) or condition.variable not in environment.variables:
            raise Bad(f"the certificate rests on a marker that asks for {condition.variable}")
        return holds(condition, environment.variables[condition.variable])
    if isinstance(condition, Switch):
        raise Bad("the certificate rests on a marker that asks for a choice")
    every = all if isinstance(condition, AllOf) else any
    return every(holds_in(part, environment) for part in condition.parts)


def holds_as_setting(condition: Condition, environment: Environment) -> bool:
    """Whether a marker of the project's settings holds: in these, ``extra == 'x'`` asks whether that is in force."""

    def decided(leaf: Is) -> Condition:
        if leaf.variable != "extra":
            return leaf
        return ALWAYS if (f"in force extra {leaf.text}" in environment.force) == (leaf.operator == "==") else NEVER

    return holds_in(replaced(condition, decided), environment)


@dataclass(frozen=True)
class Choices:
    """What a project lets its users choose, and what it asks for."""

    python: str
    environments: tuple[Condition, ...]
    lists: Mapping[str, tuple[str, list[object]]]
    """Each list of requirements by the name that a certificate gives it: what has to be in force for it, and its
    lines."""
    steps: Brings
    conflicts: tuple[tuple[str, ...], ...]
    overrides: tuple[Line, ...]
    excludes: frozenset[str]
    single_version: frozenset[str]
    changed: tuple[tuple[str, str | None], ...]
    """Packages, and the version of each where it is one alone, of which the project itself says what they require."""
    sources: Mapping[str, list[Table]]
    indexes: Mapping[str, tuple[str, bool]]
    """Address of each index that the project declares, and whether it is explicit, by name."""
    has_default: bool
    pythons: Mapping[str, Condition]
    """For which Pythons a list is, where that is not for all, by the name that a certificate gives it."""

    def environments_of(self, stated: Iterable[Table], asked: Iterable[Is]) -> list[Environment]:
        """The environments as a certificate states them, which the project has to admit.

        Args:
            asked: the comparisons that tell environments apart, but for those of the project's own environments.

        Raises:
            Bad: where it does not.
        """
        cells = cells_of([*asked, *(leaf for one in self.environments for leaf in leaves(one))], "")
        return [self._environment(words, cells) for words in stated]

    def _environment(self, words: Table, cells: Cells) -> Environment:
        if set(words) != {"variables", "extras", "groups"} or set(words["variables"]) != _VARIABLES:
            raise Bad("the certificate's environment is none")
        variables: dict[str, str] = dict(words["variables"])
        if not all(isinstance(text, str) for text in (*variables.values(), *words["extras"], *words["groups"])):
            raise Bad("the certificate's environment is none")
        bare = Environment(variables, tuple(words["extras"]), tuple(words["groups"]))
        if any(len(set(map(plain, names))) != len(names) for names in (bare.extras, bare.groups)):
            raise Bad("the certificate's environment has a choice twice")
        self._check_place(bare, cells)
        if not admits(self.python, variables["python_full_version"]):
            raise Bad(f"the project does not admit the Python of {bare}")
        if self.environments and not any(holds_in(one, bare) for one in self.environments):
            raise Bad(f"the project does not admit the environment {bare}")
        force = self._force(bare)
        for members in self.conflicts:
            if len(force.intersection(members)) > 1:
                raise Bad(f"the project does not let its choices be made together: {bare}")
        return Environment(variables, bare.extras, bare.groups, frozenset(force))

    @staticmethod
    def _check_place(one: Environment, cells: Cells) -> None:
        v = one.variables
        full = v["python_full_version"]
        if (
            not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", full, re.ASCII)
            or v["python_version"] != full.rpartition(".")[0]
        ):
            raise Bad(f"the certificate's environment has no release of Python: {full[:40]!r}")
        platform, machine = (v["os_name"], v["sys_platform"], v["platform_system"]), (v["platform_machine"],)
        implementation = (v["implementation_name"], v["platform_python_implementation"])
        known = {"platform": platform, "machine": machine, "implementation": implementation}
        if any(row not in cells.rows[axis] for axis, row in known.items()) or (platform, machine) in cells.impossible():
            raise Bad(f"the certificate's environment does not exist: {one}")

    def _force(self, one: Environment) -> set[str]:
        """What is in force: what was chosen, and what that brings along."""
        force = {"in force the project"}
        for kind, names in (("extra", one.extras), ("group", one.groups)):
            for name in names:
                force.add(f"in force {kind} {plain(name)}")
        known = {need for need, _ in self.lists.values()}
        if not force <= known | {"in force the project"}:
            raise Bad("the certificate's environment has a choice that the project does not offer")
        here = [(by, brought) for by, brought, condition in self.steps if holds_in(condition, one)]
        while new := {brought for by, brought in here if by in force} - force:
            force |= new
        return force

    def check_line(self, name: object, text: str, which: str, environment: Environment) -> None:
        """That the project has a line in a list of this name, and that the list is in force.

        Args:
            which: the key of a list of the project's settings; empty for one of its own requirements.

        Raises:
            Bad: where it has not.
        """
        setting = re.fullmatch(r"tool\.(?:uv|satlock)\.(constraint|override)-dependencies", str(name))
        if (f"{setting[1]}-dependencies" if setting else "") != which or name not in self.lists:
            raise Bad(f"the certificate has {text[:80]!r} of a list that the project does not have")
        need, lines = self.lists[str(name)]
        if text not in lines:
            raise Bad(f"the project has no requirement {text[:80]!r} in {name}")
        if (need and need not in environment.force) or not self._is_for(str(name), environment):
            raise Bad(f"the certificate has {text[:80]!r} where {name} is not in force")

    def _is_for(self, name: str, environment: Environment) -> bool:
        return name not in self.pythons or holds_in(self.pythons[name], environment)

    def asks(self, name: str, line: Line, environment: Environment) -> bool:
        """Whether a line of one of the project's own lists asks for something there.

        What the dependencies say of an extra is a line of that extra, as in metadata.
        """
        own = plain(name.removeprefix("project.optional-dependencies.")) if "optional" in name else ""
        extras = [one.removeprefix("in force extra ") for one in environment.force if one.startswith("in force extra ")]
        asked = [own] if own or name != "project.dependencies" else ["", *sorted(extras)]
        return any(holds_in(decided(line.marker, extra), environment) for extra in asked)

    def check_asked(self, own: str, environment: Environment) -> None:
        """That the project asks for a package there, whatever it asks of it.

        Raises:
            Bad: where it does not.
        """
        for name, (need, lines) in self.lists.items():
            if need not in environment.force or name.endswith(("constraint-dependencies", "override-dependencies")):
                continue
            for line in (read_line(text) for text in lines if isinstance(text, str)):
                if line.name == own and self._is_for(name, environment) and self.asks(name, line, environment):
                    return
        raise Bad(f"the project does not ask for {own} in the certificate's environment")

    def check_unchanged(self, own: str, version: str) -> None:
        """That what a candidate requires is for its metadata to say.

        Raises:
            Bad: where the project says it in place of that.
        """
        if any(name == own and only in (None, version) for name, only in self.changed):
            raise Bad(
                f"the project itself says what {own} {version} requires, and the certificate has it from an index"
            )

    def check_indexes(self, own: str, environment: Environment, indexes: Sequence[str]) -> set[str]:
        """That a package may come from these indexes there; returns the others that it might come from.

        Args:
            indexes: none where no index has the package.

        Raises:
            Bad: where the project sends it elsewhere.
        """
        for source in self.sources.get(own, ()):
            scopes = [f"in force {kind} {plain(source[kind])}" for kind in ("extra", "group") if kind in source]
            there = environment.force.issuperset(scopes)
            if there and ("marker" not in source or holds_as_setting(parse(source["marker"]), environment)):
                if "index" not in source:
                    raise Bad(f"the project takes {own} from an address, and the certificate from an index")
                if indexes and [self.indexes[source["index"]][0]] != list(indexes):
                    raise Bad(f"the project pins {own} to another index than the certificate has it from")
                return set()
        explicit = {url for url, alone in self.indexes.values() if alone}
        declared = {url for url, _ in self.indexes.values()}
        for index in indexes:
            if index in explicit:
                raise Bad(f"the project takes {own} from no index that is explicit, and the certificate does")
            if index not in declared and self.has_default:
                raise Bad(f"the certificate has {own} from {index[:80]!r}, which the project does not declare")
        return declared - explicit - set(indexes) if indexes else set()


def choices_of(project: Table, workspace: Sequence[Table]) -> Choices:
    """What the files of a project say."""
    about = project.get("project", {})
    own = plain(about.get("name", ""))
    tool = project.get("tool", {})
    settings = {**tool.get("uv", {}), **tool.get("satlock", {})}
    lists: dict[str, tuple[str, list[object]]] = {
        "project.dependencies": ("in force the project", about.get("dependencies", []))
    }
    for extra, lines in about.get("optional-dependencies", {}).items():
        lists[f"project.optional-dependencies.{extra}"] = (f"in force extra {plain(extra)}", lines)
    for group, lines in project.get("dependency-groups", {}).items():
        lists[f"dependency-groups.{group}"] = (f"in force group {plain(group)}", lines)
    for which in ("uv", "satlock"):
        for key in ("constraint-dependencies", "override-dependencies"):
            mine = tool.get(which, {}).get(key, [])
            # As with every key, satlock's own table wins.
            lists[f"tool.{which}.{key}"] = ("", mine if settings.get(key) is mine or settings.get(key) == mine else [])
        if "dev-dependencies" in tool.get(which, {}):
            lists[f"tool.{which}.dev-dependencies"] = ("in force group dev", tool[which]["dev-dependencies"])
    indexes, default = _indexes(tool, settings)
    sources: dict[str, list[Table]] = {}
    for which in ("uv", "satlock"):
        for name, value in tool.get(which, {}).get("sources", {}).items():
            sources[plain(name)] = value if isinstance(value, list) else [value]
    conflicts = [*conflicts_of(project, own, own)]
    for other in workspace:
        conflicts += conflicts_of(other, own, plain(other.get("project", {}).get("name", "")))
    environments = settings.get("environments", [])
    pythons = {f"dependency-groups.{group}": plain(group) for group in project.get("dependency-groups", {})}
    bounds = bounds_of(project)
    return Choices(
        ",".join(text for one in (project, *workspace) if (text := one.get("project", {}).get("requires-python", ""))),
        tuple(parse(text) for text in ([environments] if isinstance(environments, str) else environments)),
        lists,
        steps_of(project, own, ""),
        tuple(tuple(dict.fromkeys(members)) for members in conflicts),
        tuple(read_line(text) for text in settings.get("override-dependencies", []) if isinstance(text, str)),
        frozenset(plain(name) for name in settings.get("exclude-dependencies", []) if isinstance(name, str)) | {own},
        frozenset(plain(name) for name in settings.get("single-version", [])),
        _changed(settings),
        sources,
        indexes,
        default,
        {name: bounds[group] for name, group in pythons.items() if group in bounds},
    )


def _changed(settings: Table) -> tuple[tuple[str, str | None], ...]:
    stated = [(plain(one["name"]), one.get("version")) for one in settings.get("dependency-metadata", [])]
    scoped = [*settings.get("override-dependencies", []), *settings.get("exclude-dependencies", [])]
    return (*stated, *(of_one(one) for one in scoped if isinstance(one, dict)))


def _indexes(tool: Table, settings: Table) -> tuple[dict[str, tuple[str, bool]], bool]:
    """The indexes that a project declares, and whether one of them is its default."""
    found: dict[str, tuple[str, bool]] = {}
    default = "index-url" in settings
    for which in ("uv", "satlock"):
        for number, one in enumerate(tool.get(which, {}).get("index", [])):
            found[one.get("name", f"{which} {number}")] = (bare(one["url"]), bool(one.get("explicit", False)))
            default = default or bool(one.get("default", False))
    urls = [settings["index-url"]] if "index-url" in settings else []
    for number, url in enumerate([*urls, *settings.get("extra-index-url", [])]):
        found[f"url {number}"] = (bare(url), False)
    for number, link in enumerate(settings.get("find-links", [])):
        found[f"link {number}"] = (bare(link), False)
    return found, default


def bare(url: str) -> str:
    """An address without who asks for it."""
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("#")[0].partition("/")
    return f"{scheme}{found}{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
