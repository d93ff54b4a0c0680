"""Changes of a file keep its comments and layout, and say what the same changes of its tables say."""

from __future__ import annotations

import difflib
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satlock.encoder.project.amendments import Amendment, InList, Setting, amended
from satlock.encoder.project.editing import edited
from satlock.encoder.project.project import ProjectError

FILE = """\
# A project.
[project]
name = "demo"  # its name
dependencies = [
    "web>=1",     # the web
    # what follows is old
    "core<2",
    "tail",
]
requires-python = ">=3.11"

[project.optional-dependencies]
cpu = ["torch==2.6.0"]   # cpu
"gpu.x" = [ "torch==2.5.0", "extra[a,b]>=1 ; python_version < '3.12'" ]

[tool.uv]
# conflicts come here
constraint-dependencies = ["a<2"]

[tool.uv.sources]
torch = { index = "cpu" } # from there

[tool.other]
kept = true
"""

DEPS = ("project", "dependencies")
CASES: list[tuple[Amendment, list[str]]] = [
    (InList(DEPS, "core<2", "core<3"), ['-    "core<2",', '+    "core<3",']),
    (InList(DEPS, "web>=1", "web>=2"), ['-    "web>=1",     # the web', '+    "web>=2",     # the web']),
    (InList(DEPS, "tail", None), ['-    "tail",']),
    (InList(DEPS, None, "new"), ['+    "new",']),
    (
        InList(("project", "optional-dependencies", "cpu"), "torch==2.6.0", "torch"),
        ['-cpu = ["torch==2.6.0"]   # cpu', '+cpu = ["torch"]   # cpu'],
    ),
    (
        Setting(("tool", "uv", "conflicts"), [[{"extra": "cpu"}, {"extra": "gpu.x"}]]),
        ['+conflicts = [[{extra = "cpu"}, {extra = "gpu.x"}]]'],
    ),
    (Setting(("tool", "uv", "sources", "triton"), {"index": "cpu"}), ['+triton = {index = "cpu"}']),
    (Setting(("tool", "uv", "sources", "torch"), None), ['-torch = { index = "cpu" } # from there']),
    (Setting(("project", "requires-python"), ">=3.12"), ['-requires-python = ">=3.11"', '+requires-python = ">=3.12"']),
    (Setting(("tool", "satlock", "no-build"), True), ["+[tool.satlock]", "+no-build = true"]),
    (
        Setting(("tool", "uv", "prerelease-package", "a.b"), "allow"),
        ["+[tool.uv.prerelease-package]", '+"a.b" = "allow"'],
    ),
]


@pytest.mark.parametrize(("amendment", "lines"), CASES, ids=[str(case[0]) for case in CASES])
def test_one_change_is_a_change_of_its_lines(amendment: Amendment, lines: list[str]) -> None:
    found = edited(FILE, [amendment], "pyproject.toml")
    assert tomllib.loads(found) == amended(tomllib.loads(FILE), [amendment])
    differs = [
        line
        for line in difflib.unified_diff(FILE.splitlines(), found.splitlines(), lineterm="", n=0)
        if line[0] in "+-" and not line.startswith(("+++", "---")) and len(line) > 1
    ]
    assert differs == lines


names = st.sampled_from(["a", "b>=1", "c[x]<2 ; os_name == 'nt'", 'd; python_version < "3.12"', "e"])
spaces = st.sampled_from(["", " ", "  # told\n    ", "\n", "\n    # told\n    "])


@st.composite
def lists(draw: st.DrawFn) -> str:
    items = draw(st.lists(names, max_size=4, unique=True))
    text = "["
    for place, item in enumerate(items):
        quoted = "'''" + item + "'''" if "'" in item and draw(st.booleans()) else '"' + item.replace('"', '\\"') + '"'
        comma = "," if place < len(items) - 1 or draw(st.booleans()) else ""
        text += draw(spaces) + quoted + draw(st.sampled_from(["", " "])) + comma
    return text + draw(spaces) + "]"


@settings(max_examples=300, deadline=None)
@given(lists(), lists(), st.data())
def test_whatever_the_layout(dependencies: str, extra: str, data: st.DataObject) -> None:
    text = (
        f'[project]\nname = "x"\ndependencies = {dependencies}\n# between\n'
        f"[project.optional-dependencies]\ne = {extra}\n[tool.uv]\nkept = 1\n"
    )
    document = tomllib.loads(text)
    amendments = [data.draw(_amendments(document)) for _ in range(data.draw(st.integers(1, 3)))]
    try:
        found = edited(text, amendments, "pyproject.toml")
    except ProjectError as told:
        assert "change it by hand" in str(told)
        raise
    assert tomllib.loads(found) == amended(document, amendments)
    assert "# between" in found and found.count("# told") >= text.count("# told") - len(amendments)


def _amendments(document: dict[str, Any]) -> st.SearchStrategy[Amendment]:
    paths: list[tuple[tuple[str, ...], list[str]]] = [
        (("project", "dependencies"), document["project"]["dependencies"]),
        (("project", "optional-dependencies", "e"), document["project"]["optional-dependencies"]["e"]),
    ]
    found: list[st.SearchStrategy[Amendment]] = [
        st.sampled_from([
            Setting(("tool", "uv", "conflicts"), [[{"extra": "e"}, {"group": "g"}]]),
            Setting(("tool", "uv", "sources", "a"), [{"index": "i", "marker": "os_name == 'nt'"}]),
            Setting(("tool", "satlock", "environments"), ["sys_platform == 'linux'"]),
        ])
    ]  # fmt: skip
    for path, items in paths:
        found.append(st.builds(InList, st.just(path), st.none(), st.just("new>=1")))
        if items:
            found.append(st.builds(InList, st.just(path), st.sampled_from(items), st.sampled_from([None, "changed"])))
    return st.one_of(found)


def test_what_cannot_be_kept_is_told() -> None:
    text = '[project]\nname = "x"\n'
    with pytest.raises(ProjectError, match="change it by hand"):
        edited(text, [Setting(("project", "name", "deeper"), 1)], "pyproject.toml")
