"""What a lockfile says, in any format: its entries, and the marked edges along which an installer reaches them.

An installer starts at no entry and follows *edges*. An edge has a condition on the environment and on what the person
chose; one without a source starts at the project itself. Formats in which each entry decides for itself (PEP 751,
Poetry, PDM) have one such edge for each entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from satlock.encoder.project.project import ProjectError
from satlock.records import dataclass, field

__all__ = ["ALWAYS", "NEVER", "AllOf", "AnyOf", "Bring", "Comparison", "Condition", "ConflictItem", "Edge", "Entry",
           "Item", "Lockfile", "LockfileError", "PRODUCTION", "Source", "Switch", "Thing", "Whether", "all_of",
           "any_of", "at_node", "comparisons", "node_of"]  # fmt: skip


class LockfileError(ProjectError):
    """A lockfile that cannot be read; the message is one sentence that says what is wrong and where."""


@dataclass(frozen=True)
class Comparison:
    """A marker variable compared with a constant, as the marker has it."""

    variable: str
    operator: str
    text: str
    reversed: bool = False
    """The constant stands on the left: ``'linux' in sys_platform``."""
    denied: bool = False
    """It is asked not to hold; no file says that, but bounds on what is reached do."""

    def __str__(self) -> str:
        constant = f"'{self.text}'"
        sides = (constant, self.variable) if self.reversed else (self.variable, constant)
        return f"{sides[0]} {self.operator} {sides[1]}"


class Switch(NamedTuple):
    """Something that can be on. As a text, as variables and certificates have it, ``extra cpu``."""

    kind: str
    """What a person chooses is a ``project``, ``production``, an ``extra`` or a ``group``. Of an :class:`Item` it is
    ``picked``, ``active`` or ``early``. To ``reach`` an entry is one as well, where what is asked for depends on it."""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind


PRODUCTION = Switch("production")
"""That the project itself is installed, and not its groups alone."""


class Thing(NamedTuple):
    """Something that can be in force. As a text ``in force extra cpu of pkg``."""

    kind: str
    """``extra``, ``group`` or ``project``."""
    name: str
    package: str
    """The project itself has no name as a package."""

    @property
    def label(self) -> str:
        """As a sentence has it."""
        if self.kind == "project":
            return f"project {self.package}" if self.package else "the project"
        return f"{self.kind} {self.name}" + (f" of {self.package}" if self.package else "")

    def __str__(self) -> str:
        return f"in force {self.label}"


@dataclass(frozen=True)
class Whether:
    """Whether a switch is on; negated where ``on`` is false."""

    switch: Switch
    on: bool = True


@dataclass(frozen=True)
class AllOf:
    """A conjunction; true of nothing."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """A disjunction; false of nothing."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Whether | AllOf | AnyOf
"""There is no negation: markers have none, and comparisons carry their own."""

ALWAYS = AllOf(())
NEVER = AnyOf(())


def all_of(*parts: Condition) -> Condition:
    """The conjunction, with conjunctions inside it spliced in and one part standing for itself."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,))]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(*parts: Condition) -> Condition:
    """The disjunction, with disjunctions inside it spliced in and one part standing for itself."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AnyOf) else (part,))]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Every comparison in a condition, in order."""
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from comparisons(part)


class Source(NamedTuple):
    """Where an entry comes from, in the lock's own words; each is empty where the lock does not tell."""

    kind: str = ""
    """Such as ``registry``, ``git`` or ``editable``."""
    place: str = ""
    """An address or a path."""
    reference: str = ""
    """What there: a commit, or the name of the index."""

    @property
    def address(self) -> str:
        """The place without a slash at its end, by which indexes are compared."""
        return self.place.rstrip("/")

    def __str__(self) -> str:
        return " ".join(filter(None, self))


@dataclass(frozen=True)
class Entry:
    """One candidate in the lock."""

    number: int
    """Its place in the file, from 0."""
    name: str
    version: str
    """Empty where the lock has none (a project in a folder, whose version is dynamic)."""
    source: Source
    files: tuple[str, ...] = ()
    """Names of its wheels and source distributions."""
    builds: bool = False
    """It needs no file: it comes from a folder, a repository or an archive."""
    hashes: tuple[tuple[str, str], ...] = ()
    """The SHA-256 of each of its files that the lock tells one of."""

    def hash_of(self, file: str) -> str:
        """The SHA-256 of a file; empty where the lock tells none."""
        return dict(self.hashes).get(file, "")

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def node_of(number: int, extra: str = "") -> str:
    """How an entry, or an entry with one of its extras, is called as a place on the way."""
    return f"{number}[{extra}]" if extra else str(number)


