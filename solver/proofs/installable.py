"""The property *installable*: everything that is installed has a file for the environment.

A source distribution, and what comes from a folder or a repository, installs anywhere. A wheel installs where its tags
say, read for what markers can tell: versions of libc and macOS are left out, and free-threaded builds of Python are
not meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from satlock.encoder.project.values import first_line, shown
from satlock.solver.lockfiles.markers import condition_of
from satlock.solver.lockfiles.model import Entry, LockfileError, comparisons
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.proofs.environments import Axes
from satlock.solver.proofs.further import prove_entries, with_note
from satlock.solver.proofs.obligation import Obligation
from satlock.solver.proofs.unique import Proof

__all__ = ["COMMON", "fitting", "prove_installable"]

COMMON = (
    "implementation_name == 'cpython' and python_version >= '3.9' and python_version < '3.15' and ("
    "sys_platform == 'linux' and platform_machine == 'x86_64' or "
    "sys_platform == 'linux' and platform_machine == 'aarch64' or "
    "sys_platform == 'darwin' and platform_machine == 'arm64' or "
    "sys_platform == 'win32' and platform_machine == 'AMD64')"
)
"""The common platforms, as a marker."""

_LINUX = re.compile(r"(?:many|musl)?linux(?:\d+|_\d+_\d+)?_(?P<machine>.+)")
_MACOS = re.compile(r"macosx_\d+_\d+_(?P<machine>.+)")
_WINDOWS = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64", "win_ia64": "ia64"}
_FAT = {"universal2": ("x86_64", "arm64"), "universal": ("x86_64", "i386", "ppc"), "intel": ("x86_64", "i386")}
_INTERPRETER = re.compile(r"(?P<name>py|cp|pp|graalpy)(?P<major>\d)(?P<minor>\d*)")
_ABI = re.compile(r"cp\d+m?u?")
_NAMES = {"cp": "cpython", "pp": "pypy", "graalpy": "graalpy"}


@dataclass(frozen=True)
class _Fit:
    """Where one tag of a wheel installs. None stands for anything."""

    pythons: tuple[tuple[int, int], tuple[int, int]]
    """From, and before, these minor releases."""
    implementation: str | None
    platform: str | None
    machines: tuple[str, ...] | None

    def admits(self, variables: dict[str, str]) -> bool:
        major, minor = variables["python_version"].split(".")
        return (
            self.pythons[0] <= (int(major), int(minor)) < self.pythons[1]
            and self.implementation in (None, variables["implementation_name"])
            and self.platform in (None, variables["sys_platform"])
            and (self.machines is None or variables["platform_machine"] in self.machines)
        )


def prove_installable(reading: Reading, environments: str = "common") -> Proof:
    """Decides for each package whether an environment that meets the marker installs an entry without a file.

    Raises:
        LockfileError: where ``environments`` is no marker.
    """
    text = COMMON if environments == "common" else environments
    try:
        where = condition_of(text)
    except (ValueError, RecursionError) as error:
        raise LockfileError(
            f"--installable is {shown(text)}, which is not a valid marker ({first_line(error)}); write one such as "
            "\"sys_platform == 'linux'\"."
        ) from None
    for comparison in comparisons(where):
        if comparison.variable in ("extra", "extras", "dependency_groups"):
            raise LockfileError("--installable takes a marker on the platform and the Python alone.")
    suspects: dict[str, list[Entry]] = {}
    fits: dict[int, tuple[_Fit, ...]] = {}
    for name, entries in reading.lockfile.named().items():
        suspects[name] = []
        for entry in entries:
            if _needs_wheel(entry, reading.lockfile.kind):
                fits[entry.number] = tuple(dict.fromkeys(fit for file in entry.files for fit in _fits(file)))
                suspects[name].append(entry)

    def say(obligation: Obligation, entry: Entry, wrong: int) -> None:
        for fit in fits[entry.number]:
            obligation.add((-wrong, *_outside(obligation, fit)))

    proof = prove_entries(
        reading,
        "installable",
        suspects,
        comparisons(where),
        say,
        confirms=lambda entry, point: not any(fit.admits(dict(point.variables)) for fit in fits[entry.number]),
        where=where,
        none=_outside_of(reading, environments),
        minors_apart=True,
        details={"environments": text},
    )
    return with_note(proof, lambda lockfile, answer: _note(answer.reached[0]))


def _outside_of(reading: Reading, environments: str) -> str:
    about = f"Python {reading.lockfile.requires_python}" if reading.lockfile.requires_python else "no such environment"
    which = "the common platforms" if environments == "common" else shown(environments)
    return f"--installable asks for {which}, and {reading.path.name} is for {about}: no environment is left."


def fitting(files: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """The wheels among some files that install in an environment."""
    found = [file for file in files if file.endswith(".whl")]
    return [file for file in found if any(fit.admits(dict(variables)) for fit in _fits(file))]


def _note(entry: Entry) -> str:
    if not entry.files:
        return "the lock has no file for it at all"
    return f"none of its {len(entry.files)} files fits, e.g. {entry.files[0][:120]}"


def _needs_wheel(entry: Entry, kind: str) -> bool:
    if entry.builds or not entry.files:
        # Poetry and PDM locks need not list files; what they leave out says nothing.
        return not entry.builds and kind in ("uv", "pylock") and entry.source.startswith(("registry", "index"))
    return all(file.endswith(".whl") for file in entry.files)


def _fits(file: str) -> list[_Fit]:
    parts = file.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return []
    found = []
    for interpreter in parts[-3].split("."):
        for abi in parts[-2].split("."):
            for platform in parts[-1].split("."):
                fit = _fit(interpreter, abi, platform)
                if fit is not None:
                    found.append(fit)
    return found


def _fit(interpreter: str, abi: str, platform: str) -> _Fit | None:
    found = _INTERPRETER.fullmatch(interpreter)
    place = _place(platform)
    if found is None or place is None:
        return None
    since = (int(found["major"]), int(found["minor"] or 0))
    if found["name"] == "py":
        return _Fit((since, (3, 0) if since[0] == 2 else (999, 0)), None, *place) if abi == "none" else None
    if found["name"] == "cp":
        if abi == "abi3":
            return _Fit((since, (999, 0)), "cpython", *place)
        # "cp313t" is the free-threaded build, which is another Python.
        if abi != "none" and not _ABI.fullmatch(abi):
            return None
    return _Fit((since, (since[0], since[1] + 1)), _NAMES[found["name"]], *place)


def _place(platform: str) -> tuple[str | None, tuple[str, ...] | None] | None:
    if platform == "any":
        return None, None
    if platform in _WINDOWS:
        return "win32", (_WINDOWS[platform],)
    for pattern, system in ((_LINUX, "linux"), (_MACOS, "darwin")):
        found = pattern.fullmatch(platform)
        if found:
            return system, _FAT.get(found["machine"], (found["machine"],))
    system = platform.partition("_")[0]
    return (system, None) if system in ("android", "ios", "emscripten", "wasi", "pyodide") else None


def _outside(obligation: Obligation, fit: _Fit) -> list[int]:
    """Literals one of which is true where the tag does not fit."""
    axes: Axes = obligation.axes
    out = [obligation.place(0, i) for i, p in enumerate(axes.pythons) if not fit.pythons[0] <= p[:2] < fit.pythons[1]]
    if fit.platform is not None:
        out += [obligation.place(1, i) for i, row in enumerate(axes.platforms) if row[1] != fit.platform]
    if fit.implementation is not None:
        out += [obligation.place(2, i) for i, row in enumerate(axes.implementations) if row[0] != fit.implementation]
    if fit.machines is not None:
        out += [obligation.place(3, i) for i, row in enumerate(axes.machines) if row[0] not in fit.machines]
    return out
