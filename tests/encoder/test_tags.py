"""Where wheels install, against the tags that ``packaging`` says an interpreter takes."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags, mac_platforms

import satlock
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import all_of, from_marker
from satlock.encoder.markers.structure import Marker
from satlock.encoder.markers.tags import fits_of, installs_on

WASM = ("pyemscripten_2026_0", "pyodide_2024_0", "emscripten_3_1_58")


class Machine(NamedTuple):
    """A kind of machine, with every platform tag that a current one takes."""

    system: str
    machine: str
    platforms: tuple[str, ...]


def _linux(machine: str) -> tuple[str, ...]:
    glibc = [f"manylinux_2_{minor}_{machine}" for minor in range(5, 42)]
    old = [f"manylinux{name}_{machine}" for name in ("1", "2010", "2014")]
    return (*glibc, *old, *(f"musllinux_1_{minor}_{machine}" for minor in range(6)), f"linux_{machine}")


MACHINES = (
    Machine("linux", "x86_64", _linux("x86_64")),
    Machine("linux", "aarch64", _linux("aarch64")),
    Machine("linux", "i686", _linux("i686")),
    Machine("darwin", "arm64", tuple(mac_platforms((26, 0), "arm64"))),
    Machine("darwin", "x86_64", tuple(mac_platforms((15, 0), "x86_64"))),
    Machine("win32", "AMD64", ("win_amd64",)),
    Machine("win32", "ARM64", ("win_arm64",)),
    Machine("win32", "x86", ("win32",)),
    Machine(
        "emscripten", "wasm32", ("pyemscripten_2026_0_wasm32", "pyodide_2024_0_wasm32", "emscripten_3_1_58_wasm32")
    ),
)
PYTHONS = [(3, minor) for minor in range(8, 15)]


@cache
def taken(implementation: str, python: tuple[int, int], machine: Machine) -> frozenset[Tag]:
    """The tags that an interpreter takes."""
    version = "".join(map(str, python))
    if implementation == "cpython":
        own = cpython_tags(python, [f"cp{version}"], machine.platforms)
        short = "cp"
    else:
        own = generic_tags(f"pp{version}", [f"pypy{version}_pp73"], machine.platforms)
        short = "pp"
    return frozenset((*own, *compatible_tags(python, f"{short}{version}", machine.platforms)))


interpreters = st.sampled_from(
    ("py3", "py2", "py38", "py310", "py314", "cp38", "cp39", "cp312", "cp314", "pp310", "pp39", "cp27", "jy27", "py4x")
)
abis = st.sampled_from(("none", "abi3", "cp312", "cp39", "cp38", "cp314", "cp314t", "pypy310_pp73", "cp27mu"))
PLATFORMS = """
any manylinux_2_17_x86_64 manylinux2014_aarch64 plan9_mips manylinux1_i686 musllinux_1_2_x86_64 linux_x86_64 win_arm64
macosx_11_0_arm64 macosx_10_9_x86_64 macosx_10_9_universal2 macosx_10_9_intel win_amd64 win32
"""
platforms = st.sampled_from([*PLATFORMS.split(), *(f"{name}_wasm32" for name in WASM)])


@settings(deadline=None)
@given(interpreter=interpreters, abi=abis, platform=platforms)
def test_a_wheel_installs_where_packaging_says(interpreter: str, abi: str, platform: str) -> None:
    name, tag = f"x-1-{interpreter}-{abi}-{platform}.whl", Tag(interpreter, abi, platform)
    domain, installs = Domain(), installs_on(name)
    for implementation, python, machine in product(("cpython", "pypy"), PYTHONS, MACHINES):
        expected = tag in taken(implementation, python, machine)
        found = any(fit.admits(python, implementation, machine.system, machine.machine) for fit in fits_of(name))
        assert found == expected, (implementation, python, machine[:2])
        here = from_marker(
            Marker(
                f"implementation_name == '{implementation}' and python_version == '{python[0]}.{python[1]}' and "
                f"sys_platform == '{machine.system}' and platform_machine == '{machine.machine}'"
            )
        )
        assert domain.satisfiable(installs, here) == expected


def test_several_tags_are_each_read() -> None:
    both = installs_on("x-1-py2.py3-none-manylinux1_x86_64.win_amd64.whl")
    parts = [
        installs_on(f"x-1-{py}-none-{place}.whl")
        for py in ("py2", "py3")
        for place in ("manylinux1_x86_64", "win_amd64")
    ]
    domain = Domain()
    assert all(domain.implies(part, both) for part in parts)
    assert not domain.satisfiable(both, all_of(~part for part in parts))


@pytest.mark.parametrize("platform", ["pyodide_2024_0_wasm32", "pyemscripten_2026_0_wasm32", "emscripten_4_0_9_wasm32"])
def test_a_wheel_for_pyodide_is_proven_and_checked_to_install_on_emscripten(platform: str, tmp_path: Path) -> None:
    lockfile = tmp_path / "pylock.toml"
    lockfile.write_text(
        'lock-version = "1.0"\ncreated-by = "somebody"\n[[packages]]\nname = "x"\nversion = "1"\n'
        'index = "https://index.example/simple"\n'
        f'[[packages.wheels]]\nname = "x-1-cp312-cp312-{platform}.whl"\n'
        'url = "https://files.example/x.whl"\nhashes.sha256 = "00"\n'
    )
    where = "implementation_name == 'cpython' and python_version == '3.12' and sys_platform == 'emscripten'"
    assert satlock.prove(lockfile, "installable", environments=where, certificate=tmp_path / "proof").proven
    assert [checked.claims for checked in satlock.check(tmp_path / "proof", lockfile).properties] == [("x",)]
    elsewhere = where.replace("emscripten", "linux")
    assert not satlock.prove(lockfile, "installable", environments=elsewhere).proven
