"""Who keeps a package from its newest release, in words: by whom, and what it asks for."""

from __future__ import annotations

from typing import NamedTuple

from satlock.encoder.formula.reasons import NeedsPython, NoFile
from satlock.solver.explaining.holders import (
    Asker,
    BroughtIn,
    Constrained,
    Divided,
    GivenUp,
    Holder,
    NoCandidate,
    NotRead,
    NotServing,
    Older,
    Oldest,
    Release,
    Requires,
    Whole,
)
from satlock.solver.explaining.wording.phrases import left_out, lists, requirement

__all__ = ["Told", "told"]

_WISHED = {
    "installs": ("the environments", "have no file for some of them"),
    "extras": ("the extras that are asked for", "lack some of them"),
    "escapes": ("what newer releases exclude", "be from before its authors said so"),
}
"""What is worth more than to be newer, and what would become of a package otherwise."""


class Told(NamedTuple):
    """A holder as a person reads of it."""

    by: str
    """``the project``, an extra or group of it, or a package with its version."""
    requirement: str
    """What it asks for; or why else the newest release is out of reach."""


def told(holder: Holder) -> Told:
    match holder:
        case Requires(by, name, extras, specifier, reference):
            return Told(_who(by), requirement(name, extras, specifier, reference))
        case Older(release):
            return Told(_who(release), f"{release.name} would have to be older")
        case GivenUp(wish, package):
            what, otherwise = _WISHED[wish]
            return Told(what, f"{'it' if package is None else package} would {otherwise}")
        case BroughtIn(package):
            return Told(package, "it would be brought in")
        case Divided(package):
            return Told(package, "it would need several candidates")
        case NotServing(reason):
            return Told("the environments", _needs(reason))
        case Constrained(text):
            return Told("the project's constraints", text)
        case Oldest(objective):
            return Told(f"the objective {objective}", "it takes the oldest that fits")
        case Whole.KEPT:
            return Told("the lock that is there", "it is kept to")
        case Whole.SUMS:
            return Told("the whole lock", "a newer one would make more of the others older")
        case NoCandidate(why, by_settings):
            return Told("the project's settings" if by_settings else "the release", f"it {left_out(why)}")
        case NotRead(said):
            return Told("the release", "only a build tells what it requires" if said is None else f"it {said}")


def _who(asker: Asker) -> str:
    return f"{asker.name} {asker.version}" if isinstance(asker, Release) else lists(asker)


def _needs(reason: NeedsPython | NoFile) -> str:
    """For which environments a candidate is."""
    if isinstance(reason, NeedsPython):
        return f"it is for Python {reason.python} only"
    return "it would have no file for some of them"
