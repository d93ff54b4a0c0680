"""What is larger than anything needs to be: refused with a sentence, before it takes memory or time."""

from __future__ import annotations

import functools
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from .asking import Asking, index_table
from .conftest import JSON, Reply, Server, metadata_bytes, sdist, wheel

MOST_MEMORY = 700
"""MiB, of a run that has read the largest page or file that it reads at all."""
MOST_SECONDS = 60
MIB = 1 << 20

RUN = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "satlock", "lock", *sys.argv[1:]], capture_output=True, text=True)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, done.stderr)
"""


@pytest.fixture
def asking(tmp_path: Path, server: Server) -> Asking:
    asking = Asking(tmp_path, server)
    asking.project("tool", more=index_table(server.index))
    return asking


def measured(asking: Asking) -> tuple[int, str]:
    """The exit code and what was said, of a run that took no more than it may."""
    begun = time.monotonic()
    place = ["--project", str(asking.folder), "--cache-dir", str(asking.folder / "cache")]
    ran = subprocess.run([sys.executable, "-c", RUN, *place], capture_output=True, text=True, check=True)
    code, memory, said = ran.stdout.split(" ", 2)
    assert time.monotonic() - begun < MOST_SECONDS
    assert int(memory) < MOST_MEMORY, said
    assert "bug in satlock" not in said and "Traceback" not in said, said
    return int(code), said


def page(asking: Asking, body: bytes, kind: str = JSON, **headers: str) -> None:
    asking.server.replies["/simple/tool/"] = Reply(body, headers={"Content-Type": kind, **headers})


def squeezed(*parts: tuple[bytes, int]) -> bytes:
    """A gzip file of blocks, each so many times. To squeeze a block once takes a moment, all of them seconds."""
    deflate, body, crc = zlib.compressobj(9, wbits=-zlib.MAX_WBITS), b"", 0
    for block, times in parts:
        # After a full flush nothing refers to what was before.
        body += (deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)) * times
        for _ in range(times):
            crc = zlib.crc32(block, crc)
    size = sum(len(block) * times for block, times in parts) % (1 << 32)
    return struct.pack("<4BL2B", 0x1F, 0x8B, 8, 0, 0, 2, 255) + body + deflate.flush() + struct.pack("<2L", crc, size)


NOTHINGS = ((b'{"meta": {"api-version": "1.0"}, "name": "tool", "files": [', 1), (b"{}," * MIB, 20), (b"{}]}", 1))


def of_nothings() -> bytes:
    return b"".join(block * times for block, times in NOTHINGS)


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
@pytest.mark.parametrize(
    ("make", "kind", "headers"),
    [
        (of_nothings, JSON, {}),
        (lambda: b'{"meta": {"api-version": "1.0"}, "files": [' + b"[" * (32 * MIB), JSON, {}),
        (lambda: b"<a href=x>" * (6 * MIB), "text/html", {}),
        (lambda: b"<a " + b"x " * (30 * MIB), "text/html", {}),
        (lambda: b'<a href="' + b"&amp;" * (20 * MIB) + b'">x</a>', "text/html", {}),
        (lambda: squeezed((b" " * MIB, 400)), JSON, {"Content-Encoding": "gzip"}),
        (lambda: squeezed(*NOTHINGS), JSON, {"Content-Encoding": "gzip"}),
    ],
    ids=["objects", "nesting", "anchors", "attributes", "entities", "bomb", "bomb of objects"],
)
def test_pages(asking: Asking, make: Callable[[], bytes], kind: str, headers: dict[str, str]) -> None:
    page(asking, make(), kind, **headers)
    code, said = measured(asking)
    assert code == 3
    assert asking.server.index in said


def tar(*members: tuple[tarfile.TarInfo, bytes], pax: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=pax) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def with_pax() -> bytes:
    head = tarfile.TarInfo("tool-2.0/PaxHeaders/setup.py")
    head.type, head.size = tarfile.XHDTYPE, len(b"314572818 comment=" + b"\n") + 300 * MIB
    begun = head.tobuf(tarfile.USTAR_FORMAT) + b"%d comment=" % head.size
    ended = b"\n" + bytes(-head.size % tarfile.BLOCKSIZE) + tarfile.TarInfo("tool-2.0/setup.py").tobuf()
    return squeezed((begun, 1), (b"x" * MIB, 300), (ended, 1))


def with_long_name() -> bytes:
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 300 * MIB
    return squeezed((head.tobuf(tarfile.GNU_FORMAT), 1), (b"x" * MIB, 300))


def of_zeros() -> bytes:
    info = tarfile.TarInfo("tool-2.0/zeros")
    info.size = 1200 << 20
    return squeezed((info.tobuf(), 1), (bytes(MIB), 1200))


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
@pytest.mark.parametrize("make", [with_pax, with_long_name, of_zeros])
def test_source_distributions(asking: Asking, make: Callable[[], bytes]) -> None:
    server = asking.server
    old = server.file("tool-1.0-py3-none-any.whl", wheel("tool", "1.0"))
    server.page("tool", [old, server.file("tool-2.0.tar.gz", make())])
    code, said = measured(asking)
    assert code == 0
    assert "tool-2.0.tar.gz: " in said and "too large" in said
    assert asking.locked() == {"tool": "1.0"}


@functools.cache
def heavy_metadata() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("tool-2.0.dist-info/METADATA", metadata_bytes("tool", "2.0") + b" " * (400 * MIB))
    return buffer.getvalue()


def many_files() -> bytes:
    """A list of a million files, which take no room themselves."""
    record = (
        struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    )
    count = 1_000_000
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(record) * count, 0)
    where = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(record) * count, 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return record * count + end + where + last


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("make", [heavy_metadata, many_files])
def test_wheels(asking: Asking, make: Callable[[], bytes], ranges: bool) -> None:
    server = asking.server
    old = server.file("tool-1.0-py3-none-any.whl", wheel("tool", "1.0"))
    server.page("tool", [old, server.file("tool-2.0-py3-none-any.whl", make(), ranges=ranges)])
    code, said = measured(asking)
    assert code == 0
    assert "tool-2.0-py3-none-any.whl: " in said and "too large" in said
    assert asking.locked() == {"tool": "1.0"}


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
def test_a_metadata_file_beside_a_wheel(asking: Asking) -> None:
    """What is too large there is read from the wheel."""
    server, name = asking.server, "tool-2.0-py3-none-any.whl"
    said = squeezed((metadata_bytes("tool", "2.0", "Requires-Dist: stranger"), 1), (b" " * MIB, 400))
    server.replies[f"/files/{name}.metadata"] = Reply(said, headers={"Content-Encoding": "gzip"})
    server.page("tool", [server.file(name, wheel("tool", "2.0")) | {"core-metadata": True}])
    assert measured(asking)[0] == 0
    assert asking.locked() == {"tool": "2.0"}


# -- what a page and a file may say


LONG = "9" * 5000
STRANGE = [
    {"upload-time": "2016-12-31T23:59:60Z"},
    {"upload-time": "2023-02-30T00:00:00Z"},
    {"upload-time": "2023-13-01T00:00:00.000000Z"},
    {"upload-time": "0000-00-00T00:00:00Z"},
    {"upload-time": "9999-12-31T23:59:59-23:59"},
    {"upload-time": "20xx-01-01T00:00:00ZZ"},
    {"upload-time": 17},
    {"requires-python": f">={LONG}"},
    {"requires-python": ">=3.8,<"},
    {"requires-python": {"a": 1}},
    {"hashes": {"sha256": "abc"}},
    {"hashes": {"sha256": None, "": "x"}},
    {"hashes": ["sha256"]},
    {"hashes": {"md5": "d41d8cd98f00b204e9800998ecf8427e"}},
    {"size": -1},
    {"size": 10**30},
    {"size": 1.5},
    {"yanked": ["why"]},
    {"yanked": {"a": "b"}},
    {"core-metadata": {"sha256": "abc"}},
    {"core-metadata": 7},
    {"dist-info-metadata": {"sha256": ["x"]}},
    {"url": "https://[::1"},
    {"url": "data:,"},
    {"url": None},
    {"filename": f"tool-1.{LONG}-py3-none-any.whl"},
    {"filename": f"tool-{LONG}.tar.gz"},
    {"filename": "tool-1!2!3-py3-none-any.whl"},
    {"filename": 3},
    {"filename": "tool-2.0-" + "py3." * 200 + "py3-none-any.whl"},
    {"provenance": {"deep": [[[[]]]]}},
]


@pytest.mark.parametrize("more", STRANGE, ids=[json.dumps(one)[:60] for one in STRANGE])
@pytest.mark.parametrize("flat", [False, True])
def test_strange_values_leave_out_a_file_or_nothing(asking: Asking, more: dict[str, object], flat: bool) -> None:
    server = asking.server
    files = [server.file(f"tool-{v}-py3-none-any.whl", wheel("tool", v)) for v in ("1.0", "2.0")]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "tool", "files": [files[0], files[1] | more]}).encode()
    asking.server.replies["/simple/tool/"] = asking.server.replies["/flat"] = Reply(
        body, headers={"Content-Type": JSON}
    )
    if flat:
        asking.project("tool", more=index_table(f"{server.url}/flat", more='format = "flat"\ndefault = true'))
    for options in ((), ("--upgrade",), ("--upgrade", "--exclude-newer", "2026-01-01")):
        result = asking.lock(*options)
        assert result.exit_code in (0, 1), result.stderr
        if result.exit_code == 0:
            assert asking.locked()["tool"] in ("1.0", "2.0")
            assert 'sha256 = "abc"' not in (asking.folder / "pylock.toml").read_text()


LINES = [
    f"Requires-Dist: part>={LONG}",
    f"Requires-Dist: part=={LONG}.*",
    f"Requires-Dist: part; python_version >= '{LONG}'",
    f"Requires-Dist: part; platform_release >= '{LONG}'",
    f"Requires-Dist: {'x' * 100_000}",
    "Requires-Dist: part; " + "(" * 3000 + "python_version >= '3'" + ")" * 3000,
    "Requires-Dist: part; " + " and ".join(["python_version >= '3'"] * 3000),
    "Requires-Dist: part @ https://[",
    "Requires-Dist: part>=1.0\x00",
    "Requires-Dist: part[" + ",".join(f"e{n}" for n in range(3000)) + "]",
    f"Requires-Python: >={LONG}",
    "Requires-Python: nonsense",
    "Provides-Extra: -",
    f"Provides-Extra: {'x' * 100_000}",
    "Version: 3.0",
]


@pytest.mark.parametrize("line", LINES, ids=[line[:40] for line in LINES])
def test_strange_metadata(asking: Asking, line: str) -> None:
    server = asking.server
    server.page("tool", [
        server.file("tool-1.0-py3-none-any.whl", wheel("tool", "1.0")),
        server.file("tool-2.0-py3-none-any.whl", wheel("tool", "2.0", line)),
    ])  # fmt: skip
    asking.serve("part", "1.0")
    begun = time.monotonic()
    for options in ((), ("--upgrade",)):
        result = asking.lock(*options)
        assert result.exit_code in (0, 1), result.stderr
    assert time.monotonic() - begun < MOST_SECONDS


@pytest.mark.parametrize(
    "kind", ["image/png", "application/pdf", "text/plain", "text/html", "application/json", "", "x" * 2000]
)
def test_pages_of_another_kind(asking: Asking, kind: str) -> None:
    page(asking, b"\x89PNG\r\n\x1a\n" + bytes(range(256)), kind)
    result = asking.lock()
    assert result.exit_code == (1 if kind == "text/html" else 3), "a page of HTML without links lists no file"
    assert asking.server.index in result.stderr and len(result.stderr) < 2000


@pytest.mark.parametrize("kind", ["image/png", "application/zip", "text/css"])
def test_a_page_that_is_right_under_a_wrong_type(asking: Asking, kind: str) -> None:
    body = asking.server.page("tool", [asking.server.file("tool-2.0-py3-none-any.whl", wheel("tool", "2.0"))])
    page(asking, body, kind)
    result = asking.lock()
    assert result.exit_code == 3 and repr(kind) in result.stderr


def test_a_file_with_a_weak_hash_alone_is_hashed_anew(asking: Asking) -> None:
    import hashlib

    server, content = asking.server, wheel("tool", "2.0")
    file = server.file("tool-2.0-py3-none-any.whl", content)
    server.page("tool", [file | {"hashes": {"md5": hashlib.md5(content).hexdigest(), "sha1": "0" * 40}}])
    assert asking.lock().exit_code == 0
    text = (asking.folder / "pylock.toml").read_text()
    assert hashlib.sha256(content).hexdigest() in text
    assert "md5" not in text and "sha1" not in text


def test_sparse_files_are_no_sources(asking: Asking) -> None:
    info = tarfile.TarInfo("tool-2.0/setup.py")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x"}
    server = asking.server
    old = server.file("tool-1.0-py3-none-any.whl", wheel("tool", "1.0"))
    server.page("tool", [old, server.file("tool-2.0.tar.gz", tar((info, b"9" * 512)))])
    result = asking.lock()
    assert (result.exit_code, asking.locked()) == (0, {"tool": "1.0"})
    assert "sparse" in result.stderr


def test_a_source_distribution_of_too_many_files(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    from satlock.corpora.index import sdist as reading
    from satlock.corpora.index import unpacking

    for module in (reading, unpacking):
        monkeypatch.setattr(module, "MOST_MEMBERS", 20)
    server = asking.server
    content = sdist("tool", "2.0", {f"file{n}": b"" for n in range(30)})
    server.page("tool", [server.file("tool-2.0.tar.gz", content)])
    result = asking.lock()
    assert result.exit_code == 3
    assert "too many files" in result.stderr
    assert os.listdir(asking.folder / "cache")
