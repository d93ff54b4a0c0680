"""Reading the lock that is there, in either format that satlock writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from packaging.pylock import Package, Pylock, PylockValidationError

from satlock.corpora.references import repository
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.values import Value, first_line
from satlock.records import dataclass, field
from satlock.solver.lockfiles.model import Lockfile, LockfileError, Source

__all__ = ["Standing", "StandingEntry", "kept_commits", "read_standing", "versions_in"]


@dataclass(frozen=True)
class StandingEntry:
    """One candidate that a lock has."""

    name: str
    version: str
    """Empty where the lock does not tell it: a folder changes under it."""
    index: str | None
    """The URL of the index that it comes from, without a slash at the end; None where it is from elsewhere."""
    marker: Marker | None
    """Of PEP 751; a ``uv.lock`` has edges instead."""
    files: tuple[tuple[str, Mapping[str, str]], ...]
    """(file name, digests by algorithm) of wheels and source distributions."""
    commit: tuple[str, str, str, str] | None = None
    """(repository, reference, subdirectory, commit) of what comes from a Git repository."""
    places: frozenset[str] = frozenset()
    """The ``file:`` URLs of those files that the lock names by a path."""
    path: str = ""
    """Of a folder or an archive on this machine, absolute; or the URL of another archive."""


@dataclass(frozen=True)
class Standing:
    """A lock that is there."""

    form: Literal["pylock", "uv"]
    entries: tuple[StandingEntry, ...]
    requires_python: str
    environments: tuple[Marker, ...]
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    default_groups: tuple[str, ...]
    graph: Lockfile | None = None
    """The edges of a ``uv.lock``; its entries are in the same order."""
    tables: Mapping[str, object] = field(default_factory=dict)
    """The whole file."""


def read_standing(text: str, form: Literal["pylock", "uv"], where: str) -> Standing:
    """Reads a lock.

    Raises:
        LockfileError: where it is broken.
    """
    try:
        import tomli  # tomllib, compiled where there is a wheel: a lock has tens of thousands of lines

        tables = tomli.loads(text)
        return (
            _of_pylock(tables, os.path.dirname(os.path.abspath(where))) if form == "pylock" else _of_uv(tables, where)
        )
    except RecursionError:
        said = "it is nested too deeply"
    except LockfileError:
        raise
    except (PylockValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = first_line(error)
    raise LockfileError(f"{where} is not a valid lock: {said}.")


def versions_in(standing: Standing) -> dict[str, frozenset[str]]:
    """The versions of a lock by name, without their local parts."""
    versions: dict[str, set[str]] = {}
    for entry in standing.entries:
        if entry.version:
            versions.setdefault(entry.name, set()).add(entry.version.partition("+")[0])
    return {name: frozenset(found) for name, found in versions.items()}


def kept_commits(standing: Standing, lifted: Iterable[str] = ()) -> dict[tuple[str, str, str], str]:
    """The commits of a lock by repository, reference and subdirectory; those of ``lifted`` are not kept."""
    dropped = set(lifted)
    return {
        entry.commit[:3]: entry.commit[3] for entry in standing.entries if entry.commit and entry.name not in dropped
    }


def _of_pylock(tables: dict[str, Any], folder: str) -> Standing:
    lock = Pylock.from_dict(tables)
    return Standing(
        "pylock",
        tuple(_entry_of_pylock(package, folder) for package in lock.packages),
        str(lock.requires_python or ""),
        tuple(Marker(str(marker)) for marker in lock.environments or ()),
        tuple(lock.extras or ()),
        tuple(lock.dependency_groups or ()),
        tuple(lock.default_groups or ()),
        tables=tables,
    )


def _entry_of_pylock(package: Package, folder: str) -> StandingEntry:
    files = [*(package.wheels or ()), *((package.sdist,) if package.sdist else ())]
    archive = package.archive
    alone: tuple[tuple[str, Mapping[str, str]], ...] = ()
    if archive is not None:
        alone = ((unquote((archive.url or archive.path or "").rpartition("/")[2]), archive.hashes),)
    path = (package.directory.path if package.directory else archive.path if archive else "") or ""
    return StandingEntry(
        str(package.name),
        str(package.version or ""),
        package.index.rstrip("/") if package.index and files else None,
        Marker(str(package.marker)) if package.marker else None,
        (*((file.filename, file.hashes) for file in files), *alone),
        (
            (
                repository(package.vcs.url or ""),
                package.vcs.requested_revision or "",
                package.vcs.subdirectory or "",
                package.vcs.commit_id,
            )
            if package.vcs is not None
            else None
        ),
        frozenset(Path(os.path.normpath(os.path.join(folder, file.path))).as_uri() for file in files if file.path),
        os.path.normpath(os.path.join(folder, path)) if path else (archive.url or "") if archive else "",
    )


def _of_uv(tables: dict[str, object], where: str) -> Standing:
    from satlock.solver.lockfiles.uv_lock import read_uv_lock

    top = Value(tables, where, "").table()
    graph = read_uv_lock(top)
    packages = [item.table() for item in top["package"].items()] if "package" in top else []
    folder = os.path.dirname(os.path.abspath(where))
    supported = top.get("supported-markers")
    return Standing(
        "uv",
        tuple(
            StandingEntry(
                entry.name,
                entry.version,
                _index(entry.source, folder),
                None,
                tuple(_files(package)),
                _commit(entry.source),
                path=_path(entry.source, folder),
            )
            for entry, package in zip(graph.entries, packages, strict=True)
        ),
        graph.requires_python,
        tuple(item.environment_marker() for item in supported.items()) if supported is not None else (),
        tuple(name for kind, name in graph.switches if kind == "extra"),
        tuple(name for kind, name in graph.switches if kind == "group"),
        (),
        graph,
        tables,
    )


def _index(source: Source, folder: str) -> str | None:
    """Of a source in a registry; one on this machine is a path there, and a URL here."""
    if source.kind != "registry":
        return None
    place = source.place
    return (place if "://" in place else Path(os.path.normpath(os.path.join(folder, place))).as_uri()).rstrip("/")


def _commit(source: Source) -> tuple[str, str, str, str] | None:
    """Of a source in a repository, such as ``https://host/repository?rev=main#COMMIT``."""
    if source.kind != "git":
        return None
    address, _, commit = source.place.partition("#")
    url, _, query = address.partition("?")
    asked = dict(parse_qsl(query))
    ref = next((asked[kind] for kind in ("rev", "tag", "branch") if kind in asked), "")
    return repository(url), ref, asked.get("subdirectory", ""), commit


def _path(source: Source, folder: str) -> str:
    """Of a source in a folder or an archive."""
    if source.kind == "url":
        return source.place
    if source.kind not in ("directory", "editable", "virtual", "path"):
        return ""
    return os.path.normpath(os.path.join(folder, source.place))


def _files(package: Mapping[str, Value]) -> Iterable[tuple[str, Mapping[str, str]]]:
    files = [*package["wheels"].items()] if "wheels" in package else []
    files += [package["sdist"]] if "sdist" in package else []
    for file in files:
        table = file.table()
        place = next((table[key].text() for key in ("filename", "url", "path") if key in table), "")
        algorithm, _, digest = table["hash"].text().partition(":") if "hash" in table else ("", "", "")
        yield place.partition("#")[0].rpartition("/")[2], {algorithm: digest} if digest else {}
