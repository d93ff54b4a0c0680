"""Wheels of one version that state different requirements: each platform gets its own.

The versions and requirements are those of real wheels of PyTorch's indexes, shortened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from satlock.corpora.facts import File, Metadata, Release
from satlock.corpora.index.index import LiveCorpus
from satlock.encoder.formula.candidates import Build
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import TRUE, from_python_specifier
from satlock.encoder.project.reading import read_project
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.locking import Locked, lock
from satlock.solver.proofs.unique import prove_unique
from satlock.solver.search.variants import parted, said_by
from satlock.solver.writing.pylock_text import to_toml
from tests.bruteforce import Environment, holds
from tests.index_server import IndexServer, Options
from tests.test_semantics import installs, versions
from tests.test_semantics import locked as locked_world
from tests.test_semantics import world as world_of
from tests.world import DEFAULT, Dist, World

CUDA = "https://index.example/whl/cu128"
PROJECT = f"""
[project]
name = "proj"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch"]
[tool.uv.sources]
torch = {{ index = "cu128" }}
[[tool.uv.index]]
name = "cu128"
url = "{CUDA}"
explicit = true
"""
NEEDS = ("filelock", "sympy>=1.13.3", "setuptools; python_version >= '3.12'")
NVIDIA = ("nvidia-cudnn-cu12==9.10.2.21", "triton==3.4.0; platform_system == 'Linux'")
LINUX, WINDOWS = "manylinux_2_28_x86_64", "win_amd64"
INTEL = Environment("3.13.0", "linux", "x86_64")
PC, MAC = Environment("3.13.0", "win32", "AMD64"), Environment("3.13.0", "darwin", "arm64")
PLAIN = {
    "filelock": {"3.20.0": Dist()},
    "sympy": {"1.14.0": Dist()},
    "setuptools": {"80.9.0": Dist()},
    "nvidia-cudnn-cu12": {"9.10.2.21": Dist()},
    "triton": {"3.4.0": Dist(wheels=("cp313-cp313-manylinux_2_28_x86_64",))},
}


def cuda(version: str = "2.8.0+cu128") -> dict[str, Dist]:
    tags = tuple(f"cp3{minor}-cp3{minor}-{platform}" for platform in (LINUX, WINDOWS) for minor in (11, 12, 13))
    bare = tuple((tag, NEEDS) for tag in tags if WINDOWS in tag)
    return {version: Dist((*NEEDS, *NVIDIA), wheels=tags, per_wheel=bare)}


def world(torch: dict[str, Dist], settings: str = "", **packages: dict[str, Dist]) -> World:
    return World(PROJECT + settings, {DEFAULT: {**PLAIN, **packages}, CUDA: {"torch": torch}})


@pytest.fixture
def served(index_server: Callable[..., IndexServer], tmp_path: Path) -> Callable[..., Locked]:
    """Locks a world over HTTP; prefetching and all."""

    def find(world: World, options: Options | None = None, objective: str = "fresh") -> Locked:
        server = index_server(world, options)
        with LiveCorpus(no_cache=True) as corpus:
            project = read_project(server.world.write_project(tmp_path))
            return lock(project, corpus, default_index=server.world.default_index, objective=objective)

    return find


@pytest.mark.parametrize("options", [None, Options(metadata_keys=False), Options(metadata_files=False, ranges=False)])
@pytest.mark.parametrize("objective", ["fresh", "newest-first"])
def test_windows_gets_no_nvidia(served: Callable[..., Locked], options: Options | None, objective: str) -> None:
    """One wheel for each platform and Python is read where versions are local, or for each digest that is told."""
    found = served(world(cuda()), options, objective)
    assert installs(found, INTEL).keys() == {"torch", *PLAIN}
    assert installs(found, PC).keys() == {"torch", "filelock", "sympy", "setuptools"}
    markers = {package.name: package.marker for package in found.lock.packages}
    assert markers["filelock"] is markers["sympy"] is None, "what all wheels state is stated once"
    assert markers["nvidia-cudnn-cu12"] == "sys_platform != 'win32'"


def test_what_one_python_alone_needs(served: Callable[..., Locked]) -> None:
    """torch 2.4.1 adds setuptools only in its wheels for Python 3.12."""
    tags = tuple(f"cp3{minor}-cp3{minor}-{platform}" for platform in (LINUX, WINDOWS) for minor in (11, 12))
    more = tuple((tag, ("filelock", "setuptools")) for tag in tags if "cp312" in tag)
    torch = {"2.4.1+cu124": Dist(("filelock",), wheels=tags, per_wheel=more)}
    found = served(world(torch))
    assert installs(found, Environment("3.12.1", "win32", "AMD64")).keys() == {"torch", "filelock", "setuptools"}
    assert installs(found, Environment("3.11.1", "win32", "AMD64")).keys() == {"torch", "filelock"}
    for later in ("3.13.1", "3.14.0"):  # for which there is no wheel: it is that of the platform that counts
        assert installs(found, Environment(later, "win32", "AMD64")).keys() == {"torch", "filelock", "setuptools"}


@pytest.mark.parametrize("settings", ["", '[tool.satlock]\nmetadata-per-wheel = ["lantern"]\n'])
def test_a_package_that_is_not_known_to_differ_is_read_once(served: Callable[..., Locked], settings: str) -> None:
    """Unless its index tells digests, or lists local versions, or the project asks for it."""
    tags = tuple(f"cp3{minor}-cp3{minor}-{LINUX}" for minor in (11, 12))
    lantern = {"2.4.1": Dist(("filelock",), wheels=tags, per_wheel=((tags[1], ("filelock", "setuptools")),))}
    there = World(PROJECT.replace("torch", "lantern") + settings, {DEFAULT: PLAIN, CUDA: {"lantern": lantern}})
    found = served(there, Options(metadata_keys=False))
    assert ("setuptools" in installs(found, Environment("3.11.1"))) == (not settings)
    assert "setuptools" in installs(found, Environment("3.12.1"))
    assert "setuptools" not in installs(served(there), Environment("3.11.1"))


RECORDED = json.loads((Path(__file__).parent / "per_wheel.json").read_text(encoding="utf-8"))
"""What wheels of PyTorch's packages require, from their own metadata, without extras: an excerpt."""
PLATFORMS = {("linux", "x86_64"): "linux[^.]*_x86_64", ("linux", "aarch64"): "linux[^.]*_aarch64",
             ("win32", "AMD64"): "win_amd64", ("darwin", "arm64"): "macosx[^.]*_arm64",
             ("darwin", "x86_64"): "macosx[^.]*_x86_64"}  # fmt: skip


