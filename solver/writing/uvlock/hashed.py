"""The order in which uv lists the conflicts that it infers.

uv compares this order when it checks a lock. It is that of a hash table: FxHash of the items (the ``rustc-hash`` crate,
version 2), in buckets as the ``hashbrown`` crate fills them, both as on machines of 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["Table", "hash_of_item", "hash_of_set"]

Key = TypeVar("Key")

_MASK = (1 << 64) - 1
_FACTOR = 0xF1357AEA2E62A9C5
_SEEDS = (0x243F6A8885A308D3, 0x13198A2E03707344)
_AGAINST_ZEROES = 0xA4093822299F31D0
_KINDS = {"extra": 0, "group": 1, "project": 2}

Item = tuple[str, str, str]
"""Package, kind and name of a member of a conflict."""


class _Hasher:
    def __init__(self) -> None:
        self._state = 0

    def number(self, value: int) -> None:
        self._state = (self._state + value) * _FACTOR & _MASK

    def text(self, value: str) -> None:
        self.number(_of_bytes(value.encode()))
        self.number(0xFF)

    def item(self, item: Item) -> None:
        package, kind, name = item
        self.text(package)
        self.number(_KINDS[kind])
        if kind != "project":
            self.text(name)

    def finish(self) -> int:
        return (self._state << 26 | self._state >> 38) & _MASK


def hash_of_item(item: Item) -> int:
    """The hash of one member."""
    hasher = _Hasher()
    hasher.item(item)
    return hasher.finish()


def hash_of_set(items: Iterable[Item]) -> int:
    """The hash of a set of members."""
    ordered = sorted(items, key=lambda item: (item[0], _KINDS[item[1]], item[2]))
    hasher = _Hasher()
    hasher.number(len(ordered))
    for item in ordered:
        hasher.item(item)
    return hasher.finish()


def _of_bytes(text: bytes) -> int:
    size, (one, other) = len(text), _SEEDS
    if size > 16:
        for start in range(0, (size - 1) // 16 * 16, 16):
            first, second = _word(text, start, 8), _word(text, start + 8, 8)
            one, other = other, _mixed(one ^ first, _AGAINST_ZEROES ^ second)
        one ^= _word(text, size - 16, 8)
        other ^= _word(text, size - 8, 8)
    elif size >= 4:
        width = 8 if size >= 8 else 4
        one ^= _word(text, 0, width)
        other ^= _word(text, size - width, width)
    elif size:
        one ^= text[0]
        other ^= text[-1] << 8 | text[size // 2]
    return _mixed(one, other) ^ size


def _word(text: bytes, start: int, width: int) -> int:
    return int.from_bytes(text[start : start + width], "little")


def _mixed(one: int, other: int) -> int:
    product = one * other
    return (product ^ product >> 64) & _MASK


class Table(Generic[Key]):
    """Keys in the order of their buckets."""

    def __init__(self, hashed: Callable[[Key], int]) -> None:
        self._hashed = hashed
        self._buckets: list[Key | None] = []
        self._known: set[Key] = set()

    def __iter__(self) -> Iterator[Key]:
        return (key for key in self._buckets if key is not None)

    def add(self, key: Key) -> None:
        """Puts a key in, where it is not there yet."""
        self._reserve(1)
        if key not in self._known:
            self._known.add(key)
            self._place(key)

    def update(self, keys: Iterable[Key]) -> None:
        """Puts several keys in, for which room is made first."""
        found = list(keys)
        self._reserve((len(found) + 1) // 2 if self._known else len(found))
        for key in found:
            self.add(key)

    def _reserve(self, more: int) -> None:
        wanted, room = len(self._known) + more, _room(len(self._buckets))
        if more and wanted > room:
            before = list(self)
            self._buckets = [None] * _size_for(max(wanted, room + 1))
            for key in before:
                self._place(key)

    def _place(self, key: Key) -> None:
        size = len(self._buckets)
        bucket = self._hashed(key) % size
        while self._buckets[bucket] is not None:
            bucket = (bucket + 1) % size
        self._buckets[bucket] = key


def _room(size: int) -> int:
    """How many keys so many buckets hold."""
    return max(size - 1, 0) if size <= 8 else size // 8 * 7


def _size_for(keys: int) -> int:
    if keys < 15:
        return 4 if keys < 4 else 8 if keys < 8 else 16
    return 1 << (keys * 8 // 7 - 1).bit_length()
