"""``satlock lock``: from a project to its lock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cli.existing import first_difference, kept_commits, kept_versions, read_pylock
from cli.failures import FAILED, NO, WRONG, Ended
from cli.inputs import Inputs, inputs, package_names
from cli.lockfile import Target, target_of
from cli.searching import Searching
from cli.terminal import say, say_error, say_warning
from cli.watching import Phases, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from packaging.pylock import Pylock

    from cli.conflicts import Inference
    from encoder.project import Project
    from solver.locking import Locked
    from solver.search import NoLock

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
    target = target_of(given.default_lock(form), output, form)
    if certificate is not None and (check or target.path is None):
        raise Ended(WRONG, "--certificate is for a lock that is written to a file; drop it, or name the file.")
    _refuse_contradictions(target, upgrade, check, as_json)
    run = _Run(given, target, quiet, verbose, as_json)
    lifted = package_names(upgrade_package)
    with run.phases.phase("reading"):
        project = given.project()
        objective = given.objective_for(project)
        text = target.read()
    for warning in project.warnings:
        say_warning(warning)
    if check and text is None:
        raise Ended(NO, f"There is no lock at {target}; write it with satlock lock.")
    existing = read_pylock(text, str(target)) if text is not None and not upgrade and target.form == "pylock" else None
    kept = kept_versions(existing, lifted) if existing is not None else {}
    run.commits = kept_commits(existing, lifted) if existing is not None else {}
    if check and target.form == "uv":
        raise Ended(WRONG, "--check of a uv.lock is not there yet; let uv check it with uv lock --check.")
    if infer_conflicts and target.form == "uv":
        raise Ended(WRONG, "For uv, conflicts must be in pyproject.toml; put there what satlock conflicts prints.")
    inferred = run.inference(project) if infer_conflicts else None
    locked, watched = run.search(project, objective, kept, inferred.infer if inferred is not None else None)
    if inferred is not None:
        run.tell_inferred(inferred)
    if check:
        assert existing is not None
        run.compare(existing, locked, watched)
        return
    with run.phases.phase("writing"):
        fresh = run.text_of(locked, project)
        changed = fresh != text
        if changed or target.path is None:
            target.write(fresh)
    if certificate is not None and target.path is not None:
        with run.phases.phase("proving"):
            _certify(target.path, given.project_folder, certificate, locked)
    run.report(locked, watched, "locked" if changed else "unchanged")


def _certify(lockfile: Path, project: Path, folder: Path, locked: Locked) -> None:
    """Proves the lock as if another tool had written it, and that what is not at its newest cannot be newer.

    Raises:
        Ended: an environment gets two candidates of a package, which would be a bug of satlock.
    """
    from solver.lockfiles.reading import read_lockfile
    from solver.proofs.certificate import write_certificate
    from solver.proofs.optimality import optimality_of
    from solver.proofs.unique import prove_unique

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
    phases: Phases = field(default_factory=Phases)
    commits: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _objective: str = ""

    def search(
        self,
        project: Project,
        objective: str,
        kept: dict[str, frozenset[str]],
        prepare: Callable[[Project, Watched, str], Project] | None = None,
    ) -> tuple[Locked, Watched]:
        """Finds the lock.

        Raises:
            Ended: there is none, which is then explained.
        """
        self._objective = objective
        searching = Searching(self.given, self.phases, self.quiet, self.commits)

        def no_lock(none: NoLock, ways: list[str]) -> NoReturn:
            for line in ways:
                say(line)
            if self.as_json:
                assert searching.explanation is not None
                click.echo(searching.explanation.json(self._header("no lock")))
            raise Ended(FAILED if none.failed else NO)

        return searching.search(
            project, objective, kept, no_lock, on_story=lambda story: say_error(*story), prepare=prepare
        )

    @staticmethod
    def inference(project: Project) -> Inference:
        from cli.conflicts import Inference

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
                click.echo(json.dumps({**self._header("no lock"), **inferred.data()}, indent=2, ensure_ascii=False))
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
            from solver.uvlock.writing import to_uv_lock

            return to_uv_lock(locked.lock, project, locked.universe, self.given.uv_view(), folder)
        from solver.pylock import to_toml

        return to_toml(locked.lock, folder)

    def compare(self, existing: Pylock, locked: Locked, watched: Watched) -> None:
        """Says whether the lock that is there is the one that the project needs.

        Raises:
            Ended: it is not.
        """
        with self.phases.phase("comparing"):
            difference = first_difference(existing, locked.lock, locked.universe, self._folder)
        if difference is None:
            self.report(locked, watched, "valid")
            return
        if self.as_json:
            self._print_json(locked, watched, "out of date", difference)
        raise Ended(NO, f"{self.target} is out of date: {difference}.", "Bring it up to date with satlock lock.")

    def report(self, locked: Locked, watched: Watched, status: str) -> None:
        """Says what was found."""
        from cli.gaps import warning_of_gaps

        if (warning := warning_of_gaps(locked, self.verbose)) is not None:
            say_warning(warning)
        if not self.quiet:
            from cli.summary import summary

            for line in summary(
                locked, watched, self.phases, target=str(self.target), status=status, verbose=self.verbose
            ):
                say(line)
        if self.as_json:
            self._print_json(locked, watched, status)

    def _print_json(self, locked: Locked, watched: Watched, status: str, reason: str | None = None) -> None:
        from cli.summary import json_of

        click.echo(json_of(locked, watched, self.phases, self._header(status, reason)))

    def _header(self, status: str, reason: str | None = None) -> dict[str, Any]:
        header: dict[str, Any] = {"status": status}
        if reason is not None:
            header["reason"] = reason
        return {**header, "lockfile": str(self.target), "format": self.target.form, "objective": self._objective}


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
