"""Runs packse's scenarios, or uv's own, with satlock: the figures of docs/trust.md.

    python -m tests.scenarios GIT_DIRECTORY [--under scenarios | --under test/scenarios] [--only NAME] [--uv UV]

Each is read from HEAD of a git directory; nothing of them is kept here. A scenario that speaks of one interpreter is
locked for its Python on Linux, any other for all environments. Agreed is where a lock exists as expected and the judge
(``tests/bruteforce.py``) finds nothing wrong with it; the choice is the expected one where that is in the lock. With
``--uv``, uv's own answer, from a server on loopback, is told beside each that differs.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Environment, Judge, marker_variables
from tests.index_server import IndexServer
from tests.world import DEFAULT, Dist, MemoryCorpus, World

LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"


@dataclass(frozen=True)
class Scenario:
    name: str
    world: World
    python: str
    """The interpreter that it speaks of."""
    universal: bool
    """Whether it speaks of all environments."""
    satisfiable: bool
    expected: Mapping[str, str]
    """What is to be locked there; empty where that is open."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("git", type=Path)
    parser.add_argument("--under", default="scenarios")
    parser.add_argument("--only", default="")
    parser.add_argument("--uv", type=Path)
    arguments = parser.parse_args()
    agreed = chosen = prescribed = count = 0
    for scenario in read(arguments.git, arguments.under):
        if arguments.only not in scenario.name:
            continue
        wrong, as_expected = tried(scenario)
        count, agreed = count + 1, agreed + ("lock" not in wrong)
        prescribed, chosen = prescribed + bool(scenario.expected), chosen + (as_expected and bool(scenario.expected))
        if wrong:
            beside = "" if arguments.uv is None else f"; uv: {by_uv(scenario, arguments.uv)}"
            print(f"{scenario.name}: {wrong}{beside}", flush=True)
    print(f"{agreed} of {count} agreed, {chosen} of {prescribed} with the expected choice")


def read(git: Path, under: str) -> Iterator[Scenario]:
    """The scenarios in a folder of a git directory's HEAD."""
    command = ["git", "-C", str(git), "archive", "--format=tar", "HEAD", under]
    with tarfile.open(
        fileobj=io.BytesIO(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    ) as archive:
        for member in sorted(archive, key=lambda member: member.name):
            parser = {".toml": tomllib.loads, ".json": json.loads}.get(PurePosixPath(member.name).suffix)
            content = archive.extractfile(member)
            if parser is not None and content is not None:
                yield scenario_of(parser(content.read().decode()))


def scenario_of(told: dict[str, Any]) -> Scenario:
    options, asked = told.get("resolver_options", {}), told["root"]
    packages = {
        canonicalize_name(name): {version: dist_of(entry) for version, entry in package["versions"].items()}
        for name, package in told.get("packages", {}).items()
    }
    python = options.get("python") or told.get("environment", {}).get("python") or "3.12"
    requires_python, settings = asked.get("requires_python") or ">=3.12", []
    entries = [entry for package in told.get("packages", {}).values() for entry in package["versions"].values()]
    one = "python" in options or "python_platform" in options or "environment" in told
    if options.get("universal") and told.get("testgen", {}).get("kind") == "compile":
        requires_python = f">={python}"
    elif not options.get("universal") and (
        one or any("requires_python" in entry or entry.get("wheel_tags") for entry in entries)
    ):
        major, minor = Version(python).release[:2]
        requires_python = f">={python},<{major}.{minor + 1}"
        settings = [f'environments = ["{LINUX}"]', f'required-environments = ["{LINUX}"]']
    if options.get("required_environments"):
        settings.append(f"required-environments = {json.dumps(options['required_environments'])}")
    settings += [
        *(['prerelease = "allow"'] if options.get("prereleases") else ()),
        *([f'resolution = "{options["resolution"]}"'] if "resolution" in options else ()),
        *(f"{key}-package = {json.dumps(options[key.replace('-', '_')])}" for key in ("no-build", "no-binary")
          if key.replace("-", "_") in options),
    ]  # fmt: skip
    lines = [
        *("[project]", 'name = "project"', 'version = "1"', f"requires-python = {json.dumps(requires_python)}"),
        *(f"dependencies = {json.dumps(asked['requires'])}", "[tool.uv]", *settings),
        *("[[tool.uv.index]]", f'url = "{DEFAULT}"', "default = true", ""),
    ]
    python = python if Version(python).release[2:] else f"{python}.{20 if '3.9.' not in requires_python else 21}"
    expected = {canonicalize_name(name): version for name, version in told["expected"].get("packages", {}).items()}
    world = World("\n".join(lines), {DEFAULT: packages})
    return Scenario(
        told["name"], world, python, bool(options.get("universal")), told["expected"]["satisfiable"], expected
    )


def dist_of(entry: dict[str, Any]) -> Dist:
    extras = entry.get("extras", {})
    return Dist(
        tuple(entry.get("requires", ()))
        + tuple(with_extra(line, extra) for extra, lines in extras.items() for line in lines),
        entry.get("requires_python", ">=3.12") or None,
        tuple(map(canonicalize_name, extras)),
        "" if entry.get("yanked") else None,
        wheels=tuple(entry.get("wheel_tags") or ("py3-none-any",)) if entry.get("wheel", True) else (),
        sdist=entry.get("sdist", True),
    )


def with_extra(line: str, extra: str) -> str:
    plain, _, marker = line.partition(";")
    return f"{plain} ; ({marker.strip()}) and extra == '{extra}'" if marker else f"{plain} ; extra == '{extra}'"


def tried(scenario: Scenario) -> tuple[str, bool]:
    """What is wrong with satlock's answer, if anything, and whether it chooses what is expected."""
    with tempfile.TemporaryDirectory() as folder:
        project = read_project(scenario.world.write_project(Path(folder)))
    objective = "fresh" if project.resolution in (None, "highest") else project.resolution
    try:
        found = lock(project, MemoryCorpus(scenario.world), default_index=DEFAULT, objective=objective)
    except NoLock:
        return ("no lock is found" if scenario.satisfiable else ""), not scenario.satisfiable
    pylock = to_pylock(found.lock)
    refuted = Judge(scenario.world).refute(pylock)
    if refuted is not None:
        return f"the lock is wrong in {refuted[0]}: {refuted[1]}", False
    here = {**marker_variables(Environment(scenario.python)), "extras": frozenset(), "dependency_groups": frozenset()}
    taken = {
        (str(one.name), str(one.version))
        for one in pylock.packages
        if scenario.universal or one.marker is None or one.marker.evaluate(here, context="lock_file")
    }
    if not scenario.satisfiable:
        return f"a lock is found, with {sorted(taken)}", False
    missing = scenario.expected.items() - taken
    return (f"lacks {sorted(missing)}, has {sorted(taken)}" if missing else ""), not missing


def by_uv(scenario: Scenario, uv: Path) -> str:
    """What uv has in its lock, or the end of its error."""
    with IndexServer(scenario.world) as server, tempfile.TemporaryDirectory() as folder:
        server.world.write_project(Path(folder))
        done = subprocess.run(
            [uv, "lock", "--project", folder, "--no-cache"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1].strip()}"
        entries = tomllib.loads(Path(folder, "uv.lock").read_text(encoding="utf-8"))["package"]
    return str(sorted((entry["name"], entry["version"]) for entry in entries if "registry" in entry["source"]))


if __name__ == "__main__":
    main()
