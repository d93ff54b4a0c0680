"""Platforms that are looked at one by one: the common ones, and those that a project requires to be served.

Tags name a machine and a minor release of Python, so whether a wheel installs is the same anywhere in a
:class:`Place`. No wheel is made for the Pythons to come, so places are those of the Pythons that exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from satlock.corpora.facts import File
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, Matches, any_of, from_marker, matches, python_at_least
from satlock.encoder.markers.structure import Marker
from satlock.encoder.markers.tags import fits_of
from satlock.records import dataclass

__all__ = [
    "COMMON",
    "PYTHONS",
    "Place",
    "Required",
    "common_places",
    "region_around",
    "region_of",
    "required_by",
    "unserved",
]

PYTHONS = tuple((3, minor) for minor in range(9, 16))
"""The minor releases of CPython since 3.9 that have been published: those that wheels are made for today.

The source is "Status of Python versions" in the developer's guide of CPython, https://devguide.python.org/versions/.
3.15 came in October 2026; CONTRIBUTING says how this is kept.
"""

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

    def without_python(self, bare: Iterable[Place]) -> frozenset[Place]:
        """Of places without a file those on platforms that have none under any Python: one that is served is enough."""
        left = set(bare)
        served = {place[:2] + place[3:] for place in self.places if place not in left}
        return frozenset(place for place in left if place[:2] + place[3:] not in served)


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
    for place in sorted(
        places, key=lambda place: (place.system, place.machine or "", place.implementation, place.python)
    ):
        pythons.setdefault((place.system, place.machine, place.implementation), []).append(place.python)
    parts = []
    for (system, machine, implementation), minors in pythons.items():
        on = matches("sys_platform", system) & matches("implementation_name", implementation)
        if machine is not None:
            on &= matches("platform_machine", machine)
        parts.append(on & _minors(minors))
    return any_of(parts)


def region_around(places: Iterable[Place], known: Iterable[Place]) -> Formula:
    """The environments that are most like some of the known places, in as few words as tell them from the others.

    A Python beyond the known ones is like the last of its side, another implementation like CPython, and a machine that
    is not among the known ones of its system like these, where they agree.
    """
    pythons: dict[tuple[str, str | None], set[tuple[int, int]]] = {}
    every: dict[tuple[str, str | None], set[tuple[int, int]]] = {}
    for some, found in ((places, pythons), (known, every)):
        for place in some:
            found.setdefault((place.system, place.machine), set()).add(place.python)
    parts = []
    whens = {_around(pythons.get(kind, set()), minors) for kind, minors in every.items()}
    if len(whens) == 1:
        return whens.pop()
    for system in sorted({system for system, _ in pythons}):
        told = {machine: _around(pythons.get((system, machine), set()), minors)
                for (other, machine), minors in every.items() if other == system}  # fmt: skip
        on = matches("sys_platform", system)
        if len(set(told.values())) == 1:
            parts.append(on & next(iter(told.values())))
            continue
        for machine, when in told.items():
            parts.append(on & when & (TRUE if machine is None else matches("platform_machine", machine)))
    return any_of(parts)


def _around(pythons: set[tuple[int, int]], known: set[tuple[int, int]]) -> Formula:
    """Some of the known Pythons, with those beyond the known ones on their side."""
    runs: list[tuple[tuple[int, int], tuple[int, int]]] = []
    ordered = sorted(known)
    for place, python in enumerate(ordered):
        if python in pythons:
            follows = runs and place and runs[-1][1] == ordered[place - 1]
            runs = [*runs[:-1], (runs[-1][0], python)] if follows else [*runs, (python, python)]
    parts = []
    for first, last in runs:
        since = TRUE if first == ordered[0] else python_at_least((*first, 0))
        after = next((python for python in ordered if python > last), None)
        parts.append(since if after is None else since & ~python_at_least((*after, 0)))
    return any_of(parts)


def _minors(pythons: list[tuple[int, int]]) -> Formula:
    """The environments with one of these minor releases of Python, told by their runs."""
    runs: list[list[tuple[int, int]]] = []
    for python in pythons:
        if runs and (python[0], python[1] - 1) == runs[-1][-1]:
            runs[-1].append(python)
        else:
            runs.append([python])
    return any_of(python_at_least((*run[0], 0)) & ~python_at_least((run[-1][0], run[-1][1] + 1, 0)) for run in runs)
