"""The marker variables of which no list tells the values, but that have an order.

``platform_release``, ``platform_version`` and ``implementation_version`` may be anything. Compared with a text they are
versions (PEP 440) where both sides are, and else strings, as the dependency specifiers standard has it. So two
comparisons with different texts are no independent questions: of finitely many comparisons, finitely many values give
all the answers that there are. Where an operator ends with ``as text``, letters are compared, whatever they say, as uv
does it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from packaging.version import Version

__all__ = ["AS_TEXT", "Question", "compares", "holds", "questions", "telling_values"]

Question: TypeAlias = tuple[str, str]
"""``==``, ``>=`` or ``<=``, perhaps ``as text``, and a text."""

AS_TEXT = " as text"
"""Behind an operator that compares letters."""


_SPELLED = " spelled like "
"""Between a version and a text that lies where the version is, as a string: one version has many spellings."""


@lru_cache(maxsize=4096)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:  # It is none, or has a number of thousands of digits.
        return None


def compares(value: str, comparison: str, text: str) -> bool:
    """Whether ``value`` is ``==``, ``>=`` or ``<=`` the text; a text such as ``20.*`` is the beginning of a version."""
    number, _, word = value.partition(_SPELLED)
    one, word = None if comparison.endswith(AS_TEXT) else _version(number), word or value
    comparison = comparison.removesuffix(AS_TEXT)
    if one is not None and comparison == "==" and text.endswith(".*") and (prefix := _version(text[:-2])) is not None:
        length = len(prefix.release)
        return (one.epoch, (*one.release, *(0,) * length)[:length]) == (prefix.epoch, prefix.release)
    other = _version(text)
    sides = (one, other) if one is not None and other is not None else (word, text)
    if comparison == "==":
        return bool(sides[0] == sides[1])
    return bool(sides[0] >= sides[1] if comparison == ">=" else sides[0] <= sides[1])  # type: ignore[operator]


def questions(operator: str, text: str) -> tuple[Question, ...]:
    """What an operator of a marker asks, all but ``in`` and ``not in``."""
    if operator == "~=":
        prefix = text.rpartition(".")[0]
        return ((">=", text), ("==", f"{prefix}.*")) if prefix else ()
    bare, by_letters = operator.removesuffix(AS_TEXT), AS_TEXT if operator.endswith(AS_TEXT) else ""
    return (({"!=": "==", "===": "==", "<": ">=", ">": "<="}.get(bare, bare) + by_letters, text),)


def holds(value: str, operator: str, text: str) -> bool:
    """Whether a value compares so with a text; the operator is any but ``in`` and ``not in``."""
    asked = questions(operator, text)
    found = bool(asked) and all(compares(value, *question) for question in asked)
    return found != (operator.removesuffix(AS_TEXT) in ("!=", "<", ">"))


def telling_values(asked: Iterable[Question]) -> tuple[str, ...]:
    """Values of which each gives other answers to these questions, and that give all there are.

    Only final releases are looked at among the versions: those that are named, the ones next to them, and 0. What is no
    version lies before, at, or right behind one of the texts. As a string a version may lie anywhere among the texts
    that begin with a digit, and so may any version where letters are compared.
    """
    distinct = sorted(set(asked))
    found: dict[tuple[bool, ...], str] = {}
    for value in _candidates(distinct) if distinct else [""]:
        found.setdefault(tuple(compares(value, *question) for question in distinct), value)
    return tuple(found.values())


def _candidates(asked: list[Question]) -> list[str]:
    texts, by_letters = [text for _, text in asked], {text for one, text in asked if one.endswith(AS_TEXT)}
    bounds = [bound for text in texts if (bound := _version(text.removesuffix(".*"))) is not None]
    longest = max((len(bound.release) for bound in bounds), default=1)
    releases: set[tuple[int, tuple[int, ...]]] = {(0, (0,))}
    for bound in bounds:
        releases.add((bound.epoch, bound.release))
        releases.add((bound.epoch, (*bound.release, *(0,) * (longest - len(bound.release)), 1)))
        releases |= {
            (bound.epoch, (*bound.release[:place], bound.release[place] + 1)) for place in range(len(bound.release))
        }
    versions = [f"{f'{epoch}!' if epoch else ''}{'.'.join(map(str, release))}" for epoch, release in sorted(releases)]
    ordered = sorted(set(texts))
    like = [
        f"{text}\0" for text in ordered if "0" <= text[:1] <= "9" and (text in by_letters or _version(text) is None)
    ]
    spelled = [f"{version}{_SPELLED}{word}" for version in versions for word in (["0", *like] if like else [])]
    words = ["", *(f"{text}{behind}" for text in ordered for behind in ("", "!", "\0"))]
    return [*versions, *(word for word in words if word in by_letters or _version(word) is None), *spelled]
