"""Environments that the clauses cannot rule out, and a walk can.

uv decides what is active during a walk whose order matters, and clauses only bound it. Where the bounds are too wide,
environments are walked. Such an environment is widened to a box of many, one of each kind walked, and the box is left
out of the search. A checker walks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from satlock.encoder.markers.grid import AXES, ORDERED
from satlock.records import dataclass, replace
from satlock.solver.lockfiles.model import Comparison
from satlock.solver.proofs.environments import Axes, is_opaque, opaque_question, opaque_variable
from satlock.solver.proofs.obligation import Clause, Obligation
from satlock.solver.proofs.walk import Here, Point, Walk, Watched, walk

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

    def at(self, axis: int, places: tuple[int, ...]) -> Passed:
        """The box with other places on one axis."""
        return replace(self, places=(*self.places[:axis], places, *self.places[axis + 1 :]))

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


def widen(obligation: Obligation, goal: int, point: Point, confirms: Callable[[Walk, Here], bool]) -> Passed:
    """A box around an environment that refutes nothing, as wide as it can be without one that does."""
    axes = obligation.axes
    switches = {name: switch for switch in obligation.lockfile.switches if obligation.knows(name := str(switch))}
    names = [*switches, *obligation.opaque]
    places = tuple(
        (next(i for i in range(axes.size(axis)) if axes.value(axis, i) == value),)
        for axis, value in enumerate(values_of(point, axes))
    )
    fixed = {
        name: point.on(switches[name]) if name in switches else point.opaque.get(obligation.opaque[name], False)
        for name in names
    }  # fmt: skip
    box = Passed(goal, places, fixed)

    def refuted(here: Watched) -> bool:
        walked = walk(obligation.lockfile, here)
        return walked.refused is None and confirms(walked, here)

    def grown(wider: Passed, new: Passed) -> Passed:
        """The wider box, where it is small enough and what is new in it refutes nothing."""
        small = wider.size(len(names) - len(wider.fixed)) <= _MOST
        return wider if small and not any(map(refuted, each_kind(obligation, new))) else box

    for axis in (*axes.asked[4:], 3, 2, 0, 1):
        everywhere = tuple(range(axes.size(axis)))
        others = tuple(place for place in everywhere if place not in box.places[axis])
        if others:
            box = grown(box.at(axis, everywhere), box.at(axis, others))
    for name in names:
        rest = {other: on for other, on in box.fixed.items() if other != name}
        box = grown(replace(box, fixed=rest), replace(box, fixed={**rest, name: not box.fixed[name]}))
    return box


def each_kind(obligation: Obligation, box: Passed) -> Iterator[Watched]:
    """One environment of each kind in a box.

    Two are of one kind if what is asked of the one has the same answers in the other: so each is to be asked all that
    matters before the next one is taken.
    """
    axes, lockfile = obligation.axes, obligation.lockfile
    impossible = set(axes.phantoms())
    switches = {name: switch for switch in lockfile.switches if obligation.knows(name := str(switch))}
    known = switches.keys() | obligation.opaque.keys()
    todo = [box]
    while todo:
        rest = todo.pop()
        pairs = ((one, other) for one in rest.places[1] for other in rest.places[3] if (one, other) not in impossible)
        pair = next(pairs, None)
        if pair is None:
            continue
        places = [some[0] for some in rest.places]
        places[1], places[3] = pair
        on = {name for name, answer in rest.fixed.items() if answer}
        opaque = {obligation.opaque[name]: True for name in on & obligation.opaque.keys()}
        chosen = frozenset(switches[name] for name in on & switches.keys())
        here = Watched(Point(axes.variables(places), chosen, opaque))
        yield here
        for question, answer in here.asked.items():
            if isinstance(question, Comparison) and not is_opaque(question):
                axis, some = axes.where(question)
                same = tuple(place for place in rest.places[axis] if (place in some) == answer)
                if len(same) < len(rest.places[axis]):
                    todo.append(rest.at(axis, tuple(place for place in rest.places[axis] if place not in same)))
                    rest = rest.at(axis, same)
                continue
            if isinstance(question, Comparison):
                asked, agrees = opaque_question(question)
                name = opaque_variable(asked)
            else:
                name, agrees = str(question), True
            if name in known and name not in rest.fixed:
                todo.append(replace(rest, fixed={**rest.fixed, name: answer != agrees}))
                rest = replace(rest, fixed={**rest.fixed, name: answer == agrees})


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
