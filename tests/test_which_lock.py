"""Shapes of real projects in which one environment once made all others old, on stand-in packages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.bruteforce import Environment, Judge
from tests.per_environment import environments
from tests.test_semantics import CPU, CU, installs, locked, world
from tests.world import Dist

START = datetime(2020, 1, 1, tzinfo=UTC)
MAC = Environment("3.12.0", "darwin", "arm64")
INTEL = Environment("3.12.0", "darwin", "x86_64")
WINDOWS = Environment("3.12.0", "win32", "AMD64")
ARM = Environment("3.12.0", "linux", "aarch64")


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


def test_numpy_pandas_and_scipy_are_the_newest_of_each_python() -> None:
    """What is new has files for new Pythons alone, and says so or not; what is old has none for these."""
    listed = {
        "numpy": {
            "1.24": on(0, requires_python=">=3.8", wheels=wheels(8, 9, 10, 11)),
            "2.0": on(540, requires_python=">=3.9", wheels=wheels(9, 10, 11, 12)),
            "2.2": on(720, requires_python=">=3.10", wheels=wheels(10, 11, 12, 13)),
            "2.4": on(1090, requires_python=">=3.11", wheels=wheels(11, 12, 13, 14)),
        },
        "pandas": {
            "2.0": on(110, "numpy>=1.20", requires_python=">=3.8", wheels=wheels(8, 9, 10, 11)),
            "2.3": on(890, "numpy>=1.22", requires_python=">=3.9", wheels=wheels(9, 10, 11, 12, 13)),
            "3.0": on(1120, "numpy>=1.26", requires_python=">=3.11", wheels=wheels(11, 12, 13, 14)),
        },
        "scipy": {
            "1.10": on(15, "numpy>=1.19,<1.27", requires_python=">=3.8", wheels=wheels(8, 9, 10, 11)),
            "1.13": on(460, "numpy>=1.22,<2.3", requires_python=">=3.9", wheels=wheels(9, 10, 11, 12)),
            "1.15": on(730, "numpy>=1.23,<2.5", requires_python=">=3.9", wheels=wheels(10, 11, 12, 13)),
            "1.17": on(1100, "numpy>=1.26,<2.7", requires_python=">=3.9", wheels=wheels(11, 12, 13, 14)),
        },
    }
    found = locked(world(["numpy", "pandas", "scipy"], listed, python=">=3.8"))
    best = {8: ("1.24", "2.0", "1.10"), 9: ("2.0", "2.3", "1.13"), 10: ("2.2", "2.3", "1.15")}
    for minor in range(8, 15):
        for platform, machine in (("linux", "x86_64"), ("win32", "AMD64"), ("darwin", "arm64")):
            here = installs(found, Environment(f"3.{minor}.0", platform, machine))
            assert tuple(here[name] for name in listed) == best.get(minor, ("2.4", "3.0", "1.17")), (minor, platform)


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


@pytest.mark.parametrize(("old", "new"), [("legacy", "modern"), ("z", "a")])
@pytest.mark.parametrize("asked", [[], ["theme"]], ids=["groups alone", "theme"])
def test_sphinx_of_each_group_is_the_newest(asked: list[str], old: str, new: str) -> None:
    """3.5.3 would go with one docutils for all: it is from before the bound on it was stated."""
    listed = {
        "sphinx": {
            "3.5.3": on(440, "docutils>=0.12"),
            "3.5.4": on(465, "docutils>=0.12,<0.17"),
            "4.5": on(815, "docutils>=0.14,<0.18"),
            "5.0": on(880, "docutils>=0.14,<0.19"),
            "8.2": on(1880, "docutils>=0.20,<0.22"),
        },
        "docutils": {"0.16": on(10), "0.17": on(458), "0.18": on(660), "0.21": on(1560), "0.22": on(2030)},
        "theme": {"1.0": on(300, "sphinx>=1.6"), "3.0": on(1770, "sphinx>=4")},
    }
    more = f'[dependency-groups]\n{old} = ["sphinx<5"]\n{new} = ["sphinx>5"]\n'
    more += f'[tool.uv]\nconflicts = [[{{ group = "{old}" }}, {{ group = "{new}" }}]]\n'
    found = locked(world(asked, listed, more))
    theme = dict.fromkeys(asked, "3.0")
    newest = {"sphinx": "8.2", "docutils": "0.21"}
    assert installs(found, group=old) == {"sphinx": "4.5", "docutils": "0.17", **theme}
    assert installs(found, group=new) == {**newest, **theme}
    assert installs(found) == ({**newest, **theme} if theme else {})


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


@pytest.mark.parametrize(("cpu", "cuda"), [("cpu", "cu124"), ("z", "a")])
def test_torch_of_each_extra_is_the_newest_that_its_index_has_for_the_platform(cpu: str, cuda: str) -> None:
    """The origin: three indexes; on CUDA's, the platform of the plain 2.5.1 is one that nothing newer serves."""
    served, arm, mac = "manylinux_2_28_x86_64 win_amd64", "manylinux_2_28_aarch64", "macosx_11_0_arm64"
    pythons = (11, 12, 13)

    def build(day: int, platforms: str, *requires: str) -> Dist:
        return on(day, "filelock", *requires, wheels=wheels(*pythons, platforms=platforms))

    default = {"2.0.1": build(0, f"{served} {mac}"), "2.13": build(1100, f"{served} {arm} {mac}")}
    on_cpu = {
        "2.7.0": build(700, f"{arm} {mac}"),
        "2.7.0+cpu": build(700, served),
        "2.13": build(1100, mac),
        "2.13+cpu": build(1100, f"{served} {arm}"),
    }
    on_cuda = {
        "2.4.0+cu124": build(450, served, "nvidia"),
        "2.5.1": build(540, arm),
        "2.5.1+cu124": build(540, served, "nvidia"),
        "2.6.0+cu124": build(630, served, "nvidia"),
    }
    listed = {
        "metrics": {"1.0": on(0, "torch>=2.0"), "1.8": on(900, "torch>=2.0.1")},
        "torch": default,
        "filelock": {"3.16": on(500)},
        "nvidia": {"12.4": on(400, wheels=("py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64"))},
    }
    more = f'[project.optional-dependencies]\n{cpu} = ["torch>=2.7"]\n{cuda} = ["torch>=2.5"]\n'
    more += f'[tool.uv]\nconflicts = [[{{ extra = "{cpu}" }}, {{ extra = "{cuda}" }}]]\n'
    more += f'[tool.uv.sources]\ntorch = [{{ index = "cpu", extra = "{cpu}" }}, {{ index = "cu", extra = "{cuda}" }}]\n'
    found = locked(world(["metrics"], listed, more, cpu={"torch": on_cpu}, cu={"torch": on_cuda}))
    for place in (linux("3.11.0"), linux("3.12.0"), WINDOWS, ARM, MAC):
        plain = {"metrics": "1.8", "filelock": "3.16"}
        assert installs(found, place) == {**plain, "torch": "2.13"}
        assert installs(found, place, extra=cpu) == {**plain, "torch": "2.13" if place == MAC else "2.13+cpu"}
        if place == ARM:
            assert installs(found, place, extra=cuda) == {**plain, "torch": "2.5.1"}
        elif place != MAC:  # for which that index has nothing
            assert installs(found, place, extra=cuda) == {**plain, "torch": "2.6.0+cu124", "nvidia": "12.4"}
    indexes = {(one.version, one.index) for one in found.lock.packages if one.name == "torch"}
    assert {index for version, index in indexes if "+cu" in version} == {CU}
    assert {index for version, index in indexes if "+cpu" in version} == {CPU}


