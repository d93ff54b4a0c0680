"""Why there is no lock, as a short story that a person can act on.

The facts of a core are told from the project down, those that differ only in the version that states them as one.
Each line is a fact of the core or follows from it and the listings; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from operator import or_

from satlock.encoder.formula.candidates import python_region, runs
from satlock.encoder.formula.cells import Bar, Cell, Edge
from satlock.encoder.formula.facts import Admission, Constraint, Fact, Held, HoldKind, Required, Unasked, stated_by
from satlock.encoder.formula.reasons import NeedsPython, NoFile
from satlock.encoder.markers.marker import TRUE, Formula, all_of, chosen
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import Choice
from satlock.encoder.project.universe import Pin, Universe
from satlock.records import dataclass, field
from satlock.solver.explaining.fitting import fitting, left_out_that_fit
from satlock.solver.explaining.wording.clashes import (
    CLASH,
    NOT_ALL_READ,
    NOT_ALL_YANKED,
    Lister,
    Origin,
    Stater,
    Taker,
    Versions,
    barred,
    comes_from,
    demanded,
    differently,
    every_version,
    for_example,
    headline,
    nothing_fits,
    nothing_left,
    nothing_serves_everywhere,
    nothing_usable,
    one_everywhere,
    out_of_it,
    refusing,
    requires,
    told_by_example,
    unknown,
    unused,
)
from satlock.solver.explaining.wording.phrases import asked, candidates_of, choice_of, source_of, spelled_in_words
from satlock.solver.search.search import NoLock

__all__ = ["Conclusion", "Explanation", "Stated", "explanation_of", "reason_of"]

_LARGEST_MARKER = 12
"""A place that more atoms than this describe is told by an example only."""
_ALIKE = 0.8
"""How much alike two names are of which one may be a slip of the other (the ratio of ``difflib``)."""
_DIFFERENT = 3
"""Requirements of one package on another that are told one by one."""


class Stated(str):
    """A line that says what the project or a package requires."""


class Conclusion(str):
    """A line that says that nothing at all of a package serves, which follows from the others."""


@dataclass(frozen=True)
class Explanation:
    """Why there is no lock."""

    headline: str
    """Where it is so, as the beginning of what cannot all hold."""
    lines: tuple[str, ...]
    advice: tuple[str, ...]
    meant: frozenset[str]
    """Packages that the lines ask about: they may have been meant where a name is in no index."""


def explanation_of(
    no_lock: NoLock,
    universe: Universe,
    searched: Mapping[str, Sequence[str]] | None = None,
    single_version: Collection[str] = (),
) -> Explanation:
    """Why there is no lock.

    Args:
        searched: the indexes that were asked for each package, where that is known.
        single_version: the packages of which the project wants one version everywhere.
    """
    story = _Story(no_lock, universe, searched or {}, single_version)
    lines = tuple(story.lines())
    return Explanation(story.headline(), lines, tuple(story.advice()), frozenset(story.meant))


def reason_of(
    no_lock: NoLock,
    universe: Universe,
    searched: Mapping[str, Sequence[str]] | None = None,
    single_version: Collection[str] = (),
) -> str:
    """The explanation in one clause; the arguments are those of :func:`explanation_of`."""
    return _Story(no_lock, universe, searched or {}, single_version).reason()


@dataclass
class _Story:
    no_lock: NoLock
    universe: Universe
    searched: Mapping[str, Sequence[str]]
    single_version: Collection[str]
    meant: set[str] = field(default_factory=set, init=False)
    """Those that the lines so far have asked about."""
    _shortener: Shortener = field(init=False)
    _place: Formula = field(init=False)
    """Where every fact of the core is in force; FALSE in effect where there is no such environment."""

    def __post_init__(self) -> None:
        self._shortener = Shortener(self.universe.domain, spelled_in_words)
        self._place = all_of(region for fact in self.no_lock.facts for region in fact.regions)

    # -- the frame

    def headline(self) -> str:
        if self.no_lock.witness is not None and self._is_told_by_example:
            return told_by_example(self.no_lock.witness)
        return headline(self._where(self._place) if self.no_lock.witness is not None else None)

    @property
    def _is_told_by_example(self) -> bool:
        """Whether the place of the clash is too intricate to be told."""
        if self.no_lock.witness is None or self.universe.domain.implies(TRUE, self._place):
            return False
        cover = self._shortener.cover(self._place) if len(self._place.atoms) <= _LARGEST_MARKER else None
        return cover is None or len(cover) > 1

    def advice(self) -> Iterator[str]:
        """What a person may do about it, where that can be told."""
        if self.no_lock.witness is not None and not self._is_told_by_example:
            yield for_example(self.no_lock.witness)
        if self.no_lock.failed:
            yield NOT_ALL_READ
        if self.no_lock.unread:
            yield NOT_ALL_YANKED

    def _where(self, region: Formula) -> str | None:
        """A region in words; None where it is everywhere, or too intricate to be told."""
        if len(region.atoms) > _LARGEST_MARKER:
            return None
        return self._shortener.marker(region)

    # -- the facts

    def lines(self) -> Iterator[str]:
        """The facts from the project down, and after those on a package what its candidates come to."""
        told = (line for name in self._order() for line in (*map(Stated, self._stated_by(name)), *self._come_to(name)))
        yield from dict.fromkeys(told)
        if self.no_lock.witness is None:
            cells = dict.fromkeys(cell.package.name for fact in self.no_lock.facts for cell in fact.cells)
            for name in cells:
                if name in self.single_version:
                    yield one_everywhere(name)

    def _order(self) -> list[str]:
        """The packages of the core from the project (``""``) down, each after those that require it if that can be."""
        edges = [fact.edge for fact in self.no_lock.facts if isinstance(fact, Required)]
        askers: dict[str, set[str]] = {"": set()}
        for edge in edges:
            if edge.package.name != source_of(edge):
                askers.setdefault(edge.package.name, set()).add(source_of(edge))
        for fact in self.no_lock.facts:
            for cell in fact.cells:
                askers.setdefault(cell.package.name, set())
        order: list[str] = []
        while len(order) < len(askers):
            left = [name for name in askers if name not in order]
            order.append(next((name for name in left if askers[name] <= set(order)), left[0]))
        return order

    def _stated_by(self, source: str) -> Iterator[str]:
        """What the project or a package requires, merged over the versions that require the same."""
        alike: dict[tuple[object, ...], list[Edge | Bar]] = {}
        for one in map(stated_by, self.no_lock.facts):
            if one is not None and source_of(one) == source:
                marker = one.dependency.marker if isinstance(one, Edge) else None
                key = (one.node.extra, candidates_of(one), choice_of(one, self.universe), asked(one), marker)
                alike.setdefault(key, []).append(one)
        rivals: dict[tuple[object, ...], list[list[Edge | Bar]]] = {}
        for stated in alike.values():
            one = stated[0]
            target = one.package.name if source and isinstance(one, Edge) else None
            rivals.setdefault((one.node.extra, candidates_of(one), target) if target else (one,), []).append(stated)
        for shared, told in rivals.items():
            if len(told) <= _DIFFERENT:
                yield from map(self._statement, told)
            else:
                everything = sorted((one for stated in told for one in stated), key=lambda one: one.rank)
                oldest, newest = everything[0], everything[-1]
                yield differently(self._stater(everything), str(shared[-1]), len(told), oldest, newest)

    def _statement(self, stated: Sequence[Edge | Bar]) -> str:
        one, stater = stated[0], self._stater(stated)
        if isinstance(one, Bar):
            return barred(stater, one)
        where = self._where(one.dependency.marker)
        if self.no_lock.witness is None and choice_of(one, self.universe) is None:
            where = self._where(all_of((one.region, one.node.cell.region if one.node.cell else TRUE)))
        return requires(stater, one, where)

    def _stater(self, stated: Sequence[Edge | Bar]) -> Stater:
        """Who states it."""
        node, cell = stated[0].node, stated[0].node.cell
        if cell is None:
            choice = choice_of(stated[0], self.universe)
            return Lister(choice, None if choice is None else self._bringer(choice))
        ranks = 0
        for one in stated:
            ranks |= 1 << one.rank
        name = f"{cell.package.name}[{node.extra}]" if node.extra else cell.package.name
        return Versions(name, cell.candidates, ranks)

    def _bringer(self, choice: Choice) -> Choice | None:
        """What brings a choice with it that nobody made."""
        witness = self.no_lock.witness
        if witness is None or choice.name in (witness.extras if choice.kind == "extra" else witness.groups):
            return None
        made = [Choice("extra", name) for name in witness.extras] + [Choice("group", name) for name in witness.groups]
        for other in made:
            if self.universe.domain.satisfiable(self._place, self.universe.active[choice], chosen(other)):
                return other
        return None

    # -- what is left of a package

    def _come_to(self, name: str) -> Iterator[str]:
        """Where the candidates of a package come from, and which of them do not serve."""
        if not name:
            return
        facts = [fact for fact in self.no_lock.facts if fact.cells and fact.cells[-1].package.name == name]
        yield from (demanded(fact) for fact in facts if isinstance(fact, Constraint))
        for cell in dict.fromkeys(fact.cells[-1] for fact in facts):
            own = [fact for fact in facts if fact.cells[-1] is cell]
            yield from self._admissions([fact for fact in own if isinstance(fact, Admission)], cell)
            yield from self._held([fact for fact in own if isinstance(fact, Held)], cell)
            yield from self._exhausted(own, cell)

    def _admissions(self, facts: Sequence[Fact], cell: Cell) -> Iterator[str]:
        """Versions that do not admit the Python, or have no file where the project or a sibling asks for one."""
        by_refusal: dict[NeedsPython | NoFile, int] = {}
        for fact in facts:
            for rank, refusal in self._refusals(fact, cell):
                by_refusal[refusal] = by_refusal.get(refusal, 0) | 1 << rank
        for refusal, ranks in by_refusal.items():
            yield refusing(Versions(cell.package.name, cell.candidates, ranks), refusal)

    def _refusals(self, fact: Fact, cell: Cell) -> Iterator[tuple[int, NeedsPython | NoFile]]:
        """Each rank that has no place there, with the reason."""
        domain, candidates = self.universe.domain, cell.candidates
        for first, last in runs(fact.ranks):
            for rank in range(first, last + 1):
                for build in candidates[rank].builds:
                    python = build.release.requires_python
                    if python and domain.satisfiable(*fact.regions, ~python_region(python)):
                        yield rank, NeedsPython(python)
                    elif rank in candidates.whole and domain.satisfiable(*fact.regions, ~candidates.beside(rank)):
                        yield rank, NoFile.SIBLING
                    else:
                        yield rank, NoFile.REQUIRED

    def _held(self, facts: Sequence[Held], cell: Cell) -> Iterator[str]:
        """Versions that exist and are not used."""
        by_reason: dict[tuple[bool, HoldKind, str], list[Held]] = {}
        for fact in facts:
            by_reason.setdefault((isinstance(fact, Unasked), fact.kind, fact.reason), []).append(fact)
        for alike in by_reason.values():
            ranks = reduce(or_, (fact.ranks for fact in alike))
            yield unused(Versions(cell.package.name, cell.candidates, ranks), alike[0])

    def _exhausted(self, facts: Sequence[Fact], cell: Cell) -> Iterator[str]:
        """That no candidate fits what is asked of a package, with those that there are."""
        name, candidates = cell.package.name, cell.candidates
        fits, admitted = fitting(facts, cell)
        told = 0
        for fact in facts:
            told |= fact.ranks
        origin = self._origin(cell)
        if admitted & ~told or fits is None or (told and not candidates.everything & ~told):
            yield from (comes_from(name, origin),) if isinstance(origin, Pin) else ()
            return
        if not candidates.top and not candidates.left_out:
            near = self._alike(name)
            self.meant |= {near} if near else set()
            yield unknown(name, origin, near)
            return
        by_reason = left_out_that_fit(cell, fits)
        for reason, out in by_reason.items():
            yield out_of_it(name, out, reason)
        if candidates.top:
            yield Conclusion(nothing_fits(name, candidates, origin, other=told != 0))
        elif not by_reason:
            yield nothing_usable(name, origin)

    def _alike(self, name: str) -> str | None:
        """A package that may have been meant: one that is named anyway and is spelt much alike."""
        near = get_close_matches(name, sorted(set(self.no_lock.named) - {name}), n=1, cutoff=_ALIKE)
        return near[0] if near else None

    # -- in one clause

    def reason(self) -> str:
        """What the facts come to, for the first line: the deepest package for which nothing is left."""
        for name in reversed(self._order()):
            facts = [fact for fact in self.no_lock.facts if fact.cells and fact.cells[-1].package.name == name]
            if self.no_lock.witness is None:
                if name in self.single_version and facts:
                    return nothing_serves_everywhere(name)
                continue
            for cell in dict.fromkeys(fact.cells[-1] for fact in facts):
                found = self._nothing_left([fact for fact in facts if fact.cells[-1] is cell], cell)
                if found is not None:
                    return found
        return CLASH

    def _nothing_left(self, facts: Sequence[Fact], cell: Cell) -> str | None:
        name, candidates = cell.package.name, cell.candidates
        fits, admitted = fitting(facts, cell)
        if not candidates.top and not candidates.left_out:
            return unknown(name, self._origin(cell))
        if fits is None:
            return None
        takers: list[Taker] = [self._taker(fact, cell) for fact in facts if fact.ranks & admitted]
        takers += left_out_that_fit(cell, fits)
        told = 0
        for fact in facts:
            told |= fact.ranks
        if admitted & ~told:
            return None
        if takers:
            return every_version(name, fits, takers)
        several = len({*map(_asks, facts)}) > 1
        return nothing_left(name, None if several else fits)

    def _taker(self, fact: Fact, cell: Cell) -> Taker:
        """What takes the versions of a fact away: what the environments lack, or the fact itself."""
        if isinstance(fact, Admission):
            return frozenset(refusal for _, refusal in self._refusals(fact, cell))
        return fact

    def _origin(self, cell: Cell) -> Origin:
        """Where a package comes from in a cell."""
        name = cell.package.name
        for pin in self.universe.pins.get(name, ()):
            if self.universe.domain.implies(cell.region, pin.region):
                return pin
        return cell.candidates.indexes or tuple(dict.fromkeys(self.searched.get(name, ())))


def _asks(fact: Fact) -> str:
    """What a fact asks of a package, to tell those that ask for something else."""
    if isinstance(fact, Required):
        return str(fact.edge.dependency.specifier)
    if isinstance(fact, Held):
        return fact.reason if fact.kind == "unavailable" else fact.kind
    return fact.text if isinstance(fact, Constraint) else ""
