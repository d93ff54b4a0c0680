"""Builds of source distributions, with backends that need nothing from a network."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from satlock.corpora.index.building import Building
from satlock.corpora.index.builds import Builder
from satlock.corpora.index.failed_build import BuildError
from satlock.corpora.index.unpacking import unpack_sdist

from .conftest import sdist
from .test_index import BACKEND, PROJECT, dynamic_sdist


def test_the_metadata_of_a_wheel_where_the_backend_makes_no_other() -> None:
    backend = b"""
import os, zipfile
def build_wheel(folder, settings=None, metadata=None):
    with zipfile.ZipFile(os.path.join(folder, "demo-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("demo-1.0.dist-info/METADATA", "Name: demo")
        wheel.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0")
    return "demo-1.0-py3-none-any.whl"
"""
    content = sdist("demo", "1.0", {"pyproject.toml": PROJECT, "backend.py": backend})
    assert Builder().of_archive(io.BytesIO(content), "demo-1.0.tar.gz") == b"Name: demo"


def test_zip_archives_build_too() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("demo-1.0/pyproject.toml", PROJECT)
        archive.writestr("demo-1.0/backend.py", BACKEND.replace(b"MORE", b"pass"))
    assert b"Requires-Dist: built" in Builder().of_archive(buffer, "demo-1.0.zip")


def test_a_build_is_isolated() -> None:
    more = "import importlib.util; assert importlib.util.find_spec('corpora') is None; "
    more += "assert importlib.util.find_spec('msgpack') is None; assert os.environ['EXTRA'] == 'yes'"
    content = io.BytesIO(dynamic_sdist(more))
    building = Building(variables={"demo": {"EXTRA": "yes"}})
    assert Builder(building).of_archive(content, "demo-1.0.tar.gz", "demo")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_build_that_takes_too_long_ends_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    more = "import subprocess; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    more += f"open({str(mark)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    content = dynamic_sdist(more)
    start = time.monotonic()
    with pytest.raises(BuildError, match="took longer than 4 seconds"):
        Builder(timeout=4).of_archive(io.BytesIO(content), "demo-1.0.tar.gz")
    assert time.monotonic() - start < 20
    pid = int(mark.read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            break
        if state == "Z":  # ended; whoever adopted it has not looked yet
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child of the build still runs")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"pyproject.toml": b"= broken"}, "its build failed"),
        ({"pyproject.toml": PROJECT}, "backend"),
        ({"pyproject.toml": PROJECT, "backend.py": b"import nothing_like_it"}, "nothing_like_it"),
        ({"pyproject.toml": b'[build-system]\nrequires = ["x @ file:///nowhere"]\nbuild-backend = "x"\n'}, "nowhere"),
    ],
)
def test_the_reason_of_a_failure_is_one_clause(files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(BuildError, match=reason) as caught:
        Builder().of_archive(io.BytesIO(sdist("demo", "1.0", files)), "demo-1.0.tar.gz")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


@pytest.mark.parametrize(
    "members",
    [
        [(tarfile.TarInfo("../outside"), b"x")],
        [link("demo-1.0/link", "../../outside"), (tarfile.TarInfo("demo-1.0/link"), b"x")],
        [link("demo-1.0/link", "/etc/passwd", tarfile.LNKTYPE)],
        [link("demo-1.0/fifo", "", tarfile.CHRTYPE)],
        [(tarfile.TarInfo("a/x"), b"x"), (tarfile.TarInfo("b/x"), b"x")],
        [(tarfile.TarInfo("file"), b"x")],
        [],
    ],
)
def test_hostile_archives_write_nothing_outside(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    inside = tmp_path / "inside" / "source"
    inside.parent.mkdir()
    with pytest.raises(BuildError):
        unpack_sdist(archive_of(*members), "demo-1.0.tar.gz", inside)
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "inside" / "outside").exists()


def test_hostile_zip_archives_write_nothing_outside(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../outside", b"x")
        archive.writestr("demo-1.0/setup.py", b"x")
    (tmp_path / "a").mkdir()
    with pytest.raises(BuildError):
        unpack_sdist(buffer, "demo-1.0.zip", tmp_path / "a" / "b")
    assert not (tmp_path / "outside").exists()


def test_damaged_archives(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"\x1f\x8b\x08", b"x" * 3000)):
        for suffix in ("tar.gz", "zip"):
            with pytest.raises(BuildError, match="cannot be unpacked"):
                unpack_sdist(io.BytesIO(content), f"demo-1.0.{suffix}", tmp_path / f"{number}{suffix}")
