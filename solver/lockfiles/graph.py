"""A lock of any format as a graph over environments: where each entry is installed, and who requires it there.

Regions are formulas on the platform, the Python and the project's choices. A ``pylock.toml`` names what an entry
requires without saying where; such a step holds wherever both ends are installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import combinations
from pathlib import Path

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of, chosen, decided, from_python_specifier
from satlock.encoder.markers.regions import closure
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import Choice, ProjectError
from satlock.records import dataclass, replace
from satlock.solver.lockfiles.links import Link, links_of, members_of
from satlock.solver.lockfiles.model import Entry, Lockfile, Switch, node_of
from satlock.solver.lockfiles.reach import Reach
from satlock.solver.lockfiles.reading import Reading, read_lockfile
from satlock.solver.lockfiles.requirements import read_lists

__all__ = ["LockGraph", "Step", "graph_of", "narrowed"]


@dataclass(frozen=True)
class Step:
    """One requirement that one entry serves."""

    source: int | None
    """The entry that requires; None for the project."""
    extra: str
    """The extra of ``source`` that brings it; empty where it needs none."""
    target: int
    region: Formula
    """Where it is taken."""
    choice: Choice | None = None
    """The extra or group of the project that lists it."""
    member: str = ""
    """The member of the workspace that lists it."""


@dataclass(frozen=True)
class LockGraph:
    """What a lock installs where, and along which steps."""

    reading: Reading
    universe: Formula
    """The environments that the lock is for."""
    regions: tuple[Formula, ...]
    """Of each entry, by its number."""
    steps: tuple[Step, ...]
    project: str
    """The name of the project; empty where nothing tells it."""
    members: tuple[int, ...]
    """The entries that are the project itself, or members of its workspace."""
    extras: frozenset[str] = frozenset()
    """Those that the project states."""

    @cached_property
    def domain(self) -> Domain:
        return Domain(self.universe)

    @cached_property
    def shortener(self) -> Shortener:
        return Shortener(self.domain)

    @property
    def lockfile(self) -> Lockfile:
        return self.reading.lockfile

    @property
    def packages(self) -> list[Entry]:
        """The entries that are installed somewhere, the project itself not among them."""
        return [
            entry
            for entry in self.lockfile.entries
            if entry.number not in self.members and self.domain.satisfiable(self.regions[entry.number])
        ]

    def choices(self, kind: str) -> list[str]:
        """The names of the extras, or of the groups, that can be chosen."""
        atoms = (_asked(switch, self.lockfile.kind, self.extras).atom for switch in self.lockfile.switches)
        return [atom.name for atom in atoms if isinstance(atom, Choice) and atom.kind == kind]

    def marker(self, region: Formula, within: Formula = TRUE) -> str | None:
        """The shortest marker of a region; None where it is all of ``within``."""
        return self.shortener.marker(region, within)


def graph_of(path: Path, project: Path | None = None) -> LockGraph:
    """Reads a lock of any kind with the project beside it.

    Raises:
        ProjectError: where one of them cannot be read.
    """
    reading = read_lockfile(path, project)
    lockfile = reading.lockfile
    links = links_of(reading)
    lists, _ = read_lists(reading.beside)
    extras = frozenset(which.name for which in lists.lists if which.kind == "extra")
    reach = Reach(lockfile, lambda switches: all_of(_asked(one, lockfile.kind, extras) for one in switches))
    universe = _universe(reach, lockfile)
    domain = Domain(universe)
    if not domain.satisfiable(TRUE):
        raise ProjectError(f"{path} is for no environment at all; lock again.")
    shortener = Shortener(domain)
    reached = reach.regions(domain, shortener)
    places = _Places(reach, reached, _active(lists.includes, [link.choice for link in links]))
    regions = tuple(places.of(entry.number) for entry in lockfile.entries)
    members = tuple(members_of(lockfile)) if lockfile.kind == "uv" else ()
    itself = [e.number for e in lockfile.entries if lists.name and e.name == lists.name and not e.files]
    # That an extra or a group names the project itself, and so further extras, is no requirement of a package.
    listed = (link for link in links if not (link.member and lockfile.entries[link.targets[0]].name == link.member))
    steps = tuple(_steps(listed, places, domain, shortener))
    name = lists.name or (lockfile.entries[members[0]].name if len(members) == 1 else "")
    return LockGraph(reading, universe, regions, steps, name, members or tuple(itself), extras)


def narrowed(graph: LockGraph, within: Formula, choices: Mapping[Choice, bool]) -> LockGraph:
    """The graph within some platforms and Pythons alone, with these choices decided and the others open.

    Raises:
        ProjectError: the lock is for none of them.
    """
    universe = decided(all_of((graph.universe, within)), choices.get)
    domain = Domain(universe)
    if not domain.satisfiable(TRUE):
        raise ProjectError(f"{graph.reading.path} is not for the environments that are asked for.")
    steps = (replace(step, region=decided(step.region, choices.get)) for step in graph.steps)
    return replace(
        graph,
        universe=universe,
        regions=tuple(decided(region, choices.get) for region in graph.regions),
        steps=tuple(step for step in steps if domain.satisfiable(step.region)),
    )


def _asked(switch: Switch, kind: str, extras: Iterable[str]) -> Formula:
    """Where a switch of a lock is on. What is installed without being chosen always is."""
    what, name = switch
    if what == "extra":
        return chosen(Choice("extra", name))
    if what != "group" or (kind, name) in (("poetry", "main"), ("pdm", "default")):
        return TRUE
    return chosen(Choice("extra" if kind == "pdm" and name in extras else "group", name))


def _universe(reach: Reach, lockfile: Lockfile) -> Formula:
    """The environments of a lock: those of its Pythons and platforms in which no choices exclude each other."""
    where = all_of((from_python_specifier(lockfile.requires_python), reach.formula(lockfile.environments)))
    apart = []
    for members in lockfile.conflicts:
        for one, other in combinations(members, 2):
            if one.item != other.item:
                both = all_of((reach.picked(one.item), reach.picked(other.item)))
                apart.append(~both if both is not TRUE else TRUE)
    # Those of a uv.lock speak of which members are installed, and here all of them are.
    rivals = lockfile.rivals if lockfile.kind != "uv" else ()
    force = reach.in_force(Domain(where)) if rivals else {}
    apart += [~all_of(force.get(name, FALSE) for name in pair) for pair in rivals]
    return all_of((where, *apart))


def _active(includes: Iterable[tuple[str, str]], choices: Iterable[Choice | None]) -> dict[Choice, Formula]:
    """Where each choice of the project is in force: chosen, or included by a group that is."""
    by: dict[str, set[str]] = {}
    for group, included in includes:
        by.setdefault(included, set()).add(group)
    found: dict[Choice, Formula] = {}
    for choice in choices:
        if choice is None:
            continue
        names = closure([choice.name], lambda name: by.get(name, ())) if choice.kind == "group" else [choice.name]
        found[choice] = any_of(chosen(Choice(choice.kind, name)) for name in sorted(names))
    return found


@dataclass(frozen=True)
class _Places:
    """Where a lock's nodes and the project's choices are."""

    reach: Reach
    reached: Mapping[str, Formula]
    active: Mapping[Choice, Formula]

    def of(self, number: int) -> Formula:
        return self.reached.get(node_of(number), FALSE)

    def of_source(self, link: Link) -> Formula:
        """Where what requires is reached."""
        if link.node:
            return self.reached.get(link.node, FALSE)
        return TRUE if link.choice is None else self.active[link.choice]


def _steps(links: Iterable[Link], places: _Places, domain: Domain, shortener: Shortener) -> Iterator[Step]:
    found: dict[tuple[int | None, str, int, Choice | None, str], Formula] = {}
    for link in links:
        here = all_of((places.of_source(link), places.reach.formula(link.condition)))
        for target in link.targets:
            parts = (here, places.of(target))
            if domain.satisfiable(*parts):
                key = (link.source, link.extra, target, link.choice, link.member)
                found[key] = any_of((found.get(key, FALSE), all_of(parts)))
    for (source, extra, target, choice, member), region in found.items():
        yield Step(source, extra, target, shortener.formula(region), choice, member)
