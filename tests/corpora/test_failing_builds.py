"""Builds that fail, hang, or are left alone: told soon, kept for a day, and gone with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from satlock.corpora.index import candidate

from .asking import Asking, index_table
from .conftest import Server, metadata_bytes, sdist, wheel
from .test_index import BACKEND, PROJECT

FAILS = 'print("cc: cannot find -lfoo"); raise SystemExit("Cannot find libfoo at http://me:pa55word@files.example/")'


@pytest.fixture
def asking(tmp_path: Path, server: Server) -> Asking:
    asking = Asking(tmp_path, server)
    asking.project("demo-thing", more=index_table(server.index))
    return asking


def built(code: str, version: str = "1.0", **files: bytes) -> bytes:
    backend = BACKEND.replace(b"MORE", code.encode()).replace(b"Name: demo", b"Name: demo-thing")
    backend = backend.replace(b"1.0", version.encode())
    content = {"PKG-INFO": metadata_bytes("demo-thing", version), "pyproject.toml": PROJECT, "backend.py": backend}
    return sdist("demo_thing", version, content | files)


def serve(asking: Asking, *archives: tuple[str, bytes]) -> None:
    asking.server.page("demo-thing", [asking.server.file(name, content) for name, content in archives])


def mark(folder: Path) -> str:
    """Code that notes that a build ran."""
    return f"open({str(folder / 'built')!r}, 'a').write('x'); "


def count(folder: Path) -> int:
    return len((folder / "built").read_text()) if (folder / "built").exists() else 0


def test_a_failing_build_is_told_with_its_own_words_and_tables_to_paste(asking: Asking) -> None:
    hint = {"demo_thing.egg-info/requires.txt": b"part\n"}
    serve(asking, ("demo_thing-1.0.tar.gz", built(FAILS, **hint)))
    asking.serve("part", "1.0")
    result = asking.lock()
    assert result.exit_code == 3
    assert "its build failed: Cannot find libfoo" in result.stderr
    assert "  | cc: cannot find -lfoo" in result.stderr
    assert "pa55word" not in result.output
    table = result.stderr[result.stderr.index("[[tool.uv.dependency-metadata]]") :].splitlines()[:4]
    asking.project("demo-thing", more="\n".join(table) + "\n" + index_table(asking.server.index))
    assert asking.lock().exit_code == 0
    assert asking.locked() == {"demo-thing": "1.0", "part": "1.0"}


def test_what_a_build_imports_and_does_not_ask_for_is_offered(asking: Asking) -> None:
    serve(asking, ("demo_thing-1.0.tar.gz", built("import pkg_resources_of_nobody")))
    result = asking.lock()
    assert "[tool.uv.extra-build-dependencies]" in result.stderr
    assert 'demo-thing = ["pkg-resources-of-nobody"]' in result.stderr


def test_one_failing_build_is_enough(asking: Asking) -> None:
    """Those before it would only take their time to fail."""
    archives = [(f"demo_thing-1.{n}.tar.gz", built(mark(asking.folder) + FAILS, f"1.{n}")) for n in range(9)]
    serve(asking, *archives)
    begun = time.monotonic()
    result = asking.lock()
    assert result.exit_code == 3
    assert count(asking.folder) == 1
    assert "older than 1.8, whose build failed" in result.stderr
    assert time.monotonic() - begun < 60
    read = [path for path in asking.server.paths() if path.startswith("/files/")]
    assert len(set(read)) < 8


def test_an_older_release_that_needs_no_build_serves_with_a_warning(asking: Asking) -> None:
    static = {"PKG-INFO": metadata_bytes("demo-thing", "1.0", metadata_version="2.2")}
    old = sdist("demo_thing", "1.0", static)
    serve(asking, ("demo_thing-1.0.tar.gz", old), ("demo_thing-2.0.tar.gz", built(FAILS, "2.0")))
    result = asking.lock("--quiet")
    assert result.exit_code == 0
    warning = " ".join(result.stderr.split())
    assert "warning: demo-thing 2.0 is listed by" in warning and "Cannot find libfoo" in warning
    assert "demo-thing 1.0 is locked in its place" in warning


def test_a_version_that_has_a_wheel_is_named(asking: Asking) -> None:
    archives = [("demo_thing-1.0-py3-none-any.whl", wheel("demo-thing", "1.0"))]
    serve(asking, *archives, ("demo_thing-2.0.tar.gz", built(FAILS, "2.0")))
    asking.project("demo-thing>=2", more=index_table(asking.server.index))
    result = asking.lock()
    assert result.exit_code == 3
    assert "demo-thing 1.0 has a wheel" in result.stderr


def test_a_failure_is_kept_for_a_day_unless_something_changes(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(asking, ("demo_thing-1.0.tar.gz", built(mark(asking.folder) + FAILS)))
    asking.lock()
    assert count(asking.folder) == 1
    result = asking.lock()
    assert result.exit_code == 3
    assert count(asking.folder) == 1
    assert "with --no-cache it is built again" in result.stderr and "| cc: cannot find -lfoo" in result.stderr
    asking.lock("--no-cache")
    assert count(asking.folder) == 2
    monkeypatch.setenv("CFLAGS", "-I/opt/foo")
    asking.lock()
    assert count(asking.folder) == 3
    more = '[tool.uv]\nextra-build-variables = { demo-thing = { FOO = "1" } }\n' + index_table(asking.server.index)
    asking.project("demo-thing", more=more)
    asking.lock()
    assert count(asking.folder) == 4
    monkeypatch.setattr(candidate, "_DAY", 0.0)
    asking.lock()
    assert count(asking.folder) == 5


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_a_build_with_all_it_started_and_its_folders(asking: Asking, number: signal.Signals) -> None:
    note, temporary = asking.folder / "pid", asking.folder / "tmp"
    temporary.mkdir()
    code = "import subprocess; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    code += f"open({str(note)!r} + '.new', 'w').write(str(child.pid)); os.rename({str(note)!r} + '.new', {str(note)!r})"
    serve(asking, ("demo_thing-1.0.tar.gz", built(code + "; time.sleep(60)")))
    process = subprocess.Popen(
        [sys.executable, "-m", "satlock", "lock", "--project", asking.folder, "--no-cache"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(note.read_text())
    process.send_signal(number)
    process.communicate(timeout=15)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    deadline = time.monotonic() + 10
    while (runs(child) or list(temporary.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(child)
    assert list(temporary.iterdir()) == []


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
