"""What was measured, as ``docs/benchmark.md``."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmark.measuring import Run, median, spread
from tests.benchmark.phases import PHASES, TOOLS, Result

__all__ = ["Circumstances", "row", "text_of"]

_OUTLIER = 5.0
_MANY_SPLITS, _MANY_CALLS = 25, 800
_SMALL = 10
"""Packages that a smallest project has at most."""


@dataclass(frozen=True)
class Circumstances:
    """Where and how it was measured."""

    command: str
    load_before: float
    """The machine's load in the minute before."""

    def lines(self) -> Iterator[str]:
        commit = _said("git", "rev-parse", "--short", "HEAD") + (
            " with changes" if _said("git", "status", "-s") else ""
        )
        yield f"    {self.command}"
        yield ""
        yield (
            f"Commit {commit}; {_said('uv', '--version')}; Python {platform.python_version()} on {sys.platform} "
            f"{platform.machine()}, {os.cpu_count()} processors ({_processor()}); load in the minute before: "
            f"{self.load_before:.2f}."
        )


def text_of(results: Sequence[Result], where: Circumstances) -> str:
    """The whole page."""
    lines = ["# How fast it is", "", *where.lines(), ""]
    lines += [
        "Whole processes, satlock and uv in turns, each with a cache of its own. A recorded world is served on",
        "loopback with the caching headers of PyPI. Ratios are satlock over uv, of wall time unless it is said; below",
        "1, satlock is faster. Figures are medians; ± is half the distance from the fastest to the slowest run, as a",
        "part of the median.",
        "",
        "| phase | what is there before |",
        "| --- | --- |",
        "| cold | no cache, no lock |",
        "| warm | the cache, no lock |",
        "| relock | cache and lock; the locked version of one direct requirement is excluded in the project |",
        "| check | cache and lock, for `lock --check`, with nothing recalled from an earlier one |",
        "| no-op | cache and lock, for a `lock` that changes nothing |",
        "",
        *_summary(results),
        "",
        *_targets(results),
        "",
        *_outliers(results),
        "## Each set",
        "",
        "Wall seconds, satlock / uv, with the ratio; memory of all processes together at its peak (MB), cold; warm.",
        "",
        *_table(results),
    ]
    return "\n".join(lines) + "\n"


def ratio(result: Result, phase: str, of: str = "seconds") -> float | None:
    """satlock over uv; None where one of them failed or was not run."""
    runs = result.runs.get(phase, {})
    if not all(runs.get(tool) and not any(run.code for run in runs[tool]) for tool in TOOLS):
        return None
    ours, theirs = (median([getattr(run, of) for run in runs[tool]]) for tool in TOOLS)
    return ours / theirs if theirs else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else None


def _summary(results: Sequence[Result]) -> Iterator[str]:
    groups = list(dict.fromkeys(result.group for result in results))
    yield "## In short"
    yield ""
    yield "Geometric means of the ratios over the sets that both tools lock: wall time, and in brackets processor time."
    yield ""
    yield f"| sets | {' | '.join(PHASES)} | memory, cold | warm |"
    yield f"| --- |{' --- |' * (len(PHASES) + 2)}"
    for group in groups:
        members = [result for result in results if result.group == group]
        cells = []
        for phase in PHASES:
            wall = _mean(ratio(one, phase) for one in members)
            work = _mean(ratio(one, phase, "worked") for one in members)
            cells.append(f"{_shown(wall)} ({_shown(work)})")
        for phase in ("cold", "warm"):
            pairs = [one.megabytes.get(phase, {}) for one in members]
            held = [pair["satlock"] / pair["uv"] for pair in pairs if len(pair) == len(TOOLS)]
            cells.append(_shown(median(held) if held else None))
        yield f"| {group} ({len(members)}) | {' | '.join(cells)} |"


def _targets(results: Sequence[Result]) -> Iterator[str]:
    recorded = [one for one in results if one.group == "ecosystem"]
    small = [one for one in recorded if 0 < one.packages.get("satlock", 0) <= _SMALL]
    live = [one for one in results if one.group == "live"]
    yield "| | target | reached |"
    yield "| --- | --- | --- |"
    for phase in ("warm", "cold"):
        found = [value for one in recorded if (value := ratio(one, phase)) is not None]
        if found:
            reached = f"{_shown(_mean(found))}; {sum(value > _OUTLIER for value in found)} of {len(found)} over 5"
            yield f"| recorded ecosystem sets, {phase}, geometric mean | 2.5; none over 5 | {reached} |"
    if small:
        yield f"| smallest projects (up to {_SMALL} packages), warm | 0.15 s | {_seconds(small, 'warm'):.2f} s |"
    if live:
        both = [_median(ratio(one, phase) for one in live) for phase in ("warm", "cold")]
        late = sum(not _answered(one, "cold") for one in live)
        reached = f"{' / '.join(both)}; {late} not answered"
        yield f"| live sets, warm / cold, median | 0.4 / 1.0; all within 60 s | {reached} |"
    large = [one for one in recorded if 150 <= one.packages.get("satlock", 0) <= 250]
    if large and any(one.runs.get("check") for one in large):
        yield f"| first `--check` of 200 packages (of 150 to 250) | 0.25 s | {_seconds(large, 'check'):.2f} s |"
    for one in results:
        if one.name == "conflict-set-080" and one.runs.get("warm", {}).get("satlock"):
            yield f"| conflict set of 80 extras | 2 s | {_of(one.runs['warm']['satlock'])} |"
    nothing = [one for one in recorded if one.runs.get("no-op", {}).get("satlock")]
    if nothing:
        ours, theirs = _seconds(nothing, "no-op"), _seconds(nothing, "no-op", "uv")
        yield f"| `lock` that finds nothing to do | at most uv's | {ours * 1000:.0f} ms, uv {theirs * 1000:.0f} ms |"


