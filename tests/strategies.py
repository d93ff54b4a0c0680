"""Random small worlds for hypothesis: neither trivially solvable nor hopeless.

``worlds()`` is a strategy, ``random_world(seed)`` the same without hypothesis. What the settings of real projects leave
ambiguous is not drawn: index pins never overlap, builds of one public version share their requires-python and are never
yanked, yanked versions are pinned by the project itself or not at all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st
from packaging.version import Version

from tests.world import DEFAULT, Dist, World

__all__ = ["Dice", "ordered_world", "random_world", "toml", "worlds"]

T = TypeVar("T")

NAMES = ("a", "b", "c", "d", "e", "f")
VERSIONS = ("1.0", "2.0", "3.0", "4.0")
URLS = {
    "cpu": "https://index.example/whl/cpu",
    "cu": "https://index.example/whl/cu",
    "extra-first": "https://first.example/simple",
}
MARKERS = (
    "sys_platform == 'linux'",
    "sys_platform != 'linux'",
    "sys_platform == 'win32'",
    "sys_platform == 'darwin'",
    "os_name == 'nt'",
    "platform_system != 'Windows'",
    "python_version < '3.12'",
    "python_version >= '3.12'",
    "python_full_version < '3.11.1'",
    "python_version == '3.11'",
    "platform_machine == 'x86_64'",
    "platform_machine != 'x86_64'",
    "sys_platform == 'linux' and platform_machine == 'aarch64'",
    "python_version < '3.12' or sys_platform == 'win32'",
    "sys_platform in 'linux darwin'",
)
ORDERED = (
    (
        "platform_release >= '20.0'",
        "platform_release < '20.0'",
        "platform_release == '21.6' and sys_platform != 'linux'",
    ),
    (
        "platform_version >= '10.2'",
        "platform_version < '10.2'",
        "platform_version > '10.2' and sys_platform == 'win32'",
    ),
)
"""Of a world with ordered markers some are one line of these."""
COMPLEMENTS = (
    ("sys_platform == 'linux'", "sys_platform != 'linux'"),
    ("python_version < '3.12'", "python_version >= '3.12'"),
    ("sys_platform == 'darwin'", "sys_platform == 'win32'"),
)
ENVIRONMENTS = (
    ("sys_platform == 'linux'",),
    ("sys_platform == 'linux'", "sys_platform == 'darwin'"),
    ("sys_platform != 'win32'",),
    ("python_version >= '3.12' and sys_platform == 'win32'", "python_version < '3.12'"),
)
PLATFORM_TAGS = ("py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64", "py3-none-macosx_11_0_arm64")
REQUIRED = (
    "sys_platform == 'linux' and platform_machine == 'x86_64'",
    "sys_platform == 'win32'",
    "sys_platform == 'win32' and python_version < '3.13'",
    "sys_platform == 'darwin' and platform_machine == 'arm64'",
)


class Dice:
    """Short names for what is drawn, over a function that draws an integer between two others, both included."""

    def __init__(self, number: Callable[[int, int], int]) -> None:
        self.number = number

    def chance(self, percent: int) -> bool:
        return self.number(0, 99) >= 100 - percent

    def pick(self, items: Sequence[T]) -> T:
        return items[self.number(0, len(items) - 1)]

    def some(self, items: Sequence[T], low: int, high: int) -> list[T]:
        """Different items, in their own order."""
        left = list(range(len(items)))
        high = min(high, len(items))
        chosen = [left.pop(self.number(0, len(left) - 1)) for _ in range(self.number(min(low, high), high))]
        return [items[index] for index in sorted(chosen)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world with two to six packages and a project that asks for some of them; shrinks to the plainest choices."""
    return _WorldDraw(Dice(lambda low, high: draw(st.integers(low, high)))).world()


def random_world(seed: int) -> World:
    """The same from a seed, evenly distributed where hypothesis prefers what is small; fast, and shrinks not at all."""
    return _WorldDraw(Dice(random.Random(seed).randint)).world()


