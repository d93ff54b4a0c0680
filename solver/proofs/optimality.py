"""That no newer version serves: for each package that is behind its newest, in an environment of each kind, why.

In one environment each package has one cell, and facts are in force or are not. So what is asked is a formula of its
own: no newer version of a package goes together with the facts, as long as what is worth as much or more stays as it
is. By the order of tiers (``docs/freshness.md``) that is: a direct requirement may be newer at the cost of anything but
another direct requirement and what is wished for before; all others at no cost at all.

Of a minimal reason the facts are put into words. It holds wherever these are in force, so the next environment that is
looked at is one where they are not, until none is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from packaging.version import Version

from satlock.encoder.formula.candidates import Build
from satlock.encoder.formula.cells import Cell
from satlock.encoder.formula.facts import Wished
from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.marker import all_of
from satlock.encoder.markers.platforms import common_places, region_of
from satlock.records import dataclass
from satlock.solver.locking import Locked
from satlock.solver.objective.environments import Environments
from satlock.solver.proofs.facts import Formula, NotCertified, Scales, Telling, Title
from satlock.solver.proofs.obligation import Clause
from satlock.solver.proofs.one_environment import NotNewer, OneEnvironment
from satlock.solver.search.reached import reached

__all__ = ["Finding", "Optimality", "optimality_of"]

_MOST_PLACES = 12
"""Environments that are looked at for one cell."""
_KEPT = 7
"""Environments whose formula is kept: the next cell mostly asks for one of the same."""


@dataclass(frozen=True)
class Optimality:
    """Claims in words, and their clauses, which have no model."""

    words: dict[str, Any]
    names: tuple[str, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class _Claim:
    """One claim in words, with all that it rests on."""

    name: str
    words: dict[str, Any]
    environments: list[dict[str, Any]]
    packages: dict[str, dict[str, Any]]
    facts: list[dict[str, Any]]


def optimality_of(locked: Locked, holds: Callable[[dict[str, Any]], bool]) -> Optimality | None:
    """The claims about what is behind its newest; None where there are none.

    A version that is only there since an existing lock has it has no claim, nor has one for which only sums of the
    objective speak.

    Args:
        holds: whether claims in words hold by what the project and the lockfile say of them. They do not where facts
            come from elsewhere than the project's own file.
    """
    finding = Finding(locked)
    found = list(finding.claims())
    claims = found if holds(_words(found)) else [claim for claim in found if holds(_words([claim]))]
    if not claims:
        return None
    unproven = finding.unproven | {claim.name for claim in found if claim not in claims}
    words = {**_words(claims), "unproven": sorted(unproven)}
    formula = _formula(words)
    return Optimality(words, tuple(formula.names), tuple(formula.clauses))


class Finding:
    """Looks for the claims about a lock."""

    def __init__(self, locked: Locked) -> None:
        reasons, domain = locked.reasons, locked.reasons.encoding.domain
        self.encoding, self.selection = reasons.encoding, reasons.selection
        self.assumed, self.wanted = reasons.assumed, reasons.wanted
        self._behind, self._admissible, self.held = list(reasons.behind()), reasons.admissible, reasons.admissible.held
        self._environments, self._places = Environments(domain), common_places(domain)
        idle = {*domain.universe.atoms, *locked.universe.unusable}
        self.free = [choice for choice in locked.universe.active if choice not in idle and not choice.package]
        self.regions = {cell: where for (cell, extra), where in reached(self.encoding, self.selection).items()
                        if not extra}  # fmt: skip
        self.direct = {edge.package for edge in self.encoding.root.edges}
        self._scales = Scales()
        self._heres: list[OneEnvironment] = []
        self.unproven: set[str] = set()
        """What is behind where no claim says why; known once the claims are."""

    def claims(self) -> Iterator[_Claim]:
        for cell in self._behind:
            if cell in self.regions:
                yield from self.of(cell)

    def of(self, cell: Cell) -> Iterator[_Claim]:
        """One for each kind of environment in which a newer version would be admissible."""
        rank, admissible = self.selection.ranks[cell], self._admissible
        above = admissible.ranks(cell) >> (rank + 1) << (rank + 1)
        asked = self._environments.of(all_of((self.regions[cell], admissible.where(cell, above))))
        left = [asked]
        for _ in range(_MOST_PLACES):
            environment = self.encoding.domain.witness(*left)
            if environment is None:
                return
            here = self._in(environment)
            found = here.reason(cell, direct=cell.package in self.direct)
            if found is None:
                # Nothing is proven there; the rest of the cell may be another matter, of which this tells nothing.
                break
            try:
                yield self._claim(cell, here, found)
            except NotCertified:
                break
            left.append(self._environments.of(~all_of(region for fact in found.facts for region in fact.regions)))
        self.unproven.add(cell.package.name)

    def _in(self, environment: Environment) -> OneEnvironment:
        here = next((one for one in self._heres if one.witness == environment), None)
        if here is None:
            here = OneEnvironment(self, environment)
            self._heres = [*self._heres[-_KEPT:], here]
        return here

    def _claim(self, cell: Cell, here: OneEnvironment, reason: NotNewer) -> _Claim:
        telling = Telling(self._scales, here.environment)
        for fact in reason.facts:
            if isinstance(fact, Wished):
                here.tell_wish(fact, telling)
            else:
                telling.tell(fact)
        on, version = self._titled(cell, here, telling)
        words = {
            "on": on,
            "version": version,
            "kept": sorted(self._titled(one, here, telling) for one in reason.older),
            "absent": sorted(telling.name_of(one) for one in reason.brought),
        }
        found = [here.environment, *self._also_in(cell, here, reason)]
        about = [{"variables": dict(one.variables), "extras": list(one.extras), "groups": list(one.groups)}
                 for one in found]  # fmt: skip
        return _Claim(cell.package.name, words, about, telling.packages, telling.facts())

    def _also_in(self, cell: Cell, here: OneEnvironment, reason: NotNewer) -> Iterator[Environment]:
        """On which common platforms, and with which Pythons, the same is locked for the same reason."""
        regions = [region for fact in reason.facts for region in fact.regions]
        for one in (cell, *reason.older):
            regions += [self.regions[one], self._build(one, here).region]
        regions += [~self.regions[one] for one in reason.brought if one in self.regions]
        asked = self._environments.common(regions)
        for place in self._places:
            found = self.encoding.domain.witness(region_of(frozenset((place,))), *asked)
            if found is not None and found != here.witness:
                yield self.with_choices(found)

    def with_choices(self, environment: Environment) -> Environment:
        """The environment with everything chosen that no conflict is about."""
        free = {kind: [choice.name for choice in self.free if choice.kind == kind] for kind in ("extra", "group")}
        return Environment(
            environment.variables,
            tuple(sorted({*environment.extras, *free["extra"]})),
            tuple(sorted({*environment.groups, *free["group"]})),
        )

    def _build(self, cell: Cell, here: OneEnvironment) -> Build:
        """What is locked there: of several builds, the one that serves there."""
        builds = cell.candidates[self.selection.ranks[cell]].builds
        return builds[0] if len(builds) == 1 else next(one for one in builds if here.holds(one.region))

    def _titled(self, cell: Cell, here: OneEnvironment, telling: Telling) -> tuple[str, str]:
        name, build = telling.name_of(cell), self._build(cell, here)
        versions = self._scales.of(cell.candidates).versions
        return name, build.version if build.version in versions else str(Title(build.version, build.index))


def _words(claims: Sequence[_Claim]) -> dict[str, Any]:
    """All claims together; what several of them rest on is said once."""
    packages: dict[str, dict[str, Any]] = {}
    facts: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    environments: list[dict[str, Any]] = []
    found: dict[str, list[dict[str, Any]]] = {}
    for claim in claims:
        names = {name: _place_for(packages, name, package) for name, package in claim.packages.items()}
        mine = []
        for fact in claim.facts:
            renamed = _renamed(fact, names)
            key = repr(renamed)
            if key not in numbers:
                facts.append(renamed)
                numbers[key] = len(facts)
            mine.append(numbers[key])
        environments += [one for one in claim.environments if one not in environments]
        words = claim.words
        said = {
            "on": names[words["on"]],
            "version": words["version"],
            "environments": sorted({environments.index(one) + 1 for one in claim.environments}),
            "facts": sorted(mine),
            "kept": [[names[one], version] for one, version in words["kept"]],
            "absent": [names[one] for one in words["absent"]],
        }
        found.setdefault(claim.name, []).append(said)
    return {"environments": environments, "packages": packages, "facts": facts, "claims": dict(sorted(found.items()))}


def _place_for(packages: dict[str, dict[str, Any]], name: str, package: dict[str, Any]) -> str:
    """The name under which a package is told of: one that has other versions elsewhere gets a mark."""
    for place in range(1, len(packages) + 2):
        own = name if place == 1 else f"{name} #{place}"
        known = packages.get(own)
        if known is None:
            packages[own] = {key: dict(said) if isinstance(said, dict) else said for key, said in package.items()}
            return own
        if all(known[key] == package[key] for key in ("indexes", "versions", "left-out")):
            for key in ("read", "pythons", "files"):
                if package.get(key):
                    known.setdefault(key, {}).update(package[key])
            return own
    raise AssertionError("there are more names than packages")


def _renamed(words: Any, names: dict[str, str]) -> Any:
    """A fact that calls packages by the names that all claims share."""
    if isinstance(words, list):
        return [_renamed(one, names) for one in words]
    if not isinstance(words, dict):
        return words
    return {key: names[said] if key in ("on", "package") else _renamed(said, names) for key, said in words.items()}


def _formula(words: dict[str, Any]) -> Formula:
    formula = Formula(words["packages"])
    heads = []
    claims = [claim for some in words["claims"].values() for claim in some]
    for place, claim in enumerate(claims, 1):
        on, version = claim["on"], claim["version"]
        head = formula.number(f"newer {on} {version} ({place})")
        heads.append(head)
        formula.add([-head, formula.at(on, _newer(words["packages"][on]["versions"], version))])
        for fact in claim["facts"]:
            formula.add([-head, formula.number(f"fact {fact}")])
        for one, least in claim["kept"]:
            formula.add([-head, formula.at(one, _as_new(words["packages"][one]["versions"], least))])
        for one in claim["absent"]:
            if formula.top(one):
                formula.add([-head, -formula.at(one, 1)])
    for place, fact in enumerate(words["facts"], 1):
        formula.say(fact, [-formula.number(f"fact {place}")])
    formula.say_order()
    formula.add(heads)
    return formula


def _public(title: str) -> Version:
    return Version(Version(Title.read(title).version).public)


def _as_new(versions: Sequence[str], version: str) -> int:
    """The first place of a version that is as new: builds of one version are."""
    return next(place for place, one in enumerate(versions, 1) if _public(one) == _public(version))


def _newer(versions: Sequence[str], version: str) -> int:
    """The first place of a newer version; one past the last where there is none, which no checker accepts."""
    newer = (place for place, one in enumerate(versions, 1) if _public(one) > _public(version))
    return next(newer, len(versions))
