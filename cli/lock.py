"""``satlock lock``: from a project to its lock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from satlock.cli.doubts import warnings_of_files
from satlock.cli.failures import FAILED, NO, WRONG, Ended
from satlock.cli.inputs import Inputs, inputs, package_names
from satlock.cli.lockfile import Target, target_of
from satlock.cli.remembered import Memory
from satlock.cli.report import print_report
from satlock.cli.terminal import marked, say, say_error, say_warning
from satlock.cli.watching import Phases, Watched

if TYPE_CHECKING:
    from satlock.cli.conflicts import Inference
    from satlock.encoder.markers.domain import Domain
    from satlock.encoder.project.project import Project
    from satlock.solver.lockfiles.lock import Lock
    from satlock.solver.lockfiles.standing.reading import Standing
    from satlock.solver.locking import Locked
    from satlock.solver.search.search import NoLock

__all__ = ["lock"]


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path))
@inputs
@click.option(
    "--output",
    metavar="FILE",
    help="Where the lock goes: pylock.toml, pylock.NAME.toml or uv.lock; - is standard output. "
    "pylock.toml in the project by default, pylock.NAME.toml beside a script or requirements file.",
)
@click.option("--format", "form", type=click.Choice(["pylock", "uv"]), help="Where the file's name does not tell.")
@click.option(
    "--infer-conflicts",
    is_flag=True,
    help="Lock as if the extras and groups that cannot be active together were declared in conflicts.",
)
@click.option("--upgrade", is_flag=True, help="Do not keep to the lock that is there.")
@click.option(
    "--upgrade-package", multiple=True, metavar="NAME", help="Do not keep to the locked version of NAME (repeatable)."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; say whether the lock that is there is valid for the project."
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write a certificate to DIR that no environment installs two candidates of one package, and that no "
    "package that is not at its newest version could be newer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a report on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
def lock(  # noqa: PLR0917
    given: Inputs,
    source: Path | None,
    output: str | None,
    form: str | None,
    infer_conflicts: bool,
    upgrade: bool,
    upgrade_package: tuple[str, ...],
    check: bool,
    certificate: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Lock a project: one lockfile that is right in every environment that the project admits.

    SOURCE is the project's folder or its pyproject.toml, a script with inline metadata (script.py), or a requirements
    file (requirements.in, requirements.txt). The lock that is there already is kept to as far as possible.
    """
    given = _with_source(given, source)
    if form == "uv" or (output is not None and Path(output).name == "uv.lock"):
        given = given.at_root()  # there is one uv.lock for all members
    target = target_of(given.default_lock(form), output, form)
    if certificate is not None and (check or target.path is None):
        raise Ended(WRONG, "--certificate is for a lock that is written to a file; drop it, or name the file.")
    _refuse_contradictions(target, upgrade, check, as_json)
    if infer_conflicts and (target.form == "uv" or certificate is not None):
        whom = "For uv" if target.form == "uv" else "For a certificate"
        raise Ended(WRONG, f"{whom}, conflicts must be in pyproject.toml; put there what satlock conflicts prints.")
    run = _Run(given, target, quiet, verbose, as_json, _memory(given, target), certificate)
    lifted = package_names(upgrade_package)
    text = target.read()
    if check and text is None:
        raise Ended(NO, f"There is no lock at {target}; write it with satlock lock.")
    keeps = text is not None and not upgrade and not lifted and not infer_conflicts and certificate is None
    if not (keeps and run.recall(text or "", check)):
        with run.phases.phase("reading"):
            project = given.project(whole_workspace=target.form == "uv")
            objective = given.objective_for(project)
        for warning in project.warnings:
            say_warning(warning)
        existing = None
        if text is not None and not upgrade:
            from satlock.cli.existing import read_existing

            existing = read_existing(text, target)
        run.inferred = run.inference(project) if infer_conflicts else None
        stands = existing is not None and (check or keeps) and tells_all(project, target)
        if existing is None or not stands or not run.verify(existing, text or "", project, check):
            run.lock(project, objective, existing, lifted, text, check=check)


def _certify(lockfile: Path, project: Path, folder: Path, locked: Locked) -> None:
    """Proves the lock as if another tool had written it, and that what is not at its newest cannot be newer.

    Raises:
        Ended: an environment gets two candidates of a package, which would be a bug of satlock.
    """
    from satlock.solver.lockfiles.reading import read_lockfile
    from satlock.solver.proofs.certificate import write_certificate
    from satlock.solver.proofs.optimality import optimality_of
    from satlock.solver.proofs.unique import prove_unique

    proof = prove_unique(read_lockfile(lockfile, project))
    refuted = [answer.name for answer in proof.answers if not answer.proven]
    if refuted:
        raise Ended(FAILED, f"The lock installs two candidates of {', '.join(refuted)}: this is a bug in satlock.")
    write_certificate(folder, [proof], optimality_of(locked))


