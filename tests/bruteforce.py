"""The judge: resolves a small world, and checks locks of it, one environment at a time.

It shares no code with ``encoder`` and ``solver``: it reads the ``pyproject.toml`` itself, and knows only the worlds of
``tests/world.py``, ``packaging``, and plain backtracking. It is meant to be obviously right, not fast.

    judge = Judge(world)
    judge.unsolvable()         # an environment without a solution, or None: then a lock must be found
    judge.refute(pylock)       # (environment, violations) of a lock that is wrong, or None

What it takes for true, where the sources leave a choice:

* An extra is *active* when it was chosen, or when an active requirement ``project[extra]`` asks for it; a group when it
  was chosen or an active group includes it. Conflicts and pins speak of what is active; the markers of a lock are
  evaluated with what was chosen.
* An override replaces a requirement whatever the marker of that requirement says, but stays in its extra (as in uv),
  where that marker is a conjunction.
* In markers of constraints, overrides and sources ``extra == 'x'`` asks whether the project's extra ``x`` is active.
  A line of ``dependencies`` may say ``... or extra == 'x'``: then that extra lists it as well, as in metadata.
* Constraints hold for overrides too. Excludes win over both.
* A yanked version is admitted in an environment where the project (requirements, constraints, overrides) or a selected
  candidate pins it by ``==``; a pre-release where one of these admits nothing else, or where all else fails.
* Of the candidates of one package in one index with one public version (2.5.1, 2.5.1+cpu), those without a file that
  fits the environment are not admitted when another one has such a file. An sdist fits everywhere.
* A required environment needs a file under some CPython up to 3.15 that it admits: no wheel is made for the Pythons to
  come. One that names no machine means the most common one of its system, one that does means those that are named
  and the common ones.
* A wheel may state requirements of its own. No two wheels of a version that install on one platform differ in that.
* Packages never require the project itself.
"""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from packaging.markers import Marker
from packaging.pylock import Package, Pylock
from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name as canonical_name
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from tests.world import Dist, World

PLATFORMS = {
    "linux": ("posix", "Linux"),
    "win32": ("nt", "Windows"),
    "darwin": ("posix", "Darwin"),
    "freebsd14": ("posix", "FreeBSD"),
}
"""``sys_platform`` with the ``os_name`` and ``platform_system`` that belong to it; the last stands for all others."""

ARCHITECTURES = {
    "x86_64": ("x86_64", "amd64", "AMD64"),
    "aarch64": ("aarch64", "arm64", "ARM64"),
}
"""Names of one architecture: ``platform_machine`` and wheel tags spell them differently."""

MACHINES = {
    "linux": ("x86_64", "aarch64"),
    "win32": ("AMD64", "ARM64"),
    "darwin": ("x86_64", "arm64"),
    "freebsd14": ("amd64", "arm64", "x86_64"),
}
"""How each platform spells its machines; others occur where a marker mentions them."""


class Choice(NamedTuple):
    """An extra or a group of the project."""

    kind: Literal["extra", "group"]
    name: str


class Candidate(NamedTuple):
    name: str
    version: str
    index: str


@dataclass(frozen=True)
class Environment:
    """One Python on one platform, with what was chosen at install time."""

    python: str
    """The full version."""
    platform: str = "linux"
    """``sys_platform``."""
    machine: str = "x86_64"
    implementation: str = "cpython"
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    release: str = ""
    """``platform_release``."""
    version: str = ""
    """``platform_version``."""

    @functools.cached_property
    def base(self) -> Environment:
        """The same machine with nothing chosen: one object, so that tables find it without comparing it."""
        return _one(replace(self, extras=frozenset(), groups=frozenset()))

    def __str__(self) -> str:
        chosen = [f"extra {name}" for name in sorted(self.extras)] + [f"group {name}" for name in sorted(self.groups)]
        machine = f"{self.implementation} {self.python} on {self.platform} {self.machine}"
        return f"{machine}, with {', '.join(chosen) or 'nothing chosen'}"


@functools.cache
def _one(env: Environment) -> Environment:
    return env


class Violation(NamedTuple):
    """What is wrong with a lock in one environment.

    ``kind`` is one of: scope (the lock itself does not admit the environment), duplicate, unknown, unmet, index,
    python, yanked, prerelease, build (no file fits), files, superfluous.
    """

    kind: str
    text: str


@functools.cache
def marker_variables(base: Environment) -> dict[str, str]:
    """The PEP 508 variables of an environment."""
    os_name, system = PLATFORMS[base.platform]
    return {
        "python_version": ".".join(base.python.split(".")[:2]),
        "python_full_version": base.python,
        "implementation_version": base.python,
        "sys_platform": base.platform,
        "os_name": os_name,
        "platform_system": system,
        "platform_machine": base.machine,
        "implementation_name": base.implementation,
        "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}[base.implementation],
        "platform_release": base.release,
        "platform_version": base.version,
    }


# The same few texts are read in every environment and at every step of the backtracking.
canonicalize_name = functools.cache(canonical_name)
requirement_of = functools.cache(Requirement)
_version = functools.cache(Version)


@functools.cache
def _holds(marker: str, base: Environment, extra: str) -> bool:
    return with_order(marker, base).evaluate({**marker_variables(base), "extra": extra})


_marker = functools.cache(Marker)


