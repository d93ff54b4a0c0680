"""Scripts with inline metadata (PEP 723)."""

from __future__ import annotations

from pathlib import Path

import pytest

from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.script import read_script

BLOCK = """\
#!/usr/bin/env python
# /// script
# requires-python = ">=3.12"
# dependencies = [
#   "torch>=2; sys_platform == 'linux'",
#
#   "rich",
# ]
# [tool.uv.sources]
# torch = { index = "cpu" }
# [[tool.uv.index]]
# name = "cpu"
# url = "https://index.example/whl/cpu"
# explicit = true
# [tool.satlock]
# single-version = ["torch"]
# ///
print("# /// script")
"""


def script(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "script.py"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_a_block_says(tmp_path: Path, end: str) -> None:
    found = read_script(script(tmp_path, BLOCK.replace("\n", end)))
    assert [r.name for r in found.dependencies] == ["torch", "rich"]
    assert str(found.requires_python) == ">=3.12"
    assert found.sources["torch"][0].index == "cpu"
    assert found.single_version == ("torch",)
    assert found.name is None and not found.warnings and not found.extras


def test_an_encoding_of_its_own(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\n# ä\n# /// script\n# dependencies = ['rich']\n# ///\n"
    found = read_script(script(tmp_path, text, "latin-1"))
    assert [r.name for r in found.dependencies] == ["rich"]
    assert found.warnings[0].startswith("requires-python is missing")


def test_other_keys_have_no_effect(tmp_path: Path) -> None:
    keys = "requires = []\n# dependency-groups = {dev = ['twig']}\n# project = 3"
    found = read_script(
        script(tmp_path, f"# /// script\n# requires-python = '>=3.11'\n# dependencies = ['rich']\n# {keys}\n# ///\n")
    )
    assert [r.name for r in found.dependencies] == ["rich"] and not found.groups
    for key, warning in zip(("requires", "dependency-groups", "project"), found.warnings, strict=True):
        assert warning.startswith(f"{key} in {tmp_path}/script.py is no key of a script's metadata and has no effect")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print()", "has no complete '# /// script' block; add one"),
        ("# /// script\n# dependencies = []\n", "has no complete '# /// script' block; end it"),
        ("# /// script\n# x = 1\n# ///\n\n# /// script\n# x = 1\n# ///\n", "has 2 '# /// script' blocks"),
        ("# /// script\n# dependencies = [\n# ///\n", "is not valid TOML"),
        ("# /// script\n# dependencies = 'rich'\n# ///\n", "dependencies in {}/script.py is 'rich'; write a list"),
        ("# /// script\n# dependencies = ['a b']\n# ///\n", "entry 1 of dependencies in {}/script.py is 'a b'"),
    ],
)
def test_wrong_blocks_are_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProjectError) as error:
        read_script(script(tmp_path, text))
    assert said.format(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)
