"""``satlock audit``: known vulnerabilities of what a lock installs, where, and the smallest upgrade out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from satlock.cli.failures import NO, WRONG, Ended
from satlock.cli.inputs import Inputs, inputs
from satlock.cli.lockfile import lockfile_in
from satlock.cli.narrowing import Narrowing, narrowing
from satlock.cli.pasting import options_for
from satlock.cli.phases import Phases
from satlock.cli.progress import Progress
from satlock.cli.report import print_report
from satlock.cli.terminal import marked, say_warning, show
from satlock.cli.words import count

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.corpora.advisories.advisory import Advisory
    from satlock.solver.explaining.remedies import Remedy
    from satlock.solver.lockfiles.graph import LockGraph

__all__ = ["audit"]

_SHOWN = 3


@click.command()
@click.argument("lockfile", required=False, type=click.Path(path_type=Path))
@inputs
@narrowing
@click.option(
    "--database",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    help="Advisories in the OSV format, in place of the API: a JSON file, a folder or a ZIP archive of them.",
)
@click.option("--osv-url", metavar="URL", envvar="SATLOCK_OSV_URL", help="The address of OSV's API, or of a mirror.")
@click.option("--ignore", multiple=True, metavar="ID", help="Pass over an advisory, by any of its names (repeatable).")
@click.option("--no-fix", is_flag=True, help="Do not look for the smallest upgrade that is free of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as an object.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Tell also where each advisory can be read, and all that changes.")
def audit(  # noqa: PLR0917
    given: Inputs,
    lockfile: Path | None,
    within: Narrowing,
    database: Path | None,
    osv_url: str | None,
    ignore: tuple[str, ...],
    no_fix: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Tell which known vulnerabilities a lock has, where they are reached, and what the smallest upgrade is.

    LOCKFILE is a pylock.toml, uv.lock, poetry.lock or pdm.lock; the one of the project by default. Advisories come from
    OSV's API, which is sent names and versions, or from --database. Ends with 1 where something is found.
    """
    from satlock.solver.lockfiles.graph import graph_of

    if given.offline and database is None:
        raise Ended(WRONG, "--offline needs the advisories as a file: --database PATH.")
    path = lockfile or lockfile_in(given.project_folder)
    whole = graph_of(path, given.project_folder if given.kind == "project" else None)
    run = _Run(given, whole, within.apply(whole), {name.upper() for name in ignore}, quiet)
    with ExitStack() as opened:
        source = _source(database, osv_url, opened)
        with run.phases.phase("advisories"), Progress(lambda: "Asking for advisories", shown=not quiet):
            findings = run.findings(source)
        if findings and not no_fix:
            run.remedy(findings, source)
    if as_json:
        print_report("audit", _data(path, run, findings))
    else:
        for line in _lines(path, run, findings, verbose) if not quiet else ():
            show(line)
        if run.unfixed:
            say_warning(f"No upgrade was looked for: {run.unfixed}")
    if findings:
        raise Ended(NO)


def _source(database: Path | None, url: str | None, opened: ExitStack) -> Any:
    if database is not None:
        from satlock.corpora.advisories.database import Database
        from satlock.corpora.facts import CorpusError

        try:
            return Database.read(database)
        except CorpusError as error:
            raise Ended(WRONG, str(error)) from None
    from satlock.corpora.advisories.osv import OSV, Osv

    return opened.enter_context(Osv(url or OSV))


@dataclass
class _Finding:
    """What is known against one package of the lock."""

    name: str
    version: str
    marker: str | None
    """Where it is installed."""
    by: tuple[str, ...]
    """What requires it."""
    advisories: list[Advisory]
    remedy: Remedy | None = None


@dataclass
class _Run:
    given: Inputs
    whole: LockGraph
    graph: LockGraph
    """Within the environments that are asked for."""
    ignored: set[str]
    quiet: bool
    phases: Phases = field(default_factory=Phases)
    passed: int = 0
    """Advisories that were to be ignored."""
    elsewhere: int = 0
    """Advisories for what is installed in none of these environments."""
    unfixed: str = ""
    """Why no upgrade was looked for."""

    def findings(self, source: Any) -> list[_Finding]:
        every = [entry for entry in self.whole.packages if entry.version and not entry.builds]
        reached = {entry.number for entry in self.graph.packages}
        known = source.known(dict.fromkeys((entry.name, entry.version) for entry in every))
        found = []
        for entry in every:
            every_group = _twins(known[entry.name, entry.version])
            groups = [twins for twins in every_group if not self._is_ignored(twins)]
            self.passed += len(every_group) - len(groups)
            if groups and entry.number in reached:
                marker = self.graph.marker(self.graph.regions[entry.number])
                by = tuple(dict.fromkeys(self._by(entry.number)))
                found.append(_Finding(entry.name, entry.version, marker, by, [group[0] for group in groups]))
            else:
                self.elsewhere += len(groups)
        return found

    def _is_ignored(self, twins: list[Advisory]) -> bool:
        return any(self.ignored & advisory.names for advisory in twins)

    def _by(self, number: int) -> Iterator[str]:
        for step in self.graph.steps:
            if step.target == number:
                source = None if step.source is None else self.graph.lockfile.entries[step.source]
                choice = f"{step.choice.kind} {step.choice.name}" if step.choice is not None else "the project"
                yield choice if source is None else str(source)

    def remedy(self, findings: Sequence[_Finding], source: Any) -> None:
        """Looks for the smallest upgrade of each package, with everything else kept."""
        from satlock.cli.watching import Watched
        from satlock.corpora.remembered import Remembered
        from satlock.encoder.markers.marker import TRUE, Formula
        from satlock.encoder.project.project import ProjectError
        from satlock.solver.explaining.remedies import Remedies
        from satlock.solver.locking import lock
        from satlock.solver.search.search import NoLock

        kept: dict[str, dict[str, Formula]] = {}
        for entry in self.whole.packages:
            if entry.version and not entry.builds:
                kept.setdefault(entry.name, {})[entry.version] = TRUE
        try:
            project = self.given.project()
        except ProjectError as error:
            self.unfixed = str(error)
            return
        corpus = Remembered(self.given.corpus(project))
        try:
            watched = Watched(corpus, self.phases)
            index = self.given.index_for(project, corpus)
            with Progress(lambda: "Looking for the smallest upgrades", shown=not self.quiet):
                before = lock(project, watched, default_index=index, preferred=kept)
                remedies = Remedies(project, watched, index, before, kept)
                for name in dict.fromkeys(one.name for one in findings):
                    listed, affected = _listed(watched, name), self._affected(name, source)
                    everywhere = remedies.of(name, listed, affected)
                    mine = [finding for finding in findings if finding.name == name]
                    for one in mine:
                        # Where not every environment can leave it, some may.
                        apart = everywhere.reason and len(mine) > 1
                        one.remedy = remedies.of(name, listed, affected, one.marker) if apart else everywhere
        except NoLock:
            self.unfixed = f"the project has no lock as it is now; why: satlock lock{options_for('lock')}"
        finally:
            corpus.close()

    def _affected(self, name: str, source: Any) -> Callable[[str], bool]:
        """Tells the versions of a package that some advisory affects."""
        against = [one for twins in _twins(source.of(name)) if not self._is_ignored(twins) for one in twins]
        return lambda version: any(one.affects(name, version) for one in against)


