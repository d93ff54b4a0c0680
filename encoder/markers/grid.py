"""The grid of platforms: which there are, as places on axes, and the Pythons that a comparison can tell apart.

An axis has a place for each value that is known or asked for, and *other* for the rest; an environment has one place on
each. ``platform_release``, ``platform_version`` and ``implementation_version`` have an axis each, with the values that
tell comparisons with them apart; whether they contain a text, or are contained in one, is on no axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from satlock.encoder.markers.ordered import Question, telling_values
from satlock.records import dataclass

__all__ = [
    "AXES",
    "MINORS",
    "ORDERED",
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

ORDERED = ("platform_release", "platform_version", "implementation_version")
"""Variables that may have any value, and whose values have an order."""
AXES = ("python", "platform", "implementation", "machine", *ORDERED)
VARIABLES = {
    "os_name": (1, 0),
    "sys_platform": (1, 1),
    "platform_system": (1, 2),
    "implementation_name": (2, 0),
    "platform_python_implementation": (2, 1),
    "platform_machine": (3, 0),
    **{variable: (axis, 0) for axis, variable in enumerate(ORDERED, 4)},
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
_KNOWN_WORDS = frozenset(("linux2", "linux3", _OTHER, *(word.lower() for row in _PLATFORMS for word in row)))
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
    """The platforms that some questions can tell apart, as a product of axes."""

    pythons: tuple[Python, ...]
    """The first release of each run of Pythons."""
    platforms: tuple[tuple[str, str, str], ...]
    implementations: tuple[tuple[str, str], ...]
    machines: tuple[tuple[str], ...]
    ordered: tuple[tuple[tuple[str], ...], ...]
    """The places of each variable of :data:`ORDERED`."""

    @property
    def axes(self) -> tuple[int, ...]:
        """How many places each axis has."""
        return tuple(map(len, (self.pythons, self.platforms, self.implementations, self.machines, *self.ordered)))

    @property
    def asked(self) -> tuple[int, ...]:
        """The axes but for those of ordered variables whose values nothing tells apart."""
        return tuple(axis for axis, size in enumerate(self.axes) if size > 1 or AXES[axis] not in ORDERED)

    def rows(self, axis: int) -> tuple[tuple[str, ...], ...]:
        """What the variables of an axis other than that of the Pythons say in each of its places."""
        rows: tuple[tuple[tuple[str, ...], ...], ...]
        rows = (self.platforms, self.implementations, self.machines, *self.ordered)
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

    def variables(self, places: Sequence[int]) -> dict[str, str]:
        """The marker variables of one environment."""
        python, (os_name, sys_platform, platform_system) = self.pythons[places[0]], self.platforms[places[1]]
        (implementation, spelled), (machine,) = self.implementations[places[2]], self.machines[places[3]]
        (release,), (version,), (own,) = (rows[place] for rows, place in zip(self.ordered, places[4:], strict=True))
        return {
            "implementation_name": implementation,
            "implementation_version": own if len(self.ordered[2]) > 1 else python_text(python),
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": spelled,
            "platform_release": release,
            "platform_system": platform_system,
            "platform_version": version,
            "python_full_version": python_text(python),
            "python_version": python_text(python, "python_version"),
            "sys_platform": sys_platform,
        }


def grid_of(
    pythons: tuple[Python, ...], words: Mapping[str, set[str]], asked: Mapping[str, Iterable[Question]]
) -> Grid:
    """The coarsest grid that tells these Pythons apart, these values of string variables from all others, and the
    answers to these questions about variables that have an order."""
    ordered = tuple(tuple((value,) for value in telling_values(asked.get(variable, ()))) for variable in ORDERED)
    return Grid(pythons, _platforms(words), _implementations(words), _machines(words), ordered)


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
    """All that are known, and each further Unix: a system that runs Python calls itself posix, nt or java.

    A known word in other letters, or of another variable (``sys_platform == 'Windows'``), is no further system.
    """
    names, systems = (
        [*sorted(word for word in words[variable] if word.lower() not in _KNOWN_WORDS), _OTHER]
        for variable in ("sys_platform", "platform_system")
    )
    return (*_PLATFORMS, *(("posix", name, system) for name in names for system in systems))


def _implementations(words: Mapping[str, set[str]]) -> tuple[tuple[str, str], ...]:
    known = [{row[column] for row in _IMPLEMENTATIONS} | {_OTHER} for column in range(2)]
    names = [*sorted(words["implementation_name"] - known[0]), _OTHER]
    spelled = [*sorted(words["platform_python_implementation"] - known[1]), _OTHER]
    return (*_IMPLEMENTATIONS, *((one, two) for one in names for two in spelled))


def _machines(words: Mapping[str, set[str]]) -> tuple[tuple[str], ...]:
    new = sorted(words["platform_machine"] - {*_MACHINES, _OTHER})
    return tuple((machine,) for machine in (*_MACHINES, *new, _OTHER))
