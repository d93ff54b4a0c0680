"""Facts in words, checked a second time: that they are in force in an environment, and the clauses that they come to.

What the project says is read from its own files, and so is whether it admits the environment. What the candidates say
is taken as the certificate records it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from satlock.solver.checking.choices import Choices, Environment, holds_as_setting, holds_in
from satlock.solver.checking.claims import Candidate, Listed, Trusted
from satlock.solver.checking.installable import fits
from satlock.solver.checking.markers import Bad, is_plain, leaves
from satlock.solver.checking.model import Table
from satlock.solver.checking.owners import Line, decided, read_line
from satlock.solver.checking.telling import own_name, shown_versions
from satlock.solver.checking.versions import admits, parts_of, rules_out

__all__ = ["Facts"]

_KINDS = {
    "requirement": {"kind", "on", "line", "by", "list"},
    "constraint": {"kind", "on", "line", "list"},
    "python": {"kind", "on", "ranks"},
    "held": {"kind", "on", "ranks", "why"},
    "refused": {"kind", "by", "list", "python", "why"},
}
_WISHES = {
    "bare": {"kind", "on", "ranks"},
    "lacks": {"kind", "on", "ranks", "extra"},
    "escape": {"kind", "on", "ranks", "given"},
}
"""What is worth more than to be newer; where there is no lock at all, it is none of the reasons."""
_PACKAGE = {"indexes", "versions", "read", "pythons", "left-out"}


class Facts:
    """The facts of a certificate, over the packages that it speaks of."""

    def __init__(
        self,
        packages: Table,
        facts: Sequence[Table],
        choices: Choices,
        number: Callable[[str], int],
        *,
        wishes: bool = False,
    ) -> None:
        """
        Args:
            packages: by name, which a mark may follow: one package may be told of several times.
            number: the variable of a name.
            wishes: whether the facts may be what is only wished for.
        """
        if len({json.dumps(fact, sort_keys=True) for fact in facts}) < len(facts):
            raise Bad("the certificate has a fact twice")
        self._packages, self._facts, self._choices, self._number = packages, facts, choices, number
        self._kinds = _KINDS | _WISHES if wishes else _KINDS
        self.thresholds: dict[str, set[int]] = {name: set() for name in packages}
        self.clauses: list[list[int]] = []
        self._lines: dict[tuple[str, str], list[str]] = {}
        self._lacking: dict[tuple[str, str], set[str]] = {}
        self._rest: set[tuple[str, str]] = set()
        self._pythons: set[tuple[str, str]] = set()
        self._filed: set[tuple[str, str]] = set()
        self._held: dict[tuple[str, str], int] = {}
        self._elsewhere: dict[str, set[str]] = {}
        for name, package in packages.items():
            self._check_package(name, package)
        for fact in facts:
            self._note(fact)
        self._check_that_all_is_used()

    # -- what is spoken of

    def _check_package(self, name: str, package: Table) -> None:
        own, mark, number = name.partition(" #")
        # What is called after it must not be read as another variable.
        if not is_plain(own) or (mark and not re.fullmatch("[1-9][0-9]*", number)):
            raise Bad(f"the certificate speaks of {name[:60]!r}, which is no package")
        known = _PACKAGE <= set(package) <= _PACKAGE | {"files"}
        if (
            not known
            or not isinstance(package["left-out"], dict)
            or not all(isinstance(why, str) for why in package["left-out"].values())
        ):
            raise Bad(f"the certificate tells of {name} in other words than it should")
        somewhere = package["indexes"] or not (package["versions"] or package["left-out"])
        if not somewhere or not all(isinstance(one, str) for one in package["indexes"]):
            raise Bad(f"the certificate does not say where {name} comes from")
        if len(set(package["versions"])) != len(package["versions"]):
            raise Bad(f"the certificate lists a version of {name} twice")
        for version in package["versions"]:
            said, _, index = version.partition(" @ ")
            if parts_of(said) is None or (index and index not in package["indexes"]):
                raise Bad(f"the certificate has the version {version[:40]!r} of {name}, which is none")
        for version, read in package["read"].items():
            if version not in package["versions"] or not set(read) <= {"index", "file", "sha256", "metadata"}:
                raise Bad(f"the certificate tells of a version of {name} that it does not list")
            if not all(isinstance(text, str) for text in read.values()) or read["index"] not in package["indexes"]:
                raise Bad(f"the certificate has {name} {version} from an index that it does not name for it")

    def _check_that_all_is_used(self) -> None:
        """Nothing is recorded that no fact rests on: nobody would look at it."""
        asking = {*self._lines, *self._lacking, *self._rest}
        for name, package in self._packages.items():
            for recorded, used in (("read", asking), ("pythons", self._pythons), ("files", self._filed)):
                if set(package.get(recorded, ())) != {version for owner, version in used if owner == name}:
                    raise Bad(f"the certificate records something else of {name} than its facts rest on")

    def _note(self, fact: Table) -> None:
        """What is said of a fact, whatever the environment, and what is taken on trust with it."""
        kind = fact["kind"]
        if not set(fact) <= self._kinds.get(kind, set()):
            raise Bad(f"the certificate has a fact of an unknown kind, {str(kind)[:40]!r}")
        if "on" in fact and fact["on"] not in self._packages:
            raise Bad("the certificate has a fact about a package that it does not tell of")
        versions = [(fact["on"], self._version(fact["on"], rank)) for rank in self._ranks(fact["on"], fact["ranks"])] \
            if "ranks" in fact else []  # fmt: skip
        by = self._of(fact["by"]) if fact.get("by") is not None else []
        if kind == "held":
            self._hold(fact["on"], str(fact["why"]), len(versions))
        elif kind == "python":
            self._pythons.update(versions)
        elif kind == "bare":
            self._filed.update(versions)
        elif kind == "lacks":
            for one in versions:
                self._lacking.setdefault(one, set()).add(str(fact["extra"]))
        elif kind == "escape":
            beside = ", ".join(shown_versions(one, self._packages) for one in fact["given"])
            why = f"goes with {beside} only since that does not know yet that it does not"
            self._hold(fact["on"], why, len(versions))
        elif kind == "refused":
            self._rest.update(by)
            if "python" not in fact:
                self._hold(fact["by"]["package"], str(fact["why"]), 1)
        elif kind == "requirement" and by:
            if self._overridden(fact):
                self._rest.update(by)
            for one in () if self._overridden(fact) else by:
                self._choices.check_unchanged(own_name(one[0]), one[1].partition(" @ ")[0])
                self._lines.setdefault(one, []).append(fact["line"])

    def _overridden(self, fact: Table) -> bool:
        return any(line.name == own_name(fact["on"]) for line in self._choices.overrides)

    def _hold(self, name: str, why: str, count: int) -> None:
        self._held[name, why] = self._held.get((name, why), 0) + count

    def check_place(self, name: str, environment: Environment) -> None:
        """That a package may come there from the indexes that the certificate names; ``Bad`` is raised where not."""
        for other in self._choices.check_indexes(own_name(name), environment, self._packages[name]["indexes"]):
            self._elsewhere.setdefault(other, set()).add(own_name(name))

    def names_in(self, fact: Table) -> set[str]:
        """The packages that a fact speaks of."""
        given = [one["package"] for one in (*fact.get("given", ()), *([fact["by"]] if fact.get("by") else ()))]
        return {*given, *([fact["on"]] if "on" in fact else ())}

    def check(self, fact: Table, environment: Environment) -> None:
        """That a fact is in force in an environment.

        Raises:
            Bad: where it is not.
        """
        kind = fact["kind"]
        if kind == "python":
            pythons = self._packages[fact["on"]]["pythons"]
            for rank in self._ranks(fact["on"], fact["ranks"]):
                self._check_python(fact["on"], pythons.get(self._version(fact["on"], rank)), environment)
        elif kind == "bare":
            files = self._packages[fact["on"]]["files"]
            for rank in self._ranks(fact["on"], fact["ranks"]):
                version = self._version(fact["on"], rank)
                if any(fits(file, environment.variables) for file in files[version]):
                    raise Bad(f"the certificate says that {fact['on']} {version} has no file where it has one")
        elif kind == "constraint":
            self._of_project(fact, "constraint-dependencies", environment)
        elif kind == "refused" and "python" in fact:
            self._check_python(fact["by"]["package"], fact["python"], environment)
        elif kind == "requirement":
            self._check_requirement(fact, environment)

    def _check_requirement(self, fact: Table, environment: Environment) -> None:
        own, by = own_name(fact["on"]), fact.get("by")
        if own in self._choices.excludes:
            raise Bad(f"the project excludes {own}, of which the certificate has a requirement")
        if self._overridden(fact):
            self._of_project(fact, "override-dependencies", environment)
            if by is None:
                self._choices.check_asked(own, environment)
        elif by is None:
            self._of_project(fact, "", environment)
        elif "list" in fact:
            raise Bad(f"the certificate has a requirement on {own} by a list that the project does not have")
        else:
            self._check_of_candidate(fact, environment)

    def _of_project(self, fact: Table, which: str, environment: Environment) -> None:
        """A line that the project has, in a list that is in force, and that is in force itself."""
        line = read_line(fact["line"])
        self._choices.check_line(fact.get("list"), fact["line"], which, environment)
        here = (
            holds_as_setting(line.marker, environment)
            if which
            else self._choices.asks(str(fact.get("list")), line, environment)
        )
        if line.name != own_name(fact["on"]) or line.direct or not here:
            raise Bad(f"the certificate has {fact['line'][:80]!r} in an environment where it is not in force")

    def _check_of_candidate(self, fact: Table, environment: Environment) -> None:
        """A line of the metadata of a candidate."""
        by, line, own = fact["by"], read_line(fact["line"]), own_name(fact["on"])
        named = any(leaf.variable == "extra" for leaf in leaves(line.marker))
        if line.name != own or line.direct or (by["extra"] and not named):
            raise Bad(f"the certificate has {fact['line'][:80]!r} where it is no requirement on {own}")
        if not holds_in(decided(line.marker, by["extra"]), environment):
            raise Bad(f"the certificate has {fact['line'][:80]!r} in an environment where it is not in force")

    def _check_python(self, name: str, stated: object, environment: Environment) -> None:
        if not isinstance(stated, str) or not rules_out(stated, environment.variables["python_full_version"]):
            raise Bad(f"the certificate leaves versions of {name} out for a Python that they admit")

    def say(self, fact: Table, unless: Sequence[int] = ()) -> None:
        """A fact as clauses: it holds, or one of the literals in ``unless``."""
        kind = fact["kind"]
        if kind in ("held", "python", "bare"):
            self._none_of(fact["on"], fact["ranks"], unless)
        elif kind == "lacks":
            self._none_of(fact["on"], fact["ranks"], [*unless, -self._number(f"{fact['on']}[{fact['extra']}]")])
        elif kind == "escape":
            given = [literal for one in fact["given"] for literal in self._unless(one, one["ranks"])]
            self._none_of(fact["on"], fact["ranks"], [*unless, *given])
        elif kind == "constraint":
            if self.top(fact["on"]):
                self._one_of([*unless, -self.at(fact["on"], 1)], fact["on"], read_line(fact["line"]))
        elif kind == "refused":
            self.clauses += [[*unless, *head] for head in self._heads(fact["by"])]
        else:
            line = read_line(fact["line"])
            for head in self._heads(fact.get("by")):
                self._one_of([*unless, *head], fact["on"], line)
                for extra in line.extras:
                    self.clauses.append([*unless, *head, self._number(f"{fact['on']}[{extra}]")])

    def say_order(self) -> None:
        """That what has a version has the older ones behind it."""
        for name, thresholds in self.thresholds.items():
            self.clauses += [[-self.at(name, high), self.at(name, low)] for low, high in pairwise(sorted(thresholds))]

    def _heads(self, by: Table | None) -> Iterator[list[int]]:
        if by is None:
            yield []
            return
        for run in by["ranks"]:
            yield self._unless(by, [run])

    def _unless(self, by: Table, runs: list[list[int]]) -> list[int]:
        """That a package is none of some versions, or lacks an extra."""
        name = by["package"]
        ranks = [literal for first, last in runs for literal in (-self.at(name, first), *self._after(name, last))]
        return ranks + ([-self._number(f"{name}[{by['extra']}]")] if by["extra"] else [])

    def _one_of(self, head: list[int], name: str, line: Line) -> None:
        """Under ``head``, the package is there in one of the versions that the line admits."""
        fits_line = {rank for rank in range(1, self.top(name) + 1)
                     if admits(line.versions, self._version(name, rank).partition(" @ ")[0])}  # fmt: skip
        if not fits_line:
            self.clauses.append(head)
            return
        least = min(fits_line)
        self.clauses.append([*head, self.at(name, least)])
        others = [rank for rank in range(least, self.top(name) + 1) if rank not in fits_line]
        starts = [rank for rank in others if rank - 1 not in others]
        ends = [rank for rank in others if rank + 1 not in others]
        self._none_of(name, list(map(list, zip(starts, ends, strict=True))), head)

    def _none_of(self, name: str, runs: list[list[int]], head: Sequence[int]) -> None:
        self.clauses += [[*head, -self.at(name, first), *self._after(name, last)] for first, last in runs]

    def _of(self, by: Table) -> list[tuple[str, str]]:
        """Who requires: versions of a package."""
        if set(by) != {"package", "ranks", "extra"} or by["package"] not in self._packages:
            raise Bad("the certificate does not say by whom something is required")
        return [(by["package"], self._version(by["package"], rank)) for rank in self._ranks(by["package"], by["ranks"])]

    def top(self, name: str) -> int:
        return len(self._packages[name]["versions"])

    def _version(self, name: str, rank: int) -> str:
        return str(self._packages[name]["versions"][rank - 1])

    def _ranks(self, name: str, runs: list[list[int]]) -> list[int]:
        ends = [end for first, last in runs for end in (first - 1, last)]
        # Of one run they differ, and the next one may begin right behind it.
        apart = all(one < two or (place % 2 and one == two) for place, (one, two) in enumerate(pairwise(ends)))
        if (
            not ends
            or not apart
            or {type(end) for end in ends} != {int}
            or not 0 <= ends[0] < ends[-1] <= self.top(name)
        ):
            raise Bad(f"the certificate speaks of versions of {name} that it does not list")
        return [rank for first, last in runs for rank in range(first, last + 1)]

    def at(self, name: str, rank: int) -> int:
        """The variable of *this version or a later one*."""
        self.thresholds[name].add(rank)
        return self._number(f"{name} >= {self._version(name, rank)} ({rank})")

    def _after(self, name: str, rank: int) -> list[int]:
        return [self.at(name, rank + 1)] if rank < self.top(name) else []

    def trusted(self, day: str) -> Iterator[Trusted]:
        """What is taken as it is recorded."""
        files = {name: package for name, package in self._packages.items() if package.get("files")}
        counts = (
            ("versions", _by_index(self._packages.values())),
            ("files", _by_index(files.values())),
            ("metadata", self._by_reader()),
        )
        for what, by_index in counts:
            for index, count in sorted(by_index.items()):
                yield Trusted(what, index, count, day)
        for nowhere in sorted({own_name(name) for name, package in self._packages.items() if not package["indexes"]}):
            yield Trusted("nowhere", "", 1, day, detail=nowhere)
        for index, names in sorted(self._elsewhere.items()):
            yield Trusted("elsewhere", index, len(names), day)
        left_out = Counter(
            (", ".join(one["indexes"]), str(why)) for one in self._packages.values() for why in one["left-out"].values()
        )
        for (index, why), count in sorted(left_out.items()):
            yield Trusted("held", index, count, day, detail=f"each {why}")
        for (name, why), count in sorted(self._held.items()):
            index = ", ".join(self._packages[name]["indexes"])
            yield Trusted("held", index, count, day, detail=f"{own_name(name)}: it {why}")

    def _by_reader(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for name, version in {**self._lines, **self._lacking}:
            index = self._packages[name]["read"][version]["index"]
            counts[index] = counts.get(index, 0) + 1
        return counts

    def candidates(self) -> Iterator[Candidate]:
        """Those whose metadata was recorded."""
        for name, version in {**self._lines, **self._lacking}:
            read = self._packages[name]["read"][version]
            yield Candidate(
                read["index"],
                own_name(name),
                version.partition(" @ ")[0],
                read.get("file", ""),
                read.get("sha256", ""),
                read.get("metadata", ""),
                tuple(dict.fromkeys(self._lines.get((name, version), ()))),
                whole=False,
                lacking=tuple(sorted(self._lacking.get((name, version), ()))),
            )

    def listed(self) -> Iterator[Listed]:
        """The packages whose versions were recorded."""
        for name, package in self._packages.items():
            known = {version.partition(" @ ")[0] for version in package["versions"]} | set(package["left-out"])
            files = tuple((version, tuple(some)) for version, some in sorted(package.get("files", {}).items()))
            yield Listed(own_name(name), tuple(package["indexes"]), frozenset(known),
                         tuple(sorted(package["pythons"].items())), files)  # fmt: skip


def _by_index(packages: Iterable[Table]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for package in packages:
        for index in package["indexes"]:
            counts[index] = counts.get(index, 0) + 1
    return counts
