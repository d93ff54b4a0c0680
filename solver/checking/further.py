"""The obligations of *index-pins* and *installable*, written down a second time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from satlock.solver.checking.cells import Cells, Row, cells_of
from satlock.solver.checking.conditions import ALWAYS, Bad, Condition, both, leaves, parse, plain
from satlock.solver.checking.locks import Lock
from satlock.solver.checking.rebuild import Clauses
from satlock.solver.checking.walks import met

__all__ = ["further_goals"]

Guilty = Callable[[str, set[str], dict[str, Row], set[str]], bool]
"""Whether, for a name, what is reached in an environment with these switches refutes its claim."""
Found = tuple[Clauses, dict[str, str], Guilty]


def further_goals(
    lock: Lock, words: dict[str, Any], legend: list[str], project: dict[str, Any] | None, asked: list[Condition]
) -> Found:
    """The clauses of a certificate of another property, the names of its goals, and who is guilty where.

    Raises:
        Bad: where its claims are not those of the lockfile.
    """
    of_name: dict[str, list[int]] = {}
    for number, entry in enumerate(lock.entries):
        of_name.setdefault(entry["name"], []).append(number)
    for name, numbers in words["claims"].items():
        if [str(number) for number in of_name.get(name, ())] != numbers or not numbers:
            raise Bad(f"the lockfile has other entries of {name} than the certificate says")
    if words["property"] == "index-pins":
        return _pins(lock, words, legend, project or {}, asked, of_name)
    if words["property"] == "installable":
        return _installable(lock, words, legend, asked, of_name)
    raise Bad(f"the property {words['property']!r} is none that satlock checks")


def _start(
    lock: Lock, words: dict[str, Any], legend: list[str], cells: Cells, suspects: dict[str, list[int]]
) -> tuple[Clauses, dict[str, str]]:
    claimed = {name: numbers for name, numbers in suspects.items() if numbers and name in words["claims"]}
    # The cone of what was refuted is in the certificate too, so that it can be written before anything is decided.
    clauses = Clauses(lock, cells, legend)
    clauses.say_everything({str(number) for numbers in suspects.values() for number in numbers})
    for name, numbers in suspects.items():
        if numbers:
            wrongs = [clauses.number(f"wrong entry {number}") for number in numbers]
            clauses.say([-clauses.number(f"wrong {name}"), *wrongs])
            for number, wrong in zip(numbers, wrongs, strict=True):
                clauses.say([-wrong, clauses.number(f"reach {number}")])
    return clauses, {name: f"wrong {name}" for name in claimed}


def _pins(  # noqa: PLR0917
    lock: Lock,
    words: dict[str, Any],
    legend: list[str],
    project: dict[str, Any],
    asked: list[Condition],
    of_name: dict[str, list[int]],
) -> Found:
    urls: dict[str, str] = {}
    sources: dict[str, Any] = {}
    for tool in ("uv", "satlock"):
        table = project.get("tool", {}).get(tool, {})
        urls.update((one["name"], one["url"].rstrip("/")) for one in table.get("index", []) if "name" in one)
        sources.update((plain(name), value) for name, value in table.get("sources", {}).items())
    pins: dict[str, list[tuple[int, str, Condition]]] = {}
    count = 0
    for name, value in sources.items():
        for one in value if isinstance(value, list) else [value]:
            if "index" not in one:
                continue
            scope = next(((kind, plain(one[kind])) for kind in ("extra", "group") if kind in one), None)
            marker = parse(one["marker"]) if "marker" in one else ALWAYS
            switch = f"{'group' if lock.kind == 'pdm' else scope[0]} {scope[1]}" if scope else None
            if (switch is None or switch in lock.switches) and name in of_name:
                region = marker if switch is None else both(("on", switch), marker)
                pins.setdefault(name, []).append((count, urls[one["index"]], region))
            count += 1
    broken: dict[int, list[tuple[int, Condition]]] = {}
    suspects: dict[str, list[int]] = {}
    for name in sorted(pins):
        for number in of_name[name]:
            index = [*lock.entries[number]["source"].split(" "), ""][1].rstrip("/")
            broken[number] = [(k, region) for k, url, region in pins[name] if url != index]
        suspects[name] = [number for number in of_name[name] if broken[number]]
    if not set(words["claims"]) <= set(pins):
        raise Bad("the certificate claims a package that the project does not pin")
    regions = [region for own in pins.values() for _, _, region in own]
    cells = cells_of([*asked, *(leaf for region in regions for leaf in leaves(region))], lock.python)
    clauses, goals = _start(lock, words, legend, cells, suspects)
    for number in (number for numbers in suspects.values() for number in numbers):
        names = [f"wrong entry {number} pin {k}" for k, _ in broken[number]]
        clauses.say([-clauses.number(f"wrong entry {number}"), *(clauses.number(name) for name in names)])
        for name, (_, region) in zip(names, broken[number], strict=True):
            clauses.imply([-clauses.number(name)], region, name)

    def guilty(name: str, reached: set[str], places: dict[str, Row], on: set[str]) -> bool:
        return any(
            met(region, cells, places, on)
            for number in suspects[name] if str(number) in reached for _, region in broken[number]
        )  # fmt: skip

    return clauses, goals, guilty


def _installable(
    lock: Lock, words: dict[str, Any], legend: list[str], asked: list[Condition], of_name: dict[str, list[int]]
) -> Found:
    where = parse(words["environments"])
    suspects: dict[str, list[int]] = {}
    for name in sorted(of_name):
        suspects[name] = []
        for number in of_name[name]:
            entry = lock.entries[number]
            listed = lock.kind in ("uv", "pylock") and entry["source"].startswith(("registry", "index"))
            wheels = all(file.endswith(".whl") for file in entry["files"]) if entry["files"] else listed
            if wheels and not entry["builds"]:
                suspects[name].append(number)
    cells = cells_of([*asked, *leaves(where)], lock.python, minors_apart=True)
    clauses, goals = _start(lock, words, legend, cells, suspects)
    clauses.imply([], where, "asked")
    misfits = {
        number: [outside for file in lock.entries[number]["files"] for outside in _misfits(file, cells)]
        for numbers in suspects.values() for number in numbers
    }  # fmt: skip
    for number, tags in misfits.items():
        wrong = -clauses.number(f"wrong entry {number}")
        for outside in tags:
            clauses.say([wrong, *(clauses.place(axis, row) for axis, row in outside)])

    def guilty(name: str, reached: set[str], places: dict[str, Row], on: set[str]) -> bool:
        mine = [misfits[number] for number in suspects[name] if str(number) in reached]
        return any(all(any(places[axis] == row for axis, row in outside) for outside in tags) for tags in mine)

    return clauses, goals, guilty


_MACHINE_OF = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64", "win_ia64": "ia64"}
_TWO = {"universal2": "x86_64 arm64", "universal": "x86_64 i386 ppc", "intel": "x86_64 i386"}


def _misfits(file: str, cells: Cells) -> list[list[tuple[str, Row]]]:
    """For each tag of a wheel that fits anything, the places where it does not fit."""
    pieces = file.removesuffix(".whl").rsplit("-", 3)
    if len(pieces) != 4 or "-" not in pieces[0]:
        return []
    found = []
    for one in pieces[1].split("."):
        for abi in pieces[2].split("."):
            for platform in pieces[3].split("."):
                python = _python_of(one, abi)
                place = _place_of(platform)
                if python is None or place is None:
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
        return (x, y), end, "cpython"
    if found[1] == "cp" and abi != "none" and not re.fullmatch(r"cp\d+m?u?", abi):
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
    return (system, []) if system in ("android", "ios", "emscripten", "wasi", "pyodide") else None