@pytest.mark.parametrize("options", [None, Options(metadata_keys=False)], ids=["digests", "none"])
@pytest.mark.parametrize("release", list(RECORDED))
def test_everybody_gets_what_his_own_wheel_requires(
    served: Callable[..., Locked], release: str, options: Options | None
) -> None:
    name, version = release.split()
    said = {wheel: group["requires"] for group in RECORDED[release] for wheel in group["wheels"]}
    tags = {wheel: wheel.removesuffix(".whl").removeprefix(f"{name}-{version}-") for wheel in said}
    lines = {line: Requirement(line) for required in said.values() for line in required}
    plain: dict[str, dict[str, Dist]] = {}
    for one in lines.values():
        exact = [s.version for s in one.specifier if s.operator == "=="]
        versions = exact or [s.version for s in one.specifier if s.operator == ">="] or ["1.0"]
        plain.setdefault(one.name, {}).update({v: Dist(provides_extra=tuple(one.extras)) for v in versions})
    torch = {version: Dist(wheels=tuple(tags.values()), per_wheel=tuple((tags[w], tuple(r)) for w, r in said.items()))}
    project = PROJECT.replace("torch", name)
    found = served(World(project, {DEFAULT: {**plain}, CUDA: {name: torch}}), options)
    seen = 0
    for (system, machine), platform in PLATFORMS.items():
        for minor in (11, 12):
            mine = [wheel for wheel in said if re.search(f"-cp3{minor}-[^-]*{platform}", wheel)]
            if not mine:
                continue
            environment, seen = Environment(f"3.{minor}.1", system, machine), seen + 1
            needed = {lines[line].name for line in said[mine[0]] if holds(lines[line].marker, environment)}
            assert installs(found, environment).keys() == {name, *needed}, environment
    assert seen >= 3