def _outliers(results: Sequence[Result]) -> Iterator[str]:
    far = [one for one in results if max(ratio(one, phase) or 0 for phase in ("cold", "warm")) > _OUTLIER]
    if not far:
        return
    yield "## Over five times uv's time, cold or warm"
    yield ""
    yield "With the reason, where satlock says that a warm run's time went, and what its solver did."
    yield ""
    for one in sorted(far, key=lambda one: -(ratio(one, "warm") or 0)):
        times, solver = one.told.get("times", {}), one.told.get("solver", {})
        parts = sorted(((value, key) for key, value in times.items() if key != "total"), reverse=True)[:3]
        where = ", ".join(f"{key} {value:.2f} s" for value, key in parts)
        done = ", ".join(f"{value} {key}" for key, value in solver.items())
        ratios = f"cold {_shown(ratio(one, 'cold'))}, warm {_shown(ratio(one, 'warm'))}"
        yield f"- `{one.name}`: {ratios}. {_reason(times, solver)} ({where}; {done})"
    yield ""


def _reason(times: Mapping[str, float], solver: Mapping[str, int]) -> str:
    """What most of a warm run's time goes to, from what satlock told of it."""
    search = times.get("search", 0.0)
    if not times:
        return "It has no warm lock that tells."
    if search < times.get("total", 0.0) / 2:
        return "Less than half is search: the rest is the start of CPython, its imports, and reading and writing."
    if solver.get("splits", 0) >= _MANY_SPLITS:
        return "Its environments want different versions of many packages, and each division is searched again."
    if solver.get("sat-calls", 0) >= _MANY_CALLS:
        return "Its packages hold each other back, and that nothing could be newer takes many questions to the solver."
    if solver.get("cores", 0):
        return "Its extras or platforms exclude each other, and each way in which they do is found by the solver."
    return "The solver is asked little: Python reads what each release requires, and makes clauses of it."


def _table(results: Sequence[Result]) -> Iterator[str]:
    yield f"| set | packages | {' | '.join(PHASES)} | MB |"
    yield f"| --- | --- |{' --- |' * (len(PHASES) + 1)}"
    yield from map(row, results)


def row(result: Result) -> str:
    """One set as a row of the table."""
    cells = [result.name, " / ".join(str(result.packages.get(tool, "-")) for tool in TOOLS)]
    for phase in PHASES:
        runs = result.runs.get(phase, {})
        both = " / ".join(_of(runs.get(tool, [])) for tool in TOOLS)
        found = ratio(result, phase)
        cells.append(both if found is None else f"{both} = {_shown(found)}")
    cells.append("; ".join(_memory(result.megabytes.get(phase, {})) for phase in ("cold", "warm")))
    return f"| {' | '.join(cells)} |"


def _memory(held: Mapping[str, float]) -> str:
    return " / ".join(f"{held[tool]:.0f}" if tool in held else "-" for tool in TOOLS)


def _of(runs: Sequence[Run]) -> str:
    if not runs:
        return "-"
    if any(run.code for run in runs):
        code = next(run.code for run in runs if run.code)
        return "no lock" if code == 1 else f"over {max(run.seconds for run in runs):.0f} s" if code == -9 else "failed"
    seconds = [run.seconds for run in runs]
    return f"{median(seconds):.2f} s" + (f" ±{100 * spread(seconds):.0f} %" if len(seconds) > 1 else "")


def _answered(result: Result, phase: str) -> bool:
    runs = result.runs.get(phase, {}).get("satlock", [])
    return bool(runs) and all(run.code in (0, 1) and run.seconds <= 60 for run in runs)


def _seconds(results: Sequence[Result], phase: str, tool: str = "satlock") -> float:
    runs = [one.runs.get(phase, {}).get(tool, []) for one in results]
    return median([median([run.seconds for run in some]) for some in runs if some] or [math.nan])


def _median(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _shown(median(known) if known else None)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