def with_order(marker: str, base: Environment) -> Marker:
    """``packaging`` gives strings no order, so what is asked of ``platform_version`` is decided here."""

    def decided(found: re.Match[str]) -> str:
        return "os_name != 'none'" if satisfies(base.version or "0", found[1] + found[2]) else "os_name == 'none'"

    return _marker(re.sub(r"platform_version\s*(==|!=|<=|>=|<|>)\s*[\"']([0-9.]+)[\"']", decided, marker))


def holds(marker: Marker | str | None, env: Environment, extra: str = "") -> bool:
    """Whether a marker of a requirement, a source or a setting is true in an environment."""
    return marker is None or _holds(str(marker), env.base, extra)


@functools.cache
def satisfies(version: str, specifier: str) -> bool:
    """Whether a specifier admits a version; pre-releases are judged elsewhere."""
    return SpecifierSet(specifier).contains(version, prereleases=True)


@functools.cache
def admits_python(requires_python: str | None, python: str) -> bool:
    """Whether the lower bounds of a candidate's requires-python admit a Python; upper bounds say nothing."""
    for specifier in SpecifierSet(requires_python or ""):
        bound = specifier.version.removesuffix(".*")
        if specifier.operator in (">=", "~=", "==") and not satisfies(python, f">={bound}"):
            return False
        if specifier.operator == ">" and not satisfies(python, f">{bound}"):
            return False
    return True


@functools.cache
def wheel_fits(tags: str, base: Environment) -> bool:
    """Whether a wheel with these tags (``py2.py3-none-any``) installs in an environment."""
    return any(_tag_fits(tag, base) for tag in parse_wheel_filename(f"x-1-{tags}.whl")[3])


def _tag_fits(tag: Any, base: Environment) -> bool:
    major, minor = base.python.split(".")[:2]
    language = re.fullmatch(r"(py|cp|pp)(\d)(\d*)", tag.interpreter)
    if language is None or language[2] != major:
        return False
    exact = language[3] == minor
    older = language[3] == "" or int(language[3]) <= int(minor)
    if language[1] == "py":
        python_fits = older and tag.abi == "none"
    elif language[1] == "cp":
        usual = not tag.abi.endswith("t")  # the others are for the free-threaded Python
        python_fits = base.implementation == "cpython" and usual and (older if tag.abi == "abi3" else exact)
    else:
        python_fits = base.implementation == "pypy" and exact
    return python_fits and _platform_fits(tag.platform, base)


def _platform_fits(tag: str, base: Environment) -> bool:
    if tag == "any":
        return True
    system = {"linux": r"(many)?linux.*", "darwin": r"macosx_.*", "win32": r"win.*"}.get(base.platform)
    if system is None or not re.fullmatch(system, tag):
        return False
    if tag.endswith("universal2"):
        return True
    names = next((names for names in ARCHITECTURES.values() if base.machine in names), (base.machine,))
    return any(tag.endswith("_" + name) for name in names)


