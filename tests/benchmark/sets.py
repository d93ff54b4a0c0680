"""What is locked: recorded projects of the corpora, generated families, and sets for the live index."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["LIVE", "Set", "live_sets", "locked_versions", "project", "recorded_sets"]

CORPORA = Path(__file__).resolve().parents[2] / "corpora"
LIVE = Path(__file__).with_name("live.toml")
"""Requirement sets for the live index."""


@dataclass(frozen=True)
class Set:
    """One project."""

    name: str
    group: str
    """``ecosystem``, ``hard``, ``family`` or ``live``."""
    text: str
    """Of its ``pyproject.toml``."""
    snapshot: Path | None = None
    """The recorded world it is locked in; None for the live index."""


def recorded_sets(families: Path) -> Iterator[Set]:
    """The committed sets, and the generated ones in a folder."""
    for group in ("ecosystem", "hard"):
        for folder in sorted((CORPORA / group).iterdir()):
            if (folder / "pyproject.toml").exists():
                yield Set(folder.name, group, _text(folder), CORPORA / group / f"{group}.snapshot")
    for folder in sorted(families.iterdir()):
        if (folder / "pyproject.toml").exists():
            yield Set(folder.name, "family", _text(folder), families / "families.snapshot")


def live_sets() -> Iterator[Set]:
    for one in tomllib.loads(LIVE.read_text(encoding="utf-8"))["set"]:
        yield Set(one["name"], "live", project(one))


def _text(folder: Path) -> str:
    return (folder / "pyproject.toml").read_text(encoding="utf-8")


def project(one: Mapping[str, Any]) -> str:
    """The project file of a live set."""
    lines = ["[project]", f'name = "benchmark-{one["name"]}"', 'version = "0"']
    lines += [f'requires-python = "{one["requires-python"]}"', f"dependencies = {json.dumps(one['dependencies'])}"]
    if "exclude-newer" in one:
        lines += ["[tool.uv]", f'exclude-newer = "{one["exclude-newer"]}"']
    return "\n".join(lines) + "\n"


def locked_versions(folder: Path, tool: str) -> dict[str, list[str]]:
    """The versions of each package in the lock of ``uv`` or ``satlock`` in a folder; nothing where there is none."""
    path = folder / ("uv.lock" if tool == "uv" else "pylock.toml")
    if not path.exists():
        return {}
    rows: Iterable[Any] = tomllib.loads(path.read_text(encoding="utf-8"))["package" if tool == "uv" else "packages"]
    found: dict[str, list[str]] = {}
    for row in rows:
        if tool == "satlock" or "registry" in row["source"]:
            found.setdefault(row["name"], []).append(row.get("version", ""))
    return found
