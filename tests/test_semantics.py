"""What users of other tools have been burnt by, one small problem each: what a lock must say, and what it must not."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.universe import universe_of
from satlock.solver.explaining.explanation import explanation_of
from satlock.solver.locking import Locked, lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Environment, Judge, marker_variables
from tests.strategies import toml
from tests.test_origin import ORIGIN, recorded_world
from tests.world import DEFAULT, Dist, MemoryCorpus, World

CPU, CU = "https://index.example/whl/cpu", "https://index.example/whl/cu"
EXPLICIT = f"""
[[tool.uv.index]]
name = "cpu"
url = "{CPU}"
explicit = true
[[tool.uv.index]]
name = "cu"
url = "{CU}"
explicit = true
"""
RIVALS = """
[tool.uv]
conflicts = [[{extra = "cpu"}, {extra = "cu"}]]
[tool.uv.sources]
torch = [{index = "cpu", extra = "cpu"}, {index = "cu", extra = "cu"}]
"""
LINUX, WINDOWS = Environment("3.12.0"), Environment("3.12.0", "win32", "AMD64")
MAC, OLD = Environment("3.12.0", "darwin", "arm64"), Environment("3.11.0")

Packages = Mapping[str, Mapping[str, Dist]]


def world(dependencies: list[str], packages: Packages, more: str = "", *, python: str = ">=3.11",
          **indexes: Packages) -> World:  # fmt: skip
    """A project that asks for something, and what the default index and those of ``indexes`` (cpu, cu) have."""
    head = f'[project]\nname = "proj"\nrequires-python = "{python}"\ndependencies = {toml(dependencies)}\n'
    others = {{"cpu": CPU, "cu": CU}[label]: listed for label, listed in indexes.items()}
    return World(head + more + (EXPLICIT if others else ""), {DEFAULT: packages, **others})


def locked(problem: World, *, judged: bool = True, **options: object) -> Locked:
    """The lock of a world, in which the judge finds nothing wrong."""
    with tempfile.TemporaryDirectory() as folder:
        project = read_project(problem.write_project(Path(folder)))
    found = lock(project, MemoryCorpus(problem), default_index=problem.default_index, **options)  # type: ignore[arg-type]
    if judged:
        assert Judge(problem).refute(to_pylock(found.lock)) is None
    return found


def refused(problem: World) -> str:
    """The explanation why a world has no lock; the judge agrees that there is none."""
    with pytest.raises(NoLock) as caught:
        locked(problem)
    assert Judge(problem).unsolvable() is not None
    return told(problem, caught.value)


def told(problem: World, no_lock: NoLock) -> str:
    with tempfile.TemporaryDirectory() as folder:
        project = read_project(problem.write_project(Path(folder)))
    found = explanation_of(no_lock, universe_of(project))
    return "\n".join([found.headline, *(f"  - {line}" for line in found.lines), *found.advice])


def installs(found: Locked, env: Environment = LINUX, *, extra: str = "", group: str = "") -> dict[str, str]:
    """What an installer takes from the lock in an environment with an extra or a group: {name: version}."""
    pylock: Pylock = to_pylock(found.lock)
    chosen = {"extras": frozenset({extra}) - {""}, "dependency_groups": frozenset({group}) - {""}}
    taken = [
        (str(package.name), str(package.version))
        for package in pylock.packages
        if package.marker is None or package.marker.evaluate({**marker_variables(env), **chosen}, context="lock_file")
    ]
    assert len(dict(taken)) == len(taken), f"two candidates of one name: {taken}"
    return dict(taken)


def versions(*names: str) -> dict[str, Dist]:
    return {name: Dist() for name in names}


# Index pins


TORCH: dict[str, Packages] = {
    "cpu": {"torch": {"2.5.1+cpu": Dist(("filelock",))}},
    "cu": {"torch": {"2.5.1+cu": Dist(("filelock", "nvidia; sys_platform == 'linux'"))}},
}
INDEX: Packages = {
    "metrics": {"1.6": Dist(("torch>=2",))},
    "torch": {"2.5.1": Dist(("filelock", "nvidia; sys_platform == 'linux'")), "2.6.0": Dist(("filelock",))},
    "filelock": versions("3.16"),
    "nvidia": versions("12.4"),
}
EXTRAS = '[project.optional-dependencies]\ncpu = ["torch==2.5.1"]\ncu = ["torch==2.5.1"]\n'


def test_a_pin_holds_whoever_requires_the_package() -> None:
    """The origin: ``metrics`` needs torch too, and each extra still gets one torch, with all that this one needs."""
    found = locked(world(["metrics"], INDEX, EXTRAS + RIVALS, **TORCH))
    assert installs(found) == {"metrics": "1.6", "torch": "2.6.0", "filelock": "3.16"}
    assert installs(found, extra="cpu") == {"metrics": "1.6", "torch": "2.5.1+cpu", "filelock": "3.16"}
    assert installs(found, extra="cu") == {
        "metrics": "1.6", "torch": "2.5.1+cu", "filelock": "3.16", "nvidia": "12.4",
    }  # fmt: skip
    assert "nvidia" not in installs(found, WINDOWS, extra="cu")


def test_a_pin_holds_where_only_another_package_needs_the_package() -> None:
    """No extra names torch: they only say where it comes from."""
    empty = "[project.optional-dependencies]\ncpu = []\ncu = []\n"
    found = locked(world(["metrics"], INDEX, empty + RIVALS, **TORCH))
    assert installs(found)["torch"] == "2.6.0"
    assert installs(found, extra="cpu")["torch"] == "2.5.1+cpu"
    assert installs(found, extra="cu")["torch"] == "2.5.1+cu"


def test_a_pin_with_a_marker_holds_inside_of_it() -> None:
    pinned = "[tool.uv.sources]\ntorch = {index = 'cpu', marker = \"sys_platform == 'darwin'\"}\n"
    found = locked(world(["metrics"], INDEX, pinned, **TORCH))
    assert (installs(found, MAC)["torch"], installs(found, LINUX)["torch"]) == ("2.5.1+cpu", "2.6.0")


def test_an_explicit_index_serves_only_what_is_pinned_to_it() -> None:
    problem = world(["torch", "filelock"], {"torch": versions("1.0"), "filelock": versions("1.0")},
                    "[tool.uv.sources]\ntorch = {index = 'cpu'}\n",
                    cpu={"torch": versions("0.9"), "filelock": versions("9.0")})  # fmt: skip
    assert installs(locked(problem)) == {"torch": "0.9", "filelock": "1.0"}


def test_a_pin_to_an_index_without_the_package_is_no_way_to_another_index() -> None:
    problem = world(["torch"], {"torch": versions("1.0")}, "[tool.uv.sources]\ntorch = {index = 'cpu'}\n", cpu={})
    assert "torch" in refused(problem)


def test_pins_that_overlap_are_an_error() -> None:
    overlapping = RIVALS.replace('conflicts = [[{extra = "cpu"}, {extra = "cu"}]]', "")
    with pytest.raises(ProjectError, match=r"pinned to index 'cpu' .* and to index 'cu' .* at once"):
        locked(world(["metrics"], INDEX, EXTRAS + overlapping, **TORCH))


# Local versions


@pytest.mark.parametrize("specifier", ["", ">=2.5.1", "==2.5.1", "==2.5.*", "~=2.5.1", "==2.5.1+cpu"])
def test_a_local_version_serves_what_asks_for_its_public_version(specifier: str) -> None:
    problem = world([f"torch{specifier}"], {"torch": versions("2.5.1")}, "[tool.uv.sources]\ntorch = {index = 'cpu'}\n",
                    cpu={"torch": versions("2.5.1+cpu")})  # fmt: skip
    assert installs(locked(problem)) == {"torch": "2.5.1+cpu"}


@pytest.mark.parametrize("specifier", [">2.5.1", "!=2.5.1", "==2.5.1+cu", "<2.5.1"])
def test_a_local_version_does_not_serve_what_excludes_its_public_version(specifier: str) -> None:
    problem = world([f"torch{specifier}"], {}, "[tool.uv.sources]\ntorch = {index = 'cpu'}\n",
                    cpu={"torch": versions("2.5.1+cpu")})  # fmt: skip
    assert "torch" in refused(problem)


@pytest.mark.parametrize("specifier", ["", "==2.5.1", ">=2.5"])
def test_builds_of_one_version_share_the_platforms(specifier: str) -> None:
    """Linux and Windows have a ``+cpu`` build, macOS has a plain one: the lock needs both."""
    builds = {
        "2.5.1+cpu": Dist(wheels=("cp312-cp312-manylinux1_x86_64", "cp312-cp312-win_amd64"), requires_dist=("mkl",)),
        "2.5.1": Dist(wheels=("cp312-none-macosx_11_0_arm64",)),
    }
    found = locked(world([f"torch{specifier}"], {"mkl": versions("1.0")}, "[tool.uv.sources]\ntorch = {index = 'cpu'}",
                         cpu={"torch": builds}))  # fmt: skip
    assert installs(found, LINUX) == {"torch": "2.5.1+cpu", "mkl": "1.0"}
    assert installs(found, WINDOWS) == {"torch": "2.5.1+cpu", "mkl": "1.0"}
    assert installs(found, MAC) == {"torch": "2.5.1"}


# Requirements that exclude each other


def test_disjoint_markers_of_different_packages_have_a_lock() -> None:
    """No two requirements of one package differ: what forks only on siblings finds nothing here."""
    found = locked(
        world(
            ["on-linux", "elsewhere"],
            {
                "on-linux": {"1.0": Dist(("shared<2; sys_platform == 'linux'",))},
                "elsewhere": {"1.0": Dist(("shared>=2; sys_platform != 'linux'",))},
                "shared": versions("1.0", "2.0"),
            },
        )
    )
    assert (installs(found, LINUX)["shared"], installs(found, MAC)["shared"]) == ("1.0", "2.0")


def test_disjoint_markers_at_the_ends_of_chains_have_a_lock() -> None:
    found = locked(
        world(
            ["a", "x"],
            {
                "a": {"1.0": Dist(("b; python_version < '3.12'",))},
                "b": {"1.0": Dist(("c",))},
                "c": {"1.0": Dist(("shared==1.0",))},
                "x": {"1.0": Dist(("y[n]",))},
                "y": {"1.0": Dist(("shared>=2; extra == 'n' and python_version >= '3.12'",), provides_extra=("n",))},
                "shared": versions("1.0", "2.0", "3.0"),
            },
        )
    )
    assert (installs(found, OLD)["shared"], installs(found, LINUX)["shared"]) == ("1.0", "3.0")


def test_disjoint_markers_in_extras_and_groups_have_a_lock() -> None:
    tables = (
        "[project.optional-dependencies]\nold = [\"shared<2; sys_platform == 'win32'\"]\n"
        "[dependency-groups]\ndev = [\"shared>=2; sys_platform != 'win32'\"]\n"
    )
    found = locked(world([], {"shared": versions("1.0", "2.0")}, tables))
    assert installs(found, WINDOWS, extra="old") == {"shared": "1.0"}
    assert installs(found, WINDOWS, group="dev") == {}
    assert installs(found, LINUX, group="dev") == {"shared": "2.0"}


def test_markers_that_meet_have_no_lock() -> None:
    problem = world(
        ["a", "b"],
        {
            "a": {"1.0": Dist(("shared<2; sys_platform == 'linux'",))},
            "b": {"1.0": Dist(("shared>=2; python_version >= '3.13'",))},
            "shared": versions("1.0", "2.0"),
        },
    )
    explanation = refused(problem)
    assert all(name in explanation for name in ("a 1.0", "b 1.0", "shared<2", "shared>=2", "linux", "3.13"))


def test_extras_that_no_conflict_separates_must_hold_together() -> None:
    explanation = refused(world(["metrics"], INDEX, EXTRAS.replace('cu = ["torch==2.5.1"]', 'cu = ["torch==2.6.0"]')))
    assert "'cpu'" in explanation and "'cu'" in explanation


def test_conflicts_hold_for_what_includes_a_member() -> None:
    """``all`` brings ``cpu`` with it, and ``bench`` includes ``gpu``: they never meet."""
    tables = """
    [project.optional-dependencies]
    cpu = ["shared<2"]
    all = ["proj[cpu]"]
    [dependency-groups]
    gpu = ["shared>=2"]
    bench = [{include-group = "gpu"}]
    [tool.uv]
    conflicts = [[{extra = "cpu"}, {group = "gpu"}]]
    """
    found = locked(world([], {"shared": versions("1.0", "2.0")}, tables))
    assert installs(found, extra="all") == {"shared": "1.0"}
    assert installs(found, group="bench") == {"shared": "2.0"}


def pairs(count: int) -> World:
    """Independent pairs of conflicting extras, each over a package of its own."""
    extras = "".join(f'old{i} = ["p{i}<2"]\nnew{i} = ["p{i}>=2"]\n' for i in range(count))
    sets = toml([[{"extra": f"old{i}"}, {"extra": f"new{i}"}] for i in range(count)])
    packages = {f"p{i}": versions("1.0", "2.0") for i in range(count)}
    return world([], packages, f"[project.optional-dependencies]\n{extras}[tool.uv]\nconflicts = {sets}\n")


def test_independent_conflicts_cost_as_much_as_their_number() -> None:
    """Twelve pairs are four times three, in splits and in calls of the solver; forks would be 3^12.

    A pair divides its package once, or twice where the first time does not part the two from whoever chooses neither.
    """
    few, many = locked(pairs(3)), locked(pairs(12), judged=False)
    assert 3 <= few.statistics.splits <= 2 * 3 and 12 <= many.statistics.splits <= 2 * 12
    assert many.solver_calls <= 4 * few.solver_calls
    assert len(many.lock.packages) == 24
    assert installs(many, extra="old7") == {"p7": "1.0"}
    assert {package.marker for package in many.lock.packages if package.name == "p7"} == {
        "'old7' in extras", "'new7' in extras",
    }  # fmt: skip


def test_a_clash_is_found_before_the_rest_is_read() -> None:
    """Two direct requirements exclude each other, whatever a hundred packages below the third may say."""
    rest = {f"r{i}": {"1.0": Dist((f"r{i}-below",))} for i in range(100)}
    listed = {
        "wide": {"1.0": Dist(tuple(rest))}, **rest, **{f"{name}-below": versions("1.0") for name in rest},
        "one": {f"{i}.0": Dist((f"other>={i + 10}",)) for i in range(1, 40)}, "other": versions("1.0", "60.0"),
    }  # fmt: skip
    problem = world(["wide", "one", "other<10"], listed)
    for objective in ("fresh", "newest-first"):
        corpus = MemoryCorpus(problem)
        with tempfile.TemporaryDirectory() as folder, pytest.raises(NoLock):
            project = read_project(problem.write_project(Path(folder)))
            lock(project, corpus, default_index=problem.default_index, objective=objective)
        assert {name for _, name in corpus.listing_requests} == {"wide", "one", "other"}


# What is admitted


def test_a_prerelease_is_taken_only_where_asked_for() -> None:
    listed = {"a": versions("1.0", "2.0rc1")}
    assert installs(locked(world(["a"], listed))) == {"a": "1.0"}
    assert installs(locked(world(["a>=1.0b1"], listed))) == {"a": "1.0"}
    assert installs(locked(world(["a>=2.0rc1"], listed))) == {"a": "2.0rc1"}
    explicit = '[tool.uv]\nprerelease = "explicit"\n'
    assert installs(locked(world(["a>=1.0b1"], listed, explicit))) == {"a": "1.0"}
    assert installs(locked(world(["a>=2.0rc1"], listed, explicit))) == {"a": "2.0rc1"}
    assert "pre-release" in refused(world(["a>1"], listed, explicit))
    assert installs(locked(world(["a"], listed, '[tool.uv]\nprerelease = "allow"\n'))) == {"a": "2.0rc1"}


def test_a_prerelease_is_taken_where_nothing_else_serves() -> None:
    assert installs(locked(world(["a"], {"a": versions("1.0b1", "1.0b2")}))) == {"a": "1.0b2"}
    deep = {"a": {"1.0": Dist(("b>=2",))}, "b": versions("1.0", "2.1rc1")}
    assert installs(locked(world(["a"], deep))) == {"a": "1.0", "b": "2.1rc1"}
    assert "pre-release" in refused(world(["a"], deep, '[tool.uv]\nprerelease = "disallow"\n'))


def test_a_yanked_release_is_taken_only_where_pinned() -> None:
    listed = {"a": {"1.0": Dist(), "2.0": Dist(yanked="broken")}}
    assert installs(locked(world(["a"], listed))) == {"a": "1.0"}
    assert installs(locked(world(["a==2.0"], listed))) == {"a": "2.0"}
    assert "yanked" in refused(world(["a>=2"], listed))


def test_a_yanked_release_is_taken_only_where_it_is_pinned() -> None:
    listed = {
        "a": {"1.0": Dist(), "2.0": Dist(yanked="broken")},
        "b": {"1.0": Dist(("a>=1",)), "2.0": Dist(("a==2.0",))},
    }
    found = locked(world(["a==2.0; sys_platform == 'win32'", "b<2"], listed))
    assert (installs(found, WINDOWS)["a"], installs(found, LINUX)["a"]) == ("2.0", "1.0")
    assert "yanked" in refused(world(["a==2.0; sys_platform == 'win32'", "a>=2"], listed))
    assert installs(locked(world(["b"], listed))) == {"a": "2.0", "b": "2.0"}


def test_who_is_asked_for_by_nobody_opens_nothing() -> None:
    """Also where it would be the very release that it pins which asks for it."""
    listed = {
        "a": {"1.0": Dist(("ring",)), "2.0": Dist(("ring",), yanked="broken")},
        "ring": {"1.0": Dist(("a==2.0",))},
    }
    assert "yanked" in refused(world(["a>=2"], listed))
    other = '[project.optional-dependencies]\nx = ["ring"]\ny = ["a>=2"]\n'
    assert "yanked" in refused(world([], listed, f'{other}[tool.uv]\nconflicts = [[{{extra="x"}}, {{extra="y"}}]]\n'))


def test_lower_bounds_of_requires_python_split() -> None:
    """Each Python gets the newest version that admits it."""
    listed = {"a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12"), "3.0": Dist(requires_python=">=3.13")}}
    found = locked(world(["a>=1", "b"], {**listed, "b": {"1.0": Dist(("a>=3; python_version >= '3.13'",))}}))
    assert installs(found, OLD)["a"] == "1.0"
    assert installs(found, Environment("3.13.0"))["a"] == "3.0"


def test_a_version_that_serves_every_python_is_better_than_several_where_few_are_asked_for() -> None:
    listed = {"a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12")}}
    assert {package.version for package in locked(world(["a"], listed)).lock.packages} == {"1.0", "2.0"}
    few = '[tool.uv]\nfork-strategy = "fewest"\n'
    assert {package.version for package in locked(world(["a"], listed, few)).lock.packages} == {"1.0"}


def test_upper_bounds_of_requires_python_are_ignored() -> None:
    listed = {"a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.8,<3.12")}}
    found = locked(world(["a"], listed))
    assert installs(found, Environment("3.14.0")) == {"a": "2.0"}
    assert to_pylock(found.lock).packages[0].requires_python == ">=3.8"


def test_a_requirement_that_no_python_of_the_project_admits_is_told() -> None:
    problem = world(["a"], {"a": {"1.0": Dist(requires_python=">=3.13")}})
    assert ">=3.13" in refused(problem)


# Extras of dependencies, cycles, direct references


def test_an_extra_brings_its_requirements() -> None:
    listed = {
        "web": {"1.0": Dist(("core", "tls; extra == 's'", "x; extra == 'other'"), provides_extra=("s", "other"))},
        **{name: versions("1.0") for name in ("core", "tls", "x")},
    }  # fmt: skip
    assert installs(locked(world(["web[s]"], listed))) == dict.fromkeys(("web", "core", "tls"), "1.0")


def test_an_extra_that_does_not_exist_is_noted() -> None:
    found = locked(world(["web[nowhere]"], {"web": versions("1.0")}))
    assert installs(found) == {"web": "1.0"}
    assert found.lock.packages[0].unmet_extras == ("nowhere",)


def test_extras_that_bring_each_other() -> None:
    lines = ("a[y]; extra == 'x'", "a[x]; extra == 'y'", "b; extra == 'y'")
    listed = {"a": {"1.0": Dist(lines, provides_extra=("x", "y"))}, "b": versions("1.0")}
    assert installs(locked(world(["a[x]"], listed))) == {"a": "1.0", "b": "1.0"}


def test_packages_that_require_each_other() -> None:
    listed = {"a": {"1.0": Dist(("b",))}, "b": {"1.0": Dist(("a", "c"))}, "c": {"1.0": Dist(("c",))}}
    assert installs(locked(world(["a"], listed))) == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_a_cycle_does_not_hold_itself_up() -> None:
    """Where nothing outside of the cycle asks for it any more, none of it is installed."""
    listed = {"a": {"1.0": Dist(("b",))}, "b": {"1.0": Dist(("a",))}}
    found = locked(world(["a; sys_platform == 'linux'"], listed))
    assert (installs(found, LINUX), installs(found, MAC)) == ({"a": "1.0", "b": "1.0"}, {})


def test_a_direct_reference_of_a_package_is_named() -> None:
    listed = {"a": {"1.0": Dist(("b @ https://files.example/b-1.0-py3-none-any.whl",))}, "b": versions("1.0")}
    problem = world(["a"], listed)
    with pytest.raises(NoLock) as caught:
        locked(problem)
    assert "b @ https://files.example/b-1.0-py3-none-any.whl" in told(problem, caught.value)


def test_an_older_version_without_a_direct_reference_serves() -> None:
    listed = {"a": {"1.0": Dist(), "2.0": Dist(("b @ https://files.example/b.whl",))}, "b": versions("1.0")}
    assert installs(locked(world(["a"], listed), judged=False)) == {"a": "1.0"}


# Settings


def test_single_version_is_one_version_everywhere_or_no_lock() -> None:
    listed = {
        "a": {"1.0": Dist(("shared<2; sys_platform == 'linux'",))},
        "b": {"1.0": Dist(("shared>=2; sys_platform != 'linux'",)), "0.9": Dist(("shared",))},
        "shared": versions("1.0", "2.0"),
    }
    apart = locked(world(["a", "b==1.0"], listed))
    assert (installs(apart, LINUX)["shared"], installs(apart, MAC)["shared"]) == ("1.0", "2.0")
    rule = '[tool.satlock]\nsingle-version = ["shared"]\n'
    found = locked(world(["a", "b"], listed, rule))
    assert installs(found, LINUX) == {"a": "1.0", "b": "1.0", "shared": "1.0"}
    assert installs(found, MAC) == {"a": "1.0", "b": "0.9", "shared": "1.0"}
    problem = world(["a", "b==1.0"], listed, rule)
    with pytest.raises(NoLock) as caught:
        locked(problem)
    assert caught.value.witness is None
    assert "shared<2" in told(problem, caught.value) and "shared>=2" in told(problem, caught.value)


def test_each_platform_gets_the_newest_that_it_allows() -> None:
    """What is named first comes first, on each of them."""
    listed = {
        "a": {"1.0": Dist(("shared<3; sys_platform == 'linux'",)), "2.0": Dist(("shared<2; sys_platform == 'linux'",))},
        "b": {"1.0": Dist(("shared>=2; sys_platform != 'linux'",))},
        "shared": versions("1.0", "2.0", "3.0"),
    }
    found = locked(world(["a", "b"], listed))
    assert installs(found, LINUX) == {"a": "2.0", "b": "1.0", "shared": "1.0"}
    assert installs(found, MAC) == {"a": "2.0", "b": "1.0", "shared": "3.0"}


def test_a_constraint_bounds_what_is_required_and_requires_nothing() -> None:
    settings = '[tool.uv]\nconstraint-dependencies = ["b<2", "unused<1"]\n'
    listed = {"a": {"1.0": Dist(("b",))}, "b": versions("1.0", "2.0"), "unused": versions("0.5")}
    assert installs(locked(world(["a"], listed, settings))) == {"a": "1.0", "b": "1.0"}
    assert "b<2" in refused(world(["a", "b>=2"], listed, settings))


def test_an_override_replaces_what_everybody_says() -> None:
    settings = '[tool.uv]\noverride-dependencies = ["b>=2"]\n'
    listed = {"a": {"1.0": Dist(("b<2",))}, "b": versions("1.0", "2.0")}
    assert installs(locked(world(["a"], listed, settings))) == {"a": "1.0", "b": "2.0"}


def test_an_excluded_package_is_required_by_nobody() -> None:
    settings = '[tool.uv]\nexclude-dependencies = ["b"]\n'
    listed = {"a": {"1.0": Dist(("b<2", "c"))}, "c": versions("1.0")}
    assert installs(locked(world(["a", "b"], listed, settings))) == {"a": "1.0", "c": "1.0"}


def test_the_universe_is_no_larger_than_stated() -> None:
    """What cannot hold on Windows is no matter where Windows is no environment of the project."""
    listed = {"a": {"1.0": Dist(("b>=9; sys_platform == 'win32'", "b"))}, "b": versions("1.0")}
    assert "win32" in refused(world(["a"], listed))
    settings = "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\", \"sys_platform == 'darwin'\"]\n"
    found = locked(world(["a"], listed, settings))
    assert installs(found) == {"a": "1.0", "b": "1.0"}
    assert [package.marker for package in found.lock.packages] == [None, None]


def test_a_required_environment_needs_a_file_that_installs() -> None:
    listed = {
        "a": {
            "1.0": Dist(),
            "2.0": Dist(wheels=("cp312-cp312-win_amd64", "cp311-cp311-win_amd64")),
        }
    }
    settings = "[tool.uv]\nrequired-environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n"
    found = locked(world(["a"], listed, settings))
    assert installs(found) == {"a": "1.0"}
    assert installs(found, Environment("3.12.0", "win32", "AMD64")) == {"a": "2.0"}
    del listed["a"]["1.0"]
    assert installs(locked(world(["a"], listed))) == {"a": "2.0"}
    assert "file" in refused(world(["a"], listed, settings))


def test_a_required_environment_needs_a_file_under_each_python() -> None:
    """Where an old release serves some Pythons and a new one the others, each gets its own."""
    listed = {
        "a": {
            "1.0": Dist(wheels=("cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-win_amd64")),
            "2.0": Dist(wheels=tuple(f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64" for minor in (12, 13, 14))),
        }
    }
    settings = "[tool.uv]\nrequired-environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n"
    found = locked(world(["a"], listed, settings))
    assert installs(found, Environment("3.11.4", "linux", "x86_64")) == {"a": "1.0"}
    assert installs(found, Environment("3.12.0", "linux", "x86_64")) == {"a": "2.0"}
    assert installs(found, Environment("3.11.4", "win32", "AMD64")) == {"a": "1.0"}
    assert installs(found, Environment("3.12.0", "win32", "AMD64")) == {"a": "2.0"}, "no version has a file there"


def test_what_was_uploaded_too_late_is_left_out() -> None:
    listed = {"a": {"1.0": Dist(), "2.0": Dist(upload_time="2024-06-02T00:00:00Z")}}
    settings = '[tool.uv]\nexclude-newer = "2024-06-01T00:00:00Z"\n'
    assert installs(locked(world(["a"], listed, settings))) == {"a": "1.0"}


@pytest.mark.parametrize(
    ("settings", "version"),
    [
        ('exclude-newer = "2024-06-01T00:00:00Z"', "1.0"),
        ("exclude-newer = false", "2.0"),
        ('exclude-newer = "2024-07-01T00:00:00Z"', "2.0"),
        ("", "1.0"),
    ],
)
def test_an_index_has_its_own_cutoff(settings: str, version: str) -> None:
    """It takes the place of the project's; what is said of the package itself comes first."""
    listed = {"a": {"1.0": Dist(), "2.0": Dist(upload_time="2024-06-02T00:00:00Z")}}
    cut = '[tool.uv]\nexclude-newer = "2024-01-02T00:00:00Z"\n'
    index = f'[[tool.uv.index]]\nname = "own"\nurl = "{DEFAULT}/"\ndefault = true\n{settings}\n'
    problem = world(["a"], listed, cut + index)
    problem = replace(problem, indexes={f"{DEFAULT}/": listed})
    assert installs(locked(problem, judged=False)) == {"a": version}
    package = '[tool.uv.exclude-newer-package]\na = "2024-01-02T00:00:00Z"\n'
    assert installs(locked(replace(problem, pyproject=problem.pyproject + package), judged=False)) == {"a": "1.0"}


