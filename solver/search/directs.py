"""The references that a project reaches, read: repositories, archives and folders in place of an index."""

from __future__ import annotations

from collections.abc import Mapping

from satlock.corpora.facts import Corpus, CorpusError, Unavailable
from satlock.corpora.references import Direct, GitReference, PathReference, Reference, repository
from satlock.encoder.project.project import Project, ProjectError, Unsatisfiable
from satlock.encoder.project.universe import Universe, universe_of
from satlock.records import replace

__all__ = ["place_of_commit", "universe_for"]


def universe_for(project: Project, corpus: Corpus, commits: Mapping[tuple[str, str, str], str]) -> Universe:
    """The universe of a project, with every reference read that it reaches directly.

    Raises:
        ProjectError: the project is wrong, or a path of it leads to nothing.
        CorpusError: a repository or an archive cannot be had.
    """
    universe = universe_of(project)
    known: dict[Reference, Direct] = {}
    while universe.unknown:
        asked = [_at_commit(reference, commits) for reference in universe.unknown]
        for reference, outcome in corpus.direct(asked).items():
            if not isinstance(outcome, Unavailable):
                known[reference] = outcome
            elif outcome.cause == "forbidden":
                raise Unsatisfiable(f"{project.path}: {_shown(reference)} cannot be locked: {outcome.reason}.")
            elif isinstance(reference, PathReference):
                raise ProjectError(
                    f"{project.path}: {_shown(reference)} cannot be locked: {outcome.reason}; correct "
                    "the path, or what is there."
                )
            else:
                raise CorpusError(f"{reference} cannot be locked: {outcome.reason}")
        universe = universe_of(project, known)
    return universe


def _shown(reference: Reference) -> str:
    return (reference.given or reference.path) if isinstance(reference, PathReference) else str(reference)


def place_of_commit(reference: GitReference) -> tuple[str, str, str]:
    """What a lock says of a Git reference beside its commit."""
    return repository(reference.url), reference.ref, reference.subdirectory


def _at_commit(reference: Reference, commits: Mapping[tuple[str, str, str], str]) -> Reference:
    if isinstance(reference, GitReference):
        return replace(reference, locked=commits.get(place_of_commit(reference), ""))
    return reference
