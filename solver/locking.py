"""The main job in one call: a project and a corpus in, a lock out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from satlock.corpora.facts import Corpus
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass
from satlock.solver.explaining.reasons import Reasons
from satlock.solver.lockfiles.decoding import decode
from satlock.solver.lockfiles.hashing import with_hashes
from satlock.solver.lockfiles.lock import Lock
from satlock.solver.objective.named import OBJECTIVES
from satlock.solver.search.directs import place_of_commit, universe_for
from satlock.solver.search.held import Kept
from satlock.solver.search.search import Search, Statistics
from satlock.solver.search.selection import Selection
from satlock.solver.search.sources import Sources

__all__ = ["Locked", "attempt", "lock", "place_of_commit", "universe_for"]


@dataclass(frozen=True)
class Locked:
    """A lock, and how it was found."""

    lock: Lock
    universe: Universe
    statistics: Statistics
    solver_calls: int
    z3_calls: int
    reasons: Reasons
    """Why packages are not at their newest version, computed where that is asked for."""


def lock(
    project: Project,
    corpus: Corpus,
    *,
    default_index: str,
    objective: str = "fresh",
    preferred: Kept | None = None,
    commits: Mapping[tuple[str, str, str], str] | None = None,
    on_round: Callable[[Statistics, Selection], None] = lambda statistics, selection: None,
) -> Locked:
    """Locks a project.

    Args:
        default_index: URL of the index for packages that no setting of the project sends elsewhere.
        objective: a name of ``OBJECTIVES``.
        preferred: versions of an existing lock by name, each with where it is locked, kept to as far as possible.
        commits: those of an existing lock by (repository, reference, subdirectory), see :func:`place_of_commit`.

    Raises:
        ProjectError: the project asks for something impossible or unsupported.
        NoLock: no lock exists.
        CorpusError: an index or snapshot failed.
    """
    # Of all equally fresh locks the order of the file picks none; by the other objectives what comes first matters.
    wanted = OBJECTIVES[objective]
    searched = project if wanted.in_turn else project.in_canonical_order()
    universe = universe_for(searched, corpus, commits or {})
    sources = Sources(searched, universe, corpus, default_index, universe.edits)
    search = Search(searched, universe, sources, wanted, preferred or {}, on_round)
    try:
        while True:
            selection = search.run()
            found, refused = with_hashes(decode(project, universe, search.encoding, selection), corpus, universe.domain)
            if not refused:
                break
            for one in refused:
                search.refuse(selection, one.name, one.version, one.index, one.reason)
    finally:
        search.session.close()
    return Locked(
        found, universe, search.statistics, search.session.calls, universe.domain.asked_z3, search.reasons(selection)
    )


def attempt(project: Project, corpus: Corpus, *, default_index: str) -> None:
    """Finds out whether a project has a lock.

    Raises:
        ProjectError: the project asks for something impossible or unsupported.
        NoLock: it has none.
        CorpusError: an index or snapshot failed.
    """
    universe = universe_for(project, corpus, {})
    sources = Sources(project, universe, corpus, default_index, universe.edits)
    search = Search(project, universe, sources, OBJECTIVES["newest-first"])
    try:
        search.run()
    finally:
        search.session.close()