class Judge:
    """Everything that can be asked about one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        document = tomllib.loads(world.pyproject)
        project = document.get("project", {})
        tool = document.get("tool", {})
        self.settings: dict[str, Any] = {**tool.get("uv", {}), **tool.get("satlock", {})}
        assert self.settings.get("index-strategy", "first-index") == "first-index", "the judge knows no other strategy"

        self.name = canonicalize_name(project.get("name", ""))
        self.requires_python = SpecifierSet(project.get("requires-python", ""))
        self.dependencies = [Requirement(text) for text in project.get("dependencies", [])]
        self.extras = {
            canonicalize_name(name): [Requirement(text) for text in texts]
            for name, texts in project.get("optional-dependencies", {}).items()
        }
        self.groups: dict[str, list[Requirement]] = {}
        self.includes: dict[str, list[str]] = {}
        for name, items in document.get("dependency-groups", {}).items():
            group = canonicalize_name(name)
            self.groups[group] = [Requirement(item) for item in items if isinstance(item, str)]
            self.includes[group] = [canonicalize_name(i["include-group"]) for i in items if not isinstance(i, str)]
        self.conflicts = [
            frozenset(
                Choice(kind, canonicalize_name(item[kind]))
                for item in items
                for kind in ("extra", "group")
                if kind in item
            )
            for items in self.settings.get("conflicts", [])
        ]
        edits = self.settings.get("override-dependencies", [])
        self.overrides = [Requirement(text) for text in edits if isinstance(text, str)]
        self.scoped_overrides = [entry for entry in edits if isinstance(entry, dict)]
        self.constraints = [Requirement(text) for text in self.settings.get("constraint-dependencies", [])]
        excludes = self.settings.get("exclude-dependencies", [])
        self.excludes = {canonicalize_name(name) for name in excludes if isinstance(name, str)}
        self.scoped_excludes = [entry for entry in excludes if isinstance(entry, dict)]
        self.sources = {
            canonicalize_name(name): entries if isinstance(entries, list) else [entries]
            for name, entries in self.settings.get("sources", {}).items()
        }
        self.index_urls = {i["name"]: i["url"] for i in self.settings.get("index", []) if "name" in i}
        defaults = [i["url"] for i in self.settings.get("index", []) if i.get("default")]
        others = [i["url"] for i in self.settings.get("index", []) if not i.get("default") and not i.get("explicit")]
        explicit_default = any(i.get("default") and i.get("explicit") for i in self.settings.get("index", []))
        self.searched = others + ([] if explicit_default else defaults or [world.default_index])
        self._ranked: dict[str, list[Candidate]] = {}
        self._active: dict[Environment, frozenset[Choice]] = {}
        self._own: dict[Environment, dict[str, list[tuple[Requirement, str]]]] = {}
        self._asked: dict[tuple[Candidate | None, frozenset[str], Environment], list[Requirement]] = {}
        self._objections: dict[tuple[Candidate, Environment], Violation | None] = {}
        self._solutions: dict[tuple[Environment, bool], dict[str, Candidate] | None] = {}

    # What the universe is

    def environments(self, *, thin: bool = True) -> list[Environment]:
        """A grid of every kind of environment that the project admits.

        With ``thin``, machines that no marker, bound or wheel of the world tells apart appear once.
        """
        machines = self._bases
        if thin:
            machines = list({self._signature(base): base for base in reversed(machines)}.values())[::-1]
        subsets = [
            (frozenset(extras), frozenset(groups))
            for extras in _subsets(self.extras)
            for groups in _subsets(self.groups)
        ]
        chosen = (replace(base, extras=extras, groups=groups) for base in machines for extras, groups in subsets)
        return [env for env in chosen if self._admits_choice(env)]

    @functools.cached_property
    def _bases(self) -> list[Environment]:
        return [base for base in self._machines() if self._admits_machine(base)]

    def _machines(self) -> Iterator[Environment]:
        spelled = {name for names in ARCHITECTURES.values() for name in names}
        mentioned = set(self._mentioned("platform_machine")) - spelled
        implementations = {"cpython"} | (
            {"pypy"} if {"pypy", "PyPy"} & set(self._mentioned(".*implementation.*")) else set()
        )
        systems = itertools.product(PLATFORMS, _around(self._mentioned("platform_release")),
                                    _around(self._mentioned("platform_version")))  # fmt: skip
        for (platform, release, version), python, implementation in itertools.product(
            systems, self._pythons(), sorted(implementations)
        ):
            for machine in sorted({*MACHINES[platform], *mentioned}):
                yield Environment(python, platform, machine, implementation, release=release, version=version)

    def _pythons(self) -> list[str]:
        """X.Y.0 of each minor version mentioned and its neighbours, and the versions around each boundary."""
        specifiers = [self.requires_python]
        specifiers += [SpecifierSet(dist.requires_python or "") for *_, dist in self.world.candidates()]
        bounds = {specifier.version.removesuffix(".*") for one in specifiers for specifier in one}
        for _, dist_tags in self._wheel_tags():
            bounds |= {f"3.{minor}" for minor in re.findall(r"(?:cp|py|pp)3(\d+)", dist_tags)}
        bounds |= set(re.findall(r"\d+(?:\.\d+)+", " ".join(self._mentioned("python_(full_)?version"))))
        found = set()
        for bound in bounds | {"3.12"}:
            major, minor, patch = (*Version(bound).release, 0, 0)[:3]
            if major == 3:
                found |= {(3, minor + step, 0) for step in (-1, 0, 1) if minor + step >= 0}
                found |= {(3, minor, 1)} if patch == 0 else {(3, minor, patch + step) for step in (-1, 0, 1)}
        return [".".join(map(str, release)) for release in sorted(found)]

    def _wheel_tags(self) -> list[tuple[str, str]]:
        return sorted({(name, tags) for _, name, _, dist in self.world.candidates() for tags in dist.wheels})

    @functools.cached_property
    def _atoms(self) -> list[tuple[str, str, str]]:
        """(variable, value, comparison) of every comparison in every marker, but for extras."""
        texts = [self.world.pyproject] + [text for *_, dist in self.world.candidates() for text in dist.stated]
        operator = r"\s*(?:===|==|!=|~=|>=|<=|>|<|not\s+in|in)\s*"
        variable = r"(?:python|platform|implementation|sys|os)_\w+"
        value = r"'[^']*'|\"[^\"]*\""
        found = {}
        for text in texts:
            plain = text.replace('\\"', '"')
            for match in re.finditer(rf"({variable}){operator}({value})", plain):
                found[match[0]] = (match[1], match[2][1:-1], match[0])
            for match in re.finditer(rf"({value}){operator}({variable})", plain):
                found[match[0]] = (match[2], match[1][1:-1], match[0])
        return sorted(found.values())

    def _mentioned(self, variable: str) -> list[str]:
        return [value for name, value, _ in self._atoms if re.fullmatch(variable, name)]

    def _signature(self, base: Environment) -> tuple[object, ...]:
        """What the world can tell about a machine; equal ones have equal solutions."""
        bounds = {dist.requires_python for *_, dist in self.world.candidates()}
        return (
            *(holds(comparison, base) for *_, comparison in self._atoms),
            *(admits_python(bound, base.python) for bound in sorted(filter(None, bounds))),
            *(wheel_fits(tags, base) for _, tags in self._wheel_tags()),
            *(_is_required(marker, base) for marker in self.settings.get("required-environments", [])),
        )

    def _admits_machine(self, base: Environment) -> bool:
        environments = self.settings.get("environments", [])
        environments = [environments] if isinstance(environments, str) else environments
        return self.requires_python.contains(base.python) and (
            not environments or any(holds(marker, base) for marker in environments)
        )

    def _admits_choice(self, env: Environment) -> bool:
        """Whether no two members of one conflict set are active together."""
        active = self.active(env)
        return all(len(conflict & active) <= 1 for conflict in self.conflicts)

    # What is required

    def active(self, env: Environment) -> frozenset[Choice]:
        """The extras and groups whose requirements hold in an environment."""
        if env not in self._active:
            self._active[env] = self._find_active(env)
        return self._active[env]

    def _find_active(self, env: Environment) -> frozenset[Choice]:
        found = {Choice("extra", name) for name in env.extras} | {Choice("group", name) for name in env.groups}
        while True:
            more = {Choice("group", name) for kind, group in found if kind == "group" for name in self.includes[group]}
            for requirement, extras in self._written(found):
                here = any(holds(requirement.marker, env, extra) for extra in ("", *extras))
                if canonicalize_name(requirement.name) == self.name and here:
                    more |= {Choice("extra", canonicalize_name(extra)) for extra in requirement.extras}
            more = {
                choice for choice in more if choice.name in (self.extras if choice.kind == "extra" else self.groups)
            }
            if more <= found:
                return frozenset(found)
            found |= more

    def _written(self, active: Iterable[Choice]) -> Iterator[tuple[Requirement, frozenset[str]]]:
        """The requirements of the project with these extras and groups active, and the extras that each may ask for."""
        every = frozenset(name for kind, name in active if kind == "extra")
        yield from ((requirement, every) for requirement in self.dependencies)
        for kind, name in sorted(active):
            for requirement in (self.extras if kind == "extra" else self.groups)[name]:
                yield requirement, frozenset({name} if kind == "extra" else ())

    def _holds_in_project(self, marker: Marker | str | None, env: Environment) -> bool:
        """Whether a marker of a constraint, an override or a source is true: it may ask for active extras."""
        active = self.active(env)

        def decided(found: re.Match[str]) -> str:
            there = Choice("extra", canonicalize_name(found[2])) in active
            return "os_name != 'none'" if there == (found[1] == "==") else "os_name == 'none'"

        plain = None if marker is None else re.sub(r"extra\s*(==|!=)\s*[\"']([^\"']+)[\"']", decided, str(marker))
        return holds(plain, env)

    def _replaced(
        self, requirement: Requirement, extras: frozenset[str], env: Environment, said: frozenset[str]
    ) -> list[Requirement]:
        """What is asked in place of one requirement of a package with these extras active, in an environment.

        ``said`` are the names for which an override of this package alone has been put in place already.
        """
        name = canonicalize_name(requirement.name)
        if name in self.excludes:
            return []
        if name in said:
            return [requirement] if any(holds(requirement.marker, env, extra) for extra in ("", *extras)) else []
        overrides = [override for override in self.overrides if canonicalize_name(override.name) == name]
        if overrides:
            mentioned = {
                canonicalize_name(e) for e in re.findall(r"extra\s*==\s*[\"']([^\"']+)", str(requirement.marker))
            }
            if mentioned and not mentioned & extras and " or " not in str(requirement.marker):
                return []
            return [override for override in overrides if self._holds_in_project(override.marker, env)]
        return [requirement] if any(holds(requirement.marker, env, extra) for extra in ("", *extras)) else []

    def own(self, env: Environment) -> dict[str, list[tuple[Requirement, str]]]:
        """What the project itself asks for in an environment."""
        if env not in self._own:
            self._own[env] = self.requirements(env, {})
        return self._own[env]

    def requirements(
        self, env: Environment, selection: Mapping[str, Candidate]
    ) -> dict[str, list[tuple[Requirement, str]]]:
        """By name, what is asked in an environment by the project and by those selected packages that are reached.

        Each requirement comes with a word on who asks for it.
        """
        found: dict[str, list[tuple[Requirement, str]]] = {}
        done: set[tuple[str, frozenset[str]]] = set()
        todo = deque((requirement, "the project") for requirement in self._asked_by(None, frozenset(), env))
        while todo:
            requirement, asker = todo.popleft()
            name = canonicalize_name(requirement.name)
            if name == self.name:
                continue
            found.setdefault(name, []).append((requirement, asker))
            if name not in selection:
                continue
            asked = {canonicalize_name(extra) for r, _ in found[name] for extra in r.extras}
            declared = asked and {canonicalize_name(extra) for extra in self.dist(selection[name]).provides_extra}
            extras = frozenset(asked & declared)
            if (name, extras) not in done:
                done.add((name, extras))
                asker = f"{name} {selection[name].version}"
                todo += [(line, asker) for line in self._asked_by(selection[name], extras, env)]
        return found

    def _asked_by(self, candidate: Candidate | None, extras: frozenset[str], env: Environment) -> list[Requirement]:
        """What a candidate with these extras, or the project itself, asks for in an environment.

        Each step of the backtracking wants to know it again.
        """
        key = candidate, extras, env
        if key not in self._asked:
            self._asked[key] = list(self._find_asked_by(candidate, extras, env))
        return self._asked[key]

    def _find_asked_by(
        self, candidate: Candidate | None, extras: frozenset[str], env: Environment
    ) -> Iterator[Requirement]:
        if candidate is None:
            for written, its_extras in self._written(self.active(env)):
                yield from self._replaced(written, its_extras, env, frozenset())
            return
        lines = [requirement_of(text) for text in self._lines(self.dist(candidate), env)]
        changed, names = self._changed_here(candidate, lines)
        for line in changed:
            yield from self._replaced(line, extras, env, names)

    def _changed_here(self, candidate: Candidate, lines: list[Requirement]) -> tuple[list[Requirement], frozenset[str]]:
        """A candidate's requirements after what the project changes in them alone, and what that names."""
        if not self.scoped_excludes and not self.scoped_overrides:
            return lines, frozenset()
        excluded = {canonicalize_name(one) for entry in _scoped(self.scoped_excludes, candidate) for one in entry}
        instead: dict[str, list[Requirement]] = {}
        for entry in _scoped(self.scoped_overrides, candidate):
            for text in entry:
                instead.setdefault(canonicalize_name(Requirement(text).name), []).append(Requirement(text))
        changed = [other for name, others in instead.items() for other in others
                   if name not in {canonicalize_name(line.name) for line in lines}]  # fmt: skip
        for line in lines:
            extra = re.search(r"extra == \"[^\"]+\"", str(line.marker))
            for other in instead.get(canonicalize_name(line.name), [line]):
                head, _, marker = str(other).partition(";")
                here = f"{head};{f'({marker}) and ' if marker else ''}{extra[0]}" if extra else str(other)
                changed.append(line if other is line else Requirement(here))
        kept = [line for line in changed if canonicalize_name(line.name) not in excluded]
        return kept, frozenset(instead)

    def _lines(self, dist: Dist, env: Environment) -> tuple[str, ...]:
        """The requirements that the file states which installs in an environment."""
        if not dist.per_wheel:
            return dist.requires_dist
        serving = [tags for tags in dist.wheels if any(wheel_fits(tags, base) for base in self._bases)]
        fitting = [tags for tags in serving if wheel_fits(tags, env.base)]
        # Where none installs: a system that one wheel is for has that one's, all else that of the wheel read first.
        first = sorted(dist.wheels, key=lambda tags: ("linux" not in tags, tags))
        system = {"linux": "linux", "darwin": "macosx", "win32": "win"}.get(env.platform, "nothing")
        fallback = [tags for tags in serving if f"-{system}" in tags or f"-many{system}" in tags]
        return dist.as_told_by((fitting or fallback or first)[0]).requires_dist

    # What serves

    def dist(self, candidate: Candidate) -> Dist:
        dist = self.world.indexes[candidate.index][candidate.name][candidate.version]
        for entry in self.settings.get("dependency-metadata", []):
            if canonicalize_name(entry["name"]) == candidate.name and entry.get("version") in (None, candidate.version):
                dist = replace(
                    dist,
                    requires_dist=tuple(entry.get("requires-dist", ())),
                    requires_python=entry.get("requires-python"),
                    provides_extra=tuple(entry.get("provides-extra", ())),
                )
        return dist

    def indexes(self, name: str, env: Environment) -> list[str]:
        """The index that serves a package in an environment; none or several where the project contradicts itself."""
        active = self.active(env)
        pins = [
            self.index_urls[entry["index"]]
            for entry in self.sources.get(name, [])
            if self._holds_in_project(entry.get("marker"), env)
            and ("extra" not in entry or Choice("extra", canonicalize_name(entry["extra"])) in active)
            and ("group" not in entry or Choice("group", canonicalize_name(entry["group"])) in active)
            and self._is_listed(name, entry, env)
        ]
        if pins:
            return sorted(set(pins))
        return [url for url in self.searched if name in self.world.indexes.get(url, {})][:1]

    def _is_listed(self, name: str, entry: Mapping[str, str], env: Environment) -> bool:
        """Whether the choice of a source lists the package here, if it lists it at all, or nobody else does."""
        kind = next((kind for kind in ("extra", "group") if kind in entry), None)
        if kind is None:
            return True
        mine, active = Choice(kind, canonicalize_name(entry[kind])), self.active(env)
        lists = {Choice("extra", extra): found for extra, found in self.extras.items()}
        lists |= {Choice("group", group): found for group, found in self.groups.items()}
        here = {
            choice: [self._holds_in_project(one.marker, env) for one in found if canonicalize_name(one.name) == name]
            for choice, found in {**lists, None: self.dependencies}.items()
        }
        # A line of the dependencies lists a package for an extra, where its marker asks for that one.
        here[mine] += [
            self._holds_in_project(one.marker, env)
            for one in self.dependencies
            if canonicalize_name(one.name) == name and kind == "extra" and f'"{mine.name}"' in str(one.marker)
        ]
        others = any(any(found) for choice, found in here.items() if choice != mine and choice in {None, *active})
        return not here[mine] or any(here[mine]) or not others

    def fits(self, candidate: Candidate, env: Environment) -> bool:
        """Whether a candidate has a file that can be used in an environment."""
        dist = self.dist(candidate)
        return self._sdist(candidate.name, dist) or any(
            wheel_fits(t, env.base) for t in self._wheels(candidate.name, dist)
        )

    def _sdist(self, name: str, dist: Dist) -> bool:
        return (
            dist.sdist and not self.settings.get("no-build") and name not in self.settings.get("no-build-package", [])
        )

    def _wheels(self, name: str, dist: Dist) -> tuple[str, ...]:
        if self.settings.get("no-binary") or name in self.settings.get("no-binary-package", []):
            return ()
        return dist.wheels

    def objection(self, candidate: Candidate, env: Environment) -> Violation | None:
        """Why a candidate serves no requirement at all in an environment; what is held back until asked for apart."""
        if (candidate, env) not in self._objections:
            self._objections[candidate, env] = self._find_objection(candidate, env)
        return self._objections[candidate, env]

    def _find_objection(self, candidate: Candidate, env: Environment) -> Violation | None:
        name, version, index = candidate
        text = f"{name} {version} from {index}"
        if self.indexes(name, env) != [index]:
            return Violation("index", f"{text}, which is to come from {self.indexes(name, env)}")
        dist = self.dist(candidate)
        if not self._wheels(name, dist) and not self._sdist(name, dist):
            return Violation("build", f"{text} has no file")
        if not any(self.fits(candidate, base) for base in self._bases):
            return Violation("build", f"{text} has no file that fits any environment of the project")
        if not self._uploaded_in_time(name, dist):
            return Violation("build", f"{text} was uploaded too late")
        if not admits_python(dist.requires_python, env.python):
            return Violation("python", f"{text} needs Python {dist.requires_python}")
        if not self.fits(candidate, env):
            listed = self.world.indexes[index][name]
            siblings = [Candidate(name, other, index) for other, one in listed.items() if one.yanked is None]
            named = self._pins_exactly(version, (s for s in self._asking(name, env) if "+" in s.version))
            if not named and any(_public(one) == _public(candidate) and self.fits(one, env) for one in siblings):
                return Violation("build", f"{text} has no file that fits, and another build of it has")
            for marker in self.settings.get("required-environments", []):
                if _is_required(marker, env) and not any(
                    _is_required(marker, base) and self.fits(candidate, base)
                    for base in self._bases
                    if (base.platform, base.machine, base.implementation) == _machine(env)
                ):
                    return Violation("build", f"{text} has no file that fits, and the environment is a required one")
        return None

    def _uploaded_in_time(self, name: str, dist: Dist) -> bool:
        per_package = self.settings.get("exclude-newer-package", {})
        limit = per_package.get(name, self.settings.get("exclude-newer"))
        if not limit:
            return True
        return dist.upload_time is not None and datetime.fromisoformat(dist.upload_time) <= datetime.fromisoformat(
            limit
        )

    def _pins_exactly(self, version: str, specifiers: Iterable[Specifier]) -> bool:
        return any(
            s.operator in ("==", "===") and satisfies(version, str(s)) and "*" not in s.version for s in specifiers
        )

    def _asking(self, name: str, env: Environment) -> Iterator[Specifier]:
        """The specifiers that the project writes for a package and that hold in an environment.

        What no conflict names counts as chosen.
        """
        named = frozenset[Choice]().union(*self.conflicts)
        extras = env.extras | {one for one in self.extras if Choice("extra", one) not in named}
        groups = env.groups | {one for one in self.groups if Choice("group", one) not in named}
        whole = replace(env, extras=extras, groups=groups)
        edits = [one for one in (*self.constraints, *self.overrides) if self._holds_in_project(one.marker, whole)]
        written = [
            requirement
            for requirement, extras in self._written(self.active(whole))
            if any(holds(requirement.marker, whole, extra) for extra in ("", *extras))
        ]
        for requirement in (*written, *edits):
            if canonicalize_name(requirement.name) == name:
                yield from requirement.specifier

    def prerelease_asked(self, name: str, env: Environment) -> bool | None:
        """Whether the project admits pre-releases of a package: always, never (False), or as a last resort (None)."""
        mode = self.settings.get("prerelease-package", {}).get(name, self.settings.get("prerelease", ""))
        if mode == "explicit":
            named = (
                _version(s.version.removesuffix(".*")).is_prerelease
                for s in self._asking(name, env)
                if s.operator != "!="
            )
            mode = "if-necessary" if any(named) else "disallow"
        return {"allow": True, "disallow": False}.get(mode)

    def held(self, candidate: Candidate, asked: Iterable[tuple[Requirement, str]], env: Environment) -> str | None:
        """What a candidate is (``yanked``, ``prerelease``) if nobody of those who ask opens that to it."""
        specifiers = [requirement.specifier for requirement, _ in asked]
        specifiers += [
            constraint.specifier
            for constraint in self.constraints
            if canonicalize_name(constraint.name) == candidate.name and self._holds_in_project(constraint.marker, env)
        ]
        if self.dist(candidate).yanked is not None:
            return None if any(self._pins_exactly(candidate.version, each) for each in specifiers) else "yanked"
        mode = self.prerelease_asked(candidate.name, env)
        if not _version(candidate.version).is_prerelease or mode:
            return None
        dists = self.world.indexes[candidate.index][candidate.name]
        listed = [version for version, dist in dists.items() if dist.wheels or dist.sdist]
        only = mode is None and any(
            satisfies(candidate.version, str(each))
            and all(_version(v).is_prerelease for v in listed if satisfies(v, str(each)))
            for each in specifiers
        )
        return None if only else "prerelease"

    def unmet(
        self, candidate: Candidate, asked: Iterable[tuple[Requirement, str]], env: Environment
    ) -> list[Violation]:
        """The requirements and constraints on a candidate that it does not meet."""
        wanted = [(requirement, f"{asker} asks for") for requirement, asker in asked]
        wanted += [
            (constraint, "the project constrains")
            for constraint in self.constraints
            if canonicalize_name(constraint.name) == candidate.name and self._holds_in_project(constraint.marker, env)
        ]
        return [
            Violation("unmet", f"{candidate.name} {candidate.version}, but {who} {one}")
            for one, who in wanted
            if not satisfies(candidate.version, str(one.specifier))
        ]

    # The resolver

    def solve(self, env: Environment) -> dict[str, Candidate] | None:
        """A selection for one environment, newest first by name as they are reached; None where there is none."""
        solution = self._solve(env, last_resort=False)
        return solution if solution is not None else self._solve(env, last_resort=True)

    def _solve(self, env: Environment, *, last_resort: bool) -> dict[str, Candidate] | None:
        if (env, last_resort) not in self._solutions:
            self._solutions[env, last_resort] = self._search([(env, last_resort)], {})
        return self._solutions[env, last_resort]

    def unsolvable(self) -> Environment | None:
        """An environment that has no solution, if there is one."""
        return next((env for env in self.environments() if self.solve(env) is None), None)

    def single_version_lock(self) -> dict[str, Candidate] | None:
        """One candidate for each name that serves in every environment, if there is such a selection."""
        return self._search([(env, self._solve(env, last_resort=False) is None) for env in self.environments()], {})

    def _search(
        self, envs: list[tuple[Environment, bool]], selection: dict[str, Candidate]
    ) -> dict[str, Candidate] | None:
        """Backtracking: extend a selection until it meets, in each environment, all that is asked there."""
        missing: str | None = None
        wanted: list[tuple[list[tuple[Requirement, str]], Environment]] = []
        for env, _ in envs:
            for name, asked in self.requirements(env, selection).items():
                if name not in selection:
                    missing = missing or name
                    wanted += [(asked, env)] if name == missing else []
                elif not self._serves(selection[name], asked, env):
                    return None
        if missing is None:
            return selection if all(self._opened(selection, env, last_resort) for env, last_resort in envs) else None
        for candidate in self._candidates(missing):
            # Whatever is chosen besides, no less will be asked of it.
            if all(self._serves(candidate, asked, env) for asked, env in wanted):
                found = self._search(envs, {**selection, missing: candidate})
                if found is not None:
                    return found
        return None

    def _serves(self, candidate: Candidate, asked: list[tuple[Requirement, str]], env: Environment) -> bool:
        """Whether a candidate meets what is asked so far; what is held back may still be opened by somebody else."""
        return self.objection(candidate, env) is None and not self.unmet(candidate, asked, env)

    def _opened(
        self, selection: Mapping[str, Candidate], env: Environment, last_resort: bool, *, pinned: bool = True
    ) -> bool:
        """Whether nothing in a whole selection is held back; pre-releases may be ``last_resort``.

        A yanked release is opened by the project, or by a package that is reached without it.
        """
        closed = {name for name, candidate in selection.items() if self.dist(candidate).yanked is not None}
        if closed and not pinned:
            own = self.own(env)
            return not any(self.held(selection[name], own.get(name, []), env) for name in closed) and self._admitted(
                selection, env, last_resort
            )
        while closed:
            reached = self.requirements(env, {name: one for name, one in selection.items() if name not in closed})
            opened = {name for name in closed & reached.keys() if not self.held(selection[name], reached[name], env)}
            if not opened:
                return False
            closed -= opened
        return self._admitted(selection, env, last_resort)

    def _admitted(self, selection: Mapping[str, Candidate], env: Environment, last_resort: bool) -> bool:
        return all(
            (held := self.held(selection[name], asked, env)) is None
            or (held == "prerelease" and last_resort and self.prerelease_asked(name, env) is None)
            for name, asked in self.requirements(env, selection).items()
        )

    def _candidates(self, name: str) -> list[Candidate]:
        if name not in self._ranked:
            found = [
                Candidate(name, version, index)
                for index, packages in self.world.indexes.items()
                for version in packages.get(name, {})
            ]
            self._ranked[name] = sorted(found, key=lambda candidate: _version(candidate.version), reverse=True)
        return self._ranked[name]

    # The checker

    def check(self, lock: Pylock, env: Environment) -> list[Violation]:
        """Everything that is wrong with a lock in one environment."""
        found = [Violation("scope", text) for text in _out_of_scope(lock, env)]
        entries = [p for p in lock.packages if p.marker is None or selected(str(p.marker), env)]
        selection: dict[str, Candidate] = {}
        for entry in entries:
            candidate = self._candidate(entry)
            if candidate is None:
                found.append(Violation("unknown", f"{entry.name} {entry.version} from {entry.index} is in no index"))
                continue
            if entry.name in selection:
                found.append(
                    Violation("duplicate", f"{entry.name} {selection[entry.name].version} and {entry.version}")
                )
                continue
            selection[entry.name] = candidate
            found += self._check_entry(entry, candidate, env)
        asked = self.requirements(env, selection)
        for name in sorted(asked.keys() - selection.keys()):
            found.append(Violation("unmet", f"{name} is missing: {asked[name][0][1]} asks for {asked[name][0][0]}"))
        for name in sorted(selection.keys() - asked.keys()):
            found.append(Violation("superfluous", f"nothing asks for {name} {selection[name].version}"))
        for name in sorted(selection.keys() & asked.keys()):
            found += self.unmet(selection[name], asked[name], env)
            held, text = self.held(selection[name], asked[name], env), f"{name} {selection[name].version}"
            if held == "yanked":
                found.append(Violation("yanked", f"{text} is yanked"))
            entry = next(entry for entry in entries if entry.name == name)
            if held == "prerelease" and (self.prerelease_asked(name, env) is False or not self._necessary(entry, lock)):
                found.append(Violation("prerelease", f"{text} is a pre-release that nothing makes necessary"))
        return found

    def _candidate(self, entry: Package) -> Candidate | None:
        for candidate in self._candidates(entry.name):
            if _version(candidate.version) == entry.version and candidate.index.rstrip("/") == str(entry.index).rstrip(
                "/"
            ):
                return candidate
        return None

    def _necessary(self, entry: Package, lock: Pylock) -> bool:
        """Whether some environment of an entry has no solution without pre-releases, or somebody asks for it there.

        One version for all comes before finals for some: the entry may reach beyond that environment.
        """
        for env in self.environments():
            here = entry.marker is None or selected(str(entry.marker), env)
            if not here:
                continue
            if self._solve(env, last_resort=False) is None:
                return True
            entries = [p for p in lock.packages if p.marker is None or selected(str(p.marker), env)]
            selection = {str(p.name): candidate for p in entries if (candidate := self._candidate(p)) is not None}
            asked = self.requirements(env, selection).get(str(entry.name), [])
            if self.held(selection[str(entry.name)], asked, env) is None:
                return True
        return False

    def _check_entry(self, entry: Package, candidate: Candidate, env: Environment) -> Iterator[Violation]:
        text = f"{candidate.name} {candidate.version}"
        objection = self.objection(candidate, env)
        if objection is not None:
            yield objection
        if entry.requires_python is not None and not entry.requires_python.contains(env.python):
            yield Violation("python", f"the entry of {text} refuses Python {env.python}")
        files = {file.filename: file for file in self.world.files(candidate.index, candidate.name, candidate.version)}
        listed = [wheel.filename for wheel in entry.wheels or ()] + ([entry.sdist.filename] if entry.sdist else [])
        if not listed or not files.keys() >= set(listed):
            yield Violation("files", f"the entry of {text} lists {listed}, the index {sorted(files)}")
        else:
            tags = [files[filename].tags for filename in listed]
            usable = any(one is None or wheel_fits(one, env.base) for one in tags)
            if not usable and self.fits(candidate, env):
                yield Violation("files", f"the entry of {text} lists no file that fits, and the index has one")

    def refute(self, lock: Pylock, *, thin: bool = True) -> tuple[Environment, list[Violation]] | None:
        """An environment in which a lock is wrong, with what is wrong there; None where there is none."""
        for env in self.environments(thin=thin):
            violations = self.check(lock, env)
            if violations:
                return env, violations
        return None


