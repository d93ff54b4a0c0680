"""One run of ``satlock lock``: verifying the lock that is there, or finding another one, and telling of either."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from satlock.cli.doubts import warnings_of_files
from satlock.cli.explaining import Looking
from satlock.cli.failures import FAILED, NO, Ended
from satlock.cli.inputs import Inputs
from satlock.cli.lockfile import Target
from satlock.cli.phases import Phases
from satlock.cli.remembered import Memory
from satlock.cli.report import print_report
from satlock.cli.terminal import marked, say, say_error, say_warning
from satlock.cli.upgrading import Upgrades, warning_of_nowhere
from satlock.cli.words import count
from satlock.records import dataclass, field, replace

if TYPE_CHECKING:
    from satlock.cli.conflicts import Inference
    from satlock.cli.watching import Watched
    from satlock.encoder.markers.domain import Domain
    from satlock.encoder.project.project import Project
    from satlock.solver.lockfiles.lock import Lock
    from satlock.solver.lockfiles.moves import Move
    from satlock.solver.lockfiles.standing.reading import Standing
    from satlock.solver.locking import Locked
    from satlock.solver.search.held import Kept
    from satlock.solver.search.search import NoLock

__all__ = ["Before", "Run", "memory_of", "self_contained", "tells_all"]


@dataclass(frozen=True)
class Before:
    """The lock that is there."""

    text: str | None
    """None where there is none."""
    there: Standing | None = None
    """What it says; None where that cannot be read, or is of no matter."""
    standing: Standing | None = None
    """The same where its versions are kept to."""
    lifted: tuple[str, ...] = ()
    """The packages whose versions are not."""
    changed: bool = False
    """Whether it was chosen in another way than is asked for now, so that it is no answer even where it is valid."""

    def kept(self) -> tuple[Mapping[tuple[str, str, str], str], Kept]:
        """The commits and the versions that are kept to as far as possible."""
        if self.standing is None:
            return {}, {}
        from satlock.solver.lockfiles.standing.keeping import kept_versions
        from satlock.solver.lockfiles.standing.reading import kept_commits

        return kept_commits(self.standing, self.lifted), kept_versions(self.standing, self.lifted)


@dataclass
class Run:
    """One run of ``satlock lock``, once it is clear what is asked."""

    given: Inputs
    target: Target
    quiet: bool
    verbose: bool
    as_json: bool
    memory: Memory
    command: str
    """What a person types to bring the lock up to date."""
    certificate: Path | None = None
    dry: bool = False
    """Whether nothing is written."""
    looking: Looking = field(default_factory=Looking)
    applied: Mapping[str, Any] | None = None
    """The way out that is made, as a program reads it."""
    inferred: Inference | None = None
    phases: Phases = field(default_factory=Phases)
    _objective: str = ""

    def recall(self, text: str, check: bool) -> bool:
        """Whether the lock is known to be valid for the project, and says so."""
        known = None if self.as_json else self.memory.recall(text, check)
        if known is None:
            return False
        for warning in known.warnings:
            say_warning(warning)
        self._say_standing(known.packages, check)
        return True

    def verify(self, existing: Standing, text: str, project: Project, check: bool) -> bool:
        """Whether the lock that is there is valid; says so where it is.

        Raises:
            Ended: it is not, and this was to be checked.
        """
        from satlock.cli.existing import json_of_standing, names_in, verdict_on

        prepare = self.inferred.infer if self.inferred is not None else None
        before = 0.0 if check else self.memory.asked()
        verdict = verdict_on(existing, project, self.given, self.phases, self._folder, prepare=prepare, ask=not before)
        if self.inferred is not None and check:
            self.tell_inferred(self.inferred)
        if verdict.violation is not None and not check:
            return False
        if verdict.lock is not None and verdict.domain is not None:
            told = [*map(str, verdict.yanked), *([verdict.unasked] if verdict.unasked else [])]
            for warning in told:
                say_warning(warning)
            gaps = self._warn_of_gaps(verdict.lock, verdict.domain)
            self._say_standing(names_in(existing, project), check)
            if self.inferred is None and self_contained(project) and not verdict.unasked:
                known, asked = (*project.warnings, *told, *gaps), before or time.time()
                until = verdict.fresh_until
                self.memory.keep(text, names_in(existing, project), known, asked=asked, until=until)
        status = "out of date" if verdict.violation else "valid" if check else "unchanged"
        if self.as_json:
            header = self._header(status, verdict.violation)
            print_report("lock", json_of_standing(existing, project, verdict, self.phases, header))
        if verdict.violation is not None:
            raise self.out_of_date(verdict.violation)
        return True

    @staticmethod
    def _gaps(lock: Lock, domain: Domain, *, verbose: bool) -> list[str]:
        """The warning that something has no file for a common platform, where that is so."""
        from satlock.cli.gaps import warning_of_gaps

        warning = warning_of_gaps(lock, domain, verbose)
        return [] if warning is None else [warning]

    def _warn_of_gaps(self, lock: Lock, domain: Domain) -> list[str]:
        """Says that warning, and returns it as it is remembered."""
        for warning in self._gaps(lock, domain, verbose=self.verbose):
            say_warning(warning)
        return self._gaps(lock, domain, verbose=False)

    def _say_standing(self, packages: int, check: bool) -> None:
        if not self.quiet:
            head = f"{'Valid' if check else 'Already locked'}: {packages} package{'' if packages == 1 else 's'}"
            say(f"{marked(head, fg='green', bold=True)} ({self.target}, {self.phases.total:.1f} s)")

    def out_of_date(self, reason: str) -> Ended:
        """How a check ends that finds the lock not to be that of the project."""
        return Ended(NO, f"{self.target} is out of date: {reason}.", f"Bring it up to date with {self.command}.")

    def lock(
        self,
        project: Project,
        objective: str,
        before: Before,
        upgrades: Upgrades,
        *,
        check: bool = False,
    ) -> None:
        """Searches for a lock, and writes it; ``check`` only compares it with the one that is there.

        Raises:
            Ended: there is none, which is then explained; or it is another one than that which was to be checked.
        """
        from satlock.cli.searching import Searching

        self._objective = objective
        commits, kept = before.kept()
        searching = Searching(self.given, self.phases, self.quiet, commits, self.looking)

        def no_lock(none: NoLock, ways: list[str]) -> NoReturn:
            for line in ways:
                say(line)
            if searching.explanation is not None and searching.explanation.out and searching.explanation.out.ways:
                say(f"To make the first of these changes, and lock: {self.command} --apply 1")
            if self.as_json:
                assert searching.explanation is not None
                print_report("lock", {**self._header("no lock"), **searching.explanation.data()})
            if self.certificate is not None:
                self._certify_no_lock(none, project, self.certificate)
            raise Ended(FAILED if none.failed else NO)

        bounds = upgrades.bounds
        asked = replace(project, constraints=(*project.constraints, *bounds)) if bounds else project
        locked, watched = searching.search(
            asked,
            objective,
            kept,
            no_lock,
            on_story=lambda story: say_error(*story),
            prepare=self.inferred.infer if self.inferred is not None else None,
        )
        if self.inferred is not None:
            self.tell_inferred(self.inferred)
        self.tell_nowhere(upgrades, before, locked)
        with self.phases.phase("writing"):
            fresh = self.text_of(locked, project)
            changed = fresh != before.text
            moves = self.moves(before, locked, project)
            if (changed and not check and not self.dry) or (self.target.path is None and not self.dry):
                self.target.write(fresh)
        if check:
            if changed:
                raise self.out_of_date("what is found now says something else")
            self.report(locked, watched, asked, "valid", [])
            return
        status = "locked" if changed else "unchanged"
        if self.dry:
            self.report(locked, watched, asked, "would lock" if changed else "unchanged", moves)
            return
        if self.inferred is None and self_contained(project):
            gaps = self._gaps(locked.lock, locked.universe.domain, verbose=False)
            names = {package.name for package in locked.lock.packages}
            said = (*project.warnings, *warnings_of_files(locked, watched), *gaps)
            self.memory.keep(fresh, len(names), said, asked=time.time(), until=watched.fresh_until)
        if self.certificate is not None and self.target.path is not None:
            with self.phases.phase("proving"):
                from satlock.cli.certifying import certify

                certify(self.target.path, self.given, self.certificate, locked)
        self.report(locked, watched, asked, status, moves if before.there is not None else [])

    def _certify_no_lock(self, none: NoLock, project: Project, folder: Path) -> None:
        """Writes why there is no lock, in the form that ``satlock check`` reads."""
        from satlock.cli.certifying import certify_no_lock

        size = certify_no_lock(none, project, self.given, folder)
        if size and not self.quiet:
            say(f"Wrote the certificate of this to {folder} ({size / 1000:.0f} kB).")

    def tell_nowhere(self, upgrades: Upgrades, before: Before, locked: Locked) -> None:
        """Warns of packages that were to be upgraded and that nothing has to do with."""
        known = {package.name for package in locked.lock.packages}
        known |= {entry.name for entry in before.there.entries} if before.there is not None else set()
        if names := upgrades.nowhere(known):
            say_warning(warning_of_nowhere(names, known))

    def tell_there(self, text: str) -> None:
        """Says that there is a lock, valid or not. Raises Ended where it is broken."""
        from satlock.cli.existing import read_existing

        there = read_existing(text, self.target)
        if self.as_json:
            print_report("lock", self._header("there"))
        if not self.quiet:
            own = "" if self.target.path is None else str(self.target.path.resolve().parent)
            number = len({entry.name for entry in there.entries if entry.path != own})
            say(f"There: {count(number, 'package')} ({self.target}, not verified)")

    def moves(self, before: Before, locked: Locked, project: Project) -> list[Move]:
        """What the new lock has otherwise than the one that was there."""
        from satlock.solver.lockfiles.moves import moves

        return moves(before.there, locked.lock, locked.universe, project.name)

    @staticmethod
    def inference(project: Project) -> Inference:
        from satlock.cli.conflicts import Inference

        return Inference(project)

    def tell_inferred(self, inferred: Inference) -> None:
        """Says under which conflicts the lock was made.

        Raises:
            Ended: a choice can never be made, which no conflict with another one would change.
        """
        if inferred.alone:
            say_error(f"No lock exists: {', '.join(map(str, inferred.alone))} can never be chosen.")
            for line in inferred.lines():
                say(line)
        elif not self.quiet:
            for line in inferred.heads():
                say(line)
        if inferred.alone:
            if self.as_json:
                print_report("lock", {**self._header("no lock"), **inferred.data()})
            raise Ended(NO)

    @property
    def _folder(self) -> Path:
        """Where the lock lies, or would lie."""
        return self.given.project_folder if self.target.path is None else self.target.path.parent

    def text_of(self, locked: Locked, project: Project) -> str:
        """The file that says what was found.

        Raises ProjectError where the format cannot say it.
        """
        folder = self._folder
        if self.target.form == "uv":
            from satlock.solver.writing.uvlock.conflicts import expanded, warning_of_export
            from satlock.solver.writing.uvlock.writing import to_uv_lock

            view = self.given.uv_view()
            if (warning := warning_of_export(project, locked.universe, expanded(view.project))) is not None:
                say_warning(warning)
            said = self.given.objective if self.given.objective == "newest-first" else None
            return to_uv_lock(locked.lock, project, locked.universe, view, folder, objective=said)
        from satlock.solver.lockfiles.choosing import choosing_of
        from satlock.solver.writing.pylock_text import to_toml

        return to_toml(locked.lock, folder, choosing_of(project, self._objective))

    def report(self, locked: Locked, watched: Watched, asked: Project, status: str, moves: Sequence[Move]) -> None:
        """Says what was found for what was asked, and what is otherwise than before."""
        from satlock.cli.changed import lines_of_changes

        for warning in warnings_of_files(locked, watched):
            say_warning(warning)
        self._warn_of_gaps(locked.lock, locked.universe.domain)
        if not self.quiet:
            from satlock.cli.summary import summary

            header = self._header(status)
            head, *more = summary(locked, watched, asked, self.phases, header, verbose=self.verbose)
            for line in (head, *lines_of_changes(moves, planned=self.dry), *more):
                say(line)
        if self.as_json:
            from satlock.cli.changed import data_of_changes
            from satlock.cli.summary import json_of

            data = json_of(locked, watched, asked, self.phases, self._header(status))
            print_report("lock", {**data, "changes": data_of_changes(moves)})

    def _header(self, status: str, reason: str | None = None) -> dict[str, Any]:
        header: dict[str, Any] = {"status": status}
        if reason is not None:
            header["reason"] = reason
        if self.applied is not None:
            header["applied"] = self.applied
        return {**header, "lockfile": str(self.target), "format": self.target.form, "objective": self._objective}


def tells_all(project: Project, target: Target) -> bool:
    """Whether a lock tells all that it takes to verify it without a search.

    A ``pylock.toml`` lacks what is not installed itself, and so what that requires.
    """
    from satlock.corpora.references import PathReference

    named = [source.reference for sources in project.sources.values() for source in sources]
    named += [member.folder for member in project.members]
    return target.form == "uv" or all(reference.package for reference in named if isinstance(reference, PathReference))


def memory_of(given: Inputs, target: Target) -> Memory:
    """What is remembered of the lock at the target."""
    options = [
        given.default_index,
        sorted(given.named_indexes.items()),
        given.settings if given.settings.any else None,
        given.objective,
        given.requires_python,
    ]
    kept = given.kind == "project" and not given.no_cache
    return Memory(
        str(given.source),
        str(target.path) if kept and target.path is not None else None,
        folder=str(given.cache_dir) if given.cache_dir is not None else None,
        snapshot=str(given.snapshot) if given.snapshot is not None else None,
        options=[str(option) for option in options if option],
    )


def self_contained(project: Project) -> bool:
    """Whether all that a project says is in its own file, so that its bytes tell whether it has changed."""
    listed = [project.dependencies, project.constraints, project.overrides]
    listed += [*project.extras.values(), *project.groups.values()]
    references = [requirement.reference or requirement.url for requirements in listed for requirement in requirements]
    references += [source.reference for sources in project.sources.values() for source in sources]
    referring = project.dynamic or project.members or any(references)
    return not referring and not any(i.url.startswith("file:") for i in project.indexes)
