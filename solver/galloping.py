"""The first place at which something holds, with few questions: each of them is dear."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

__all__ = ["first"]


def first(length: int, holds: Callable[[int], bool]) -> int | None:
    """The first place at which a monotone predicate holds; None where it never does. Gallops, then bisects."""
    if not length:
        return None
    low, high, stride = 0, 0, 1
    while not holds(high):
        if high == length - 1:
            return None
        low, high, stride = high + 1, min(high + stride, length - 1), 2 * stride
    return bisect_left(range(high), True, lo=low, key=holds)
