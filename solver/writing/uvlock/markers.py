"""Markers as ``uv.lock`` has them."""

from __future__ import annotations

from collections.abc import Callable

from satlock.encoder.markers.structure import Asked, Marker, folded
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
    return folded(marker, _opposite, lambda parts: _joined(" or ", parts), lambda parts: _joined(" and ", parts))


_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in",
              "===": "!="}  # fmt: skip


def _joined(word: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else word.join(map(_grouped, parts))


def _grouped(text: str) -> str:
    return f"({text})" if " or " in text or " and " in text else text


def _opposite(asked: Asked) -> str:
    if asked.operator == "~=":
        prefix = asked.text.rpartition(".")[0]
        return f"({asked.left} < '{asked.text}' or {asked.left} != '{prefix}.*')"
    return f"{asked.left} {_OPPOSITES[asked.operator]} {asked.right}"
