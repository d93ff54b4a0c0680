"""What is compared: projects, with what is known of them beforehand."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from corpora.compare.asked import asked_by

__all__ = ["Case", "CaseError", "read_cases"]


class CaseError(Exception):
    """A project cannot be compared (exit code 2); the message is one sentence."""


@dataclass(frozen=True)
class Case:
    """One project. A ``case.toml`` beside its ``pyproject.toml`` may tell more than the name."""

    name: str
    pyproject: str
    kind: str = "project"
    """``project``, ``ecosystem``, ``hard``, ``torch`` or ``family``."""
    family: str = ""
    """Of generated ones: what they have in common."""
    size: int = 0
    """Of generated ones: the knob of their family."""
    satisfiable: bool | None = None
    """Whether a lock exists, where this is known for certain."""
    source: str = ""
    """Where it was seen."""


def read_cases(folders: Iterable[Path]) -> list[Case]:
    """The projects in folders; their names are those of the folders, and unique.

    Raises CaseError.
    """
    cases: dict[str, Case] = {}
    for folder in folders:
        path = folder if folder.name == "pyproject.toml" else folder / "pyproject.toml"
        try:
            text = path.read_text(encoding="utf-8")
            asked_by(text)
            told = path.with_name("case.toml")
            more = tomllib.loads(told.read_text(encoding="utf-8")) if told.is_file() else {}
            case = Case(path.resolve().parent.name, text, **more)
        except OSError as error:
            raise CaseError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CaseError(f"{path} is not a project that can be compared: {error}.") from None
        if case.name in cases:
            raise CaseError(f"Two projects are in folders named {case.name}; give each a name of its own.")
        cases[case.name] = case
    return list(cases.values())
