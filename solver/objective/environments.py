"""The environments that an objective looks at.

Extras and groups that no conflict of the project names are one family: a project is developed with its groups and
shipped without them, and must run on the same versions. So an objective looks at all Pythons and platforms, and at all
choices among the members of conflicts, with everything else that can be chosen as chosen.
"""

from __future__ import annotations

from collections.abc import Iterable

from satlock.encoder.markers.domain import Domain, Point
from satlock.encoder.markers.marker import FALSE, TRUE, Formula, all_of, any_of
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.project.project import Choice

__all__ = ["Environments"]

_LARGE = 12
"""Regions with more parts than this are brought into a short form before a cell is divided by them."""


class Environments:
    """Regions as an objective sees them. A *region* here is a conjunction, as a sequence of formulas."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._bound = frozenset(atom for atom in domain.universe.atoms if isinstance(atom, Choice))
        self._seen: dict[Formula, Formula] = {}
        self._whole: dict[Formula, bool] = {}
        self._shortener = Shortener(domain)

    def of(self, formula: Formula) -> Formula:
        """A formula with every choice made that is free of conflicts."""
        if not formula.switches:
            return formula
        seen = self._seen.get(formula)
        if seen is None:
            seen = self._seen[formula] = self._made(formula)
        return seen

    def _made(self, formula: Formula) -> Formula:
        if formula.op == "atom":
            free = isinstance(formula.atom, Choice) and formula.atom not in self._bound
            return TRUE if free else formula
        parts = [self.of(arg) for arg in formula.args]
        if formula.op == "not":
            return ~parts[0]
        return all_of(parts) if formula.op == "and" else any_of(parts)

    def whole(self, formula: Formula) -> bool:
        """Whether a formula holds in all environments."""
        if formula is TRUE or formula is FALSE:
            return formula is TRUE
        known = self._whole.get(formula)
        if known is None:
            known = self.domain.implies(TRUE, self.of(formula))
            # A later atom can only refine the domain, which changes no answer.
            self._whole[formula] = known
        return known

    def meet(self, *regions: Formula) -> bool:
        """Whether some environment lies in all of these regions."""
        return self.domain.satisfiable(*map(self.of, regions))

    def within(self, region: Formula, other: Formula) -> bool:
        """Whether all environments of a region lie in another one."""
        return self.domain.implies(self.of(region), self.of(other))

    def point(self, *regions: Formula) -> Point | None:
        """One environment in all of these regions; None where there is none."""
        return self.domain.point(*map(self.of, regions))

    def lies_in(self, point: Point, region: Formula) -> bool:
        """Whether an environment is in a region."""
        return self.domain.lies_in(point, self.of(region))

    def common(self, regions: Iterable[Formula]) -> list[Formula]:
        """The regions whose conjunction is that of all: without repetitions, and without those that are everything."""
        return [region for region in dict.fromkeys(map(self.of, regions)) if not self.whole(region)]

    def cut(self, region: Formula, common: Iterable[Formula]) -> Formula | None:
        """What divides a region into what lies in ``common`` and the rest; None where there is no rest."""
        beyond = [part for part in common if not self.within(region, part)]
        if not beyond:
            return None
        return self._shortener.in_short(all_of(beyond), _LARGE)