def environments(world: World) -> list[Environment]:
    """As ``Judge.environments``."""
    return Judge(world).environments()


def solve_environment(world: World, env: Environment) -> dict[str, Candidate] | None:
    """As ``Judge.solve``."""
    return Judge(world).solve(env)


def check_lock(world: World, lock: Pylock, env: Environment) -> list[Violation]:
    """As ``Judge.check``."""
    return Judge(world).check(lock, env)


def _out_of_scope(lock: Pylock, env: Environment) -> Iterator[str]:
    if lock.requires_python is not None and not lock.requires_python.contains(env.python):
        yield f"the lock refuses Python {env.python}"
    if lock.environments and not any(holds(marker, env) for marker in lock.environments):
        yield "the lock's environments leave it out"
    for extra in sorted(env.extras - set(lock.extras or ())):
        yield f"the lock does not declare the extra {extra!r}"
    for group in sorted(env.groups - set(lock.dependency_groups or ())):
        yield f"the lock does not declare the group {group!r}"


@functools.cache
def selected(marker: str, env: Environment) -> bool:
    """Whether a lock's marker holds for an environment and what is chosen in it."""
    chosen = {**marker_variables(env.base), "extras": env.extras, "dependency_groups": env.groups}
    return with_order(marker, env.base).evaluate(chosen, context="lock_file")


