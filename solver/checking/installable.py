"""The obligation of *installable*, written down a second time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from satlock.solver.checking.environments import Cells, Row, cells_of
from satlock.solver.checking.further import Asked, Goals, suspected
from satlock.solver.checking.markers import Bad, leaves, parse
from satlock.solver.checking.walk import Here

__all__ = ["fits", "installable_goals"]


_BUILDS = re.compile(r"\.(zip|tar|tar\.\w+|tgz|tbz2?|txz|tlz)$", re.IGNORECASE)
"""Ends of the names of source distributions; what is called otherwise is no file that anybody installs."""


def installable_goals(asked: Asked) -> Goals:
    """One goal for each name: an entry without a file that fits is reached in an environment that is asked about.

    Raises:
        Bad: where the claims are not those of the lockfile, or the environments are none.
    """
    asked.claimed()
    where = parse(asked.environments)
    if any(leaf.variable in ("extra", "extras", "dependency_groups") for leaf in leaves(where)):
        raise Bad("the environments of the certificate ask for more than a Python and a platform")
    suspects: dict[str, list[int]] = {}
    for number, entry in enumerate(asked.lock.entries):
        mine = suspects.setdefault(entry.name, [])
        listed = asked.lock.kind in ("uv", "pylock") and entry.source.kind in ("registry", "index")
        wheels = not any(map(_BUILDS.search, entry.files)) if entry.files else listed
        if wheels and not entry.builds:
            mine.append(number)
    suspects = dict(sorted(suspects.items()))
    cells = cells_of([*asked.comparisons(), *leaves(where)], asked.lock.python, minors_apart=True)
    clauses, goals = suspected(asked, cells, suspects)
    clauses.imply([], where, "asked")
    misfits = {
        number: [outside for file in asked.lock.entries[number].files for outside in _misfits(file, cells)]
        for numbers in suspects.values() for number in numbers
    }  # fmt: skip
    for number, tags in misfits.items():
        wrong = -clauses.number(f"wrong entry {number}")
        for outside in tags:
            clauses.say([wrong, *(clauses.place(axis, row) for axis, row in outside)])

    def guilty(name: str, reached: set[str], here: Here) -> bool:
        mine = [misfits[number] for number in suspects[name] if str(number) in reached]
        return any(all(any(here.at(axis, row) for axis, row in outside) for outside in tags) for tags in mine)

    return Goals(clauses, goals, guilty, where)


def fits(file: str, variables: Mapping[str, str]) -> bool:
    """Whether a file can be installed in one environment; what is no wheel can be built."""
    v = variables
    here = Cells({
        "python": [(v["python_version"], v["python_full_version"])],
        "platform": [(v["os_name"], v["sys_platform"], v["platform_system"])],
        "implementation": [(v["implementation_name"], v["platform_python_implementation"])],
        "machine": [(v["platform_machine"],)],
    })  # fmt: skip
    return not file.endswith(".whl") or any(not outside for outside in _misfits(file, here))


_MACHINE_OF = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64", "win_ia64": "ia64"}
_TWO = {"universal2": "x86_64 arm64", "universal": "x86_64 i386 ppc", "intel": "x86_64 i386"}


def _misfits(file: str, cells: Cells) -> list[list[tuple[str, Row]]]:
    """For each tag of a wheel that fits anything, the places where it does not fit."""
    pieces = file.removesuffix(".whl").lower().rsplit("-", 3)
    if not file.endswith(".whl") or len(pieces) != 4 or "-" not in pieces[0]:
        return []
    found = []
    for one in pieces[1].split("."):
        for abi in pieces[2].split("."):
            for platform in pieces[3].split("."):
                python = _python_of(one, abi)
                place = _place_of(platform)
                if python is None or place is None or (platform == "any" and abi != "none"):
                    continue
                low, high, implementation = python
                system, machines = place
                out: list[tuple[str, Row]] = []
                for row in cells.rows["python"]:
                    x, y = (int(part) for part in row[0].split("."))
                    if (x, y) < low or (x, y) >= high:
                        out.append(("python", row))
                out += [("platform", row) for row in cells.rows["platform"] if system and row[1] != system]
                out += [("implementation", row) for row in cells.rows["implementation"]
                        if implementation and row[0] != implementation]  # fmt: skip
                out += [("machine", row) for row in cells.rows["machine"] if machines and row[0] not in machines]
                found.append(out)
    return found


def _python_of(one: str, abi: str) -> tuple[tuple[int, int], tuple[int, int], str] | None:
    """The first minor release that fits, the first after it that does not, and the implementation (any: empty)."""
    found = re.fullmatch(r"(py|cp|pp|graalpy)(\d)(\d*)", one)
    if not found:
        return None
    x, y = int(found[2]), int(found[3] or "0")
    end = (999, 0)
    if found[1] == "py":
        return ((x, y), (3, 0) if x == 2 else end, "") if abi == "none" else None
    if found[1] == "cp" and abi == "abi3":
        return ((x, y), end, "cpython") if (x, y) >= (3, 2) else None
    digits = found[2] + found[3]
    # "cp313t" is the free-threaded build, which is another Python.
    own = {"cp": rf"cp{digits}m?u?", "pp": rf"pypy{digits}_\w+", "graalpy": rf"graalpy\w*_{digits}\w*"}[found[1]]
    if abi != "none" and not re.fullmatch(own, abi):
        return None
    return (x, y), (x, y + 1), {"cp": "cpython", "pp": "pypy"}.get(found[1], "graalpy")


def _place_of(platform: str) -> tuple[str, list[str]] | None:
    """The system and the machines; nothing stands for any."""
    if platform == "any":
        return "", []
    if platform in _MACHINE_OF:
        return "win32", [_MACHINE_OF[platform]]
    linux = re.fullmatch(r"(?:manylinux|musllinux|linux)(?:[0-9]+|_[0-9]+_[0-9]+)?_(.+)", platform)
    if linux:
        return "linux", _TWO.get(linux[1], linux[1]).split(" ")
    macos = re.fullmatch(r"macosx_[0-9]+_[0-9]+_(.+)", platform)
    if macos:
        return "darwin", _TWO.get(macos[1], macos[1]).split(" ")
    system = platform.split("_", maxsplit=1)[0]
    # Pyodide is Python on Emscripten, PEP 783.
    system = "emscripten" if system in ("pyodide", "pyemscripten") else system
    return (system, []) if system in ("android", "ios", "emscripten", "wasi") else None