def test_versions_may_differ_by_platform_for_it(served: Callable[..., Locked]) -> None:
    """What only the Linux wheel forbids is forbidden on Linux alone."""
    tags = (f"py3-none-{LINUX}", f"py3-none-{WINDOWS}")
    strict = {"2.8.0+cu128": Dist(("sympy<1.14",), wheels=tags, per_wheel=((tags[1], ("sympy>=1.14",)),))}
    found = served(world(strict, sympy={"1.13.3": Dist(), "1.14.0": Dist()}))
    assert installs(found, INTEL)["sympy"] == "1.13.3"
    assert installs(found, PC)["sympy"] == "1.14.0"


def test_the_lock_is_proven(served: Callable[..., Locked], tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text(to_toml(served(world(cuda())).lock))
    assert all(answer.proven for answer in prove_unique(read_lockfile(path, tmp_path)).answers)


def test_the_default_reads_no_more_than_it_has_to(index_server: Callable[..., IndexServer], tmp_path: Path) -> None:
    """Wheels with one digest are read once; where nothing is told, one for each platform and Python."""

    def read(options: Options | None, torch: dict[str, Dist]) -> int:
        server = index_server(world(torch), options)
        with LiveCorpus(no_cache=True) as corpus:
            project = read_project(server.world.write_project(tmp_path))
            lock(project, corpus, default_index=server.world.default_index)
        return len(server.paths(r"torch.*\.metadata"))

    same = {"2.8.0": Dist(NEEDS, wheels=next(iter(cuda().values())).wheels)}
    assert read(None, same) == 1
    assert read(None, cuda()) == 2
    assert read(Options(metadata_keys=False), cuda()) == read(Options(metadata_keys=False), same) == 6


def file(tags: str, digest: str | None = None) -> File:
    told = None if digest is None else (("sha256", digest),)
    return File(f"a-1-{tags}.whl", "https://files.example/a", (("sha256", tags),), 1, None, None, None, told)


def build(*files: File) -> Build:
    return Build("1", "i", Release("1", None, False, None, True, False, tuple(map(tuple, files))), None, TRUE)


def test_parts_of_a_build() -> None:
    domain = Domain(from_python_specifier(">=3.11"))
    wheels = [file(f"cp311-cp311-{LINUX}"), file(f"cp312-cp312-{LINUX}"), file(f"cp312-cp312-{WINDOWS}")]
    assert len(parted(build(*wheels), False, domain)) == 1
    newest, *others = parted(build(*wheels, file("cp312-cp312-manylinux_2_17_x86_64")), None, domain)
    assert {part.part for part in (newest, *others)} == {"", wheels[0].filename, wheels[2].filename}
    assert len(parted(build(*wheels), True, domain)) == 3
    old = file(f"cp310-cp310-{WINDOWS}")
    assert len(parted(build(wheels[0], old), None, domain)) == 1, "no Python of the project takes it"
    many = [file(f"cp3{minor}-cp3{minor}-{WINDOWS}", str(minor)) for minor in range(11, 21)]
    assert len(parted(build(*many), False, domain)) == 1, "so many differences are none that matter"


def test_parts_that_agree_are_not_told_apart() -> None:
    one = Metadata("a", "1", ("b", "c>1"), ">=3.8", ())
    other = Metadata("a", "1", ("c>1", "b"), ">=3.8", ("x",))
    (said,) = said_by(TRUE, [(TRUE, one), (TRUE, other)])
    assert (said.region, said.lines, said.requires_python) == (TRUE, ("b", "c>1"), ">=3.8")


def test_a_wheel_that_nobody_can_install_says_nothing() -> None:
    """Everybody installs the source distribution of such a version, and needs what that requires."""
    old = Dist(("for-python3",), wheels=("py2-none-any",), sdist=True, per_wheel=(("py2-none-any", ("for-python2",)),))
    listed = {"old-tool": {"1.0": old}, "for-python2": versions("1.0"), "for-python3": versions("1.0")}
    found = locked_world(world_of(["old-tool"], listed), judged=False)
    assert installs(found) == {"old-tool": "1.0", "for-python3": "1.0"}
    alone = {**listed, "old-tool": {"1.0": replace(old, wheels=("py2-none-any", "py3-none-win_amd64"), sdist=False)}}
    found = locked_world(world_of(["old-tool"], alone), judged=False)
    assert installs(found, Environment("3.12.0", "win32", "AMD64"))["for-python3"] == "1.0"
