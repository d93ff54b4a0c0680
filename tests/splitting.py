"""Random small worlds that need packages to be split: the cases in which resolvers that fork too little give up.

In each, several askers want one package in versions that exclude each other, kept apart by markers, by extras and
groups that conflict, or by the Pythons that its releases need; who asks is a package, an extra of a package, the end of
a chain, or the project itself. Some are kept apart badly, so that some worlds have no lock.

``splitting_worlds()`` is a strategy, ``splitting_world(seed)`` the same without hypothesis.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st

from tests.strategies import Dice, toml
from tests.world import DEFAULT, Dist, World

__all__ = ["splitting_world", "splitting_worlds"]

VERSIONS = ("1.0", "2.0", "3.0", "4.0")
PARTITIONS = (
    ("sys_platform == 'linux'", "sys_platform != 'linux'"),
    ("sys_platform == 'linux'", "sys_platform == 'darwin'", "sys_platform == 'win32'"),
    ("os_name == 'nt'", "platform_system != 'Windows'"),
    ("python_version < '3.12'", "python_version >= '3.12'"),
    ("python_version < '3.12'", "python_version == '3.12'", "python_version > '3.12'"),
    ("python_full_version < '3.12.1'", "python_full_version >= '3.12.1'"),
    ("'3.12' <= python_version", "python_version in '3.10 3.11'"),
    ("platform_machine == 'x86_64'", "platform_machine != 'x86_64'"),
    (
        "platform_machine == 'x86_64' or sys_platform == 'win32'",
        "platform_machine != 'x86_64' and sys_platform != 'win32'",
    ),
    (
        "sys_platform == 'linux' and python_version < '3.12'",
        "sys_platform == 'linux' and python_version >= '3.12'",
        "sys_platform != 'linux'",
    ),
)
"""Sets of markers of which at most one holds anywhere."""
LADDERS = (
    (None, None, ">=3.12", ">=3.13"),
    (None, ">=3.12", ">=3.13", ">=3.14"),
    (">=3.11", ">=3.11.1", ">=3.12", None),
    (None, None, None, ">=3.12"),
)
"""What each version of a package needs of Python."""
CPU, CU = "https://index.example/whl/cpu", "https://index.example/whl/cu"


@st.composite
def splitting_worlds(draw: st.DrawFn) -> World:
    return _Draw(Dice(lambda low, high: draw(st.integers(low, high)))).world()


def splitting_world(seed: int) -> World:
    return _Draw(Dice(random.Random(seed).randint)).world()


class _Draw:
    """``t`` and ``u`` are fought over, ``a`` to ``d`` ask for them."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.targets = ["t", "u"][: dice.number(1, 2)]
        self.askers = ["a", "b", "c", "d"][: dice.number(2, 4)]
        self.requires: dict[str, list[str]] = {name: [] for name in self.askers}
        self.extras: dict[str, list[str]] = {"cpu": [], "cu": [], "docs": []}
        self.groups: dict[str, list[str]] = {"dev": []}
        self.dependencies: list[str] = []
        self.conflicts: list[list[dict[str, str]]] = []
        self.pinned: str | None = None
        self.ladders: set[str] = set()

    def world(self) -> World:
        for target in self.targets:
            shape = self.dice.pick(("markers", "markers", "markers", "conflict", "conflict", "ladder"))
            {"markers": self._by_markers, "conflict": self._by_conflict, "ladder": self._by_python}[shape](target)
        self._chains()
        return World(self._pyproject(), self._indexes())

    # Who asks for what

    def _by_markers(self, target: str) -> None:
        markers = list(self.dice.pick(PARTITIONS))
        for marker, wanted in zip(markers, self._exclusive(len(markers)), strict=True):
            loose = self.dice.chance(8)
            self._ask(f"{target}{wanted}", "" if loose else marker)

    def _by_conflict(self, target: str) -> None:
        """Extras or groups that are never installed together want what excludes each other; the rest wants anything."""
        rivals = self.dice.some([("extra", "cpu"), ("extra", "cu"), ("extra", "docs"), ("group", "dev")], 2, 3)
        separated = self.dice.chance(90)
        if separated:
            self.conflicts.append([{kind: name} for kind, name in rivals])
        for (kind, name), wanted in zip(rivals, self._exclusive(len(rivals)), strict=True):
            listed = (self.extras if kind == "extra" else self.groups)[name]
            if self.dice.chance(50):
                listed.append(f"{target}{wanted}")
            else:
                asker = self.dice.pick(self.askers)
                self.requires[asker].append(f"{target}{wanted} ; extra == '{name}'")
                listed.append(f"{asker}[{name}]")
        if self.dice.chance(60):
            self._ask(target, "")
        if rivals == [("extra", "cpu"), ("extra", "cu")] and separated and self.dice.chance(50):
            self.pinned = target

    def _by_python(self, target: str) -> None:
        self.ladders.add(target)
        self._ask(self.dice.pick((target, f"{target}>=2", f"{target}<4")), "")
        if self.dice.chance(50):
            self._ask(f"{target}{self.dice.pick(('<3', '!=3.0', '>=3'))}", self.dice.pick(PARTITIONS[3]))

    def _exclusive(self, count: int) -> list[str]:
        """Specifiers that no version meets two of, in any order."""
        wanted = ["<2", "==2.0", "==3.*", ">=4"] if count > 2 else [self.dice.pick(("<2", "<3")), ">=3"]
        return [wanted.pop(self.dice.number(0, len(wanted) - 1)) for _ in range(count)]

    def _ask(self, requirement: str, marker: str) -> None:
        """Has somebody ask; a marker is written at the requirement, or where the asker itself is asked for."""
        asker = self.dice.pick(self.askers)
        way = self.dice.pick(("package", "package", "package", "extra", "extra", "project", "group"))
        marked = f"{requirement} ; {marker}" if marker else requirement
        if way == "package":
            self.requires[asker].append(marked)
        elif way == "extra":
            extra = self.dice.pick(("x", "y"))
            if marker and self.dice.chance(50):
                self.requires[asker].append(f"{requirement} ; extra == '{extra}'")
                self.dependencies.append(f"{asker}[{extra}] ; {marker}")
            else:
                inner = f"({marker}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
                self.requires[asker].append(f"{requirement} ; {inner}")
                self.dependencies.append(f"{asker}[{extra}]")
        elif way == "project":
            self.dependencies.append(marked)
        else:
            self.groups["dev"].append(marked)

    def _chains(self) -> None:
        """Half of the askers are asked for by the project, the others by an asker before them, some by both."""
        for place, asker in enumerate(self.askers):
            if place == 0 or self.dice.chance(60):
                self.dependencies.append(asker)
            if place and self.dice.chance(50):
                before = self.dice.pick(self.askers[:place])
                marker = f" ; {self.dice.pick(self.dice.pick(PARTITIONS))}" if self.dice.chance(25) else ""
                self.requires[before].append(f"{asker}{marker}")
        if self.dice.chance(10):
            self.requires[self.askers[-1]].append(self.askers[0])

    # What there is

    def _indexes(self) -> dict[str, dict[str, dict[str, Dist]]]:
        dice = self.dice
        indexes: dict[str, dict[str, dict[str, Dist]]] = {DEFAULT: {name: self._asker(name) for name in self.askers}}
        for target in self.targets:
            ladder = dice.pick(LADDERS) if target in self.ladders or dice.chance(8) else (None,) * 4
            coupled = target == "t" and "u" in self.targets and dice.chance(20)
            indexes[DEFAULT][target] = {
                version: Dist(
                    requires_dist=(f"u{dice.pick(('==', '<=', '>='))}{version}",) if coupled else (),
                    requires_python=ladder[place],
                )
                for place, version in enumerate(VERSIONS)
            }
        if self.pinned is not None:
            for url, label in ((CPU, "cpu"), (CU, "cu")):
                indexes[url] = {self.pinned: self._builds(self.pinned, label, indexes[DEFAULT][self.pinned])}
        return indexes

    def _asker(self, name: str) -> dict[str, Dist]:
        """Mostly one version; an older one may ask for less, so that going back is a way out."""
        asked = self.requires[name]
        provides = tuple(extra for extra in ("cpu", "cu", "dev", "docs", "x", "y") if f"'{extra}'" in " ".join(asked))
        found = {"2.0": Dist(tuple(asked), provides_extra=provides)}
        if self.dice.chance(30):
            found["1.0"] = Dist(tuple(self.dice.some(asked, 0, len(asked))), provides_extra=provides)
        return found

    def _builds(self, name: str, label: str, plain: dict[str, Dist]) -> dict[str, Dist]:
        """Each version as a build of its own, for some only where there is a wheel, with a plain one beside it."""
        found = {}
        for version, dist in plain.items():
            if self.dice.chance(25):
                wheels = ("py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64")
                found[f"{version}+{label}"] = Dist(dist.requires_dist, dist.requires_python, wheels=wheels)
                found[version] = Dist(dist.requires_dist, dist.requires_python, wheels=("py3-none-macosx_11_0_arm64",))
            else:
                found[f"{version}+{label}"] = dist
        return found

    def _pyproject(self) -> str:
        lines = ["[project]", 'name = "proj"', 'version = "0.1.0"']
        lines.append(f'requires-python = "{self.dice.pick((">=3.11", ">=3.11", ">=3.12", ">=3.11,<3.14"))}"')
        lines.append(f"dependencies = {toml(list(dict.fromkeys(self.dependencies)))}")
        named = {choice[kind] for members in self.conflicts for choice in members for kind in choice}
        extras = {name: asked for name, asked in self.extras.items() if asked or name in named or name == self.pinned}
        if extras:
            lines += ["[project.optional-dependencies]", *(f"{name} = {toml(asked)}" for name, asked in extras.items())]
        if self.groups["dev"] or "dev" in named:
            lines += ["[dependency-groups]", f"dev = {toml(self.groups['dev'])}"]
        lines.append("[tool.uv]")
        if self.conflicts:
            lines.append(f"conflicts = {toml(self.conflicts)}")
        if self.pinned is not None:
            sources = [{"index": label, "extra": label} for label in ("cpu", "cu")]
            lines += ["[tool.uv.sources]", f"{self.pinned} = {toml(sources)}"]
            for label, url in (("cpu", CPU), ("cu", CU)):
                lines += ["[[tool.uv.index]]", f'name = "{label}"', f'url = "{url}"', "explicit = true"]
        return "\n".join(lines) + "\n"
