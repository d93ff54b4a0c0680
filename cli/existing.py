"""A lock that is there already: what is kept of it, and whether it still says what the project needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.failures import WRONG, Ended

if TYPE_CHECKING:
    from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock

    from encoder.universe import Universe
    from solver.lock import Lock, LockedPackage

__all__ = ["first_difference", "kept_commits", "kept_versions", "read_pylock"]


def read_pylock(text: str, where: str) -> Pylock:
    """Reads a PEP 751 lock. Raises Ended where it is broken."""
    import tomllib

    from packaging.pylock import Pylock, PylockValidationError

    try:
        return Pylock.from_dict(tomllib.loads(text))
    except RecursionError:
        said = "it is nested too deeply"
    except (PylockValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())
    raise Ended(
        WRONG,
        f"{where} is not a valid lock: {said.rstrip('.')}.",
        "Restore it, delete it, or replace it with --upgrade.",
    )


def kept_versions(existing: Pylock, lifted: Iterable[str] = ()) -> dict[str, frozenset[str]]:
    """The versions of a lock by name, to be kept as far as possible; those of ``lifted`` are not."""
    versions: dict[str, set[str]] = {}
    for package in existing.packages:
        if package.version is not None:
            versions.setdefault(str(package.name), set()).add(str(package.version))
    return {name: frozenset(found) for name, found in versions.items() if name not in set(lifted)}


def kept_commits(existing: Pylock, lifted: Iterable[str] = ()) -> dict[tuple[str, str, str], str]:
    """The commits of a lock by repository, reference and subdirectory; those of ``lifted`` are not kept."""
    from corpora.references import repository

    return {
        (repository(package.vcs.url or ""), package.vcs.requested_revision or "", package.vcs.subdirectory or ""): (
            package.vcs.commit_id
        )
        for package in existing.packages
        if package.vcs is not None and str(package.name) not in set(lifted)
    }


def first_difference(existing: Pylock, lock: Lock, universe: Universe, folder: Path | None = None) -> str | None:
    """The first way in which a lock does not say what the project needs now; None where it says just that.

    Order, spelling, and what else an index says of a file do not count; nor do environments that the project does
    not admit (any more). Markers are compared by what they mean in the others.
    """
    return next(_differences(existing, lock, universe, folder or Path()), None)


def _differences(existing: Pylock, lock: Lock, universe: Universe, folder: Path) -> Iterator[str]:
    from encoder.marker import TRUE, any_of, from_marker, from_python_specifier

    yield from _other_names("extras", existing.extras or (), lock.extras)
    yield from _other_names("dependency groups", existing.dependency_groups or (), lock.groups)
    yield from _other_names("default groups", existing.default_groups or (), lock.default_groups)
    pythons = from_python_specifier(str(existing.requires_python or ""))
    if not universe.domain.implies(TRUE, pythons):
        yield f"it is for Python {existing.requires_python}, and the project admits {lock.requires_python}"
    covered = any_of(from_marker(marker) for marker in existing.environments) if existing.environments else TRUE
    if not universe.domain.implies(TRUE, covered):
        yield "it does not cover all of the project's environments (tool.uv.environments)"
    there: dict[str, list[Package]] = {}
    for package in existing.packages:
        there.setdefault(str(package.name), []).append(package)
    needed: dict[str, list[LockedPackage]] = {}
    for found in (found for found in lock.packages if found.is_installed):
        needed.setdefault(found.name, []).append(found)
    for name in sorted({*there, *needed}):
        yield from _package_differences(name, there.get(name, []), needed.get(name, []), universe, folder)


def _other_names(what: str, there: Iterable[str], needed: Iterable[str]) -> Iterator[str]:
    missing, spare = sorted(set(needed) - set(there)), sorted(set(there) - set(needed))
    if missing:
        yield f"it lacks the {what} {', '.join(missing)} of the project"
    if spare:
        yield f"it has the {what} {', '.join(spare)}, which the project does not have"


def _package_differences(
    name: str, there: list[Package], needed: list[LockedPackage], universe: Universe, folder: Path
) -> Iterator[str]:
    from encoder.marker import from_marker

    if not there:
        yield f"it lacks {name}, which the project needs ({_shown(needed)})"
        return
    if not needed:
        yield f"it has {name} {there[0].version}, which the project does not need"
        return
    left = list(there)
    for found in needed:
        same = [entry for entry in left if _is_same(entry, found, folder)]
        for package in same:
            if universe.domain.equivalent(from_marker(package.marker), found.region):
                left.remove(package)
                yield from _file_differences(package, found)
                break
        else:
            if not same:
                versions = ", ".join(f"{p.version}" for p in there)
                yield f"it has {name} {versions}, and the project needs {_shown(needed)}"
            else:
                yield (
                    f"it has {name} {found.version} where {same[0].marker or 'anywhere'}, and the project needs it "
                    f"where {found.marker or 'anywhere'}"
                )
            return
    if left:
        yield f"it has {name} {left[0].version} too, which the project does not need"


def _is_same(entry: Package, found: LockedPackage, folder: Path) -> bool:
    """Whether an entry is the candidate that was found, wherever it holds."""
    if found.direct is not None:
        from solver.pylock import Place, place_of

        return Place(entry.vcs, entry.archive, entry.directory) == place_of(found.direct, folder)
    return str(entry.version) == found.version and _address(entry.index) == _address(found.index)


def _file_differences(package: Package, found: LockedPackage) -> Iterator[str]:
    """A file whose content is said to be another one: neither can be trusted."""
    hashes = {file.filename: dict(file.hashes) for file in found.files}
    locked: list[PackageWheel | PackageSdist] = [*(package.wheels or ())]
    locked += [package.sdist] if package.sdist else []
    for file in locked:
        known = hashes.get(file.filename, {})
        if any(known.get(kind, digest) != digest for kind, digest in file.hashes.items()):
            yield f"it has a hash for {file.filename} that is not the one of {found.index}"


def _address(index: str | None) -> str | None:
    return index.rstrip("/") if index else None


def _shown(packages: list[LockedPackage]) -> str:
    return ", ".join(package.version for package in packages)
