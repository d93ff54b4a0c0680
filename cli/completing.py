"""What a shell completes besides options and files: the extras, groups and packages of the project in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

__all__ = ["extras", "groups", "packages"]


def extras(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The extras of the project."""
    project = _tables(_folder(ctx) / "pyproject.toml").get("project", {})
    return _starting(project.get("optional-dependencies", {}), incomplete)


def groups(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The dependency groups of the project."""
    return _starting(_tables(_folder(ctx) / "pyproject.toml").get("dependency-groups", {}), incomplete)


def packages(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of the packages in the lock."""
    return _starting(dict.fromkeys(_locked(ctx)), incomplete)


def _locked(ctx: click.Context) -> Iterator[str]:
    from satlock.cli.lockfile import LOCKFILES

    named = ctx.params.get("lockfile")
    paths = [Path(str(named))] if named else [_folder(ctx) / name for name in LOCKFILES]
    path = next((path for path in paths if path.is_file()), None)
    tables = _tables(path) if path is not None else {}
    for package in tables.get("packages") or tables.get("package") or ():
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            yield package["name"]


def _folder(ctx: click.Context) -> Path:
    stated = ctx.params.get("project")
    path = Path(str(stated)) if stated else Path()
    return path if path.is_dir() else path.parent


def _tables(path: Path) -> dict[str, Any]:
    """The tables of a file; none where it cannot be read, since nobody reads what a completion says."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _starting(names: Any, incomplete: str) -> list[str]:
    known = sorted(map(str, names)) if isinstance(names, dict) else []
    return [name for name in known if name.startswith(incomplete) and name.isprintable()]
