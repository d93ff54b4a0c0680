"""The results as one HTML page that needs nothing beside it: tables, pictures, and each case with its locks."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from satlock.corpora.compare.frame import framed, heading
from satlock.corpora.compare.locks import read_lock
from satlock.corpora.compare.peers import PEERS
from satlock.corpora.compare.tables import Line, summary_of

__all__ = ["page_of"]


def page_of(
    results: Sequence[dict[str, Any]],
    lines: Sequence[Line],
    pictures: Sequence[tuple[str, str]],
    folder: Path,
    about: Mapping[str, Any],
) -> str:
    """The text of the page.

    Args:
        pictures: (stem, caption) of the pictures, which are in ``folder`` as PNG.
        about: what is said of the run, by name.
    """
    parts = [heading("What was done"), *_about(about), heading("Summary"), _summary(lines), *_where_peers_win(lines)]
    parts += [heading("Pictures"), *(_figure(folder / f"{stem}.png", caption) for stem, caption in pictures)]
    parts += [heading("Every case"), _matrix(lines), heading("Case by case")]
    parts += [
        part for result in results for part in _case(result, [x for x in lines if x.case == result["case"]["name"]])
    ]
    return framed("satlock compared", parts)


def _about(about: Mapping[str, Any]) -> Iterator[str]:
    yield "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in about.items()) + "</dl>"
    yield (
        "<p>Every resolver locked the same projects against one served snapshot, in turns, each in an environment and "
        "with a cache of its own. A judge that shares no code with any of them took what each lock installs in many "
        "environments (Pythons, platforms, choices of extras and groups) and followed every requirement there. "
        "<b>valid</b>: nothing is wrong in any of them. <b>valid here</b>: the lock is for the environment that locked "
        "and no other (pip, pip-tools); it was judged only there, and is right. <b>wrong</b>: in some environment "
        "something is missing, installed twice, or not admitted; or a lock exists and was not found. "
        "<b>over bounds</b>: nothing is wrong but that a version is installed on a Python above the upper bound that "
        "it states; uv and satlock leave these bounds aside on purpose, pip refuses to install. It is not counted. "
        "<b>unsupported</b>: the resolver has no way to say what the project asks, so it was not asked. "
        "Times are of the whole process.</p>"
    )


def _summary(lines: Sequence[Line]) -> str:
    rows = summary_of(lines)
    if not rows:
        return "<p>There are no results.</p>"
    body = (
        f"<tr><th>{_text(name)}</th>" + "".join(_cell(row[name], right=True) for row in rows) + "</tr>"
        for name in rows[0]
    )
    return f'<div class="scroll"><table>{"".join(body)}</table></div>'


def _where_peers_win(lines: Sequence[Line]) -> Iterator[str]:
    """Said plainly: the cases in which another one was faster, fresher, or right where satlock was not."""
    ours = {line.case: line for line in lines if line.peer == "satlock"}
    yield heading("Where a peer wins")
    yield "<ul>"
    for peer in dict.fromkeys(line.peer for line in lines if line.peer != "satlock"):
        mine = [(line, ours[line.case]) for line in lines if line.peer == peer and line.case in ours]
        faster = [line.case for line, our in mine if line.solved and line.cold and our.cold and line.cold < our.cold]
        warmer = [line.case for line, our in mine if line.solved and line.warm and our.warm and line.warm < our.warm]
        fresher = [
            line.case for line, our in mine
            if (line.fresher_by(our) or 0.0) > 1
        ]  # fmt: skip
        better = [line.case for line, our in mine if line.solved and not our.solved]
        yield f"<li><b>{_text(peer)}</b> is faster with a right answer: cold in {_names(faster)}, "
        yield f"warm in {_names(warmer)}; "
        yield f"fresher in {_names(fresher)}; right where satlock is not in {_names(better)}.</li>"
    yield "</ul>"


def _names(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return f"{len(names)} ({_text(', '.join(names[:8]))}{', …' if len(names) > 8 else ''})"


def _figure(path: Path, caption: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<figure><img alt="{_text(caption)}" src="data:image/png;base64,{data}"><figcaption>{_text(caption)}</figcaption></figure>'  # noqa: E501


def _matrix(lines: Sequence[Line]) -> str:
    """A row for each case, a column for each peer: what came of it, and the seconds, cold and warm."""
    peers = list(dict.fromkeys(line.peer for line in lines))
    by_case: dict[str, dict[str, Line]] = {}
    for line in lines:
        by_case.setdefault(line.case, {})[line.peer] = line
    rows = []
    for case, found in by_case.items():
        some = next(iter(found.values()))
        exists = {True: "yes", False: "no", None: "not known"}[some.satisfiable]
        cells = "".join(_outcome(found.get(peer)) for peer in peers)
        rows.append(f'<tr><td><a href="#{_text(case)}">{_text(case)}</a></td><td>{_text(some.kind)}</td>'
                    f"<td>{exists}</td>{cells}</tr>")  # fmt: skip
    header = "".join(f"<th>{_text(peer)}</th>" for peer in peers)
    return (
        "<p>Seconds are cold, then warm. A lock exists where the case says so with its proof or its construction, or "
        "where one was found that is valid in every environment.</p>"
        '<div class="filter" data-table="cases"><label>Cases with '
        '<input type="search" placeholder="a name or an answer">'
        f"</label><label>and <select>{_KINDS_OF_ROWS}</select></label><output></output></div>"
        f'<div class="scroll"><table class="sortable" id="cases"><thead><tr><th>case</th><th>kind</th>'
        f"<th>a lock exists</th>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


_KINDS_OF_ROWS = "".join(
    f'<option value="{kind}">{said}</option>'
    for kind, said in (
        ("", "any answer"), ("no", "a wrong one"), ("stopped", "a run that ended early"), ("absent", "one not asked"),
    )
)  # fmt: skip


def _outcome(line: Line | None) -> str:
    if line is None or line.outcome == "unsupported":
        return '<td class="absent">&mdash;</td>'
    if line.outcome in ("time", "memory"):
        return f'<td class="stopped">over the {line.outcome} limit</td>'
    told = line.verdict if line.outcome == "locked" else f"{line.outcome} {line.verdict}".strip()
    if line.outcome == "locked" and line.verdict in ("wrong", "over bounds"):
        told = f"{line.verdict} in {(line.environments or 0) - (line.valid or 0)} of {line.environments}"
    kind = {"wrong": "no"}.get(line.verdict, "valid" if line.solved else "stopped")
    times = " / ".join(f"{seconds:.2f}" for seconds in (line.cold, line.warm) if seconds is not None)
    return f'<td class="{kind}">{_text(told or line.outcome)}<br>{times} s</td>'


_COLUMNS: Mapping[str, Callable[[Line], object]] = {
    "peer": lambda line: line.peer,
    "outcome": lambda line: line.outcome,
    "verdict": lambda line: line.verdict,
    "cold, s": lambda line: line.cold,
    "warm, s": lambda line: line.warm,
    "MB": lambda line: line.megabytes,
    "packages": lambda line: line.names,
    "entries": lambda line: line.packages,
    "right in": lambda line: None if line.environments is None else f"{line.valid} of {line.environments}",
    "duplicates in": lambda line: line.duplicates,
    "incomplete in": lambda line: line.incomplete,
    "unmet in": lambda line: line.unmet,
    "over bounds in": lambda line: line.over_bounds,
    "days behind": lambda line: line.days_behind,
    "of the direct": lambda line: line.days_behind_direct,
}


def _table(lines: Sequence[Line], runs: Sequence[Mapping[str, Any]]) -> str:
    spreads = {phase: {line.peer: _spread(runs, line.peer, phase) for line in lines} for phase in ("cold", "warm")}
    several = [phase for phase in spreads if any(spreads[phase].values())]
    header = "".join(f"<th>{_text(column)}</th>" for column in (*_COLUMNS, *(f"{one}, from to" for one in several)))
    body = "".join(
        "<tr>"
        + "".join(_cell(of(line)) for of in _COLUMNS.values())
        + "".join(_cell(spreads[phase][line.peer], right=True) for phase in several)
        + "</tr>"
        for line in lines
        if line.outcome != "unsupported"
    )
    head = f'<div class="scroll"><table class="sortable"><thead><tr>{header}</tr></thead>'
    return f"{head}<tbody>{body}</tbody></table></div>"


def _spread(runs: Sequence[Mapping[str, Any]], peer: str, phase: str) -> str | None:
    """The fastest and the slowest of several runs that no limit ended, with how many they are."""
    found = [
        run["seconds"]
        for run in runs
        if run["peer"] == peer and run["phase"] == phase and run["outcome"] not in ("time", "memory")
    ]
    return f"{min(found):.2f} to {max(found):.2f} ({len(found)} runs)" if len(found) > 1 else None


def _cell(value: object, *, right: bool = False) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else ''}</td>"
    if isinstance(value, int | float):
        return f'<td class="number">{value:,}</td>'
    kind = {"valid": "right", "right": "right", "valid here": "right", "wrong": "wrong"}.get(str(value))
    kind = kind or ("number" if right else "")
    return f'<td class="{kind}">{_text(value)}</td>' if kind else f"<td>{_text(value)}</td>"


def _case(result: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[str]:
    case = result["case"]
    told = ", ".join(f"{line.peer}: {line.verdict or line.outcome}" for line in lines if line.outcome != "unsupported")
    yield f'<details id="{_text(case["name"])}"><summary><b>{_text(case["name"])}</b> ({_text(told)})</summary>'
    if result["error"]:
        yield f'<p class="wrong">{_text(result["error"])}</p>'
    if case["source"]:
        yield f"<p>Source: {_text(case['source'])}</p>"
    if case["satisfiable"] is not None:
        yield f"<p>Ground truth: {'a lock exists' if case['satisfiable'] else 'no lock exists'}.</p>"
    yield f"<details><summary>pyproject.toml</summary><pre>{_text(case['pyproject'])}</pre></details>"
    yield _table(lines, result.get("runs", ()))
    said: dict[str, list[str]] = {}
    for line in lines:
        if line.problem:
            said.setdefault(line.problem, []).append(line.peer)
        if line.unstable:
            said.setdefault("two runs in the same world gave different locks", []).append(line.peer)
    for problem, peers in said.items():
        yield f"<p><b>{_text(', '.join(peers))}</b>: {_text(problem)}</p>"
    yield from _locks(result)
    yield "</details>"


def _locks(result: Mapping[str, Any]) -> Iterator[str]:
    """The versions in the locks side by side, those that differ first and in sight."""
    versions: dict[str, dict[str, list[str]]] = {}
    for peer in [peer for peer in PEERS if peer in result["peers"]]:
        known = result["peers"][peer]
        if known["lock"] is not None and known.get("judgement"):
            found: dict[str, list[str]] = {}
            for name, version in sorted(read_lock(known["lock"]["name"], known["lock"]["text"]).everything):
                found.setdefault(name, []).append(version)
            versions[peer] = found
    if not versions:
        return
    names = sorted({name for found in versions.values() for name in found})
    rows = {name: [", ".join(found.get(name, ())) for found in versions.values()] for name in names}
    differing = [name for name in names if len(set(rows[name])) > 1]
    same = [name for name in names if len(set(rows[name])) == 1]
    if len(versions) > 1:
        yield f"<details><summary>Differences: {len(differing)} of {len(names)} packages</summary>"
        yield from _side_by_side(versions, rows, differing)
        yield "</details>"
    yield f"<details><summary>The same in every lock: {len(same)} packages</summary><p>"
    yield _text(", ".join(f"{name} {rows[name][0]}" for name in same)) + "</p></details>"


def _side_by_side(versions: Iterable[str], rows: Mapping[str, Sequence[str]], names: Iterable[str]) -> Iterator[str]:
    header = "".join(f"<th>{_text(peer)}</th>" for peer in versions)
    yield f'<div class="scroll"><table class="sortable"><thead><tr><th>package</th>{header}</tr></thead><tbody>'
    for name in names:
        yield f"<tr><td>{_text(name)}</td>" + "".join(f"<td>{_text(one)}</td>" for one in rows[name]) + "</tr>"
    yield "</tbody></table></div>"


def _text(value: object) -> str:
    return html.escape(str(value))
