"""Versions and specifiers for the checker (PEP 440). Pre-releases count as versions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["admits", "order_of", "parts_of", "rules_out"]

_VERSION = re.compile(
    r"\s*v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?P<post>-(?P<post_n1>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*",
    re.IGNORECASE | re.ASCII,
)
_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_LETTERS = ("a", "b", "rc")
_CLAUSE = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*(\S+)\s*")
_PYTHON_CLAUSE = re.compile(
    r"(~=|===|==|!=|<=|>=|=>|<|>)\s*(~?)\s*v?(\d{1,9}(?:\.\d{1,9})*)((?:\.?\*|\.[xX])*)", re.ASCII
)
_LOWEST, _HIGHEST = (-1,), (1,)


class Parts(NamedTuple):
    """The parts of a version."""

    epoch: int
    release: list[int]
    pre: tuple[int, int] | None
    """Which kind (alpha, beta, candidate), and its number."""
    post: int | None
    dev: int | None
    local: list[str] | None


@lru_cache(maxsize=65536)
def parts_of(text: str) -> Parts | None:
    """The parts of a version; None where it is none."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    release = [int(part) for part in found["release"].split(".")]
    pre = (_PRE[found["pre"].lower()], int(found["pre_n"] or 0)) if found["pre"] else None
    post = int(found["post_n1"] or found["post_n2"] or 0) if found["post"] else None
    dev = int(found["dev_n"] or 0) if found["dev"] else None
    local = re.split(r"[-_.]", found["local"].lower()) if found["local"] else None
    return Parts(int(found["epoch"] or 0), release, pre, post, dev, local)


def order_of(parts: Parts, *, public: bool = False) -> tuple[Any, ...]:
    """What versions are ordered by; ``public`` leaves the local part out."""
    release = list(parts.release)
    while release and release[-1] == 0:
        release.pop()
    pre, post, dev, local = parts.pre, parts.post, parts.dev, parts.local
    first = (0, *pre) if pre is not None else _LOWEST if post is None and dev is not None else _HIGHEST
    last: tuple[Any, ...] = _LOWEST
    if local is not None and not public:
        # Numbers come after words, and by their value.
        last = (0, *((1, int(part), "") if part.isdigit() else (0, 0, part) for part in local))
    return (
        parts.epoch, release, first, _LOWEST if post is None else (0, post),
        _HIGHEST if dev is None else (0, dev), last,
    )  # fmt: skip


def _spelled(parts: Parts) -> str:
    """The version in its normal form."""
    text = (f"{parts.epoch}!" if parts.epoch else "") + ".".join(map(str, parts.release))
    if parts.pre is not None:
        text += f"{_LETTERS[parts.pre[0]]}{parts.pre[1]}"
    text += "" if parts.post is None else f".post{parts.post}"
    text += "" if parts.dev is None else f".dev{parts.dev}"
    local = [str(int(part)) if part.isdigit() else part for part in parts.local or ()]
    return text + (f"+{'.'.join(local)}" if local else "")


def _same_base(one: Parts, other: Parts) -> bool:
    length = max(len(one.release), len(other.release))
    return bool(one.epoch == other.epoch and _padded(one, length) == _padded(other, length))


def _padded(parts: Parts, length: int) -> list[int]:
    release: list[int] = parts.release
    return (release + [0] * length)[:length]


def admits(specifiers: str, version: str) -> bool:
    """Whether a version fits every clause; one that is none fits only where there is no clause."""
    clauses = [part for part in specifiers.split(",") if part.strip()]
    mine = parts_of(version)
    if mine is None:
        return not clauses
    return all(_fits(clause, mine) for clause in clauses)


def _fits(clause: str, mine: Parts) -> bool:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        return False
    op, text = found[1], found[2]
    if op == "===":
        return _spelled(mine).lower() == text.lower()
    if text.endswith(".*"):
        bound = parts_of(text[:-2])
        if bound is None or op not in ("==", "!="):
            return False
        return _starts_with(mine, bound, len(bound.release)) == (op == "==")
    bound = parts_of(text)
    if bound is None:
        return False
    here, there = order_of(mine), order_of(bound)
    public = order_of(mine, public=True)
    if op in ("==", "!="):
        return ((here if bound.local is not None else public) == there) == (op == "==")
    if op == "<=":
        return public <= there
    if op == ">=":
        return public >= there
    if op == "~=":
        short = len(bound.release) - 1
        return short > 0 and public >= there and _starts_with(mine, bound, short)
    if op == "<":
        # What leads to a version is not before it, unless the bound itself only leads to one.
        return here < (there if bound.pre is not None or bound.dev is not None else order_of(bound._replace(dev=0)))
    own = bound.dev is None and bound.post is None and mine.pre == bound.pre and _same_base(mine, bound)
    # What only adds to a version (a local part, a post-release) is not after it.
    return here > there and public != there and not own


def _starts_with(mine: Parts, bound: Parts, length: int) -> bool:
    return bool(mine.epoch == bound.epoch and _padded(mine, length) == bound.release[:length])


def rules_out(stated: str, python: str) -> bool:
    """Whether a ``Requires-Python`` rules a Python out; what it says of newer Pythons is ignored, as installers of
    universal locks do."""
    mine = [int(part) for part in python.split(".")]
    for operator, tilde, digits, wild in _PYTHON_CLAUSE.findall(stated):
        bound = [int(part) for part in digits.split(".")]
        width = max(len(mine), len(bound))
        one, two = mine + [0] * (width - len(mine)), bound + [0] * (width - len(bound))
        if operator == "!=":
            if (wild or tilde) and mine[: len(bound)] == bound:
                return True
        elif operator == ">":
            if one <= two:
                return True
        elif operator not in ("<", "<=") and one < two:
            return True
    return False
