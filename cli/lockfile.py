"""The file that a lock is written to: what its name says of its format, and a writing that is whole or not at all."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

import click

from satlock.cli.failures import FAILED, WRONG, Ended
from satlock.corpora.regular_files import created_in, read_regular
from satlock.records import dataclass

__all__ = ["LOCKFILES", "Target", "lockfile_in", "meant_in", "target_of"]

LOCKFILES = ("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock")
"""The names of locks that are found without being named, in this order."""
_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")


@dataclass(frozen=True)
class Target:
    """Where a lock goes."""

    path: Path | None
    """None for standard output."""
    form: Literal["pylock", "uv"] = "pylock"

    def __str__(self) -> str:
        if self.path is None:
            return "standard output"
        with suppress(ValueError, OSError):
            return str(self.path.resolve().relative_to(Path.cwd()))
        return str(self.path)

    def read(self) -> str | None:
        """What the file holds; None where there is none.

        Raises Ended where it cannot be read.
        """
        if self.path is None:
            return None
        try:
            return read_regular(self.path).decode("utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Ended(WRONG, f"{self} cannot be read ({error.strerror or error}).") from None
        except UnicodeDecodeError:
            raise Ended(WRONG, f"{self} is not UTF-8 text; delete it, or replace it with --upgrade.") from None

    def write(self, text: str) -> None:
        """Write the whole file or nothing: first beside it, then in its place. Other modes and links are kept.

        Raises Ended where it cannot be written.
        """
        if self.path is None:
            if sys.stdout is None:
                raise Ended(FAILED, "Standard output is closed, so the lock cannot be written to it.")
            click.echo(text, nl=False)
            return
        target = Path(os.path.realpath(self.path))  # through a symbolic link, not in its place
        temporary = ""
        try:
            descriptor, temporary = created_in(target.parent, f".{target.name}.")
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, _mode(target))
            os.replace(temporary, target)
        except OSError as error:
            raise Ended(FAILED, f"{self} cannot be written ({error.strerror or error}).") from None
        finally:
            if temporary:
                with suppress(OSError):
                    os.unlink(temporary)  # gone already where all went well


def meant_in(folder: Path) -> tuple[Path, str | None]:
    """The lock that the project in a folder means, and its ``[tool.satlock] output``. Raises Ended."""
    from satlock.cli.which_lock import lock_meant, stated_output

    try:
        stated = stated_output(str(folder / "pyproject.toml"))
    except ValueError as error:
        raise Ended(WRONG, str(error)) from None
    except OSError:
        stated = None
    return Path(lock_meant(str(folder), stated)), stated


def lockfile_in(folder: Path) -> Path:
    """The lock of a folder, where none is named; for a member of a workspace also the ``uv.lock`` of the root.

    Raises Ended where there is none.
    """
    meant, stated = meant_in(folder)
    for lock in (meant, *(folder / name for name in LOCKFILES if stated is None)):
        if lock.is_file():
            return lock
    of_workspace = _of_workspace(folder) if stated is None else None
    if of_workspace is not None:
        return of_workspace
    where = "here" if folder == Path() else f"in {folder}"
    command = f"satlock lock{'' if folder == Path() else f' --project {shlex.quote(str(folder))}'}"
    missing = "no pylock.toml and no uv.lock" if stated is None else f"no {stated}"
    raise Ended(WRONG, f"There is {missing} {where}; name a lockfile, or write one: {command}.")


def _of_workspace(folder: Path) -> Path | None:
    from satlock.encoder.project.project import ProjectError
    from satlock.encoder.project.workspace import workspace_of

    try:
        workspace = workspace_of(folder / "pyproject.toml") if (folder / "pyproject.toml").is_file() else None
    except ProjectError:
        return None  # who reads the project says so
    lock = workspace.root.parent / "uv.lock" if workspace is not None else None
    return lock if lock is not None and lock.is_file() else None


def _mode(target: Path) -> int:
    """The mode of the file that is replaced, or that of a new file."""
    with suppress(OSError):
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def target_of(default: Path, output: str | None, form: str | None) -> Target:
    """Where ``--output`` and ``--format`` say that the lock goes; ``default`` without ``--output``.

    Raises Ended where the two do not fit, or name what is not there yet.
    """
    if output is None:
        output = str(default)
    path = None if output == "-" else Path(output)
    name = "" if path is None else path.name
    told = "uv" if name == "uv.lock" or name.endswith(".py.lock") else "pylock" if _PYLOCK.fullmatch(name) else None
    if told is not None and form is not None and told != form:
        raise Ended(WRONG, f"--output {output} is named as a {told} lock, and --format says {form}; drop one of them.")
    if told is None and form is None and path is not None:
        raise Ended(
            WRONG,
            f"--output {output} does not tell its format; name it pylock.toml, pylock.NAME.toml or uv.lock, "
            f"or add --format.",
        )
    if path is not None and path.is_dir():
        raise Ended(WRONG, f"--output {output} is a folder; name a file in it.")
    return Target(path, "uv" if (told or form) == "uv" else "pylock")
