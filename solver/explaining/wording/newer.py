"""Why a package is in no newer version, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from satlock.encoder.formula.candidates import Candidate
from satlock.encoder.formula.cells import Edge
from satlock.encoder.project.project import Choice
from satlock.solver.explaining.reasons import Reason
from satlock.solver.explaining.wording.phrases import lists, requirement

__all__ = ["given_up", "is_newer", "requested", "who_requires", "without_proof"]

_WANTED = {
    "installs": "{} has a file wherever some version of it has one",
    "extras": "{} has the extras that are asked for",
    "escapes": "{} is not from before it stated which versions it does not go with",
}


def who_requires(edge: Edge, candidate: Candidate | None, choice: Choice | None) -> str:
    """Who requires, with its version; or the extra or group of the project that does.

    Args:
        candidate: of the package that requires; None for the project.
    """
    cell, extra = edge.node.cell, edge.node.extra
    return lists(choice) if cell is None else f"{cell.package.name}{f'[{extra}]' if extra else ''} {candidate}"


def requested(edge: Edge) -> str:
    """What is asked for, without a marker or the place that it comes from."""
    asked = edge.dependency
    return requirement(asked.name, asked.extras, str(asked.specifier))


def without_proof(reason: Reason) -> str:
    """Why there is no newer version, where facts and wishes do not forbid it."""
    name = reason.cell.package.name
    if reason.locked:
        return f"the lock that is there has {name} {_chosen(reason)}, and is kept to"
    return f"a newer {name} would make more of the others older"


def is_newer(reason: Reason) -> str:
    """The claim that is refuted."""
    return f"{reason.cell.package.name} is newer than {_chosen(reason)}"


def given_up(reason: Reason, alike: Collection[str]) -> Iterator[str]:
    """What is worth as much as to be newer, and does not hold together with it.

    Args:
        alike: the packages that would need a second candidate.
    """
    for other, rank in reason.kept:
        yield f"{other.package.name} is no older than {other.candidates[rank]}"
    yield from dict.fromkeys(f"{other.package.name} is not brought in" for other in reason.absent)
    yield from dict.fromkeys(_WANTED[wish].format(one.package.name) for wish, one in reason.wanted)
    for name in alike:
        yield f"{name} has one candidate in all environments, or would need two candidates"


def _chosen(reason: Reason) -> Candidate:
    return reason.cell.candidates[reason.rank]
