"""The pictures: cactus plots, scatter plots, cost against size, freshness. As PNG and SVG, by matplotlib."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from satlock.corpora.compare.tables import Line

__all__ = ["draw_all"]

_COLOURS = {
    "satlock": "#0072b2",
    "uv": "#d55e00",
    "pip": "#009e73",
    "poetry": "#cc79a7",
    "pdm": "#e69f00",
    "pip-tools": "#56b4e9",
}
"""Colours that the colour-blind can tell apart (Okabe and Ito)."""
_MARKS = {"satlock": "o", "uv": "s", "pip": "^", "poetry": "D", "pdm": "v", "pip-tools": "P"}


def draw_all(lines: Sequence[Line], folder: Path, limit: float) -> list[tuple[str, str]]:
    """Draws what the lines allow; (stem of the file, caption) of each picture, in order.

    Args:
        limit: the seconds after which a run was stopped.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "satlock", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3,
                                "axes.axisbelow": True, "figure.dpi": 110})  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for stem, caption, draw in _pictures(lines, limit):
        from matplotlib import pyplot

        figure = draw()
        for kind in ("png", "svg"):
            metadata = {"Date": None} if kind == "svg" else {"Software": None}
            figure.savefig(folder / f"{stem}.{kind}", metadata=metadata, bbox_inches="tight")
        pyplot.close(figure)
        drawn.append((stem, caption))
    return drawn


def _pictures(lines: Sequence[Line], limit: float) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    for phase in ("cold", "warm"):
        yield (
            f"cactus-{phase}",
            f"Cases answered rightly over time, {phase} cache: a line further right answers more, a lower one faster.",
            partial(_cactus, lines, phase),
        )
    peers = [peer for peer in dict.fromkeys(line.peer for line in lines) if peer != "satlock"]
    for peer in peers:
        if _pairs(lines, peer, "cold", limit):
            yield (
                f"scatter-{peer}",
                f"satlock against {peer}, a point for each case that both took: below the diagonal satlock is faster. "
                "Hollow: at least one of the two gave no right answer, or none before the limit (dotted).",
                partial(_scatter, lines, peer, limit),
            )
    if any(line.family for line in lines):
        yield (
            "families",
            "Cost against size in the generated families, cold; the median of the instances of one size. A line that "
            "reaches the dotted one was stopped there; where a peer has no line, it has no way to say what is asked.",
            lambda: _families(lines, limit),
        )
    ours = {line.case: line for line in lines if line.peer == "satlock"}
    if any(line.peer != "satlock" and ours[line.case].fresher_by(line) is not None for line in lines
           if line.case in ours):  # fmt: skip
        yield (
            "freshness",
            "How many days fresher (right) or older (left) the packages of satlock's lock are than those of each peer, "
            "for each case that both locked validly; summed over the packages, mean over the environments (against pip "
            "and pip-tools: in the one environment that locked). In brackets: cases fresher / alike / older, to a day.",
            lambda: _freshness(lines),
        )


def _cactus(lines: Sequence[Line], phase: str) -> Any:
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for peer in dict.fromkeys(line.peer for line in lines):
        took_part = sum(line.peer == peer and line.outcome != "unsupported" for line in lines)
        times = sorted(
            seconds for line in lines if line.peer == peer and line.solved
            if (seconds := getattr(line, phase)) is not None
        )  # fmt: skip
        if times:
            axes.plot(range(1, len(times) + 1), times, label=f"{peer} ({len(times)} of {took_part})",
                      color=_COLOURS.get(peer), marker=_MARKS.get(peer), markersize=3, linewidth=1.3)  # fmt: skip
    _seconds(axes.yaxis)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("cases answered rightly")
    axes.set_ylabel(f"seconds for a case, {phase}")
    axes.set_title(f"Answers over time, {phase} cache")
    if axes.lines:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, title="right answers of cases taken")
    return figure


def _seconds(axis: Any) -> None:
    """A logarithmic axis with plain numbers."""
    from matplotlib.ticker import LogLocator

    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    low, high = axis.get_data_interval()
    close = 0 < low < high < 30 * low
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if close else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(lambda value, place: "")


def _pairs(lines: Sequence[Line], peer: str, phase: str, limit: float) -> list[tuple[float, float, bool, str]]:
    ours = {line.case: line for line in lines if line.peer == "satlock"}
    found = []
    for line in lines:
        our = ours.get(line.case)
        if line.peer == peer and our is not None and line.outcome != "unsupported":
            theirs, mine = _time(line, phase, limit), _time(our, phase, limit)
            if theirs is not None and mine is not None:
                found.append((theirs, mine, line.solved and our.solved, line.kind))
    return found


def _time(line: Line, phase: str, limit: float) -> float | None:
    """The limit where a run took all of it; None where there was no run of this kind."""
    seconds = getattr(line, phase)
    return limit if line.outcome in ("time", "memory") and phase == "cold" else seconds


