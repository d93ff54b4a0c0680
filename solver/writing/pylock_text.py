"""The text of a ``pylock.toml``, straight from the lock: file tables, which are nearly all of it, as lines at once.

What is laid out here is, byte for byte, what ``tomli_w`` makes of ``packaging``'s model of the file
(:func:`satlock.solver.writing.pylock.to_pylock`). Rare entries (direct references, several entries of one name, files
of this machine) still go that way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from packaging.specifiers import SpecifierSet

from satlock.corpora.facts import File
from satlock.encoder.markers.structure import Marker
from satlock.solver.lockfiles.lock import Lock, LockedPackage

__all__ = ["to_toml"]

_LINE = 100
"""Characters up to which tomli_w writes a table on one line."""
_SPECIAL = re.compile(r'["\\\x00-\x08\x0a-\x1f\x7f]')
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(lock: Lock, folder: Path = Path(), chosen: Mapping[str, object] | None = None) -> str:
    """The text of the ``pylock.toml`` in ``folder``; the same lock gives the same bytes.

    ``chosen`` says how the lock was chosen of all valid ones, where that is no default.
    """
    if not chosen:
        return _text(lock, folder)
    import tomli_w

    return f"{_text(lock, folder)}\n{tomli_w.dumps({'tool': {'satlock': dict(chosen)}})}"


def _text(lock: Lock, folder: Path) -> str:
    entries = [package for package in lock.packages if package.is_installed]
    if not any(_is_long(file) for entry in entries for file in entry.files if entry.direct is None and file.hashes):
        return _modelled(lock, folder)  # so small that the layout of the whole may differ
    named = Counter(entry.name for entry in entries)
    plain = [_is_plain(entry, lock, named) for entry in entries]
    lines = list(_header(lock))
    others = _tables(lock, folder, [entry for entry, simple in zip(entries, plain, strict=True) if not simple])
    known = {(entry.name, entry.version, entry.index) for entry in entries}
    for entry, simple in zip(entries, plain, strict=True):
        lines += _entry(entry, known) if simple else [next(others)]
    return "\n".join(lines) + "\n"


def _is_plain(entry: LockedPackage, lock: Lock, named: Counter[str]) -> bool:
    if entry.direct is not None or entry.index in lock.relative:
        return False
    if any(named[name] > 1 or len(name) > _LINE // 2 for name, _, _ in entry.dependencies):
        return False
    wheels = [file for file in entry.files if file.is_wheel and file.hashes]
    return not wheels or any(map(_is_long, wheels))


def _is_long(file: File) -> bool:
    """Whether a file is certainly a table of its own, and not an inline one."""
    return len(file.filename) + len(file.url) + len(file.hashes[0][1]) > _LINE


def _header(lock: Lock) -> Iterator[str]:
    yield 'lock-version = "1.0"'
    if lock.environments:
        yield f"environments = {_array([str(Marker(text)) for text in lock.environments])}"
    if lock.requires_python:
        yield f"requires-python = {_quoted(_specifiers(lock.requires_python))}"
    yield f"extras = {_array(lock.extras)}"
    yield f"dependency-groups = {_array(lock.groups)}"
    yield f"default-groups = {_array(lock.default_groups)}"
    yield 'created-by = "satlock"'


def _entry(entry: LockedPackage, known: set[tuple[str, str, str]]) -> Iterator[str]:
    yield "\n[[packages]]"
    yield f"name = {_quoted(entry.name)}"
    yield f"version = {_quoted(entry.version)}"
    if entry.marker:
        yield f"marker = {_quoted(_marker(entry.marker))}"
    if entry.requires_python:
        yield f"requires-python = {_quoted(_specifiers(entry.requires_python))}"
    needed = [f"    {{ name = {_quoted(key[0])} }},\n" for key in entry.dependencies if key in known]
    if needed:
        yield f"dependencies = [\n{''.join(needed)}]"
    yield f"index = {_quoted(entry.index)}"
    hashed = [file for file in entry.files if file.hashes]
    sdist = next((file for file in hashed if not file.is_wheel), None)
    if sdist is not None:
        yield f"\n[packages.sdist]\n{_file(sdist, 'sdist')}"
    for file in hashed:
        if file.is_wheel:
            yield f"\n[[packages.wheels]]\n{_file(file, 'wheels')}"


def _file(file: File, kind: str) -> str:
    name, url = file.filename, file.url
    if _SPECIAL.search(name + url) is None:  # as nearly always
        name, url = f'"{name}"', f'"{url}"'
    else:
        name, url = _quoted(name), _quoted(url)
    moment = f"upload-time = {datetime.fromisoformat(file.upload_time)}\n" if file.upload_time else ""
    size = "" if file.size is None else f"size = {file.size}\n"
    hashes = "".join(f"\n{_key(name)} = {_quoted(digest)}" for name, digest in dict(file.hashes).items())
    head = f"name = {name}\n{moment}url = {url}\n{size}"
    return f"{head}\n[packages.{kind}.hashes]{hashes}"


def _array(texts: Sequence[str]) -> str:
    return "[\n" + "".join(f"    {_quoted(text)},\n" for text in texts) + "]" if texts else "[]"


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    if _SPECIAL.search(text) is None:
        return f'"{text}"'
    if _CONTROL.search(text) is None:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    import tomli_w

    return tomli_w.dumps({"text": text}).removeprefix("text = ").removesuffix("\n")


@lru_cache(maxsize=1 << 12)
def _marker(text: str) -> str:
    return str(Marker(text))


@lru_cache(maxsize=1 << 12)
def _specifiers(text: str) -> str:
    return str(SpecifierSet(text))


def _modelled(lock: Lock, folder: Path) -> str:
    import tomli_w

    from satlock.solver.writing.pylock import to_pylock

    return tomli_w.dumps(to_pylock(lock, folder).to_dict())


def _tables(lock: Lock, folder: Path, entries: Sequence[LockedPackage]) -> Iterator[str]:
    """Entries that are not plain, each as its tables in the file."""
    if not entries:
        return
    import tomli_w

    from satlock.solver.writing.pylock import to_pylock

    long = {"name": "x" * _LINE}  # keeps the entry before it from being written on one line
    after = "\n" + tomli_w.dumps({"packages": [long]})
    for table in to_pylock(lock, folder, entries).to_dict()["packages"]:
        yield "\n" + tomli_w.dumps({"packages": [table, long]}).removesuffix(after).rstrip("\n")
