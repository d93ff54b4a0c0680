"""Candidates whose files cannot be read or built: where else metadata may come from, and what ends the run."""

from __future__ import annotations

from satlock.corpora.facts import Corpus, Metadata, Wanted
from satlock.corpora.index.file_order import files_in_order
from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.markers.marker import Formula

__all__ = ["not_passed_over", "of_other_wheels"]


def of_other_wheels(corpus: Corpus, candidates: Candidates, rank: int) -> list[list[tuple[Formula, Metadata]]] | None:
    """The metadata of a candidate from any wheel of each build, also from one that installs in no environment.

    For a candidate that could not be built. None where some build has no wheel, or one that tells nothing.
    """
    told = []
    for build in candidates[rank].builds:
        wheels, _ = files_in_order(build.files)
        if not wheels:
            return None
        wanted = Wanted(build.index, candidates.name, build.version, tuple(wheels), part=wheels[0].filename)
        outcome = corpus.metadata([wanted])[wanted]
        if not isinstance(outcome, Metadata):
            return None
        told.append([(build.region, outcome)])
    return told


def not_passed_over(candidates: Candidates, rank: int, reason: str) -> str:
    """The sentence that ends a run since an index refused a candidate's files, or they are not what they should be.

    Another version is not taken in its place: then whoever serves the files would choose which one.
    """
    found = candidates[rank]
    said = f"{candidates.name} {found.version} cannot be read from {found.builds[0].index}: {reason}"
    return f"{said}; if it shall not serve, leave it out: {candidates.name}!={found.version} in constraint-dependencies"
