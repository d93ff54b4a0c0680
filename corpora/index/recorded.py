"""What a source distribution recorded of its metadata when it was made, which does not bind what is built from it."""

from __future__ import annotations

import re

from satlock.corpora.facts import Metadata
from satlock.corpora.index.metadata import MetadataError, parse_metadata
from satlock.corpora.index.requirements import conditional, extra_name, parsed

__all__ = ["recorded", "requires_lines"]

_NOT_IN_EXTRAS = re.compile(r"[^A-Za-z0-9.-]+")


def recorded(pkg_info: bytes, requires: bytes | None, name: str, version: str) -> Metadata | None:
    """The metadata of the candidate ``name`` (normalised) ``version`` as it was recorded.

    Args:
        pkg_info: its PKG-INFO, whether or not that is binding.
        requires: the ``requires.txt`` of setuptools; empty where setuptools noted none, None without setuptools.

    Returns:
        None where no requirements were recorded, or some that are not understood.
    """
    try:
        said = parse_metadata(pkg_info, name, version)
        if requires:
            lines, extras = requires_lines(requires)
        elif requires is None and not said.requires_dist:
            return None
        else:
            parsed(said.requires_dist)
            lines, extras = said.requires_dist, ()
    except (MetadataError, ValueError):
        return None
    return Metadata(name, version, lines, said.requires_python, tuple(dict.fromkeys((*said.provides_extra, *extras))))


def requires_lines(data: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ``Requires-Dist`` lines and the extras that a ``requires.txt`` stands for.

    Its sections are ``[extra]``, ``[extra:marker]`` and ``[:marker]``; what is before them always applies. Raises
    ValueError where a line is not understood.
    """
    lines: list[str] = []
    extras: dict[str, None] = {}
    extra = marker = ""
    for line in data.decode("utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            if not text.endswith("]"):
                raise ValueError("a section does not end")
            extra, _, marker = (part.strip() for part in text[1:-1].partition(":"))
            if extra:
                extra = extra_name(_NOT_IN_EXTRAS.sub("_", extra))  # as setuptools does for core metadata
                extras[extra] = None
            elif not marker:
                raise ValueError("a section has no name")
            continue
        lines += [conditional(requirement, marker=marker, extra=extra) for requirement in parsed([text])]
    return tuple(dict.fromkeys(lines)), tuple(extras)
