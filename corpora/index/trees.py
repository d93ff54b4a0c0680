"""The metadata of source trees and of single archives, whatever candidate they turn out to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from satlock.corpora.facts import Cause, Metadata
from satlock.corpora.index.metadata import MetadataError, own_metadata
from satlock.corpora.index.project_table import own_project_fields

if TYPE_CHECKING:
    from satlock.corpora.index.builds import Builder

__all__ = ["SOURCE_ARCHIVES", "Broken", "built_metadata", "metadata_of_archive", "permitted", "static_metadata"]

SOURCE_ARCHIVES = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar")
_LARGEST_TEXT = 4 << 20


class Broken(ValueError):
    """It tells nothing; the text is one clause."""

    def __init__(self, reason: str, output: tuple[str, ...] = (), cause: Cause = "unreadable") -> None:
        super().__init__(reason)
        self.cause: Cause = cause
        self.output = output
        """The last lines of a build that failed."""


def static_metadata(tree: Path, *, package: bool = True, archived: bool = False) -> Metadata | None:
    """What a source tree says of itself without a build; None where only a build tells. Raises Broken.

    Args:
        archived: whether it comes from a source distribution, of which a PKG-INFO was made with the archive. Elsewhere
            it may be older than the sources beside it.
    """
    if not tree.is_dir():
        there = tree.exists()
        raise Broken("it is no folder, wheel or source archive" if there else "there is no such folder")
    for name in ("pyproject.toml", "PKG-INFO") if archived else ("pyproject.toml",):
        file = tree / name
        try:
            if not file.is_file() or file.stat().st_size > _LARGEST_TEXT:
                continue
            data = file.read_bytes()
        except OSError as error:
            raise Broken(f"its {name} cannot be read ({error.strerror or error})") from None
        try:
            binds = name == "pyproject.toml"
            found = own_project_fields(data, package=package) if binds else own_metadata(data, static=True)
        except MetadataError:
            continue  # the build will tell
        if found is not None:
            return found
    if not (tree / "pyproject.toml").is_file() and not (tree / "setup.py").is_file():
        raise Broken("it has neither a pyproject.toml nor a setup.py")
    return None


def permitted(tree: Path, builder: Callable[[], Builder]) -> None:
    """Raises Broken where a source tree that is not the project's own is not to be built."""
    from satlock.corpora.index.failed_build import BuildForbidden

    try:
        builder().permit(tree)
    except BuildForbidden as error:
        raise Broken(str(error), cause="forbidden") from None


def built_metadata(tree: Path, builder: Callable[[], Builder]) -> Metadata:
    """What the build backend of a source tree says (PEP 517). Raises Broken."""
    from satlock.corpora.index.failed_build import BuildError

    try:
        found = own_metadata(builder().of_tree(tree))
    except BuildError as error:
        raise Broken(str(error), error.output, "unbuilt" if error.output else "unreadable") from None
    except MetadataError as error:
        raise Broken(str(error)) from None
    assert found is not None
    return found


def metadata_of_archive(file: IO[bytes], filename: str, subdirectory: str, builder: Callable[[], Builder]) -> Metadata:
    """The metadata of a wheel or a source archive. Raises Broken."""
    if filename.endswith(".whl"):
        return _of_wheel(file, filename)
    from satlock.corpora.index.failed_build import BuildError
    from satlock.corpora.index.scratch import scratch
    from satlock.corpora.index.unpacking import unpack_sdist

    with scratch("archive") as folder:
        try:
            tree = unpack_sdist(file, filename, folder / "source")
        except BuildError as error:
            raise Broken(str(error)) from None
        if subdirectory:
            tree = (tree / subdirectory).resolve()
            if not tree.is_relative_to(folder.resolve()) or not tree.is_dir():
                raise Broken(f"it has no subdirectory {subdirectory!r}")
        found = static_metadata(tree, archived=True)
        if found is None:
            permitted(tree, builder)
            found = built_metadata(tree, builder)
        return found


def _of_wheel(file: IO[bytes], filename: str) -> Metadata:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    from satlock.corpora.index.wheel import WheelError, metadata_of_wheel

    try:
        name = parse_wheel_filename(filename)[0]
        found = own_metadata(metadata_of_wheel(file, name, ""))
    except InvalidWheelFilename:
        raise Broken(f"{filename!r} is not a valid name of a wheel") from None
    except (WheelError, MetadataError) as error:
        raise Broken(str(error)) from None
    assert found is not None
    if found.name != name:
        raise Broken(f"its metadata is that of {found.name!r}")
    return found
