"""Random requirements for random locks, with the truth about them by enumeration; nothing of satlock is used.

A line is what metadata has: a name, extras, one version clause, a marker, and the extra that it belongs to.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from satlock.corpora.facts import Corpus, File, Listing, Metadata, MetadataOutcome, Release, Wanted
from tests.prove.deciding_locks import Deciding
from tests.prove.random_locks import (
    Marker,
    RandomLock,
    as_uv,
    atoms_of,
    holds,
    random_atom,
    told_apart,
    uv_choices,
    uv_installs,
    written,
)

OPERATORS = ("==", ">=", "<=", "<", ">", "!=", "~=", "==.*")


class Line(NamedTuple):
    name: str
    extras: tuple[str, ...] = ()
    clause: tuple[str, int] | None = None
    """An operator, and the major version it names; there are only versions such as 2.0."""
    marker: Marker | None = None
    extra: str = ""


Key = tuple[int, str]
"""An entry (-1 is the project), and which of its lists: ``""``, ``[extra]`` or ``{group}``."""


@dataclass
class Asks:
    """Who requires what."""

    lines: dict[int, list[Line]] = field(default_factory=dict)
    """Of each entry that an index tells of."""
    lists: dict[Key, list[Line]] = field(default_factory=dict)
    """Of the project, and of members."""
    overrides: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)
    excludes: set[str] = field(default_factory=set)


def fits(clause: tuple[str, int] | None, version: str) -> bool:
    if clause is None:
        return True
    operator, bound = clause
    major = int(version.partition(".")[0])
    if operator in ("==", "==.*", "~="):
        return major == bound
    return {">=": major >= bound, "<=": major <= bound, "<": major < bound, ">": major > bound,
            "!=": major != bound}[operator]  # fmt: skip


def text_of(line: Line) -> str:
    extras = f"[{','.join(line.extras)}]" if line.extras else ""
    versions = ""
    if line.clause is not None:
        operator, bound = line.clause
        versions = f"=={bound}.*" if operator == "==.*" else f"{operator}{bound}.0"
    marker = written(line.marker, None)
    if line.extra:
        marker = f"{marker} and extra == '{line.extra}'" if marker else f"extra == '{line.extra}'"
    return f"{line.name}{extras}{versions}" + (f"; {marker}" if marker else "")


def unmet(  # noqa: PLR0917
    asks: Asks,
    entries: list[tuple[str, str]],
    local: set[int],
    installed: set[int],
    chosen: Iterable[Key],
    environment: dict[str, str],
) -> set[int]:
    """The entries (-1 is the project) with a requirement that is in force and not met."""
    force: set[Key] = {(number, "") for number in installed if number not in local} | set(chosen)
    wrong: set[int] = set()
    while True:
        before = len(force)
        for number, which in sorted(force):
            for line in in_force(asks, number, which, environment):
                there = [i for i in installed if entries[i][0] == line.name]
                own = number in local or number == -1
                if not any(fits(line.clause, entries[i][1]) or (own and i in local) for i in there):
                    wrong.add(number)
                force.update((i, f"[{extra}]") for i in there for extra in line.extras)
        if len(force) == before:
            break
    for line in asks.constraints:
        for number in installed - local:
            name, version = entries[number]
            if name == line.name and holds(line.marker, environment, None) and not fits(line.clause, version):
                wrong.add(number)
    return wrong


def in_force(asks: Asks, number: int, which: str, environment: dict[str, str]) -> list[Line]:
    if (number, which) in asks.lists:
        lines = asks.lists[number, which]
    else:
        lines = [line for line in asks.lines.get(number, ()) if line.extra == which.strip("[]")]
    found: list[Line] = []
    for line in lines:
        if line.name in asks.excludes:
            continue
        instead = [other for other in asks.overrides if other.name == line.name]
        found += instead or [line]
    return [line for line in found if holds(line.marker, environment, None)]


class Told(Corpus):
    """A corpus that tells what was drawn."""

    def __init__(self, index: str, entries: list[tuple[str, str]], asks: Asks) -> None:
        self.index, self.entries, self.asks = index, entries, asks

    def listings(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Listing | None]:
        return {(index, name): self._listing(index, name) for index, name in wanted}

    def _listing(self, index: str, name: str) -> Listing | None:
        assert index == self.index
        versions = sorted({version for other, version in self.entries if other == name})
        file = (f"{name}.whl", f"{index}/{name}.whl", (("sha256", "0"),), 1, None, None, None, None)
        assert len(file) == len(File._fields)
        releases = tuple(Release(version, None, False, None, True, False, (file,)) for version in versions)
        return Listing(name, index, releases) if versions else None

    def metadata(self, wanted: Iterable[Wanted]) -> dict[Wanted, MetadataOutcome]:
        found: dict[Wanted, MetadataOutcome] = {}
        for one in wanted:
            number = self.entries.index((one.name, one.version))
            lines = tuple(text_of(line) for line in self.asks.lines.get(number, ()))
            found[one] = Metadata(one.name, one.version, lines, None, ())
        return found

    def direct(self, wanted: object) -> NoReturn:
        raise AssertionError("no reference is asked for")

    def hashed(self, wanted: object) -> NoReturn:
        raise AssertionError("no hash is asked for")


def project_text(asks: Asks, name: str, number: int) -> str:
    """A ``pyproject.toml`` with the lists of one owner, and what the project changes for everybody."""
    tables: dict[str, list[str]] = {"project.optional-dependencies": [], "dependency-groups": []}
    lines = ["[project]", f'name = "{name}"', 'version = "0"']
    for (owner, which), own in asks.lists.items():
        if owner != number:
            continue
        items = ", ".join(f'"{text_of(line)}"' for line in own)
        if which:
            table = "project.optional-dependencies" if which.startswith("[") else "dependency-groups"
            tables[table].append(f"{which[1:-1]} = [{items}]")
        else:
            lines.append(f"dependencies = [{items}]")
    for table, items_ in tables.items():
        lines += [f"[{table}]", *items_]
    lines.append("[tool.uv]")
    for key, own in (("override-dependencies", asks.overrides), ("constraint-dependencies", asks.constraints)):
        lines.append(f"{key} = [{', '.join(chr(34) + text_of(line) + chr(34) for line in own)}]")
    lines.append(f"exclude-dependencies = {sorted(asks.excludes)!r}".replace("'", '"'))
    return "\n".join(lines) + "\n"


def _clause(chance: random.Random, versions: list[int], wrongs: float) -> tuple[str, int] | None:
    """A clause that admits the versions, mostly."""
    if chance.random() < 0.3:
        return None
    if chance.random() < wrongs:
        return chance.choice(OPERATORS), chance.randrange(3)
    fitting = [(o, b) for o in OPERATORS for b in range(4) if all(fits((o, b), f"{v}.0") for v in versions)]
    return chance.choice(fitting) if fitting else None


def asks_of_uv(chance: random.Random, lock: RandomLock) -> Asks:
    """What would have led to the lock's edges, mostly; afterwards the lock loses some of them, sometimes."""
    asks = Asks()
    wrongs = chance.choice((0.0, 0.0, 0.02, 0.1))
    for (number, kind, key), targets in sorted(lock.edges.items()):
        lines = []
        for target, extras, marker in targets:
            if _asks_of_choices(marker) and chance.random() < 0.9:
                continue
            name, version = lock.entries[target]
            sure = None if _asks_of_choices(marker) else marker
            if chance.random() < wrongs:
                sure = chance.choice((None, random_atom(chance)))
            lines.append(Line(name, tuple(extras), _clause(chance, [int(version[0])], wrongs), sure))
        if number < len(lock.members):
            asks.lists[number, f"[{key}]" if kind == "extra" else f"{{{key}}}" if kind == "group" else ""] = lines
        else:
            asks.lines.setdefault(number, []).extend(line._replace(extra=key) for line in lines)
    for number in range(len(lock.members)):
        asks.lists.setdefault((number, ""), [])
    for place, targets in list(lock.edges.items()):
        for target, extras, _marker in list(targets):
            if chance.random() < wrongs:
                targets.remove((target, extras, _marker))
            elif extras and chance.random() < 2 * wrongs:
                extras.clear()
        if not targets:
            del lock.edges[place]
    _edit(chance, asks, sorted({name for name, _ in lock.entries[len(lock.members) :]}))
    for lines in (asks.overrides, asks.constraints, *asks.lists.values(), *asks.lines.values()):
        lines[:] = [line if line.marker is None else line._replace(marker=as_uv(line.marker)) for line in lines]
    return asks