def _listed(watched: Watched, name: str) -> list[str]:
    """The versions that the indexes list."""
    listings = [listing for (_, one), listing in watched.found.items() if one == name]
    return [release.version for listing in listings for release in listing.releases]


def _twins(advisories: Sequence[Advisory]) -> list[list[Advisory]]:
    """The advisories, those together that know each other by name: several databases keep one of their own."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for one in advisories:
        same = [group for group in groups if group[0] & one.names]
        groups = [group for group in groups if group not in same]
        names = set(one.names).union(*(names for names, _ in same))
        groups.append((names, [*(other for _, others in same for other in others), one]))
    return [group for _, group in groups]


def _lines(path: Path, run: _Run, findings: list[_Finding], verbose: bool) -> Iterator[str]:
    """What a person reads."""
    packages = len({entry.name for entry in run.graph.packages})
    if not findings:
        head = marked("No known vulnerability", fg="green", bold=True)
        yield f"{head} in {count(packages, 'package')} of {path}."
    for finding in findings:
        where = f"  where {finding.marker}" if finding.marker else ""
        yield f"{marked(f'{finding.name} {finding.version}', bold=True)}{marked(where, dim=True)}"
        for one in finding.advisories:
            names = ", ".join((one.id, *one.aliases[:2]))
            severity = f" [{one.severity}]" if one.severity else ""
            yield f"  {marked(names, fg='red')}{severity}: {one.summary or one.url}"
            if verbose:
                yield f"    {one.url}"
        more = f" and {len(finding.by) - _SHOWN} more" if len(finding.by) > _SHOWN else ""
        if finding.by:
            yield f"  Required by {', '.join(finding.by[:_SHOWN])}{more}"
        if finding.remedy is not None:
            yield f"  {_said(finding.remedy, finding.name, verbose)}"
    if findings:
        total = sum(len(finding.advisories) for finding in findings)
        affected = len({finding.name for finding in findings})
        yield f"{count(total, 'vulnerability', 'vulnerabilities')} in {affected} of {count(packages, 'package')}."
    if run.elsewhere:
        yield f"{count(run.elsewhere, 'more', 'more')} in packages that these environments do not install."
    if run.passed:
        yield f"{run.passed} ignored."


def _said(remedy: Remedy, name: str, verbose: bool) -> str:
    if remedy.gone:
        return f"Smallest change free of it: {name} is no longer needed{_also(remedy, verbose)}"
    if not remedy.versions:
        return f"No upgrade is free of it: {remedy.reason}"
    return f"Smallest upgrade free of it: {name} {', '.join(remedy.versions)}{_also(remedy, verbose)}"


def _also(remedy: Remedy, verbose: bool) -> str:
    if not remedy.changes:
        return "; nothing else changes"
    most = len(remedy.changes) if verbose else _SHOWN
    shown = "; ".join(map(str, remedy.changes[:most]))
    more = f"; and {len(remedy.changes) - most} more" if len(remedy.changes) > most else ""
    return f", with {shown}{more}"


def _data(path: Path, run: _Run, findings: list[_Finding]) -> dict[str, Any]:
    """What a program reads."""
    return {
        "lockfile": str(path),
        "packages": len({entry.name for entry in run.graph.packages}),
        "findings": [
            {
                "name": finding.name,
                "version": finding.version,
                "marker": finding.marker,
                "required-by": list(finding.by),
                "advisories": [
                    {
                        "id": one.id,
                        "aliases": list(one.aliases),
                        "summary": one.summary,
                        "severity": one.severity,
                        "fixed": sorted({version for part in one.of(finding.name) for version in part.fixed}),
                        "url": one.url,
                    }
                    for one in finding.advisories
                ],
                "remedy": _remedy(finding.remedy),
            }
            for finding in findings
        ],
        "elsewhere": run.elsewhere,
        "ignored": run.passed,
    }


def _remedy(remedy: Remedy | None) -> dict[str, Any] | None:
    if remedy is None:
        return None
    found = {"versions": list(remedy.versions), "changes": [asdict(change) for change in remedy.changes]}
    return {**found, "reason": remedy.reason or None}
