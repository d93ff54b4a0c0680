"""What builds get from the project: its settings for them, its indexes, and the Python it is worked on with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satlock.cli.failures import NO, Ended
from satlock.corpora.index.address import without_credentials
from satlock.corpora.index.building import Building, Place
from satlock.encoder.project.interpreter import python_in_use
from satlock.records import replace

if TYPE_CHECKING:
    from satlock.cli.inputs import Inputs
    from satlock.corpora.index.access import Access
    from satlock.encoder.project.layers import Around
    from satlock.encoder.project.project import Project

__all__ = ["building_for", "told_by_build"]


def told_by_build(given: Inputs, document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the ``pyproject.toml`` says, completed with what its backend says of it; None where it leaves nothing to it.

    Args:
        document: what the file is taken to say.

    Raises:
        ProjectError: the file is broken.
        CorpusError: the build fails.
        Ended: a setting allows none.
    """
    from satlock.encoder.project.dynamic import completed, left_to_build, without_dynamic
    from satlock.encoder.project.tables import load

    file = given.source if given.source.suffix == ".toml" else given.source / "pyproject.toml"
    document = load(file) if document is None else document
    left = left_to_build(document)
    if not left:
        return None
    from satlock.corpora.facts import CorpusError, Unavailable
    from satlock.corpora.references import PathReference

    project = given.as_stated(without_dynamic(document))
    tool = document.get("tool")
    uv = tool.get("uv") if isinstance(tool, Mapping) else None
    # Only a project that is installed itself is built in spite of no-build, as in uv.
    installed = uv.get("package", "build-system" in document) if isinstance(uv, Mapping) else "build-system" in document
    folder = PathReference(os.path.abspath(file.parent), True, member=installed is True)
    with given.corpus(project) as corpus:
        found = corpus.direct([folder])[folder]
    if isinstance(found, Unavailable) and found.cause == "forbidden":
        raise Ended(NO, f"{file} leaves its {left[0]} to a build (project.dynamic), and no-build allows none.")
    if isinstance(found, Unavailable):
        raise CorpusError(f"{file} leaves its {left[0]} to a build (project.dynamic), and it fails: {found.reason}")
    return completed(document, found.metadata)


def building_for(project: Project, access: Access, default_index: str, folder: Path, around: Around) -> Building:
    """How what a project requires is built.

    Args:
        default_index: the index for packages that nothing sends elsewhere; it may hold credentials.
        folder: where the project is.
        around: what is set outside of it.
    """
    used = python_in_use(folder, folder, request=around.python, files=around.files)
    own = {place: "" if when is None else _moment(when) for place, when in project.exclude_newer_index.items()}
    places = [
        Place(one.name, one.url, one.default, one.explicit, one.flat, one.ignored, own.get(place))
        for one in project.indexes
        for place in (without_credentials(one.url),)
    ]
    if not any(place.default for place in places):
        places.append(Place("", default_index, default=True))
    pins = [
        (name, source.index, "" if source.marker is None else str(source.marker))
        for name, sources in project.sources.items()
        for source in sources
        if source.index and source.choice is None
    ]
    return replace(
        project.building,
        places=tuple(places),
        constraints=tuple(_by_source(text, project) for text in project.building.constraints),
        pins=tuple(pins),
        index_strategy=project.index_strategy,
        exclude_newer=_moment(project.exclude_newer),
        exclude_newer_package=_moments(project.exclude_newer_package),
        python=used.version,
        requires_python=str(project.requires_python),
        environment=os.path.abspath(folder / (os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")),
        access=access,
        no_build=project.no_build,
        no_build_of=project.no_build_package,
        no_binary_of=project.no_binary_package,
    )


def _by_source(text: str, project: Project) -> str:
    """A build constraint, by the repository, archive or folder that the project takes the package from."""
    from packaging.requirements import Requirement

    from satlock.corpora.names import canonicalize_name

    constraint = Requirement(text)
    for source in project.sources.get(canonicalize_name(constraint.name), ()):
        if source.reference is not None and source.choice is None and source.marker is None:
            marker = f" ; {constraint.marker}" if constraint.marker else ""
            return f"{constraint.name} @ {source.reference}{marker}"
    return text


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moments(by_package: Mapping[str, datetime | None]) -> dict[str, str | None]:
    return {name: _moment(when) for name, when in by_package.items()}
