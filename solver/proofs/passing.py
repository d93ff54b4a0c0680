"""Environments that the clauses cannot rule out, and a walk can.

uv decides what is active during a walk whose order matters, and clauses only bound it. Where the bounds are too wide,
environments are walked one by one. Such an environment is widened to a box of many, each of them walked, and the box
is left out of the search. A checker walks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from satlock.encoder.markers.grid import AXES, ORDERED
from satlock.solver.proofs.environments import Axes
from satlock.solver.proofs.obligation import Clause, Obligation
from satlock.solver.proofs.walk import Point, Walk, walk

__all__ = ["Passed", "passing_clause", "values_of", "widen"]

_MOST = 4096
"""Environments in one box."""


@dataclass(frozen=True)
class Passed:
    """A box of environments, none of which refutes the goal."""

    goal: int
    """Its variable."""
    places: tuple[tuple[int, ...], ...]
    """On each axis."""
    fixed: Mapping[str, bool]
    """The switches and opaque questions that have one answer in the box; all others have both."""

    def size(self, free: int) -> int:
        found = 1 << free
        for places in self.places:
            found *= len(places)
        return found


def passing_clause(obligation: Obligation, passed: Passed) -> Clause:
    """The goal, or any environment that is not in the box."""
    literals = [-passed.goal]
    for axis in obligation.axes.asked:
        outside = [place for place in range(obligation.axes.size(axis)) if place not in passed.places[axis]]
        if len(outside) == obligation.axes.size(axis) - 1:
            literals.append(-obligation.place(axis, passed.places[axis][0]))
        else:
            # The axis is somewhere, so leaving the box on it means one of the places outside.
            literals += [obligation.place(axis, place) for place in outside]
    for name, on in passed.fixed.items():
        literals.append(obligation.variable(name) * (-1 if on else 1))
    return tuple(sorted(set(literals), key=abs))


def widen(
    obligation: Obligation, goal: int, point: Point, confirms: Callable[[Walk, Point], bool]
) -> Passed:  # fmt: skip
    """A box around an environment that refutes nothing, as wide as it can be without one that does."""
    axes = obligation.axes
    inputs = [name for name in obligation.lockfile.switches if obligation.knows(name)]
    inputs += obligation.opaque
    places = tuple(
        (next(i for i in range(axes.size(axis)) if axes.value(axis, i) == value),)
        for axis, value in enumerate(values_of(point, axes))
    )
    fixed = {
        name: point.opaque.get(obligation.opaque[name], False) if name in obligation.opaque else name in point.switches
        for name in inputs
    }  # fmt: skip
    box = Passed(goal, places, fixed)
    for axis in (*axes.asked[4:], 3, 2, 0, 1):
        everywhere = tuple(range(axes.size(axis)))
        grown = tuple(everywhere if other == axis else old for other, old in enumerate(box.places))
        box = _grown(obligation, box, Passed(goal, grown, box.fixed), len(inputs), confirms)
    for name in inputs:
        rest = {other: on for other, on in box.fixed.items() if other != name}
        box = _grown(obligation, box, Passed(goal, box.places, rest), len(inputs), confirms)
    return box


def _grown(
    obligation: Obligation, old: Passed, new: Passed, inputs: int, confirms: Callable[[Walk, Point], bool]
) -> Passed:
    """``new`` where it is small enough to walk and no walk in it refutes the goal, or else ``old``."""
    if new.size(inputs - len(new.fixed)) > _MOST:
        return old
    for point in points(obligation, new):
        walked = walk(obligation.lockfile, point)
        if walked.refused is None and confirms(walked, point):
            return old
    return new


def points(obligation: Obligation, box: Passed) -> Iterator[Point]:
    """Every environment in a box."""
    names = [name for name in obligation.lockfile.switches if obligation.knows(name)]
    names += obligation.opaque
    impossible = set(obligation.axes.phantoms())
    free = [name for name in names if name not in box.fixed]
    for answers in product((False, True), repeat=len(free)):
        on = {name for name, answer in zip(free, answers, strict=True) if answer}
        on |= {name for name, answer in box.fixed.items() if answer}
        opaque = {obligation.opaque[name]: True for name in on & obligation.opaque.keys()}
        switches = frozenset(on - obligation.opaque.keys())
        for places in product(*box.places):
            if (places[1], places[3]) not in impossible:
                yield Point(obligation.axes.variables(places), switches, opaque)


def values_of(point: Point, axes: Axes) -> tuple[str, ...]:
    """What is at the place of an environment, on every axis."""
    v = point.variables
    asked = {AXES[axis] for axis in axes.asked}
    return (
        v["python_full_version"],
        f"{v['os_name']} {v['sys_platform']} {v['platform_system']}",
        f"{v['implementation_name']} {v['platform_python_implementation']}",
        v["platform_machine"],
        *(v[variable] if variable in asked else axes.value(axis, 0) for axis, variable in enumerate(ORDERED, 4)),
    )
