"""The smallest upgrade of a package that leaves some versions behind, solved for: everything else stays if it can."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.corpora.advisories.advisory import version_of
from satlock.corpora.facts import Corpus
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Project, Requirement
from satlock.records import dataclass, replace
from satlock.solver.explaining.explanation import Stated, explanation_of, reason_of
from satlock.solver.galloping import first
from satlock.solver.lockfiles.changes import Change, changes
from satlock.solver.locking import Locked, lock
from satlock.solver.search.held import Kept
from satlock.solver.search.search import NoLock

__all__ = ["Remedies", "Remedy"]

_TOLD = 3
"""Requirements that are told where there is no remedy."""


@dataclass(frozen=True)
class Remedy:
    """What becomes of a package whose locked version is to be left."""

    versions: tuple[str, ...]
    """Those that are locked then, without one that is affected; empty where there are none."""
    changes: tuple[Change, ...] = ()
    """What else changes."""
    reason: str = ""
    """Why there is no lock without the affected versions."""
    gone: bool = False
    """Whether nothing needs the package any more then."""


@dataclass
class Remedies:
    """Finds remedies in one project, with one corpus.

    Args:
        kept: the versions of the lock that is there.
    """

    project: Project
    corpus: Corpus
    default_index: str
    before: Locked
    kept: Kept

    def of(
        self, name: str, versions: Sequence[str], affected: Callable[[str], bool], where: str | None = None
    ) -> Remedy:
        """The smallest upgrade: the fewest other packages changed, then the lowest version that is not affected.

        Args:
            versions: all that the indexes list.
            affected: tells those that are to be left.
            where: the marker of the environments that are to leave them; None for all.

        Raises:
            ProjectError, CorpusError: as a lock does.
        """
        own = [version for text in self.kept.get(name, ()) if (version := version_of(text)) is not None]
        listed = sorted({version for text in versions if (version := version_of(text)) is not None})
        above = [version for version in listed if not own or version >= min(own)]
        safe = [version for version in above if not affected(str(version)) and not version.is_prerelease]
        refused = {version.public for version in above if affected(str(version))}
        lowest = f">={min(own).public}," if own else ""
        without = ",".join(f"!={version}" for version in sorted(refused, key=Version))
        if not safe:
            return Remedy((), reason=f"no later release of {name} is free of it")
        marker = Marker(where) if where else None
        bounds = f"{lowest}{without}".strip(",")
        best = self._remedy(name, bounds, marker)
        if best.reason:
            return best
        ladder = [version for version in safe if best.versions and version < max(map(Version, best.versions))]
        return self._lowest(name, ladder, bounds, marker, len(best.changes)) or best

    def _lowest(
        self, name: str, ladder: Sequence[Version], bounds: str, where: Marker | None, others: int
    ) -> Remedy | None:
        """That with the lowest version with which no more of the others change."""
        found: dict[int, Remedy] = {}

        def fits(place: int) -> bool:
            found[place] = self._remedy(name, ",".join(filter(None, (bounds, f"<={ladder[place]}"))), where)
            return bool(found[place].versions) and len(found[place].changes) <= others

        place = first(len(ladder), fits)
        return None if place is None else found[place]

    def _remedy(self, name: str, bounds: str, where: Marker | None) -> Remedy:
        """What the lock under further bounds on a package changes; why there is none."""
        asked = Requirement(name, (), SpecifierSet(bounds), where, None, f"{name}{bounds}", "audit")
        wanted = replace(self.project, constraints=(*self.project.constraints, asked))
        others = {one: versions for one, versions in self.kept.items() if one != name}
        try:
            locked = lock(wanted, self.corpus, default_index=self.default_index, preferred=others)
        except NoLock as none:
            told = explanation_of(none, none.universe, None, self.project.single_version)
            asked_by = [line for line in told.lines if isinstance(line, Stated)]
            reason = "; ".join(asked_by[:_TOLD]) or reason_of(none, none.universe, None, self.project.single_version)
            return Remedy((), reason=reason)
        region, meet = locked.universe.where(where), locked.universe.domain.satisfiable
        mine = (one.version for one in locked.lock.packages if one.name == name and meet(one.region, region))
        versions = tuple(dict.fromkeys(mine))
        found = tuple(change for change in changes(self.before.lock, locked.lock) if change.name != name)
        return Remedy(versions, found, gone=not versions)
