"""The results as rows: CSV, JSON, and the figures that plots and pages are made of."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from satlock.corpora.compare.peers import PEERS
from satlock.records import dataclass

__all__ = ["Line", "csv_of", "json_of", "lines_of", "markdown_of", "summary_of"]


@dataclass(frozen=True)
class Line:
    """What came of one peer in one case."""

    case: str
    kind: str
    family: str
    size: int
    satisfiable: bool | None
    peer: str
    version: str
    outcome: str
    """locked, no-lock, gave-up, failed, time, memory or unsupported."""
    only_here: bool
    """Whether its lock is for the environment that locked, and is judged only there."""
    verdict: str
    """Of a lock: valid, valid here (of a lock for one environment), over bounds (nothing is wrong but that an upper
    bound on Python is not heeded) or wrong; of a no, where that is known: right or wrong."""
    cold: float | None
    """Median seconds with an empty cache; of runs that ended otherwise than by a limit."""
    warm: float | None
    megabytes: float | None
    packages: int | None
    names: int | None
    environments: int | None
    valid: int | None
    duplicates: int | None
    incomplete: int | None
    unmet: int | None
    over_bounds: int | None
    days_behind: float | None
    days_behind_direct: float | None
    days_here: float | None
    """Of the environment that locked, to compare with a lock that is only for this one."""
    days_here_direct: float | None
    superfluous: float | None
    unstable: bool
    """Whether two runs on the same world gave different locks."""
    problem: str

    @property
    def solved(self) -> bool:
        """Whether the answer is right as far as is known: a valid lock, or a no that is not known to be wrong."""
        return self.verdict in ("valid", "valid here", "right")

    def fresher_by(self, other: Line) -> float | None:
        """By how many days, over all packages, it is less behind than another; None where not both have a valid lock.

        Where one of the two is only for the environment that locked, this is compared.
        """
        if not {self.verdict, other.verdict} <= {"valid", "valid here"}:
            return None
        if self.only_here or other.only_here:
            return (other.days_here or 0.0) - (self.days_here or 0.0)
        return (other.days_behind or 0.0) - (self.days_behind or 0.0)


def lines_of(results: Iterable[dict[str, Any]]) -> list[Line]:
    """One line for each case and peer."""
    return [line for result in results for line in _lines(result)]


def _lines(result: dict[str, Any]) -> Iterator[Line]:
    case, exists = result["case"], _exists(result)
    for name, known in sorted(result["peers"].items(), key=lambda item: list(PEERS).index(item[0])):
        runs = [run for run in result["runs"] if run["peer"] == name]
        judged = known.get("judgement") or {}
        yield Line(
            case=case["name"],
            kind=case["kind"],
            family=case["family"],
            size=case["size"],
            satisfiable=exists,
            peer=name,
            version=known["version"],
            outcome=known["outcome"] or "failed",
            only_here=not known["universal"],
            verdict=_verdict(exists, known, judged, alike=case["alike"]),
            cold=_seconds(runs, "cold"),
            warm=_seconds(runs, "warm"),
            megabytes=max((run["megabytes"] for run in runs), default=None),
            unstable=bool(known.get("unstable")),
            problem=judged.get("problem") or known.get("said", ""),
            **{key: judged.get(key) for key in _OF_JUDGEMENT},
        )


_OF_JUDGEMENT = (
    *("packages", "names", "environments", "valid", "duplicates", "incomplete", "unmet", "over_bounds"),
    *("days_behind", "days_behind_direct", "days_here", "days_here_direct", "superfluous"),
)


def _seconds(runs: Iterable[dict[str, Any]], phase: str) -> float | None:
    """The median of the runs that no limit ended."""
    found = [run["seconds"] for run in runs if run["phase"] == phase and run["outcome"] not in ("time", "memory")]
    return round(statistics.median(found), 4) if found else None


def _exists(result: dict[str, Any]) -> bool | None:
    """Whether a lock exists: as the case tells, else because one was found that is valid in every environment."""
    told: bool | None = result["case"]["satisfiable"]
    if told is None and any(
        known["universal"] and judged["valid"] == judged["environments"] > 0
        for known in result["peers"].values()
        if (judged := known["judgement"])
    ):
        return True
    return told


def _verdict(exists: bool | None, known: dict[str, Any], judged: dict[str, Any], *, alike: bool) -> str:
    if judged:
        if judged["valid"] < judged["environments"] or not judged["environments"]:
            others = judged["duplicates"] or judged["incomplete"] or judged["unmet"]
            return "wrong" if others or not judged["environments"] else "over bounds"
        return "valid" if known["universal"] else "valid here"
    if known["outcome"] == "no-lock" and exists is not None:
        if exists:
            return "wrong"
        return "right" if known["universal"] or alike else ""  # one environment may have a lock where not all have
    return ""


def csv_of(lines: Sequence[Line]) -> str:
    """A table with a row for each case and peer."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = list(Line.__dataclass_fields__)
    writer.writerow([column.replace("_", "-") for column in columns])
    for line in lines:
        values = (getattr(line, column) for column in columns)
        writer.writerow(["" if value is None else value for value in values])
    return buffer.getvalue()


