"""Markers as ``uv.lock`` has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from packaging.markers import Marker

from satlock.encoder.project.project import Choice

__all__ = ["conjunction", "negation", "spelling_of"]


def spelling_of(package: str) -> Callable[[Choice, bool], str]:
    """How uv's markers ask for a choice, of ``package`` where it names none: ``extra == 'extra-4-test-cpu'``."""

    def spelled(choice: Choice, chosen: bool) -> str:
        name = choice.package or package
        code = f"{choice.kind}-{len(name)}-{name}" + (f"-{choice.name}" if choice.name else "")
        return f"extra {'==' if chosen else '!='} '{code}'"

    return spelled


def conjunction(*markers: str | None) -> str | None:
    """The marker that says all of these; None is the one that always holds."""
    said = list(dict.fromkeys(marker for marker in markers if marker))
    if len(said) < 2:
        return said[0] if said else None
    return " and ".join(f"({marker})" if " or " in marker else marker for marker in said)


def negation(marker: Marker) -> str:
    """The marker that holds where this one does not."""
    return _denied(marker._markers)


_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in",
              "===": "!="}  # fmt: skip


def _denied(items: Any) -> str:
    alternatives: list[list[str]] = [[]]
    for item in items:
        if item == "or":
            alternatives.append([])
        elif item != "and":
            alternatives[-1].append(_denied(item) if isinstance(item, list) else _opposite(item))
    parts = [" or ".join(_grouped(part) for part in parts) for parts in alternatives]
    return parts[0] if len(parts) == 1 else " and ".join(_grouped(part) for part in parts)


def _grouped(text: str) -> str:
    return f"({text})" if " or " in text or " and " in text else text


def _opposite(item: Any) -> str:
    left, operator, right = item
    if operator.value == "~=":
        prefix = right.value.rpartition(".")[0]
        return f"({left.serialize()} < '{right.value}' or {left.serialize()} != '{prefix}.*')"
    return f"{left.serialize()} {_OPPOSITES[operator.value]} {right.serialize()}"