def ordered_world(seed: int) -> World:
    """One in which some markers ask for the order of ``platform_release`` or ``platform_version``."""
    return _WorldDraw(Dice(random.Random(seed).randint), ordered=True).world()


def opening_world(seed: int) -> World:
    """One in which some yanked releases are pinned by other candidates, selected in the end or not."""
    drawn, dice = random_world(seed), Dice(random.Random(f"opening {seed}").randint)
    indexes = {
        url: {name: dict(listed) for name, listed in packages.items()} for url, packages in drawn.indexes.items()
    }
    for packages in indexes.values():
        for name, listed in packages.items():
            others = [(other, version) for other in packages for version in packages[other] if other != name]
            if len(listed) > 1 and others and dice.chance(40):
                yanked = dice.pick(sorted(listed))
                listed[yanked] = replace(listed[yanked], yanked="broken")
                for other, version in dice.some(others, 1, 3):
                    dist = packages[other][version]
                    marker = dice.pick(("", "", " ; sys_platform == 'win32'", " ; python_version < '3.12'"))
                    requires = (*dist.requires_dist, f"{name}=={yanked}{marker}")
                    packages[other][version] = replace(dist, requires_dist=requires)
    return replace(drawn, indexes=indexes)


def naming_world(seed: int) -> World:
    """One whose project names builds that have no file for macOS, where others of the same version have one."""
    drawn, dice = random_world(seed), Dice(random.Random(f"naming {seed}").randint)
    indexes = {
        url: {name: dict(listed) for name, listed in packages.items()} for url, packages in drawn.indexes.items()
    }
    text = drawn.pyproject
    for packages in indexes.values():
        for name, listed in packages.items():
            for build in [version for version in sorted(listed) if "+" in version and dice.chance(60)]:
                wheels = ("py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64")
                listed[build] = replace(listed[build], wheels=wheels, sdist=False)
                plain = replace(listed[build], wheels=("py3-none-macosx_11_0_arm64",))
                listed[build.partition("+")[0]] = plain
                if dice.chance(40):
                    marker = dice.pick(("", "", f" ; {dice.pick(MARKERS)}"))
                    text = text.replace("dependencies = [", f"dependencies = [{toml(f'{name}=={build}{marker}')}, ", 1)
    return replace(drawn, pyproject=text, indexes=indexes)


