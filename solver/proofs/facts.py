"""Facts of a search in words, each with where it was read, and the clauses that these words come to.

What is certified of facts (that they leave no lock, or no newer version) is made from the words alone, by the rules of
``docs/proofs.md``, so that whoever checks it can make the same from them (``satlock.solver.checking.facts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.corpora.index.file_order import files_in_order
from satlock.encoder.formula.candidates import Build, Candidates
from satlock.encoder.formula.cells import Cell, Edge, Statement
from satlock.encoder.formula.facts import Constraint, Fact, Held, Refused, Required
from satlock.encoder.formula.reasons import NeedsPython
from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.specifiers import parse_requirement, python_lower_bounds
from satlock.records import dataclass, field
from satlock.solver.explaining.wording.phrases import held_back, left_out, refused
from satlock.solver.proofs.obligation import Clause

__all__ = ["Formula", "Given", "NotCertified", "Scales", "Telling", "Title", "runs_of"]


class NotCertified(Exception):
    """What a search found cannot be put into a certificate; the message is one sentence."""


class Title(NamedTuple):
    """What a version of a package is called, as a text ``1.0``, or ``1.0 @ INDEX`` where several indexes have it."""

    version: str
    place: str | None = None
    """The index that has it; None where the version alone tells."""

    @classmethod
    def read(cls, text: str) -> Title:
        """The title that the words of a certificate have."""
        version, mark, place = text.partition(_FROM)
        return cls(version, place if mark else None)

    def __str__(self) -> str:
        return self.version if self.place is None else f"{self.version}{_FROM}{self.place}"


_FROM = " @ "


class Scale(NamedTuple):
    """The versions of a package, oldest first, and at which place each rank is that stands for one of them."""

    versions: list[str]
    places: dict[int, int]


class Scales:
    """The scale of each package's candidates, made once."""

    def __init__(self) -> None:
        self._known: dict[Candidates, Scale] = {}

    def of(self, candidates: Candidates) -> Scale:
        found = self._known.get(candidates)
        if found is None:
            singles = [(rank, one.builds[0]) for rank, one in enumerate(candidates.ranked, 1) if len(one.builds) == 1]
            if any(build.direct is not None for _, build in singles):
                raise NotCertified(f"{candidates.name} comes from an address, of which satlock writes no certificate.")
            count: dict[str, int] = {}
            for _, build in singles:
                count[build.version] = count.get(build.version, 0) + 1
            # With its index, where one version is in several of them.
            versions = [str(Title(one.version, one.index if count[one.version] > 1 else None)) for _, one in singles]
            found = Scale(versions, {rank: place for place, (rank, _) in enumerate(singles, 1)})
            self._known[candidates] = found
        return found


class Given(NamedTuple):
    """What a wish depends on: that a cell has this candidate, or that it has an extra (rank 0)."""

    cell: Cell
    rank: int
    extra: str = ""


