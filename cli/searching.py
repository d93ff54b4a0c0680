"""A search as a command runs it: over the corpus that the options name, with a moving line that tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from cli.inputs import Inputs
from cli.progress import Progress
from cli.watching import Phases, Watched

if TYPE_CHECKING:
    from encoder.project import Project
    from solver.locking import Locked
    from solver.search import NoLock

__all__ = ["Searching"]


@dataclass
class Searching:
    """What ``lock`` and ``why`` do alike."""

    given: Inputs
    phases: Phases
    quiet: bool
    _rounds: int = 0
    _packages: int = 0
    _watched: Watched | None = None

    def search(
        self,
        project: Project,
        objective: str,
        kept: Mapping[str, frozenset[str]],
        no_lock: Callable[[NoLock, list[str]], NoReturn],
    ) -> tuple[Locked, Watched]:
        """Finds the lock.

        Args:
            kept: versions of an existing lock.
            no_lock: what is done where there is none, told why in lines for a person.
        """
        with Progress(self._told, shown=not self.quiet):
            with self.phases.phase("starting"):
                corpus = self.given.corpus(project)  # first: a live one gets ready while the rest is imported
                from solver.locking import lock as find
                from solver.search import NoLock

            try:
                watched = self._watched = Watched(corpus, self.phases)
                with self.phases.phase("search"):
                    locked = find(
                        project,
                        watched,
                        default_index=self.given.index_for(project, corpus),
                        objective=objective,
                        preferred=kept,
                        on_round=self._on_round,
                    )
                return locked, watched
            except NoLock as none:
                from encoder.universe import universe_of
                from solver.explanation import explain

                lines = explain(none, universe_of(project), watched.searched, project.single_version)
                no_lock(none, lines)
            finally:
                corpus.close()

    def _on_round(self, statistics: Any, selection: Any) -> None:
        self._rounds, self._packages = statistics.rounds, len({cell.package.name for cell in selection.ranks})

    def _told(self) -> str:
        """What the moving line says."""
        said = {"listings": "Reading listings", "metadata": "Reading metadata", "search": "Searching"}
        parts = [said.get(self.phases.now, "Starting")]
        if self._packages:
            parts.append(f"{self._packages} packages")
        if self._rounds:
            parts.append(f"round {self._rounds}")
        requests = self._watched.requests if self._watched else None
        if requests is not None and (requests.requests_open or requests.requests_done):
            parts.append(f"{requests.requests_done} of {requests.requests_done + requests.requests_open} requests")
            if requests.builds_open:
                parts.append(f"building {requests.last}")
        return ", ".join(parts)
