"""What a project says for some only: constraints, overrides and sources that ask for an extra or speak of a package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from tests.cli.scene import scene_of
from tests.index_server import IndexServer
from tests.test_flat import put
from tests.test_semantics import LINUX, MAC, WINDOWS, installs, locked, refused, versions, world
from tests.test_sources import Scene
from tests.world import DEFAULT, Dist, World

CHOICES = '[project.optional-dependencies]\nold = ["app"]\nnew = ["names>3.6"]\n[tool.uv]\n'
APART = CHOICES + 'conflicts = [[{extra = "old"}, {extra = "new"}]]\n'
LISTED = {"names": versions("3.6", "3.10"), "app": {"1.0": Dist(("names",))}}


def test_a_constraint_holds_where_its_extra_is_chosen() -> None:
    """Also for what only packages require."""
    found = locked(world([], LISTED, APART + "constraint-dependencies = [\"names==3.6; extra == 'old'\"]\n"))
    assert installs(found, extra="old") == {"app": "1.0", "names": "3.6"}
    assert installs(found, extra="new") == {"names": "3.10"}


def test_a_constraint_holds_where_its_extra_is_brought_along() -> None:
    more = CHOICES.replace('new = ["names>3.6"]\n', "").replace(
        "[tool.uv]", "all = [\"proj[old]; sys_platform == 'linux'\"]\n[tool.uv]"
    )
    found = locked(world(["names"], LISTED, more + "constraint-dependencies = [\"names==3.6; 'Old' == extra\"]\n"))
    assert installs(found, LINUX, extra="all")["names"] == "3.6"
    assert installs(found, MAC, extra="old")["names"] == "3.6"


def test_a_constraint_on_an_extra_that_nobody_can_choose_never_holds() -> None:
    found = locked(world(["names"], LISTED, "[tool.uv]\nconstraint-dependencies = [\"names==3.6; extra == 'nope'\"]\n"))
    assert installs(found) == {"names": "3.10"}
    found = locked(world(["names"], LISTED, "[tool.uv]\nconstraint-dependencies = [\"names==3.6; extra != 'nope'\"]\n"))
    assert installs(found) == {"names": "3.6"}


def test_an_override_takes_the_place_of_what_is_asked_where_its_extra_is_chosen() -> None:
    listed = {**LISTED, "other": {"1.0": Dist(("names>9",))}}
    settings = APART + "override-dependencies = [\"names==3.6; extra == 'old'\"]\n"
    found = locked(world(["other"], listed, settings))
    assert installs(found, extra="old") == {"app": "1.0", "names": "3.6", "other": "1.0"}
    assert installs(found) == installs(found, extra="new") == {"other": "1.0"}


def test_a_pre_release_that_is_named_for_some_is_for_them_alone() -> None:
    """But for choices that no conflict tells apart, on whose account nobody gets two versions."""
    listed = {"names": versions("1.0", "2.0rc1"), "app": {"1.0": Dist(("names>=2.0rc1; sys_platform == 'linux'",))}}
    found = locked(world(["names", "names>=2.0rc1; sys_platform == 'win32'"], listed))
    assert (installs(found, WINDOWS), installs(found, LINUX)) == ({"names": "2.0rc1"}, {"names": "1.0"})
    explicit = '[tool.uv]\nprerelease = "explicit"\n'
    assert "pre-release" in refused(world(["app", "names>=2.0rc1; sys_platform == 'win32'"], listed, explicit))
    locked(world(["app", "names>=2.0rc1; sys_platform != 'darwin'"], listed, explicit))
    choices = '[project.optional-dependencies]\nold = ["names!=1.0,>0.0rc1"]\nnew = ["names!=1.0"]\n' + explicit
    locked(world([], listed, choices))
    assert "pre-release" in refused(world([], listed, choices + 'conflicts = [[{extra = "old"}, {extra = "new"}]]\n'))


def test_a_line_of_the_dependencies_that_an_extra_lists_as_well() -> None:
    settings = "[project.optional-dependencies]\nx = []\n"
    found = locked(world(["names; sys_platform == 'win32' or extra == 'x'"], LISTED, settings))
    assert installs(found, WINDOWS) == installs(found, LINUX, extra="x") == {"names": "3.10"}
    assert installs(found, LINUX) == {}


def test_extras_that_only_a_line_for_an_extra_brings() -> None:
    settings = '[project.optional-dependencies]\nx = []\ny = ["names"]\n'
    found = locked(world(["proj[y]; extra == 'x'"], LISTED, settings))
    assert installs(found, extra="x") == {"names": "3.10"}
    assert installs(found) == {}


def test_a_source_asks_for_extras_in_its_marker() -> None:
    settings = """
