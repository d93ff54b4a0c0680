"""The options that say what is locked and from where; ``lock``, ``why`` and ``conflicts`` share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from satlock.cli.failures import WRONG, Ended
from satlock.cli.settings import GivenSettings, around, setting_options, taken_from
from satlock.cli.shared_options import OBJECTIVES, OPTIONS, WHERE_FROM
from satlock.records import dataclass, field, replace

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from satlock.corpora.facts import Corpus
    from satlock.corpora.index.access import Access
    from satlock.corpora.index.building import Building
    from satlock.encoder.project.layers import Around
    from satlock.encoder.project.project import Project
    from satlock.encoder.project.uv_view import UvView

__all__ = ["DEFAULT_OBJECTIVE", "OBJECTIVES", "Inputs", "inputs", "inputs_of_many", "where_from"]

_Callback = TypeVar("_Callback", bound=Callable[..., Any])

_NAMES = {"uv": "uv.lock", "pylock": "pylock.toml"}
"""How the lock of a project is called in each format."""
DEFAULT_OBJECTIVE = "fresh"
_OF_RESOLUTION = {"highest": "newest-first", "lowest": "lowest", "lowest-direct": "lowest-direct"}
"""What ``tool.uv.resolution`` means here."""


@dataclass(frozen=True)
class Inputs:
    """What the shared options say."""

    source: Path
    """The project, script or requirements file, as it was given."""
    default_index: str | None
    named_indexes: dict[str, str]
    snapshot: Path | None
    offline: bool
    cache_dir: Path | None
    no_cache: bool
    objective: str | None
    requires_python: SpecifierSet | None = None
    settings: GivenSettings = field(default_factory=lambda: GivenSettings({}))
    http_timeout: float | None = None
    """Seconds without a byte after which an index is given up; None as the environment says."""
    tries_once: bool = False
    """Whether an index is asked once for each thing, and not again where that may help."""
    document: Mapping[str, Any] | None = None
    """What the ``pyproject.toml`` is taken to say in place of what it does."""

    @property
    def kind(self) -> Literal["project", "requirements", "script"]:
        """What the source is, as its name says."""
        if self.source.suffix in (".in", ".txt"):
            return "requirements"
        named = self.source.suffix == ".py" and not self.source.is_dir()
        return "script" if named or (self.source.suffix != ".toml" and self.source.is_file()) else "project"

    @property
    def project_folder(self) -> Path:
        """Where the source is."""
        return self.source.parent if self.kind != "project" or self.source.suffix == ".toml" else self.source

    def at_root(self) -> Inputs:
        """For the root of the workspace that the project belongs to. Raises ProjectError."""
        from satlock.encoder.project.workspace import workspace_of

        if self.kind != "project":
            return self
        file = self.source if self.source.suffix == ".toml" else self.source / "pyproject.toml"
        workspace = workspace_of(file) if file.is_file() else None
        if workspace is None or workspace.root.samefile(file):
            return self
        return replace(self, source=workspace.root.parent)

    def default_lock(self, form: str | None) -> Path:
        """The lock of the source, where no other is named.

        Raises Ended where the format has none for it, or where the project names none that can be.
        """
        if self.kind == "project":
            return self._lock_of_project(form)
        of_uv = self.source.with_name(f"{self.source.name}.lock")
        stem = self.source.stem.replace(".", "-")
        # The pylock.toml beside a pyproject.toml is the lock of that project.
        alone = stem == "requirements" and not (self.project_folder / "pyproject.toml").exists()
        ours = self.source.with_name("pylock.toml" if alone else f"pylock.{stem}.toml")
        if self.kind == "script" and (form == "uv" or (form is None and of_uv.is_file() and not ours.is_file())):
            return of_uv
        if form == "uv":
            raise Ended(WRONG, "A uv.lock is for a project or a script; write a pylock.toml for a requirements file.")
        return ours

    def _lock_of_project(self, form: str | None) -> Path:
        """Of a member of a workspace the root's, where that has a ``uv.lock`` and the member no lock of its own."""
        from satlock.cli.lockfile import meant_in

        def meant(folder: Path) -> tuple[Path, bool]:
            """The lock, and whether it is there or stated."""
            lock, stated = meant_in(folder)
            fits = form is None or (lock.name == "uv.lock") == (form == "uv")
            return lock if fits else folder / _NAMES[form or "pylock"], fits and (stated is not None or lock.is_file())

        own, settled = meant(self.project_folder)
        if settled or form == "pylock":
            return own
        root = self.at_root().project_folder
        shared, _ = meant(root)
        return shared if shared.name == "uv.lock" else own

    def project(self, document: Mapping[str, Any] | None = None, *, whole_workspace: bool = False) -> Project:
        """The project, script or requirements file as the command line has it.

        Args:
            whole_workspace: that of a project every member is meant, with its extras and groups.
            document: what a ``pyproject.toml`` is taken to say in place of what it does.

        Raises ProjectError; CorpusError where a build fails that would tell what it requires.
        """
        from satlock.cli.building import told_by_build

        plain = document or self.document
        told = told_by_build(self, plain) if self.kind == "project" else None
        project = self.as_stated(plain if told is None else told, whole_workspace=whole_workspace)
        return project if told is None else replace(project, dynamic=True)

    def as_stated(self, document: Mapping[str, Any] | None, *, whole_workspace: bool = False) -> Project:
        """As :meth:`project`, without a build. Raises ProjectError."""
        from satlock.corpora.index.default_index import further_indexes
        from satlock.encoder.project.project import Index

        further = further_indexes() if self.snapshot is None else ()
        project = self._reader()(
            self.source,
            default_index=self._default_index,
            named_indexes=self.indexes_by_name,
            requires_python=self.requires_python,
            around=self._around,
            **({} if document is None else {"document": document}),
            **({"whole_workspace": True} if whole_workspace and self.kind == "project" else {}),
        )
        unnamed = tuple(Index("", url) for name, url in further if not name)
        return replace(project, indexes=(*unnamed, *project.indexes)) if unnamed else project

    def uv_view(self) -> UvView:
        """The project as uv reads it. Raises as :meth:`project`; Ended where uv has no lock for such a source."""
        from satlock.cli.building import told_by_build
        from satlock.encoder.project.uv_view import refuse_unlisted_scopes, uv_view_of

        if self.kind == "requirements":
            raise Ended(WRONG, "uv has no lock for a requirements file; write a pylock.toml instead.")
        view = uv_view_of(
            self.source / "pyproject.toml" if self.source.is_dir() else self.source,
            default_index=self._default_index,
            named_indexes=self.indexes_by_name,
            requires_python=self.requires_python,
            around=self._around,
            document=told_by_build(self, self.document) or self.document if self.kind == "project" else None,
        )
        refuse_unlisted_scopes(view)
        return view

    @property
    def _default_index(self) -> str | None:
        """That of the command line, else of the environment, whose variables are options that are always given."""
        if self.default_index is not None or self.snapshot is not None:
            return self.default_index
        from satlock.corpora.index.default_index import default_index_in_environment

        return default_index_in_environment()

    @property
    def indexes_by_name(self) -> dict[str, str]:
        """Those of the environment and of the command line."""
        from satlock.corpora.index.default_index import further_indexes

        further = further_indexes() if self.snapshot is None else ()
        given = {name: url for name, url in self.named_indexes.items() if name != url}
        return {**{name: url for name, url in further if name}, **given}

    @property
    def _around(self) -> Around:
        """What is set outside of the project. An objective tells uv's resolution mode too."""
        settings = self.settings
        if unnamed := [url for name, url in self.named_indexes.items() if name == url]:
            settings = replace(settings, values={**settings.values, "index": [{"url": url} for url in unnamed]})
        if self.objective is not None:
            said = {name: mode for mode, name in _OF_RESOLUTION.items()}.get(self.objective, "highest")
            settings = replace(settings, values={**settings.values, "resolution": said})
        return around(settings, indexes=self.snapshot is None)

    def _reader(self) -> Callable[..., Project]:
        if self.kind == "script":
            from satlock.encoder.project.script import read_script

            return read_script
        if self.kind == "requirements":
            from satlock.encoder.project.requirements_txt import read_requirements

            return read_requirements
        from satlock.encoder.project.reading import read_project

        return read_project

    def corpus(self, *projects: Project, settled: bool = False, named: Iterable[tuple[str, str]] = ()) -> Corpus:
        """Where the packages of these projects come from; close it.

        Args:
            named: further indexes as (name, address), whose credentials the environment may have by these names.
            settled: what the cache holds of an index serves, however old, which is enough for releases that are known.

        Raises CorpusError.
        """
        if self.snapshot is not None:
            from satlock.corpora.recorded.snapshot import SnapshotCorpus

            snapshot = SnapshotCorpus(self.snapshot)
            if not snapshot.small:
                return snapshot
            from satlock.corpora.recorded.served import StandinCorpus

            return StandinCorpus(snapshot)
        from satlock.corpora.index.access import Access
        from satlock.corpora.index.index import LiveCorpus
        from satlock.encoder.project.lowering import indexes_of_trees

        access = projects[0].access if projects else Access()
        indexes = [index for project in projects for index in (*project.indexes, *indexes_of_trees(project))]
        access = access.with_environment().named((index.name, index.url) for index in indexes).named(named)
        access = access if self.http_timeout is None else replace(access, timeout=self.http_timeout)
        access = replace(access, retries=0) if self.tries_once else access
        access = access.with_flat(index.url for index in indexes if index.flat)
        access = access.with_ignored((index.url, index.ignored) for index in indexes)
        return LiveCorpus(
            cache_dir=self.cache_dir, no_cache=self.no_cache, offline=self.offline, settled=settled, access=access,
            building=self._building(projects[0], access) if projects else None,
        )  # fmt: skip

    def _building(self, project: Project, access: Access) -> Building:
        from satlock.cli.building import building_for

        place = self.project_folder
        return building_for(project, access, self.index_for(project, None), place, self._around)

    def index_for(self, project: Project, corpus: Corpus | None) -> str:
        """The index for packages that nothing sends elsewhere; the search asks the project first."""
        if self._default_index is not None:
            return self._default_index
        stated = next((index.url for index in project.indexes if index.default), None)
        known = stated or (corpus.default_index if corpus is not None else None)
        if known:
            return known
        from satlock.corpora.index.default_index import default_index_url

        return default_index_url()

    def objective_for(self, project: Project) -> str:
        """Which of all the valid locks is wanted. The one place where an objective is chosen."""
        return self.objective or (_OF_RESOLUTION[project.resolution] if project.resolution else DEFAULT_OBJECTIVE)


