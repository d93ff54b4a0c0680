"""What source distributions tell without a build: binding metadata, and hints."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement

from satlock.corpora.facts import File, Listing, Metadata, MetadataOutcome, NeedsBuild, Release, Wanted
from satlock.corpora.index import sdist as sdist_module
from satlock.corpora.index.project_table import project_fields
from satlock.corpora.index.recorded import recorded, requires_lines
from satlock.corpora.index.sdist import SdistError, metadata_of_sdist
from satlock.corpora.recorded.snapshot import SnapshotCorpus, write_snapshot

from .conftest import metadata_bytes, sdist

STATIC = metadata_bytes("demo", "1.0", "Requires-Dist: six", metadata_version="2.2")
OLD = metadata_bytes("demo", "1.0", "Requires-Python: >=3.8", "Provides-Extra: x", metadata_version="2.1")
TABLE = b'[project]\nname = "Demo"\nversion = "1.0.0"\ndependencies = ["attrs"]\n'
FROM_PKG_INFO = Metadata("demo", "1.0", ("six",), None, ())
FROM_TABLE = Metadata("demo", "1.0", ("attrs",), None, ())


def zipped(files: dict[str, bytes], top: str = "demo-1.0") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(f"{top}/{path}", content)
    return buffer.getvalue()


def told(files: dict[str, bytes]) -> Metadata | NeedsBuild:
    """The same from a tar archive and a zip archive, in either order of the files."""
    backwards = dict(reversed(files.items()))
    found = {
        metadata_of_sdist(io.BytesIO(content), f"demo-1.0.{suffix}", "demo", "1.0")
        for content, suffix in (
            (sdist("demo", "1.0", files), "tar.gz"),
            (sdist("demo", "1.0", backwards), "tar.gz"),
            (zipped(files), "zip"),
            (zipped(backwards), "zip"),
        )
    }
    assert len(found) == 1, found
    return found.pop()


def hint(files: dict[str, bytes]) -> Metadata | None:
    found = told(files)
    assert isinstance(found, NeedsBuild)
    return found.hint


def test_the_cheapest_that_binds_tells() -> None:
    assert told({"PKG-INFO": STATIC, "pyproject.toml": TABLE, "setup.py": b""}) == FROM_PKG_INFO
    assert told({"PKG-INFO": OLD, "pyproject.toml": TABLE}) == FROM_TABLE
    dynamic = metadata_bytes("demo", "1.0", "Dynamic: Requires-Dist", metadata_version="2.2")
    assert told({"PKG-INFO": dynamic, "pyproject.toml": TABLE}) == FROM_TABLE
    assert told({"PKG-INFO": b"broken", "pyproject.toml": TABLE}) == FROM_TABLE
    assert told({"pyproject.toml": TABLE}) == FROM_TABLE
    noted = metadata_bytes("demo", "1.0", "Requires-Dist: six", "Dynamic: requires-dist", metadata_version="2.4")
    assert told({"PKG-INFO": noted, "pyproject.toml": TABLE}) == FROM_TABLE
    found = told({"PKG-INFO": noted, "setup.py": b""})
    assert found == FROM_PKG_INFO and isinstance(found, Metadata) and found.noted
    meant = noted.replace(b"requires-dist", b"Requires-Dist")
    old = noted.replace(b"2.4", b"2.1")
    assert [told({"PKG-INFO": text, "setup.py": b""}) for text in (meant, old)] == [NeedsBuild(FROM_PKG_INFO)] * 2
    for elsewhere in ("src/pyproject.toml", "tests/PKG-INFO", "demo.egg-info/PKG-INFO"):
        assert told({elsewhere: TABLE if elsewhere.endswith("toml") else STATIC, "setup.py": b""}) == NeedsBuild()


# -- the project table


def test_a_whole_table() -> None:
    table = b"""
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"

