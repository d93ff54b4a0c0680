"""Platforms that are looked at one by one: the common ones, and those that a project requires to be served.

Tags name a machine and a minor release of Python, so whether a wheel installs is the same anywhere in a
:class:`Place`. No wheel is made for the Pythons to come, so places are those of the Pythons that exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from packaging.markers import Marker

from satlock.corpora.facts import File
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, Formula, Matches, any_of, from_marker, matches, python_at_least
from satlock.encoder.markers.tags import fits_of

__all__ = ["COMMON", "PYTHONS", "Place", "Required", "common_places", "region_of", "required_by", "unserved"]

PYTHONS = tuple((3, minor) for minor in range(9, 15))
"""The releases of CPython that wheels are made for today."""

COMMON = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64"))
"""The common platforms, as ``sys_platform`` and ``platform_machine``; the most common machine of a system first."""

_IMPLEMENTATIONS = ("cpython", "pypy", "graalpy")


class Place(NamedTuple):
    """One minor release of Python on one kind of machine."""

    system: str
    machine: str | None
    """None for a machine that no tag names."""
    python: tuple[int, int]
    implementation: str = "cpython"


@dataclass(frozen=True)
class Required:
    """Where every candidate must have a file."""

    region: Formula
    places: tuple[Place, ...]


def common_places(domain: Domain) -> list[Place]:
    """The common platforms, with each CPython, that the universe admits."""
    places = (Place(system, machine, python) for (system, machine), python in product(COMMON, PYTHONS))
    return [place for place in places if domain.satisfiable(region_of(frozenset((place,))))]


def required_by(markers: Iterable[Marker], domain: Domain) -> Required:
    """What ``required-environments`` ask for: each of the Pythons that they and the project admit.

    As far as a marker does not tell, CPython is meant, and the most common machine of a system.
    """
    places: dict[Place, None] = {}
    region = FALSE
    for marker in markers:
        formula = from_marker(marker)
        region |= formula
        asked = [atom for atom in formula.atoms if isinstance(atom, Matches)]
        speaks_of = {atom.variable for atom in asked}
        known = speaks_of & {"implementation_name", "platform_python_implementation"}
        machines = {word for atom in asked if atom.variable == "platform_machine" for word in _words(atom)}
        systems = {word for atom in asked if atom.variable == "sys_platform" for word in _words(atom)}
        for system in sorted(systems | {system for system, _ in COMMON}):
            usual = [machine for known_system, machine in COMMON if known_system == system]
            here: list[str | None] = [*sorted({*usual, *machines})]
            if "platform_machine" not in speaks_of:
                here = [usual[0] if usual else None]
            for machine, python, name in product(here, PYTHONS, _IMPLEMENTATIONS if known else ("cpython",)):
                place = Place(system, machine, python, name)
                if domain.satisfiable(formula, region_of(frozenset((place,)))):
                    places[place] = None
    return Required(region, tuple(places))


def _words(atom: Matches) -> list[str]:
    return [atom.text] if atom.comparison == "==" else atom.text.replace(",", " ").split()


def unserved(places: Iterable[Place], files: Iterable[File]) -> list[Place]:
    """The places where none of these files installs; a source distribution installs in any."""
    names = [file.filename for file in files]
    if any(not name.endswith(".whl") or name.endswith("-py3-none-any.whl") for name in names):
        return []
    return [place for place in places if not any(_is_served(place, name) for name in names)]


def _is_served(place: Place, filename: str) -> bool:
    return any(fit.admits(place.python, place.implementation, place.system, place.machine) for fit in fits_of(filename))


@lru_cache(maxsize=4096)
def region_of(places: frozenset[Place]) -> Formula:
    """The environments in these places."""
    pythons: dict[tuple[str, str | None, str], list[tuple[int, int]]] = {}
    for place in sorted(places, key=str):
        pythons.setdefault((place.system, place.machine, place.implementation), []).append(place.python)
    parts = []
    for (system, machine, implementation), minors in pythons.items():
        on = matches("sys_platform", system) & matches("implementation_name", implementation)
        if machine is not None:
            on &= matches("platform_machine", machine)
        parts.append(on & any_of(_minor(python) for python in minors))
    return any_of(parts)


def _minor(python: tuple[int, int]) -> Formula:
    return python_at_least((*python, 0)) & ~python_at_least((python[0], python[1] + 1, 0))
