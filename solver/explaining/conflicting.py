"""All minimal sets of extras and groups that cannot be active together.

What is active in an environment without a solution is a *bad* set, and the minimal bad sets are what is looked for. A
search over all environments names one bad set by its witness; searches over the environments in which only a part of
it is active make it minimal; then those that contain it are left out, and the next search names another. So the cost
grows with the number of minimal sets, not with that of the combinations of choices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from satlock.encoder.markers.domain import Environment
from satlock.encoder.markers.marker import TRUE, is_true
from satlock.encoder.project.project import Choice, Project, ProjectError
from satlock.encoder.project.universe import PinsOverlap, universe_of
from satlock.records import dataclass, replace
from satlock.solver.search.search import NoLock

__all__ = ["Conflict", "conflicts_of", "under_conflicts"]


@dataclass(frozen=True)
class Conflict:
    """Choices that cannot all be active, though any others that are active with fewer of them can."""

    choices: tuple[Choice, ...]
    """In the order of the file; one alone is a choice that can never be made."""
    reason: NoLock | PinsOverlap

    @property
    def witness(self) -> Environment:
        assert self.reason.witness is not None
        return self.reason.witness


def conflicts_of(
    project: Project, attempt: Callable[[Project], None], on_found: Callable[[Conflict], None] = lambda conflict: None
) -> tuple[Conflict, ...]:
    """The minimal conflicting sets of a project, beyond those that it declares.

    Args:
        attempt: locks a project; raises NoLock where there is no lock.

    Raises:
        NoLock: also with nothing chosen there is no lock, or no single environment is to blame.
        ProjectError: what is pinned twice is so with nothing chosen, too.
    """
    looking = _Looking(project, attempt)
    found: list[Conflict] = []
    while True:
        reason = looking.refused(found)
        if reason is None:
            return tuple(found)
        found.append(looking.minimal(reason, found))
        on_found(found[-1])


def under_conflicts(project: Project, conflicts: Iterable[Conflict]) -> Project:
    """The project with these sets kept apart.

    Two choices are declared as a project declares them; of more, only all together are left out, for which
    ``conflicts`` has no words.
    """
    sets = [conflict.choices for conflict in conflicts]
    return replace(
        project,
        conflicts=(*project.conflicts, *(choices for choices in sets if len(choices) == 2)),
        exclusions=(*project.exclusions, *(choices for choices in sets if len(choices) != 2)),
    )


@dataclass
class _Looking:
    project: Project
    attempt: Callable[[Project], None]
    _alone: bool | None = None
    """Whether each choice can be made alone, once that was asked."""

    def __post_init__(self) -> None:
        free = replace(self.project, sources={}, conflicts=(), exclusions=())
        self._active = universe_of(free).active

    def refused(self, found: Sequence[Conflict], excluded: Iterable[Choice] = ()) -> NoLock | PinsOverlap | None:
        """Why there is no lock where none of these is active; None where there is one."""
        apart = under_conflicts(self.project, found)
        without = [(choice,) for choice in excluded if self._active[choice] is not TRUE]
        try:
            self.attempt(replace(apart, exclusions=(*apart.exclusions, *without)))
        except (NoLock, PinsOverlap) as reason:
            if reason.witness is None:
                raise
            return reason
        except ProjectError:
            return None  # some of these are always active, so no environment is left
        return None

    def minimal(self, reason: NoLock | PinsOverlap, found: Sequence[Conflict]) -> Conflict:
        """A minimal bad set within what is active in the witness of a refusal.

        Raises:
            NoLock: the empty set is bad.
        """
        shrunk = True
        while shrunk:
            shrunk = False
            bad = self._bad(reason)
            if not bad:
                raise reason
            if len(bad) == 2 and self._each_alone():
                break
            for choice in bad:
                smaller = self.refused(found, [one for one in self._active if one not in bad or one is choice])
                if smaller is not None:
                    reason, shrunk = smaller, True
                    break
        return Conflict(self._generators(reason), reason)

    def _each_alone(self) -> bool:
        """Whether everything can be locked in which no two choices are active: then no pair is made smaller."""
        if self._alone is None:
            pairs = tuple(combinations(self._active, 2))
            try:
                self.attempt(replace(self.project, conflicts=(*self.project.conflicts, *pairs)))
                self._alone = True
            except (NoLock, PinsOverlap):
                self._alone = False
        return self._alone

    def _bad(self, reason: NoLock | PinsOverlap) -> list[Choice]:
        """What is active in the witness, and would not be with nothing chosen."""
        assert reason.witness is not None
        always = self._active_with(frozenset(), reason.witness)
        active = self._active_with(_chosen(reason.witness), reason.witness) - always
        return [choice for choice in self._active if choice in active]

    def _generators(self, reason: NoLock | PinsOverlap) -> tuple[Choice, ...]:
        """The choices of the witness without those that the others bring with them."""
        assert reason.witness is not None
        kept = _chosen(reason.witness)
        active = self._active_with(kept, reason.witness)
        for choice in sorted(kept):
            if self._active_with(kept - {choice}, reason.witness) == active:
                kept -= {choice}
        return tuple(choice for choice in self._active if choice in kept)

    def _active_with(self, chosen: frozenset[Choice], environment: Environment) -> frozenset[Choice]:
        return frozenset(one for one, active in self._active.items() if is_true(active, environment.variables, chosen))


def _chosen(environment: Environment) -> frozenset[Choice]:
    extras = {Choice("extra", name) for name in environment.extras}
    return frozenset(extras | {Choice("group", name) for name in environment.groups})
