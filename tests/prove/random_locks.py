"""Random locks with their truth: every environment of a fine grid, walked by a few lines that share nothing with
satlock. Markers are nested tuples here, so that not even their parser is shared."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

PYTHONS = ("3.9.0", "3.10.0", "3.11.3", "3.11.4", "3.12.0", "3.13.0", "3.13.1")
PLATFORMS = tuple(
    (*platform, machine)
    for platform, machines in (
        (("posix", "linux", "Linux"), ("x86_64", "aarch64", "riscv64")),
        (("nt", "win32", "Windows"), ("AMD64", "ARM64", "arm64")),
        (("posix", "darwin", "Darwin"), ("arm64", "x86_64")),
        (("posix", "freebsd14", "FreeBSD"), ("amd64", "AMD64", "x86_64", "arm64", "aarch64")),
    )
    for machine in machines
)
IMPLEMENTATIONS = (("cpython", "CPython"), ("pypy", "PyPy"))
ATOMS = (
    ("python_full_version", "<", "3.11.4"),
    ("python_full_version", ">=", "3.11.4"),
    ("python_full_version", ">=", "3.12"),
    ("python_full_version", "<", "3.12"),
    ("python_version", "<", "3.11"),
    ("python_version", ">=", "3.11"),
    ("python_version", "==", "3.10"),
    ("python_full_version", "==", "3.13.*"),
    ("python_full_version", "!=", "3.13.1"),
    ("python_full_version", "~=", "3.11.3"),
    ("sys_platform", "==", "linux"),
    ("sys_platform", "!=", "linux"),
    ("sys_platform", "==", "win32"),
    ("sys_platform", "!=", "win32"),
    ("os_name", "==", "nt"),
    ("platform_system", "!=", "Darwin"),
    ("platform_machine", "==", "x86_64"),
    ("platform_machine", "!=", "x86_64"),
    ("platform_machine", "==", "AMD64"),
    ("platform_machine", "in", "aarch64 arm64"),
    ("platform_machine", "not in", "aarch64 arm64"),
    ("platform_python_implementation", "==", "CPython"),
    ("implementation_name", "!=", "cpython"),
    ("platform_release", "<", "20.0"),
    ("platform_release", ">=", "20.0"),
    ("platform_release", "<", "21.6"),
    ("platform_release", ">=", "21.6"),
    ("platform_release", "~=", "20.1"),
    ("platform_release", "==", "21.6.0"),
    ("platform_version", "==", "#2 SMP"),
    ("platform_version", "!=", "#2 SMP"),
)
RELEASES = ("19.2.0", "20", "20.5", "21.6.0", "22.1", "9.1")
VERSIONS = ("#1 SMP", "#2 SMP")
AS_TEXT = " as text"
"""Behind a variable that is compared by its letters, as uv does it."""


def environments() -> list[dict[str, str]]:
    return [
        {
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "os_name": os_name,
            "sys_platform": sys_platform,
            "platform_system": system,
            "platform_machine": machine,
            "implementation_name": implementation,
            "platform_python_implementation": spelled,
            "platform_release": RELEASES[0],
            "platform_version": VERSIONS[0],
        }
        for python in PYTHONS
        for os_name, sys_platform, system, machine in PLATFORMS
        for implementation, spelled in IMPLEMENTATIONS
    ]


ENVIRONMENTS = environments()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0, 0)[:3]


def atom_holds(atom: tuple[str, str, str], environment: dict[str, str]) -> bool:
    variable, operator, text = atom
    value = environment[variable.removesuffix(AS_TEXT)]
    if variable.endswith(AS_TEXT):
        return {"<": value < text, ">=": value >= text, "==": value == text, "!=": value != text}[operator]
    if operator in ("in", "not in"):
        return (value in text) == (operator == "in")
    if not variable.startswith("python_") and variable != "platform_release":
        return (value == text) == (operator == "==")
    mine = _numbers(value)
    if text.endswith(".*"):
        return (mine[:2] == _numbers(text[:-2])) == (operator == "==")
    if operator == "~=":
        least = _numbers(text)
        return _padded(mine) >= _padded(least) and mine[: len(least) - 1] == least[:-1]
    other = _padded(_numbers(text))
    mine = _padded(mine)
    return {"<": mine < other, ">=": mine >= other, "==": mine == other, "!=": mine != other}[operator]


Marker = tuple[Any, ...]
"""("atom", …), ("and", …), ("or", …) or ("on", name) and ("off", name) for extras and groups."""


def holds(marker: Marker | None, environment: dict[str, str], on: Any) -> bool:
    if marker is None:
        return True
    kind, *rest = marker
    if kind == "atom":
        return atom_holds(rest[0], environment)
    if kind in ("on", "off"):
        return on(rest[0]) == (kind == "on")
    return (all if kind == "and" else any)(holds(part, environment, on) for part in rest)


def atoms_of(marker: Marker | None) -> set[tuple[str, str, str]]:
    if marker is None or marker[0] in ("on", "off"):
        return set()
    return {marker[1]} if marker[0] == "atom" else set().union(*(atoms_of(part) for part in marker[1:]))


def told_apart(markers: Iterable[Marker | None]) -> list[dict[str, str]]:
    """One environment for each way of answering what the markers ask."""
    atoms = sorted(set().union(*(atoms_of(marker) for marker in markers)))
    found = {tuple(atom_holds(atom, e) for atom in atoms): e for e in ENVIRONMENTS}
    for variable, values in (("platform_release", RELEASES), ("platform_version", VERSIONS)):
        if any(name.removesuffix(AS_TEXT) == variable for name, _, _ in atoms):
            more = [{**e, variable: value} for e in found.values() for value in values]
            found = {tuple(atom_holds(atom, e) for atom in atoms): e for e in more}
    return list(found.values())


def negated(marker: Marker) -> Marker:
    kind, *rest = marker
    if kind == "atom":
        variable, operator, text = rest[0]
        flipped = {"<": ">=", ">=": "<", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}.get(operator)
        return ("atom", (variable, flipped, text)) if flipped else marker
    if kind in ("on", "off"):
        return ("off" if kind == "on" else "on", rest[0])
    return ("or" if kind == "and" else "and", *(negated(part) for part in rest))


def written(marker: Marker | None, spell: Any) -> str:
    """The marker's text; ``spell`` writes a choice."""
    if marker is None:
        return ""
    kind, *rest = marker
    if kind == "atom":
        variable, operator, text = rest[0]
        return f"{variable.removesuffix(AS_TEXT)} {operator} '{text}'"
    if kind in ("on", "off"):
        return str(spell(rest[0], kind == "on"))
    return "(" + f" {kind} ".join(written(part, spell) for part in rest) + ")"


