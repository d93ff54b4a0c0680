"""Markers for the checker: its own parser, and its own idea of when they hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from satlock.solver.checking import ordered

__all__ = [
    "ALWAYS",
    "NEVER",
    "AllOf",
    "AnyOf",
    "Bad",
    "Condition",
    "Is",
    "Switch",
    "both",
    "either",
    "holds",
    "leaves",
    "is_opaque",
    "opaque_name",
    "parse",
    "plain",
    "replaced",
    "version_test",
]


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Bad(Exception):
    """The lockfile or the certificate is not what it should be; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Is:
    """A marker variable compared with a text."""

    variable: str
    operator: str
    text: str
    backwards: bool = False
    """The text stands on the left."""

    @property
    def turned(self) -> str:
        """The operator with the variable on the left."""
        return _TURNED.get(self.operator, self.operator) if self.backwards else self.operator


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether something is chosen or active."""

    name: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Condition, ...]


Condition: TypeAlias = Is | Switch | AllOf | AnyOf
ALWAYS = AllOf(())
NEVER = AnyOf(())


def plain(name: str) -> str:
    """A name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_plain(name: str) -> bool:
    """Whether it is a name of a package, an extra or a group in its normal form: it has no mark or blank in it."""
    return re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) is not None


def both(*parts: Condition) -> Condition:
    """The conjunction, without conjunctions inside it."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,))]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def either(*parts: Condition) -> Condition:
    """The disjunction, without disjunctions inside it."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AnyOf) else (part,))]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def replaced(condition: Condition, leaf: Callable[[Is], Condition]) -> Condition:
    """The condition with ``leaf`` applied to each comparison."""
    if isinstance(condition, Is):
        return leaf(condition)
    if isinstance(condition, Switch):
        return condition
    join = both if isinstance(condition, AllOf) else either
    return join(*(replaced(part, leaf) for part in condition.parts))


_TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<text>'[^']*'|"[^"]*")|(?P<op>===|~=|==|!=|<=|>=|<|>|not\s+in\b|in\b)"""
    r"""|(?P<word>[A-Za-z_][A-Za-z0-9_.]*))"""
)
_ALIASES = {
    "os.name": "os_name", "sys.platform": "sys_platform", "platform.version": "platform_version",
    "platform.machine": "platform_machine", "python_implementation": "platform_python_implementation",
    "platform.python_implementation": "platform_python_implementation",
}  # fmt: skip
_VARIABLES = frozenset((
    "python_version", "python_full_version", "os_name", "sys_platform", "platform_system", "platform_machine",
    "implementation_name", "platform_python_implementation", "extra", "extras", "dependency_groups", *ordered.VARIABLES,
))  # fmt: skip
_DEEPEST = 50


def parse(text: Any, leaf: Callable[[Is], Condition] = lambda found: found) -> Condition:
    """The condition that a marker states, with ``leaf`` applied to each comparison."""
    if not isinstance(text, str):
        raise Bad("the lockfile has a marker that is no string")
    return replaced(_parsed(text), leaf)


@lru_cache(maxsize=65536)
def _parsed(text: str) -> Condition:
    tokens: list[tuple[str, str]] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise Bad(f"the lockfile has the marker {text[:60]!r}, which cannot be read")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        place = found.end()
    tokens.reverse()
    condition = _alternatives(tokens, 0)
    if tokens:
        raise Bad(f"the lockfile has the marker {text[:60]!r}, which cannot be read")
    return condition


def _alternatives(tokens: list[tuple[str, str]], depth: int) -> Condition:
    if depth > _DEEPEST + 1:
        raise Bad("the lockfile has a marker that is nested too deeply")
    found = [_conjunction(tokens, depth)]
    while tokens and tokens[-1] == ("word", "or"):
        tokens.pop()
        found.append(_conjunction(tokens, depth))
    return either(*found)


def _conjunction(tokens: list[tuple[str, str]], depth: int) -> Condition:
    found = [_one(tokens, depth)]
    while tokens and tokens[-1] == ("word", "and"):
        tokens.pop()
        found.append(_one(tokens, depth))
    return both(*found)


