"""A lock as a ``requirements.txt`` for one choice of extras and groups: pins with hashes and markers.

The format is pip's; ``uv pip install`` reads it too.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from satlock.corpora.index.address import without_credentials
from satlock.records import dataclass
from satlock.solver.lockfiles.installed import Installed
from satlock.solver.lockfiles.model import LockfileError

__all__ = ["Pins", "pins_of"]

_ALGORITHMS = ("sha256", "sha384", "sha512")
"""What pip accepts in ``--hash``."""


@dataclass(frozen=True)
class Pins:
    """The lines of the file."""

    indexes: tuple[str, ...]
    """The addresses that the files are listed at, without credentials, the one of most packages first."""
    requirements: tuple[tuple[str, tuple[str, ...]], ...]
    """Each with its hashes, ``ALGORITHM:DIGEST``."""
    without_hashes: tuple[str, ...]
    """The names of packages from folders and repositories, and of those whose index tells no hash."""

    def text(self, header: Sequence[str], *, hashes: bool = True, index_lines: bool = True) -> str:
        """The whole file; ``header`` becomes comments."""
        lines = [f"# {line}" for line in header]
        for place, index in enumerate(self.indexes if index_lines else ()):
            local = index.startswith("file:")
            lines.append(f"{'--find-links' if local else '--extra-index-url' if place else '--index-url'} {index}")
        for requirement, digests in self.requirements:
            rows = [requirement, *(f"    --hash={digest}" for digest in digests if hashes)]
            lines.append(" \\\n".join(rows))
        return "\n".join(lines) + "\n"


def pins_of(kind: str, found: Sequence[Installed], packages: Sequence[Mapping[str, Any]], folder: Path) -> Pins:
    """The pins of what a lock installs.

    Args:
        kind: ``pylock`` or ``uv``.
        packages: the lock's tables of packages, in the order of the file.
        folder: where the lock is, relative to where the new file will be.
    """
    read = {"pylock": _from_pylock, "uv": _from_uv}[kind]
    counted: Counter[str] = Counter()
    requirements, bare = [], []
    for one in sorted(found, key=lambda item: (item.entry.name, item.entry.version, item.marker or "")):
        pin = read(one.entry.name, packages[one.entry.number], folder)
        if pin is None:
            continue
        if pin.index:
            counted[pin.index] += 1
        if not pin.hashes:
            bare.append(one.entry.name)
        text = f"{pin.text} ; {one.marker}" if one.marker else pin.text
        requirements.append((text, pin.hashes))
    indexes = sorted(counted, key=lambda index: (-counted[index], index))
    return Pins(tuple(indexes), tuple(requirements), tuple(dict.fromkeys(bare)))


@dataclass(frozen=True)
class _Pin:
    text: str
    hashes: tuple[str, ...]
    index: str = ""


def _from_pylock(name: str, package: Mapping[str, Any], folder: Path) -> _Pin:
    if vcs := package.get("vcs"):
        at = vcs.get("url") or _uri(folder / vcs["path"])
        return _Pin(f"{name} @ {_git(at, vcs['commit-id'], vcs.get('subdirectory'))}", ())
    if directory := package.get("directory"):
        return _Pin(_local(folder / directory["path"], editable=directory.get("editable", False)), ())
    if archive := package.get("archive"):
        hashes = _hashes([archive["hashes"]])
        if "url" in archive:
            return _Pin(f"{name} @ {_archive(archive['url'], archive.get('subdirectory'))}", hashes)
        return _Pin(_local(folder / archive["path"]), hashes)
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    version = package.get("version") or _version_in(name, files)
    return _registered(name, version, [file["hashes"] for file in files], package.get("index"))


def _version_in(name: str, files: Sequence[Mapping[str, Any]]) -> str:
    """The version that the names of the files say, for an entry without one, as PEP 751 allows it."""
    for file in files:
        path = str(file.get("name") or file.get("url") or file.get("path") or "").partition("#")[0].partition("?")[0]
        filename = unquote(path).rpartition("/")[2]
        try:
            parse = parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename
            return str(parse(filename)[1])
        except (InvalidWheelFilename, InvalidSdistFilename):
            continue
    raise LockfileError(f"The lock has no version of {name}, and no file whose name tells it.")


def _from_uv(name: str, package: Mapping[str, Any], folder: Path) -> _Pin | None:
    source = package["source"]
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    digests = [dict([file["hash"].split(":", 1)]) for file in files if "hash" in file]
    if "registry" in source:
        index = source["registry"]
        return _registered(name, package["version"], digests, index if "://" in index else _uri(folder / index))
    if "git" in source:
        address, _, commit = source["git"].partition("#")
        address, _, query = address.partition("?")
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        return _Pin(f"{name} @ {_git(address, commit, asked.get('subdirectory'))}", ())
    if "url" in source:
        return _Pin(f"{name} @ {_archive(source['url'], source.get('subdirectory'))}", _hashes(digests))
    if "path" in source:
        return _Pin(_local(folder / source["path"]), _hashes(digests))
    if "virtual" in source or source.get("editable") == "." or source.get("directory") == ".":
        return None  # the project itself, or one that is not installed
    editable = "editable" in source
    return _Pin(_local(folder / source["editable" if editable else "directory"], editable=editable), ())


def _registered(name: str, version: str, digests: Sequence[Mapping[str, str]], index: str | None) -> _Pin:
    return _Pin(f"{name}=={version}", _hashes(digests), without_credentials(index) if index else "")


def _hashes(files: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    found = set()
    for file in files:
        kind = next((kind for kind in _ALGORITHMS if kind in file), None)
        if kind is not None:
            found.add(f"{kind}:{file[kind]}")
    return tuple(sorted(found))


def _git(address: str, commit: str, subdirectory: str | None) -> str:
    return f"git+{without_credentials(address)}@{commit}" + (f"#subdirectory={subdirectory}" if subdirectory else "")


def _archive(address: str, subdirectory: str | None) -> str:
    return without_credentials(address) + (f"#subdirectory={subdirectory}" if subdirectory else "")


def _uri(path: Path) -> str:
    return path.resolve().as_uri()


def _local(path: Path, *, editable: bool = False) -> str:
    """A path relative to the file that is written, as pip wants it."""
    text = Path(os.path.normpath(path)).as_posix()
    text = text if text.startswith(("/", "../")) or path.is_absolute() else f"./{text}"
    return f"-e {text}" if editable else text