def test_an_old_python_gets_what_has_a_wheel_for_it() -> None:
    listed = {"onnx": {"1.23": on(0, wheels=wheels(11, 12)), "1.32": on(500, wheels=wheels(12, 13, 14))}}
    found = locked(world(["onnx"], listed, python=">=3.11,<3.14"))
    assert installs(found, linux("3.11.0")) == {"onnx": "1.23"}
    assert installs(found, linux("3.12.0")) == installs(found, linux("3.13.0")) == {"onnx": "1.32"}


EXTRAS = """[project.optional-dependencies]
export = ["exporter"]
train = []
[tool.uv]
conflicts = [[{ extra = "export" }, { extra = "train" }]]
"""


@pytest.mark.parametrize(
    ("asked", "more", "held"),
    [
        ("exporter; sys_platform == 'win32'", "", lambda env: env.platform == "win32"),
        ("exporter; python_version < '3.12'", "", lambda env: env.python.startswith("3.11.")),
        ("", EXTRAS, lambda env: "export" in env.extras),
    ],
    ids=["platform", "python", "extra"],
)
def test_torch_is_old_only_where_somebody_holds_it_back(
    asked: str, more: str, held: Callable[[Environment], bool]
) -> None:
    """What holds it back is asked for on one platform, on one Python, or with one extra."""
    listed = {
        "torch": {"2.5": on(0, "sympy<1.14"), "2.6": on(100, "sympy<1.14"), "2.13": on(900, "sympy>=1.13")},
        "torchvision": {"0.20": on(0, "torch==2.5"), "0.21": on(100, "torch==2.6"), "0.28": on(900, "torch==2.13")},
        "lightning": {"2.4": on(50, "torch>=2.1"), "2.6": on(910, "torch>=2.3")},
        "sympy": {"1.13": on(-100), "1.14": on(300)},
        "exporter": {"1.0": on(110, "torch<=2.6"), "1.1": on(120, "torch<=2.6")},
    }
    problem = world([*filter(None, ["lightning", "torchvision", asked])], listed, more, python=">=3.11,<3.14")
    found, seen = locked(problem), set()
    for env in environments(Judge(problem)):
        (extra,) = env.extras or ("",)
        old = held(env)
        seen.add(old)
        torch = {"torch": "2.6", "torchvision": "0.21", "sympy": "1.13", "exporter": "1.1"}
        if not old:
            torch = {"torch": "2.13", "torchvision": "0.28", "sympy": "1.14"}
        assert installs(found, env, extra=extra) == {"lightning": "2.6", **torch}, env
    assert seen == {True, False}


