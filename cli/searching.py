"""A search as a command runs it: over the corpus that the options name, with a moving line that tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from satlock.cli.explaining import Looking
from satlock.cli.inputs import Inputs
from satlock.cli.phases import Phases
from satlock.cli.progress import Progress
from satlock.cli.terminal import is_terminal, say
from satlock.cli.words import count
from satlock.records import dataclass, field, replace

if TYPE_CHECKING:
    from satlock.cli.explaining import Explanation
    from satlock.cli.watching import Watched
    from satlock.corpora.remembered import Remembered
    from satlock.encoder.project.project import Project
    from satlock.solver.explaining.ways_out import WayOut
    from satlock.solver.locking import Locked
    from satlock.solver.search.held import Kept
    from satlock.solver.search.search import NoLock

__all__ = ["Searching"]


@dataclass
class Searching:
    """What ``lock`` and ``why`` do alike."""

    given: Inputs
    phases: Phases
    quiet: bool
    commits: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """Those of an existing lock (see ``satlock.solver.locking.place_of_commit``)."""
    looking: Looking = field(default_factory=Looking)
    asks_more: bool = False
    """Whether the project that is searched asks for more than its file: no change of the file is a way out then."""
    head: str = "No lock exists"
    """What there is not, for the story of a search that found no lock."""
    explanation: Explanation | None = None
    """Of a search that found no lock."""
    _rounds: int = 0
    _packages: int = 0
    _watched: Watched | None = None

    def search(
        self,
        project: Project,
        objective: str,
        kept: Kept,
        no_lock: Callable[[NoLock, list[str]], NoReturn],
        *,
        on_story: Callable[[Sequence[str]], None] | None = None,
        prepare: Callable[[Project, Watched, str], Project] | None = None,
    ) -> tuple[Locked, Watched]:
        """Finds the lock.

        Args:
            kept: versions of an existing lock.
            no_lock: what is done where there is none, told why in lines for a person: the story and the ways out.
            on_story: takes the story as soon as it is known, and before the ways out are looked for; it is not among
                the lines then.
            prepare: makes the project that is locked of the one that is given, with the corpus and the index for what
                nothing sends elsewhere; may raise NoLock.
        """
        with self.phases.phase("starting"):
            from satlock.corpora.remembered import Remembered

            corpus = Remembered(self.given.corpus(project))  # first: a live one gets ready while the rest is imported
            from satlock.cli.watching import Watched
            from satlock.solver.locking import lock as find
            from satlock.solver.search.search import NoLock
        try:
            watched = self._watched = Watched(corpus, self.phases)
            with self.progress(), self.phases.phase("search"):
                index = self.given.index_for(project, corpus)
                locked = find(
                    project if prepare is None else prepare(project, watched, index),
                    watched,
                    default_index=index,
                    objective=objective,
                    preferred=kept,
                    commits=self.commits,
                    on_round=self._on_round,
                )
            return locked, watched
        except NoLock as none:
            no_lock(none, self._explain(none, project, corpus, watched, on_story))
        finally:
            corpus.close()

    def _explain(
        self,
        none: NoLock,
        project: Project,
        corpus: Remembered,
        watched: Watched,
        on_story: Callable[[Sequence[str]], None] | None,
    ) -> list[str]:
        from satlock.cli.explaining import explanation_of, with_ways_out

        told = explanation_of(none, project, watched, self.head)
        if watched.unbuilt:
            from satlock.cli.build_advice import advice_on_builds

            told = replace(told, story=(*told.story, *advice_on_builds(watched, project)))
            corpus.builds = False  # one that failed is enough to wait for
        if on_story is not None:
            on_story(told.story)
        streams = on_story is not None and not self.quiet and is_terminal()
        progress = self.progress()
        found: list[WayOut] = []

        def on_way(way: WayOut) -> None:
            """Who waits at a terminal sees each when it is found."""
            found.append(way)
            if streams:
                with progress.paused():
                    if len(found) == 1:
                        say("What makes it lock, each tried, the smallest change first:")
                    say(f"  {len(found)}. {way}")

        with progress, self.phases.phase("explaining"):
            self.explanation = told
            if not self.asks_more:
                told = self.explanation = with_ways_out(told, none, self.given, project, corpus, self.looking, on_way)
        return [*(told.story if on_story is None else ()), *told.ways(shown=bool(streams and found))]

    def progress(self) -> Progress:
        """The moving line, to be shown while something takes its time."""
        return Progress(self._told, shown=not self.quiet)

    def _on_round(self, statistics: Any, selection: Any) -> None:
        self._rounds, self._packages = statistics.rounds, len({cell.package.name for cell in selection.ranks})

    def _told(self) -> str:
        """What the moving line says."""
        said = {
            "listings": "Reading listings",
            "metadata": "Reading metadata",
            "sources": "Fetching sources",
            "hashing": "Hashing files",
            "search": "Searching",
            "explaining": "Looking for ways out",
        }
        parts = [said.get(self.phases.now, "Starting")]
        if self._packages:
            parts.append(count(self._packages, "package"))
        if self._rounds:
            parts.append(f"round {self._rounds}")
        requests = self._watched.progress if self._watched else None
        if requests is not None and (requests.requests_open or requests.requests_done):
            parts.append(f"{requests.requests_done} of {requests.requests_done + requests.requests_open} requests")
            if requests.builds_open:
                parts.append(f"building {requests.last}")
        return ", ".join(parts)
