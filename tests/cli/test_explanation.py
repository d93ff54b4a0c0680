"""The stories that are told where there is no lock, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.watching import Phases, Watched
from encoder.reading import read_project
from encoder.universe import universe_of
from solver.explanation import explain
from solver.locking import lock
from solver.search import NoLock
from tests.cli.scene import pyproject, world_of
from tests.strategies import random_world
from tests.world import Dist, MemoryCorpus, World


def story(world: World, folder: Path) -> list[str]:
    project = read_project(world.write_project(folder))
    corpus = Watched(MemoryCorpus(world), Phases())
    with pytest.raises(NoLock) as none:
        lock(project, corpus, default_index=world.default_index)
    return explain(none.value, universe_of(project), corpus.searched, project.single_version)


def extras(**lists: str) -> str:
    return "[project.optional-dependencies]\n" + "".join(f'{name} = ["{asked}"]\n' for name, asked in lists.items())


PLAIN = {"1.0": Dist(), "1.5": Dist(), "2.0": Dist()}
PIN = (
    '[tool.uv.sources]\na = [{ index = "cpu", extra = "cpu" }]\n'
    '[[tool.uv.index]]\nname = "cpu"\nurl = "https://index.example/whl/cpu"\nexplicit = true\n'
)

STORIES: dict[str, tuple[World, list[str]]] = {
    "versions that require the same are told as one": (
        world_of(
            {"a": {v: Dist(("b<2",)) for v in ("1.0", "1.1", "1.2", "1.3")} | {"2.0": Dist()}, "b": PLAIN},
            pyproject("a<2", "b>=2"),
        ),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a<2 (project.dependencies)",
            "  - the project requires b>=2 (project.dependencies)",
            "  - a 1.0 to 1.3 require b<2",
            "  - no version of b fits: https://index.example/simple has 1.0 to 2.0",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "many different requirements are summed up": (
        world_of(
            {
                "a": {f"1.{i}": Dist((f"b<0.{i + 2}",)) for i in range(6)},
                "b": {"0.1": Dist(), "1.0": Dist()},
            },
            pyproject("a", "b>=1"),
        ),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a (project.dependencies)",
            "  - the project requires b>=1 (project.dependencies)",
            "  - all versions of a require b in 6 ways, from b<0.2 to b<0.7",
            "  - no version of b fits: https://index.example/simple has 0.1 to 1.0",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "a package that no index has": (
        world_of({"a": {"1.0": Dist(("nowhere",))}}, pyproject("a")),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a (project.dependencies)",
            "  - a 1.0, the only version, requires nowhere",
            "  - nowhere is not in https://index.example/simple",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "extras that nothing separates": (
        world_of({"a": PLAIN}, pyproject(more=extras(one="a<2", two="a>=2"))),
        [
            "No lock exists. Where extra 'one' is chosen and extra 'two' is chosen, these cannot all hold:",
            "  - extra 'one' requires a<2 (project.optional-dependencies.one)",
            "  - extra 'two' requires a>=2 (project.optional-dependencies.two)",
            "  - no version of a fits: https://index.example/simple has 1.0 to 2.0",
            "For example: Python 3.11.0 on linux (x86_64), extras one, two.",
            "If extra 'one' and extra 'two' are never installed together, "
            'tool.uv.conflicts = [[{ extra = "one" }, { extra = "two" }]] says so and separates them.',
        ],
    ),
    "a group that another one includes": (
        world_of(
            {"a": PLAIN},
            pyproject(more='[dependency-groups]\nbase = ["a<2"]\nmore = ["a>=2", {include-group = "base"}]\n'),
        ),
        [
            "No lock exists. Where group 'more' is chosen, these cannot all hold:",
            "  - group 'base', which group 'more' brings with it, requires a<2 (dependency-groups.base)",
            "  - group 'more' requires a>=2 (dependency-groups.more)",
            "  - no version of a fits: https://index.example/simple has 1.0 to 2.0",
            "For example: Python 3.11.0 on linux (x86_64), groups more.",
        ],
    ),
    "an index pin": (
        world_of({"a": PLAIN}, pyproject("a>=2", more=extras(cpu="a") + PIN), cpu={"a": {"1.0+cpu": Dist()}}),
        [
            "No lock exists. Where extra 'cpu' is chosen, these cannot all hold:",
            "  - the project requires a>=2 (project.dependencies)",
            "  - no version of a fits: index 'cpu' (tool.uv.sources, extra 'cpu') has 1.0+cpu",
            "For example: Python 3.11.0 on linux (x86_64), extras cpu.",
        ],
    ),
    "a Python that is too old": (
        world_of({"a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12")}}, pyproject("a>=2")),
        [
            "No lock exists. Where python_version < '3.12', these cannot all hold:",
            "  - the project requires a>=2 (project.dependencies)",
            "  - a 2.0 needs Python >=3.12",
            "  - no other version of a fits: https://index.example/simple has 1.0 to 2.0",
            "For example: Python 3.11.0 on linux (x86_64).",
            "Raise project.requires-python, or give the requirement a python_version marker, if that Python is "
            "not meant.",
        ],
    ),
    "a yanked version": (
        world_of({"a": {"1.0": Dist(), "2.0": Dist(yanked="")}}, pyproject("a>=2")),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a>=2 (project.dependencies)",
            "  - a 2.0 was yanked",
            "  - no other version of a fits: https://index.example/simple has 1.0 to 2.0",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "a pre-release that is refused": (
        world_of(
            {"a": {"1.0": Dist(), "2.0b1": Dist()}}, pyproject("a>1", more='[tool.uv]\nprerelease = "disallow"\n')
        ),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a>1 (project.dependencies)",
            "  - a 2.0b1 is a pre-release, which tool.uv.prerelease refuses",
            "  - no other version of a fits: https://index.example/simple has 1.0 to 2.0b1",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "files that came too late": (
        world_of(
            {"a": {"1.0": Dist(), "2.0": Dist(upload_time="2025-01-01T00:00:00Z")}},
            pyproject("a>=2", more='[tool.uv]\nexclude-newer = "2024-06-01"\n'),
        ),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a>=2 (project.dependencies)",
            "  - a 2.0 was uploaded after the exclude-newer date",
            "  - no version of a fits: https://index.example/simple has 1.0",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "what could not be read": (
        world_of({"a": {"1.0": Dist(broken="its wheel is not a zip file")}}, pyproject("a")),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a (project.dependencies)",
            "  - a 1.0, the only version, cannot be used: its wheel is not a zip file",
            "For example: Python 3.11.0 on linux (x86_64).",
            "Some versions could not be read or built; with them, there might be a lock.",
        ],
    ),
    "a constraint and an extra of a package": (
        world_of(
            {"a": {"1.0": Dist(("b>=2 ; extra == 'x'",), provides_extra=("x",))}, "b": PLAIN},
            pyproject("a[x]", more='[tool.uv]\nconstraint-dependencies = ["b<2"]\n'),
        ),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a[x] (project.dependencies)",
            "  - a[x] 1.0, the only version, requires b>=2",
            "  - b<2 is demanded by tool.uv.constraint-dependencies",
            "  - no version of b fits: https://index.example/simple has 1.0 to 2.0",
            "For example: Python 3.11.0 on linux (x86_64).",
        ],
    ),
    "one version everywhere": (
        world_of(
            {"a": PLAIN},
            pyproject(
                "a<2 ; sys_platform == 'linux'",
                "a>=2 ; sys_platform != 'linux'",
                more='[tool.satlock]\nsingle-version = ["a"]\n',
            ),
        ),
        [
            "No lock exists. These cannot all hold:",
            "  - the project requires a<2 where sys_platform == 'linux' (project.dependencies)",
            "  - the project requires a>=2 where sys_platform != 'linux' (project.dependencies)",
            "  - no version of a fits: https://index.example/simple has 1.0 to 2.0",
            "  - a must be one and the same everywhere (tool.satlock.single-version)",
        ],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story(name: str, tmp_path: Path) -> None:
    world, expected = STORIES[name]
    assert story(world, tmp_path) == expected


def test_every_random_story_has_an_end(tmp_path: Path) -> None:
    told = 0
    for seed in range(150):
        world = random_world(seed)
        try:
            project = read_project(world.write_project(tmp_path))
            lock(project, MemoryCorpus(world), default_index=world.default_index)
        except NoLock as none:
            lines = explain(none, universe_of(project))
            told += 1
            assert lines[0].startswith("No lock exists")
            assert any(line.startswith("  - ") for line in lines), seed
            assert not any("{" in line and "conflicts" not in line for line in lines)
    assert told > 20