def _scatter(lines: Sequence[Line], peer: str, limit: float) -> Any:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9.4, 4.6), sharex=True, sharey=True)
    kinds = list(dict.fromkeys(line.kind for line in lines))
    both = [*_pairs(lines, peer, "cold", limit), *_pairs(lines, peer, "warm", limit)]
    low = min([0.1, *(min(x, y) for x, y, _, _ in both)]) * 0.8
    for place, phase in zip(axes, ("cold", "warm"), strict=True):
        pairs = _pairs(lines, peer, phase, limit)
        for number, kind in enumerate(kinds):
            for stopped in (False, True):
                mine = [(x, y) for x, y, solved, its in pairs if its == kind and solved != stopped]
                if mine:
                    colour = f"C{number}"
                    place.scatter(*zip(*mine, strict=True), s=28, marker="o", edgecolors=colour, alpha=0.8,
                                  facecolors="none" if stopped else colour,
                                  label=f"{kind}, no right answer" if stopped else kind)  # fmt: skip
        place.plot([low, limit * 1.3], [low, limit * 1.3], color="black", linewidth=0.8)
        for edge in (place.axvline, place.axhline):
            edge(limit, color="grey", linewidth=0.8, linestyle=":")
        _seconds(place.xaxis)
        _seconds(place.yaxis)
        place.set_xlim(low, limit * 1.3)
        place.set_ylim(low, limit * 1.3)
        place.set_aspect("equal")
        place.set_xlabel(f"{peer}, seconds")
        place.set_title(f"{phase} cache")
    axes[0].set_ylabel("satlock, seconds")
    named: dict[str, Any] = {}
    for place in axes:
        for handle, label in zip(*place.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(named.values(), named.keys(), loc="center left", bbox_to_anchor=(0.91, 0.5), frameon=False)
    figure.suptitle(f"satlock against {peer}")
    return figure


def _families(lines: Sequence[Line], limit: float) -> Any:
    from matplotlib import pyplot

    families = list(dict.fromkeys(line.family for line in lines if line.family))
    columns = min(3, len(families))
    rows = math.ceil(len(families) / columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(3.6 * columns + 1, 3.0 * rows), squeeze=False)
    shown: dict[str, Any] = {}
    for number, family in enumerate(families):
        axes = grid[number // columns][number % columns]
        for peer in dict.fromkeys(line.peer for line in lines):
            found: dict[int, list[Line]] = {}
            for line in lines:
                if line.family == family and line.peer == peer and _time(line, "cold", limit) is not None:
                    found.setdefault(line.size, []).append(line)
            mine = [
                (
                    size,
                    statistics.median(_time(line, "cold", limit) or 0.0 for line in alike),
                    all(line.solved for line in alike),
                )
                for size, alike in sorted(found.items())
            ]
            if mine:
                (drawn,) = axes.plot(
                    [size for size, _, _ in mine],
                    [seconds for _, seconds, _ in mine],
                    color=_COLOURS.get(peer),
                    marker=_MARKS.get(peer),
                    markersize=4,
                    linewidth=1.2,
                )
                wrong = [(size, seconds) for size, seconds, right in mine if not right]
                if wrong:
                    crosses = axes.scatter(*zip(*wrong, strict=True), marker="x", color="black", s=40, zorder=5)
                    shown["no right answer"] = crosses
                shown[peer] = drawn
        axes.set_title(family, fontsize=10)
        sizes = sorted({line.size for line in lines if line.family == family})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        _seconds(axes.yaxis)
        if max((line.get_ydata().max() for line in axes.lines), default=0.0) >= limit:
            axes.axhline(limit, color="grey", linewidth=0.8, linestyle=":")
        axes.set_xlabel("size")
        axes.set_ylabel("seconds, cold")
    for empty in range(len(families), rows * columns):
        grid[empty // columns][empty % columns].axis("off")
    names = [*(name for name in shown if name in _COLOURS), *(name for name in shown if name not in _COLOURS)]
    figure.tight_layout()
    figure.legend([shown[name] for name in names], names, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _freshness(lines: Sequence[Line]) -> Any:
    from matplotlib import pyplot

    ours = {line.case: line for line in lines if line.peer == "satlock"}
    peers = [peer for peer in dict.fromkeys(line.peer for line in lines) if peer != "satlock"]
    rows = [
        (peer, [days for line in lines if line.peer == peer and line.case in ours
                and (days := ours[line.case].fresher_by(line)) is not None])
        for peer in peers
    ]  # fmt: skip
    rows = [(peer, values) for peer, values in rows if values]
    figure, axes = pyplot.subplots(figsize=(7.5, 0.75 * max(len(rows), 1) + 1.6))
    for place, (peer, values) in enumerate(rows):
        spread = [place + 0.25 * math.sin(7.0 * number) for number in range(len(values))]
        axes.scatter(values, spread, s=24, alpha=0.7, color=_COLOURS.get(peer), marker=_MARKS.get(peer))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=10)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), [f"{peer} ({_told(values)})" for peer, values in rows])
    axes.set_ylim(-0.6, max(len(rows), 1) - 0.4)
    axes.set_xlabel("days: negative, the peer's lock is fresher; positive, satlock's is")
    axes.set_title("Freshness: days behind of the peer's lock less those of satlock's")
    return figure


def _told(days: Sequence[float]) -> str:
    fresher, older = sum(one > 1 for one in days), sum(one < -1 for one in days)
    return f"{fresher} / {len(days) - fresher - older} / {older}"
