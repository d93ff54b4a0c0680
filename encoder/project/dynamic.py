"""What a ``[project]`` table leaves to a build (``dynamic``, PEP 621), filled in with what the build says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satlock.corpora.facts import Metadata
from satlock.encoder.markers.structure import Marker, without_extra

__all__ = ["completed", "left_to_build", "without_dynamic"]

_REQUIREMENTS = ("dependencies", "optional-dependencies")


def left_to_build(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of its lists of requirements a document leaves to a build."""
    project = document.get("project")
    dynamic = project.get("dynamic") if isinstance(project, Mapping) else None
    return tuple(key for key in _REQUIREMENTS if key in dynamic) if isinstance(dynamic, list) else ()


def without_dynamic(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as if the lists that it leaves to a build were empty."""
    left = left_to_build(document)
    project = dict(document["project"])
    project["dynamic"] = [key for key in project["dynamic"] if key not in left]
    return {**document, "project": project}


def completed(document: Mapping[str, Any], told: Metadata) -> dict[str, Any]:
    """The document with the lists that it leaves to a build as its metadata has them."""
    left = left_to_build(document)
    dependencies: list[str] = []
    extras: dict[str, list[str]] = {extra: [] for extra in told.provides_extra}
    for line in told.requires_dist:
        extra, text = _of_extra(line)
        extras.get(extra, dependencies).append(text)
    found = without_dynamic(document)
    if "dependencies" in left:
        found["project"]["dependencies"] = dependencies
    if "optional-dependencies" in left:
        found["project"]["optional-dependencies"] = extras
    return found


def _of_extra(line: str) -> tuple[str, str]:
    """The extra that lists a line of metadata (empty for none), and the line as it lists it."""
    from packaging.markers import Marker as Pep508Marker
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return "", line  # which is refused where it is read
    extra, rest = without_extra(Marker(str(requirement.marker)) if requirement.marker else None)
    requirement.marker = Pep508Marker(str(rest)) if rest else None
    return extra, str(requirement) if extra else line