class _WorldDraw:
    def __init__(self, dice: Dice, *, ordered: bool = False) -> None:
        self.dice = dice
        self.names = list(NAMES[: dice.number(2, 6)])
        self.versions = {name: dice.some(VERSIONS, dice.pick((1, 2, 3, 3)), 4) for name in self.names}
        self.prereleases = [name for name in self.names if dice.chance(14)]
        self.package_extras = {name: ["x", "y"][: dice.number(1, 2)] for name in self.names if dice.chance(25)}

        self.extras = dice.some(["cpu", "cu", "docs"], 0, 3)
        self.groups = dice.some(["dev", "test"], 0, 2)
        self.conflicts = self._conflicts()
        self.ordered = dice.pick(ORDERED) if ordered else ()
        self.indexes: dict[str, dict[str, dict[str, Dist]]] = {DEFAULT: {}}
        self.sources: dict[str, list[dict[str, str]]] = {}

    def world(self) -> World:
        for name in self.names:
            self.indexes[DEFAULT][name] = self._versions(name)
        for name in self.dice.some(self.names, 0, 2):
            self._pin(name)
        first = self.dice.chance(8)
        if first:
            name = self.dice.pick(self.names)
            self.indexes[URLS["extra-first"]] = {name: self._versions(name)}
        pyproject = self._pyproject(first)
        if self.dice.chance(20):
            self._state_per_wheel()
        return World(pyproject, self.indexes)

    # Packages

    def _versions(self, name: str) -> dict[str, Dist]:
        dice = self.dice
        versions = {version: self._dist(name) for version in self.versions[name]}
        if name in self.prereleases:
            versions["5.0b1"] = self._dist(name)
            if dice.chance(25):  # nothing else serves
                return {"5.0b1": versions["5.0b1"]}
        yanked = dice.pick(self.versions[name])
        if len(versions) > 1 and dice.chance(8):
            versions[yanked] = replace(versions[yanked], yanked="")
        return versions

    def _dist(self, name: str) -> Dist:
        dice = self.dice
        count = dice.pick((0, 0, 1, 1, 2))
        requires = [self._requirement(self._target(name), marked=30) for _ in range(count)]
        extras = self.package_extras.get(name, [])
        for extra in extras:
            if dice.chance(70):
                requirement = self._requirement(self._target(name), marked=0)
                marker = f"extra == '{extra}'"
                if dice.chance(20):
                    marker = (
                        f"{dice.pick(MARKERS[:10])} and {marker}" if dice.chance(50) else f"{marker} and {MARKERS[0]}"
                    )
                requires.append(f"{requirement} ; {marker}")
        if len(extras) == 2 and dice.chance(30):
            requires.append(f"{name}[x] ; extra == 'y'")
        requires_python = dice.pick((">=3.12", ">=3.12", ">=3.11,<3.13", ">=3.11.1")) if dice.chance(10) else None
        dist = Dist(
            requires_dist=tuple(requires),
            requires_python=requires_python,
            provides_extra=tuple(extras),
            wheels=() if dice.chance(2) else self._wheels(),
            sdist=dice.chance(10),
        )
        return dist

    def _state_per_wheel(self) -> None:
        """Some versions get a wheel for each platform, of which some state requirements of their own."""
        for packages in self.indexes.values():
            for name, versions in packages.items():
                for version, dist in versions.items():
                    if dist.wheels and self.dice.chance(25):
                        versions[version] = self._per_wheel(name, dist)

    def _per_wheel(self, name: str, dist: Dist) -> Dist:
        dice = self.dice
        tags = dice.some(PLATFORM_TAGS, 2, 3)
        own = []
        for one in dice.some(tags, 1, 2):
            lines = [line for line in dist.requires_dist if dice.chance(50)]
            lines += [self._requirement(self._target(name), marked=20)] if dice.chance(60) else []
            own.append((one, tuple(lines)))
        return replace(dist, wheels=tuple(tags), sdist=False, per_wheel=tuple(own))

    def _wheels(self) -> tuple[str, ...]:
        if not self.dice.chance(15):
            return ("py3-none-any",)
        return tuple(self.dice.some((*PLATFORM_TAGS, "cp312-cp312-win_amd64"), 1, 3))

    def _target(self, name: str) -> str:
        """Mostly a later package, so that few requirements are cyclic."""
        later = self.names[self.names.index(name) + 1 :]
        return self.dice.pick(later) if later and not self.dice.chance(12) else self.dice.pick(self.names)

    def _requirement(self, name: str, *, marked: int) -> str:
        extras = ""
        if name in self.package_extras and self.dice.chance(40):
            known = [*self.package_extras[name], "nowhere"] if self.dice.chance(10) else self.package_extras[name]
            extras = f"[{self.dice.pick(known)}]"
        marker = f" ; {self._marker()}" if self.dice.chance(marked) else ""
        return f"{name}{extras}{self._specifier(name)}{marker}"

    def _marker(self) -> str:
        return self.dice.pick(self.ordered if self.ordered and self.dice.chance(40) else MARKERS)

    def _specifier(self, name: str) -> str:
        versions = self.versions[name]
        if self.dice.chance(45):
            return ""
        if name in self.prereleases and self.dice.chance(15):
            return ">=5.0b1"
        operator = self.dice.pick((">=", ">=", ">=", "<", "<", "<=", "==", "!=", "~=", ">"))
        if operator == "~=":
            return f"~={self.dice.pick(versions)}"
        if len(versions) > 1 and self.dice.chance(85):  # most leave something
            versions = {"<": versions[1:], ">": versions[:-1], ">=": versions[:-1]}.get(operator, versions)
        return f"{operator}{self.dice.pick(versions)}"

    # Index pins

    def _pin(self, name: str) -> None:
        """Pin a package to one or two explicit indexes, in scopes that never overlap."""
        dice = self.dice
        rivals = [set_ for set_ in self.conflicts if len(set_) == 2]
        shape = dice.pick(("rivals", "rivals", "choice", "marker", "both markers", "everywhere"))
        choices = self._choices()
        if shape == "rivals" and rivals:
            scopes: list[dict[str, str]] = [
                {"marker": f"extra == '{value}'"} if kind == "extra" and dice.chance(30) else {kind: value}
                for kind, value in dice.pick(rivals)
            ]
        elif shape in ("choice", "rivals") and choices:
            kind, value = dice.pick(choices)
            scopes = [{kind: value}]
            if dice.chance(40):
                scopes = [{kind: value, "marker": dice.pick(MARKERS)}]
        elif shape == "marker":
            scopes = [{"marker": dice.pick(MARKERS)}]
        elif shape == "both markers":
            scopes = [
                {"marker": marker}
                for marker in dice.pick((self.ordered[:2],) if self.ordered and dice.chance(50) else COMPLEMENTS)
            ]
        else:
            scopes = [{}]
        self.sources[name] = []
        for label, scope in zip(("cpu", "cu"), scopes, strict=False):
            self.sources[name].append({"index": label, **scope})
            self.indexes.setdefault(URLS[label], {})[name] = self._local_versions(name, label)

    def _local_versions(self, name: str, label: str) -> dict[str, Dist]:
        """What an index of special builds lists: mostly local versions, some with a plain build beside them."""
        dice = self.dice
        found = {}
        for version in dice.some(self.versions[name], dice.pick((1, 2, 4)), 4):
            dist = self._dist(name)
            if dice.chance(20):
                found[version] = dist
                continue
            found[f"{version}+{label}"] = dist
            if dice.chance(20):
                found[f"{version}+{label}"] = replace(
                    dist, wheels=("py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64")
                )
                found[version] = replace(dist, wheels=("py3-none-macosx_11_0_arm64",), sdist=False)
        return found

    # The project

    def _choices(self) -> list[tuple[str, str]]:
        return [("extra", name) for name in self.extras] + [("group", name) for name in self.groups]

    def _conflicts(self) -> list[list[tuple[str, str]]]:
        choices = self._choices()
        if len(choices) < 2 or not self.dice.chance(65):
            return []
        sets = [self.dice.some(choices, 2, 3)]
        if len(choices) > 3 and self.dice.chance(20):
            sets.append(self.dice.some(choices, 2, 2))
        return sets

    def _pyproject(self, first: bool) -> str:
        dice = self.dice
        lines = ["[project]", 'name = "proj"', 'version = "0.1.0"']
        lines.append(f'requires-python = "{dice.pick((">=3.11", ">=3.11", ">=3.11,<3.13", ">=3.12"))}"')
        asked = [self._in_extra_too(requirement) for requirement in self._asked(0 if self.extras else 1, 3)]
        lines.append(f"dependencies = {toml(asked)}")
        if self.extras:
            lines.append("[project.optional-dependencies]")
            for position, extra in enumerate(self.extras):
                asked = self._asked(0, 2)
                if position and dice.chance(20):
                    marker = f" ; {dice.pick(MARKERS)}" if dice.chance(30) else ""
                    asked.append(f"proj[{dice.pick(self.extras[:position])}]{marker}")
                lines.append(f"{extra} = {toml(asked)}")
        if self.groups:
            lines.append("[dependency-groups]")
            for position, group in enumerate(self.groups):
                items: list[Any] = list(self._asked(0, 2))
                if position and dice.chance(25):
                    items.append({"include-group": self.groups[0]})
                if self.extras and dice.chance(8):
                    items.append(f"proj[{dice.pick(self.extras)}]")
                lines.append(f"{group} = {toml(items)}")
        lines += ["[tool.uv]", *self._settings()]
        if self.sources:
            lines.append("[tool.uv.sources]")
            lines += [f"{name} = {toml(entries)}" for name, entries in self.sources.items()]
        for label, url in URLS.items():
            if url in self.indexes and (label != "extra-first" or first):
                lines += ["[[tool.uv.index]]", f'name = "{label}"', f'url = "{url}"']
                lines += ["explicit = true"] if label != "extra-first" else []
        lines += ["[[tool.uv.index]]", f'url = "{DEFAULT}"', "default = true"]
        return "\n".join(lines) + "\n"

    def _asked(self, low: int, high: int) -> list[str]:
        names = self.dice.some(self.names, low, high)
        asked = [self._direct(name) for name in names]
        if names and self.dice.chance(15):
            asked.append(self._direct(names[0]))
        return asked

    def _in_extra_too(self, requirement: str) -> str:
        """A line of ``dependencies`` that an extra lists as well."""
        if not self.extras or " ; " not in requirement or not self.dice.chance(30):
            return requirement
        return f"{requirement} or extra == '{self.dice.pick(self.extras)}'"

    def _direct(self, name: str) -> str:
        yanked = [
            version
            for versions in (self.indexes[DEFAULT].get(name, {}),)
            for version, dist in versions.items()
            if dist.yanked is not None
        ]
        if yanked and self.dice.chance(40):
            return f"{name}=={yanked[0]}"
        return self._requirement(name, marked=25)

    def _settings(self) -> list[str]:
        dice = self.dice
        found = []
        if self.conflicts:
            sets = [[{kind: name} for kind, name in members] for members in self.conflicts]
            found.append(f"conflicts = {toml(sets)}")
        plain = [name for name in self.names if name not in self.prereleases]
        if plain and dice.chance(12):
            found.append(f"constraint-dependencies = {toml([self._constraint(dice.pick(plain))])}")
        overrides: list[Any] = [self._constraint(dice.pick(plain))] if plain and dice.chance(12) else []
        if plain and dice.chance(10):
            overrides.append(self._for_one_package(lambda: self._scoped_override(dice.pick(plain))))
        if overrides:
            found.append(f"override-dependencies = {toml(overrides)}")
        if dice.chance(6):
            excluded = dice.pick(self.names)
            entry: Any = self._for_one_package(lambda: excluded) if dice.chance(50) else excluded
            found.append(f"exclude-dependencies = {toml([entry])}")
        if dice.chance(12):
            found.append(f"environments = {toml(list(dice.pick(ENVIRONMENTS)))}")
        if dice.chance(8):
            found.append(f"required-environments = {toml([dice.pick(REQUIRED)])}")
        if self.prereleases and dice.chance(30):
            found.append(f'prerelease = "{dice.pick(("allow", "disallow"))}"')
        return found

    def _for_one_package(self, draw: Callable[[], str]) -> dict[str, Any]:
        name = self.dice.pick(self.names)
        version = {"version": self.dice.pick(self.versions[name])} if self.dice.chance(50) else {}
        return {"package": {"name": name, **version}, "dependencies": [draw()]}

    def _scoped_override(self, name: str) -> str:
        marker = f" ; {self.dice.pick(MARKERS)}" if self.dice.chance(30) else ""
        return f"{name}{self.dice.pick(('>=', '<='))}{self.dice.pick(self.versions[name])}{marker}"

    def _constraint(self, name: str) -> str:
        """Of a version that is not yanked, which a constraint must not bring back."""
        versions = [v for v, dist in self.indexes[DEFAULT][name].items() if dist.yanked is None]
        version = self.dice.pick(sorted(versions, key=Version))
        marker = f" ; {self._scope()}" if self.dice.chance(50) else ""
        return f"{name}{self.dice.pick(('>=', '<=', '!=', '=='))}{version}{marker}"

    def _scope(self) -> str:
        """A marker of a setting, which may ask for extras of the project."""
        plain = self._marker()
        if not self.extras or self.dice.chance(40):
            return plain
        asked = f"extra {self.dice.pick(('==', '==', '!='))} '{self.dice.pick(self.extras)}'"
        return self.dice.pick((asked, asked, f"({plain}) and {asked}", f"{plain} or {asked}"))


def toml(value: Any) -> str:
    """A value as inline TOML; strings as in JSON."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value)
