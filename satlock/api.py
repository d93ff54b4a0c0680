"""What the commands ``lock``, ``prove`` and ``check`` do, for a Python program. Import it from :mod:`satlock`.

Nothing here prints, and each function imports what it needs when it is called: :func:`check` needs no solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from satlock.cli.inputs import Inputs
    from satlock.encoder.project.project import Project
    from satlock.solver.checking.claims import Verdict
    from satlock.solver.lockfiles.reading import Reading
    from satlock.solver.locking import Locked
    from satlock.solver.proofs.unique import Proof as Found

__all__ = ["Answer", "Lock", "NoLock", "Package", "Proof", "check", "lock", "prove"]

_Path: TypeAlias = str | PathLike[str]
Format: TypeAlias = Literal["pylock", "uv"]
Objective: TypeAlias = Literal["fresh", "newest-first", "lowest", "lowest-direct"]
Property: TypeAlias = Literal["unique", "index-pins", "installable", "complete"]


class NoLock(Exception):
    """No lock exists. The message is one sentence that says why."""

    def __init__(self, story: tuple[str, ...], environment: Mapping[str, Any] | None) -> None:
        super().__init__(story[0])
        self.story = story
        """Lines for a person: the sentence, and the requirements that cannot all hold."""
        self.environment = environment
        """One environment without a solution, as ``markers``, ``extras`` and ``groups``; None where no single one is to
        blame."""


@dataclass(frozen=True)
class Package:
    """One candidate in a lock."""

    name: str
    version: str
    index: str
    """The URL of its index, or the repository, archive or folder that it comes from."""
    marker: str | None
    """Where it is installed, as the shortest marker; None where that is everywhere."""
    files: tuple[str, ...]
    """Names of its files."""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Lock:
    """A lock that was found, and not written yet."""

    packages: tuple[Package, ...]
    """In the order of names and versions."""
    requires_python: str | None
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    warnings: tuple[str, ...]
    """Sentences for a person, on settings that have no effect and on what is left out."""
    format: Format
    _locked: Locked = field(repr=False, compare=False)
    _project: Project = field(repr=False, compare=False)
    _given: Inputs = field(repr=False, compare=False)

    def text(self, folder: _Path | None = None) -> str:
        """The lockfile.

        Args:
            folder: where it is to lie, which paths in it start from; the project's folder by default.

        Raises:
            ProjectError: the format cannot say it.
        """
        where = self._given.project_folder if folder is None else Path(folder)
        with _in_terms_of_the_api():
            if self.format == "uv":
                from satlock.solver.writing.uvlock.writing import to_uv_lock

                found = self._locked
                return to_uv_lock(found.lock, self._project, found.universe, self._given.uv_view(), where)
            from satlock.solver.writing.pylock_text import to_toml

            return to_toml(self._locked.lock, where)

    def write(self, path: _Path | None = None) -> Path:
        """Writes the lockfile, whole or not at all, and returns where it is.

        Args:
            path: by default what ``satlock lock`` would write to.

        Raises:
            ProjectError: the format cannot say it.
            CorpusError: the file cannot be written.
        """
        from satlock.cli.lockfile import Target

        with _in_terms_of_the_api():
            target = Path(path) if path is not None else self._given.default_lock(self.format)
            Target(target, self.format).write(self.text(target.parent))
        return target


@dataclass(frozen=True)
class Answer:
    """What was found of one package."""

    name: str
    proven: bool
    undecided: str
    """Why it is neither proven nor refuted; empty where it is one of these."""
    counterexample: Mapping[str, Any] | None
    """The environment that refutes it, and how each candidate is reached there, as ``satlock prove --json`` has it."""
    story: tuple[str, ...]
    """The same in lines for a person."""


@dataclass(frozen=True)
class Proof:
    """The answers on one property of a lockfile."""

    property: Property
    answers: tuple[Answer, ...]
    proven: bool
    """Whether every answer is *proven*."""


def lock(
    project: _Path = ".",
    *,
    format: Format = "pylock",
    corpus: _Path | None = None,
    default_index: str | None = None,
    indexes: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    exclude_newer: datetime | str | None = None,
    requires_python: str | None = None,
    keep: _Path | None = None,
    offline: bool = False,
    cache_dir: _Path | None = None,
    no_cache: bool = False,
) -> Lock:
    """Finds the lock of a project; :meth:`Lock.write` writes it.

    Args:
        project: the folder with ``pyproject.toml``, a script with inline metadata, or a requirements file.
        format: ``pylock`` (PEP 751) or ``uv``.
        corpus: a recorded snapshot in place of every index: nothing is fetched.
        default_index: URL of the index for packages that no setting sends elsewhere.
        indexes: URLs by name: further named indexes, or other addresses for those of the project.
        objective: which of all valid locks; what the project says by default, else ``fresh``.
        exclude_newer: files uploaded later are ignored; a text is a date, a time or a duration as in uv.
        requires_python: which Pythons the lock is for, in place of what the project says.
        keep: a lockfile whose versions are kept to as far as possible.
        offline: only what the cache holds is used.
        cache_dir: where metadata is kept between runs; the user's cache folder by default.
        no_cache: nothing is kept between runs.

    Raises:
        NoLock: no lock exists.
        ProjectError: the project or an argument is wrong.
        CorpusError: an index cannot be reached, a download is broken, a build failed.
    """
    from satlock.corpora.remembered import Remembered
    from satlock.solver.lockfiles.standing.keeping import kept_versions
    from satlock.solver.lockfiles.standing.reading import kept_commits
    from satlock.solver.locking import lock as find
    from satlock.solver.search.search import NoLock as None_

    with _in_terms_of_the_api():
        given = _inputs(
            source=Path(project),
            default_index=default_index,
            named_indexes=dict(indexes or {}),
            snapshot=None if corpus is None else Path(corpus),
            offline=offline,
            cache_dir=None if cache_dir is None else Path(cache_dir),
            no_cache=no_cache,
            exclude_newer=exclude_newer,
            objective=objective,
            requires_python=requires_python,
        )
        given = given.at_root() if format == "uv" else given
        asked = given.project(whole_workspace=format == "uv")
        standing = None if keep is None else _standing(Path(keep))
        answers = Remembered(given.corpus(asked))
        try:
            locked = find(
                asked,
                answers,
                default_index=given.index_for(asked, answers),
                objective=given.objective_for(asked),
                preferred=kept_versions(standing, ()) if standing is not None else {},
                commits=kept_commits(standing, ()) if standing is not None else {},
            )
        except None_ as none:
            from satlock.cli.explaining import explanation_of

            told = explanation_of(none, asked)
            raise NoLock(told.story, told.environment) from None
        finally:
            answers.close()
    found = locked.lock
    packages = tuple(
        Package(one.name, one.version, one.index, one.marker, tuple(file.filename for file in one.files))
        for one in found.packages
    )
    warnings = (*asked.warnings, *found.notes)
    return Lock(packages, found.requires_python, found.extras, found.groups, warnings, format, locked, asked, given)


def prove(
    lockfile: _Path,
    property: Property = "unique",
    *,
    packages: Iterable[str] = (),
    project: _Path | None = None,
    environments: str = "common",
    corpus: _Path | None = None,
    default_index: str | None = None,
    indexes: Mapping[str, str] | None = None,
    offline: bool = False,
    cache_dir: _Path | None = None,
    no_cache: bool = False,
    certificate: _Path | None = None,
) -> Proof:
    """Decides what a lockfile can install, whichever tool wrote it.

    Args:
        lockfile: a ``pylock.toml``, ``uv.lock``, ``poetry.lock`` or ``pdm.lock``.
        property: ``unique`` (no environment installs two candidates of one package), ``index-pins`` (each pinned
            package comes from its index wherever the pin is in scope), ``installable`` (each has a file for the
            environments below), or ``complete`` (each requirement is met, which asks indexes).
        packages: for ``unique``, those that are asked of; all by default.
        project: the folder with ``pyproject.toml``; the lockfile's by default.
        environments: for ``installable``, a marker, or ``common`` for the common platforms.
        corpus, default_index, indexes, offline, cache_dir, no_cache: for ``complete``, as in :func:`lock`.
        certificate: a folder for a certificate of what is proven.

    Raises:
        ProjectError: the lockfile, the project or an argument is wrong.
        CorpusError: an index failed as a whole.
        OSError: the certificate cannot be written.
    """
    from satlock.solver.lockfiles.reading import read_lockfile
    from satlock.solver.proofs.counterexample import json_of, told

    with _in_terms_of_the_api():
        reading = read_lockfile(Path(lockfile), None if project is None else Path(project))
        found = _proof(reading, property, packages, environments, {
            "default_index": default_index,
            "index": dict(indexes or {}),
            "corpus": None if corpus is None else Path(corpus),
            "offline": offline,
            "cache_dir": None if cache_dir is None else Path(cache_dir),
            "no_cache": no_cache,
        })  # fmt: skip
        if certificate is not None:
            from satlock.solver.proofs.certificate import write_certificate

            write_certificate(Path(certificate), [found])
    answers = []
    for answer in found.answers:
        refuted = answer.point is not None
        shown = json_of(reading.lockfile, answer)["counterexample"] if refuted else None
        story = tuple(told(reading.lockfile, answer, reading.path.name)) if refuted else ()
        answers.append(Answer(answer.name, answer.proven, answer.undecided, shown, story))
    return Proof(property, tuple(answers), all(answer.proven for answer in answers))


def check(folder: _Path, lockfile: _Path | None = None, project: _Path | None = None) -> Verdict:
    """Checks every certificate in a folder without any solver, and returns what holds.

    Args:
        lockfile: what is checked; by default the lockfile that the certificate names, in the folder around it.
        project: the folder of its ``pyproject.toml``; by default that of the lockfile.

    Raises:
        BadCertificate: one does not hold.
        ProjectError: what is to be checked is not there, or is no certificate.
    """
    from satlock.encoder.project.project import ProjectError
    from satlock.solver.checking.certificate import NotGiven, check_certificate

    try:
        return check_certificate(
            Path(folder),
            None if lockfile is None else Path(lockfile),
            None if project is None else Path(project),
        )
    except NotGiven as missing:
        raise ProjectError(f"{str(missing)[0].upper()}{str(missing)[1:]}.") from None


def _proof(
    reading: Reading, property: Property, packages: Iterable[str], environments: str, where: Mapping[str, Any]
) -> Found:
    match property:
        case "unique":
            from satlock.corpora.names import canonicalize_name
            from satlock.solver.proofs.unique import prove_unique

            return prove_unique(reading, [canonicalize_name(name) for name in packages])
        case "index-pins":
            from satlock.solver.proofs.pins import prove_index_pins

            return prove_index_pins(reading)
        case "installable":
            from satlock.solver.proofs.installable import prove_installable

            return prove_installable(reading, environments)
        case "complete":
            from satlock.cli.examining import WhereFrom, ask_indexes
            from satlock.solver.proofs.complete import prove_complete

            return prove_complete(reading, *ask_indexes(reading, WhereFrom(**where), quiet=True))
    raise ValueError(f"there is no property {property!r}")


def _inputs(
    *, exclude_newer: datetime | str | None, requires_python: str | None, objective: str | None, **given: Any
) -> Inputs:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from satlock.cli.inputs import OBJECTIVES, Inputs
    from satlock.cli.settings import GivenSettings
    from satlock.encoder.project.cutoffs import parse_cutoff
    from satlock.encoder.project.project import ProjectError

    if objective not in (None, *OBJECTIVES):
        raise ProjectError(f"There is no objective {objective!r}; there are {', '.join(OBJECTIVES)}.")
    try:
        pythons = None if requires_python is None else SpecifierSet(requires_python)
        if isinstance(exclude_newer, str):
            parse_cutoff(exclude_newer, datetime.now(UTC))
    except InvalidSpecifier:
        raise ProjectError(f"requires_python is {requires_python!r}, which is no version specifier.") from None
    except ValueError as error:
        raise ProjectError(f"exclude_newer is {exclude_newer!r}, which {error}.") from None
    settings = GivenSettings({} if exclude_newer is None else {"exclude-newer": exclude_newer})
    return Inputs(**given, objective=objective, settings=settings, requires_python=pythons)


def _standing(path: Path) -> Any:
    from satlock.cli.existing import read_existing
    from satlock.cli.failures import WRONG, Ended
    from satlock.cli.lockfile import Target

    target = Target(path, "uv" if path.suffix == ".lock" else "pylock")
    text = target.read()
    if text is None:
        raise Ended(WRONG, f"There is no lock at {path}.")
    return read_existing(text, target)


@contextmanager
def _in_terms_of_the_api() -> Iterator[None]:
    """What would end the command raises an exception of the API."""
    from satlock.cli.failures import WRONG, Ended
    from satlock.corpora.facts import CorpusError
    from satlock.encoder.project.project import ProjectError

    try:
        yield
    except Ended as ended:
        kind = ProjectError if ended.code == WRONG else CorpusError
        raise kind(" ".join(ended.lines)) from None
