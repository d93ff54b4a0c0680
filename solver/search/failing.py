"""What is made of candidates whose files cannot be read, or not be built."""

from __future__ import annotations

from satlock.corpora.facts import Corpus, Metadata, Wanted
from satlock.corpora.index.file_order import files_in_order
from satlock.encoder.formula.candidates import Candidates
from satlock.encoder.markers.marker import Formula

__all__ = ["not_passed_over", "of_other_wheels"]


def of_other_wheels(corpus: Corpus, candidates: Candidates, rank: int) -> list[list[tuple[Formula, Metadata]]] | None:
    """What the wheels of a candidate say that install for nobody, by build; None where not each has one that tells."""
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
    """Why a candidate whose files are refused, or not what they should be, ends the run: to take another version in
    its place would leave to whoever serves the files which version that is."""
    found = candidates[rank]
    said = f"{candidates.name} {found.version} cannot be read from {found.builds[0].index}: {reason}"
    return f"{said}; if it shall not serve, leave it out: {candidates.name}!={found.version} in constraint-dependencies"
