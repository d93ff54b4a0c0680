"""What builds get from the project: its settings for them, its indexes, and the Python it is worked on with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from satlock.corpora.index.building import Building, Place
from satlock.encoder.project.interpreter import python_in_use

if TYPE_CHECKING:
    from satlock.corpora.index.access import Access
    from satlock.encoder.project.layers import Around
    from satlock.encoder.project.project import Project

__all__ = ["building_for"]


def building_for(project: Project, access: Access, default_index: str, folder: Path, around: Around) -> Building:
    """How what a project requires is built.

    Args:
        default_index: the index for packages that nothing sends elsewhere; it may hold credentials.
        folder: where the project is.
        around: what is set outside of it.
    """
    used = python_in_use(folder, folder, request=around.python, files=around.files)
    places = [Place(one.name, one.url, one.default, one.explicit, one.flat, one.ignored) for one in project.indexes]
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
        pins=tuple(pins),
        index_strategy=project.index_strategy,
        exclude_newer=_moment(project.exclude_newer),
        exclude_newer_package=_moments(project.exclude_newer_package),
        python=used.version,
        requires_python=str(project.requires_python),
        environment=os.path.abspath(folder / (os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")),
        access=access,
    )


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moments(by_package: Mapping[str, datetime | None]) -> dict[str, str | None]:
    return {name: _moment(when) for name, when in by_package.items()}