def json_of(results: Sequence[dict[str, Any]], lines: Sequence[Line], about: dict[str, Any]) -> str:
    """Everything: what was run, every run, every judgement and every line. The locks are beside it, in files."""
    without_locks = [
        {name: value for name, value in result.items() if name not in ("trace", "key")}
        | {"peers": {name: {**known, "lock": None} for name, known in result["peers"].items()}}
        for result in results
    ]
    told = {
        "about": about,
        "summary": summary_of(lines),
        "lines": [vars(line) for line in lines],
        "cases": without_locks,
    }
    return json.dumps(told, indent=1, ensure_ascii=False)


def summary_of(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """One row for each peer: what it answered, how much of that was right, and its times where all answered."""
    peers = list(dict.fromkeys(line.peer for line in lines))
    ours = {line.case: line for line in lines if line.peer == "satlock"}
    rows = []
    for peer in peers:
        mine = [line for line in lines if line.peer == peer]
        took_part = [line for line in mine if line.outcome != "unsupported"]
        both = [(line, ours[line.case]) for line in mine if line.outcome == "locked" and line.case in ours
                and ours[line.case].outcome == "locked"]  # fmt: skip
        rows.append({
            "peer": peer,
            "version": ", ".join(sorted({line.version for line in took_part if line.version})),
            "cases": len(took_part),
            "unsupported": len(mine) - len(took_part),
            "locked": sum(line.outcome == "locked" for line in mine),
            "valid everywhere": sum(line.verdict == "valid" for line in mine),
            "valid only here": sum(line.verdict == "valid here" for line in mine),
            "over a bound on Python": sum(line.verdict == "over bounds" for line in mine),
            "wrong locks": sum(line.outcome == "locked" and line.verdict == "wrong" for line in mine),
            "with duplicates": sum(bool(line.duplicates) for line in mine),
            "no lock: right": sum(line.outcome != "locked" and line.verdict == "right" for line in mine),
            "no lock: wrong": sum(line.outcome != "locked" and line.verdict == "wrong" for line in mine),
            "no lock: not known": sum(line.outcome in ("no-lock", "gave-up") and not line.verdict for line in mine),
            "failed": sum(line.outcome == "failed" for line in mine),
            "over a limit": sum(line.outcome in ("time", "memory") for line in mine),
            **(_against(both) if peer != "satlock" else dict.fromkeys(_against(both), "")),
        })  # fmt: skip
    return rows


def markdown_of(lines: Sequence[Line], about: Mapping[str, Any]) -> str:
    """What was run, and the summary, for a README to point to."""
    rows = summary_of(lines)
    text = "# What came of it\n\n[index.html](index.html) has it in full.\n\n"
    text += "".join(f"- {name}: {value}\n" for name, value in about.items())
    if rows:
        text += "\n| | " + " | ".join(row["peer"] for row in rows) + " |\n| --- |" + " ---: |" * len(rows) + "\n"
        for name in list(rows[0])[1:]:
            text += f"| {name} | " + " | ".join("" if row[name] is None else str(row[name]) for row in rows) + " |\n"
    return text


def _against(both: Sequence[tuple[Line, Line]]) -> dict[str, Any]:
    """How a peer compares with satlock in the cases that both locked."""
    return {
        "both locked": len(both),
        "satlock was faster, cold": _wins(both, "cold"),
        "satlock was faster, warm": _wins(both, "warm"),
        "its time / satlock's, cold (geometric mean)": _ratio(both, "cold"),
        "its time / satlock's, warm (geometric mean)": _ratio(both, "warm"),
        "its lock is fresher by over a day": sum((line.fresher_by(our) or 0.0) > 1 for line, our in both),
        "satlock's is fresher by over a day": sum((our.fresher_by(line) or 0.0) > 1 for line, our in both),
    }


def _wins(both: Sequence[tuple[Line, Line]], phase: str) -> str:
    times = [(getattr(line, phase), getattr(our, phase)) for line, our in both]
    known = [(theirs, mine) for theirs, mine in times if theirs is not None and mine is not None]
    return f"{sum(mine < theirs for theirs, mine in known)} of {len(known)}"


def _ratio(both: Sequence[tuple[Line, Line]], phase: str) -> float | None:
    times = [(getattr(line, phase), getattr(our, phase)) for line, our in both]
    ratios = [theirs / mine for theirs, mine in times if theirs is not None and mine]
    return round(statistics.geometric_mean(ratios), 2) if ratios else None