[project]
name = "De.Mo"
dynamic = ["version", "readme"]
requires-python = ">=3.9"
dependencies = [" six (>=1.0) ", "attrs ; python_version < '3'", "x @ https://files.example/x.zip"]

[project.optional-dependencies]
Big_Extra = ["a>=1", "b; python_version < '3.12' or os_name == 'nt'", "c[d] @ https://files.example/c.zip"]
none = []

[tool.poetry.dependencies]
six = { version = "*", source = "mine" }
"""
    assert project_fields(table, "de-mo", "1.0") == Metadata(
        "de-mo",
        "1.0",
        (
            "six (>=1.0)",
            "attrs ; python_version < '3'",
            "x @ https://files.example/x.zip",
            'a>=1; extra == "big-extra"',
            'b; (python_version < "3.12" or os_name == "nt") and extra == "big-extra"',
            'c[d] @ https://files.example/c.zip ; extra == "big-extra"',
        ),
        ">=3.9",
        ("big-extra", "none"),
    )
    assert project_fields(table.replace(b"\n", b"\r\n"), "de-mo", "1.0") == project_fields(table, "de-mo", "1.0")


def test_what_is_not_in_the_table_and_not_dynamic_is_not_there() -> None:
    table = b'[project]\nname = "demo"\nversion = "1.0"\ndynamic = ["description"]\n'
    assert project_fields(table, "demo", "1.0") == Metadata("demo", "1.0", (), None, ())


@pytest.mark.parametrize(
    "lines",
    [
        'name = "other"\nversion = "1.0"',
        'version = "1.0"',
        "name = 1\nversion = '1.0'",
        'name = "demo"\nversion = "1.1"',
        'name = "demo"\nversion = "one"',
        'name = "demo"\nversion = 1.0',
        'name = "demo"',
        'name = "demo"\nversion = "1.0"\ndynamic = ["version"]',
        'name = "demo"\ndynamic = ["version", "dependencies"]',
        'name = "demo"\ndynamic = ["version", "Requires_Python"]',
        'name = "demo"\ndynamic = ["version", "optional-dependencies"]',
        'name = "demo"\ndynamic = "version"',
        'name = "demo"\nversion = "1.0"\nrequires-python = "^3.8"',
        'name = "demo"\nversion = "1.0"\nrequires-python = 3',
        'name = "demo"\nversion = "1.0"\ndependencies = ["not a requirement"]',
        'name = "demo"\nversion = "1.0"\ndependencies = "six"',
        'name = "demo"\nversion = "1.0"\ndependencies = { six = "*" }',
        'name = "demo"\nversion = "1.0"\ndependencies = ["x @ {root:uri}/x"]',
        'name = "demo"\nversion = "1.0"\noptional-dependencies = ["six"]',
        'name = "demo"\nversion = "1.0"\noptional-dependencies = { "a b" = ["six"] }',
        'name = "demo"\nversion = "1.0"\noptional-dependencies = { a = ["six", "!"] }',
        'name = "demo"\nversion = "1.0"\ndependencies = ["six; ' + "(" * 3000 + '"]',
        'name = "demo"\nversion = "1.0"\n[tool.poetry.dependencies]\nsix = "*"',
        'name = "demo"\nversion = "1.0"\ndependencies = []\n[tool.poetry.extras]\nx = ["six"]',
        'name = "demo"\nversion = "1.0"\ndependencies = []\n[tool.poetry.dependencies]\npython = "^3.9"',
        'name = "demo"\nversion = "1.0"\nname = "demo"',
        'name = "demo"\nversion = "1.0"\nx = ' + "[" * 20_000,
        'name = "demo"\nversion = "1.0"\nx = ' + "{a=" * 20_000,
    ],
)
def test_tables_that_do_not_tell(lines: str) -> None:
    assert project_fields(f"[project]\n{lines}\n".encode(), "demo", "1.0") is None


@pytest.mark.parametrize("data", [b"", b"\xff", b"project = 1", b"[[project]]", b"[tool]\n", b"\0" * 1000, b"[project"])
def test_broken_tables_are_ignored(data: bytes) -> None:
    assert told({"PKG-INFO": OLD, "pyproject.toml": data}) == NeedsBuild()


@pytest.mark.parametrize(
    "more",
    [
        "a." * 200_000 + "a = 1",
        "'='." * 100_000 + "a = 1",
        "[" + "a." * 100_000 + "a]\n" + "b.c = 1\n" * 20_000,
        '"""' + "\\\"'" * 100_000,
        "''\"" * 100_000 + "'''",
    ],
)
def test_tables_that_would_take_long_are_ignored(more: str) -> None:
    start = time.monotonic()
    assert project_fields(TABLE + more.encode(), "demo", "1.0") is None
    assert time.monotonic() - start < 5


