"""The shortest marker that says the same inside the universe: a cover by prime implicants, written as PEP 508."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.grid import Python
from satlock.encoder.markers.marker import (
    TRUE,
    Atom,
    Formula,
    Matches,
    Opaque,
    PythonAtLeast,
    all_of,
    any_of,
)
from satlock.encoder.project.project import Choice, Project

__all__ = ["Shortener", "spelled_as_pylock", "spelled_for_people"]

_AXIS_ORDER = {"opaque": 0, "machine": 1, "python": 2, "implementation": 3, "platform": 4, "choice": 5}

_NEVER = "python_version < '0'"
_NOT = {True: "", False: "not "}

Cube = tuple[Formula, ...]


def spelled_as_pylock(choice: Choice, chosen: bool) -> str:
    """How a marker of PEP 751 asks for an extra or group; in words where it knows none such (a member's, a project)."""
    if choice.kind == "project":
        return f"{f'project {choice.package}' if choice.package else 'the project itself'} is {_NOT[chosen]}installed"
    if choice.package:
        return f"{choice.kind} {choice.name} of {choice.package} is {_NOT[chosen]}chosen"
    variable = "extras" if choice.kind == "extra" else "dependency_groups"
    return f"'{choice.name}' {'in' if chosen else 'not in'} {variable}"


def spelled_for_people(project: Project) -> Callable[[Choice, bool], str]:
    """The same, with a group that conflicts with its own project, or includes one that does, named as what it is: one
    that is installed alone.
    """
    includes = {member.name: member.group_includes for member in project.members} | {"": project.group_includes}
    alone: set[Choice] = set()
    todo = [
        choice
        for members in project.conflicts
        for choice in members
        if choice.kind == "group" and Choice("project", "", choice.package) in members
    ]
    while todo:
        one = todo.pop()
        if one not in alone:
            alone.add(one)
            listed = includes.get(one.package, {}).items()
            todo += [Choice("group", by, one.package) for by, included in listed if one.name in included]

    def spelled(choice: Choice, chosen: bool) -> str:
        if choice in alone and project.whole_workspace:
            whose = f" of {choice.package}" if choice.package else ""
            return f"{'' if chosen else 'not '}only group {choice.name}{whose}"
        return spelled_as_pylock(choice, chosen)

    return spelled


class Shortener:
    """Shortens formulas over one domain, and remembers: most packages of a lock share a few regions."""

    def __init__(self, domain: Domain, spelled: Callable[[Choice, bool], str] = spelled_as_pylock) -> None:
        self._domain = domain
        self._spelled = spelled
        self._covers: dict[tuple[int, int], list[Cube] | None] = {}

    def marker(self, region: Formula, within: Formula = TRUE) -> str | None:
        """The marker of a region; None where it is all of ``within``, outside of which it may say anything."""
        cover = self.cover(region, within)
        if cover is None:
            return None
        if not cover:
            return _NEVER
        texts = sorted((_said(cube, self._spelled) for cube in cover), key=lambda parts: (len(parts), parts))
        shared = [part for part in texts[0] if len(texts) > 1 and all(part in parts for parts in texts)]
        alternatives = " or ".join(" and ".join(part for part in parts if part not in shared) for parts in texts)
        return " and ".join([*shared, f"({alternatives})"]) if shared else alternatives

    def formula(self, region: Formula) -> Formula:
        """An equivalent formula in the form of a short disjunction."""
        cover = self.cover(region)
        return TRUE if cover is None else any_of(all_of(cube) for cube in cover)

    def in_short(self, region: Formula, large: int) -> Formula:
        """The formula itself unless it has more atoms and parts than ``large``, and is no list of single literals.

        That something is reached by one of many choices, as in a workspace of many members, cannot be said shorter;
        but one choice that is made may say of all others that they are not.
        """
        listed = all(part.op == "atom" or (part.op == "not" and part.args[0].op == "atom") for part in region.args)
        made = region.op == "and" and any(part.op == "atom" and part.switches for part in region.args)
        small = len(region.atoms) + len(region.args) <= large
        return region if small or (listed and not made) else self.formula(region)

    def cover(self, region: Formula, within: Formula = TRUE) -> list[Cube] | None:
        """An irredundant cover of the region in ``within`` by prime implicants; None where it is all of it."""
        key = (region.key, within.key)
        if key not in self._covers:
            if self._domain.implies(within, region):
                self._covers[key] = None
            else:
                self._covers[key] = self._irredundant(self._primes(region, within), within)
        return self._covers[key]

    def _primes(self, region: Formula, within: Formula) -> list[Cube]:
        """Prime implicants that cover the region: each grown from an environment that those before it leave out."""
        outside = ~region
        primes: list[Cube] = []
        left = region
        while True:
            literals = self._domain.literals(region.atoms, left, within)
            if literals is None:
                return primes
            primes.append(self._expand(literals, outside, within))
            left = all_of((left, ~all_of(primes[-1])))

    def _expand(self, cube: Sequence[Formula], outside: Formula, within: Formula) -> Cube:
        """Drops each literal without which the cube still lies inside the region, the narrowest first."""
        on = [literal.atom for literal in cube if literal.op == "atom" and literal.switches]
        off = frozenset[Atom]().union(*(self._domain.excluded_by(atom) for atom in on if atom is not None))
        said = [literal for literal in cube if literal.op != "not" or literal.args[0].atom not in off]
        kept = sorted(said, key=_narrowness)
        for literal in list(kept):
            rest = [other for other in kept if other is not literal]
            if not self._domain.satisfiable(*rest, outside, within):
                kept = rest
        return tuple(sorted(kept, key=_literal_order))

    def _irredundant(self, cubes: list[Cube], within: Formula) -> list[Cube]:
        kept = sorted(cubes, key=lambda cube: (-len(cube), [_literal_order(literal) for literal in cube]))
        for cube in list(kept):
            others = [~all_of(other) for other in kept if other is not cube]
            if others and not self._domain.satisfiable(*cube, within, all_of(others)):
                kept.remove(cube)
        return kept


def _atom(literal: Formula) -> PythonAtLeast | Matches | Opaque | Choice:
    atom = literal.args[0].atom if literal.op == "not" else literal.atom
    assert atom is not None
    return atom


def _literal_order(literal: Formula) -> tuple[int, bool, str]:
    atom = _atom(literal)
    if isinstance(atom, PythonAtLeast):
        axis = "python"
    elif isinstance(atom, Matches):
        axis = "machine" if atom.variable == "platform_machine" else "platform"
        axis = "implementation" if "implementation" in atom.variable else axis
    else:
        axis = "choice" if isinstance(atom, Choice) else "opaque"
    return _AXIS_ORDER[axis], literal.op != "not", str(atom)


def _narrowness(literal: Formula) -> tuple[object, ...]:
    """To sort the literals of one environment by: of those on one axis, what says more comes first."""
    atom, positive = _atom(literal), literal.op != "not"
    axis = _literal_order(literal)[0]
    if isinstance(atom, PythonAtLeast):
        release = tuple(-part for part in atom.release) if positive else atom.release
        return axis, positive, release, ""
    # That a choice was made, or a value is the one, rules more out than that it is another one.
    return axis, not positive, (), str(atom)


def _said(cube: Cube, spelled: Callable[[Choice, bool], str]) -> list[str]:
    """The comparisons of a cube, choices first."""
    since: Python | None = None
    before: Python | None = None
    texts: list[tuple[int, str]] = []
    for literal in cube:
        atom, positive = _atom(literal), literal.op != "not"
        order = -_literal_order(literal)[0]
        if isinstance(atom, PythonAtLeast):
            if positive:
                since = max(since, atom.release) if since else atom.release
            else:
                before = min(before, atom.release) if before else atom.release
        elif isinstance(atom, Choice):
            texts.append((order, spelled(atom, positive)))
        elif isinstance(atom, Opaque):
            texts.append((order, atom.text if positive else _opposite(atom.text)))
        else:
            texts.append((order, _compared(atom, positive)))
    texts += [(-_AXIS_ORDER["python"], text) for text in _python_range(since, before)]
    return [text for _, text in sorted(texts)]


def _compared(atom: Matches, positive: bool) -> str:
    if atom.comparison in ("==", ">=", "<="):
        return f"{atom.variable} {atom.comparison if positive else _OPPOSITES[atom.comparison]} '{atom.text}'"
    word = "in" if positive else "not in"
    if atom.comparison == "in":
        return f"{atom.variable} {word} '{atom.text}'"
    return f"'{atom.text}' {word} {atom.variable}"


def _python_range(since: Python | None, before: Python | None) -> Sequence[str]:
    if since and before and since[2] == before[2] == 0 and (since[0], since[1] + 1) == before[:2]:
        return [f"python_version == '{since[0]}.{since[1]}'"]
    texts = []
    for release, op in ((since, ">="), (before, "<")):
        if release is not None:
            short = release[2] == 0
            version = "{}.{}".format(*release) if short else "{}.{}.{}".format(*release)
            texts.append(f"{'python_version' if short else 'python_full_version'} {op} '{version}'")
    return texts


_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in"}


def _opposite(text: str) -> str:
    for op in (" not in ", " in ", " == ", " != ", " <= ", " >= ", " < ", " > "):
        if op in text:
            return text.replace(op, f" {_OPPOSITES[op.strip()]} ", 1)
    return text
