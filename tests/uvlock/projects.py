"""Small projects made by structure, for uv and satlock to lock side by side: sources, extras, groups, conflicts and
members of every kind, over a fixed world of packages on loopback.

Each is drawn from one number, so that a failure can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from tests.world import DEFAULT, Dist, World

__all__ = ["SECOND", "WORLD", "SmallProject", "small_project"]

SECOND = "https://index.example/second"
_WHEELS = ("cp39-abi3-manylinux_2_17_x86_64", "cp39-abi3-win_amd64", "cp39-abi3-macosx_11_0_arm64")


def _releases(*versions: str, wheels: tuple[str, ...] = ("py3-none-any",)) -> dict[str, Dist]:
    return {version: Dist(wheels=wheels) for version in versions}


WORLD = World(
    "",
    {
        DEFAULT: {
            "alpha": _releases("1.0", "2.0", "3.0"),
            "beta": {"1.0": Dist(("alpha<3",)), "2.0": Dist(("alpha",))},
            "gamma": {"1.0": Dist(("beta", "delta; sys_platform == 'win32'")), "2.0": Dist(("beta>=2",))},
            "delta": _releases("1.0", "1.1"),
            "engine": _releases("1.0", "2.0", wheels=_WHEELS),
            "metrics": {"1.0": Dist(("engine",))},
            "opted": {
                "1.0": Dist(("alpha<2; extra == 'old'", "alpha>=2; extra == 'new'"), provides_extra=("old", "new"))
            },
            "modern": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12")},
        },
        SECOND: {"engine": _releases("1.0+second", "2.0+second", wheels=_WHEELS)},
    },
)


@dataclass
class _Package:
    """One project of a workspace, or a folder that one requires."""

    name: str
    dependencies: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Items as TOML has them."""
    conflicts: list[list[str]] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    tool: list[str] = field(default_factory=list)
    builds: bool = False
    pythons: str = ">=3.11"
    version: str = '"1.0"'

    def text(self, indexes: str = "", more: str = "") -> str:
        def listed(items: list[str]) -> str:
            return f"[{', '.join(items)}]"

        lines = ["[project]", f'name = "{self.name}"', f"version = {self.version}"]
        lines += [f'requires-python = "{self.pythons}"'] if self.pythons else []
        lines += [f"dependencies = {listed(self.dependencies)}"]
        lines += ["[project.optional-dependencies]"] if self.extras else []
        lines += [f"{extra} = {listed(items)}" for extra, items in self.extras.items()]
        lines += ["[dependency-groups]"] if self.groups else []
        lines += [f"{group} = {listed(items)}" for group, items in self.groups.items()]
        lines += ["[tool.uv]", *self.tool]
        lines += [f"conflicts = {listed([listed(items) for items in self.conflicts])}"] if self.conflicts else []
        lines += ["[tool.uv.sources]"] if self.sources else []
        lines += [f"{name} = {source}" for name, source in self.sources.items()]
        lines += ['[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"'] if self.builds else []
        return "\n".join([*lines, more, indexes]) + "\n"


@dataclass(frozen=True)
class SmallProject:
    """The files of a project by their path, and what can be chosen of it."""

    files: dict[str, str]
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    members: tuple[str, ...]

    def choices(self) -> Iterator[tuple[str, ...]]:
        """What `uv sync` may be asked for: nothing, each choice, each pair, each group alone, each member."""
        single = [("--extra", extra) for extra in self.extras] + [("--group", group) for group in self.groups]
        yield ()
        yield from single
        yield from ((*one, *other) for one, other in combinations(single, 2))
        yield from (("--only-group", group) for group in self.groups)
        yield from (("--package", member) for member in self.members)
        if self.members:
            yield ("--all-packages",)


def small_project(seed: int, second: str) -> SmallProject:
    """Draws a project.

    Args:
        second: the address of the index that only sources name.
    """
    chance = random.Random(seed)
    root = _Package("demo", pythons=chance.choice([">=3.11", ">=3.11,<3.14", ">=3.10", ""]))
    required = ['"alpha"', '"gamma"', '"metrics"', '"modern"', "\"delta; sys_platform == 'linux'\""]
    root.dependencies = _some(chance, required)
    root.builds = chance.random() < 0.3
    members = _members(chance, root)
    _choices(chance, root)
    _sources(chance, root)
    _conflicts(chance, root, members)
    _settings(chance, root)
    folders = {"member": members, "beside": []}
    if chance.random() < 0.3:
        folders["beside"] = [_beside(chance, root)]
    indexes = f'[[tool.uv.index]]\nname = "second"\nurl = "{second}"\nexplicit = true'
    workspace = '[tool.uv.workspace]\nmembers = ["member/*"]' if members else ""
    files = {"pyproject.toml": root.text(indexes, workspace)}
    for place, packages in folders.items():
        files |= {f"{place}/{package.name}/pyproject.toml": package.text() for package in packages}
    for package in (root, *members, *folders["beside"]):
        if package.builds:
            place = next((f"{p}/{package.name}/" for p, found in folders.items() if package in found), "")
            files[f"{place}src/{package.name}/__init__.py"] = ""
    return SmallProject(files, tuple(root.extras), tuple(root.groups), tuple(member.name for member in members))


def _some(chance: random.Random, items: list[str]) -> list[str]:
    return chance.sample(items, chance.randint(0, min(3, len(items))))