@dataclass
class RandomLock:
    """A lock as a graph: what ``uv.lock`` holds."""

    entries: list[tuple[str, str]]
    """Name and version; the first are members."""
    members: list[str]
    edges: dict[tuple[int, str, str], list[tuple[int, list[str], Marker | None]]] = field(default_factory=dict)
    """(entry, kind, name of extra or group) to targets with extras and marker; kind is "", "extra" or "group"."""
    conflicts: list[list[tuple[str, str, str]]] = field(default_factory=list)
    """Sets of (member, kind, name)."""


def random_atom(chance: random.Random) -> Marker:
    return ("atom", chance.choice(ATOMS))


def random_marker(chance: random.Random, choices: list[Any], depth: int = 2) -> Marker:
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        if choices and chance.random() < 0.5:
            return (chance.choice(("on", "off")), chance.choice(choices))
        return random_atom(chance)
    parts = [random_marker(chance, choices, depth - 1) for _ in range(chance.randint(2, 3))]
    return (chance.choice(("and", "or")), *parts)


def as_uv(marker: Marker) -> Marker:
    """What uv makes of it, where it may be asked by uv."""
    if marker[0] == "atom":
        variable, operator, text = marker[1]
        by_letters = variable in ("platform_release", "platform_version")
        return ("atom", (variable + AS_TEXT, ">=" if operator == "~=" else operator, text)) if by_letters else marker
    return marker if marker[0] in ("on", "off") else (marker[0], *map(as_uv, marker[1:]))


