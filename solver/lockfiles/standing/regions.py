"""Where a lock that is there installs each of its entries, in the words of the project's choices."""

from __future__ import annotations

from satlock.encoder.markers.marker import TRUE, Formula, all_of, chosen, from_marker
from satlock.encoder.project.project import Choice
from satlock.encoder.project.universe import Universe
from satlock.records import dataclass
from satlock.solver.lockfiles.model import Switch, node_of
from satlock.solver.lockfiles.reach import Reach
from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["regions_of"]


def regions_of(standing: Standing, universe: Universe, project: str | None) -> list[Formula]:
    """For each entry the environments that install it.

    Args:
        project: the name of the project itself.

    Raises:
        Unsettled: that cannot be said.
    """
    if standing.graph is None:
        return [from_marker(entry.marker) for entry in standing.entries]
    choices = _Choices(universe, project or "")
    reached = Reach(standing.graph, choices.picked, choices.marked).regions(universe.domain)
    return [reached.at(node_of(number)) for number in range(len(standing.entries))]


@dataclass(frozen=True)
class _Choices:
    """The choices of a project, in the place of the switches of its lock."""

    universe: Universe
    project: str

    def picked(self, switches: tuple[Switch, ...]) -> Formula:
        """Where all of these are picked at the start."""
        owner = self._owner(switches)
        found = []
        for kind, name in switches:
            if kind == "group":
                found.append(chosen(Choice("group", name, owner)))
            elif kind == "extra":
                found.append(self._installed(owner) & chosen(Choice("extra", name, owner)))
            elif kind == "production":
                found.append(self._installed(owner))
        return all_of(found) if found else self._installed(owner)

    def marked(self, switches: tuple[Switch, ...]) -> Formula:
        """Where a marker finds these picked; an extra is, whatever becomes of the project that has it."""
        extras = [name for kind, name in switches if kind == "extra"]
        if not extras:
            return self.picked(switches)
        return all_of(chosen(Choice("extra", name, self._owner(switches))) for name in extras)

    def _owner(self, switches: tuple[Switch, ...]) -> str:
        package = next((name for kind, name in switches if kind == "project"), "")
        return "" if package == self.project else package

    def _installed(self, package: str) -> Formula:
        """Where a project is installed itself: its production dependencies."""
        itself = Choice("project", "", package)
        return chosen(itself) if itself in self.universe.active.get(itself, TRUE).atoms else TRUE
