"""``satlock prove`` and ``satlock check`` as they are typed: answers, exit codes, and what is printed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prove.locks import origin_lock, write_lock

ORIGIN = Path(__file__).parents[2] / "corpora" / "origin"


def _run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "satlock", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_proven_with_a_certificate(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock())
    done = _run("prove", lock, "--certificate", tmp_path / "certificate", "--json")
    assert done.returncode == 0, done.stderr
    assert "Proven" in done.stderr
    assert json.loads(done.stdout) == {
        "schema": "satlock/prove",
        "version": 1,
        "lockfile": str(lock),
        "property": "unique",
        "packages": {"origin": {"proven": True}, "torch": {"proven": True}, "torchmetrics": {"proven": True}},
    }
    done = _run("check", tmp_path / "certificate", "--json")
    assert done.returncode == 0
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    assert f"The lockfile {lock} (sha256 {digest[:12]})." in done.stderr
    assert "Confirmed: unique for origin, torch, torchmetrics (" in done.stderr
    said = json.loads(done.stdout)
    assert (said["schema"], said["version"]) == ("satlock/check", 1)
    assert (said["confirmed"], said["project"]) == (True, None)
    assert said["lockfile"] == {"path": str(lock), "sha256": digest, "format": "uv"}
    assert said["conflicts"] == [["extra 'cpu' of 'origin'", "extra 'cu124' of 'origin'"]]
    assert said["properties"][0]["packages"] == ["origin", "torch", "torchmetrics"]
    lock.write_text(lock.read_text() + "\n")
    done = _run("check", tmp_path / "certificate")
    assert done.returncode == 1
    assert "digest" in done.stderr


def test_refuted_with_its_environment(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock(kept=("cu124",)))
    done = _run("prove", lock, "--unique", "torch", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)["packages"]["torch"]
    assert report["proven"] is False
    found = report["counterexample"]
    assert found["environment"]["python_full_version"].startswith("3.12")
    assert found["extras"] in ([], ["cu124"])
    assert {c["version"] for c in found["candidates"]} < {"2.5.1", "2.5.1+cpu", "2.5.1+cu124"}
    assert all(c["path"][-1] == f"torch {c['version']}" for c in found["candidates"])
    assert "2.5.1+cpu" in done.stderr
    assert "uv sync --frozen" in done.stderr


def test_without_conflicts_nothing_is_active(tmp_path: Path) -> None:
    """uv only finds out what is active where something is in conflict, and so takes the edge for neither extra."""
    lock = write_lock(tmp_path, origin_lock(conflicts=False))
    found = json.loads(_run("prove", lock, "--json").stdout)["packages"]["torch"]["counterexample"]
    assert found["extras"] == ["cpu"]
    assert {c["source"].rpartition("/")[2] for c in found["candidates"]} == {"pypi", "cpu"}


@pytest.mark.parametrize(
    "words",
    [
        ("--unique", "numpy"),
        ("--unique", "-x-"),
        ("--offline",),
        ("--installable", "nonsense"),
        ("--project", "nowhere"),
    ],
)
def test_wrong_commands(words: tuple[str, ...], tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock())
    done = _run("prove", lock, *words)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


def test_the_project_may_be_elsewhere(tmp_path: Path) -> None:
    """Its conflicts exclude what the lock alone would refute."""
    lock = tmp_path / "pylock.toml"
    package = (
        '[[packages]]\nname = "torch"\nversion = "{0}"\nmarker = "\'{1}\' in extras"\ndirectory = {{path = "{1}"}}\n'
    )
    lock.write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\nextras = ["cpu", "cu"]\n'
        + package.format("1", "cpu") + package.format("2", "cu")
    )  # fmt: skip
    write_lock(tmp_path / "there", "[tool.uv]\nconflicts = [[{ extra = 'cpu' }, { extra = 'cu' }]]\n", "pyproject.toml")
    assert _run("prove", lock).returncode == 1
    done = _run("prove", lock, "--project", tmp_path / "there", "--certificate", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    assert _run("check", tmp_path / "c").returncode == 1
    done = _run("check", tmp_path / "c", "--project", tmp_path / "there")
    assert done.returncode == 0, done.stderr


def test_an_index_that_cannot_be_reached(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock())
    done = _run("prove", lock, "--complete", "--offline", "--cache-dir", tmp_path / "cache", "--json")
    assert done.returncode == 3, done.stderr
    assert "offline" in json.loads(done.stdout)["packages"]["torch"]["undecided"]


def test_wrong_files(tmp_path: Path) -> None:
    assert _run("prove", tmp_path / "uv.lock").returncode == 2
    assert _run("prove", write_lock(tmp_path, "x", "uv.lock")).returncode == 2
    assert _run("check", tmp_path / "nothing").returncode == 2


def test_installable(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock().replace("2.5.1%2Bcpu-py3-none-any", "2.5.1%2Bcpu-cp312-cp312-win_amd64"))
    done = _run("prove", lock, "--installable", "--json")
    assert done.returncode == 1
    packages = json.loads(done.stdout)["packages"]
    assert [name for name in packages if not packages[name]["proven"]] == ["torch"]
    assert _run("prove", lock, "--installable",
                "sys_platform == 'win32' and platform_machine == 'AMD64' and python_version == '3.12' "
                "and implementation_name == 'cpython'").returncode == 0  # fmt: skip
    assert "torch has no file to install" in _run("prove", "--installable", lock).stderr


def test_environments_that_the_lock_is_not_for(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock())
    for marker in ("python_version < '3.10'", "sys_platform == 'plan9' and sys_platform == 'win32'"):
        done = _run("prove", lock, "--installable", marker, "--certificate", tmp_path / "c")
        assert done.returncode == 2, done.stderr
        assert "is for Python >=3.12: no environment is left" in done.stderr
    assert not (tmp_path / "c").exists()


def test_the_environments_are_told(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, origin_lock())
    marker = "sys_platform == 'linux' and platform_machine == 'x86_64' and implementation_name == 'cpython'"
    assert _run("prove", lock, "--installable", marker, "--certificate", tmp_path / "c").returncode == 0
    done = _run("check", tmp_path / "c", "--json")
    (place,) = json.loads(done.stdout)["properties"][0]["environments"]
    assert (place["platform"], place["machine"]) == ("posix linux Linux", "x86_64")
    assert place["pythons"][0] == "3.12.0"
    assert "Linux x86_64, CPython 3.12, 3.13, " in done.stderr


def test_what_satlock_locks_is_proven(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text((ORIGIN / "pyproject.toml").read_text())
    done = _run("lock", "--project", tmp_path, "--corpus", ORIGIN / "origin.snapshot")
    assert done.returncode == 0, done.stderr
    done = _run("prove", tmp_path / "pylock.toml", "--unique", "torch", "--index-pins", "--certificate", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    assert _run("check", tmp_path / "c").returncode == 0
    text = (tmp_path / "pylock.toml").read_text()
    wrong = re.sub(r"""(['"\\\\]+)cpu\1 not in extras and """, "", text)
    assert wrong != text
    (tmp_path / "pylock.toml").write_text(wrong)
    done = _run("prove", tmp_path / "pylock.toml", "--unique", "torch")
    assert done.returncode == 1
    assert "pip install -r" in done.stderr
