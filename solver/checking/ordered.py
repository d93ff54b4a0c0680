"""Markers on variables of any value, whose values have an order, by the rules of ``docs/proofs.md``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from satlock.solver.checking.versions import order_of, parts_of

__all__ = ["VARIABLES", "compared", "values_for"]

VARIABLES = ("platform_release", "platform_version", "implementation_version")


@lru_cache(maxsize=65536)
def compared(value: str, op: str, text: str) -> bool:
    """Whether a value compares so with a text: as versions where both sides are, else as strings.

    With ``as text`` behind the operator always as strings.
    """
    by_letters = op.endswith(" as text")
    op = op.removesuffix(" as text")
    if op == "~=":
        start = text.rpartition(".")[0]
        return bool(start) and compared(value, ">=", text) and compared(value, "==", f"{start}.*")
    if op in ("!=", "<", ">"):
        return not compared(value, {"!=": "==", "<": ">=", ">": "<="}[op] + " as text" * by_letters, text)
    number, _, word = value.partition(" spelled like ")
    mine, word = None if by_letters else parts_of(number), word or value
    if op in ("==", "===") and text.endswith(".*"):
        start_parts = parts_of(text[:-2])
        if mine is not None and start_parts is not None:
            length = len(start_parts.release)
            filled = (mine.release + [0] * length)[:length]
            return bool(mine.epoch == start_parts.epoch and filled == start_parts.release)
    other = parts_of(text)
    if mine is not None and other is not None:
        one, two = order_of(mine), order_of(other)
        return bool({"==": one == two, "===": one == two, ">=": one >= two, "<=": one <= two}[op])
    return {"==": word == text, "===": word == text, ">=": word >= text, "<=": word <= text}[op]


def values_for(asked: Iterable[tuple[str, str]]) -> list[str]:
    """Values that answer these comparisons (operator, text) in every way there is, each in another way.

    What a comparison asks is whether the value is at least, at most or equal to a text; ``~=`` asks two such things.
    """
    pairs = list(dict.fromkeys(question for op, text in asked for question in _plain(op, text)))
    if not pairs:
        return [""]
    first: dict[tuple[bool, ...], str] = {}
    for value in _tried(pairs):
        first.setdefault(tuple(compared(value, op, text) for op, text in pairs), value)
    return list(first.values())


def _plain(op: str, text: str) -> list[tuple[str, str]]:
    start = text.rpartition(".")[0]
    if op == "~=":
        return [(">=", text), ("==", f"{start}.*")] if start else []
    bare = op.removesuffix(" as text")
    return [({"!=": "==", "===": "==", "<": ">=", ">": "<="}.get(bare, bare) + op[len(bare) :], text)]


def _tried(pairs: list[tuple[str, str]]) -> list[str]:
    texts = sorted({text for _, text in pairs})
    by_letters = {text for op, text in pairs if op.endswith(" as text")}
    numbers = [found for text in texts if (found := parts_of(text.removesuffix(".*"))) is not None]
    width = max([1, *(len(found.release) for found in numbers)])
    points: set[tuple[int, tuple[int, ...]]] = {(0, (0,))}
    for found in numbers:
        release = tuple(found.release)
        points |= {(found.epoch, release), (found.epoch, release + (0,) * (width - len(release)) + (1,))}
        for place, number in enumerate(release):
            points.add((found.epoch, (*release[:place], number + 1)))
    versions = [(f"{epoch}!" if epoch else "") + ".".join(map(str, release)) for epoch, release in sorted(points)]
    near = ["0"] + [
        text + "\0"
        for text in texts
        if text[:1] in tuple("0123456789") and (text in by_letters or parts_of(text) is None)
    ]
    spelled = [f"{version} spelled like {word}" for version in versions for word in near if len(near) > 1]
    words = [""] + [text + end for text in texts for end in ("", "!", "\0")]
    return versions + [word for word in words if word in by_letters or parts_of(word) is None] + spelled