@dataclass
class Telling:
    """Collects what is said of one environment, in the order in which it is told."""

    scales: Scales
    environment: Environment
    mark: str = ""
    """What is added to each package's name, where several environments are told of."""
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    _cells: dict[str, Candidates] = field(default_factory=dict)
    _facts: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, fact: Fact) -> None:
        """Says a fact.

        Raises:
            NotCertified: where there are no words for it.
        """
        match fact:
            case Required(edge=edge):
                if edge.reference is not None:
                    raise NotCertified(
                        f"{edge.dependency.text} names an address, of which satlock writes no certificate."
                    )
                name = self.name_of(fact.cells[-1])
                self._say({"kind": "requirement", **self._by(edge), "on": name, "line": edge.dependency.text})
                self._say_pythons(name, fact.cells[-1].candidates, fact.ranks)
            case Constraint():
                name = self.name_of(fact.cells[-1])
                self._say({"kind": "constraint", "list": fact.origin, "on": name, "line": fact.text})
            case Held():
                self._say_ranks("held", fact.cells[-1], fact.ranks, why=held_back(fact))
            case Refused(bar=bar):
                assert bar.node.cell is not None
                self.name_of(bar.node.cell)
                if self._places(bar.node.cell, 1 << bar.rank):
                    said = {"python": bar.refusal.python} if isinstance(bar.refusal, NeedsPython) else {}
                    self._say({"kind": "refused", **self._by(bar), **said, "why": refused(bar.refusal)})

    def tell_bare(self, cell: Cell, ranks: int) -> None:
        """Says that versions have no file there; their files are noted."""
        name = self.name_of(cell)
        for rank in self._ranks(cell, ranks):
            build = cell.candidates[rank].builds[0]
            self._noted(name, "files")[self._title(cell, rank)] = sorted(file.filename for file in build.files)
        self._say_ranks("bare", cell, ranks)

    def tell_lacking(self, cell: Cell, ranks: int, extra: str) -> None:
        """Says that versions do not have an extra."""
        name = self.name_of(cell)
        for rank in self._ranks(cell, ranks):
            self._read(name, cell, rank)
        self._say_ranks("lacks", cell, ranks, extra=extra)

    def tell_escape(self, cell: Cell, ranks: int, given: Iterable[Given]) -> None:
        """Says that versions are beside others by an escape (see ``satlock.solver.objective.escapes``)."""
        said = [
            {"package": self.name_of(one.cell), "ranks": self._places(one.cell, 1 << one.rank), "extra": one.extra}
            for one in given
        ]
        if all(one["ranks"] or one["extra"] for one in said):
            self._say_ranks("escape", cell, ranks, given=said)

    def name_of(self, cell: Cell) -> str:
        """The name of a package, which is spoken of from now on."""
        name = cell.package.name + self.mark
        scale, candidates = self.scales.of(cell.candidates), cell.candidates
        if name not in self.packages:
            self._cells[name] = candidates
            self.packages[name] = {
                "indexes": list(candidates.indexes),
                "versions": scale.versions,
                "read": {},
                "pythons": {},
                "left-out": {version: left_out(reason) for version, reason in candidates.left_out},
            }
        return name

    def facts(self) -> list[dict[str, Any]]:
        """The facts; what many candidates require in the same words is one."""
        found: dict[str, dict[str, Any]] = {}
        for fact in self._facts:
            by = fact.get("by")
            rest = {key: value for key, value in fact.items() if key != "by"}
            key = repr((rest, by and (by["package"], by["extra"])))
            if by and key in found:
                places = [place for first, last in (*found[key]["by"]["ranks"], *by["ranks"])
                          for place in range(first, last + 1)]  # fmt: skip
                found[key]["by"]["ranks"] = runs_of(places)
            else:
                found[key] = fact
        return list(found.values())

    def _say(self, fact: dict[str, Any]) -> None:
        if fact.get("by", True) is not None and fact not in self._facts:
            self._facts.append(fact)

    def _say_ranks(self, kind: str, cell: Cell, ranks: int, **further: object) -> None:
        name, places = self.name_of(cell), self._places(cell, ranks)
        if places:
            self._say({"kind": kind, "on": name, "ranks": places, **further})

    def _ranks(self, cell: Cell, ranks: int) -> Iterator[int]:
        """Without those that stand for several builds together."""
        return (rank for rank in self.scales.of(cell.candidates).places if ranks >> rank & 1)

    def _places(self, cell: Cell, ranks: int) -> list[list[int]]:
        """Ranks as runs of places in the list of versions."""
        places = self.scales.of(cell.candidates).places
        return runs_of(places[rank] for rank in self._ranks(cell, ranks))

    def _title(self, cell: Cell, rank: int) -> str:
        scale = self.scales.of(cell.candidates)
        return scale.versions[scale.places[rank] - 1]

    def _noted(self, name: str, what: str) -> dict[str, Any]:
        noted: dict[str, Any] = self.packages[name].setdefault(what, {})
        return noted

    def _read(self, name: str, cell: Cell, rank: int) -> None:
        self._noted(name, "read").setdefault(self._title(cell, rank), _read(cell.candidates[rank].builds[0]))

    def _by(self, stated: Statement) -> dict[str, Any]:
        """Who states: a list of the project, or a candidate, of which it is noted where its metadata was read."""
        cell, asked = stated.node.cell, stated.dependency if isinstance(stated, Edge) else None
        listed = {"list": asked.origin} if asked and (cell is None or asked.overrides) else {}
        if cell is None:
            return listed
        name, places = self.name_of(cell), self._places(cell, 1 << stated.rank)
        if not places:
            return {"by": None}
        self._read(name, cell, stated.rank)
        return {"by": {"package": name, "ranks": places, "extra": stated.node.extra}, **listed}

    def _say_pythons(self, name: str, candidates: Candidates, ranks: int) -> None:
        """The versions that do not admit the Python there, or have no file where one is required."""
        scale = self.scales.of(candidates)
        told, rest = [], []
        for rank, place in scale.places.items():
            if ranks >> rank & 1:
                requires = candidates[rank].builds[0].release.requires_python
                if self._ruled_out(requires):
                    self._noted(name, "pythons")[scale.versions[place - 1]] = requires
                    told.append(place)
                else:
                    rest.append(place)
        if told:
            self._say({"kind": "python", "on": name, "ranks": runs_of(told)})
        if rest:
            why = "has no file there, and tool.uv.required-environments asks for one, or another build has one"
            self._say({"kind": "held", "on": name, "ranks": runs_of(rest), "why": why})

    def _ruled_out(self, requires_python: str | None) -> bool:
        """Whether the Python of the environment is too old."""
        bounds = python_lower_bounds(requires_python) if requires_python else None
        python = self.environment.variables["python_full_version"]
        return bool(bounds) and not SpecifierSet(bounds or "").contains(python, prereleases=True)