def test_dots_in_strings_and_comments_are_no_keys() -> None:
    dots = "." * 100
    more = f'a = "{dots}" # {dots}\n' + f"b = '''\n{dots}'''\n" + f'c = """\\"\n{dots}"""\n'
    assert project_fields(TABLE + more.encode(), "demo", "1.0") == FROM_TABLE


# -- hints


GOLDEN = [
    (b"", (), ()),
    (b"six\nattrs>=20,<21\n", ("six", "attrs<21,>=20"), ()),
    (b"six\r\n\r\n[x]\r\nattrs\r\n", ("six", 'attrs; extra == "x"'), ("x",)),
    (
        b"six\n\n[:python_version < '3']\nfutures\n\n[Big_Extra]\na\n\n[dev:os_name == 'nt' or extra == 'y']\nb[c]\n",
        (
            "six",
            'futures; python_version < "3"',
            'a; extra == "big-extra"',
            'b[c]; (os_name == "nt" or extra == "y") and extra == "dev"',
        ),
        ("big-extra", "dev"),
    ),
    (b"[x]\n\n[y]\n# a comment\n", (), ("x", "y")),
    (b"[a b+c]\nsix\n", ('six; extra == "a-b-c"',), ("a-b-c",)),
    (b"[x]\nsix; python_version < '3'\n", ('six; python_version < "3" and extra == "x"',), ("x",)),
    (
        b"[:python_version < '3' or os_name == 'nt']\nsix; sys_platform == 'x' or os_name == 'y'\n",
        (
            'six; (sys_platform == "x" or os_name == "y") and (python_version < "3" or os_name == "nt")',
        ),
        (),
    ),
    (b"[x]\na @ https://files.example/a.zip\n", ('a@ https://files.example/a.zip ; extra == "x"',), ("x",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "lines", "extras"), GOLDEN)
def test_requires_txt(text: bytes, lines: tuple[str, ...], extras: tuple[str, ...]) -> None:
    found, names = requires_lines(text)
    assert ([str(Requirement(line)) for line in found], names) == ([str(Requirement(line)) for line in lines], extras)


@pytest.mark.parametrize(
    "text",
    [b"six>=1,==dev", b"-e .", b"[x\nsix", b"[]\nsix", b"[:bad]\nsix", b"[***]\nsix", b"\xff", b"../x", b"a" * 20_000],
)
def test_a_line_that_is_not_understood_is_no_hint(text: bytes) -> None:
    with pytest.raises(ValueError):
        requires_lines(text)
    assert recorded(OLD, text, "demo", "1.0") is None
    assert hint({"PKG-INFO": OLD, "demo.egg-info/requires.txt": text}) is None


markers = st.sampled_from(["", "os_name == 'nt'", "python_version < '3' or os_name == 'nt'", "python_version >= '3'"])
lines_of_a_section = st.lists(st.tuples(st.sampled_from("abc"), markers), max_size=4)
sections = st.dictionaries(st.tuples(st.sampled_from(["", "x", "Y_z"]), markers), lines_of_a_section, max_size=4)


@settings(deadline=None, max_examples=50)
@given(sections)
def test_requirements_apply_where_their_section_does(chosen: dict[tuple[str, str], list[tuple[str, str]]]) -> None:
    text = ""
    for (extra, marker), requirements in sorted(chosen.items()):
        text += f"\n[{extra}{':' if marker else ''}{marker}]\n" if extra or marker else ""
        text += "".join(f"{name}{own and '; '}{own}\n" for name, own in requirements)
    lines, extras = requires_lines(text.encode())
    assert set(extras) == {{"x": "x", "Y_z": "y-z"}[extra] for extra, _ in chosen if extra}
    for active in ("", "x", "y-z"):
        for python in ("2.7", "3.12"):
            for system in ("nt", "posix"):
                machine = {"extra": active, "python_version": python, "os_name": system}
                expected = {
                    name
                    for (extra, marker), requirements in chosen.items()
                    for name, own in requirements
                    if extra.lower().replace("_", "-") in ("", active)
                    and all(Marker(part).evaluate(dict(machine)) for part in (marker, own) if part)
                }
                parsed = [Requirement(line) for line in lines]
                applies = {one.name for one in parsed if one.marker is None or one.marker.evaluate(dict(machine))}
                assert applies == expected


def test_where_hints_come_from() -> None:
    egg = Metadata("demo", "1.0", ("six",), ">=3.8", ("x",))
    bare = Metadata("demo", "1.0", (), ">=3.8", ("x",))
    with_lines = OLD.replace(b"\n\n", b"\nRequires-Dist: attrs\n\n", 1)
    lines = Metadata("demo", "1.0", ("attrs",), ">=3.8", ("x",))
    six = b"six\n"
    assert hint({"PKG-INFO": OLD, "Demo.egg-info/PKG-INFO": OLD, "Demo.egg-info/requires.txt": six}) == egg
    assert hint({"PKG-INFO": OLD, "src/demo.egg-info/requires.txt": six}) == egg
    assert hint({"PKG-INFO": OLD, "lib3/demo.egg-info/requires.txt": six}) == egg
    assert hint({"PKG-INFO": OLD, "demo.egg-info/PKG-INFO": OLD}) == bare
    assert hint({"PKG-INFO": OLD, "setup.py": b""}) is None
    assert hint({"PKG-INFO": OLD, "other.egg-info/requires.txt": six, "a/b/demo.egg-info/requires.txt": six}) is None
    assert hint({"PKG-INFO": with_lines}) == lines
    assert hint({"PKG-INFO": with_lines, "demo.egg-info/PKG-INFO": OLD}) == lines
    assert hint({"PKG-INFO": OLD.replace(b"\n\n", b"\nRequires-Dist: six (\n\n", 1)}) is None
    twice = {"demo.egg-info/requires.txt": six, "src/demo.egg-info/requires.txt": six}
    assert hint({"PKG-INFO": OLD, **twice}) == egg
    assert hint({"PKG-INFO": OLD, **twice, "src/demo.egg-info/requires.txt": b"attrs"}) is None
    assert hint({"PKG-INFO": metadata_bytes("demo", "2.0"), "demo.egg-info/requires.txt": six}) is None
    assert hint({"demo.egg-info/requires.txt": six}) is None
    assert hint({"PKG-INFO": OLD, "demo.egg-info/requires.txt": b"#" * (1 << 20)}) is None
    assert told({"PKG-INFO": OLD, "pyproject.toml": TABLE + b"#" * (1 << 20)}) == NeedsBuild()


def test_hints_survive_a_snapshot(tmp_path: Path) -> None:
    file = File("demo-1.0.tar.gz", "https://files.example/demo-1.0.tar.gz", (), None, None, None, None, None)
    index = "https://index.example/simple"
    releases = tuple(Release(v, None, False, None, False, True, (tuple(file),)) for v in ("1.0", "2.0", "3.0"))
    some = Metadata("demo", "1.0", ("six", "ü; extra == 'x'"), ">=3.8", ("x",))
    outcomes = (NeedsBuild(some), NeedsBuild(Metadata("demo", "2.0", (), None, ())), NeedsBuild())
    metadata: dict[Wanted, MetadataOutcome] = {
        Wanted(index, "demo", release.version, (file,)): outcome
        for release, outcome in zip(releases, outcomes, strict=True)
    }
    path = tmp_path / "one.snapshot"
    write_snapshot(path, {(index, "demo"): Listing("demo", index, releases)}, metadata, recorded="2024-12-05T00:00:00Z")
    corpus = SnapshotCorpus(path)
    assert corpus.metadata(list(metadata)) == metadata
    corpus.close()


# -- hostile archives


def read_tar(content: bytes) -> Metadata | NeedsBuild:
    return metadata_of_sdist(io.BytesIO(content), "demo-1.0.tar.gz", "demo", "1.0")


def test_damaged_archives() -> None:
    for content in (b"", b"\x1f\x8b", b"x" * 2000, sdist("demo", "1.0", {"PKG-INFO": b"x" * 100_000})[:100]):
        for suffix in ("tar.gz", "zip"):
            with pytest.raises(SdistError):
                metadata_of_sdist(io.BytesIO(content), f"demo-1.0.{suffix}", "demo", "1.0")


def test_links_are_not_followed() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in ("PKG-INFO", "pyproject.toml", "demo.egg-info/requires.txt"):
            link = tarfile.TarInfo(f"demo-1.0/{path}")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(link)
    assert read_tar(buffer.getvalue()) == NeedsBuild()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive_:
        archive_.writestr("demo-1.0/PKG-INFO", OLD)
        info = zipfile.ZipInfo("demo-1.0/demo.egg-info/requires.txt")
        info.external_attr = 0o120777 << 16
        archive_.writestr(info, "target")
    assert metadata_of_sdist(buffer, "demo-1.0.zip", "demo", "1.0") == NeedsBuild()


def test_archives_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = {"zeros": b"\0" * (3 << 20)}
    egg = {"demo.egg-info/PKG-INFO": OLD}
    assert isinstance(read_tar(sdist("demo", "1.0", {"PKG-INFO": OLD} | egg | zeros)), NeedsBuild)
    assert read_tar(sdist("demo", "1.0", zeros | {"PKG-INFO": STATIC})) == FROM_PKG_INFO
    monkeypatch.setattr(sdist_module, "_LARGEST_ARCHIVE", 2 << 20)
    with pytest.raises(SdistError, match="too large"):
        read_tar(sdist("demo", "1.0", zeros | {"PKG-INFO": STATIC}))
    assert read_tar(sdist("demo", "1.0", {"PKG-INFO": STATIC} | zeros)) == FROM_PKG_INFO
    # What was seen in a part of it is no hint: there may be more of it.
    assert read_tar(sdist("demo", "1.0", {"PKG-INFO": OLD} | egg | zeros)) == NeedsBuild()


def test_many_spellings_and_copies_are_no_hint() -> None:
    files = {f"{name}.egg-info/requires.txt": b"six" for name in ("demo", "Demo", "dEmo", "deMo", "demO", "DEMO")}
    assert hint({"PKG-INFO": OLD} | files) is None


def test_another_folder_does_not_speak_for_the_one_with_pkg_info() -> None:
    for tops in (("a", "demo-1.0"), ("demo-1.0", "a")):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for top in tops:
                more = {"PKG-INFO": OLD} if top == "demo-1.0" else {"pyproject.toml": TABLE}
                for path, content in more.items():
                    archive.writestr(f"{top}/{path}", content)
        assert metadata_of_sdist(buffer, "demo-1.0.zip", "demo", "1.0") == NeedsBuild()