def _asks_of_choices(marker: Marker | None) -> bool:
    return marker is not None and (marker[0] in ("on", "off") or any(
        _asks_of_choices(part) for part in marker[1:] if isinstance(part, tuple) and marker[0] != "atom"))  # fmt: skip


def _edit(chance: random.Random, asks: Asks, names: list[str]) -> None:
    def drawn() -> Line:
        marker = random_atom(chance) if chance.random() < 0.4 else None
        return Line(chance.choice(names), (), (chance.choice(OPERATORS), chance.randrange(3)), marker)

    asks.overrides = [drawn() for _ in range(chance.choice((0, 0, 1, 2)))]
    asks.constraints = [drawn() for _ in range(chance.choice((0, 0, 0, 1)))]
    asks.excludes = set(chance.sample(names, chance.choice((0, 0, 1))))


def asks_of_deciding(chance: random.Random, lock: Deciding, choices: tuple[tuple[str, str], ...]) -> Asks:
    """Requirements among the entries and of the project; whether the lock meets them is left to chance."""
    asks = Asks()
    names = sorted({name for name, *_ in lock})
    always = [name for name in names if all(marker is None for other, _, _, marker in lock if other == name)]

    def drawn(extra: str = "") -> Line:
        name = chance.choice(always if always and chance.random() < 0.8 else names)
        versions = [int(version[0]) for other, version, *_ in lock if other == name]
        extras = ("x",) if chance.random() < 0.3 else ()
        marker = random_atom(chance) if chance.random() < 0.5 else None
        return Line(name, extras, _clause(chance, versions, 0.1), marker, extra)

    for number in range(len(lock)):
        asks.lines[number] = [drawn() for _ in range(chance.choice((0, 0, 1, 2)))]
        asks.lines[number] += [drawn("x") for _ in range(chance.choice((0, 1)))]
    asks.lists[-1, ""] = [drawn() for _ in range(chance.choice((0, 1, 2)))]
    for kind, name in choices:
        which = f"[{name}]" if kind == "extra" else f"{{{name}}}"
        asks.lists[-1, which] = [drawn() for _ in range(chance.choice((0, 1)))]
    _edit(chance, asks, names)
    return asks


