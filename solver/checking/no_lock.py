"""The claim that a project has no lock, checked a second time: its facts, and the clauses that these come to.

What the project says is read from its own files, and so is whether it admits the environment. What the candidates say
is taken as the certificate records it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from satlock.solver.checking.choices import Choices, Environment, choices_of, holds_as_setting, holds_in
from satlock.solver.checking.claims import Candidate, Listed, Trusted
from satlock.solver.checking.markers import Bad, leaves, plain
from satlock.solver.checking.model import Table
from satlock.solver.checking.owners import Line, decided, read_line
from satlock.solver.checking.versions import admits, parts_of

__all__ = ["NoLock", "no_lock_of"]

_FACTS = {
    "requirement": {"kind", "on", "line", "by", "list"},
    "constraint": {"kind", "on", "line", "list"},
    "python": {"kind", "on", "ranks"},
    "held": {"kind", "on", "ranks", "why"},
    "refused": {"kind", "by", "list", "python", "why"},
}
_PACKAGE = {"indexes", "versions", "read", "pythons", "left-out"}
_PYTHON_CLAUSE = re.compile(
    r"(~=|===|==|!=|<=|>=|=>|<|>)\s*(~?)\s*v?(\d{1,9}(?:\.\d{1,9})*)((?:\.?\*|\.[xX])*)", re.ASCII
)


@dataclass(frozen=True)
class NoLock:
    """What the words of a certificate come to."""

    clauses: list[list[int]]
    environments: tuple[Environment, ...]
    told: tuple[str, ...]
    """The facts, in words."""
    trusted: tuple[Trusted, ...]
    candidates: tuple[Candidate, ...]
    listed: tuple[Listed, ...]


def no_lock_of(words: Table, project: Table, workspace: Sequence[Table], number: Callable[[str], int]) -> NoLock:
    """Checks every fact against the project, and makes the clauses.

    Raises:
        Bad: where a fact is not the project's, or not in force in an environment that the project admits.
    """
    lines = [read_line(fact["line"]) for fact in words["facts"] if "line" in fact]
    asked = [leaf for line in lines for leaf in leaves(line.marker)]
    choices = choices_of(project, workspace)
    environments = tuple(choices.environment(one, asked) for one in words["environments"])
    if not environments:
        raise Bad("the certificate names no environment")
    return _Reader(words, choices, environments, number).read()


class _Reader:
    def __init__(
        self, words: Table, choices: Choices, environments: tuple[Environment, ...], number: Callable[[str], int]
    ) -> None:
        self._words, self._choices, self._environments, self._number = words, choices, environments, number
        self._packages: Table = words["packages"]
        self._thresholds: dict[str, set[int]] = {name: set() for name in self._packages}
        self._clauses: list[list[int]] = []
        self._lines: dict[tuple[str, str], list[str]] = {}
        self._rest: list[tuple[str, str]] = []
        self._pythons: set[tuple[str, str]] = set()
        self._held: dict[str, list[tuple[str, int]]] = {}

    def read(self) -> NoLock:
        for name, package in self._packages.items():
            self._check_package(name, package)
        for place, fact in enumerate(self._words["facts"]):
            if fact in self._words["facts"][:place]:
                raise Bad("the certificate has a fact twice")
            self._fact(fact)
        self._check_that_all_is_used()
        self._single_versions()
        for name, thresholds in self._thresholds.items():
            for low, high in pairwise(sorted(thresholds)):
                self._clauses.append([-self._at(name, high), self._at(name, low)])
        told = tuple(_told(fact, self._packages) for fact in self._words["facts"])
        return NoLock(self._clauses, self._environments, told, tuple(self._trusted()), tuple(self._candidates()),
                      tuple(self._listed()))  # fmt: skip

    # -- what is spoken of

    def _check_package(self, name: str, package: Table) -> None:
        own, environment = self._where(name)
        if set(package) != _PACKAGE:
            raise Bad(f"the certificate tells of {name} in other words than it should")
        if not package["indexes"] or not all(isinstance(one, str) for one in package["indexes"]):
            raise Bad(f"the certificate does not say where {name} comes from")
        self._choices.check_indexes(own, environment, package["indexes"])
        for version in package["versions"]:
            said, _, index = version.partition(" @ ")
            if parts_of(said) is None or (index and index not in package["indexes"]):
                raise Bad(f"the certificate has the version {version[:40]!r} of {name}, which is none")
        for version, read in package["read"].items():
            if version not in package["versions"] or not set(read) <= {"index", "file", "sha256", "metadata"}:
                raise Bad(f"the certificate tells of a version of {name} that it does not list")
            if read["index"] not in package["indexes"]:
                raise Bad(f"the certificate has {name} {version} from an index that it does not name for it")

    def _where(self, name: str) -> tuple[str, Environment]:
        """The package and the environment that a name in the certificate stands for."""
        own, mark, place = name.partition(" #")
        if plain(own) != own or bool(mark) != (len(self._environments) > 1):
            raise Bad(f"the certificate speaks of {name[:60]!r}, which is no package")
        number = int(place) if mark else 1
        if not 1 <= number <= len(self._environments):
            raise Bad(f"the certificate speaks of {name[:60]!r} in an environment that it does not name")
        return own, self._environments[number - 1]

    def _check_that_all_is_used(self) -> None:
        """Nothing is recorded that no fact rests on: nobody would look at it."""
        for name, package in self._packages.items():
            asking = {version for owner, version in (*self._lines, *self._rest) if owner == name}
            if set(package["read"]) != asking or {(name, version) for version in package["pythons"]} - self._pythons:
                raise Bad(f"the certificate records more of {name} than its facts rest on")

    # -- facts

    def _fact(self, fact: Table) -> None:
        kind = fact["kind"]
        if not set(fact) <= _FACTS.get(kind, set()):
            raise Bad(f"the certificate has a fact of an unknown kind, {str(kind)[:40]!r}")
        if kind == "held":
            self._count_held(fact)
            self._none_of(fact["on"], self._ranks(fact["on"], fact["ranks"]))
        elif kind == "python":
            pythons = self._packages[fact["on"]]["pythons"]
            ranks = self._ranks(fact["on"], fact["ranks"])
            for rank in ranks:
                version = self._version(fact["on"], rank)
                self._check_python(fact["on"], pythons.get(version))
                self._pythons.add((fact["on"], version))
            self._none_of(fact["on"], ranks)
        elif kind == "constraint":
            line = self._of_project(fact, fact["on"], "constraint-dependencies")
            if self._top(fact["on"]):
                self._one_of([-self._at(fact["on"], 1)], fact["on"], line)
        elif kind == "refused":
            if "python" in fact:
                self._check_python(fact["by"]["package"], fact["python"])
            else:
                self._held.setdefault(fact["by"]["package"], []).append((str(fact["why"]), 1))
            self._rest += [
                (fact["by"]["package"], self._version(fact["by"]["package"], r)) for r in self._of(fact["by"])
            ]
            self._clauses += self._heads(fact["by"])
        else:
            self._requirement(fact)

    def _requirement(self, fact: Table) -> None:
        name, by = fact["on"], fact.get("by")
        own, _ = self._where(name)
        if own in self._choices.excludes:
            raise Bad(f"the project excludes {own}, of which the certificate has a requirement")
        overridden = any(line.name == own for line in self._choices.overrides)
        if overridden:
            line = self._of_project(fact, name, "override-dependencies")
            if by is not None:
                self._rest += [(by["package"], self._version(by["package"], r)) for r in self._of(by)]
            else:
                self._choices.check_asked(own, self._where(name)[1])
        elif by is None:
            line = self._of_project(fact, name, "")
        elif "list" in fact:
            raise Bad(f"the certificate has a requirement on {own} by a list that the project does not have")
        else:
            line = self._of_candidate(fact)
        for head in self._heads(by):
            self._one_of(head, name, line)
            for extra in line.extras:
                self._clauses.append([*head, self._number(f"{name}[{extra}]")])

    def _of_project(self, fact: Table, name: str, which: str) -> Line:
        """A line that the project has, in a list that is in force, and that is in force itself."""
        own, environment = self._where(name)
        line = read_line(fact["line"])
        self._choices.check_line(fact["list"], fact["line"], which, environment)
        here = (
            holds_as_setting(line.marker, environment) if which else self._choices.asks(fact["list"], line, environment)
        )
        if line.name != own or line.direct or not here:
            raise Bad(f"the certificate has {fact['line'][:80]!r} in an environment where it is not in force")
        return line

    def _of_candidate(self, fact: Table) -> Line:
        """A line of the metadata of a candidate."""
        by, line = fact["by"], read_line(fact["line"])
        own, environment = self._where(fact["on"])
        if environment is not self._where(by["package"])[1]:
            raise Bad("the certificate has a requirement of one environment in another")
        named = any(leaf.variable == "extra" for leaf in leaves(line.marker))
        if line.name != own or line.direct or (by["extra"] and not named):
            raise Bad(f"the certificate has {fact['line'][:80]!r} where it is no requirement on {own}")
        if not holds_in(decided(line.marker, by["extra"]), environment):
            raise Bad(f"the certificate has {fact['line'][:80]!r} in an environment where it is not in force")
        for rank in self._ranks(by["package"], by["ranks"]):
            version = self._version(by["package"], rank)
            if version not in self._packages[by["package"]]["read"]:
                raise Bad(f"the certificate does not say where the metadata of {by['package']} {version} was read")
            self._lines.setdefault((by["package"], version), []).append(fact["line"])
        return line

    def _check_python(self, name: str, stated: object) -> None:
        _, environment = self._where(name)
        if not isinstance(stated, str) or not rules_out(stated, environment.variables["python_full_version"]):
            raise Bad(f"the certificate leaves versions of {name} out for a Python that they admit")

    def _count_held(self, fact: Table) -> None:
        count = len(self._ranks(fact["on"], fact["ranks"]))
        self._held.setdefault(fact["on"], []).append((str(fact["why"]), count))

    # -- clauses

    def _heads(self, by: Table | None) -> Iterator[list[int]]:
        if by is None:
            yield []
            return
        if set(by) != {"package", "ranks", "extra"}:
            raise Bad("the certificate does not say by whom something is required")
        name = by["package"]
        self._ranks(name, by["ranks"])
        extra = [-self._number(f"{name}[{by['extra']}]")] if by["extra"] else []
        for first, last in by["ranks"]:
            yield [-self._at(name, first), *self._after(name, last), *extra]

    def _one_of(self, head: list[int], name: str, line: Line) -> None:
        """Under ``head``, the package is there in one of the versions that the line admits."""
        fits = [rank for rank in range(1, self._top(name) + 1)
                if admits(line.versions, self._version(name, rank).partition(" @ ")[0])]  # fmt: skip
        if not fits:
            self._clauses.append(head)
            return
        self._clauses.append([*head, self._at(name, fits[0])])
        self._none_of(name, [rank for rank in range(fits[0], self._top(name) + 1) if rank not in set(fits)], head)

    def _none_of(self, name: str, ranks: Sequence[int], head: Sequence[int] = ()) -> None:
        first = 0
        for place, rank in enumerate(ranks):
            first = first or rank
            if place + 1 == len(ranks) or ranks[place + 1] != rank + 1:
                self._clauses.append([*head, -self._at(name, first), *self._after(name, rank)])
                first = 0

    def _single_versions(self) -> None:
        stated = self._words["single-version"]
        if stated and (len(self._environments) < 2 or not self._choices.single_version.issuperset(stated)):
            raise Bad("the certificate keeps packages to one version that the project does not")
        for own in stated:
            cells = [name for name in self._packages if name.partition(" #")[0] == own]
            for one, other in combinations(cells, 2):
                if not (self._top(one) and self._top(other)):
                    continue
                both = [-self._at(one, 1), -self._at(other, 1)]
                if self._packages[one]["versions"] != self._packages[other]["versions"]:
                    self._clauses.append(both)
                    continue
                for k in sorted(self._thresholds[one] | self._thresholds[other]):
                    self._clauses.append([*both, -self._at(one, k), self._at(other, k)])
                    self._clauses.append([*both, self._at(one, k), -self._at(other, k)])

    def _of(self, by: Table) -> list[int]:
        return self._ranks(by["package"], by["ranks"])

    def _top(self, name: str) -> int:
        return len(self._packages[name]["versions"])

    def _version(self, name: str, rank: int) -> str:
        return str(self._packages[name]["versions"][rank - 1])

    def _ranks(self, name: str, runs: list[list[int]]) -> list[int]:
        ranks = [rank for first, last in runs for rank in range(first, min(last, self._top(name) + 1) + 1)]
        if not ranks or ranks != sorted(set(ranks)) or ranks[0] < 1 or ranks[-1] > self._top(name):
            raise Bad(f"the certificate speaks of versions of {name} that it does not list")
        return ranks

    def _at(self, name: str, rank: int) -> int:
        self._thresholds[name].add(rank)
        return self._number(f"{name} >= {self._version(name, rank)} ({rank})")

    def _after(self, name: str, rank: int) -> list[int]:
        return [self._at(name, rank + 1)] if rank < self._top(name) else []

    # -- what is trusted

    def _trusted(self) -> Iterator[Trusted]:
        day = self._words["recorded"]
        for what, counts in (("versions", self._by_index(self._packages)), ("metadata", self._by_reader())):
            for index, count in sorted(counts.items()):
                yield Trusted(what, index, count, day)
        for name, told in sorted(self._held.items()):
            for why, count in told:
                index = ", ".join(self._packages[name]["indexes"])
                yield Trusted("held", index, count, day, detail=f"{self._where(name)[0]}: it {why}")

    @staticmethod
    def _by_index(packages: Table) -> dict[str, int]:
        counts: dict[str, int] = {}
        for package in packages.values():
            for index in package["indexes"]:
                counts[index] = counts.get(index, 0) + 1
        return counts

    def _by_reader(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for name, version in self._lines:
            index = self._packages[name]["read"][version]["index"]
            counts[index] = counts.get(index, 0) + 1
        return counts

    def _candidates(self) -> Iterator[Candidate]:
        for (name, version), lines in self._lines.items():
            read = self._packages[name]["read"][version]
            yield Candidate(
                read["index"],
                self._where(name)[0],
                version.partition(" @ ")[0],
                read.get("file", ""),
                read.get("sha256", ""),
                read.get("metadata", ""),
                tuple(dict.fromkeys(lines)),
                whole=False,
            )

    def _listed(self) -> Iterator[Listed]:
        for name, package in self._packages.items():
            known = {version.partition(" @ ")[0] for version in package["versions"]} | set(package["left-out"])
            yield Listed(self._where(name)[0], tuple(package["indexes"]), frozenset(known),
                         tuple(sorted(package["pythons"].items())))  # fmt: skip


def rules_out(stated: str, python: str) -> bool:
    """Whether a ``Requires-Python`` rules a Python out; what it says of newer Pythons is ignored, as installers of
    universal locks do."""
    mine = [int(part) for part in python.split(".")]
    for operator, tilde, digits, wild in _PYTHON_CLAUSE.findall(stated):
        bound = [int(part) for part in digits.split(".")]
        width = max(len(mine), len(bound))
        one, two = mine + [0] * (width - len(mine)), bound + [0] * (width - len(bound))
        if operator == "!=":
            if wild or tilde:
                if mine[: len(bound)] == bound:
                    return True
            elif len(bound) < 3 and one == two:
                return True
        elif operator == ">":
            if one <= two:
                return True
        elif operator not in ("<", "<=") and one < two:
            return True
    return False


def _told(fact: Table, packages: Table) -> str:
    """A fact for a person."""
    kind, by = fact["kind"], fact.get("by")
    if kind in ("held", "python"):
        count = sum(last - first + 1 for first, last in fact["ranks"])
        why = fact["why"] if kind == "held" else "does not admit that Python"
        return f"{_count(count)} of {fact['on']} {'is' if count == 1 else 'are'} out: it {why}"
    who = fact["list"] if by is None or kind == "constraint" else _versions(by, packages)
    if kind == "refused":
        return f"{who}: {fact['why']}"
    return f"{who}: {fact['line']}" + (f" (by {fact['list']})" if by is not None and "list" in fact else "")


def _versions(by: Table, packages: Table) -> str:
    name = by["package"] + (f"[{by['extra']}]" if by["extra"] else "")
    versions = packages[by["package"]]["versions"]
    spans = [versions[a - 1] if a == b else f"{versions[a - 1]} to {versions[b - 1]}" for a, b in by["ranks"]]
    return f"{name} {', '.join(spans)}"


def _count(number: int) -> str:
    return f"{number} version{'' if number == 1 else 's'}"
