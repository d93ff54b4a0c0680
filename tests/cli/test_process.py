"""``satlock`` as a process: signals, pipes, hash seeds, hostile files, and what it imports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.scene import ROOT, Scene, pyproject, run, scene_of, world_of
from tests.world import Dist

PACKAGES = {
    "a": {"1.0": Dist(("b ; sys_platform == 'linux'",)), "2.0": Dist(("b", "c"))},
    "b": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12")},
    "c": {"1.0": Dist(("a[x]",)), "2.0": Dist(("a",))},
}
EXTRAS = '[project.optional-dependencies]\nx = ["a<2"]\ny = ["a>=2"]\n'
CONFLICTS = '[tool.uv]\nconflicts = [[{ extra = "x" }, { extra = "y" }]]\n'


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(world_of(PACKAGES, pyproject("b", more=EXTRAS + CONFLICTS)), tmp_path)


def test_the_same_bytes_whatever_the_hash_seed(scene: Scene) -> None:
    outputs = {scene.run("--output", "-", env={"PYTHONHASHSEED": seed}).stdout for seed in ("0", "1", "2", "3")}
    assert len(outputs) == 1 and outputs.pop().startswith("lock-version")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interruption_leaves_the_files_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(pyproject("a"), encoding="utf-8")
    lockfile = tmp_path / "pylock.toml"
    lockfile.write_text('lock-version = "1.0"\ncreated-by = "x"\npackages = []\n', encoding="utf-8")
    before = lockfile.read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:  # an index that accepts and never answers
        url = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "satlock",
                "lock",
                "--project",
                tmp_path,
                "--no-cache",
                "--default-index",
                url,
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.settimeout(30)
        connection, _ = server.accept()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        output, error = process.communicate(timeout=30)
        connection.close()
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in error and "Exception ignored" not in error
    assert time.monotonic() - begun < 8
    assert lockfile.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pylock.toml", "pyproject.toml"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
@pytest.mark.parametrize("arguments", [("--output", "-"), ("--json",)])
def test_a_reader_that_has_gone_is_no_reason_for_a_traceback(scene: Scene, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "satlock", *scene.arguments(*arguments)],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_disk_shows(scene: Scene) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "satlock", *scene.arguments("--output", "-")],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3 and "No space left" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX shells")
def test_closed_streams(scene: Scene) -> None:
    for closed, code in (("2>&-", 0), (">&-", 0), ("--output - >&-", 3)):
        command = " ".join([sys.executable, "-m", "satlock", *scene.arguments(), closed])
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, (closed, done.stderr)
        assert "Traceback" not in done.stderr


HOSTILE = {
    "no text": b"\xff\xfe\x00",
    "no TOML": b"[project",
    "no table": b"project = 3\n",
    "no name": b"[project]\n",
    "dynamic": b'[project]\nname = "x"\ndynamic = [3]\n',
    "bad requirement": b'[project]\nname = "x"\ndependencies = ["a ?"]\n',
    "control characters": b'[project]\nname = "x"\ndependencies = ["a\\u001b[2J ?"]\n',
    "a URL": b'[project]\nname = "x"\nrequires-python = ">=3.11"\ndependencies = ["a @ https://index.example/a"]\n',
    "no environment": b'[project]\nname = "x"\nrequires-python = ">=3.11,<3.11"\ndependencies = []\n',
    "deep": b"[project]\nname = " + b"[" * 5000,
    "unknown extra": b'[project]\nname = "x"\ndependencies = ["x[y]"]\n',
    "bad marker": b'[project]\nname = "x"\ndependencies = ["a ; nonsense"]\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_project_ends_with_a_sentence(scene: Scene, name: str) -> None:
    (scene.project / "pyproject.toml").write_bytes(HOSTILE[name])
    done = scene.run()
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "Traceback" not in done.stderr and "\x1b" not in done.stderr
    assert scene.files() == ["pyproject.toml"]


def imported(*arguments: str) -> set[str]:
    """The top-level modules that a run imports, and the packages in satlock."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "satlock", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = [line.rpartition("|")[2].strip() for line in lines]
    return {".".join(name.split(".")[: 2 if name.startswith("satlock.") else 1]) for name in names}


def test_help_imports_click_alone() -> None:
    found = imported("--help") | imported("lock", "--help")
    assert not found & {"httpx", "rich", "z3", "bs4", "pysat", "packaging", "asyncio"}
    assert not found & {"satlock.solver", "satlock.encoder"}


def test_a_small_lock_from_a_snapshot_imports_no_network_and_no_z3(scene: Scene) -> None:
    assert not imported(*scene.arguments()) & {"httpx", "rich", "z3", "bs4", "asyncio"}


def test_colour_is_for_terminals(scene: Scene) -> None:
    assert "\x1b" not in scene.run().stderr
    assert "\x1b" not in run("lock", "--project", str(scene.project / "nowhere")).stderr
