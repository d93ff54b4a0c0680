"""The finite environments of an obligation: four axes, on each of which an environment has exactly one place.

An axis has a place for every value that the lock's markers can tell apart, and *other* for the rest. The Pythons are
final releases; those that no marker tells apart share a place, named after the first of them. What is asked of
``platform_release``, ``platform_version`` and ``implementation_version`` is opaque: each question is free.

``docs/proofs.md`` states these rules; ``satlock check`` implements them a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet

from satlock.solver.lockfiles.model import Comparison, LockfileError

__all__ = ["AXES", "Axes", "Python", "axes_of", "is_opaque", "python_text", "true_of"]

Python: TypeAlias = tuple[int, int, int]

AXES = ("python", "platform", "implementation", "machine")
OTHER = "other"
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
_IMPLEMENTATIONS = (("cpython", "CPython"), ("pypy", "PyPy"), ("graalpy", "GraalVM"))
_MACHINES = ("x86_64", "aarch64", "arm64", "AMD64")
# Python 2 spelled its Linux with the kernel's version; no Python 3 does.
_GONE = frozenset(("linux2", "linux3"))
# Each platform spells its machines in its own way; these spellings of others never occur on it.
_NEVER_ON = {
    "linux": ("AMD64", "amd64", "ARM64", "arm64", "x86", "Power Macintosh"),
    "win32": ("x86_64", "aarch64", "i386", "i686", "armv6l", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64",
              "loongarch64", "Power Macintosh"),
    "darwin": ("AMD64", "amd64", "ARM64", "aarch64", "i686", "x86", "armv6l", "armv7l", "ppc64le", "s390x", "riscv64",
               "loongarch64"),
}  # fmt: skip
_COLUMNS = {
    "os_name": (1, 0),
    "sys_platform": (1, 1),
    "platform_system": (1, 2),
    "implementation_name": (2, 0),
    "platform_python_implementation": (2, 1),
    "platform_machine": (3, 0),
}
_PYTHONS = ("python_version", "python_full_version")
_OPAQUE = ("platform_release", "platform_version", "implementation_version")
_MINORS: tuple[Python, ...] = ((2, 6, 0), (2, 7, 0), *((3, minor, 0) for minor in range(41)), (4, 0, 0))
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def is_opaque(comparison: Comparison) -> bool:
    """Whether nothing is known of what the comparison asks."""
    return comparison.variable in _OPAQUE


def python_text(python: Python, variable: str = "python_full_version") -> str:
    """The value of a marker variable in this Python."""
    return ".".join(map(str, python if variable == "python_full_version" else python[:2]))


@lru_cache(maxsize=65536)
def _version_true(operator: str, text: str, value: str) -> bool:
    try:
        return Specifier(operator + text).contains(value, prereleases=True)
    except InvalidSpecifier:
        return operator == "!="


def true_of(comparison: Comparison, value: str) -> bool:
    """Whether the comparison holds where its variable has this value."""
    operator, text = comparison.operator, comparison.text
    if operator in ("in", "not in"):
        inside = text in value if comparison.reversed else value in text
        return inside == (operator == "in")
    if comparison.variable in _PYTHONS:
        return _version_true(_MIRRORED.get(operator, operator) if comparison.reversed else operator, text, value)
    if operator == "!=":
        return value != text
    # PEP 508 gives strings no order: "<" and ">" never hold, the others are equality.
    return value == text and operator in ("==", "===", "<=", ">=")


@dataclass(frozen=True)
class Axes:
    """The environments, as places on four axes."""

    pythons: tuple[Python, ...]
    platforms: tuple[tuple[str, str, str], ...]
    implementations: tuple[tuple[str, str], ...]
    machines: tuple[tuple[str], ...]
    _places: dict[Comparison, tuple[int, frozenset[int]]] = field(default_factory=dict)

    def size(self, axis: int) -> int:
        return len((self.pythons, self.platforms, self.implementations, self.machines)[axis])

    def label(self, axis: int, place: int) -> str:
        """The name of a place, e.g. ``platform posix linux Linux``."""
        rows: tuple[tuple[str, ...], ...] = (self.platforms, self.implementations, self.machines)[axis - 1]
        shown = python_text(self.pythons[place]) if axis == 0 else " ".join(rows[place])
        return f"{AXES[axis]} {shown}"

    def places(self, comparison: Comparison) -> tuple[int, frozenset[int]]:
        """The axis of a comparison, and the places on it where it holds."""
        found = self._places.get(comparison)
        if found is None:
            found = self._places[comparison] = self._find(comparison)
        return found

    def _find(self, comparison: Comparison) -> tuple[int, frozenset[int]]:
        variable = comparison.variable
        if variable in _PYTHONS:
            texts = [python_text(python, variable) for python in self.pythons]
            return 0, frozenset(i for i, text in enumerate(texts) if true_of(comparison, text))
        axis, column = _COLUMNS[variable]
        rows: tuple[tuple[str, ...], ...] = (self.platforms, self.implementations, self.machines)[axis - 1]
        return axis, frozenset(i for i, row in enumerate(rows) if true_of(comparison, row[column]))

    def impossible(self) -> list[tuple[int, int]]:
        """Places on the axes of platforms and machines that never occur together."""
        return [
            (i, j)
            for i, platform in enumerate(self.platforms)
            for j, (machine,) in enumerate(self.machines)
            if machine in _NEVER_ON.get(platform[1], ())
        ]

    def variables(self, places: tuple[int, int, int, int]) -> dict[str, str]:
        """The marker variables of one environment."""
        python, platform = self.pythons[places[0]], self.platforms[places[1]]
        implementation, (machine,) = self.implementations[places[2]], self.machines[places[3]]
        return {
            "implementation_name": implementation[0],
            "implementation_version": python_text(python),
            "os_name": platform[0],
            "platform_machine": machine,
            "platform_python_implementation": implementation[1],
            "platform_release": "",
            "platform_system": platform[2],
            "platform_version": "",
            "python_full_version": python_text(python),
            "python_version": python_text(python, "python_version"),
            "sys_platform": platform[1],
        }


def axes_of(comparisons: Iterable[Comparison], requires_python: str, *, minors_apart: bool = False) -> Axes:
    """The axes that these comparisons call for.

    ``minors_apart`` gives each minor release of Python a place of its own, as what asks for wheels needs it.

    Raises:
        LockfileError: where ``requires-python`` leaves no Python, or a comparison asks for what no such lock can.
    """
    asked = list(dict.fromkeys(comparisons))
    words: dict[str, set[str]] = {variable: set() for variable in (*_COLUMNS, *_PYTHONS)}
    for comparison in asked:
        if comparison.variable in words:
            text = comparison.text
            listed = comparison.operator in ("in", "not in") and not comparison.reversed
            words[comparison.variable].update(text.replace(",", " ").split() if listed else (text,))
        elif not is_opaque(comparison):
            raise LockfileError(
                f"The lock has the marker {str(comparison)[:100]!r}, which asks for {comparison.variable}."
            )
    return Axes(
        _pythons([c for c in asked if c.variable in _PYTHONS], words, SpecifierSet(requires_python), minors_apart),
        _platforms(words),
        _implementations(words),
        tuple((m,) for m in (*_MACHINES, *sorted(words["platform_machine"] - {*_MACHINES, OTHER}), OTHER)),
    )


def _pythons(
    asked: list[Comparison], words: Mapping[str, set[str]], admitted: SpecifierSet, minors_apart: bool
) -> tuple[Python, ...]:
    points = set(_MINORS)
    for text in (*words["python_version"], *words["python_full_version"], *(s.version for s in admitted)):
        points.update(_neighbours(text))
    groups: dict[tuple[object, ...], Python] = {}
    for point in sorted(points):
        full, short = python_text(point), python_text(point, "python_version")
        if admitted.contains(full, prereleases=True):
            answers = tuple(true_of(c, short if c.variable == "python_version" else full) for c in asked)
            groups.setdefault((answers, point[:2] if minors_apart else None), point)
    if not groups:
        raise LockfileError("The lock's requires-python leaves no Python.")
    return tuple(sorted(groups.values()))


def _neighbours(text: str) -> tuple[Python, ...]:
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
    known = [{row[column] for row in _PLATFORMS} | {OTHER} | _GONE for column in range(3)]
    new = [sorted(words[v] - known[c]) for c, v in enumerate(("os_name", "sys_platform", "platform_system"))]
    rows = [*_PLATFORMS]
    rows += [(name, OTHER, OTHER) for name in new[0]]
    rows += [("posix", name, OTHER) for name in new[1]]
    rows += [("posix", OTHER, name) for name in new[2]]
    rows += [("posix", one, two) for one in new[1] for two in new[2]]
    rows += [("posix", OTHER, OTHER), (OTHER, OTHER, OTHER)]
    return tuple(dict.fromkeys(rows))


def _implementations(words: Mapping[str, set[str]]) -> tuple[tuple[str, str], ...]:
    rows = [*_IMPLEMENTATIONS]
    known = [{row[column] for row in _IMPLEMENTATIONS} | {OTHER} for column in range(2)]
    rows += [(name, OTHER) for name in sorted(words["implementation_name"] - known[0])]
    rows += [(OTHER, name) for name in sorted(words["platform_python_implementation"] - known[1])]
    return (*rows, (OTHER, OTHER))
