"""Environments to try things in: some Pythons of a range on the platforms that people have, for ``packaging`` alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

__all__ = ["PLATFORMS", "Variables", "environments", "holds_somewhere", "pythons"]

Variables: TypeAlias = Mapping[str, str]
"""Marker variables (PEP 508), without ``extra``."""

_NEWEST_MINOR = 15
_PATCHES = (0, 1, 4, 9)

PLATFORMS: tuple[Variables, ...] = tuple(
    {"sys_platform": system, "platform_system": name, "os_name": os_name, "platform_machine": machine}
    for system, name, os_name, machines in (
        ("linux", "Linux", "posix", ("x86_64", "aarch64")),
        ("darwin", "Darwin", "posix", ("arm64", "x86_64")),
        ("win32", "Windows", "nt", ("AMD64",)),
    )
    for machine in machines
)


def pythons(requires: SpecifierSet, oldest_minor: int = 8) -> list[str]:
    """Some full versions of each CPython 3 that a specifier admits, oldest first; of each minor the last is high."""
    found: list[str] = []
    for minor in range(oldest_minor, _NEWEST_MINOR + 1):
        admitted = [f"3.{minor}.{patch}" for patch in _PATCHES if requires.contains(f"3.{minor}.{patch}")]
        found += dict.fromkeys([*admitted[:1], *admitted[-1:]])
    return found


def environments(requires: SpecifierSet) -> Iterator[Variables]:
    """Every Python of :func:`pythons` on every platform."""
    for python in pythons(requires):
        for platform in PLATFORMS:
            yield {
                **platform,
                "python_version": python.rpartition(".")[0],
                "python_full_version": python,
                "implementation_name": "cpython",
                "implementation_version": python,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_version": "",
            }


def holds_somewhere(marker: Marker | None, requires: str, extras: Iterable[str]) -> bool:
    """Whether a marker holds in some environment of a Python specifier, with one of some extras or none."""
    return marker is None or any(_holds(str(marker), requires, extra) for extra in ("", *sorted(extras)))


@lru_cache(maxsize=200_000)
def _holds(marker: str, requires: str, extra: str) -> bool:
    if not extra and "extra ==" in marker and " or " not in marker:
        return False
    parsed = Marker(marker)
    return any(parsed.evaluate({**variables, "extra": extra}) for variables in environments(SpecifierSet(requires)))