def _around(named: list[str]) -> list[str]:
    """Versions before, at and behind those that are named; nothing where none is."""
    ordered = sorted({*named}, key=_version)
    return ["0", *(value for one in ordered for value in (one, f"{one}.0.1"))] if named else [""]


def _scoped(entries: list[dict[str, Any]], candidate: Candidate) -> list[list[str]]:
    """The ``dependencies`` of the entries for one version of a package, or else of those for every version."""
    mine = [entry for entry in entries if canonicalize_name(entry["package"]["name"]) == candidate.name]
    exact = [
        e for e in mine if "version" in e["package"] and Version(e["package"]["version"]) == Version(candidate.version)
    ]
    return [entry["dependencies"] for entry in exact or [e for e in mine if "version" not in e["package"]]]


def _public(candidate: Candidate) -> str:
    return _version(candidate.version).public


def _machine(env: Environment) -> tuple[str, str, str]:
    return env.platform, env.machine, env.implementation


def _is_required(marker: str, env: Environment) -> bool:
    if env.implementation != "cpython" or _version(env.python) >= _version("3.16") or not holds(marker, env):
        return False
    if "platform_machine" in marker:
        return env.machine in ("x86_64", "aarch64", "arm64", "AMD64") or repr(env.machine) in marker
    return env.machine == {"linux": "x86_64", "win32": "AMD64", "darwin": "arm64"}.get(env.platform, env.machine)


def _subsets(names: Iterable[str]) -> list[tuple[str, ...]]:
    ordered = sorted(names)
    return [subset for size in range(len(ordered) + 1) for subset in itertools.combinations(ordered, size)]