def inputs(command: _Callback) -> _Callback:
    """Adds the shared options to a command, which gets them as one argument ``given``."""
    return _with_options(command, OPTIONS)


def inputs_of_many(command: _Callback) -> _Callback:
    """The same for a command that takes the folders of several projects as its arguments, ``projects``."""
    folders = click.argument("projects", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PROJECT...")
    return folders(_with_options(command, OPTIONS[1:]))


def _with_options(command: _Callback, options: tuple[Callable[[Any], Any], ...]) -> _Callback:
    import functools

    @functools.wraps(command)
    def collected(
        *,
        project: Path = Path(),
        default_index: str | None,
        index: dict[str, str],
        corpus: Path | None,
        offline: bool,
        cache_dir: Path | None,
        no_cache: bool,
        objective: str | None,
        requires_python: SpecifierSet | None,
        http_timeout: float | None,
        **others: Any,
    ) -> Any:
        given = Inputs(
            project, default_index, index, corpus, offline, cache_dir, no_cache, objective, requires_python,
            taken_from(others), http_timeout,
        )  # fmt: skip
        return command(given=given, **others)

    setting_options(collected)
    for option in reversed(options):
        option(collected)
    return collected  # type: ignore[return-value]


def where_from(command: _Callback) -> _Callback:
    """Adds those of the shared options that say where metadata comes from."""
    for option in reversed(WHERE_FROM):
        command = option(command)
    return command