def uv_marker(chance: random.Random, choices: list[Any], depth: int = 2) -> Marker:
    return as_uv(random_marker(chance, choices, depth))


def random_uv(chance: random.Random) -> RandomLock:
    """A lock whose duplicates are split, mostly right, by platform, by Python or by conflicting choices."""
    members = ["app"] + (["side"] if chance.random() < 0.25 else [])
    lock = RandomLock([(name, "0") for name in members], members)
    for i in range(chance.randint(3, 6)):
        lock.entries += [(f"p{i}", f"{v}.0") for v in range(chance.choice((1, 1, 2, 2, 3)))]
    kinds = [("", ""), ("extra", "a"), ("extra", "b"), ("group", "g"), ("extra", "c"), ("group", "h")]
    items = [("app", *kind) for kind in kinds[1 : chance.randint(2, 6)]]
    if len(members) > 1:
        items += [("side", "extra", "a")]
    if len(items) > 1 and chance.random() < 0.8:
        lock.conflicts.append(chance.sample(items, chance.randint(2, min(3, len(items)))))
    asked = [item for members_ in lock.conflicts for item in members_]
    names = sorted({name for name, _ in lock.entries[len(members) :]})
    numbers = {name: [i for i, entry in enumerate(lock.entries) if entry[0] == name] for name in names}
    sources = [(0, kind, name) for member, kind, name in items if member == "app"] + [(0, "", "")]
    sources += [(1, "", ""), (1, "extra", "a")] if len(members) > 1 else []
    sources += [(i, "", "") for i in range(len(members), len(lock.entries))]
    sources += [(i, "extra", "x") for i in range(len(members), len(lock.entries)) if chance.random() < 0.3]
    with_x = {i for i, kind, _ in sources if kind == "extra" and i >= len(members)}
    # One split for a name in the whole lock makes a right one, until something is mutated.
    splits = {name: [uv_marker(chance, asked, 1) for _ in numbers[name]] for name in names}
    wrongs = chance.choice((0.0, 0.0, 0.03, 0.15))
    for source in sources:
        for name in chance.sample(names, min(len(names), chance.randint(0, 3))):
            _add_split(chance, lock, source, numbers[name], asked, with_x, splits[name], wrongs)
        if chance.random() < 0.1:
            member = chance.randrange(len(members))
            extras = [item[2] for item in items if item[1] == "extra" and item[0] == members[member]]
            marker = uv_marker(chance, asked) if chance.random() < 0.5 else None
            target = (member, chance.sample(extras, min(1, len(extras))), marker)
            lock.edges.setdefault(source, []).append(target)
    # uv writes and walks the dependencies of anything in this order, and groups by name.
    for targets in lock.edges.values():
        targets.sort(key=lambda target: (lock.entries[target[0]], target[1]))
    lock.edges = dict(sorted(lock.edges.items()))
    return lock


def _add_split(  # noqa: PLR0917
    chance: random.Random,
    lock: RandomLock,
    source: tuple[int, str, str],
    targets: list[int],
    asked: list[Any],
    with_x: set[int],
    split: list[Marker],
    wrongs: float,
) -> None:
    """Edges to all entries of a name, apart by markers that are disjoint, unless something is mutated."""
    for place, target in enumerate(targets):
        own = () if place == len(targets) - 1 else (split[place],)
        marker: Marker | None = ("and", *(negated(before) for before in split[:place]), *own)
        if marker == ("and",):
            marker = None
        if chance.random() < wrongs:
            kind = chance.randrange(4)
            if kind == 0:
                marker = None
            elif kind == 1 and marker is not None:
                marker = negated(marker)
            elif kind == 2:
                marker = uv_marker(chance, asked)
            elif marker is not None:
                marker = ("or", marker, uv_marker(chance, asked, 0))
        if chance.random() < 0.1:
            continue
        extras = ["x"] if target in with_x and chance.random() < 0.4 else []
        lock.edges.setdefault(source, []).append((target, extras, marker))


