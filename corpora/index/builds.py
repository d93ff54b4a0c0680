"""Metadata by a PEP 517 build, for source distributions that cannot tell it otherwise.

A build runs code of strangers, so it runs in a process of its own: what it prints stays away from the terminal,
and when it takes too long it ends with everything it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import tarfile

__all__ = ["BuildError", "Process", "end_builds", "metadata_by_build", "metadata_of_tree", "unpack_sdist"]

Process: TypeAlias = "subprocess.Popen[bytes]"

_TIMEOUT = 600.0
_LARGEST_ARCHIVE = 4 << 30
"""Bytes, unpacked."""
_LARGEST_METADATA = 32 << 20


class BuildError(Exception):
    """No metadata came out; the text is one clause for a person."""


def metadata_by_build(
    archive: IO[bytes],
    filename: str,
    *,
    timeout: float = _TIMEOUT,
    environment: Mapping[str, str] | None = None,
    running: set[Process] | None = None,
) -> bytes:
    """The METADATA that the backend of a source distribution makes (PEP 517), in an isolated environment.

    ``timeout`` is in seconds, for everything together; ``environment`` adds variables (such as the index that the
    requirements of the build come from); ``running`` holds the process while it runs, for :func:`end_builds` from
    another thread. Raises BuildError.
    """
    with tempfile.TemporaryDirectory(prefix="satlock-build-", ignore_cleanup_errors=True) as scratch:
        source = unpack_sdist(archive, filename, Path(scratch, "source"))
        return metadata_of_tree(source, timeout=timeout, environment=environment, running=running)


def metadata_of_tree(
    source: Path,
    *,
    timeout: float = _TIMEOUT,
    environment: Mapping[str, str] | None = None,
    running: set[Process] | None = None,
) -> bytes:
    """As :func:`metadata_by_build` for a folder with the sources of a project, where the build runs in place."""
    with tempfile.TemporaryDirectory(prefix="satlock-build-", ignore_cleanup_errors=True) as scratch:
        output = Path(scratch, "metadata")
        log = Path(scratch, "log")
        worker = Path(__file__).with_name("build_worker.py")
        # -P: the folder of the worker is not where it imports from.
        command = [sys.executable, "-P", str(worker), str(source), str(output), _installer()]
        variables = {**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"}
        _run(command, log, timeout, variables, set() if running is None else running)
        found = output / "METADATA"
        try:
            if found.stat().st_size > _LARGEST_METADATA:
                raise BuildError("its build made metadata that is too large")
            return found.read_bytes()
        except OSError:
            raise BuildError("its build made no metadata") from None


def unpack_sdist(archive: IO[bytes], filename: str, folder: Path) -> Path:
    """Unpack into ``folder``; the top folder of the source distribution. Raises BuildError."""
    import tarfile
    import zipfile

    folder.mkdir(parents=True)
    try:
        if filename.endswith(".zip"):
            with zipfile.ZipFile(archive) as packed:
                if sum(info.file_size for info in packed.infolist()) > _LARGEST_ARCHIVE:
                    raise BuildError("its archive is too large to unpack")
                packed.extractall(folder)  # zipfile itself keeps members inside the folder
        else:
            with tarfile.open(fileobj=archive, mode="r:*") as unpacked:
                total = 0
                for member in unpacked:
                    total += member.size
                    if total > _LARGEST_ARCHIVE:
                        raise BuildError("its archive is too large to unpack")
                    _extract(unpacked, member, folder)
    except BuildError:
        raise
    except Exception as error:  # tarfile, gzip, zlib and zipfile raise many kinds for hostile bytes
        raise BuildError(f"its archive cannot be unpacked ({type(error).__name__})") from None
    inside = [entry for entry in folder.iterdir() if entry.name != "pax_global_header"]
    if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink():
        raise BuildError("its archive does not hold one folder")
    return inside[0]


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Nothing outside of the folder, no devices, no links that lead out (PEP 706). Raises BuildError."""
    import tarfile

    outside = BuildError("its archive holds a file that would land outside of its folder")
    if hasattr(tarfile, "data_filter"):
        try:
            archive.extract(member, folder, filter="data")
        except tarfile.FilterError:
            raise outside from None
        return
    # Python before 3.11.4 has no filters.
    target = folder / member.name
    named = [target]
    if member.issym() or member.islnk():
        named.append((target.parent if member.issym() else folder) / member.linkname)
    if member.isdev() or not all(path.resolve().is_relative_to(folder.resolve()) for path in named):
        raise outside
    archive.extract(member, folder, set_attrs=False)


def _installer() -> str:
    """uv where there is one (it is much faster), else pip."""
    import shutil
    from importlib.util import find_spec

    return "uv" if find_spec("uv") is not None or shutil.which(os.environ.get("UV") or "uv") else "pip"


def end_builds(running: set[Process]) -> None:
    """End builds that other threads wait for; there they fail."""
    for process in list(running):
        _end(process)


def _run(command: list[str], log: Path, timeout: float, environment: Mapping[str, str], running: set[Process]) -> None:
    group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=environment, **group
        )
        running.add(process)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise BuildError(f"its build took longer than {timeout:.0f} seconds") from None
        finally:
            _end(process)
            running.discard(process)
    if code != 0:
        raise BuildError(f"its build failed: {_reason(log, code)}")


def _end(process: Process) -> None:
    """End the process and everything it started, also what it left behind."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _reason(log: Path, code: int) -> str:
    """The line of the output that most likely says why: the worker's own summary, else the last error."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()[-2000:] if line.strip()]
    summary = next((line[len(_MARK) :].strip() for line in reversed(lines) if line.startswith(_MARK)), "")
    errors = [line for line in lines if line.lower().startswith(("error:", "fatal error:")) or "Error: " in line]
    said = (errors[-1] if errors else "") or summary or (lines[-1] if lines else f"it ended with {code}")
    return said[:300]


_MARK = "satlock-build-failed:"