@dataclass
class _Run:
    """One run of the command."""

    given: Inputs
    target: Target
    quiet: bool
    verbose: bool
    as_json: bool
    memory: Memory
    certificate: Path | None = None
    inferred: Inference | None = None
    phases: Phases = field(default_factory=Phases)
    _objective: str = ""

    def recall(self, text: str, check: bool) -> bool:
        """Whether the lock is known to be valid for the project, and says so."""
        known = None if self.as_json else self.memory.recall(text)
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
        verdict = verdict_on(existing, project, self.given, self.phases, self._folder, prepare=prepare)
        if self.inferred is not None and check:
            self.tell_inferred(self.inferred)
        if verdict.violation is not None and not check:
            return False
        if verdict.lock is not None and verdict.domain is not None:
            gaps = self._warn_of_gaps(verdict.lock, verdict.domain)
            self._say_standing(names_in(existing, project), check)
            if self.inferred is None and self_contained(project):
                self.memory.keep(text, names_in(existing, project), (*project.warnings, *gaps))
        status = "out of date" if verdict.violation else "valid" if check else "unchanged"
        if self.as_json:
            header = self._header(status, verdict.violation)
            print_report("lock", json_of_standing(existing, project, verdict, self.phases, header))
        if verdict.violation is not None:
            advice = "Bring it up to date with satlock lock."
            raise Ended(NO, f"{self.target} is out of date: {verdict.violation}.", advice)
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

    def lock(
        self,
        project: Project,
        objective: str,
        existing: Standing | None,
        lifted: tuple[str, ...],
        text: str | None,
        *,
        check: bool = False,
    ) -> None:
        """Searches for a lock, and writes it; ``check`` only compares it with the one that is there.

        Raises:
            Ended: there is none, which is then explained; or it is another one than that which was to be checked.
        """
        from satlock.cli.searching import Searching

        self._objective = objective
        commits: dict[tuple[str, str, str], str] = {}
        kept: dict[str, frozenset[str]] = {}
        if existing is not None:
            from satlock.solver.lockfiles.standing.reading import kept_commits, kept_versions

            commits, kept = kept_commits(existing, lifted), kept_versions(existing, lifted)
        searching = Searching(self.given, self.phases, self.quiet, commits)

        def no_lock(none: NoLock, ways: list[str]) -> NoReturn:
            for line in ways:
                say(line)
            if self.as_json:
                assert searching.explanation is not None
                print_report("lock", {**self._header("no lock"), **searching.explanation.data()})
            raise Ended(FAILED if none.failed else NO)

        locked, watched = searching.search(
            project,
            objective,
            kept,
            no_lock,
            on_story=lambda story: say_error(*story),
            prepare=self.inferred.infer if self.inferred is not None else None,
        )
        if self.inferred is not None:
            self.tell_inferred(self.inferred)
        with self.phases.phase("writing"):
            fresh = self.text_of(locked, project)
            changed = fresh != text
            if (changed and not check) or self.target.path is None:
                self.target.write(fresh)
        if check:
            if changed:
                advice = "Bring it up to date with satlock lock."
                raise Ended(NO, f"{self.target} is out of date: what is found now says something else.", advice)
            self.report(locked, watched, "valid")
            return
        if self.inferred is None and self_contained(project):
            gaps = self._gaps(locked.lock, locked.universe.domain, verbose=False)
            names = {package.name for package in locked.lock.packages}
            self.memory.keep(fresh, len(names), (*project.warnings, *warnings_of_files(locked, watched), *gaps))
        if self.certificate is not None and self.target.path is not None:
            with self.phases.phase("proving"):
                _certify(self.target.path, self.given.project_folder, self.certificate, locked)
        self.report(locked, watched, "locked" if changed else "unchanged")

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
            return to_uv_lock(locked.lock, project, locked.universe, view, folder)
        from satlock.solver.writing.pylock_text import to_toml

        return to_toml(locked.lock, folder)

    def report(self, locked: Locked, watched: Watched, status: str) -> None:
        """Says what was found."""
        for warning in warnings_of_files(locked, watched):
            say_warning(warning)
        self._warn_of_gaps(locked.lock, locked.universe.domain)
        if not self.quiet:
            from satlock.cli.summary import summary

            for line in summary(
                locked, watched, self.phases, target=str(self.target), status=status, verbose=self.verbose
            ):
                say(line)
        if self.as_json:
            self._print_json(locked, watched, status)

    def _print_json(self, locked: Locked, watched: Watched, status: str, reason: str | None = None) -> None:
        from satlock.cli.summary import json_of

        print_report("lock", json_of(locked, watched, self.phases, self._header(status, reason)))

    def _header(self, status: str, reason: str | None = None) -> dict[str, Any]:
        header: dict[str, Any] = {"status": status}
        if reason is not None:
            header["reason"] = reason
        return {**header, "lockfile": str(self.target), "format": self.target.form, "objective": self._objective}


def tells_all(project: Project, target: Target) -> bool:
    """Whether a lock tells all that it takes to verify it without a search.

    A ``uv.lock`` of a workspace has the choices of other projects, and a ``pylock.toml`` lacks what is not installed.
    """
    if project.members and target.form == "uv":
        return False
    named = [source.reference for sources in project.sources.values() for source in sources]
    named += [member.folder for member in project.members]
    return all(getattr(reference, "package", True) for reference in named)


def _memory(given: Inputs, target: Target) -> Memory:
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
    return not project.members and not any(references) and not any(i.url.startswith("file:") for i in project.indexes)


def _with_source(given: Inputs, source: Path | None) -> Inputs:
    """What ``SOURCE`` names; a name without a folder is in that of ``--project``."""
    return given if source is None else replace(given, source=given.source / source)


def _refuse_contradictions(target: Target, upgrade: bool, check: bool, as_json: bool) -> None:
    if check and target.path is None:
        raise click.UsageError("--check needs a lock to check, and --output - names none.")
    if check and upgrade:
        raise click.UsageError("--check and --upgrade contradict each other.")
    if as_json and target.path is None:
        raise click.UsageError("--json and --output - would both print on standard output.")
