"""Requirements files: read as pip reads them, and refused with the file and the line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements

from satlock.encoder.project.project import ProjectError, Requirement
from satlock.encoder.project.requirements_txt import read_requirements


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.in").write_text(text, encoding="utf-8")
    return folder / "main.in"


def names(path: Path) -> list[str]:
    return [str(Pep508(requirement.text)) for requirement in read_requirements(path).dependencies]


def test_all_that_pip_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TOKEN", "s3cret")
    path = write(
        tmp_path,
        main='-r base.in\n--constraint=limits.in\n-i https://u:${INDEX_TOKEN}@index.example/simple\n'
        "--extra-index-url https://index.example/more\n--pre\n--only-binary=:all: --no-binary numpy,Foo_Bar\n"
        "numpy [x] >=1.26,\\\n  <3 ; python_version >= '3.9' # why\n"
        "./w/foo_bar-1.0-py3-none-any.whl ; os_name == 'nt'\n"
        "git+https://git.example/a.git@main#egg=a\n\nb==1.0 --hash=sha256:AB --hash sha384:cd\n",
        base="-c limits.in\nclick\n",
        limits="-r more_limits.in\nclick<9\n",
        more_limits="rich<14",
    )  # fmt: skip
    found = read_requirements(path)
    assert [(r.name, str(r.specifier), r.url) for r in found.dependencies] == [
        ("click", "", None),
        ("numpy", "<3,>=1.26", None),
        ("foo-bar", "", (tmp_path / "w/foo_bar-1.0-py3-none-any.whl").resolve().as_uri()),
        ("a", "", "git+https://git.example/a.git@main"),
        ("b", "==1.0", None),
    ]
    assert found.dependencies[1].origin == "line 7 of main.in"
    assert sorted(f"{r.name}{r.specifier}" for r in found.constraints) == ["click<9", "rich<14"]
    assert [(index.url, index.default) for index in found.indexes] == [
        ("https://index.example/more", False),
        ("https://u:s3cret@index.example/simple", True),
    ]
    assert (found.prerelease, found.no_build, found.no_binary_package) == ("allow", True, {"numpy", "foo-bar"})
    assert found.hashes == {"b": {("sha256", "ab"), ("sha384", "cd")}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    coding = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    path = tmp_path / "requirements.txt"
    path.write_bytes(f"{coding}rich  # für\r\nclick\r\n".encode(encoding))
    assert names(path) == ["rich", "click"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"main": "a\n-r other.in", "other": "-r main.in"},
            "Line 1 of {}/other.in includes {}/main.in, which ",
        ),
        ({"main": "\n\n-c gone.in"}, "Line 3 of {}/main.in includes {}/gone.in, which cannot be read"),
        ({"main": "a b c"}, "Line 1 of {}/main.in is 'a b c', which is not a valid requirement"),
        ({"main": "# x\n-e ./here"}, "Line 2 of {}/main.in is '-e ./here', which does not say the name"),
        ({"main": "-c c.in", "c": "-e ."}, "constrains a package to an address"),
        ({"main": "a @ ftp://files.example/a.zip"}, "is not an address with"),
        ({"main": "a --hash=md5:00"}, "Line 1 of {}/main.in has --hash 'md5:00'"),
        ({"main": "--hash=sha256:00"}, "has --hash without a requirement"),
        ({"main": "--what"}, "has '--what', which satlock does not know"),
        ({"main": "-r https://files.example/r.txt"}, "includes a file from the network"),
        ({"main": "./folder"}, "does not say the name of the package"),
        ({"main": "-c c.in", "c": "a @ https://files.example/a-1.0.tar.gz"}, "constrains a package to an address"),
        ({"main": "-r"}, "has options that cannot be read"),
        ({"main": "a 'b --hash=\"x"}, "has options that cannot be read"),
        ({"main": "--index-url nonsense://u:s3cret@x"}, "is 'nonsense://****@x', which is not a URL"),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(ProjectError) as error:
        read_requirements(write(tmp_path, **files))
    assert said.format(tmp_path, tmp_path) in str(error.value)
    assert "s3cret" not in str(error.value) and "\n" not in str(error.value)


def test_a_value_of_a_variable_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cret value")
    for text in ("${TOKEN} x", "a --what=${TOKEN}", "a --hash=${TOKEN}", "-e ${TOKEN}", "--index-url ${TOKEN}"):
        with pytest.raises(ProjectError) as error:
            read_requirements(write(tmp_path, main=text))
        assert "s3cret" not in str(error.value), text


_PIECES = st.sampled_from(
    ["a", "b>=1", "c[x]==2 ; python_version < '3'", "# d", "  e  # f", "g\\", " <2", "\\", "", " ", "-r other.in",
     "-c limits.in", "--requirement=other.in", "h --hash=sha256:00", "i \\", "-i https://index.example/s", "# j \\",
     "--pre", "${SATLOCK_NAME}", "${satlock}"]
)  # fmt: skip


def said(requirement: Requirement | Pep508) -> tuple[str, ...]:
    return (
        canonicalize_name(requirement.name),
        str(requirement.specifier),
        *sorted(requirement.extras),
        str(requirement.marker),
    )


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(_PIECES, max_size=8), end=st.sampled_from(["\n", "\r\n"]))
def test_pip_reads_the_same(tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str) -> None:
    folder = tmp_path_factory.mktemp("files")
    path = write(folder, main="", other="o\np<3 # x\n", limits="q<9")
    path.write_bytes(end.join(lines).encode())
    os.environ["SATLOCK_NAME"] = "k"
    try:
        theirs = list(parse_requirements(str(path), session=PipSession()))
        expected = [[said(Pep508(p.requirement)) for p in theirs if p.constraint is kind] for kind in (False, True)]
    except Exception:
        expected = None
    try:
        ours = read_requirements(path)
        found = [[said(r) for r in part] for part in (ours.dependencies, ours.constraints)]
    except ProjectError as error:
        if "together with options of a file" in str(error):
            return  # pip ignores these options
        found = None
    if expected is not None:  # a file that is included twice is read once
        expected = [list(dict.fromkeys(part)) for part in expected]
    assert (found and [list(dict.fromkeys(part)) for part in found]) == expected


def test_folders_and_editable_projects(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "pyproject.toml").write_text("[project]\nname = 'My.Tool'\n")
    text = "-e ./tool[x,y]\n./tool ; os_name == 'nt'\n-e git+https://git.example/b.git@v1#egg=b[z]\ntool @ ./tool\n"
    found = read_requirements(write(tmp_path, main=text)).dependencies
    assert [(r.name, r.extras, str(r.marker or "")) for r in found] == [
        ("my-tool", ("x", "y"), ""), ("my-tool", (), 'os_name == "nt"'), ("b", ("z",), ""), ("tool", (), ""),
    ]  # fmt: skip
    editable = [getattr(r.reference, "editable", None) for r in found]
    assert editable == [True, None, None, None]
    assert {str(r.reference) for r in found} == {
        (tmp_path / "tool").resolve().as_uri(), "git+https://git.example/b.git@v1",
    }  # fmt: skip