def at_node(node: str) -> tuple[int, str]:
    """The entry of a node, and the extra."""
    number, _, extra = node.rstrip("]").partition("[")
    return int(number), extra


@dataclass(frozen=True)
class Edge:
    """One step that an installer may take."""

    name: str
    """Unique in the lock: which dependency of what it is, e.g. ``17[cpu].2``."""
    source: str | None
    """The node that it leaves; None for the project itself."""
    targets: tuple[str, ...]
    condition: Condition
    activates: tuple[str, ...] = ()
    """The :class:`Item` names that following it activates (``pkg[extra]`` activates ``extra`` of ``pkg``)."""
    step: str = ""
    """What a person calls it where it starts at the project, e.g. ``extra 'cpu'``."""
    member: str = ""
    """The member of the workspace that it leads to, or whose group lists it, where it starts at the project."""
    group: str = ""
    """The group that lists it, where it starts at the project."""


@dataclass(frozen=True)
class Item:
    """An extra, a group or a member that conflict markers can ask for (``uv.lock``)."""

    name: str
    """As markers spell it: ``extra-4-test-cpu``."""
    needs: tuple[Switch, ...] | None
    """The switches that together pick it at the start; None where nothing does."""
    activators: tuple[str, ...] = ()
    """Names of edges that activate it on the way."""
    early: tuple[str, ...] = ()
    """Those of them that start at the project."""

    @property
    def switch(self) -> Switch:
        """The switch that markers on it read, once the first walk is over."""
        return Switch("active" if self.activators else "picked", self.name)


@dataclass(frozen=True)
class ConflictItem:
    """One member of a set of which at most one may be active."""

    label: str
    item: str
    """The name of the :class:`Item`."""
    thing: Thing
    """What it is; a member of a workspace is named."""

    @property
    def extra(self) -> bool:
        """Two extras are in conflict however they became active, all else only where it was picked at the start: that
        is as far as uv looks."""
        return self.thing.kind == "extra"


@dataclass(frozen=True)
class Bring:
    """Something that puts an extra, a group or a member of the project in force, where ``condition`` holds."""

    by: Switch | Thing | None
    """A switch, or what is in force itself; None for what always is."""
    brought: Thing
    condition: Condition = ALWAYS
    marker: str = ""
    """The condition as the project writes it."""


@dataclass(frozen=True)
class Lockfile:
    """A lockfile of any format."""

    kind: str
    """``uv``, ``pylock``, ``poetry`` or ``pdm``."""
    entries: tuple[Entry, ...]
    edges: tuple[Edge, ...]
    requires_python: str
    environments: Condition = ALWAYS
    """What the lock says of the environments that it is for."""
    covered: Condition = ALWAYS
    """Where dependencies are followed at all, whatever is chosen (``uv.lock``); *complete* asks for that."""
    followed: bool = False
    """The lock does not say when an entry is installed: that was followed from the project's own tables."""
    switches: tuple[Switch, ...] = ()
    """Everything that a person can choose."""
    required: tuple[Switch, ...] = ()
    """Switches that are always on."""
    implied: tuple[tuple[Switch, Switch], ...] = ()
    """Pairs of switches where the first cannot be chosen without the second."""
    items: Mapping[str, Item] = field(default_factory=dict)
    conflicts: tuple[tuple[ConflictItem, ...], ...] = ()
    brings: tuple[Bring, ...] = ()
    """What puts into force what :attr:`rivals` speaks of; nothing else does."""
    rivals: tuple[tuple[Switch | Thing, ...], ...] = ()
    """What is never in force together, by the project's conflicts: pairs; in a ``uv.lock`` switches."""

    def named(self) -> dict[str, list[Entry]]:
        """The entries of each name, sorted by name."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.name, []).append(entry)
        return dict(sorted(found.items()))
