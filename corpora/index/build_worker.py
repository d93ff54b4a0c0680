"""Run as a script in a process of its own: make the metadata of a source tree, as the file REQUEST says.

It imports nothing of satlock, so that where it lies is no matter to it. The line that tells why it failed begins with
``satlock-build-failed:`` and the stage: ``environment`` while what the build needs is installed, ``backend`` after it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

MARK = "satlock-build-failed:"


def main(request: Mapping[str, Any]) -> None:
    """Build in the environment that the request describes."""
    import build

    stage("environment")
    environment = Environment(request)
    stage("backend")
    builder = build.ProjectBuilder(request["source"], environment.python, environment.run)
    stage("environment")
    environment.install([*builder.build_system_requires, *request["extra"]])
    settings = request["settings"]
    stage("backend")
    further = builder.get_requires_for_build("wheel", settings)
    stage("environment")
    environment.install(further)
    stage("backend")
    found = builder.prepare("wheel", os.path.join(request["output"], "all"), settings)
    if found is None:
        wheel = builder.build("wheel", os.path.join(request["output"], "wheel"), settings)
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            names = [name for name in names if name.count("/") == 1]
            if len(names) != 1:
                raise ValueError("the wheel that it built holds no metadata")
            data = archive.read(names[0])
        with open(os.path.join(request["output"], "METADATA"), "wb") as file:
            file.write(data)
    else:
        shutil.copyfile(os.path.join(found, "METADATA"), os.path.join(request["output"], "METADATA"))


class Environment:
    """Where the backend runs: a virtual environment of its own, or the project's."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._request = request
        self._isolated: bool = request["isolated"]
        self._installed: set[str] = set()
        self.python: str = request["python"]
        if self._isolated:
            folder = request["environment"]
            self._create(folder)
            windows = sys.platform == "win32"
            self._scripts = os.path.join(folder, "Scripts" if windows else "bin")
            self.python = os.path.join(self._scripts, "python.exe" if windows else "python")
        else:
            self._scripts = os.path.dirname(self.python)

    def run(self, cmd: Iterable[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        """Run a hook of the backend."""
        path = os.pathsep.join(filter(None, (self._scripts, os.environ.get("PATH"))))
        own = {"PATH": path, "PYTHONNOUSERSITE": "1"} if self._isolated else {"PATH": path}
        environment = {**os.environ, **self._request["variables"], **own, **(extra_environ or {})}
        for name in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__") if self._isolated else ():
            environment.pop(name, None)
        subprocess.run([*cmd], cwd=cwd, env=environment, check=True)

    def install(self, requirements: Iterable[str]) -> None:
        """Install what is not yet there."""
        wanted = sorted(set(requirements) - self._installed)
        if not wanted or not self._isolated:
            return
        self._installed.update(wanted)
        installer = self._request["installer"]
        folder = self._request["folder"]
        with open(os.path.join(folder, "requirements.txt"), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self._request["constraints"])
        constraints = ["-c", "requirements.txt"] if self._request["constraints"] else []
        kept = {name: value for name, value in os.environ.items() if name not in installer["without"]}
        environment = {**kept, **installer["variables"]}
        if installer["kind"] == "uv":
            with open(os.path.join(folder, "pyproject.toml"), "w", encoding="utf-8") as file:
                file.write(installer["project"].replace("'REQUIREMENTS'", ", ".join(map(json.dumps, wanted))))
            command = [installer["uv"], "pip", "install", "--quiet", "--python", self.python, *constraints]
            command += ["-b", "requirements.txt"] if constraints else []
            command += [*installer["options"], "-r", "pyproject.toml"]
        else:
            command = [*self._pip(), "install", "--quiet", "--no-input", "--disable-pip-version-check"]
            command += [*constraints, *installer["options"], *wanted]
        subprocess.run(command, cwd=folder, env=environment, check=True)

    def _create(self, folder: str) -> None:
        installer = self._request["installer"]
        if installer["kind"] == "uv":
            command = [
                installer["uv"],
                "venv",
                "--quiet",
                "--no-project",
                "--no-config",
                "--python",
                self.python,
                folder,
            ]
        else:
            command = [self.python, "-I", "-m", "venv", *([] if installer["own"] else ["--without-pip"]), folder]
        subprocess.run(command, check=True)

    def _pip(self) -> list[str]:
        if self._request["installer"]["own"]:
            return [self.python, "-m", "pip"]
        return [sys.executable, "-m", "pip", "--python", self.python]


_stage = "backend"


def stage(name: str) -> None:
    """Say how far the build is, for the line that tells why it failed."""
    global _stage  # noqa: PLW0603
    _stage = name


def die_with_parent(folders: list[str]) -> None:
    """End everything when the pipe from the parent closes: then it has ended without an end to this build."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # no backend is to read from the pipe
    os.close(nothing)

    def wait() -> None:
        while os.read(pipe, 1):
            pass
        if sys.platform == "win32":
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            os._exit(1)
        group = os.getpgrp()
        if os.fork() == 0:
            os.setsid()
            os.killpg(group, signal.SIGKILL)
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        asked = json.load(file)
    die_with_parent(asked["scratch"])
    try:
        main(asked)
    except Exception as error:
        cause = getattr(error, "exception", None)  # a backend that cannot be imported says why in a traceback
        output = getattr(cause, "traceback", None)
        if output:
            print(output)
        print(f"{MARK} {_stage}: {' '.join(str(error).split()) or type(error).__name__}", flush=True)
        sys.exit(1)
