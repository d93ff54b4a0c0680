"""The claim that a project has no lock: facts that cannot all hold in an environment that it admits.

A search that finds no lock has a minimal set of facts and an environment in which all of them are in force. Here they
are put into words, each with where it was read, and the clauses are made from the words alone, by the rules of
``docs/proofs.md``. Where a package is to have one version everywhere, several environments may be needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.corpora.index.file_order import files_in_order
from satlock.encoder.formula.candidates import Build, Candidates
from satlock.encoder.formula.cells import Cell, Edge, Fact
from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.specifiers import parse_requirement, python_lower_bounds
from satlock.encoder.project.universe import Universe
from satlock.solver.proofs.obligation import Clause

__all__ = ["NoLockProof", "NotCertified", "prove_no_lock"]


class NotCertified(Exception):
    """What a search found cannot be put into a certificate; the message is one sentence."""


@dataclass(frozen=True)
class NoLockProof:
    """Facts in words, and their clauses, which have no model."""

    words: dict[str, Any]
    names: tuple[str, ...]
    """The name of each variable, from 1; the first is empty."""
    clauses: tuple[Clause, ...]


def prove_no_lock(facts: Sequence[Fact], universe: Universe, single_version: frozenset[str]) -> NoLockProof:
    """Puts the facts of a search that found no lock into words and clauses.

    Raises:
        NotCertified: where they cannot be, with the reason.
    """
    groups = _groups(facts, universe, single_version)
    writer = _Writer()
    for number, (environment, mine) in enumerate(groups):
        writer.environments.append(environment)
        for fact in mine:
            writer.tell(fact, number if len(groups) > 1 else None)
    if len(groups) > 1:
        writer.single_version = sorted(single_version & {cell.package.name for fact in facts for cell in fact.cells})
    words = writer.words()
    formula = _Formula(words)
    formula.build()
    return NoLockProof(words, tuple(formula.names), tuple(formula.clauses))


def _groups(
    facts: Sequence[Fact], universe: Universe, single_version: frozenset[str]
) -> list[tuple[Environment, list[Fact]]]:
    """The facts with an environment in which they are in force: one for all, where there is one.

    Otherwise facts go together that share a cell of a package which may have several versions.
    """
    told = [fact for fact in facts if fact.kind != "single-version"]
    together = universe.domain.witness(*(region for fact in told for region in fact.regions))
    if together is not None and len(told) == len(facts):
        return [(together, told)]
    sets: list[tuple[set[int], list[Fact]]] = []
    for fact in told:
        cells = {id(cell) for cell in fact.cells if cell.package.name not in single_version} or {id(fact)}
        mine = [fact]
        apart = []
        for own, others in sets:
            if own & cells:
                cells, mine = cells | own, others + mine
            else:
                apart.append((own, others))
        sets = [*apart, (cells, mine)]
    found = []
    for _, mine in sets:
        environment = universe.domain.witness(*(region for fact in mine for region in fact.regions))
        if environment is None:
            raise NotCertified("The facts that clash are in force in environments that satlock cannot tell apart.")
        found.append((environment, mine))
    return found


@dataclass
class _Writer:
    """Collects what is said, in the order in which it is told."""

    environments: list[Environment] = field(default_factory=list)
    single_version: list[str] = field(default_factory=list)
    _packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ranks: dict[str, dict[int, int]] = field(default_factory=dict)
    _facts: list[dict[str, Any]] = field(default_factory=list)

    def words(self) -> dict[str, Any]:
        return {
            "environments": [
                {"variables": dict(one.variables), "extras": list(one.extras), "groups": list(one.groups)}
                for one in self.environments
            ],
            "packages": self._packages,
            "single-version": self.single_version,
            "facts": self._merged(),
        }

    def tell(self, fact: Fact, group: int | None) -> None:
        edge = fact.edge
        if edge is not None and edge.reference is not None:
            raise NotCertified(f"{edge.dependency.text} names an address, of which satlock writes no certificate.")
        match fact.kind:
            case "requirement" | "admission":
                assert edge is not None
                name = self._on(fact.cells[-1], group)
                self._say({"kind": "requirement", **self._by(edge, group), "on": name, "line": edge.dependency.text})
                self._say_pythons(name, fact.cells[-1].candidates, fact.ranks)
            case "constraint":
                name = self._on(fact.cells[-1], group)
                self._say({"kind": "constraint", "list": fact.origin, "on": name, "line": fact.detail})
            case "held":
                name = self._on(fact.cells[-1], group)
                ranks = self._singles(name, fact.ranks)
                if ranks:
                    self._say({"kind": "held", "on": name, "ranks": ranks, "why": fact.detail})
            case "refusal":
                assert edge is not None and edge.node.cell is not None
                name = self._on(edge.node.cell, group)
                if self._singles(name, 1 << edge.rank):
                    asks_python = edge.refusal.startswith("requires Python ")
                    said = {"python": edge.refusal.removeprefix("requires Python ")} if asks_python else {}
                    self._say({"kind": "refused", **self._by(edge, group), **said, "why": edge.refusal})

    def _say(self, fact: dict[str, Any]) -> None:
        if fact.get("by", True) is not None and fact not in self._facts:
            self._facts.append(fact)

    def _on(self, cell: Cell, group: int | None) -> str:
        """The name of a package in one environment."""
        name = cell.package.name if group is None else f"{cell.package.name} #{group + 1}"
        candidates = cell.candidates
        if name not in self._packages:
            singles = [(rank, one.builds[0]) for rank, one in enumerate(candidates.ranked, 1) if len(one.builds) == 1]
            if any(build.direct is not None for _, build in singles):
                raise NotCertified(f"{name} comes from an address, of which satlock writes no certificate.")
            self._ranks[name] = {rank: place for place, (rank, _) in enumerate(singles, 1)}
            self._packages[name] = {
                "indexes": list(candidates.indexes),
                "versions": [_title(build, candidates) for _, build in singles],
                "read": {},
                "pythons": {},
                "left-out": dict(candidates.left_out),
            }
        return name

    def _singles(self, name: str, ranks: int) -> list[list[int]]:
        """Ranks as runs of places in the list of versions, without those that stand for several builds together."""
        return _runs(place for rank, place in self._ranks[name].items() if ranks >> rank & 1)

    def _by(self, edge: Edge, group: int | None) -> dict[str, Any]:
        """Who requires: a list of the project, or a candidate, of which it is noted where its metadata was read."""
        asked, cell = edge.dependency, edge.node.cell
        if cell is None:
            return {"list": asked.origin}
        name = self._on(cell, group)
        ranks = self._singles(name, 1 << edge.rank)
        if not ranks:
            return {"by": None}
        build = cell.candidates[edge.rank].builds[0]
        version = self._packages[name]["versions"][ranks[0][0] - 1]
        self._packages[name]["read"].setdefault(version, _read(build))
        overridden = {"list": asked.origin} if asked.origin.startswith("tool.") else {}
        return {"by": {"package": name, "ranks": ranks, "extra": edge.node.extra}, **overridden}

    def _say_pythons(self, name: str, candidates: Candidates, ranks: int) -> None:
        """The versions that do not admit the Python there, or have no file where the project requires one."""
        told, rest = 0, 0
        for rank in self._ranks[name]:
            if ranks >> rank & 1:
                build = candidates[rank].builds[0]
                if self._ruled_out(build.release.requires_python):
                    version = _title(build, candidates)
                    self._packages[name]["pythons"][version] = build.release.requires_python
                    told |= 1 << rank
                else:
                    rest |= 1 << rank
        if told:
            self._say({"kind": "python", "on": name, "ranks": self._singles(name, told)})
        if rest:
            why = "has no file where tool.uv.required-environments asks for one"
            self._say({"kind": "held", "on": name, "ranks": self._singles(name, rest), "why": why})

    def _ruled_out(self, requires_python: str | None) -> bool:
        """Whether the Python of the environment that is told of is too old."""
        bounds = python_lower_bounds(requires_python) if requires_python else None
        python = self.environments[-1].variables["python_full_version"]
        return bool(bounds) and not SpecifierSet(bounds or "").contains(python, prereleases=True)

    def _merged(self) -> list[dict[str, Any]]:
        """The facts; what many candidates require in the same words is one."""
        found: dict[str, dict[str, Any]] = {}
        for fact in self._facts:
            by = fact.get("by")
            rest = {key: value for key, value in fact.items() if key != "by"}
            key = repr((rest, by and (by["package"], by["extra"])))
            if by and key in found:
                places = [place for run in (*found[key]["by"]["ranks"], *by["ranks"]) for place in _places(run)]
                found[key]["by"]["ranks"] = _runs(places)
            else:
                found[key] = fact
        return list(found.values())


def _title(build: Build, candidates: Candidates) -> str:
    """A version; with its index, where one version is in several of them."""
    same = sum(one.builds[0].version == build.version and len(one.builds) == 1 for one in candidates.ranked)
    return build.version if same == 1 else f"{build.version} @ {build.index}"


def _read(build: Build) -> dict[str, str]:
    """The file whose metadata speaks for a build, with what its index tells of it."""
    files = [file for some in files_in_order(build.files) for file in some]
    if not files:
        return {"index": build.index}
    found = {"index": build.index, "file": files[0].filename, "sha256": dict(files[0].hashes).get("sha256", ""),
             "metadata": dict(files[0].metadata or ()).get("sha256", "")}  # fmt: skip
    return {key: text for key, text in found.items() if text}


def _places(run: Sequence[int]) -> range:
    return range(run[0], run[1] + 1)


def _runs(places: Iterable[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for place in sorted(set(places)):
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


class _Formula:
    """Clauses from words. ``NAME >= VERSION (k)`` says that a package is there with its k-th version or a later one."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = words
        self.names = [""]
        self.clauses: list[Clause] = []
        self._seen: set[Clause] = set()
        self._numbers: dict[str, int] = {}
        self._thresholds: dict[str, set[int]] = {name: set() for name in words["packages"]}

    def build(self) -> None:
        for fact in self._words["facts"]:
            self._say(fact)
        self._say_single_versions()
        for name, thresholds in self._thresholds.items():
            for low, high in pairwise(sorted(thresholds)):
                self._add([-self._at(name, high), self._at(name, low)])

    def _say(self, fact: Mapping[str, Any]) -> None:
        if fact["kind"] in ("held", "python"):
            for first, last in fact["ranks"]:
                self._add([-self._at(fact["on"], first), *self._after(fact["on"], last)])
        elif fact["kind"] == "constraint":
            self._bound([-self._at(fact["on"], 1)] if self._top(fact["on"]) else None, fact)
        else:
            for head in self._heads(fact.get("by")):
                if fact["kind"] == "refused":
                    self._add(head)
                else:
                    self._bound(head, fact)

    def _heads(self, by: Mapping[str, Any] | None) -> Iterator[list[int]]:
        """For each run of requiring versions: that it is none of these."""
        if by is None:
            yield []
            return
        name = by["package"]
        extra = [-self._number(f"{name}[{by['extra']}]")] if by["extra"] else []
        for first, last in by["ranks"]:
            yield [-self._at(name, first), *self._after(name, last), *extra]

    def _bound(self, head: list[int] | None, fact: Mapping[str, Any]) -> None:
        """Under ``head`` the package is there in a version that the line admits, with its extras."""
        if head is None:
            return
        line, name = parse_requirement(fact["line"], ""), fact["on"]
        admitted = [k for k in range(1, self._top(name) + 1) if self._admits(line.specifier, name, k)]
        if not admitted:
            self._add(head)
        else:
            self._add([*head, self._at(name, admitted[0])])
            others = set(range(admitted[0], self._top(name) + 1)).difference(admitted)
            for first, last in _runs(others):
                self._add([*head, -self._at(name, first), *self._after(name, last)])
        if fact["kind"] == "requirement":
            for extra in line.extras:
                self._add([*head, self._number(f"{name}[{extra}]")])

    def _admits(self, specifier: SpecifierSet, name: str, place: int) -> bool:
        version = self._words["packages"][name]["versions"][place - 1].partition(" @ ")[0]
        return specifier.contains(Version(version), prereleases=True)

    def _say_single_versions(self) -> None:
        for name in self._words["single-version"]:
            cells = [cell for cell in self._words["packages"] if cell.partition(" #")[0] == name]
            for one, other in combinations(cells, 2):
                both = [-self._at(one, 1), -self._at(other, 1)]
                if self._words["packages"][one]["versions"] != self._words["packages"][other]["versions"]:
                    self._add(both)
                    continue
                for k in sorted(self._thresholds[one] | self._thresholds[other]):
                    self._add([*both, -self._at(one, k), self._at(other, k)])
                    self._add([*both, self._at(one, k), -self._at(other, k)])

    def _top(self, name: str) -> int:
        return len(self._words["packages"][name]["versions"])

    def _at(self, name: str, place: int) -> int:
        self._thresholds[name].add(place)
        return self._number(f"{name} >= {self._words['packages'][name]['versions'][place - 1]} ({place})")

    def _after(self, name: str, place: int) -> list[int]:
        return [self._at(name, place + 1)] if place < self._top(name) else []

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def _add(self, literals: Sequence[int]) -> None:
        clause = tuple(dict.fromkeys(literals))
        if clause not in self._seen and not any(-literal in clause for literal in clause):
            self._seen.add(clause)
            self.clauses.append(clause)
