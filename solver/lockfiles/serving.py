"""Which files of a candidate are worth a place in a lock: those that serve somebody where it is installed."""

from __future__ import annotations

from collections.abc import Iterable

from satlock.corpora.facts import File
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import TRUE, Formula, all_of, any_of, forget_switches, from_marker
from satlock.encoder.markers.marker import from_python_specifier as admitted_by
from satlock.encoder.markers.tags import may_install_on
from satlock.encoder.project.project import Project

__all__ = ["Serving"]


class Serving:
    """Asks of files, in the environments of one project; choices are not looked at.

    It has a domain of its own: the tags of all wheels name more machines and Pythons than the search has to tell apart.
    """

    def __init__(self, project: Project) -> None:
        platforms = any_of(map(from_marker, project.environments)) if project.environments else TRUE
        self._domain = Domain(all_of([admitted_by(str(project.requires_python)), platforms]))
        self._known: dict[tuple[int, int], bool] = {}

    def of(self, files: Iterable[File], region: Formula) -> tuple[File, ...]:
        """Those of the files that install somewhere in a region; all of them where none does."""
        where = forget_switches(region)
        found = list(files)
        return tuple(file for file in found if self._serves(file.filename, where)) or tuple(found)

    def _serves(self, filename: str, where: Formula) -> bool:
        installs = may_install_on(filename)
        if installs is TRUE:
            return True
        question = (where.key, installs.key)
        if question not in self._known:
            self._known[question] = self._domain.satisfiable(where, installs)
        return self._known[question]