def _one(tokens: list[tuple[str, str]], depth: int) -> Condition:
    if tokens and tokens[-1] == ("bracket", "("):
        tokens.pop()
        found = _alternatives(tokens, depth + 1)
        if not tokens or tokens.pop() != ("bracket", ")"):
            raise Bad("the lockfile has a marker whose brackets do not match")
        return found
    if len(tokens) < 3:
        raise Bad("the lockfile has a marker that ends too early")
    left, op, right = tokens.pop(), tokens.pop(), tokens.pop()
    if op[0] != "op" or {left[0], right[0]} != {"word", "text"}:
        raise Bad("the lockfile has a marker that compares nothing")
    word, quoted = (left, right) if left[0] == "word" else (right, left)
    variable = _ALIASES.get(word[1], word[1])
    if variable not in _VARIABLES:
        raise Bad(f"the lockfile has a marker on {variable[:40]!r}, which is none")
    try:
        text = str(ast.literal_eval(quoted[1]))
    except (ValueError, SyntaxError):
        raise Bad("the lockfile has a marker with a broken string") from None
    if variable in ("extra", "extras", "dependency_groups"):
        text = plain(text)
    return Is(variable, " ".join(op[1].split()), text, left[0] == "text")


def leaves(condition: Condition) -> Iterator[Is]:
    """Every comparison in a condition."""
    if isinstance(condition, Is):
        yield condition
    elif isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from leaves(part)


def opaque_name(leaf: Is) -> tuple[str, bool]:
    """The name of an opaque question, and whether the comparison asks it or its opposite."""
    asked = {"!=": "==", "not in": "in"}.get(leaf.operator, leaf.operator)
    text = f"'{leaf.text}'"
    shown = f"{text} {asked} {leaf.variable}" if leaf.backwards else f"{leaf.variable} {asked} {text}"
    return f"opaque {shown}", asked == leaf.operator


def is_opaque(leaf: Is) -> bool:
    """Whether nothing tells what the comparison comes to: these variables may have any text in them."""
    return leaf.variable in ordered.VARIABLES and leaf.operator in ("in", "not in")


_VERSION = re.compile(
    r"v?(?:0!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?P<pre>[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?"
    r"(?P<post>(?:-\d+)|(?:[-_.]?(?:post|rev|r)[-_.]?\d*))?(?P<dev>[-_.]?dev[-_.]?\d*)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=65536)
def version_test(op: str, text: str, value: str) -> bool:
    """Whether a final release of Python compares so with a version (PEP 440); what is no version is only unequal."""
    wrong = op == "!="
    text = text.strip()
    if op == "===":
        return value.lower() == text.lower() if text and not re.search(r"[\s;)]", text) else wrong
    wild = text.endswith(".*")
    found = _VERSION.fullmatch(text.removesuffix(".*") if wild else text)
    if found is None or (wild and (op not in ("==", "!=") or found["dev"])):
        return wrong
    release = [int(part) for part in found["release"].split(".")]
    mine = [int(part) for part in value.split(".")]
    if wild:
        if found["pre"] or found["post"]:
            return wrong
        return (_fit(mine, len(release)) == release) == (op == "==")
    # Before the final release of that number (-1), it (0), or after it (1).
    shift = -1 if found["pre"] or (found["dev"] and not found["post"]) else 1 if found["post"] else 0
    width = max(len(mine), len(release))
    one, two = (_fit(mine, width), 0), (_fit(release, width), shift)
    if op == "~=":
        if len(release) < 2:
            return wrong
        return one >= two and _fit(mine, len(release) - 1) == release[:-1]
    return {"==": one == two, "!=": one != two, "<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[op]


def _fit(numbers: list[int], width: int) -> list[int]:
    return (numbers + [0] * width)[:width]


def holds(leaf: Is, value: str) -> bool:
    """Whether a comparison holds where its variable has this value."""
    op, text = leaf.operator, leaf.text
    if op in ("in", "not in"):
        inside = text in value if leaf.backwards else value in text
        return inside == (op == "in")
    if leaf.variable in ("python_version", "python_full_version"):
        return version_test(leaf.turned, text, value)
    if leaf.variable in ordered.VARIABLES:
        return ordered.compared(value, leaf.turned, text)
    if op == "!=":
        return value != text
    return value == text and op in ("==", "===", "<=", ">=")