@pytest.mark.parametrize(
    ("strategy", "required", "version"),
    [
        ("first-index", "a", "1.0"),
        ("first-index", "a>=2", None),
        ("unsafe-first-match", "a", "1.0"),
        ("unsafe-first-match", "a>=2", "2.0"),
        ("unsafe-best-match", "a", "2.0"),
        ("unsafe-best-match", "a<2", "1.0"),
    ],
)
def test_index_strategies(strategy: str, required: str, version: str | None) -> None:
    """The named index comes before the default one, and has only the older version."""
    settings = f'[tool.uv]\nindex-strategy = "{strategy}"\n[[tool.uv.index]]\nname = "first"\nurl = "{CPU}"\n'
    plain = world([required], {"a": versions("2.0")}, settings)
    problem = World(plain.pyproject, {**plain.indexes, CPU: {"a": versions("1.0")}})
    if version is None:
        with pytest.raises(NoLock):
            locked(problem)
    else:
        assert installs(locked(problem, judged=strategy == "first-index")) == {"a": version}


# Candidates that fail


def test_a_version_whose_metadata_cannot_be_had_is_no_candidate() -> None:
    listed = {"a": {"1.0": Dist(), "2.0": Dist(broken="the file is damaged")}}
    assert installs(locked(world(["a"], listed), judged=False)) == {"a": "1.0"}


