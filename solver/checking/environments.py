"""The finite environments of an obligation, worked out a second time by the rules of ``docs/proofs.md``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from satlock.solver.checking import ordered
from satlock.solver.checking.markers import Bad, Is, holds, is_opaque, version_test

__all__ = ["Cells", "Row", "admits", "cells_of"]

_KNOWN = [
    "posix linux Linux", "nt win32 Windows", "posix darwin Darwin", "posix cygwin CYGWIN_NT", "posix android Android",
    "posix ios iOS", "posix emscripten Emscripten", "posix wasi WASI", "posix aix AIX", "java java Java",
]  # fmt: skip
_NEVER = {
    "linux": "AMD64|amd64|ARM64|arm64|x86|Power Macintosh",
    "win32": "x86_64|aarch64|i386|i686|armv6l|armv7l|ppc64|ppc64le|s390x|riscv64|loongarch64|Power Macintosh",
    "darwin": "AMD64|amd64|ARM64|aarch64|i686|x86|armv6l|armv7l|ppc64le|s390x|riscv64|loongarch64",
}
_AXIS = {
    "python_version": ("python", 0), "python_full_version": ("python", 1), "os_name": ("platform", 0),
    "sys_platform": ("platform", 1), "platform_system": ("platform", 2), "implementation_name": ("implementation", 0),
    "platform_python_implementation": ("implementation", 1), "platform_machine": ("machine", 0),
    **{variable: (variable, 0) for variable in ordered.VARIABLES},
}  # fmt: skip

Row = tuple[str, ...]

_MOST = 256
"""Values of one variable that markers may name; of those that have an order, a quarter of that."""


class Cells:
    """For each axis its places; each place is a row of the values that marker variables have there."""

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self.every = rows
        self.rows = {axis: known for axis, known in rows.items() if len(known) > 1 or axis not in ordered.VARIABLES}
        """Without the axes of variables of which nothing tells two values apart."""

    def label(self, axis: str, row: Row) -> str:
        """A place as the legend calls it."""
        return f"{axis} {self.value_at(axis, row)}"

    def value_at(self, axis: str, row: Row) -> str:
        """A place as a certificate names it where the axis is said already."""
        return row[1] if axis == "python" else " ".join(row)

    def where(self, leaf: Is) -> tuple[str, list[Row]]:
        """The axis of a comparison, and the places where it holds."""
        if leaf.variable not in _AXIS:
            raise Bad(f"the lockfile has a marker on {leaf.variable}, which cannot be asked there")
        axis, column = _AXIS[leaf.variable]
        return axis, [row for row in self.every[axis] if holds(leaf, row[column])]

    def impossible(self) -> list[tuple[Row, Row]]:
        return [
            (platform, machine)
            for platform in self.rows["platform"]
            for machine in self.rows["machine"]
            if machine[0] in _NEVER.get(platform[1], "").split("|")
        ]

    def value(self, leaf: Is, places: Mapping[str, Row]) -> bool:
        """Whether a comparison holds in one environment."""
        axis, column = _AXIS[leaf.variable]
        row = places[axis] if axis in places else self.every[axis][0]
        return holds(leaf, row[column])


def admits(specifiers: str, value: str) -> bool:
    """Whether a ``requires-python`` admits a final release."""
    for part in specifiers.split(","):
        found = re.fullmatch(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*(\S+)\s*", part)
        if part.strip() and (found is None or not version_test(found[1], found[2], value)):
            return False
    return True


def cells_of(asked: Iterable[Is], python: str, *, minors_apart: bool = False) -> Cells:
    """The cells that these comparisons call for."""
    leaves = [leaf for leaf in dict.fromkeys(asked) if not is_opaque(leaf)]
    words: dict[str, set[str]] = {}
    for leaf in leaves:
        several = leaf.operator in ("in", "not in") and not leaf.backwards
        words.setdefault(leaf.variable, set()).update(leaf.text.replace(",", " ").split() if several else [leaf.text])
    for variable, named in words.items():
        if len(named) > (_MOST // 4 if variable in ordered.VARIABLES else _MOST):
            raise Bad(f"the lockfile has markers that name {len(named)} values of {variable}")
    python_leaves = [leaf for leaf in leaves if leaf.variable.startswith("python_")]
    texts = [*words.get("python_version", ()), *words.get("python_full_version", ())]
    texts += [part.strip(" <>=!~") for part in python.split(",")]
    return Cells({
        "python": _pythons(python_leaves, texts, python, minors_apart),
        "platform": _platforms(words),
        "implementation": _implementations(words),
        "machine": _machines(words),
        **{variable: _values([leaf for leaf in leaves if leaf.variable == variable]) for variable in ordered.VARIABLES},
    })  # fmt: skip


def _values(leaves: list[Is]) -> list[Row]:
    return [(value,) for value in ordered.values_for((leaf.turned, leaf.text) for leaf in leaves)]


def _pythons(leaves: list[Is], texts: list[str], python: str, minors_apart: bool) -> list[Row]:
    points = {(2, 6, 0), (2, 7, 0), (4, 0, 0)} | {(3, minor, 0) for minor in range(41)}
    for text in texts:
        numbers = []
        for part in text.removeprefix("v").removesuffix(".*").split("."):
            found = re.match(r"[0-9]{1,9}(?![0-9])", part)
            if not found:
                break
            numbers.append(int(found[0]))
            if found[0] != part:
                break
        if numbers:
            x, y, z = [*numbers, 0, 0][:3]
            points |= {(x, y, z), (x, y, z + 1), (x, y + 1, 0), (x + 1, 0, 0)}
    first: dict[tuple[object, ...], tuple[int, int, int]] = {}
    for point in sorted(points):
        row = _row(point)
        if admits(python, row[1]):
            told = tuple(holds(leaf, row[_AXIS[leaf.variable][1]]) for leaf in leaves)
            first.setdefault((told, point[:2] if minors_apart else ()), point)
    if not first:
        raise Bad("the lockfile's requires-python leaves no Python")
    return [_row(point) for point in sorted(first.values())]


def _row(point: tuple[int, int, int]) -> Row:
    return f"{point[0]}.{point[1]}", f"{point[0]}.{point[1]}.{point[2]}"


def _new(words: dict[str, set[str]], variable: str, known: set[str]) -> list[str]:
    return sorted(words.get(variable, set()) - known - {"other"})


def _platforms(words: dict[str, set[str]]) -> list[Row]:
    rows: list[Row] = [tuple(line.split(" ")) for line in _KNOWN]
    # Whatever else a marker names is a Unix, but for what is known in other letters or by another variable.
    known = {"linux2", "linux3", "other"} | {word.lower() for row in rows for word in row}
    platforms = [name for name in sorted(words.get("sys_platform", ())) if name.lower() not in known]
    systems = [name for name in sorted(words.get("platform_system", ())) if name.lower() not in known]
    return rows + [("posix", name, system) for name in [*platforms, "other"] for system in [*systems, "other"]]


def _implementations(words: dict[str, set[str]]) -> list[Row]:
    rows: list[Row] = [("cpython", "CPython"), ("pypy", "PyPy"), ("graalpy", "GraalVM")]
    names = _new(words, "implementation_name", {row[0] for row in rows})
    spelled = _new(words, "platform_python_implementation", {row[1] for row in rows})
    return rows + [(name, word) for name in [*names, "other"] for word in [*spelled, "other"]]


def _machines(words: dict[str, set[str]]) -> list[Row]:
    usual = ["x86_64", "aarch64", "arm64", "AMD64"]
    return [(name,) for name in (*usual, *_new(words, "platform_machine", set(usual)), "other")]
