"""What a person may do about a build that failed: its own words, and the tables to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.corpora.facts import Unavailable
    from satlock.encoder.project.project import Project

__all__ = ["advice_on_builds"]

_LACKS = re.compile(r"No module named '([A-Za-z0-9_]+)")
_PACKAGES = {
    "Cython": "cython",
    "cv2": "opencv-python",
    "distutils": "setuptools",
    "pkg_resources": "setuptools<81",
    "pybind11": "pybind11",
    "skbuild": "scikit-build",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""The packages of modules that are not named like them."""
_TOLD = 3
"""Builds of which the output is shown."""


def advice_on_builds(watched: Watched, project: Project) -> Iterator[str]:
    """The lines on the builds that failed in a run that found no lock."""
    for number, (place, outcome) in enumerate(watched.unbuilt.items()):
        if number == _TOLD:
            yield f"{len(watched.unbuilt) - _TOLD} more builds failed."
            return
        yield from _on_one(watched, project, place, outcome)


def _on_one(watched: Watched, project: Project, place: tuple[str, str, str], outcome: Unavailable) -> Iterator[str]:
    index, name, version = place
    what = f"{name} {version}" if version else name
    if outcome.output:
        yield f"The build of {what} failed. The last lines of what it printed:"
        yield from (f"  | {line}" for line in outcome.output)
    else:
        yield f"{what} could not be built: {outcome.reason}"
    if not version:
        return
    yield "What may help:"
    yield "  - if you know what it requires, say so, and it need not be built to be locked:"
    hint = outcome.hint
    known = list(hint.requires_dist) if hint is not None else []
    yield "      [[tool.uv.dependency-metadata]]"
    yield f"      name = {json.dumps(name)}"
    yield f"      version = {json.dumps(version)}"
    yield f"      requires-dist = [{', '.join(map(json.dumps, known))}]" + ("  # as it notes itself" if known else "")
    lacking = _LACKS.search(" ".join((outcome.reason, *outcome.output)))
    if lacking is not None and lacking[1] not in project.building.extra.get(name, ()):
        package = _PACKAGES.get(lacking[1], lacking[1].replace("_", "-").lower())
        yield f"  - its build imports {lacking[1]} and does not ask for it:"
        yield "      [tool.uv.extra-build-dependencies]"
        yield f"      {name} = [{json.dumps(package)}]"
    found = watched.found.get((index, name))
    wheels = [release.version for release in found.releases if release.wheels] if found is not None else []
    if wheels:
        yield f"  - {name} {wheels[-1]} has a wheel, and need not be built"
