"""The property *installable*: everything that is installed has a file for the environment.

A source distribution, and what comes from a folder or a repository, installs anywhere. A wheel installs where its tags
say, read for what markers can tell: versions of libc and macOS are left out, and free-threaded builds of Python are
not meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from satlock.encoder.markers import platforms
from satlock.encoder.markers.tags import Fit, fits_of
from satlock.encoder.project.values import first_line, shown
from satlock.solver.lockfiles.markers import condition_of
from satlock.solver.lockfiles.model import Entry, LockfileError, comparisons
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.proofs.environments import Axes
from satlock.solver.proofs.further import prove_entries, with_note
from satlock.solver.proofs.obligation import Obligation
from satlock.solver.proofs.unique import Proof, refuse_followed

__all__ = ["COMMON", "fitting", "prove_installable"]

_MACHINES = " or ".join(
    f"sys_platform == '{system}' and platform_machine == '{machine}'" for system, machine in platforms.COMMON
)
COMMON = (
    f"implementation_name == 'cpython' and python_version >= '3.{platforms.PYTHONS[0][1]}' and "
    f"python_version < '3.{platforms.PYTHONS[-1][1] + 1}' and ({_MACHINES})"
)
"""The common platforms, as a marker."""


_BUILDS = re.compile(r"\.(zip|tar|tar\.\w+|tgz|tbz2?|txz|tlz)$", re.IGNORECASE)
"""Ends of the names of source distributions; what is called otherwise (``.egg``, ``.exe``) nobody installs any more."""


def prove_installable(reading: Reading, environments: str = "common") -> Proof:
    """Decides for each package whether an environment that meets the marker installs an entry without a file.

    Raises:
        LockfileError: where ``environments`` is no marker, or the lock does not tell enough.
    """
    refuse_followed(reading, "--installable")
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
    fits: dict[int, tuple[Fit, ...]] = {}
    for name, entries in reading.lockfile.named().items():
        suspects[name] = []
        for entry in entries:
            if _needs_wheel(entry, reading.lockfile.kind):
                fits[entry.number] = tuple(
                    dict.fromkeys(fit for file in entry.files if file.endswith(".whl") for fit in fits_of(file))
                )
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
        confirms=lambda entry, here: not any(_admits(fit, here.value) for fit in fits[entry.number]),
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
    return [file for file in found if any(_admits(fit, variables.__getitem__) for fit in fits_of(file))]


def _note(entry: Entry) -> str:
    if not entry.files:
        return "the lock has no file for it at all"
    return f"none of its {len(entry.files)} files fits, e.g. {entry.files[0][:120]}"


def _needs_wheel(entry: Entry, kind: str) -> bool:
    if entry.builds or not entry.files:
        # Poetry and PDM locks need not list files; what they leave out says nothing.
        return not entry.builds and kind in ("uv", "pylock") and entry.source.kind in ("registry", "index")
    return not any(map(_BUILDS.search, entry.files))


def _admits(fit: Fit, value: Callable[[str], str]) -> bool:
    major, minor = value("python_version").split(".")
    running, system = value("implementation_name"), value("sys_platform")
    return fit.admits((int(major), int(minor)), running, system, value("platform_machine"))


def _outside(obligation: Obligation, fit: Fit) -> list[int]:
    """Literals one of which is true where the tag does not fit."""
    axes: Axes = obligation.axes
    out = [obligation.place(0, i) for i, p in enumerate(axes.pythons) if not fit.runs_on(p[:2])]
    if fit.system is not None:
        out += [obligation.place(1, i) for i, row in enumerate(axes.platforms) if row[1] != fit.system]
    if fit.implementation is not None:
        out += [obligation.place(2, i) for i, row in enumerate(axes.implementations) if row[0] != fit.implementation]
    if fit.machines is not None:
        out += [obligation.place(3, i) for i, row in enumerate(axes.machines) if row[0] not in fit.machines]
    return out
