"""Source trees on disk that build without any other package: folders, archives of them, and Git repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.standins import BACKEND, core_metadata, module
from tests.world import Dist

__all__ = ["commit", "git", "repository", "tree"]


def tree(
    folder: Path,
    name: str,
    version: str = "1.0",
    requires: Sequence[str] = (),
    *,
    extras: Mapping[str, Sequence[str]] | None = None,
    python: str = ">=3.11",
    more: str = "",
    dynamic: bool = False,
) -> Path:
    """The folder of a project; ``more`` is the rest of its ``pyproject.toml``, ``dynamic`` that only a build tells."""
    folder.mkdir(parents=True, exist_ok=True)
    extras = extras or {}
    package = name.replace("-", "_")
    stated = f"name = {name!r}\n"
    if dynamic:
        stated += 'dynamic = ["version", "dependencies", "optional-dependencies"]\n'
    else:
        stated += f"version = {version!r}\nrequires-python = {python!r}\ndependencies = {list(requires)!r}\n"
        stated += "[project.optional-dependencies]\n" + "".join(f"{e} = {list(rs)!r}\n" for e, rs in extras.items())
    lines = [*requires, *(f"{r} ; extra == '{extra}'" for extra, rs in extras.items() for r in rs)]
    told = core_metadata(name, version, Dist(tuple(lines), python, provides_extra=tuple(extras)))
    files = {
        "pyproject.toml": f"[project]\n{stated}\n"
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n{more}\n',
        "METADATA": told.decode(),
        "backend.py": BACKEND.format(stem=f"{package}-{version}", module=f"{package}.py")
        + "\n\nbuild_editable = build_wheel\nprepare_metadata_for_build_editable = prepare_metadata_for_build_wheel\n",
        f"{package}.py": module(version, "a folder").decode(),
    }
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def git(folder: Path, *command: str) -> str:
    """What git prints in a folder."""
    who = {key: "a@b.example" for role in ("AUTHOR", "COMMITTER") for key in (f"GIT_{role}_NAME", f"GIT_{role}_EMAIL")}
    nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *command], cwd=folder, env={**os.environ, **who, **nothing}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(folder: Path, *, tag: str = "") -> str:
    """Makes a folder a repository with one commit, and returns its URL."""
    git(folder, "init", "--quiet", "--initial-branch=main", ".")
    commit(folder)
    if tag:
        git(folder, "tag", "-a", "-m", tag, tag)
    return folder.as_uri()


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "HEAD")