def test_black_and_flask_are_old_only_where_a_python_is() -> None:
    """What they require dropped Python 3.9, and what their tests require dropped 3.10."""
    listed = {
        "click": {"8.1": on(0, "colorama; sys_platform == 'win32'"),
                  "8.3": on(600, "colorama; sys_platform == 'win32'", requires_python=">=3.10")},
        "colorama": {"0.4": on(0)},
        "flask": {"3.0": on(30, "click>=8.1", "werkzeug>=3.0"), "3.1": on(400, "click>=8.1", "werkzeug>=3.1")},
        "werkzeug": {"3.0": on(10, "markupsafe>=2.1"), "3.1": on(390, "markupsafe>=2.1")},
        "markupsafe": {"2.1": on(0), "3.0": on(380, requires_python=">=3.10")},
        "platformdirs": {"4.4": on(590), "4.5": on(630, requires_python=">=3.10")},
        "tomli": {"2.0": on(0), "2.3": on(640)},
        "pytest": {
            "8.4": on(500, "pygments", "tomli>=1; python_version < '3.11'"),
            "9.0": on(690, "pygments", "tomli>=1; python_version < '3.11'", requires_python=">=3.10"),
            "9.1": on(800, "pygments", requires_python=">=3.11"),
        },
        "pygments": {"2.19": on(100)},
    }  # fmt: skip
    asked = ["click>=8.0", "flask", "platformdirs>=2", "tomli>=1.1; python_version < '3.11'"]
    problem = world(asked, listed, '[dependency-groups]\ntest = ["pytest"]\n', python=">=3.9")
    found = locked(problem)
    for env in environments(Judge(problem)):
        minor = int(env.python.split(".")[1])
        new = minor >= 10
        best = {"click": "8.3" if new else "8.1", "markupsafe": "3.0" if new else "2.1", "flask": "3.1"}
        best |= {"platformdirs": "4.5" if new else "4.4", "werkzeug": "3.1", "pygments": "2.19"}
        best |= {"pytest": "8.4" if minor == 9 else "9.0" if minor == 10 else "9.1"}
        best |= {"tomli": "2.3"} if minor < 11 else {}
        best |= {"colorama": "0.4"} if env.platform == "win32" else {}
        assert installs(found, env, group="test") == best, env


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


@pytest.mark.parametrize("extra", ["", "[x]"])
def test_an_extra_that_nobody_asks_for_makes_no_escape(extra: str) -> None:
    """lib 4.0 calls num 3.0 too new for its extra alone, for which app 2.0 would ask, which cannot be had."""
    listed = {
        "app": {"1.0": on(0, f"lib{extra}", "num"), "2.0": on(900, "lib[x]", "gone>1")},
        "lib": {
            "3.0": on(0, "num", provides_extra=("x",)),
            "4.0": on(100, "plug", "num", "num<3; extra == 'x'", provides_extra=("x",)),
        },
        "num": {"2.0": on(50), "3.0": on(900)},
        "plug": {"1.0": on(0, "num<3")},
        "gone": {"1.0": on(0)},
    }
    found = installs(locked(world(["app"], listed)))
    if extra:
        assert found == {"app": "1.0", "lib": "4.0", "num": "2.0", "plug": "1.0"}
    else:
        assert found == {"app": "1.0", "lib": "3.0", "num": "3.0"}


@pytest.mark.parametrize("known", [True, False])
def test_equal_and_missing_times_have_an_order(known: bool) -> None:
    time = START.isoformat() if known else None
    listed = {"a": {version: Dist(upload_time=time) for version in ("1.0", "2.0", "10.0")}}
    assert installs(locked(world(["a"], listed))) == {"a": "10.0"}
