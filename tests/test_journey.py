"""The tutorial's PyTorch project, from nothing to a lock that is proven, installed, broken, repaired and audited."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.cli.scene import ROOT

_PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
_SECTION = _PAGE[_PAGE.index("## PyTorch") : _PAGE.index("## A workspace")]


@pytest.fixture
def served() -> Iterator[str]:
    """The address of the recorded world, as the page has it served."""
    command = [sys.executable, "-m", "satlock", "corpus", "serve", "corpora/torch/torch.snapshot", "--json"]
    assert shlex.join(command[2:6]) in _SECTION
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield str(json.loads(server.stdout.readline())["base"])
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="torch 2.5.1 has no file for this Python")
def test_every_command_of_the_page_in_its_order(served: str, tmp_path: Path) -> None:
    page = _SECTION.replace("http://127.0.0.1:8000", served)
    for index in ("cpu", "cu124"):
        address = f"{served}/index-example-whl-{index}/simple/"
        assert address in page
        page = page.replace(f"https://index.example/whl/{index}", address)
    blocks = re.findall(r"```(toml|console|bash)\n(.*?)```", page, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(blocks[0][1])
    shutil.copy(ROOT / "docs" / "tutorial" / "advisories.json", tmp_path)
    lines = [line.removeprefix("$ ") for kind, text in blocks for line in text.splitlines() if kind != "toml"]
    typed = [line for line in lines if re.match(r"(satlock|sed|git|uv|export) ", line) and "corpus serve" not in line]
    install = next(line for line in typed if line.startswith("uv venv"))
    python = shlex.quote(sys.executable)
    shell = [f'satlock() {{ {python} -m satlock "$@"; }}']
    again = install.partition(" && ")[2]
    for line in [*typed, again, "uv pip list"]:
        shell += [f"echo {shlex.quote('$ ' + line)}", line, "echo ended with $?"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environment |= {
        "NO_COLOR": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "PATH": os.pathsep.join(
            (str(Path(find_uv_bin()).parent), str(Path(sys.executable).parent), os.environ["PATH"])
        ),
        # What is installed goes there, whichever environment the tests run in.
        "VIRTUAL_ENV": str(tmp_path / ".venv"),
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(shell)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    ends = re.findall(r"^\$ (.*?)\n(?:.*?\n)??ended with (\d+)$", done.stdout, re.MULTILINE | re.DOTALL)
    failed = [line for line, code in ends if code != "0"]
    # The audit finds something, and then the project has no lock; everything else works.
    assert failed == ["satlock audit --database advisories.json", "satlock lock"], done.stdout
    assert len(ends) == len(typed) + 2
    assert list(tmp_path.glob(".venv/lib/*/site-packages/torch-2.6.0+cpu.dist-info")), done.stdout
    assert re.search(r"^torch +2\.6\.0\+cpu$", done.stdout, re.MULTILINE), done.stdout
