"""A lock that is there already: reading it, and whether it is valid for the project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satlock.cli.failures import WRONG, Ended
from satlock.cli.inputs import Inputs
from satlock.cli.lockfile import Target
from satlock.cli.phases import Phases
from satlock.records import dataclass, replace

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.encoder.markers.domain import Domain
    from satlock.encoder.markers.marker import Formula
    from satlock.encoder.project.project import Project
    from satlock.solver.lockfiles.lock import Lock
    from satlock.solver.lockfiles.standing.reading import Standing
    from satlock.solver.lockfiles.yanked import Yanked

__all__ = ["Verdict", "json_of_standing", "names_in", "read_existing", "verdict_on"]


@dataclass(frozen=True)
class Verdict:
    """Whether a lock is valid."""

    violation: str | None
    """The first reason why it is not; None where it is."""
    regions: Sequence[Formula] = ()
    """Where each entry is installed, as far as the lock is valid."""
    lock: Lock | None = None
    """What a valid lock selects."""
    domain: Domain | None = None
    """The environments of the project."""
    yanked: Sequence[Yanked] = ()
    """Those of its releases that were withdrawn, as far as the answers tell."""
    unasked: str = ""
    """Why the indexes could not be asked, as a sentence; empty where they were, or had not to be."""
    fresh_until: float = 0.0
    """See :attr:`satlock.corpora.facts.Corpus.fresh_until`."""


def read_existing(text: str, target: Target) -> Standing:
    """Reads the lock that is there. Raises Ended where it is broken."""
    from satlock.encoder.project.project import ProjectError
    from satlock.solver.lockfiles.standing.reading import read_standing

    try:
        return read_standing(text, target.form, str(target))
    except ProjectError as error:
        raise Ended(WRONG, str(error), "Restore it, delete it, or replace it with --upgrade.") from None


def verdict_on(
    standing: Standing,
    project: Project,
    given: Inputs,
    phases: Phases,
    folder: Path,
    *,
    prepare: Callable[[Project, Watched, str], Project] | None = None,
    ask: bool = True,
) -> Verdict:
    """Verifies a lock, without a search and without a solver.

    What the cache knows of its releases is enough to find it valid; before it is found wrong, the indexes are asked.

    Args:
        ask: the indexes first, once: whether a release was yanked since.

    Raises:
        ProjectError: the project asks for something impossible.
        CorpusError: an index failed.
    """
    if given.snapshot is None and not given.offline and not given.no_cache:
        from satlock.corpora.facts import CorpusError

        failed = None
        if ask:
            once = replace(given, tries_once=True)
            try:
                return _verdict(standing, project, once, phases, folder, prepare=prepare, settled=False)
            except CorpusError as error:
                failed = error
        verdict = _verdict(standing, project, given, phases, folder, prepare=prepare, settled=True)
        if verdict.violation is None and failed is not None:
            return replace(verdict, unasked=f"Whether what is locked was yanked since is not known: {failed}.")
        if verdict.violation is None:
            return verdict
    return _verdict(standing, project, given, phases, folder, prepare=prepare, settled=False)


def _verdict(
    standing: Standing,
    project: Project,
    given: Inputs,
    phases: Phases,
    folder: Path,
    *,
    prepare: Callable[[Project, Watched, str], Project] | None,
    settled: bool,
) -> Verdict:
    """``settled`` is as in :meth:`Inputs.corpus`."""
    corpus = given.corpus(project, settled=settled)
    try:
        from satlock.cli.watching import Watched
        from satlock.solver.lockfiles.standing.reading import kept_commits, versions_in
        from satlock.solver.lockfiles.standing.verifying import judge
        from satlock.solver.search.directs import universe_for
        from satlock.solver.search.sources import Sources

        watched = Watched(corpus, phases)
        with phases.phase("verifying"):
            index = given.index_for(project, corpus)
            project = project if prepare is None else prepare(project, watched, index)
            universe = universe_for(project, watched, kept_commits(standing))
            sources = Sources(project, universe, watched, index, universe.edits, versions_in(standing))
            violation = None
            if standing.form == "uv":
                from satlock.solver.writing.uvlock.agreement import disagreement

                violation = disagreement(standing.tables, project, universe, given.uv_view(), folder)
            judged = judge(standing, project, universe, sources) if violation is None else None
            violation = judged.violation if judged is not None else violation
            if judged is None or violation is not None:
                return Verdict(violation)
            from satlock.solver.lockfiles.standing.regions import regions_of
            from satlock.solver.lockfiles.standing.selected import selected

            regions = regions_of(standing, universe, project.name)
            return Verdict(
                None,
                regions,
                selected(standing, regions, project.name),
                universe.domain,
                yanked=judged.yanked,
                fresh_until=watched.fresh_until,
            )
    finally:
        corpus.close()


def names_in(standing: Standing, project: Project) -> int:
    """How many packages a lock has, the project itself not counted."""
    return len({entry.name for entry in standing.entries} - {project.name})


def json_of_standing(
    standing: Standing, project: Project, verdict: Verdict, phases: Phases, header: dict[str, Any]
) -> dict[str, Any]:
    """The report of ``--json`` for a lock that was verified, or found not to be valid."""
    places, gaps = [], []
    if verdict.lock is not None and verdict.domain is not None:
        from satlock.cli.gaps import json_of_gaps
        from satlock.encoder.markers.shortest import Shortener, spelled_for_people

        shortener = Shortener(verdict.domain, spelled_for_people(project))
        markers = (shortener.marker(region) for region in verdict.regions)
        places = list(zip(standing.entries, markers, strict=True))
        gaps = json_of_gaps(verdict.lock, verdict.domain)
    entries = [(entry, marker) for entry, marker in places if entry.name != project.name]
    regions = Counter(marker for _, marker in entries)
    counts = Counter(entry.name for entry, _ in entries)
    several: dict[str, list[dict[str, str | None]]] = {}
    for entry, marker in entries:
        if counts[entry.name] > 1:
            said = {"version": entry.version, "index": entry.index, "marker": marker}
            several.setdefault(entry.name, []).append(said)
    return {
        **header,
        "counts": {
            "packages": names_in(standing, project),
            "candidates": sum(entry.name != project.name for entry in standing.entries),
            "files": sum(len(entry.files) for entry in standing.entries),
            "regions": len(regions),
        },
        "packages": [
            {"name": one.name, "version": one.version, "index": one.index or one.path, "marker": marker}
            for one, marker in entries
        ],
        "regions": [
            {"marker": marker, "candidates": count}
            for marker, count in sorted(regions.items(), key=lambda item: (item[0] is not None, item[0] or ""))
        ],
        "several": several,
        "yanked": [one.data() for one in verdict.yanked],
        "without-file": gaps,
        "times": {name: round(seconds, 4) for name, seconds in {**phases.seconds, "total": phases.total}.items()},
    }
