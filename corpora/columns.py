"""The releases of a listing as columns: what a search asks of all of them, with no object for each.

A popular package has a thousand releases with ten thousand files. A search looks at the versions, Pythons and days of
all, and at the files of a few: so a release is made when somebody asks for it, and its files are decoded then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

from satlock.corpora.releases import Release

__all__ = ["LOCAL", "PRERELEASE", "SDIST", "WHEELS", "YANKED", "Columns", "flags_of", "latest"]

WHEELS, SDIST, YANKED, PRERELEASE, LOCAL = 1, 2, 4, 8, 16
"""Bits of :attr:`Columns.flags`: it has wheels, or a source distribution; all files are yanked; the version is a
pre-release, or has a local part."""


class Columns(Sequence[Release]):
    """Releases, oldest first: equal to the tuple of them."""

    __slots__ = ("_lasts", "files", "firsts", "flags", "requires", "versions")

    def __init__(  # noqa: PLR0917
        self,
        versions: Sequence[str] = (),
        requires: Sequence[str | None] = (),
        flags: bytes | bytearray = b"",
        firsts: Sequence[str | None] = (),
        lasts: Sequence[str | None] | None = (),
        files: Sequence[bytes | tuple[tuple[object, ...], ...]] = (),
    ) -> None:
        """``lasts`` is None where it has to be found from the files."""
        self.versions = versions
        self.requires = requires
        """``Requires-Python``, as most of a release's files say."""
        self.flags = flags
        self.firsts = firsts
        """The upload time of each release's earliest file, None where no file has one."""
        self._lasts = lasts
        self.files = files
        """See :attr:`satlock.corpora.facts.Release.raw_files`."""

    @classmethod
    def of(cls, releases: Iterable[Release], lasts: Sequence[str | None] | None = None) -> Columns:
        """The columns of releases that are there already."""
        if isinstance(releases, cls):
            return releases
        rows = tuple(releases)
        flags = bytes(flags_of(r.version, r.wheels, r.sdist, r.yanked) for r in rows)
        return cls(
            [r.version for r in rows],
            [r.requires_python for r in rows],
            flags,
            [r.upload_time for r in rows],
            lasts,
            [r.raw_files for r in rows],
        )

    @property
    def lasts(self) -> Sequence[str | None]:
        """The upload time of each release's latest file, None where a file has none."""
        if self._lasts is None:
            self._lasts = [latest(release.rows) for release in self]
        return self._lasts

    def packed(self) -> tuple[Any, ...]:
        """What :meth:`unpacked` reads back; strings that repeat are there once."""
        known = list(dict.fromkeys(self.requires))
        place = {text: i for i, text in enumerate(known)}
        places = [place[text] for text in self.requires]
        return self.versions, known, places, bytes(self.flags), self.firsts, self.lasts, self.files

    @classmethod
    def unpacked(cls, packed: Sequence[Any]) -> Columns:
        """See :meth:`packed`."""
        versions, known, places, flags, firsts, lasts, files = packed
        return cls(versions, [known[place] for place in places], flags, firsts, lasts, files)

    def __len__(self) -> int:
        return len(self.versions)

    @overload
    def __getitem__(self, place: int) -> Release: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Release, ...]: ...
    def __getitem__(self, place: int | slice) -> Release | tuple[Release, ...]:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        flags = self.flags[place]
        return Release(
            self.versions[place],
            self.requires[place],
            bool(flags & YANKED),
            self.firsts[place],
            bool(flags & WHEELS),
            bool(flags & SDIST),
            self.files[place],
        )

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, Columns) else other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Columns({', '.join(self.versions)})"


def flags_of(version: str, wheels: bool, sdist: bool, yanked: bool) -> int:
    """The bits of one release; ``version`` is normalised."""
    public, _, local = version.partition("+")
    # A final release is digits, dots, "post" and an epoch.
    final = (public.partition("!")[2] or public).replace(".", "").replace("post", "").isdigit()
    found = PRERELEASE * (not final) | (LOCAL if local else 0)
    return found | WHEELS * wheels | SDIST * sdist | YANKED * yanked


def latest(rows: Sequence[Sequence[Any]]) -> str | None:
    """The upload time of the latest of some files (rows of fields of a ``File``); None unless all tell theirs."""
    times: list[str] = [row[4] or "" for row in rows]
    if not times or not all(time.endswith("Z") for time in times):
        return None
    return max(time[:-1] for time in times) + "Z"  # the Z would sort after fractions
