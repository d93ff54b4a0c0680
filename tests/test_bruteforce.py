"""The judge itself: it knows the hand-made cases, and does not let a wrong lock pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.bruteforce import Candidate, Environment, Judge, Violation, check_lock, environments, solve_environment
from tests.strategies import random_world, worlds
from tests.world import DEFAULT, Dist, World, fake_sha256, file_url

CPU = "https://index.example/whl/cpu"
CU = "https://index.example/whl/cu"

ORIGIN = World(
    """
    [project]
    name = "proj"
    requires-python = ">=3.12"
    dependencies = ["metrics"]
    [project.optional-dependencies]
    cpu = ["torch==2.5.1"]
    cu = ["torch==2.5.1"]
    [tool.uv]
    conflicts = [[{extra = "cpu"}, {extra = "cu"}]]
    [tool.uv.sources]
    torch = [{index = "cpu", extra = "cpu"}, {index = "cu", extra = "cu"}]
    [[tool.uv.index]]
    name = "cpu"
    url = "https://index.example/whl/cpu"
    explicit = true
    [[tool.uv.index]]
    name = "cu"
    url = "https://index.example/whl/cu"
    explicit = true
    """,
    {
        DEFAULT: {
            "metrics": {"1.0": Dist(("torch>=2",))},
            "torch": {"2.5.1": Dist(("nvidia; sys_platform == 'linux'",)), "2.4.0": Dist()},
            "nvidia": {"12.0": Dist()},
        },
        CPU: {
            "torch": {
                "2.5.1+cpu": Dist(wheels=("cp312-cp312-linux_x86_64", "cp312-cp312-win_amd64")),
                "2.5.1": Dist(wheels=("cp312-none-macosx_11_0_arm64",)),
            }
        },
        CU: {"torch": {"2.5.1+cu": Dist(("nvidia; sys_platform == 'linux'",), wheels=("cp312-cp312-linux_x86_64",))}},
    },
)


def world(dependencies: str, packages: dict[str, dict[str, Dist]], more: str = "", python: str = ">=3.11") -> World:
    """A project with these dependencies (inline TOML) over one index."""
    head = f'[project]\nname = "proj"\nrequires-python = "{python}"\ndependencies = {dependencies}\n'
    return World(head + more, {DEFAULT: packages})


def solved(one: World, env: Environment) -> dict[str, str] | None:
    solution = solve_environment(one, env)
    return None if solution is None else {name: candidate.version for name, candidate in solution.items()}


LINUX = Environment("3.12.0")
MAC = Environment("3.12.0", "darwin", "arm64")
WINDOWS = Environment("3.12.0", "win32", "AMD64")


# A lock that is right by construction: one entry for each candidate, marked with every environment that selects it.


def environment_marker(env: Environment, judge: Judge) -> str:
    parts = [
        f"python_full_version == '{env.python}'",
        f"sys_platform == '{env.platform}'",
        f"platform_machine == '{env.machine}'",
    ]
    parts += [f"'{name}' {'in' if name in env.extras else 'not in'} extras" for name in judge.extras]
    parts += [f"'{name}' {'in' if name in env.groups else 'not in'} dependency_groups" for name in judge.groups]
    return " and ".join(parts)


def entry(judge: Judge, candidate: Candidate, marker: str | None) -> Package:
    name, version, index = candidate
    files = judge.world.files(index, name, version)
    wheels = [
        PackageWheel(name=f.filename, url=file_url(index, f.filename), hashes={"sha256": fake_sha256(f.filename)})
        for f in files
        if f.tags is not None
    ]
    sdists = [
        PackageSdist(name=f.filename, url=file_url(index, f.filename), hashes={"sha256": fake_sha256(f.filename)})
        for f in files
        if f.tags is None
    ]
    return Package(
        name=canonicalize_name(name),
        version=Version(version),
        marker=None if marker is None else Marker(marker),
        index=index,
        wheels=wheels or None,
        sdist=sdists[0] if sdists else None,
    )


def pylock(judge: Judge, packages: Iterable[Package]) -> Pylock:
    return Pylock(
        lock_version=Version("1.0"),
        created_by="the judge's tests",
        requires_python=judge.requires_python or None,
        extras=[canonicalize_name(name) for name in judge.extras],
        dependency_groups=list(judge.groups),
        packages=list(packages),
    )


def naive_lock(judge: Judge) -> Pylock | None:
    places: dict[Candidate, list[str]] = {}
    for env in judge.environments():
        solution = judge.solve(env)
        if solution is None:
            return None
        for candidate in solution.values():
            places.setdefault(candidate, []).append(environment_marker(env, judge))
    return pylock(judge, (entry(judge, c, " or ".join(f"({m})" for m in places[c])) for c in sorted(places)))


# The resolver


def test_the_origin_has_one_torch_for_each_choice() -> None:
    cpu, cu = replace(LINUX, extras=frozenset({"cpu"})), replace(LINUX, extras=frozenset({"cu"}))
    assert solved(ORIGIN, LINUX) == {"metrics": "1.0", "torch": "2.5.1", "nvidia": "12.0"}
    assert solved(ORIGIN, cpu) == {"metrics": "1.0", "torch": "2.5.1+cpu"}
    assert solved(ORIGIN, cu) == {"metrics": "1.0", "torch": "2.5.1+cu", "nvidia": "12.0"}
    assert solved(ORIGIN, replace(MAC, extras=frozenset({"cpu"}))) == {"metrics": "1.0", "torch": "2.5.1"}
    assert solved(ORIGIN, replace(WINDOWS, extras=frozenset({"cpu"}))) == {"metrics": "1.0", "torch": "2.5.1+cpu"}
    assert not any({"cpu", "cu"} <= env.extras for env in environments(ORIGIN))


def test_the_last_resort_is_a_prerelease() -> None:
    packages = {"a": {"1.0": Dist(), "2.0b1": Dist()}}
    assert solved(world('["a"]', packages), LINUX) == {"a": "1.0"}
    assert solved(world('["a>=2.0b1"]', packages), LINUX) == {"a": "2.0b1"}
    assert solved(world('["a>1.0"]', packages), LINUX) == {"a": "2.0b1"}
    assert solved(world('["a>1.0"]', packages, '[tool.uv]\nprerelease = "disallow"'), LINUX) is None
    assert solved(world('["a"]', packages, '[tool.uv]\nprerelease = "allow"'), LINUX) == {"a": "2.0b1"}


def test_yanked_only_where_pinned() -> None:
    packages = {"a": {"1.0": Dist(), "2.0": Dist(yanked="")}}
    assert solved(world('["a"]', packages), LINUX) == {"a": "1.0"}
    assert solved(world('["a>=2"]', packages), LINUX) is None
    assert solved(world('["a==2.0"]', packages), LINUX) == {"a": "2.0"}


def test_upper_bounds_of_requires_python_say_nothing() -> None:
    packages = {"a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12,<3.13")}}
    one = world('["a"]', packages)
    assert [solved(one, Environment(python)) for python in ("3.11.0", "3.12.0", "3.14.0")] == [
        {"a": "1.0"},
        {"a": "2.0"},
        {"a": "2.0"},
    ]


def test_extras_of_dependencies_cyclic_and_missing() -> None:
    packages = {
        "a": {"1.0": Dist(("b[y,nowhere]", "c; extra == 'x'"), provides_extra=("x",))},
        "b": {"1.0": Dist(("a[x]; extra == 'y'", "d; extra == 'nowhere'"), provides_extra=("y",))},
        "c": {"1.0": Dist()},
    }
    assert solved(world('["a"]', packages), LINUX) == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_overrides_replace_constraints_narrow_excludes_drop() -> None:
    packages = {
        "a": {"1.0": Dist(("b<2; sys_platform == 'win32'", "c"))},
        "b": {"1.0": Dist(), "2.0": Dist(), "3.0": Dist()},
        "c": {"1.0": Dist()},
    }
    more = (
        '[tool.uv]\noverride-dependencies = ["b>=2"]\nconstraint-dependencies = ["b<3"]\nexclude-dependencies = ["c"]'
    )
    assert solved(world('["a"]', packages, more), LINUX) == {"a": "1.0", "b": "2.0"}


def test_self_references_and_included_groups_are_active() -> None:
    more = """
    [project.optional-dependencies]
    all = ["proj[x]; sys_platform == 'linux'"]
    x = ["a"]
    y = []
    [dependency-groups]
    test = ["b"]
    dev = [{include-group = "test"}, "proj[y]"]
    [tool.uv]
    conflicts = [[{extra = "x"}, {group = "test"}]]
    """
    one = world("[]", {"a": {"1": Dist()}, "b": {"1": Dist()}}, more)
    every, dev = frozenset({"all"}), frozenset({"dev"})
    assert solved(one, replace(LINUX, extras=every)) == {"a": "1"}
    assert solved(one, replace(WINDOWS, extras=every)) == {}
    assert solved(one, replace(WINDOWS, groups=dev)) == {"b": "1"}
    both = [env for env in environments(one) if env.extras == every and env.groups == dev]
    assert both and all(env.platform != "linux" for env in both)


def test_first_index_that_lists_a_package_serves_it() -> None:
    first = "https://first.example/simple"
    more = f'[[tool.uv.index]]\nname = "first"\nurl = "{first}"\n'
    one = world('["a", "b"]', {"a": {"2.0": Dist()}, "b": {"1.0": Dist()}}, more)
    one = replace(one, indexes={**one.indexes, first: {"a": {"1.0": Dist()}}})
    assert solve_environment(one, LINUX) == {"a": Candidate("a", "1.0", first), "b": Candidate("b", "1.0", DEFAULT)}
    explicit = replace(one, pyproject=one.pyproject + "explicit = true\n")
    assert solved(explicit, LINUX) == {"a": "2.0", "b": "1.0"}


def test_required_environments_need_a_file() -> None:
    packages = {"a": {"2.0": Dist(wheels=("py3-none-win_amd64",)), "1.0": Dist(sdist=True, wheels=())}}
    more = "[tool.uv]\nrequired-environments = [\"sys_platform == 'linux'\"]"
    assert solved(world('["a"]', packages), LINUX) == {"a": "2.0"}
    assert solved(world('["a"]', packages, more), LINUX) == {"a": "1.0"}
    assert solved(world('["a"]', packages, more), MAC) == {"a": "2.0"}


def test_it_backtracks() -> None:
    packages = {
        "a": {"2.0": Dist(("c<2",)), "1.0": Dist()},
        "b": {"2.0": Dist(("c>=2",)), "1.0": Dist(("c>=2",))},
        "c": {"1.0": Dist(), "2.0": Dist()},
    }
    assert solved(world('["a", "b"]', packages), LINUX) == {"a": "1.0", "b": "2.0", "c": "2.0"}


def test_the_grid_knows_each_side_of_every_boundary() -> None:
    more = "[tool.uv]\nenvironments = [\"sys_platform != 'win32'\"]"
    one = world("[\"a; python_full_version >= '3.12.4'\"]", {"a": {"1": Dist()}}, more)
    grid = Judge(one).environments(thin=False)
    assert {"3.11.0", "3.12.0", "3.12.3", "3.12.4", "3.13.0"} <= {env.python for env in grid}
    assert {env.platform for env in grid} == {"linux", "darwin", "freebsd14"}
    assert [solved(one, env) for env in environments(one)] == [{}, {"a": "1"}]


# The checker


def test_a_right_lock_passes() -> None:
    judge = Judge(ORIGIN)
    lock = naive_lock(judge)
    assert lock is not None
    assert judge.refute(lock) is None
    assert check_lock(ORIGIN, lock, judge.environments()[0]) == []


def kinds(violations: list[Violation]) -> set[str]:
    return {violation.kind for violation in violations}


def test_each_kind_of_wrong_lock_is_named() -> None:
    packages = {
        "a": {"1.0": Dist(("b>=2",)), "3.0": Dist(requires_python=">=3.13"), "4.0": Dist(yanked=""), "5.0rc1": Dist()},
        "b": {"1.0": Dist(), "2.0": Dist()},
        "c": {"1.0": Dist()},
    }
    one = world('["a"]', packages)
    one = replace(one, indexes={**one.indexes, CPU: {"a": {"1.0": Dist()}}})
    judge = Judge(one)

    def verdict(*selected: tuple[str, str], index: str = DEFAULT) -> set[str]:
        entries = [entry(judge, Candidate(name, version, index), None) for name, version in selected]
        return kinds(judge.check(pylock(judge, entries), LINUX))

    assert verdict(("a", "1.0"), ("b", "2.0")) == set()
    assert verdict(("a", "1.0"), ("b", "1.0")) == {"unmet"}
    assert verdict(("a", "1.0")) == {"unmet"}
    assert verdict() == {"unmet"}
    assert verdict(("a", "1.0"), ("a", "3.0"), ("b", "2.0")) == {"duplicate"}
    assert verdict(("a", "3.0")) == {"python"}
    assert verdict(("a", "4.0")) == {"yanked"}
    assert verdict(("a", "5.0rc1")) == {"prerelease"}
    assert verdict(("a", "1.0"), ("b", "2.0"), ("c", "1.0")) == {"superfluous"}
    assert verdict(("a", "1.0"), index=CPU) == {"index"}

    right = [entry(judge, Candidate(name, version, DEFAULT), None) for name, version in (("a", "1.0"), ("b", "2.0"))]
    nothing_listed = replace(right[0], wheels=None)
    assert kinds(judge.check(pylock(judge, [nothing_listed, right[1]]), LINUX)) == {"files"}
    refusing = replace(right[0], requires_python=SpecifierSet("<3.12"))
    assert kinds(judge.check(pylock(judge, [refusing, right[1]]), LINUX)) == {"python"}
    unheard = replace(right[0], version=Version("9.0"))
    assert kinds(judge.check(pylock(judge, [unheard, right[1]]), LINUX)) == {"unknown", "unmet", "superfluous"}
    narrow = replace(pylock(judge, right), requires_python=SpecifierSet("<3.12"))
    assert kinds(judge.check(narrow, LINUX)) == {"scope"}


def test_a_build_that_fits_nowhere_yields_to_one_that_fits() -> None:
    judge = Judge(ORIGIN)
    cpu = frozenset({"cpu"})
    lock = pylock(
        judge,
        [
            entry(judge, Candidate("metrics", "1.0", DEFAULT), None),
            entry(judge, Candidate("torch", "2.5.1+cpu", CPU), "'cpu' in extras"),
        ],
    )
    assert judge.check(lock, replace(LINUX, extras=cpu)) == []
    assert kinds(judge.check(lock, replace(MAC, extras=cpu))) == {"build"}


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.data())
def test_mutated_locks_of_random_worlds_are_refuted(one: World, data: st.DataObject) -> None:
    """A lock made from the judge's own solutions passes; without one entry, or with another version of it, it fails."""
    judge = Judge(one)
    lock = naive_lock(judge)
    assume(lock is not None and lock.packages)
    assert lock is not None
    assert judge.refute(lock) is None
    position = data.draw(st.integers(0, len(lock.packages) - 1))
    others = [package for index, package in enumerate(lock.packages) if index != position]
    assert judge.refute(replace(lock, packages=others)) is not None
    everywhere = [*others, replace(lock.packages[position], marker=None)]
    twice = [*lock.packages, lock.packages[position]]
    assert judge.refute(replace(lock, packages=twice)) is not None
    if judge.refute(replace(lock, packages=everywhere)) is None:  # then it must have been everywhere before
        name = lock.packages[position].name
        assert all(name in (judge.solve(env) or {}) for env in judge.environments())


def test_random_worlds_are_a_fair_mix() -> None:
    judges = [Judge(random_world(seed)) for seed in range(100)]
    solvable = [judge for judge in judges if judge.unsolvable() is None]
    several = [judge for judge in solvable if judge.single_version_lock() is None]
    assert 0.45 < len(solvable) / len(judges) < 0.8
    assert len(several) / len(solvable) > 0.15
