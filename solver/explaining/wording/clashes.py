"""Why there is no lock, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from packaging.specifiers import SpecifierSet

from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.formula.cells import Bar, Edge
from satlock.encoder.formula.facts import Constraint, Fact, Held, Unasked
from satlock.encoder.formula.reasons import LeftOut, NeedsPython, NoFile, NotHad, Unreadable
from satlock.encoder.markers.domain import Environment
from satlock.encoder.project.project import Choice
from satlock.encoder.project.universe import Pin
from satlock.solver.explaining.wording.phrases import (
    asked,
    held_back,
    is_the_projects,
    left_out,
    listed,
    lists,
    none_admitted,
    not_admitted,
    refused,
    span,
    versions,
)

__all__ = [
    "CLASH",
    "NOT_ALL_READ",
    "NOT_ALL_YANKED",
    "Lister",
    "Origin",
    "Stater",
    "Taker",
    "Versions",
    "barred",
    "comes_from",
    "demanded",
    "differently",
    "every_version",
    "for_example",
    "headline",
    "nothing_fits",
    "nothing_left",
    "nothing_serves_everywhere",
    "nothing_usable",
    "one_everywhere",
    "out_of_it",
    "refusing",
    "requires",
    "told_by_example",
    "unknown",
    "unused",
]

CLASH = "what is asked for clashes"
NOT_ALL_READ = "Some versions could not be read or built; with them, there might be a lock."
NOT_ALL_YANKED = (
    "A yanked release serves where somebody who is selected requires exactly it; not all older versions of other "
    "packages were read for that, and with one of them there might be a lock."
)


class Versions(NamedTuple):
    """Some versions of a package, or of an extra of it."""

    name: str
    candidates: Candidates
    ranks: int

    @property
    def many(self) -> bool:
        return self.ranks & (self.ranks - 1) != 0


class Lister(NamedTuple):
    """The project, or a choice of it that lists something."""

    choice: Choice | None
    bringer: Choice | None
    """What brings the choice with it, where nobody made it."""

    @property
    def many(self) -> bool:
        return False


Stater: TypeAlias = Versions | Lister
"""Who states something."""
Origin: TypeAlias = Pin | tuple[str, ...]
"""Where a package comes from: the place that it is pinned to, or the indexes that were asked."""
Taker: TypeAlias = frozenset[NeedsPython | NoFile] | Fact | LeftOut | NotHad
"""What takes versions away."""


# -- the frame


def headline(where: str | None) -> str:
    """The beginning of what cannot all hold; None for everywhere."""
    return "These cannot all hold:" if where is None else f"Where {where}, these cannot all hold:"


def told_by_example(witness: Environment) -> str:
    """The same, where the place is too intricate to be told."""
    return f"For {witness}, these cannot all hold:"


def for_example(witness: Environment) -> str:
    return f"For example: {witness}."


# -- what is stated


def one_everywhere(name: str) -> str:
    return f"{name} must be one and the same everywhere (tool.satlock.single-version)"


def barred(stater: Stater, bar: Bar) -> str:
    """That a candidate cannot serve."""
    said = refused(bar.refusal, stater.many)
    return f"{_who(stater)}{':' if isinstance(bar.refusal, Unreadable) else ''} {said}"


def requires(stater: Stater, edge: Edge, where: str | None) -> str:
    """A requirement, with the place that it is for and the list that it is in."""
    said = f"{_who(stater)} {'require' if stater.many else 'requires'} {asked(edge)}"
    said += f" where {where}" if where else ""
    return f"{said} ({edge.dependency.origin})" if is_the_projects(edge) else said


def differently(stater: Stater, name: str, ways: int, oldest: Edge | Bar, newest: Edge | Bar) -> str:
    """That versions of one package require another one in several ways."""
    return f"{_who(stater)} require {name} in {ways} ways, from {asked(oldest)} to {asked(newest)}"


def demanded(constraint: Constraint) -> str:
    return f"{constraint.text} is demanded by {constraint.origin}"


def _who(stater: Stater) -> str:
    if isinstance(stater, Versions):
        return versions(*stater)
    return lists(stater.choice) + (f", which {stater.bringer} brings with it," if stater.bringer else "")


# -- what is left of a package


def refusing(some: Versions, reason: NeedsPython | NoFile) -> str:
    """That versions do not serve the environments."""
    return f"{versions(*some)} {not_admitted(reason, some.many)}"


def unused(some: Versions, held: Held) -> str:
    """That versions exist and are not used."""
    subject, said = versions(*some), held_back(held, some.many)
    if isinstance(held, Unasked) or held.kind == "unavailable":
        return f"{subject} cannot be used: {said}"
    return f"{subject} {said}{', which tool.uv.prerelease refuses' if held.kind == 'prerelease' else ''}"


def comes_from(name: str, origin: Origin) -> str:
    return f"{name} comes from {_place(origin)}"


def unknown(name: str, origin: Origin, meant: str | None = None) -> str:
    """That a package is not there, and which other one may have been meant."""
    return f"{name} is not in {_place(origin)}{f'; was {meant} meant?' if meant else ''}"


def out_of_it(name: str, out: Sequence[str], reason: LeftOut | NotHad) -> str:
    """Versions that would fit and are no candidates."""
    which = out[0] if len(out) == 1 else f"{out[0]} to {out[-1]}"
    return f"{name} {which} {left_out(reason, len(out) > 1)}"


def nothing_fits(name: str, candidates: Candidates, origin: Origin, *, other: bool) -> str:
    """That no version fits, or none but those that were told of."""
    return f"no {'other ' if other else ''}version of {name} fits: {_place(origin)} has {span(candidates)}"


def nothing_usable(name: str, origin: Origin) -> str:
    return f"no version of {name} in {_place(origin)} can be used"


def _place(origin: Origin) -> str:
    """An index, a repository or the like, with the pin that says so."""
    if not isinstance(origin, Pin):
        return listed(origin) if origin else "any index"
    scope = "" if origin.text == "everywhere" else f", {origin.text}"
    if origin.reference is not None:
        return f"{origin.reference} ({origin.text if scope else 'tool.uv.sources'})"
    return f"index {origin.index!r} (tool.uv.sources{scope})"


# -- in one clause


def nothing_serves_everywhere(name: str) -> str:
    return f"no one version of {name} serves everywhere, as tool.satlock.single-version demands"


def every_version(name: str, fits: SpecifierSet, takers: Iterable[Taker]) -> str:
    """What takes away each version that fits."""
    which = f" that fits {','.join(sorted(set(map(str, fits)), reverse=True))}" if fits else ""
    return f"every version of {name}{which} {' or '.join(dict.fromkeys(map(_taken_by, takers)))}"


def nothing_left(name: str, fits: SpecifierSet | None) -> str:
    """That no version fits: what is asked, or all of it together (None)."""
    return f"no version of {name} fits {'all that is asked of it' if fits is None else fits}"


def _taken_by(taker: Taker) -> str:
    """What is the matter with the versions that are taken away."""
    if isinstance(taker, frozenset):
        return none_admitted(taker)
    if isinstance(taker, LeftOut | NotHad):
        return left_out(taker)
    if not isinstance(taker, Held):
        return "is ruled out"
    return "cannot be used" if taker.kind == "unavailable" else held_back(taker)
