"""Generated families of projects with a knob for their size, and the truth about each.

Every family isolates one thing that makes locking hard. Names of packages hold the name of the instance, so that all of
them fit into one snapshot.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from satlock.corpora.facts import File, Listing, Metadata, MetadataOutcome, Release, Wanted
from satlock.corpora.recorded.recording import EXAMPLE_FILES, EXAMPLE_INDEX, Facts
from satlock.corpora.recorded.snapshot import write_snapshot
from satlock.records import dataclass, field

__all__ = ["FAMILIES", "Instance", "facts_of", "generated", "write_families"]

INDEX = f"{EXAMPLE_INDEX}/simple"
RECORDED = "2025-01-01T00:00:00Z"
_CLAUSES_PER_VARIABLE = 4.26
"""Where random 3-SAT turns from nearly always satisfiable to nearly never (Crawford and Auton, 1996)."""

Packages = Mapping[str, Mapping[int, tuple[str, ...]]]
"""For each name and version what it requires."""


@dataclass(frozen=True)
class Instance:
    """One generated project with its packages."""

    family: str
    size: int
    packages: Packages
    dependencies: tuple[str, ...]
    satisfiable: bool
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """They all conflict with each other."""
    seed: int = 0

    @property
    def name(self) -> str:
        return f"{self.family}-{self.size:03}" + (f"-{self.seed}" if self.seed else "")

    @property
    def pyproject(self) -> str:
        lines = ["[project]", f'name = "project-{self.name}"', 'version = "0"', 'requires-python = ">=3.11,<3.14"']
        lines += [f"dependencies = {json.dumps(list(self.dependencies))}"]
        if self.extras:
            lines += ["", "[project.optional-dependencies]"]
            lines += [f"{extra} = {json.dumps(list(requires))}" for extra, requires in self.extras.items()]
            members = ", ".join(f'{{ extra = "{extra}" }}' for extra in self.extras)
            lines += ["", "[tool.uv]", f"conflicts = [[{members}]]"]
        return "\n".join(lines) + "\n"


def conflict_set(size: int, seed: int = 0) -> Instance:
    """As many extras as the size says, each with its own version of one package: all conflict, and each has a lock."""
    core, user = f"core-c{size}", f"user-c{size}"
    extras = {f"x{number}": (f"{core}=={number}",) for number in range(1, size + 1)}
    packages: Packages = {core: dict.fromkeys(range(1, size + 1), ()), user: {1: (core,)}}
    return Instance("conflict-set", size, packages, (user,), True, extras)


def marker_split(size: int, seed: int = 0) -> Instance:
    """Two packages want different versions of a third on different platforms, as many times as the size says.

    The two requirements that exclude each other are not siblings: a resolver that forks on siblings only sees a
    conflict where each environment has a solution.
    """
    packages: dict[str, dict[int, tuple[str, ...]]] = {}
    dependencies = []
    for number in range(size):
        left, right, shared = (f"{part}{number}-m{size}" for part in ("left", "right", "shared"))
        packages[left] = {1: (f"{shared}<2; sys_platform == 'win32'",)}
        packages[right] = {1: (f"{shared}>=2; sys_platform != 'win32'",)}
        packages[shared] = {1: (), 2: ()}
        dependencies += [left, right]
    return Instance("marker-split", size, packages, tuple(dependencies), True)


def version_ladder(size: int, seed: int = 0) -> Instance:
    """A chain in which each version wants the same of the next, and the last has only the first: all go down."""
    packages: dict[str, dict[int, tuple[str, ...]]] = {}
    for number in range(size):
        below = f"step{number + 1}-l{size}"
        last = number == size - 1
        packages[f"step{number}-l{size}"] = {
            version: () if last else (f"{below}=={version}",) for version in range(1, 2 if last else size + 1)
        }
    return Instance("version-ladder", size, packages, (f"step0-l{size}",), True)


def diamond(size: int, seed: int = 0) -> Instance:
    """Two packages share a third, and agree about it only far from their newest versions."""
    left, right, shared = (f"{part}-d{size}" for part in ("left", "right", "shared"))
    packages: Packages = {
        left: {version: (f"{shared}>={version}",) for version in range(1, size + 1)},
        right: {version: (f"{shared}<={size + 1 - version}",) for version in range(1, size + 1)},
        shared: dict.fromkeys(range(1, size + 1), ()),
    }
    return Instance("diamond", size, packages, (left, right), True)


def phase_transition(size: int, seed: int = 1) -> Instance:
    """Random 3-SAT where it is hardest: a package of two versions for each variable, one of three for each clause."""
    draw = random.Random(f"satlock {size} {seed}")
    clauses = []
    for _ in range(round(_CLAUSES_PER_VARIABLE * size)):
        variables = draw.sample(range(1, size + 1), 3)
        clauses.append([variable if draw.random() < 0.5 else -variable for variable in variables])
    tag = f"p{size}-{seed}"
    packages: dict[str, dict[int, tuple[str, ...]]] = {f"variable{n}-{tag}": {1: (), 2: ()} for n in range(1, size + 1)}
    dependencies = []
    for number, clause in enumerate(clauses):
        packages[f"clause{number}-{tag}"] = {
            place: (f"variable{abs(literal)}-{tag}=={2 if literal > 0 else 1}",)
            for place, literal in enumerate(clause, start=1)
        }
        dependencies.append(f"clause{number}-{tag}")
    return Instance("phase-transition", size, packages, tuple(dependencies), _satisfiable(clauses), seed=seed)


def _satisfiable(clauses: Iterable[list[int]]) -> bool:
    """The truth about the formula itself, which has no versions and no environments."""
    from pysat.solvers import Cadical153

    with Cadical153(bootstrap_with=list(clauses)) as solver:
        return bool(solver.solve())


_BY_ENVIRONMENT = ("conflict-set", "marker-split")
"""Families whose environments ask for different things."""

FAMILIES: Mapping[str, tuple[Callable[[int, int], Instance], tuple[int, ...], tuple[int, ...]]] = {
    "conflict-set": (conflict_set, (2, 4, 8, 16, 32), (0,)),
    "marker-split": (marker_split, (1, 2, 4, 8, 16), (0,)),
    "version-ladder": (version_ladder, (4, 8, 16, 32, 64), (0,)),
    "diamond": (diamond, (4, 8, 16, 32, 64), (0,)),
    "phase-transition": (phase_transition, (10, 20, 30, 40, 50), (1, 2)),
}
"""By name: what makes an instance, the sizes that are made by default, and the seeds."""


def generated(families: Iterable[str], sizes: Iterable[int] | None = None) -> list[Instance]:
    """The instances of some families, of some sizes or of all that are made by default. Raises KeyError."""
    wanted = None if sizes is None else set(sizes)
    return [
        make(size, seed)
        for make, every, seeds in (FAMILIES[family] for family in families)
        for size in every
        if wanted is None or size in wanted
        for seed in seeds
    ]


def facts_of(instances: Iterable[Instance]) -> Facts:
    """The packages of all instances, as an index would tell of them."""
    listings: dict[tuple[str, str], Listing | None] = {}
    outcomes: dict[Wanted, MetadataOutcome] = {}
    for instance in instances:
        for name, versions in instance.packages.items():
            releases = []
            for version, requires in sorted(versions.items()):
                filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
                moment = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=version)).strftime("%Y-%m-%dT%H:%M:%SZ")
                file = File(filename, f"{EXAMPLE_FILES}/simple/{name}/{filename}", (), None, moment, None, None, ())
                releases.append(Release(str(version), None, False, moment, True, False, (tuple(file),)))
                outcomes[Wanted(INDEX, name, str(version), (file,))] = Metadata(name, str(version), requires, None, ())
            listings[INDEX, name] = Listing(name, INDEX, tuple(releases))
    return listings, outcomes


def write_families(instances: Iterable[Instance], folder: Path) -> Path:
    """Writes ``families.snapshot`` and a folder for each project, with its truth in ``case.toml``."""
    made = list(instances)
    folder.mkdir(parents=True, exist_ok=True)
    for instance in made:
        place = folder / instance.name
        place.mkdir(exist_ok=True)
        (place / "pyproject.toml").write_text(instance.pyproject, encoding="utf-8")
        told = {"kind": "family", "family": instance.family, "size": instance.size,
                "satisfiable": instance.satisfiable, "alike": instance.family not in _BY_ENVIRONMENT}  # fmt: skip
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())
        (place / "case.toml").write_text(text, encoding="utf-8")
    path = folder / "families.snapshot"
    names = [instance.name for instance in made]
    write_snapshot(path, *facts_of(made), recorded=RECORDED, default_index=INDEX, projects=names, small=True)
    return path