def _read(build: Build) -> dict[str, str]:
    """The file whose metadata speaks for a build, with what its index tells of it."""
    files = [file for some in files_in_order(build.files) for file in some]
    if not files:
        return {"index": build.index}
    found = {"index": build.index, "file": files[0].filename, "sha256": dict(files[0].hashes).get("sha256", ""),
             "metadata": dict(files[0].metadata or ()).get("sha256", "")}  # fmt: skip
    return {key: text for key, text in found.items() if text}


def runs_of(places: Iterable[int]) -> list[list[int]]:
    """Places as runs, each with its first and last."""
    found: list[list[int]] = []
    for place in sorted(set(places)):
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


class Formula:
    """Clauses from words. ``NAME >= VERSION (k)`` says that a package is there with its k-th version or a later one."""

    def __init__(self, packages: Mapping[str, Any]) -> None:
        self._packages = packages
        self.names = [""]
        """The name of each variable, from 1; the first is empty."""
        self.clauses: list[Clause] = []
        self._seen: set[Clause] = set()
        self._numbers: dict[str, int] = {}
        self.thresholds: dict[str, set[int]] = {name: set() for name in packages}

    def say(self, fact: Mapping[str, Any], unless: Sequence[int] = ()) -> None:
        """A fact, or one of the literals in ``unless``."""
        match fact["kind"]:
            case "held" | "python" | "bare":
                self._none_of(unless, fact)
            case "lacks":
                self._none_of([*unless, -self.number(f"{fact['on']}[{fact['extra']}]")], fact)
            case "escape":
                heads = [literal for given in fact["given"] for literal in self._unless(given)]
                self._none_of([*unless, *heads], fact)
            case "constraint":
                if self.top(fact["on"]):
                    self._bound([*unless, -self.at(fact["on"], 1)], fact)
            case kind:
                for head in self._heads(fact.get("by")):
                    if kind == "refused":
                        self.add([*unless, *head])
                    else:
                        self._bound([*unless, *head], fact)

    def say_order(self) -> None:
        """That what has a version has the older ones behind it; said last, of the versions that were spoken of."""
        for name, thresholds in self.thresholds.items():
            for low, high in pairwise(sorted(thresholds)):
                self.add([-self.at(name, high), self.at(name, low)])

    def _none_of(self, head: Sequence[int], fact: Mapping[str, Any]) -> None:
        for first, last in fact["ranks"]:
            self.add([*head, -self.at(fact["on"], first), *self._after(fact["on"], last)])

    def _unless(self, given: Mapping[str, Any]) -> list[int]:
        """That a package is none of some versions, or lacks an extra."""
        name = given["package"]
        ranks = [literal for first, last in given["ranks"] for literal in (-self.at(name, first),
                                                                         *self._after(name, last))]  # fmt: skip
        return ranks + ([-self.number(f"{name}[{given['extra']}]")] if given["extra"] else [])

    def _heads(self, by: Mapping[str, Any] | None) -> Iterator[list[int]]:
        """For each run of requiring versions: that it is none of these."""
        if by is None:
            yield []
            return
        for run in by["ranks"]:
            yield self._unless({**by, "ranks": [run]})

    def _bound(self, head: Sequence[int], fact: Mapping[str, Any]) -> None:
        """Under ``head`` the package is there in a version that the line admits, with its extras."""
        line, name = parse_requirement(fact["line"], ""), fact["on"]
        admitted = [k for k in range(1, self.top(name) + 1) if self._admits(line.specifier, name, k)]
        if not admitted:
            self.add(head)
        else:
            self.add([*head, self.at(name, admitted[0])])
            others = set(range(admitted[0], self.top(name) + 1)).difference(admitted)
            for first, last in runs_of(others):
                self.add([*head, -self.at(name, first), *self._after(name, last)])
        if fact["kind"] == "requirement":
            for extra in line.extras:
                self.add([*head, self.number(f"{name}[{extra}]")])

    def _admits(self, specifier: SpecifierSet, name: str, place: int) -> bool:
        title = Title.read(self._packages[name]["versions"][place - 1])
        return specifier.contains(Version(title.version), prereleases=True)

    def top(self, name: str) -> int:
        return len(self._packages[name]["versions"])

    def at(self, name: str, place: int) -> int:
        """The variable of *this version or a later one*."""
        self.thresholds[name].add(place)
        return self.number(f"{name} >= {self._packages[name]['versions'][place - 1]} ({place})")

    def _after(self, name: str, place: int) -> list[int]:
        return [self.at(name, place + 1)] if place < self.top(name) else []

    def number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def add(self, literals: Sequence[int]) -> None:
        clause = tuple(dict.fromkeys(literals))
        if clause not in self._seen and not any(-literal in clause for literal in clause):
            self._seen.add(clause)
            self.clauses.append(clause)