def test_that_nothing_else_serves_makes_a_failure_the_error() -> None:
    problem = world(["a>=2"], {"a": {"1.0": Dist(), "2.0": Dist(broken="the file is damaged")}})
    with pytest.raises(NoLock) as caught:
        locked(problem)
    assert caught.value.failed
    assert "the file is damaged" in told(problem, caught.value)


def test_nothing_is_built_that_another_version_makes_unnecessary() -> None:
    """The newest version would have to be built; another requirement rules it out first."""
    listed = {
        "a": {"1.0": Dist(), "2.0": Dist(wheels=(), sdist=True, needs_build=True)},
        "b": {"1.0": Dist(("c",))},
        "c": {"1.0": Dist(("a<2",))},
    }
    problem = world(["a", "b"], listed)
    with tempfile.TemporaryDirectory() as folder:
        project = read_project(problem.write_project(Path(folder)))
    corpus = MemoryCorpus(problem)
    found = lock(project, corpus, default_index=DEFAULT)
    assert installs(found) == {"a": "1.0", "b": "1.0", "c": "1.0"}
    assert not any(wanted.build for wanted in corpus.metadata_requests)


# The origin itself


def test_the_recorded_origin_is_right_in_every_environment() -> None:
    """The project that satlock was started for, from its snapshot, which is what the README's first command locks."""
    corpus = SnapshotCorpus(ORIGIN / "origin.snapshot")
    found = lock(read_project(ORIGIN), corpus, default_index=corpus.default_index or "")
    judge, pylock = Judge(recorded_world()), to_pylock(found.lock)
    for env in judge.environments():
        # The recorded world spells its files as the names of packages are normalised; the snapshot as they were.
        assert [one for one in judge.check(pylock, env) if one.kind != "files"] == [], env
    for extra, torch in (("", "2.5.1"), ("cpu", "2.5.1+cpu"), ("cu124", "2.5.1+cu124")):
        assert installs(found, extra=extra)["torch"] == torch
        assert sum(name.startswith("nvidia-") for name in installs(found, extra=extra)) == (0 if extra == "cpu" else 12)
    assert installs(found, MAC, extra="cpu")["torch"] == "2.5.1"


def test_the_example_of_the_text_on_the_search() -> None:
    text = (Path(__file__).parents[1] / "docs" / "solver.md").read_text(encoding="utf-8")
    stated = text.split("```toml\n")[1].split("```")[0]
    head = '[project]\nname = "proj"\nrequires-python = ">=3.11"\n'
    found = locked(World(head + stated, {DEFAULT: {"core": {v: Dist() for v in ("1.0", "1.5", "2.0", "2.5")}}}))
    assert {p.version: p.marker for p in found.lock.packages} == {
        "1.5": "'cpu' in extras",
        "2.5": "'cpu' not in extras",
    }
    assert all(f"`{p.marker}`" in text for p in found.lock.packages)
    assert found.statistics.splits == text.partition("| step |")[2].count("is divided by")
