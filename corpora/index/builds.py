"""Metadata by a PEP 517 build, for source distributions that cannot tell it otherwise.

A build runs code of strangers, so it runs in a process of its own: what it prints stays away from the terminal,
and when it takes too long it ends with everything it started. What it needs comes from the project's indexes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from satlock.corpora.index.building import Building
from satlock.corpora.index.failed_build import BuildError, BuildForbidden, failure_of
from satlock.corpora.index.installers import installer_for, uv_installs
from satlock.corpora.index.interpreters import version_of
from satlock.corpora.index.scratch import Process, end, folders, scratch, working
from satlock.corpora.index.unpacking import unpack_sdist

if TYPE_CHECKING:
    from satlock.corpora.index.build_shelf import Reading

__all__ = ["Builder"]

_TIMEOUT = 600.0
_LARGEST_METADATA = 32 << 20


class Builder:
    """Builds for one project. Every method may be called from any thread; ``timeout`` is in seconds, for one build."""

    def __init__(
        self,
        building: Building | None = None,
        *,
        offline: bool = False,
        timeout: float = _TIMEOUT,
        reading: Reading | None = None,
    ) -> None:
        """``reading``: how the indexes of ``building`` are read, where there are any."""
        self.building = building or Building()
        self._reading = reading
        self._offline = offline
        self._timeout = timeout
        self.running: set[Process] = set()
        """Builds that run now."""

    def of_archive(
        self, archive: IO[bytes], filename: str, name: str | None = None, admitted: str | None = None
    ) -> bytes:
        """The METADATA that the backend of a source distribution makes (PEP 517).

        Args:
            name: the package, by which the project may say more of its build.
            admitted: its Requires-Python, where the index tells it.

        Raises BuildError.
        """
        with scratch("build") as folder:
            return self._built(unpack_sdist(archive, filename, folder / "source"), name, admitted, folder)

    def of_tree(self, source: Path, name: str | None = None, admitted: str | None = None) -> bytes:
        """As :meth:`of_archive` for a folder with the sources of a project, where the build runs in place."""
        with scratch("build") as folder:
            return self._built(source, name, admitted, folder)

    def permit(self, source: Path) -> None:
        """Raises BuildForbidden where the project allows no build of a folder with sources that is not its own."""
        if self.building.forbids(_stated(source)[0]):
            raise BuildForbidden("only a build tells what it requires, and no-build allows none")

    def end(self) -> None:
        """End builds that other threads wait for; there they fail."""
        for process in list(self.running):
            end(process)

    def _built(self, source: Path, name: str | None, admitted: str | None, folder: Path) -> bytes:
        from satlock.corpora.index.interpreters import NoPython, interpreter_for

        own_name, own_pythons = _stated(source)
        name, admitted = name or own_name, admitted or own_pythons
        shared = self.building.is_shared(name)
        try:
            python = interpreter_for(self.building, admitted)
        except NoPython as none:
            raise BuildError(f"it cannot be built: {none}") from None
        output = folder / "metadata"
        for made in (output, folder / "install"):
            made.mkdir()
        asked: dict[str, Any] = {
            "source": str(source),
            "output": str(output),
            "folder": str(folder / "install"),
            "environment": str(folder / "environment"),
            "python": python,
            "isolated": not shared,
            "extra": list(self.building.extra.get(name or "", ())),
            "constraints": list(self.building.constraints),
            "settings": self.building.settings_for(name),
            "variables": dict(self.building.variables.get(name or "", {})),
            "scratch": folders(),
        }
        if shared:
            self._worked(asked, folder)
        elif self._reading is None or not self.building.places or uv_installs():
            self._worked({**asked, "installer": installer_for(self.building, "", offline=self._offline)}, folder)
        else:
            self._with_pip(asked, folder, self._reading)
        try:
            found = output / "METADATA"
            if found.stat().st_size > _LARGEST_METADATA:
                raise BuildError("its build made metadata that is too large")
            return found.read_bytes()
        except OSError:
            raise BuildError("its build made no metadata") from None

    def _with_pip(self, asked: dict[str, Any], folder: Path, reading: Reading) -> None:
        from satlock.corpora.index.build_shelf import BuildShelf

        with BuildShelf(self.building, reading, str(version_of(asked["python"]))) as shelf:
            installer = installer_for(self.building, shelf.url, offline=self._offline)
            failed: BuildError | None = None
            try:
                self._worked({**asked, "installer": installer}, folder)
            except BuildError as error:
                failed = error
            if shelf.failure:
                raise BuildError(f"what its build needs cannot be installed: {shelf.failure}")
            if failed is not None:
                raise failed

    def _worked(self, asked: dict[str, Any], folder: Path) -> None:
        request = folder / "request.json"
        request.write_text(json.dumps(asked), encoding="utf-8")
        worker = Path(__file__).with_name("build_worker.py")
        # -P: the folder of the worker is not where it imports from.
        self._run([sys.executable, "-P", str(worker), str(request)], folder)

    def _run(self, command: list[str], folder: Path) -> None:
        log = folder / "log"
        group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
        temporary = folder / "tmp"
        temporary.mkdir()
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        variables = {**os.environ, **places, "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.STDOUT, env=variables, **group
            )
            self.running.add(process)
            try:
                with working(process, folder):
                    code = process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                raise BuildError(f"its build took longer than {self._timeout:.0f} seconds") from None
            finally:
                self.running.discard(process)
                assert process.stdin is not None
                process.stdin.close()
        if code != 0:
            raise failure_of(log, code)


def _stated(source: Path) -> tuple[str | None, str | None]:
    """The name and the Pythons that a source tree states."""
    import tomllib

    from satlock.corpora.names import canonicalize_name

    try:
        project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
        name, pythons = project.get("name"), project.get("requires-python")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, None
    return (
        canonicalize_name(name) if isinstance(name, str) else None,
        pythons if isinstance(pythons, str) else None,
    )