[project.optional-dependencies]
cpu = ["tensor"]
gpu = ["tensor"]
[tool.uv]
conflicts = [[{extra = "cpu"}, {extra = "gpu"}]]
[tool.uv.sources]
tensor = [
  {index = "cpu", marker = "sys_platform == 'linux' and extra == 'cpu' and extra != 'gpu'"},
  {index = "cu", marker = "sys_platform == 'linux' and extra == 'gpu' and extra != 'cpu'"},
]
"""
    found = locked(
        world(
            [], {"tensor": versions("2")}, settings, cpu={"tensor": versions("2+cpu")}, cu={"tensor": versions("2+cu")}
        )
    )
    assert installs(found, LINUX, extra="cpu") == {"tensor": "2+cpu"}
    assert installs(found, LINUX, extra="gpu") == {"tensor": "2+cu"}
    assert installs(found, MAC, extra="gpu") == {"tensor": "2"}


# Overrides and exclusions for one package

AGENT = {
    "agent": {"3.6": Dist(("names<3", "sniff")), "3.7": Dist(("names<3", "sniff"))},
    "other": {"1.0": Dist(("names>=3",))},
    "names": versions("2.10", "3.2", "3.9"),
    "sniff": versions("1.3"),
}


def scoped(*entries: str, key: str = "override-dependencies") -> str:
    return f"[tool.uv]\n{key} = [{', '.join(entries)}]\n"


def test_an_override_for_one_version_of_one_package() -> None:
    problem = world(["agent", "other"], AGENT)
    assert "names" in refused(problem)
    entry = '{package = {name = "Agent", version = "3.7.0"}, dependencies = ["names==3.2"]}'
    found = locked(world(["agent", "other"], AGENT, scoped(entry)))
    assert installs(found) == {"agent": "3.7", "names": "3.2", "other": "1.0", "sniff": "1.3"}


def test_an_override_for_every_version_gives_way_to_that_for_one() -> None:
    entries = (
        '{package = {name = "agent"}, dependencies = ["names==3.9"]}',
        '{package = {name = "agent", version = "3.6"}, dependencies = ["sniff<1"]}',
        '"names>=2"',
    )
    problem = world(["agent", "other"], AGENT, scoped(*entries))
    assert installs(locked(problem)) == {"agent": "3.7", "names": "3.9", "other": "1.0", "sniff": "1.3"}
    older = world(["agent<3.7"], AGENT, scoped(*entries[1:]))
    with pytest.raises(Exception, match="no lock exists"):
        locked(older)


def test_an_override_for_one_package_adds_what_that_does_not_require() -> None:
    entry = '{package = {name = "sniff"}, dependencies = ["names; sys_platform == \'linux\'"]}'
    found = locked(world(["sniff"], AGENT, scoped(entry)))
    assert installs(found, LINUX) == {"sniff": "1.3", "names": "3.9"}
    assert installs(found, MAC) == {"sniff": "1.3"}


def test_an_override_for_one_package_stays_in_the_extra_of_what_it_replaces() -> None:
    listed = {
        "lib": {"1.0": Dist(("names<3; extra == 'fast'", "names; extra == 'slow'"), provides_extra=("fast", "slow"))},
        "names": versions("2.10", "3.2", "3.9"),
    }
    entry = "{package = {name = 'lib'}, dependencies = ['names==3.2; sys_platform in \"linux win32\"']}"
    assert installs(locked(world(["lib"], listed, scoped(entry)))) == {"lib": "1.0"}
    found = locked(world(["lib[fast]"], listed, scoped(entry)))
    assert installs(found, WINDOWS) == {"lib": "1.0", "names": "3.2"}
    assert installs(found, MAC) == {"lib": "1.0"}


def test_what_one_package_does_not_require_after_all() -> None:
    entry = '{package = {name = "agent", version = "3.7"}, dependencies = ["Names"]}'
    found = locked(world(["agent", "other"], AGENT, scoped(entry, key="exclude-dependencies")))
    assert installs(found) == {"agent": "3.7", "names": "3.9", "other": "1.0", "sniff": "1.3"}


# What is proven of such locks


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        (APART + "constraint-dependencies = [\"names==3.6; extra == 'old'\"]\n", ("==3.6;", "!=3.6;")),
        (APART + "constraint-dependencies = [\"names<=3.6; extra != 'new'\"]\n", ("!= 'new'", "== 'new'")),
        (APART + "override-dependencies = [\"names==3.6; extra == 'old'\"]\n", ("==3.6;", "==3.10;")),
        (
            'optional-dependencies.old = ["app", "names"]\n'
            + scoped('{package = {name = "app", version = "1"}, dependencies = ["names==3.6"]}'),
            ("==3.6", "==3.10"),
        ),
    ],
)
def test_the_proof_knows_them_as_well(settings: str, other: tuple[str, str], tmp_path: Path) -> None:
    """Complete, confirmed by the checker; and refuted where the project has come to say something else."""
    scene = scene_of(world([], LISTED, settings), tmp_path)
    assert scene.lock().exit_code == 0
    certificate = tmp_path / "proof"
    prove = ["prove", str(scene.lockfile), "--complete", "--corpus", str(scene.snapshot)]
    proven = CliRunner().invoke(satlock, [*prove, "--certificate", str(certificate)])
    assert proven.exit_code == 0, proven.output
    checked = CliRunner().invoke(satlock, ["check", str(certificate), "--lockfile", str(scene.lockfile)])
    assert checked.exit_code == 0, checked.output
    text = (scene.project / "pyproject.toml").read_text(encoding="utf-8")
    assert text.count(other[0]) == 1
    scene.rewrite(text.replace(*other))
    assert CliRunner().invoke(satlock, prove).exit_code == 1


# Direct references of index packages


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ('["asks", "part @ {url}"]', ""),
        ('["asks", "part"]', '[tool.uv.sources]\npart = {path = "../side/part-3.0-py3-none-any.whl"}\n'),
        ('["asks"]', '[tool.uv.sources]\npart = {path = "../side/part-3.0-py3-none-any.whl"}\n'),
        ('["asks"]', '[tool.uv]\nconstraint-dependencies = ["part @ {url}"]\n'),
    ],
    ids=["dependency", "source", "source-alone", "constraint"],
)
def test_a_reference_that_the_project_declares_too_is_met(
    asked: str, more: str, tmp_path: Path, index_server: Callable[..., IndexServer]
) -> None:
    url = put(tmp_path / "side", "part", "3.0", "leaf").as_uri()
    scene = Scene(tmp_path, index_server(asking(url)))
    scene.write(asked.replace("{url}", url), more.replace("{url}", url))
    found = scene.lock()
    assert {name: entry["version"] for name, entry in found.items()} == {"asks": "1.0", "part": "3.0", "leaf": "1.0"}
    scene.run("--check")
    scene.run("--output", str(scene.project / "uv.lock"))


def test_a_reference_that_the_project_does_not_declare_is_named(
    tmp_path: Path, index_server: Callable[..., IndexServer]
) -> None:
    url = put(tmp_path / "side", "part", "3.0").as_uri()
    scene = Scene(tmp_path, index_server(asking(url)))
    scene.write('["asks"]', '[tool.uv]\nconstraint-dependencies = ["part<9"]\n')
    assert "part-3.0-py3-none-any.whl" in scene.run(code=1).output


def test_a_constraint_with_an_address_says_where_a_package_comes_from(
    tmp_path: Path, index_server: Callable[..., IndexServer]
) -> None:
    url = put(tmp_path / "side", "part", "3.0").as_uri()
    listed = {"needs": {"1.0": Dist(("part",))}, "part": versions("2.0", "4.0")}
    scene = Scene(tmp_path, index_server(World('[project]\nname = "unused"\n', {DEFAULT: listed})))
    scene.write('["needs"]', f"[tool.uv]\nconstraint-dependencies = [\"part @ {url} ; sys_platform == 'linux'\"]\n")
    found = scene.run().output
    assert "3.0" in found and "4.0" in found and "sys_platform" in found
    scene.write('["needs"]', '[tool.uv]\nconstraint-dependencies = ["unheard-of @ https://files.example/a.whl"]\n')
    assert {name: entry["version"] for name, entry in scene.lock("--upgrade").items()} == {
        "needs": "1.0",
        "part": "4.0",
    }


def asking(url: str) -> World:
    """An index with a package that requires what is at an address."""
    listed = {"asks": {"1.0": Dist((f"part @ {url}",))}, "part": versions("4.0"), "leaf": versions("1.0")}
    return World('[project]\nname = "unused"\n', {DEFAULT: listed})


@pytest.mark.parametrize("marker", ["", " ; sys_platform == 'win32'"])
def test_a_yanked_release_is_found_that_only_an_unread_candidate_pins(marker: str) -> None:
    """The search comes down to an old release only where something speaks for it, and here it is what that requires."""
    listed = {
        "a": {"1.0": Dist((f"b==2.0{marker}",)), **{f"2.{n}": Dist() for n in range(40)}},
        "b": {"1.0": Dist(), "2.0": Dist(yanked="broken")},
    }
    found = locked(world(["a", f"b>=2{marker}"], listed))
    assert installs(found, WINDOWS) == {"a": "1.0", "b": "2.0"}
    deep = {"top": {"1.0": Dist(("a",)), "2.0": Dist()}, **listed}
    assert installs(locked(world(["top", f"b>=2{marker}"], deep)), WINDOWS) == {"top": "1.0", "a": "1.0", "b": "2.0"}
    assert "yanked" in refused(world(["b>=2"], listed))


@pytest.mark.parametrize(("older", "told"), [(250, False), (300, True)])
def test_a_no_that_rests_on_what_was_not_read_says_so(older: int, told: bool) -> None:
    listed = {
        "a": {f"2.{n}": Dist() for n in range(older)},
        "b": {"1.0": Dist(), "2.0": Dist(yanked="broken")},
    }
    assert ("not all older versions" in refused(world(["a", "b>=2"], listed))) == told