def uv_text(lock: RandomLock) -> str:
    def spell(item: tuple[str, str, str], on: bool) -> str:
        member, kind, name = item
        return f"extra {'==' if on else '!='} '{kind}-{len(member)}-{member}-{name}'"

    lines = ["version = 1", "revision = 3", 'requires-python = ">=3.9"']
    if lock.conflicts:
        sets = ", ".join(
            "[" + ", ".join(f'{{ package = "{m}", {k} = "{n}" }}' for m, k, n in members) + "]"
            for members in lock.conflicts
        )
        lines.append(f"conflicts = [{sets}]")
    if len(lock.members) > 1:
        lines += ["[manifest]", f"members = {lock.members!r}".replace("'", '"')]
    several = {name for name, _ in lock.entries if sum(other == name for other, _ in lock.entries) > 1}
    for number, (name, version) in enumerate(lock.entries):
        local = name in lock.members
        path = "." if number == 0 else name
        source = f'{{ editable = "{path}" }}' if local else '{ registry = "https://index.example/simple" }'
        lines += ["[[package]]", f'name = "{name}"', f'version = "{version}"', f"source = {source}"]
        tables: dict[str, list[str]] = {"": [], "extra": [], "group": []}
        for (source_number, kind, key), targets in lock.edges.items():
            if source_number != number:
                continue
            written_targets = []
            for target, extras, marker in targets:
                other, its = lock.entries[target]
                parts = [f'name = "{other}"']
                if other in several:
                    parts.append(f'version = "{its}", source = {{ registry = "https://index.example/simple" }}')
                if extras:
                    parts.append(f"extra = {extras!r}".replace("'", '"'))
                if marker is not None:
                    parts.append(f'marker = "{written(marker, spell)}"')
                written_targets.append("{ " + ", ".join(parts) + " }")
            tables[kind].append(f"{key or 'dependencies'} = [{', '.join(written_targets)}]")
        lines += tables[""]
        for kind, header in (("extra", "optional-dependencies"), ("group", "dev-dependencies")):
            if tables[kind]:
                lines += [f"[package.{header}]", *tables[kind]]
    return "\n".join(lines) + "\n"


def uv_choices(lock: RandomLock) -> list[tuple[bool, frozenset[str], frozenset[str], frozenset[str]]]:
    """Every choice: with the project or only groups, members, extras, groups."""
    extras = sorted({key for (number, kind, key) in lock.edges if kind == "extra" and number < len(lock.members)})
    groups = sorted({key for (number, kind, key) in lock.edges if kind == "group"})

    def subsets(items: list[str]) -> list[frozenset[str]]:
        return [frozenset(c) for n in range(len(items) + 1) for c in itertools.combinations(items, n)]

    return [
        (production, members, chosen, with_groups)
        for members in subsets(lock.members)[1:]
        for production in (True, False)
        for chosen in (subsets(extras) if production else [frozenset()])
        for with_groups in subsets(groups)
    ]


