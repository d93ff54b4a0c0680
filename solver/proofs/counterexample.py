"""Tells a counterexample so that a person can reproduce it."""

from __future__ import annotations

import shlex
from typing import Any

from satlock.solver.lockfiles.model import PRODUCTION, Edge, Entry, Lockfile, at_node, node_of
from satlock.solver.proofs.unique import Answer
from satlock.solver.proofs.walk import Point

__all__ = ["command", "environment_of", "json_of", "told"]


def _chosen(point: Point, kind: str) -> list[str]:
    return sorted(name for one, name in point.switches if one == kind)


def environment_of(point: Point) -> dict[str, str]:
    """The marker variables, as a person or a program may print them."""
    return {variable: value.replace("\0", "\N{SYMBOL FOR NULL}") for variable, value in point.variables.items()}


def path_of(lockfile: Lockfile, answer: Answer, entry: Entry) -> list[str]:
    """The way from the project to an entry, step by step."""
    assert answer.walk is not None
    edges = answer.walk.path(node_of(entry.number))
    steps = [edges[0].step or "the project"]
    for edge, following in zip(edges, [*edges[1:], None], strict=True):
        node = _left_by(edge, following, entry)
        number, extra = at_node(node)
        steps.append(f"{lockfile.entries[number]}[{extra}]" if extra else str(lockfile.entries[number]))
    return steps


def _left_by(edge: Edge, following: Edge | None, entry: Entry) -> str:
    if following is not None and following.source is not None:
        return following.source
    return node_of(entry.number) if node_of(entry.number) in edge.targets else edge.targets[0]


def json_of(lockfile: Lockfile, answer: Answer) -> dict[str, Any]:
    """The answer as the contract has it."""
    if answer.undecided:
        return {"proven": False, "undecided": answer.undecided}
    if answer.point is None:
        return {"proven": True}
    found: dict[str, Any] = {
        "environment": environment_of(answer.point),
        "extras": _chosen(answer.point, "extra"),
        "groups": _chosen(answer.point, "group"),
    }
    if lockfile.kind == "uv":
        found["projects"] = _chosen(answer.point, "project")
        found["production"] = PRODUCTION in answer.point.switches
    if answer.requirement:
        found["requirement"] = answer.requirement
        found["unmet"] = answer.note
    found["command"] = command(lockfile, answer.point)
    found["candidates"] = [
        {
            "name": entry.name,
            "version": entry.version,
            "source": str(entry.source),
            "path": path_of(lockfile, answer, entry),
        }
        for entry in answer.reached
    ]
    return {"proven": False, "counterexample": found}


def command(lockfile: Lockfile, point: Point, file: str = "pylock.toml") -> str:
    """What installs it, on such a platform."""
    extras, groups = _chosen(point, "extra"), _chosen(point, "group")
    python = point.variables["python_full_version"]
    if lockfile.kind == "uv":
        words = ["uv", "sync", "--frozen", "--python", python]
        if PRODUCTION not in point.switches:
            words += [word for group in groups for word in ("--only-group", group)]
        else:
            words += ["--no-default-groups"]
            words += [word for extra in extras for word in ("--extra", extra)]
            words += [word for group in groups for word in ("--group", group)]
        projects = _chosen(point, "project")
        if projects and not lockfile.required:
            words += [word for project in projects for word in ("--package", project)]
    elif lockfile.kind == "pylock":
        words = ["pip", "install", "-r", f"{file}[{','.join(extras)}]" if extras else file]
        words += [word for group in groups for word in ("--group", f"{file}:{group}")]
    elif lockfile.kind == "poetry":
        words = ["poetry", "sync", "--only", ",".join(groups)]
        words += [word for extra in extras for word in ("--extras", extra)]
    else:
        words = ["pdm", "sync", *(word for group in groups if group != "default" for word in ("-G", group))]
        words += [] if "default" in groups else ["--no-default"]
    return shlex.join(words)


def told(lockfile: Lockfile, answer: Answer, file: str) -> list[str]:
    """Lines for a person."""
    assert answer.point is not None
    v = environment_of(answer.point)
    machine = f"{v['platform_machine']}, " if v["platform_machine"] != "other" else ""
    system = v["platform_system"] if v["platform_system"] != "other" else "another system"
    python = f"{v['platform_python_implementation']} {v['python_full_version']}"
    lines = [f"  on {system} ({machine}{v['sys_platform']}), {python}"]
    for kind in ("extra", "group"):
        chosen = _chosen(answer.point, kind)
        if chosen:
            lines.append(f"  with the {kind}{'s' if len(chosen) > 1 else ''} {', '.join(chosen)}")
    for entry in answer.reached:
        lines.append(f"  {entry}" + (f" from {entry.source}" if any(entry.source) else ""))
        lines.append(f"    by {' → '.join(path_of(lockfile, answer, entry))}")
    if answer.note:
        lines.append(f"  {answer.note}")
    lines.append(f"  try: {command(lockfile, answer.point, file)}")
    return lines
