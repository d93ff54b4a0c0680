"""``satlock why``: why a package is locked in this version, and what another one would cost."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from satlock.cli.completing import packages
from satlock.cli.existing import read_existing
from satlock.cli.failures import FAILED, NO, WRONG, Ended
from satlock.cli.inputs import Inputs, inputs
from satlock.cli.lockfile import Target, target_of
from satlock.cli.narrowing import Narrowing, narrowing
from satlock.cli.pasting import given_options
from satlock.cli.phases import Phases
from satlock.cli.report import print_report
from satlock.cli.searching import Searching
from satlock.cli.terminal import marked, say, say_warning
from satlock.cli.upgrading import Upgrades, upgrade_options
from satlock.cli.words import clear, near

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.encoder.markers.marker import Formula
    from satlock.encoder.markers.structure import Marker
    from satlock.encoder.project.project import Project, Requirement
    from satlock.solver.explaining.why import Entry, NotNewer, Place
    from satlock.solver.lockfiles.changes import Change
    from satlock.solver.locking import Locked
    from satlock.solver.search.held import Kept
    from satlock.solver.search.search import NoLock

__all__ = ["why"]

_SHOWN = 5
"""Paths and requirements that are told where the answer is not verbose."""


@click.command()
@click.argument("question", metavar="NAME[SPECIFIER]", shell_complete=packages)
@click.option("-o", "--output", metavar="FILE", help="The lock that is kept to; by default the one that lock writes.")
@click.option("--format", "form", type=click.Choice(["pylock", "uv"]), help="Where the file's name does not tell.")
@upgrade_options
@click.option("--json", "as_json", is_flag=True, help="Print the answer on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@narrowing
@inputs
def why(  # noqa: PLR0917
    given: Inputs,
    within: Narrowing,
    question: str,
    output: str | None,
    form: str | None,
    upgrades: Upgrades,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Tell why a package is in the lock, why in this version, and why in no newer one.

    With a specifier ('torch>=2.6'): what would have to give way for it, proven. With --extra, --python-version (or
    --python) and the like, the question is about these environments alone. Nothing is written.
    """
    asked = _read(question)
    given, within = _with_python(given, within)
    target = target_of(given.default_lock(form), output, form)
    given = given.at_root() if target.form == "uv" else given
    run = _Run(given, quiet, verbose, as_json, asked, within)
    with run.phases.phase("reading"):
        project = given.project(whole_workspace=target.form == "uv")
        place = within.marker(project)
        objective = given.objective_for(project)
        kept = _kept(given, target, upgrades, project, objective)
    for warning in project.warnings:
        say_warning(warning)
    locked, watched = Searching(given, run.phases, quiet).search(project, objective, kept, run.no_lock)
    here = locked.universe.where(place)
    if not locked.universe.domain.satisfiable(here):
        raise Ended(WRONG, "The project is not for the environments that are asked for.")
    found = [one for one in locked.lock.packages if one.name == asked.name]
    if not found:
        hint = near(asked.name, {one.name for one in locked.lock.packages})
        raise Ended(WRONG, f"{asked.name} is not in the lock: nothing that is locked requires it{hint or '.'}")
    versions = sorted({one.version for one in found if locked.universe.domain.satisfiable(one.region, here)})
    if not versions:
        raise Ended(WRONG, f"{asked.name} is not locked there: nothing requires it in the environments asked for.")
    if not asked.specifier:
        run.tell(project, objective, locked, watched, kept, here)
    elif all(asked.specifier.contains(version, prereleases=True) for version in versions):
        run.met(versions)
    else:
        run.weigh(project, locked, place)


def _with_python(given: Inputs, within: Narrowing) -> tuple[Inputs, Narrowing]:
    """``--python 3.12`` asks about that Python. What names an interpreter otherwise is what it is for ``lock``."""
    python, context = given.settings.python, click.get_current_context()
    typed = context.get_parameter_source("python") is click.core.ParameterSource.COMMANDLINE
    if within.python is not None or not typed or python is None or not re.fullmatch(r"3\.\d+(\.\d+)?", python):
        return given, within
    return replace(given, settings=replace(given.settings, python=None)), replace(within, python=python)


