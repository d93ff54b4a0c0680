"""The grid of platforms: which there are, as places on four axes, and the Pythons that a comparison can tell apart.

An axis has a place for each value that is known or asked for, and *other* for the rest; an environment has one place on
each. What is asked of ``platform_release``, ``platform_version`` and ``implementation_version`` is on no axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "AXES",
    "MINORS",
    "OPAQUE",
    "VARIABLES",
    "Grid",
    "Python",
    "grid_of",
    "neighbours",
    "python_text",
    "words_in",
]

Python: TypeAlias = tuple[int, int, int]
"""A final release."""

AXES = ("python", "platform", "implementation", "machine")
OPAQUE = ("platform_release", "platform_version", "implementation_version")
"""Variables of which nothing is known."""
VARIABLES = {
    "os_name": (1, 0),
    "sys_platform": (1, 1),
    "platform_system": (1, 2),
    "implementation_name": (2, 0),
    "platform_python_implementation": (2, 1),
    "platform_machine": (3, 0),
}
"""The string variables, each with its axis, and its column there."""
MINORS: tuple[Python, ...] = ((2, 6, 0), (2, 7, 0), *((3, minor, 0) for minor in range(41)), (4, 0, 0))
"""Every minor release that a marker can tell apart; a later Python behaves as the last of its major."""

_OTHER = "other"
# os_name, sys_platform and platform_system speak of one thing; these are the triples that occur.
_PLATFORMS = (
    ("posix", "linux", "Linux"),
    ("nt", "win32", "Windows"),
    ("posix", "darwin", "Darwin"),
    ("posix", "cygwin", "CYGWIN_NT"),
    ("posix", "android", "Android"),
    ("posix", "ios", "iOS"),
    ("posix", "emscripten", "Emscripten"),
    ("posix", "wasi", "WASI"),
    ("posix", "aix", "AIX"),
    ("java", "java", "Java"),
)
# Python 2 spelled its Linux with the kernel's version; no Python 3 does.
_GONE = frozenset(("linux2", "linux3"))
_IMPLEMENTATIONS = (("cpython", "CPython"), ("pypy", "PyPy"), ("graalpy", "GraalVM"))
_MACHINES = ("x86_64", "aarch64", "arm64", "AMD64")
# Each platform spells its machines in its own way; these spellings of others never occur on it.
_NEVER_ON = {
    "linux": frozenset(("AMD64", "amd64", "ARM64", "arm64", "x86", "Power Macintosh")),
    "win32": frozenset(("x86_64", "aarch64", "i386", "i686", "armv6l", "armv7l", "ppc64", "ppc64le", "s390x",
                        "riscv64", "loongarch64", "Power Macintosh")),
    "darwin": frozenset(("AMD64", "amd64", "ARM64", "aarch64", "i686", "x86", "armv6l", "armv7l", "ppc64le", "s390x",
                         "riscv64", "loongarch64")),
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """The platforms that some questions can tell apart, as a product of four axes."""

    pythons: tuple[Python, ...]
    """The first release of each run of Pythons."""
    platforms: tuple[tuple[str, str, str], ...]
    implementations: tuple[tuple[str, str], ...]
    machines: tuple[tuple[str], ...]

    @property
    def axes(self) -> tuple[int, int, int, int]:
        """How many places each axis has."""
        return len(self.pythons), len(self.platforms), len(self.implementations), len(self.machines)

    def rows(self, axis: int) -> tuple[tuple[str, ...], ...]:
        """What the variables of an axis other than that of the Pythons say in each of its places."""
        rows: tuple[tuple[tuple[str, ...], ...], ...] = (self.platforms, self.implementations, self.machines)
        return rows[axis - 1]

    def places(self, variable: str, holds: Callable[[str], bool]) -> tuple[int, tuple[int, ...]]:
        """The axis of a string variable, and the places on it where its value is one of those asked for."""
        axis, column = VARIABLES[variable]
        return axis, tuple(place for place, row in enumerate(self.rows(axis)) if holds(row[column]))

    def phantoms(self) -> list[tuple[int, int]]:
        """Places on the axes of platforms and machines that never occur together."""
        return [
            (i, j)
            for i, platform in enumerate(self.platforms)
            for j, (machine,) in enumerate(self.machines)
            if machine in _NEVER_ON.get(platform[1], ())
        ]

    def variables(self, places: tuple[int, int, int, int]) -> dict[str, str]:
        """The marker variables of one environment."""
        python, (os_name, sys_platform, platform_system) = self.pythons[places[0]], self.platforms[places[1]]
        (implementation, spelled), (machine,) = self.implementations[places[2]], self.machines[places[3]]
        return {
            "implementation_name": implementation,
            "implementation_version": python_text(python),
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": spelled,
            "platform_release": "",
            "platform_system": platform_system,
            "platform_version": "",
            "python_full_version": python_text(python),
            "python_version": python_text(python, "python_version"),
            "sys_platform": sys_platform,
        }


def grid_of(pythons: tuple[Python, ...], words: Mapping[str, set[str]]) -> Grid:
    """The coarsest grid that tells these Pythons apart, and these values of string variables from all others."""
    return Grid(pythons, _platforms(words), _implementations(words), _machines(words))


def words_in(text: str) -> list[str]:
    """The values that a constant lists, as in ``sys_platform in 'linux, darwin'``."""
    return text.replace(",", " ").split()


def python_text(python: Python, variable: str = "python_full_version") -> str:
    """The value of a marker variable in this Python."""
    return ".".join(map(str, python if variable == "python_full_version" else python[:2]))


def neighbours(text: str) -> tuple[Python, ...]:
    """The releases where a comparison with this version can change its answer; none where it has no number."""
    numbers: list[int] = []
    for part in text.removeprefix("v").removesuffix(".*").split("."):
        digits = part[: next((i for i, c in enumerate(part) if c not in "0123456789"), len(part))]
        if not digits or len(digits) > 9:
            break
        numbers.append(int(digits))
        if len(digits) < len(part):
            break
    if not numbers:
        return ()
    major, minor, micro = (*numbers, 0, 0)[:3]
    return ((major, minor, micro), (major, minor, micro + 1), (major, minor + 1, 0), (major + 1, 0, 0))


def _platforms(words: Mapping[str, set[str]]) -> tuple[tuple[str, str, str], ...]:
    known = [{row[column] for row in _PLATFORMS} | {_OTHER} | _GONE for column in range(3)]
    new = [sorted(words[v] - known[c]) for c, v in enumerate(("os_name", "sys_platform", "platform_system"))]
    rows = [*_PLATFORMS]
    rows += [(name, _OTHER, _OTHER) for name in new[0]]
    rows += [("posix", name, _OTHER) for name in new[1]]
    rows += [("posix", _OTHER, name) for name in new[2]]
    rows += [("posix", one, two) for one in new[1] for two in new[2]]
    rows += [("posix", _OTHER, _OTHER), (_OTHER, _OTHER, _OTHER)]
    return tuple(dict.fromkeys(rows))


def _implementations(words: Mapping[str, set[str]]) -> tuple[tuple[str, str], ...]:
    rows = [*_IMPLEMENTATIONS]
    known = [{row[column] for row in _IMPLEMENTATIONS} | {_OTHER} for column in range(2)]
    rows += [(name, _OTHER) for name in sorted(words["implementation_name"] - known[0])]
    rows += [(_OTHER, name) for name in sorted(words["platform_python_implementation"] - known[1])]
    return (*rows, (_OTHER, _OTHER))


def _machines(words: Mapping[str, set[str]]) -> tuple[tuple[str], ...]:
    new = sorted(words["platform_machine"] - {*_MACHINES, _OTHER})
    return tuple((machine,) for machine in (*_MACHINES, *new, _OTHER))
