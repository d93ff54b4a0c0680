"""Pins: in which environments a package comes from one index or one reference only, whoever requires it."""

from __future__ import annotations

from itertools import combinations

from satlock.corpora.references import PathReference, Reference
from satlock.encoder.markers.domain import Domain, Environment
from satlock.encoder.markers.marker import FALSE, Formula, any_of
from satlock.encoder.project.project import Project, ProjectError, Unsatisfiable
from satlock.encoder.project.reach import Claim, Reached
from satlock.records import dataclass

__all__ = ["Pin", "PinsOverlap", "pins_of"]


class PinsOverlap(ProjectError):
    """Two pins send one package to different indexes in one environment, the ``witness``."""

    def __init__(self, said: str, witness: Environment) -> None:
        super().__init__(said)
        self.witness: Environment | None = witness


@dataclass(frozen=True)
class Pin:
    """In ``region``, a package comes only from the index named ``index``, at ``url``, or from one reference."""

    index: str
    """Empty where it is a reference."""
    region: Formula
    text: str
    """Its scope as a person would say it, e.g. ``extra 'cpu'``."""
    url: str = ""
    reference: Reference | None = None


def pins_of(project: Project, reached: Reached, domain: Domain) -> dict[str, tuple[Pin, ...]]:
    """The pins of each package.

    Raises:
        PinsOverlap: two of the project's own sources are in force at once.
        Unsatisfiable: a folder is editable by one source alone.
    """
    pins: dict[str, tuple[Pin, ...]] = {}
    for name, claims in reached.claims.items():
        own = len(project.sources.get(name, ()))
        own += sum(c.name == name and c.reference is not None for c in project.constraints)
        merged: dict[object, list[Claim]] = {}
        for claim in claims:
            merged.setdefault(claim.index or claim.reference, []).append(claim)
        _refuse_overlaps(project, name, claims[:own], domain)
        _refuse_half_editable(name, claims, domain)
        found: list[Pin] = []
        taken = FALSE
        for same in merged.values():
            region = any_of(claim.region for claim in same)
            if domain.satisfiable(region, taken):
                region &= ~taken
            taken |= region
            if region is FALSE:
                continue
            index, url = same[0].index or ("", "")
            texts = list(dict.fromkeys(claim.text for claim in same))
            text = texts[0] if len(texts) == 1 else " or ".join(f"({t})" if " and " in t else t for t in texts)
            found.append(Pin(index, region, text, url, same[0].reference))
        pins[name] = tuple(found)
    return pins


def _refuse_overlaps(project: Project, name: str, claims: list[Claim], domain: Domain) -> None:
    """Raises ProjectError where two of the project's own sources are in force at once."""
    for one, other in combinations(claims, 2):
        if (one.index, one.reference) == (other.index, other.reference):
            continue
        where = domain.witness(one.region, other.region)
        if where is not None:
            raise PinsOverlap(
                f"{project.path}: [tool.uv.sources] {name} is pinned to {_shown(one)} ({one.text}) and to "
                f"{_shown(other)} ({other.text}) at once, e.g. for {where}; narrow their markers, or list the "
                f"extras in tool.uv.conflicts (satlock conflicts prints the table).",
                where,
            )


def _refuse_half_editable(name: str, claims: list[Claim], domain: Domain) -> None:
    """Raises Unsatisfiable where a folder is to be editable by one source, and not by another, in one environment."""
    folders = [(claim, claim.reference) for claim in claims if isinstance(claim.reference, PathReference)]
    for (one, first), (other, second) in combinations(folders, 2):
        differ = first.path == second.path and bool(first.editable) != bool(second.editable)
        if differ and not first.member and not second.member and domain.satisfiable(one.region, other.region):
            raise Unsatisfiable(
                f"{name} is taken from {first} as editable by one source, and not by another; let all of them say the "
                "same."
            )


def _shown(claim: Claim) -> str:
    return f"index {claim.index[0]!r}" if claim.index else str(claim.reference)