def _kept(given: Inputs, target: Target, upgrades: Upgrades, project: Project, objective: str) -> Kept:
    """The versions of the lock that is there, as far as ``lock`` keeps to them."""
    from satlock.solver.lockfiles.choosing import change_of_choosing
    from satlock.solver.lockfiles.standing.keeping import kept_versions

    text = target.read()
    if text is None or upgrades.everything:
        return {}
    there = read_existing(text, target)
    change = change_of_choosing(there, project, objective, said=given.objective)
    return kept_versions(there, upgrades.lifted(project)) if change is None or change.kept else {}


def _read(question: str) -> Requirement:
    from satlock.encoder.markers.specifiers import parse_requirement

    try:
        asked = parse_requirement(question, "the question")
    except ValueError:
        asked = None
    if asked is None or asked.url or asked.marker or asked.extras:
        raise click.BadParameter(
            f"{question!r} is not the name of a package, with or without versions; write e.g. torch or 'torch>=2.6'.",
            param_hint="NAME",
        )
    return asked


@dataclass
class _Run:
    """One run of the command."""

    given: Inputs
    quiet: bool
    verbose: bool
    as_json: bool
    asked: Requirement
    within: Narrowing
    phases: Phases = field(default_factory=Phases)

    def command(self, question: str) -> str:
        """This command with another question, to be pasted in the same folder."""
        return f"satlock why {shlex.quote(question)}{given_options(without=('question',))}"

    @property
    def _question(self) -> str:
        return f"{self.asked.name}{self.asked.specifier}"

    def no_lock(self, none: NoLock, lines: list[str]) -> NoReturn:
        """The project has no lock at all.

        Raises:
            Ended: always.
        """
        self._print({"status": "no lock", "explanation": lines})
        raise Ended(FAILED if none.failed else NO, *lines)

    def tell(  # noqa: PLR0917
        self,
        project: Project,
        objective: str,
        locked: Locked,
        watched: Watched,
        kept: Kept,
        here: Formula,
    ) -> None:
        """Why the package is locked as it is; where a lock is kept to, also what it would be otherwise."""
        from satlock.solver.explaining.why import why as find

        within = here.args if here.op == "and" else (here,)
        with self.phases.phase("explaining"):
            entries = find(locked, self.asked.name, watched.searched, project.single_version, within)
        answer: dict[str, Any] = {"status": "locked", "entries": [_data(entry) for entry in entries]}
        lines = [line for entry in entries for line in self._told(entry, objective)]
        if any(place.not_newer is not None and place.not_newer.kept for entry in entries for place in entry.places):
            upgraded, told = self._upgraded(project, objective, locked, kept, within)
            answer["upgraded"] = upgraded
            lines += told
        self._print(answer)
        for line in lines if not self.quiet else ():
            say(line)

    def _upgraded(
        self, project: Project, objective: str, locked: Locked, kept: Kept, within: Sequence[Formula]
    ) -> tuple[dict[str, Any], list[str]]:
        """What ``lock --upgrade-package`` would make of the package, as data and in words."""
        from satlock.solver.explaining.why import why as find
        from satlock.solver.lockfiles.changes import changes

        others = {name: versions for name, versions in kept.items() if name != self.asked.name}
        searching = Searching(self.given, self.phases, self.quiet)
        other, watched = searching.search(project, objective, others, self.no_lock)
        entries = find(other, self.asked.name, watched.searched, project.single_version, within)
        changed = changes(locked.lock, other.lock)
        said = "; ".join(map(str, changed)) or "nothing changes, since the others are kept to as well"
        lines = [f"  With --upgrade-package {self.asked.name}: {said}"]
        for entry in entries:
            for place in entry.places:
                if place.not_newer is not None and place.not_newer.proven:
                    lines += self._newer(entry, place, objective, "That is not")
                elif place.not_newer is not None and not changed:
                    lines += self._way_out(place.not_newer)
        return {"entries": [_data(entry) for entry in entries], "changes": [asdict(one) for one in changed]}, lines

    def met(self, versions: list[str]) -> None:
        """The versions that are locked are those that were asked for."""
        self._print({"status": "met", "versions": versions})
        if not self.quiet:
            say(f"{self.asked.name} {', '.join(versions)} is locked, which {self._question} admits.")

    def weigh(self, project: Project, locked: Locked, place: Marker | None) -> None:
        """What would have to give way: the lock with the fewest changes that has what was asked for.

        Raises:
            Ended: there is none.
        """
        from satlock.solver.lockfiles.changes import changes
        from satlock.solver.lockfiles.standing.keeping import versions_by_region

        elsewhere = ~locked.universe.where(place)
        kept = versions_by_region(
            (one.name, one.version, one.region & elsewhere if one.name == self.asked.name else one.region)
            for one in locked.lock.packages
        )
        wanted = replace(project, constraints=(*project.constraints, replace(self.asked, marker=place)))
        head = f"No lock has {self._question}{' there' if self.within.any else ''}"
        searching = Searching(self.given, self.phases, self.quiet, asks_more=True, head=head)
        other, _ = searching.search(wanted, "fresh", kept, self._impossible)
        there = (one for one in other.lock.packages if one.name == self.asked.name)
        here = other.universe.where(place)
        versions = sorted({one.version for one in there if other.universe.domain.satisfiable(one.region, here)})
        found = [change for change in changes(locked.lock, other.lock) if change.name != self.asked.name]
        fewest = sum(bool(change.before and change.after) for change in found)
        self._print(
            {"status": "possible", "versions": versions, "fewest": fewest, "changes": [asdict(one) for one in found]}
        )
        if not self.quiet:
            for line in self._weighed(versions, found, fewest):
                say(line)

    def _impossible(self, none: NoLock, lines: list[str]) -> NoReturn:
        self._print({"status": "impossible", "explanation": lines})
        raise Ended(FAILED if none.failed else NO, *lines)

    def _print(self, answer: dict[str, Any]) -> None:
        if self.as_json:
            asked = {"name": self.asked.name, "specifier": str(self.asked.specifier)}
            print_report("why", {**asked, **answer})

    # -- the words

    def _told(self, entry: Entry, objective: str) -> Iterator[str]:
        where = f" where {entry.marker}" if entry.marker else ""
        yield f"{marked(f'{self.asked.name} {entry.version}', bold=True)}{where} (from {entry.index})"
        yield "  Required by"
        for path in self._some(entry.paths):
            steps = " → ".join(by.removeprefix("the ") for by, _ in path.steps)
            there = f"  where {path.marker}" if path.marker and path.marker != entry.marker else ""
            yield f"    {steps} → {path.steps[-1][1]}{marked(there, dim=True)}"
        yield from self._more(len(entry.paths))
        yield "  Constraints"
        for one in self._some(entry.asked):
            there = f"  where {one.marker}" if one.marker else ""
            yield f"    {one.requirement} by {one.by}{marked(there, dim=True)}"
        yield from self._more(len(entry.asked))
        for place in entry.places:
            yield from self._newer(entry, place, objective)

    def _newer(self, entry: Entry, place: Place, objective: str, so: str = "Not") -> Iterator[str]:
        reason = place.not_newer
        where = f" where {clear(place.marker)}" if place.marker else ""
        if reason is None:
            yield f"  It is the newest admissible version{where}."
        elif objective.startswith("lowest"):
            newest = f"the newest admissible is {reason.newest}{where}"
            yield f"  The objective {objective} takes the oldest that fits; {newest}."
        elif not reason.proven:
            yield f"  {so} the newest admissible version, {reason.newest}{where}, since {reason.headline}."
        else:
            days = f", {reason.days} day{'' if reason.days == 1 else 's'} behind" if reason.days else ""
            yield f"  {so} the newest admissible version, {reason.newest}{days}{where}. {reason.headline}"
            yield from (f"    - {line}" for line in reason.lines)
            yield from self._way_out(reason)

    def _way_out(self, reason: NotNewer) -> Iterator[str]:
        if not reason.hard:
            yield f"  What it would cost: {self.command(f'{self.asked.name}{reason.newer}')}"

    def _weighed(self, versions: list[str], found: list[Change], fewest: int) -> Iterator[str]:
        name = self.asked.name
        if not versions:
            head = f"With {self._question}, nothing requires {name} any more"
            yield f"{marked(head, bold=True)}; what has to give way is"
        else:
            head = f"{name} {', '.join(versions)} is possible"
            yield f"{marked(head, bold=True)}; what has to give way is"
        for change in found:
            yield f"  {change}"
        if not found:
            yield "  nothing else"
        if fewest:
            others = "package has" if fewest == 1 else "others have"
            yield f"Proven: with {self._question}, at least {fewest} {others} to be at another version than now."

    def _some(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        return items if self.verbose else items[:_SHOWN]

    def _more(self, count: int) -> Iterator[str]:
        if count > _SHOWN and not self.verbose:
            yield f"    and {count - _SHOWN} more (--verbose)"


def _data(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "not_newer": None if entry.not_newer is None else asdict(entry.not_newer)}
