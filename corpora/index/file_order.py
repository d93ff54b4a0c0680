"""Which file of a version tells its metadata: the order in which they are asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from satlock.corpora.facts import File

__all__ = ["files_in_order", "first_wheel"]


def files_in_order(files: Iterable[File]) -> tuple[list[File], list[File]]:
    """Wheels, the one to ask first first, and source distributions. The order of ``files`` does not matter."""
    wheels = [file for file in files if file.is_wheel]
    sdists = [file for file in files if not file.is_wheel]
    if len(wheels) > 1:
        wheels.sort(key=_place)
    if len(sdists) > 1:
        sdists.sort(key=lambda file: (not file.filename.endswith(".tar.gz"), file.filename, file.url))
    return wheels, sdists


def first_wheel(files: Iterable[File]) -> File | None:
    """The wheel that is asked first; None where there is none."""
    return min((file for file in files if file.is_wheel), key=_place, default=None)


def _place(wheel: File) -> tuple[tuple[int, int, int], str, str]:
    return _wheel_rank(wheel.filename), wheel.filename, wheel.url


def _wheel_rank(filename: str) -> tuple[int, int, int]:
    """Lower is asked first: pure wheels, then Linux on x86-64 with the newest CPython, then the others by name; of
    these the one with the highest build number, which is installed.

    The wheels of one version rarely differ in their metadata. Where they do, and are not read one by one, this order
    decides for every run alike.
    """
    name, *tags = filename.removesuffix(".whl").rsplit("-", 3)
    parts = name.split("-")
    build = re.match(r"\d{1,9}", parts[2]) if len(parts) == 3 else None
    return *_rank_of_tags(*[*tags, "", "", ""][:3]), -1 - int(build[0]) if build else 0


@lru_cache(maxsize=8192)
def _rank_of_tags(python: str, abi: str, platform: str) -> tuple[int, int]:
    """Thousands of wheels share their tags."""
    if abi == "none" and platform == "any":
        return (0 if "py3" in python.split(".") else 1), 0
    linux = any(tag.startswith(("manylinux", "linux")) and tag.endswith("x86_64") for tag in platform.split("."))
    newest = max((int(minor) for minor in re.findall(r"cp3(\d+)", python)), default=0)
    free_threaded = abi.endswith("t")
    return (2 if linux else 3), (2 * -newest + free_threaded if linux else 0)
