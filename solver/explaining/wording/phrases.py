"""The words for versions, requirements and markers, and for why something does not serve."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from satlock.corpora.references import Reference
from satlock.encoder.formula.candidates import Candidate, Candidates, runs
from satlock.encoder.formula.cells import Bar, Edge, Statement
from satlock.encoder.formula.facts import Held
from satlock.encoder.formula.reasons import LeftOut, NeedsPython, NoFile, NotHad, Refusal, Unreadable
from satlock.encoder.markers.shortest import spelled_as_pylock
from satlock.encoder.project.project import Choice
from satlock.encoder.project.universe import Universe

__all__ = [
    "asked",
    "candidates_of",
    "choice_of",
    "held_back",
    "is_the_projects",
    "left_out",
    "listed",
    "lists",
    "none_admitted",
    "not_admitted",
    "refused",
    "requirement",
    "source_of",
    "span",
    "spelled_in_words",
    "version",
    "versions",
]

_RUNS = 4
"""Runs of versions that are named one by one; more of them are counted."""


def source_of(stated: Statement) -> str:
    return "" if stated.node.cell is None else stated.node.cell.package.name


def candidates_of(stated: Statement) -> Candidates | None:
    return None if stated.node.cell is None else stated.node.cell.candidates


def choice_of(stated: Statement, universe: Universe) -> Choice | None:
    """The extra or group of the project that lists a requirement."""
    if stated.node.cell is not None or not isinstance(stated, Edge):
        return None
    listing = (root.choice for root in universe.roots if root.requirement.origin == stated.dependency.origin)
    return next((choice for choice in listing if choice is not None), None)


def lists(choice: Choice | None) -> str:
    """Who lists a requirement: an extra or group, or the project itself."""
    return "the project" if choice is None else str(choice)


def is_the_projects(edge: Edge) -> bool:
    """Whether the project itself wrote a requirement: in its own lists, or as an override."""
    return edge.node.cell is None or edge.dependency.overrides


def asked(stated: Edge | Bar) -> str:
    """What a requirement asks for, without its marker; or why its candidate cannot serve."""
    if isinstance(stated, Bar):
        return refused(stated.refusal)
    asked = stated.dependency
    return requirement(asked.name, asked.extras, str(asked.specifier), asked.reference)


def requirement(name: str, extras: Sequence[str], specifier: str, reference: Reference | None = None) -> str:
    """A requirement without its marker."""
    extra = f"[{','.join(extras)}]" if extras else ""
    return f"{name}{extra}{specifier if reference is None else f' from {reference}'}"


def versions(name: str, candidates: Candidates, ranks: int) -> str:
    """Versions as ranges of a package, e.g. ``a>=1.0,<1.4 and a 2.0``: whatever there is in between."""
    if ranks == candidates.everything:
        return (
            f"all versions of {name}" if candidates.top > 1 else f"{name} {version(candidates[1])}, the only version,"
        )
    spans = [f"{name}{_range(candidates, *span)}" for span in runs(ranks)]
    if len(spans) > _RUNS:
        lowest, highest = (ranks & -ranks).bit_length() - 1, ranks.bit_length() - 1
        return f"{ranks.bit_count()} of the versions {name}{_range(candidates, lowest, highest)}"
    return listed(spans)


def _range(candidates: Candidates, first: int, last: int) -> str:
    """A run of ranks by its ends; an end that is open is not named."""
    if first == last:
        return f" {version(candidates[first])}"
    lower = f">={version(candidates[first])}" if first > 1 else ""
    upper = f"<{version(candidates[last + 1])}" if last < candidates.top else ""
    return ",".join(filter(None, (lower, upper))) or ""


def span(candidates: Candidates) -> str:
    """What there is, from the oldest to the newest."""
    oldest, newest = version(candidates[1]), version(candidates[candidates.top])
    return oldest if oldest == newest else f"{oldest} to {newest}"


def version(candidate: Candidate) -> str:
    """The version of a candidate; several builds of one version are named by what they share."""
    return candidate.version if len(candidate.builds) == 1 else candidate.version.partition("+")[0]


def listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def left_out(reason: LeftOut | NotHad, many: bool = False) -> str:
    """Why a release is no candidate, or several are none."""
    if isinstance(reason, NotHad):
        return f"cannot be had: {reason.reason}"
    if reason is LeftOut.TOO_NEW:
        return f"{'were' if many else 'was'} uploaded after the exclude-newer date"
    return f"{'have' if many else 'has'} {_LACKS[reason]}"


_LACKS = {
    LeftOut.NO_FILE: "no file",
    LeftOut.NO_WHEEL: "no wheel, and building it is switched off",
    LeftOut.NO_SDIST: "no source distribution, and its wheels are switched off",
    LeftOut.NO_TIME: "no upload time, so exclude-newer leaves it out",
    LeftOut.NO_HASH: "no file with one of the hashes that are asked for",
    LeftOut.NOTHING_SERVES: "no file that serves",
}


def held_back(fact: Held, many: bool = False) -> str:
    """Why a candidate is not used without need, or several are not."""
    return {
        "prerelease": "are pre-releases" if many else "is a pre-release",
        "yanked": "were yanked" if many else "was yanked",
        "build": "would have to be built",
    }.get(fact.kind, fact.reason)


def refused(refusal: Refusal, many: bool = False) -> str:
    """Why a candidate cannot serve somewhere, or several cannot."""
    if isinstance(refusal, Unreadable):
        return f"has metadata that cannot be read: {refusal.error}"
    if isinstance(refusal, NeedsPython):
        what = f"Python {refusal.python}"
    else:
        what = f"{refusal.requirement}, a direct reference that the project does not declare"
    return f"{'require' if many else 'requires'} {what}"


def not_admitted(reason: NeedsPython | NoFile, many: bool) -> str:
    """Why a candidate does not serve the environments, or several do not."""
    if isinstance(reason, NeedsPython):
        return f"{'need' if many else 'needs'} Python {reason.python}"
    if reason is NoFile.REQUIRED:
        return "would have to serve a platform of which it has no file (tool.uv.required-environments)"
    return f"{'have' if many else 'has'} no file there, and another build of that version has one"


def none_admitted(reasons: Collection[NeedsPython | NoFile]) -> str:
    """Why no version serves the environments, in a few words."""
    if any(isinstance(reason, NeedsPython) for reason in reasons):
        return "needs a newer Python"
    where = "for a platform that is required" if NoFile.REQUIRED in reasons else "where another build has one"
    return f"has no file {where}"


def spelled_in_words(choice: Choice, chosen: bool) -> str:
    """How a sentence says in the place of a marker that a choice was made, or was not."""
    if choice.kind == "project" or choice.package:
        return spelled_as_pylock(choice, chosen)
    return f"{choice.kind} {choice.name!r} is {'' if chosen else 'not '}chosen"