def _members(chance: random.Random, root: _Package) -> list[_Package]:
    members = [_Package(name) for name in ("core", "plug")[: chance.choice([0, 0, 1, 2])]]
    for member in members:
        member.builds = chance.random() < 0.5
        member.dependencies = _some(chance, ['"beta"', '"delta"', '"alpha"'])
        member.groups = {"check": ['"opted[old]"']} if chance.random() < 0.2 else {}
        if chance.random() < 0.5:
            member.extras = {"old": ['"alpha<3"'], "new": ['"alpha>=3"']}
            if chance.random() < 0.7:
                member.conflicts = [['{ extra = "old" }', '{ extra = "new" }']]
        if chance.random() < 0.6:
            wanted = f"[{chance.choice(['old', 'new'])}]" if member.extras and chance.random() < 0.6 else ""
            root.dependencies.append(f'"{member.name}{wanted}"')
            root.sources[member.name] = "{ workspace = true }"
    if len(members) == 2 and chance.random() < 0.5:
        wanted = f"[{chance.choice(['old', 'new'])}]" if members[0].extras else ""
        members[1].dependencies.append(f'"core{wanted}"')
        members[1].sources["core"] = "{ workspace = true }"
    elif members and chance.random() < 0.2 and '"core"' not in root.dependencies and "core" not in root.sources:
        members[0].dependencies.append('"demo"')
        members[0].sources["demo"] = "{ workspace = true }"
    return members


def _choices(chance: random.Random, root: _Package) -> None:
    kinds = {
        "cpu": ['"engine<2"'],
        "gpu": ['"engine>=2"'],
        "tools": _some(chance, ['"delta<1.1"', '"opted[new]"', '"beta"']),
    }
    root.extras = {name: kinds[name] for name in chance.sample(list(kinds), chance.randint(0, 3))}
    if root.extras and chance.random() < 0.4:
        inner = chance.choice(list(root.extras))
        marker = chance.choice(["", "; sys_platform == 'linux'"])
        root.extras["all"] = [f'"demo[{inner}]{marker}"', *_some(chance, ['"delta"'])]
    groups = {
        "lint": ['"alpha<3"', '"delta"'],
        "docs": ['"alpha>=3"'],
        "dev": [*_some(chance, ['"delta"']), *(['{ include-group = "lint" }'] if chance.random() < 0.5 else [])],
    }
    names = chance.sample(list(groups), chance.randint(0, 3))
    root.groups = {name: groups[name] for name in names}
    if "dev" in root.groups and "lint" not in root.groups:
        root.groups["dev"] = ['"delta"']
    if root.groups and root.extras and chance.random() < 0.25:
        root.groups["self"] = [f'"demo[{chance.choice(list(root.extras))}]"']


def _sources(chance: random.Random, root: _Package) -> None:
    scoped = [extra for extra in ("cpu", "gpu") if extra in root.extras]
    if scoped and chance.random() < 0.5:
        extra = chance.choice(scoped)
        marker = chance.choice(["", ", marker = \"sys_platform == 'linux'\""])
        root.sources["engine"] = f'[{{ index = "second", extra = "{extra}"{marker} }}]'
    elif chance.random() < 0.2:
        root.dependencies.append('"engine"')
        root.sources["engine"] = '{ index = "second" }'


def _conflicts(chance: random.Random, root: _Package, members: list[_Package]) -> None:
    pairs = []
    if {"cpu", "gpu"} <= root.extras.keys():
        pairs.append(['{ extra = "cpu" }', '{ extra = "gpu" }'])
    if {"lint", "docs"} <= root.groups.keys():
        pairs.append(['{ group = "lint" }', '{ group = "docs" }'])
    root.conflicts = pairs
    if "lint" in root.groups and chance.random() < 0.3:
        root.conflicts = [*pairs, ['{ package = "demo" }', '{ group = "lint" }']]
    if "docs" in root.groups and "tools" in root.extras and chance.random() < 0.2:
        root.conflicts = [*root.conflicts, ['{ extra = "tools" }', '{ group = "docs" }']]
    if len(members) > 1 and chance.random() < 0.15:
        root.conflicts = [*root.conflicts, [f'{{ package = "{member.name}" }}' for member in members]]


def _settings(chance: random.Random, root: _Package) -> None:
    kinds = [
        "environments = [\"sys_platform == 'linux'\", \"sys_platform == 'darwin'\"]",
        'constraint-dependencies = ["delta<2"]',
        'override-dependencies = ["delta==1.0"]',
        "default-groups = []",
        'resolution = "lowest-direct"',
        'prerelease = "allow"',
        'fork-strategy = "fewest"',
    ]
    root.tool = [kind for kind in kinds if chance.random() < 0.12]


def _beside(chance: random.Random, root: _Package) -> _Package:
    package = _Package("near", ['"beta"'], groups={"test": ['"delta"']} if chance.random() < 0.5 else {})
    package.extras = {"more": ['"alpha"']} if chance.random() < 0.5 else {}
    package.builds = chance.random() < 0.5
    root.dependencies.append('"near[more]"' if package.extras and chance.random() < 0.5 else '"near"')
    root.sources["near"] = f'{{ path = "beside/near"{chance.choice(["", ", editable = true", ", package = false"])} }}'
    return package