def uv_installs(
    lock: RandomLock, environment: dict[str, str], choice: tuple[bool, frozenset[str], frozenset[str], frozenset[str]]
) -> set[int] | None:
    """The entries that ``uv sync`` installs; None where it refuses. The order of its two walks is kept."""
    production, members, extras, groups = choice
    active: set[tuple[str, str, str]] = set()
    roots = [number for number, name in enumerate(lock.members) if name in members]
    for number in roots:
        for source, kind, key in lock.edges:
            if source == number and ((kind == "extra" and production and key in extras) or
                                     (kind == "group" and key in groups)):  # fmt: skip
                active.add((lock.entries[number][0], kind, key))
    for members_ in lock.conflicts:
        if sum(item in active for item in members_) > 1:
            return None
    installed = set(roots) if production else set()
    start: list[tuple[int, str]] = []
    ways: dict[tuple[int, str], set[frozenset[Marker]]] = {}
    queue: deque[tuple[int, str]] = deque()

    def come(node: tuple[int, str], new: set[frozenset[Marker]]) -> None:
        every = ways.get(node, set()) | new
        least = {way for way in every if not any(other < way for other in every)}
        if ways.get(node) != least:
            ways[node] = least
            queue.append(node)

    for number in roots:
        if production:
            start.append((number, ""))
            start += [(number, key) for source, kind, key in lock.edges
                      if source == number and kind == "extra" and key in extras]  # fmt: skip
            for node in start:
                come(node, {frozenset()})
        for (source, kind, key), targets in lock.edges.items():
            if source == number and kind == "group" and key in groups:
                for target, its, marker in targets:
                    own = activated(lock, target, its)
                    if holds(marker, environment, (active | own).__contains__):
                        active |= own
                        installed.add(target)
                        for extra in ("", *its):
                            start.append((target, extra))
                            come((target, extra), ways_on({frozenset()}, marker, environment))
    while queue and lock.conflicts:
        number, key = node = queue.popleft()
        for target, its, marker in lock.edges.get((number, "extra" if key else "", key), ()):
            own = activated(lock, target, its)
            further = ways_on(ways[node], marker, environment)
            if any(all(holds(m, environment, (active | own).__contains__) for m in way) for way in further):
                active |= own
                for extra in ("", *its):
                    come((target, extra), further)
    for members_ in lock.conflicts:
        if sum(item in active and item[1] == "extra" for item in members_) > 1:
            return None
    seen = set(start)
    todo = list(start)
    while todo:
        number, key = todo.pop()
        for target, its, marker in lock.edges.get((number, "extra" if key else "", key), ()):
            if holds(marker, environment, active.__contains__):
                installed.add(target)
                for extra in ("", *its):
                    if (target, extra) not in seen:
                        seen.add((target, extra))
                        todo.append((target, extra))
    return installed


def activated(lock: RandomLock, target: int, extras: list[str]) -> set[tuple[str, str, str]]:
    """What an edge activates: extras that have dependencies in the lock."""
    return {(lock.entries[target][0], "extra", name) for name in extras if (target, "extra", name) in lock.edges}


def ways_on(ways: set[frozenset[Marker]], marker: Marker | None, environment: dict[str, str]) -> set[frozenset[Marker]]:
    """The ways, continued by an edge with this marker, without what the environment decides."""
    left = left_of(marker, environment)
    if isinstance(left, bool):
        return set(ways) if left else set()
    return {way | {left} for way in ways}


def left_of(marker: Marker | None, environment: dict[str, str]) -> Marker | bool:
    if marker is None:
        return True
    if marker[0] == "atom":
        return atom_holds(marker[1], environment)
    if marker[0] in ("on", "off"):
        return marker
    ending = marker[0] == "or"
    parts = [left_of(part, environment) for part in marker[1:]]
    if ending in parts:
        return ending
    kept: list[Marker] = []
    for part in parts:
        if not isinstance(part, bool):
            # Conjunctions inside conjunctions are one, as they are in the file's reading.
            kept += part[1:] if part[0] == marker[0] else (part,)
    return (kept[0] if len(kept) == 1 else (marker[0], *kept)) if kept else not ending


def uv_truth(lock: RandomLock) -> set[str]:
    """The names of which some environment installs two entries."""
    twice: set[str] = set()
    walked: set[str] = set()
    for environment in told_apart(marker for targets in lock.edges.values() for _, _, marker in targets):
        # What is left of the edges is all that a walk asks of the environment.
        edges: dict[tuple[int, str, str], list[tuple[int, list[str], Marker | None]]] = {}
        for place, targets in lock.edges.items():
            left = [(target, its, left_of(marker, environment)) for target, its, marker in targets]
            edges[place] = [
                (target, its, None if one is True else one) for target, its, one in left if one is not False
            ]
        if repr(edges) in walked:
            continue
        walked.add(repr(edges))
        here = replace(lock, edges=edges)
        for choice in uv_choices(here):
            names = [here.entries[number][0] for number in uv_installs(here, environment, choice) or ()]
            twice.update(name for name in names if names.count(name) > 1)
    return twice
