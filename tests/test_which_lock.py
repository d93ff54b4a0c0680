"""Shapes of real projects in which one environment once made all others old, on stand-in packages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.bruteforce import Environment
from tests.test_semantics import installs, locked, world
from tests.world import Dist

START = datetime(2020, 1, 1, tzinfo=UTC)
MAC = Environment("3.12.0", "darwin", "arm64")
INTEL = Environment("3.12.0", "darwin", "x86_64")
WINDOWS = Environment("3.12.0", "win32", "AMD64")


def on(day: int, *requires: str, **more: object) -> Dist:
    return Dist(requires, upload_time=(START + timedelta(days=day)).isoformat(), **more)  # type: ignore[arg-type]


def linux(python: str) -> Environment:
    return Environment(python, "linux", "x86_64")


def wheels(*pythons: int, platforms: str = "manylinux_2_28_x86_64 win_amd64 macosx_11_0_arm64") -> tuple[str, ...]:
    return tuple(f"cp3{minor}-cp3{minor}-{platform}" for minor in pythons for platform in platforms.split())


def test_an_intel_mac_that_is_required_puts_nobody_else_back() -> None:
    old = wheels(12, platforms="manylinux_2_28_x86_64 win_amd64 macosx_11_0_arm64 macosx_11_0_x86_64")
    listed = {"torch": {"2.2.2": on(0, wheels=old), "2.13": on(900, wheels=wheels(12))}}
    required = "[tool.uv]\nrequired-environments = [\"sys_platform == 'darwin' and platform_machine == 'x86_64'\"]\n"
    found = locked(world(["torch"], listed, required, python=">=3.12,<3.13"))
    assert installs(found, INTEL) == {"torch": "2.2.2"}
    assert {installs(found, env)["torch"] for env in (MAC, WINDOWS, linux("3.12.0"))} == {"2.13"}


def test_each_python_has_its_newest() -> None:
    listed = {
        "numpy": {"1.24": on(0), "2.0": on(500, requires_python=">=3.12"), "2.4": on(900, requires_python=">=3.13")},
        "pandas": {"2.0": on(100, "numpy"), "2.3": on(700, "numpy>=2", requires_python=">=3.12")},
    }
    found = locked(world(["numpy", "pandas"], listed))
    assert installs(found, linux("3.11.0")) == {"numpy": "1.24", "pandas": "2.0"}
    assert installs(found, linux("3.12.0")) == {"numpy": "2.0", "pandas": "2.3"}
    assert installs(found, linux("3.13.0")) == {"numpy": "2.4", "pandas": "2.3"}


@pytest.mark.parametrize(("old", "new"), [("cpu", "gpu"), ("gpu", "cpu"), ("a", "z"), ("z", "a")])
def test_whoever_chooses_no_side_of_a_conflict_gets_the_newest(old: str, new: str) -> None:
    listed = {"core": {"1.0": on(0), "1.5": on(10), "2.0": on(20), "2.5": on(30)}}
    more = f'[project.optional-dependencies]\n{old} = ["core<2"]\n{new} = ["core>=2"]\n'
    more += f'[tool.uv]\nconflicts = [[{{ extra = "{old}" }}, {{ extra = "{new}" }}]]\n'
    found = locked(world(["core"], listed, more))
    assert installs(found, linux("3.12.0")) == {"core": "2.5"}
    assert installs(found, linux("3.12.0"), extra=old) == {"core": "1.5"}
    assert installs(found, linux("3.12.0"), extra=new) == {"core": "2.5"}


def test_groups_in_conflict_hold_nothing_back_that_they_do_not_name() -> None:
    listed = {
        "fastapi": {"0.125": on(0, "pydantic"), "0.165": on(400, "pydantic>=2")},
        "pydantic": {"1.10": on(0), "2.13": on(300)},
    }
    more = '[dependency-groups]\none = ["pydantic<2"]\ntwo = ["pydantic>=2"]\n'
    more += '[tool.uv]\nconflicts = [[{ group = "one" }, { group = "two" }]]\n'
    found = locked(world(["fastapi"], listed, more))
    assert installs(found, linux("3.12.0")) == {"fastapi": "0.165", "pydantic": "2.13"}
    assert installs(found, linux("3.12.0"), group="two") == {"fastapi": "0.165", "pydantic": "2.13"}
    assert installs(found, linux("3.12.0"), group="one") == {"fastapi": "0.125", "pydantic": "1.10"}


def test_both_sides_of_a_conflict_have_files() -> None:
    listed = {
        "cuda-python": {
            "12.6": on(0, "bindings>=12,<13"),
            "12.9": on(200, "bindings>=12.9,<13"),
            "13.4": on(400, "bindings>=13"),
        },
        "bindings": {
            "12.6": on(0, wheels=wheels(11, 12)),
            "12.9": on(200, wheels=wheels(11, 12, 13)),
            "13.4": on(400, wheels=wheels(11, 12, 13, 14)),
        },
    }
    more = '[project.optional-dependencies]\ncu12 = ["bindings<13"]\ncu13 = ["bindings>=13"]\n'
    more += '[tool.uv]\nconflicts = [[{ extra = "cu12" }, { extra = "cu13" }]]\n'
    found = locked(world(["cuda-python>=12"], listed, more))
    assert installs(found, linux("3.13.0"), extra="cu12") == {"cuda-python": "12.9", "bindings": "12.9"}
    assert installs(found, linux("3.13.0"), extra="cu13") == {"cuda-python": "13.4", "bindings": "13.4"}
    assert installs(found, linux("3.13.0")) == {"cuda-python": "13.4", "bindings": "13.4"}


def test_builds_of_one_version_share_a_platform() -> None:
    """Each platform has the build that it alone has, as a whole: no Python of it is left to the other one."""
    plain, cpu = wheels(11, 12, platforms="win_amd64 macosx_11_0_arm64"), "manylinux_2_28_x86_64 win_amd64"
    listed = {
        "torch": {"3.0": on(0), "4.0": on(9, wheels=plain), "4.0+cpu": on(9, wheels=wheels(11, 12, platforms=cpu))}
    }
    found = locked(world(["torch"], listed, python=">=3.11,<3.13"))
    assert installs(found, MAC) == {"torch": "4.0"}
    assert installs(found, WINDOWS) == installs(found, linux("3.12.0")) == {"torch": "4.0+cpu"}
    assert installs(found, Environment("3.12.0", "linux", "aarch64")) == {"torch": "3.0"}
    (marker,) = [package.marker for package in found.lock.packages if package.version == "4.0"]
    assert marker == "sys_platform == 'darwin'"


def test_an_old_python_gets_what_has_a_wheel_for_it() -> None:
    listed = {"onnx": {"1.23": on(0, wheels=wheels(11, 12)), "1.32": on(500, wheels=wheels(12, 13, 14))}}
    found = locked(world(["onnx"], listed, python=">=3.11,<3.14"))
    assert installs(found, linux("3.11.0")) == {"onnx": "1.23"}
    assert installs(found, linux("3.12.0")) == installs(found, linux("3.13.0")) == {"onnx": "1.32"}


def test_a_bound_is_not_escaped_by_a_release_from_before_it_was_stated() -> None:
    listed = {
        "celery": {
            "4.3.0": on(0, "vine>=1.3"),
            "4.3.1": on(500, "vine>=1.3,<5"),
            "4.4.7": on(450, "vine==1.3.0"),
            "5.5": on(2000, "vine>=5.1"),
        },
        "vine": {"1.3.0": on(0), "5.1.0": on(1500)},
        "worker": {"1.0": on(600, "celery<5")},
    }
    for asked in (["celery<5", "vine"], ["worker", "vine"]):
        found = installs(locked(world(asked, listed)))
        assert (found["celery"], found["vine"]) == ("4.4.7", "1.3.0")


def test_a_bound_is_not_escaped_by_going_back_further() -> None:
    """1.1 is from before the bound was stated; so is 1.0, and that 1.1 admits it too is no excuse."""
    listed = {
        "calc": {"1.0": on(0, "num"), "1.1": on(300, "num>=1"), "1.2": on(400, "num<2"), "1.3": on(500, "num<2")},
        "num": {"1.0": on(0), "2.0": on(1200)},
        "app": {"1.0": on(0, "calc", "num")},
    }
    assert installs(locked(world(["app"], listed))) == {"app": "1.0", "calc": "1.3", "num": "1.0"}


def test_nobody_goes_back_for_an_escape_that_is_made_all_the_same() -> None:
    """All releases of app keep lib below 3, so 2.0 is an escape below each of them."""
    listed = {
        "app": {"1.0": on(0, "lib<3"), "1.1": on(100, "lib<3"), "1.2": on(200, "lib<3")},
        "lib": {"2.0": on(0, "num"), "2.1": on(300, "num<2"), "3.0": on(400, "num>=2")},
        "num": {"1.0": on(0), "2.0": on(250)},
    }
    assert installs(locked(world(["app", "num>=2"], listed))) == {"app": "1.2", "lib": "2.0", "num": "2.0"}


def test_a_late_release_of_an_old_series_that_moved_a_bound_makes_no_escape() -> None:
    """What 9.0 says of conf is no news to 8.1, which came later and asks for more."""
    listed = {
        "nlp": {"1.0": on(0, "thin<9", "conf<1"), "1.1": on(900, "thin<9", "conf>=1")},
        "thin": {"8.0": on(0, "conf<1"), "8.1": on(800, "conf>=1,<2"), "9.0": on(300, "conf<1")},
        "conf": {"0.1": on(0), "1.0": on(700)},
    }
    assert installs(locked(world(["nlp", "thin"], listed))) == {"nlp": "1.1", "thin": "8.1", "conf": "1.0"}


@pytest.mark.parametrize("known", [True, False])
def test_equal_and_missing_times_have_an_order(known: bool) -> None:
    time = START.isoformat() if known else None
    listed = {"a": {version: Dist(upload_time=time) for version in ("1.0", "2.0", "10.0")}}
    assert installs(locked(world(["a"], listed))) == {"a": "10.0"}
