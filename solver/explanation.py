"""Why there is no lock, as a short story that a person can act on.

The facts of a core are told from the project down, those that differ only in the version that states them as one.
Each line is a fact of the core or follows from it and the listings; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from encoder.candidates import Candidate, Candidates, python_region, runs
from encoder.cells import Cell, Edge, Fact
from encoder.marker import TRUE, Formula, all_of, chosen
from encoder.project import Choice
from encoder.universe import Universe

from .search import NoLock
from .shortest import Shortener

__all__ = ["explain"]

_LARGEST_MARKER = 12
"""A place that more atoms than this describe is told by an example only."""
_RUNS = 4
"""Runs of versions that are named one by one; more of them are counted."""
_DIFFERENT = 3
"""Requirements of one package on another that are told one by one."""


def explain(
    no_lock: NoLock,
    universe: Universe,
    searched: Mapping[str, Sequence[str]] | None = None,
    single_version: Collection[str] = (),
) -> list[str]:
    """The lines of the explanation, the first of which says what is the matter.

    Args:
        searched: the indexes that were asked for each package, where that is known.
        single_version: the packages of which the project wants one version everywhere.
    """
    story = _Story(no_lock, universe, searched or {}, single_version)
    return [
        story.headline(),
        *(f"  - {line}" for line in story.lines()),
        *story.advice(),
    ]


@dataclass
class _Story:
    no_lock: NoLock
    universe: Universe
    searched: Mapping[str, Sequence[str]]
    single_version: Collection[str]
    _shortener: Shortener = field(init=False)
    _place: Formula = field(init=False)
    """Where every fact of the core is in force; FALSE in effect where there is no such environment."""
    _too_old: bool = False
    """Whether some versions were told to need a newer Python."""

    def __post_init__(self) -> None:
        self._shortener = Shortener(self.universe.domain)
        self._place = all_of(region for fact in self.no_lock.facts for region in fact.regions)

    # -- the frame

    def headline(self) -> str:
        if self.no_lock.witness is None:
            return "No lock exists. These cannot all hold:"
        where = self._where(self._place)
        if where is not None and " or " not in where:
            return f"No lock exists. Where {where}, these cannot all hold:"
        if self.universe.domain.implies(TRUE, self._place):
            return "No lock exists. These cannot all hold:"
        return f"No lock exists. For {self.no_lock.witness}, these cannot all hold:"

    def advice(self) -> Iterator[str]:
        """What a person may do about it, where that can be told."""
        if self.no_lock.witness is not None and str(self.no_lock.witness) not in self.headline():
            yield f"For example: {self.no_lock.witness}."
        choices = self._rivals()
        if self.no_lock.witness is not None and len(choices) > 1:
            members = ", ".join(f'{{ {choice.kind} = "{choice.name}" }}' for choice in choices)
            yield (
                f"If {_listed([str(choice) for choice in choices])} are never installed together, tool.uv.conflicts = "
                f"[[{members}]] says so and separates them."
            )
        if self._too_old:
            yield (
                "Raise project.requires-python, or give the requirement a python_version marker, if that Python is "
                "not meant."
            )
        if self.no_lock.failed:
            yield "Some versions could not be read or built; with them, there might be a lock."

    def _rivals(self) -> list[Choice]:
        """The choices whose requirements clash and which a conflict would separate: none brings another with it."""
        domain, active = self.universe.domain, self.universe.active
        found: dict[Choice, None] = {}
        for fact in self.no_lock.facts:
            choice = self._choice(fact.edge) if fact.edge is not None else None
            if choice is not None and active[choice] is not TRUE:
                found[choice] = None
        rivals = list(found)
        for one, other in combinations(rivals, 2):
            if domain.implies(active[one], active[other]) or domain.implies(active[other], active[one]):
                return []
        return rivals

    def _where(self, region: Formula) -> str | None:
        """A region in words; None where it is everywhere, or too intricate to be told."""
        if len(region.atoms) > _LARGEST_MARKER:
            return None
        marker = self._shortener.marker(region)
        return None if marker is None else _worded(marker)

    # -- the facts

    def lines(self) -> Iterator[str]:
        """The facts from the project down, and after those on a package what its candidates come to."""
        told = (line for name in self._order() for line in (*self._stated_by(name), *self._come_to(name)))
        yield from dict.fromkeys(told)
        if self.no_lock.witness is None:
            cells = dict.fromkeys(cell.package.name for fact in self.no_lock.facts for cell in fact.cells)
            for name in cells:
                if name in self.single_version:
                    yield f"{name} must be one and the same everywhere (tool.satlock.single-version)"

    def _order(self) -> list[str]:
        """The packages of the core in the order in which the project reaches them; ``""`` is the project."""
        order = [""]
        edges = [fact.edge for fact in self.no_lock.facts if fact.edge is not None and fact.edge.package is not None]
        for name in order:
            order += dict.fromkeys(
                edge.package.name
                for edge in edges
                if _source(edge) == name and edge.package is not None and edge.package.name not in order
            )
        rest = (cell.package.name for fact in self.no_lock.facts for cell in fact.cells)
        return [*order, *dict.fromkeys(name for name in rest if name not in order)]

    def _stated_by(self, source: str) -> Iterator[str]:
        """What the project or a package requires, merged over the versions that require the same."""
        stated: dict[tuple[object, ...], list[Edge]] = {}
        for fact in self.no_lock.facts:
            edge = fact.edge
            if edge is not None and fact.kind in ("requirement", "admission", "refusal") and _source(edge) == source:
                key = (edge.node.extra, id(_candidates(edge)), self._choice(edge), _what(edge), edge.dependency.marker)
                stated.setdefault(key, []).append(edge)
        groups = list(stated.values())
        rivals: dict[tuple[object, ...], list[list[Edge]]] = {}
        for edges in groups:
            target = edges[0].package
            shared = (edges[0].node.extra, id(_candidates(edges[0])), target and target.name)
            rivals.setdefault(shared if source and target else (id(edges),), []).append(edges)
        for told in rivals.values():
            if len(told) <= _DIFFERENT:
                yield from (self._requirement(edges) for edges in told)
            else:
                everything = sorted((edge for edges in told for edge in edges), key=lambda edge: edge.rank)
                oldest, newest = everything[0], everything[-1]
                subject, _ = self._subject(everything)
                yield (
                    f"{subject} require {oldest.dependency.name} in {len(told)} ways, "
                    f"from {_what(oldest)} to {_what(newest)}"
                )

    def _requirement(self, edges: Sequence[Edge]) -> str:
        edge = edges[0]
        subject, many = self._subject(edges)
        if edge.package is None:
            refusal = edge.refusal
            if refusal.startswith("requires "):
                return f"{subject} {'require' if many else 'requires'} {refusal.removeprefix('requires ')}"
            return f"{subject}: {refusal}"
        said = f"{subject} {'require' if many else 'requires'} {_what(edge)}"
        where = self._where(edge.dependency.marker)
        if self.no_lock.witness is None:
            where = self._where(all_of((edge.region, edge.node.cell.region if edge.node.cell else TRUE)))
        said += f" where {where}" if where else ""
        return f"{said} ({edge.dependency.origin})" if _is_the_projects(edge) else said

    def _subject(self, edges: Sequence[Edge]) -> tuple[str, bool]:
        """Who requires, and whether that is more than one."""
        edge, cell = edges[0], edges[0].node.cell
        if cell is None:
            choice = self._choice(edge)
            return "the project" if choice is None else f"{choice}{self._brought(choice)}", False
        ranks = 0
        for each in edges:
            ranks |= 1 << each.rank
        name = f"{cell.package.name}[{edge.node.extra}]" if edge.node.extra else cell.package.name
        return _versions(name, cell.candidates, ranks), ranks & (ranks - 1) != 0

    def _brought(self, choice: Choice) -> str:
        """What brings a choice with it that nobody made."""
        witness = self.no_lock.witness
        if witness is None or choice.name in (witness.extras if choice.kind == "extra" else witness.groups):
            return ""
        made = [Choice("extra", name) for name in witness.extras] + [Choice("group", name) for name in witness.groups]
        for other in made:
            if self.universe.domain.satisfiable(self._place, self.universe.active[choice], chosen(other)):
                return f", which {other} brings with it,"
        return ""

    def _choice(self, edge: Edge) -> Choice | None:
        """The extra or group that lists a requirement of the project."""
        if edge.node.cell is not None:
            return None
        for root in self.universe.roots:
            if root.requirement.origin == edge.dependency.origin and root.choice is not None:
                return root.choice
        return None

    # -- what is left of a package

    def _come_to(self, name: str) -> Iterator[str]:
        """Where the candidates of a package come from, and which of them do not serve."""
        if not name:
            return
        facts = [fact for fact in self.no_lock.facts if fact.cells and fact.cells[-1].package.name == name]
        yield from (f"{fact.detail} is demanded by {fact.origin}" for fact in facts if fact.kind == "constraint")
        for cell in dict.fromkeys(fact.cells[-1] for fact in facts):
            own = [fact for fact in facts if fact.cells[-1] is cell]
            yield from self._admissions([fact for fact in own if fact.kind == "admission"], cell)
            yield from self._held([fact for fact in own if fact.kind == "held"], cell)
            yield from self._exhausted(own, cell)

    def _admissions(self, facts: Sequence[Fact], cell: Cell) -> Iterator[str]:
        """Versions that do not admit the Python, or have no file for an environment that the project requires."""
        domain, by_reason = self.universe.domain, dict[str, int]()
        for fact in facts:
            for first, last in runs(fact.ranks):
                for rank in range(first, last + 1):
                    for build in cell.candidates[rank].builds:
                        python = build.release.requires_python
                        if domain.satisfiable(*fact.regions, ~python_region(python)):
                            reason = f"Python {python}"
                            self._too_old = True
                        else:
                            reason = "a platform of which it has no file (tool.uv.required-environments)"
                        by_reason[reason] = by_reason.get(reason, 0) | 1 << rank
        for reason, ranks in by_reason.items():
            many = ranks & (ranks - 1) != 0
            verb = "need" if reason.startswith("Python") else "would have to serve"
            if verb == "need" and not many:
                verb = "needs"
            yield f"{_versions(cell.package.name, cell.candidates, ranks)} {verb} {reason}"

    def _held(self, facts: Sequence[Fact], cell: Cell) -> Iterator[str]:
        """Versions that exist and are not used."""
        kinds = {hold.fact: hold.kind for hold in cell.holds}
        by_reason: dict[tuple[str, str], int] = {}
        for fact in facts:
            key = (kinds.get(fact, "unavailable"), fact.detail)
            by_reason[key] = by_reason.get(key, 0) | fact.ranks
        for (kind, reason), ranks in by_reason.items():
            many = ranks & (ranks - 1) != 0
            subject = _versions(cell.package.name, cell.candidates, ranks)
            if kind == "unavailable":
                yield f"{subject} cannot be used: {reason}"
            elif kind == "prerelease":
                what = "are pre-releases" if many else "is a pre-release"
                yield f"{subject} {what}, which tool.uv.prerelease refuses"
            elif kind == "yanked":
                yield f"{subject} {'were' if many else 'was'} yanked"
            else:
                yield f"{subject} {reason}"

    def _exhausted(self, facts: Sequence[Fact], cell: Cell) -> Iterator[str]:
        """That no candidate fits what is asked of a package, with those that there are."""
        name, candidates = cell.package.name, cell.candidates
        asked = [fact.edge.dependency.specifier for fact in facts if fact.edge is not None]
        asked += [Requirement(fact.detail).specifier for fact in facts if fact.kind == "constraint"]
        told = 0
        for fact in facts:
            told |= fact.ranks
        left = candidates.everything & ~told
        for specifier in asked:
            left &= candidates.admitted(specifier)
        place, pinned = self._from_where(cell)
        if left or not asked or (told and not candidates.everything & ~told):
            if pinned:
                yield f"{name} comes from {place}"
            return
        if not candidates.top and not candidates.left_out:
            yield f"{name} is not in {place}"
            return
        fits = SpecifierSet(",".join(str(specifier) for specifier in asked))
        by_reason: dict[str, list[str]] = {}
        for version, reason in candidates.left_out:
            if fits.contains(version, prereleases=True):
                by_reason.setdefault(reason, []).append(version)
        for reason, versions in by_reason.items():
            span = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"
            yield f"{name} {span} {_plural(reason) if len(versions) > 1 else reason}"
        if candidates.top:
            has = _versions("", candidates, candidates.everything)
            yield f"no {'other ' if told else ''}version of {name} fits: {place} has {has}"
        elif not by_reason:
            yield f"no version of {name} in {place} can be used"

    def _from_where(self, cell: Cell) -> tuple[str, bool]:
        """The index that a package comes from in a cell, with the pin that says so, and whether there is one."""
        name = cell.package.name
        for pin in self.universe.pins.get(name, ()):
            if self.universe.domain.implies(cell.region, pin.region):
                scope = "" if pin.text == "everywhere" else f", {pin.text}"
                if pin.reference is not None:
                    return f"{pin.reference} ({pin.text if scope else 'tool.uv.sources'})", True
                return f"index {pin.index!r} (tool.uv.sources{scope})", True
        indexes = cell.candidates.indexes or tuple(dict.fromkeys(self.searched.get(name, ())))
        return _listed(list(indexes)) if indexes else "any index", False


def _source(edge: Edge) -> str:
    return "" if edge.node.cell is None else edge.node.cell.package.name


def _candidates(edge: Edge) -> Candidates | None:
    return None if edge.node.cell is None else edge.node.cell.candidates


def _is_the_projects(edge: Edge) -> bool:
    """Whether the project itself wrote a requirement: in its own lists, or as an override."""
    return edge.node.cell is None or edge.dependency.origin.startswith("tool.")


def _what(edge: Edge) -> str:
    """What a requirement asks for, without its marker."""
    if edge.package is None:
        return edge.refusal
    asked = edge.dependency
    extras = f"[{','.join(asked.extras)}]" if asked.extras else ""
    if asked.reference is not None:
        return f"{asked.name}{extras} from {asked.reference}"
    return f"{asked.name}{extras}{asked.specifier}"


def _versions(name: str, candidates: Candidates, ranks: int) -> str:
    """Versions as ranges, e.g. ``a 1.0 to 1.4 and 2.0``."""
    head = f"{name} " if name else ""
    if ranks == candidates.everything and name:
        return (
            f"all versions of {name}" if candidates.top > 1 else f"{name} {_version(candidates[1])}, the only version,"
        )
    spans = [
        _version(candidates[first])
        if first == last
        else f"{_version(candidates[first])} to {_version(candidates[last])}"
        for first, last in runs(ranks)
    ]
    if len(spans) > _RUNS:
        lowest, highest = candidates[(ranks & -ranks).bit_length() - 1], candidates[ranks.bit_length() - 1]
        return f"{head}{_version(lowest)} to {_version(highest)} ({ranks.bit_count()} of its versions)"
    return head + _listed(spans)


def _version(candidate: Candidate) -> str:
    """The version of a candidate; several builds of one version are named by what they share."""
    return candidate.version if len(candidate.builds) == 1 else candidate.version.partition("+")[0]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _plural(clause: str) -> str:
    for one, many in (("has ", "have "), ("was ", "were "), ("is ", "are ")):
        if clause.startswith(one):
            return many + clause.removeprefix(one)
    return clause


def _worded(marker: str) -> str:
    """A marker with its choices in words."""
    for variable, kind in (("extras", "extra"), ("dependency_groups", "group")):
        marker = re.sub(rf"('[^']+') in {variable}\b", rf"{kind} \1 is chosen", marker)
        marker = re.sub(rf"('[^']+') not in {variable}\b", rf"{kind} \1 is not chosen", marker)
    return marker
