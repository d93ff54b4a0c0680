"""Whether a ``uv.lock`` repeats what its project says now: what uv looks at before it takes a lock for up to date."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from satlock.corpora.index.address import without_credentials
from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import FALSE, Formula, any_of, from_marker, from_python_specifier
from satlock.encoder.markers.releases import release_ranges
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Project
from satlock.encoder.project.universe import Universe
from satlock.encoder.project.uv_view import UvView
from satlock.solver.writing.uvlock.conflicts import expanded, unlisted
from satlock.solver.writing.uvlock.members import default_groups_of, metadata_of, pythons_of_member
from satlock.solver.writing.uvlock.writing import stated_of

__all__ = ["disagreement"]

_WITH_EXTRAS, _WITH_DEFAULT_GROUPS = 1, 5
"""The revisions of the format from which on a lock lists extras that require nothing, and default groups."""
_LISTS = ("requirements", "constraints", "overrides", "build-constraints")


def disagreement(
    tables: Mapping[str, Any], project: Project, universe: Universe, view: UvView, folder: Path
) -> str | None:
    """The first way in which a lock in ``folder`` differs from its project; None where it does not.

    Raises:
        ProjectError: the project has something that a ``uv.lock`` cannot say.
    """
    unlisted(project, universe, expanded(view.project))
    compared = _Compared(view.project)
    try:
        differences = compared.differences(tables, tomllib.loads(stated_of(view, folder)))
        return next(differences, None) or next(compared.trees(tables, universe, project, folder), None)
    except (TypeError, ValueError, KeyError, AttributeError):
        return "what it repeats of the project cannot be read"


class _Compared:
    def __init__(self, project: Project) -> None:
        self._project = project
        self._pythons = Domain(from_python_specifier(str(project.requires_python)))

    _revision = 0
    """Of the format of the lock."""

    def differences(self, there: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
        self._revision = int(there.get("revision", 0))
        pythons = (SpecifierSet(said.get("requires-python", "")) for said in (there, stated))
        if len(set(map(release_ranges, pythons))) > 1:
            yield f"it is for Python {there.get('requires-python')}, and the project admits {stated['requires-python']}"
        for key, setting in (("supported-markers", "environments"), ("required-markers", "required-environments")):
            if not self._equivalent(_any(there.get(key)), _any(stated.get(key))):
                yield f"its {key} are not those of the project (tool.uv.{setting})"
        if _sets(there.get("conflicts", ())) != _sets(stated.get("conflicts", ())):
            yield "its conflicts are not those of the project (tool.uv.conflicts)"
        if _options(there.get("options", {})) != _options(stated.get("options", {})):
            yield "its options are not those of the project (resolution, prerelease, fork-strategy, exclude-newer)"
        yield from self._flat_indexes(there.get("package", []))
        yield from self._manifest(there.get("manifest", {}), stated.get("manifest", {}))
        if self._project.name is not None:
            yield from self._own(there, stated["package"][0])

    def _flat_indexes(self, entries: list[Mapping[str, Any]]) -> Iterator[str]:
        """uv knows a page of files by its address to the letter; a slash at the end of an index is not looked at."""
        pages = {index.url for index in self._project.indexes if index.flat}
        without = {page.rstrip("/") for page in pages}
        for entry in entries:
            place = entry["source"].get("registry", "")
            if place.rstrip("/") in without and place not in pages:
                yield f"it has {entry['name']} from {place}, and the project has that address with another end"

    def _manifest(self, there: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
        for key in _LISTS:
            yield from self._items(f"its {key}", there.get(key, []), stated.get(key, []))
        yield from self._default_groups("the project", there, stated)
        members = [set(one.get("members", ())) for one in (there, stated)]
        if members[0] != members[1]:
            names = ", ".join(sorted(members[0] ^ members[1]))
            yield f"the members of its workspace are not those of the project ({names})"
        excludes = [sorted(map(repr, one.get("excludes", []))) for one in (there, stated)]
        if excludes[0] != excludes[1]:
            yield "its excludes are not those of the project"
        metadata = [sorted(map(repr, one.get("dependency-metadata", []))) for one in (there, stated)]
        if metadata[0] != metadata[1]:
            yield "its dependency-metadata is not that of the project"
        yield from self._groups(there.get("dependency-groups", {}), stated.get("dependency-groups", {}))

    def trees(self, there: Mapping[str, Any], universe: Universe, project: Project, folder: Path) -> Iterator[str]:
        """Members of the workspace and other source trees that state something else than the lock repeats of them."""
        entries: dict[str, list[Mapping[str, Any]]] = {}
        for entry in there.get("package", []):
            if "registry" not in entry["source"] and "git" not in entry["source"]:
                entries.setdefault(canonicalize_name(entry["name"]), []).append(entry)
        for direct in universe.known.values():
            name = direct.metadata.name
            if len(entries.get(name, ())) != 1 or name == self._project.name:
                continue  # whether it is there at all is for the verification to say
            now = default_groups_of(name, project)
            said = tomllib.loads(f"default-groups = {now}") if now is not None else {}
            said |= tomllib.loads("\n".join(pythons_of_member(name, project))).get("package", {})
            yield from self._default_groups(name, entries[name][0], said)
            text = "\n".join(metadata_of(direct, project, folder))
            yield from self._metadata(f"{name}: ", entries[name][0], tomllib.loads(text).get("package", {}))

    def _own(self, there: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
        own = [one for one in there.get("package", []) if canonicalize_name(one["name"]) == self._project.name]
        if len(own) != 1 or own[0].get("source") != stated["source"] or own[0].get("version") != stated.get("version"):
            yield f"its entry for {self._project.name} is not that of the project (name, version or kind of source)"
            return
        yield from self._default_groups(self._project.name or "", own[0], stated)
        yield from self._metadata("", own[0], stated)

    def _default_groups(self, whose: str, there: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
        if self._revision < _WITH_DEFAULT_GROUPS:
            return
        if there.get("default-groups") != stated.get("default-groups"):
            yield f"its default groups of {whose} are not those of the project (tool.uv.default-groups)"
        if _pythons(there) != _pythons(stated):
            yield f"the Pythons of the groups of {whose} are not those of the project (tool.uv.dependency-groups)"

    def _metadata(self, whose: str, there: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
        before, now = there.get("metadata", {}), stated.get("metadata", {})
        extras = [set(one.get("provides-extras", ())) for one in (before, now)]
        required = [one.get("requires-dist", []) for one in (before, now)]
        yield from self._items(f"{whose}the requirements", required[0], required[1], extras[1])
        if extras[0] != extras[1] and self._revision >= _WITH_EXTRAS:
            yield f"{whose}the extras are not those of the project"
        groups = before.get("requires-dev", before.get("dependency-groups", {}))  # uv's first word for them
        yield from self._groups(groups, now.get("requires-dev", {}), whose)

    def _groups(self, there: Mapping[str, Any], stated: Mapping[str, Any], whose: str = "") -> Iterator[str]:
        for group in sorted({*there, *stated}):
            if (group in there) != (group in stated):
                yield f"{whose or 'its '}dependency groups are not those of the project ({group})"
            yield from self._items(f"{whose}the group {group!r}", there.get(group, []), stated.get(group, []))

    def _items(
        self, what: str, there: list[dict[str, Any]], stated: list[dict[str, Any]], extras: Collection[str] = ()
    ) -> Iterator[str]:
        """Requirements, compared by what their markers mean; a marker may name one of the ``extras``."""
        for extra in ("", *sorted(extras)):
            before, now = (_regions(items, extra) for items in (there, stated))
            for key in sorted({*before, *now}):
                if not self._equivalent(before.get(key, FALSE), now.get(key, FALSE)):
                    where = f"{what} of its extra {extra!r}" if extra else what
                    yield f"{where} are not those of the project ({dict(key)['name']})"

    def _equivalent(self, one: Formula, other: Formula) -> bool:
        return one is other or self._pythons.equivalent(one, other)


def _regions(items: list[dict[str, Any]], extra: str) -> dict[tuple[tuple[str, str], ...], Formula]:
    found: dict[tuple[tuple[str, str], ...], Formula] = {}
    for item in (one for each in items for one in _unscoped(each)):
        said = {key: repr(value) for key, value in item.items() if key not in ("marker", "name", "specifier")}
        said["name"] = canonicalize_name(item["name"])
        said |= {"url": without_credentials(item["url"])} if "url" in item else {}
        said["extras"] = repr(sorted(item.get("extras", [])))  # uv keeps the order in which they are written
        said["specifier"] = ",".join(sorted(map(str, SpecifierSet(item.get("specifier", "")))))
        marker = from_marker(Marker(item["marker"]) if "marker" in item else None, extra)
        key = tuple(sorted(said.items()))
        found[key] = any_of((found.get(key, FALSE), marker))
    return found


def _unscoped(item: dict[str, Any]) -> list[dict[str, Any]]:
    """An item as requirements; one for a single package says what it says beside the name of that package."""
    if "dependencies" not in item:
        return [item]
    return [{**one, "package": item["package"]} for one in (*item["dependencies"], {"name": ""})]


def _pythons(table: Mapping[str, Any]) -> dict[str, SpecifierSet]:
    return {group: SpecifierSet(said) for group, said in table.get("group-requires-python", {}).items()}


def _any(markers: list[str] | None) -> Formula:
    return any_of(from_marker(Marker(text)) for text in markers) if markers else from_marker(None)


def _sets(conflicts: Any) -> list[frozenset[tuple[tuple[str, str], ...]]]:
    return [frozenset(tuple(sorted(item.items())) for item in members) for members in conflicts]


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without what has no effect: the moment beside a duration, and what uv passes over."""
    without = {"objective", *({"exclude-newer"} if "exclude-newer-span" in options else ())}
    return {key: value for key, value in options.items() if key not in without}
