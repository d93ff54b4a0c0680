"""Where a lock cannot be installed, for a person and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satlock.encoder.markers.domain import Domain
    from satlock.encoder.markers.platforms import Place
    from satlock.solver.lockfiles.gaps import Gap
    from satlock.solver.lockfiles.lock import Lock
    from satlock.solver.locking import Locked

__all__ = ["json_of_gaps", "notes_of_refusals", "warning_of_gaps"]

_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
_LINES = _NAMED = 6
"""Lines of a warning, and packages that one line names."""


def warning_of_gaps(lock: Lock, domain: Domain, verbose: bool) -> str | None:
    """What a person has to know before the installation fails: a line for each set of places."""
    from satlock.solver.lockfiles.gaps import without_file

    lines = [f"  {where}: {_listed(names, verbose)}" for where, names in _grouped(without_file(lock, domain), lock)]
    if not lines:
        return None
    shown = lines if verbose or len(lines) <= _LINES else lines[: _LINES - 1]
    more = [f"  and {len(lines) - len(shown)} more (--verbose)"] if len(shown) < len(lines) else []
    return "\n".join(["the lock has no file to install, and an installation will fail, on", *shown, *more])


def notes_of_refusals(locked: Locked) -> list[str]:
    """One sentence for each set of places where pip refuses packages that uv installs."""
    from satlock.solver.lockfiles.gaps import refused_by_pip

    notes = [
        f"pip (not uv) refuses what says that it is for older Pythons, on {where}: {_listed(names, verbose=False)}"
        for where, names in _grouped(refused_by_pip(locked.lock, locked.universe.domain), locked.lock)
    ]
    packages = [package for package in locked.lock.packages if package.is_installed]
    bare = dict.fromkeys(package.name for package in packages if package.direct is not None and not package.files)
    if bare and any(package.files for package in packages):
        told = _listed(list(bare), verbose=False)
        notes.append(f"pip (not uv) installs no folder or repository beside files with hashes: {told}")
    return notes


def json_of_gaps(lock: Lock, domain: Domain) -> list[dict[str, Any]]:
    """Every candidate without a file, with the marker variables of each place."""
    from satlock.solver.lockfiles.gaps import without_file

    return [
        {
            "name": gap.package.name,
            "version": gap.package.version,
            "index": gap.package.index,
            "environments": [
                {
                    "sys_platform": place.system,
                    "platform_machine": place.machine,
                    "python_version": _minor(place),
                }
                for place in gap.places
            ],
        }
        for gap in without_file(lock, domain)
    ]


def _grouped(gaps: Iterable[Gap], lock: Lock) -> Iterator[tuple[str, list[str]]]:
    namesakes = Counter((package.name, package.version) for package in lock.packages)
    grouped: dict[str, list[str]] = {}
    for gap in gaps:
        package = gap.package
        told = f"{package.name} {package.version}"
        if namesakes[package.name, package.version] > 1 and package.index:
            told += f" from {package.index}"
        grouped.setdefault(_told(gap), []).append(told)
    yield from grouped.items()


def _told(gap: Gap) -> str:
    """The places in words, such as ``macOS arm64; Linux x86_64 with Python 3.13 or 3.14``."""
    pythons = {platform: _pythons(gap.places, platform) for platform in _platforms(gap.places)}
    everywhere = len(pythons) > 1 and len(set(pythons.values())) == 1 and len(pythons) == len(_platforms(gap.wanted))
    parts: dict[str, list[str]] = {}
    for (system, machine), minors in pythons.items():
        whole = minors == _pythons(gap.wanted, (system, machine))
        with_python = "" if whole and not everywhere else f"Python {_or(minors)}"
        parts.setdefault(with_python, []).append(f"{_SYSTEMS[system]} {machine}")
    if everywhere:
        return next(iter(parts))
    return "; ".join(_or(platforms) + (f" with {python}" if python else "") for python, platforms in parts.items())


def _platforms(places: Sequence[Place]) -> list[tuple[str, str | None]]:
    return list(dict.fromkeys((place.system, place.machine) for place in places))


def _pythons(places: Sequence[Place], platform: tuple[str, str | None]) -> tuple[str, ...]:
    return tuple(_minor(place) for place in places if (place.system, place.machine) == platform)


def _minor(place: Place) -> str:
    return "{}.{}".format(*place.python)


def _or(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _listed(names: Sequence[str], verbose: bool) -> str:
    if verbose or len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} more"