def _markers(asks: Asks) -> list[Marker | None]:
    everything = [*asks.lines.values(), *asks.lists.values(), asks.overrides, asks.constraints]
    return [line.marker for lines in everything for line in lines if atoms_of(line.marker)]


def uv_unmet(lock: RandomLock, asks: Asks) -> set[str]:
    """The names of owners with a requirement that some environment leaves unmet."""
    markers = [marker for targets in lock.edges.values() for _, _, marker in targets]
    local = set(range(len(lock.members)))
    lists = [which for number, which in asks.lists if which]
    extra_keys = sorted({which[1:-1] for which in lists if which.startswith("[")})
    group_keys = sorted({which[1:-1] for which in lists if which.startswith("{")})
    wrong: set[int] = set()
    choices = {
        (production, members, extras, groups)
        for production, members, _, _ in uv_choices(lock)
        for extras in (_subsets(extra_keys) if production else [frozenset()])
        for groups in _subsets(group_keys)
    }
    for environment in told_apart([*markers, *_markers(asks)]):
        for choice in choices:
            installed = uv_installs(lock, environment, choice)
            if installed is None:
                continue
            _, members, extras, groups = choice
            chosen = [(n, "") for n in installed & local]
            for number, which in asks.lists:
                own = extras if which.startswith("[") else groups
                if which and lock.entries[number][0] in members and which[1:-1] in own:
                    chosen.append((number, which))
            wrong |= unmet(asks, lock.entries, local, installed, chosen, environment)
    return {lock.entries[number][0] for number in wrong}


def deciding_unmet(
    lock: Deciding,
    asks: Asks,
    choices: tuple[tuple[str, str], ...],
    needs: Callable[[str], set[tuple[str, str]]],
) -> set[str]:
    """As :func:`uv_unmet`; ``needs`` says which choices put a list of the project in force."""
    entries = [(name, version) for name, version, *_ in lock]
    wrong: set[int] = set()
    environments = told_apart([*(marker for *_, marker in lock), *_markers(asks)])
    for chosen_ in _subsets(list(choices)):
        for environment in environments:
            installed = {
                number
                for number, (_, _, groups, marker) in enumerate(lock)
                if (not groups or chosen_.intersection(("group", group) for group in groups))
                and holds(marker, environment, chosen_.__contains__)
            }
            lists = [key for key in asks.lists if needs(key[1]) <= chosen_]
            wrong |= unmet(asks, entries, set(), installed, lists, environment)
    return {entries[number][0] if number >= 0 else "(project)" for number in wrong}


def _subsets(items: list) -> list[frozenset]:  # type: ignore[type-arg]
    return [frozenset(c) for n in range(len(items) + 1) for c in itertools.combinations(items, n)]
