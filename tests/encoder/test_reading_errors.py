"""Whatever is wrong with a pyproject.toml is one clear sentence."""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from satlock.encoder.project.project import Project, ProjectError
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.settings import _NOT_SUPPORTED, KEYS_OF_SATLOCK

HEAD = """
[project]
name = "p"
requires-python = ">=3.11"
dependencies = []
optional-dependencies = {a = [], b = []}
[dependency-groups]
g = []
"""
INDEX = '[[tool.uv.index]]\nname = "i"\nurl = "https://index.example/i"\n'


def failure(tmp_path: Path, content: str | bytes, **options: object) -> str:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ProjectError) as caught:
        read_project(path, **options)  # type: ignore[arg-type]
    sentence = str(caught.value).replace(str(path), "FILE")
    return re.sub(r"\(Expected .*\);", "(...);", sentence)  # What packaging says of it differs between its versions.


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff", "FILE is not UTF-8 text (byte 0); save it as UTF-8."),
        (
            "a = ",
            "FILE is not valid TOML (Invalid value (at line 1, column 5, the end of the file)); correct it there.",
        ),
        (
            "[project]\nname = 'p'\nversion = 1.x",
            "FILE is not valid TOML (...); correct it there.",
        ),
        (
            "[project]\nname = 'p'\nversion = '1.x'",
            "project.version in FILE is '1.x', which is not a valid version; write it as in PEP 440, e.g. '1.2.3'.",
        ),
        ("a = " + "[" * 9999, "FILE is not valid TOML (it is nested too deeply); make it flatter."),
        ("project = 1", "project in FILE is 1; write a table."),
        ("tool = 1\n[project]", "tool in FILE is 1; write a table."),
        ("tool.uv = 1\n[project]", "tool.uv in FILE is 1; write a table."),
        ("[project]", "project in FILE has no name; add the name of the project."),
        (
            '[project]\nname = "p\\n"',
            "project.name in FILE is 'p\\n', which is not a valid project name; use letters, digits, '-', '_' and '.', "
            "with a letter or digit at both ends.",
        ),
        ('[project]\nname = ["p"]', "project.name in FILE is ['p']; write a project name as a string."),
        (
            '[project]\nname = "p"\ndynamic = ["version", "dependencies"]',
            "entry 2 of project.dynamic in FILE is 'dependencies', so only a build of the project would tell; write "
            "dependencies into [project] itself.",
        ),
        (
            '[project]\nname = "p"\nrequires-python = "^3.11"',
            "project.requires-python in FILE is '^3.11', which is not a valid version specifier; write it as in "
            "PEP 440, e.g. '>=3.11'.",
        ),
        (
            '[project]\nname = "p"\ndependencies = "a"',
            "project.dependencies in FILE is 'a'; write a list of requirements.",
        ),
        (
            '[project]\nname = "p"\ndependencies = ["a", "b c"]',
            "entry 2 of project.dependencies in FILE is 'b c', which is not a valid requirement (...); write it as "
            "in PEP 508, e.g. 'numpy>=1.26'.",
        ),
        (
            '[project]\nname = "p"\ndependencies = [1]',
            "entry 1 of project.dependencies in FILE is 1; write a requirement as a string.",
        ),
        (
            '[project]\nname = "p"\noptional-dependencies = {A_b = [], a-B = []}',
            "project.optional-dependencies.a-B in FILE is a second extra named 'a-b' after normalisation; rename one "
            "of them.",
        ),
        (
            '[project]\nname = "p"\noptional-dependencies = {"a b" = []}',
            "project.optional-dependencies in FILE has the key 'a b', which is not a valid extra name; use letters, "
            "digits, '-', '_' and '.', with a letter or digit at both ends.",
        ),
        (
            '[project]\nname = "p"\noptional-dependencies = {all = ["p[nope]"]}',
            "project.optional-dependencies.all in FILE requires 'p[nope]', but the project has no extra 'nope'; add it "
            "to [project.optional-dependencies].",
        ),
        (
            "[dependency-groups]\nA_b = []\na-B = []",
            "dependency-groups.a-B in FILE is a second group named 'a-b' after normalisation; rename one of them.",
        ),
        ("[dependency-groups]\na = 1", "dependency-groups.a in FILE is 1; write a list of requirements."),
        (
            "[dependency-groups]\na = [{include = 'b'}]",
            "entry 1 of dependency-groups.a in FILE is {'include': 'b'}; write a requirement or {include-group = ...}.",
        ),
        (
            "[dependency-groups]\na = [{include-group = 'b'}]",
            "include-group of entry 1 of dependency-groups.a in FILE names the unknown group 'b'; add it to "
            "[dependency-groups].",
        ),
        (
            "[dependency-groups]\na = [{include-group = 'b'}]\nb = [{include-group = 'a'}]",
            "dependency-groups in FILE has groups that include each other, with 'a' among them; break the cycle.",
        ),
    ],
)
def test_of_the_standard_tables(tmp_path, content, sentence):
    assert failure(tmp_path, content) == sentence


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("conflicts = 1", "tool.uv.conflicts in FILE is 1; write a list of lists."),
        (
            "conflicts = [{extra = 'a'}]",
            "entry 1 of tool.uv.conflicts in FILE is {'extra': 'a'}; write a list of {extra = ...} and {group = ...}.",
        ),
        (
            "conflicts = [[{extra = 'a'}, {extra = 'A'}]]",
            "entry 1 of tool.uv.conflicts in FILE has fewer than two members; name the extras or groups that exclude "
            "each other.",
        ),
        (
            "conflicts = [[{extra = 'a'}, {extra = 'nope'}]]",
            "extra of entry 2 of entry 1 of tool.uv.conflicts in FILE names the unknown extra 'nope'; add it to "
            "[project.optional-dependencies], or drop it here.",
        ),
        (
            "conflicts = [[{extra = 'a'}, {group = 'a'}]]",
            "group of entry 2 of entry 1 of tool.uv.conflicts in FILE names the unknown group 'a'; add it to "
            "[dependency-groups], or drop it here.",
        ),
        (
            "conflicts = [[{extra = 'a', group = 'g'}, {extra = 'b'}]]",
            "entry 1 of entry 1 of tool.uv.conflicts in FILE has both extra and group; write one entry for each of "
            "them.",
        ),
        (
            "conflicts = [[{}, {extra = 'b'}]]",
            "entry 1 of entry 1 of tool.uv.conflicts in FILE has neither extra nor group; add one of them.",
        ),
        (
            "conflicts = [[{extras = 'a'}, {extra = 'b'}]]",
            "extras of entry 1 of entry 1 of tool.uv.conflicts in FILE is unknown; use extra or group, and package.",
        ),
        (
            "sources.z.index = 'nope'",
            "tool.uv.sources.z.index in FILE names the unknown index 'nope'; declare it in [[tool.uv.index]] or with "
            "--index NAME=URL.",
        ),
        (
            "sources.z = {index = 'i', extra = 'a', group = 'g'}\n" + INDEX,
            "tool.uv.sources.z in FILE has both extra and group; write one entry for each of them.",
        ),
        (
            "sources.z = [{index = 'i', extra = 'nope'}]\n" + INDEX,
            "extra of entry 1 of tool.uv.sources.z in FILE names the unknown extra 'nope'; add it to "
            "[project.optional-dependencies], or drop it here.",
        ),
        (
            "sources.z = {index = 'i', marker = \"'a' in extras\"}\n" + INDEX,
            "tool.uv.sources.z.marker in FILE is \"'a' in extras\", which depends on what only a lock may ask for; "
            "write one as in PEP 508, e.g. \"sys_platform == 'linux'\".",
        ),
        ("sources.z = {}", "tool.uv.sources.z in FILE has no source; add one of index, git, url, path, workspace."),
        (
            "sources.z = {extra = 'a'}",
            "tool.uv.sources.z in FILE has no source; add one of index, git, url, path, workspace.",
        ),
        ("sources.z = {git = 'x', path = 'y'}", "tool.uv.sources.z in FILE has both git and path; keep one of them."),
        (
            "sources.z = {idnex = 'i', index = 'i'}",
            "tool.uv.sources.z.idnex in FILE is unknown; use index, with extra, group or marker.",
        ),
        (
            "sources = {z-z = {path = 'a'}, Z_z = {path = 'b'}}",
            "tool.uv.sources.Z_z in FILE is a second key for the package 'z-z'; join the two in one list.",
        ),
        ("sources.z = 'i'", "tool.uv.sources.z in FILE is 'i'; write a table or a list of tables."),
        (
            "index = 'https://index.example'",
            "tool.uv.index in FILE is 'https://index.example'; write a list of tables.",
        ),
        ("index = [{name = 'i'}]", "entry 1 of tool.uv.index in FILE has no url; add the address of the index."),
        (
            "index = [{url = 'ftp://index.example'}]",
            "url of entry 1 of tool.uv.index in FILE is 'ftp://index.example', which is not a URL; write it with "
            "https://, http:// or file://.",
        ),
        (
            "index = [{url = 'https://[index.example'}]",
            "url of entry 1 of tool.uv.index in FILE is 'https://[index.example', which is not a URL; write it with "
            "https://, http:// or file://.",
        ),
        (
            "index = [{name = 'a b', url = 'https://index.example'}]",
            "name of entry 1 of tool.uv.index in FILE is 'a b', which is not a valid index name; use letters, digits, "
            "'-', '_' and '.'.",
        ),
        (
            "index = [{url = 'https://index.example', explicit = true}]",
            "entry 1 of tool.uv.index in FILE is explicit and has no name; give it a name, so that sources can name "
            "it.",
        ),
        (
            "index = [{url = 'https://index.example', explicit = 1}]",
            "explicit of entry 1 of tool.uv.index in FILE is 1; write true or false.",
        ),
        (
            "index = [{url = 'https://index.example', format = 'html'}]",
            "format of entry 1 of tool.uv.index in FILE is 'html'; write 'simple' or 'flat'.",
        ),
        (
            "index = [{name = 'i', url = 'https://index.example'}, {name = 'i', url = 'https://index.example'}]",
            "entry 2 of tool.uv.index in FILE has the name 'i' of an earlier index; give each index a name of its own.",
        ),
        (
            "index = [{url = 'https://a.example', default = true}, {url = 'https://b.example', default = true}]",
            "entry 2 of tool.uv.index in FILE is a second index with default = true; mark only one as the default.",
        ),
        (
            "index-strategy = 'best'",
            "tool.uv.index-strategy in FILE is 'best'; write one of 'first-index', 'unsafe-first-match', "
            "'unsafe-best-match'.",
        ),
        (
            "prerelease = 'yes'",
            "tool.uv.prerelease in FILE is 'yes'; write one of 'disallow', 'allow', 'if-necessary', 'explicit'.",
        ),
        ("resolution = true", "tool.uv.resolution in FILE is true; write a string."),
        (
            "environments = ['sys_platform']",
            "entry 1 of tool.uv.environments in FILE is 'sys_platform', which is not a valid marker (...); write "
            "one as in PEP 508, e.g. "
            "\"sys_platform == 'linux'\".",
        ),
        ("environments = 1", "tool.uv.environments in FILE is 1; write a marker or a list of markers."),
        (
            "default-groups = 'dev'",
            "tool.uv.default-groups in FILE is 'dev'; write a list of groups, or \"all\".",
        ),
        (
            "default-groups = ['nope']",
            "entry 1 of tool.uv.default-groups in FILE names the unknown group 'nope'; add it to "
            "[dependency-groups], or "
            "drop it here.",
        ),
        (
            "exclude-newer = '1 month'",
            "tool.uv.exclude-newer in FILE is '1 month', which uses months or years, whose length varies; write e.g. "
            "'2025-01-31', '2025-01-31T12:00:00Z' or '30 days'.",
        ),
        (
            "exclude-newer = 2025-01-31T12:00:00",
            "tool.uv.exclude-newer in FILE is 2025-01-31T12:00:00, which has no time zone; write e.g. "
            "'2025-01-31', '2025-01-31T12:00:00Z' or '30 days'.",
        ),
        (
            "exclude-newer-package.a = true",
            "tool.uv.exclude-newer-package.a in FILE is true, which is neither a timestamp, a date nor a duration; "
            "write "
            "e.g. '2025-01-31', '2025-01-31T12:00:00Z' or '30 days'.",
        ),
        (
            "dependency-metadata = [{version = '1'}]",
            "entry 1 of tool.uv.dependency-metadata in FILE has no name; add the name of the package.",
        ),
        (
            "dependency-metadata = [{name = 'a', version = 'x'}]",
            "version of entry 1 of tool.uv.dependency-metadata in FILE is 'x', which is not a valid version; write "
            "it as "
            "in PEP 440, e.g. '1.2.3'.",
        ),
        (
            "dependency-metadata = [{name = 'a', requires = []}]",
            "requires of entry 1 of tool.uv.dependency-metadata in FILE is unknown; use name, version, requires-dist, "
            "requires-python or provides-extra.",
        ),
        (
            "no-build-package = ['a>1']",
            "entry 1 of tool.uv.no-build-package in FILE is 'a>1', which is not a valid package name; use letters, "
            "digits, '-', '_' and '.', with a letter or digit at both ends.",
        ),
        ("no-build = 'yes'", "tool.uv.no-build in FILE is 'yes'; write true or false."),
    ],
)
def test_of_the_settings(tmp_path, settings, sentence):
    assert failure(tmp_path, f"{HEAD}[tool.uv]\n{settings}") == sentence


def test_the_table_that_wins_is_the_one_that_is_named(tmp_path):
    text = HEAD + "[tool.uv]\nno-build = true\n[tool.satlock]\nno-build = 1"
    assert failure(tmp_path, text) == "tool.satlock.no-build in FILE is 1; write true or false."


def test_of_the_command_line(tmp_path):
    assert failure(tmp_path, HEAD, default_index="nope") == (
        "--default-index is 'nope', which is not a URL; write 'https://...'."
    )
    assert failure(tmp_path, HEAD, named_indexes={"a b": "https://index.example"}) == (
        "--index is 'a b=https://index.example', which is not NAME=URL; write 'name=https://...'."
    )


def test_of_a_missing_file(tmp_path):
    with pytest.raises(ProjectError, match=r"pyproject\.toml cannot be read \(No such file or directory\); name a "):
        read_project(tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    "settings",
    [
        f"constraint-dependencies = ['a>={'9' * 5000}']",
        f'environments = "{"(" * 5000}"',
        f'constraint-dependencies = ["a; {"(" * 5000}"]',
        f"exclude-newer = '{'9' * 9} weeks'",
        "exclude-newer = 9999-12-31",
        "exclude-newer = 9999-12-31T23:59:59-10:00",
        f"exclude-newer-package.a = {'9' * 5000}",
        "index = [{url = 'https://'}]",
        "index = [{url = 'https://index.example:99999'}]",
    ],
)
def test_hostile_values_are_errors_like_any_other(tmp_path, settings):
    sentence = failure(tmp_path, f"{HEAD}[tool.uv]\n{settings}")
    assert len(sentence) < 500


def test_a_chain_of_includes_too_long_for_the_stack(tmp_path):
    groups = "".join(f"g{i} = [{{include-group = 'g{i + 1}'}}]\n" for i in range(5000))
    sentence = failure(tmp_path, f"[dependency-groups]\n{groups}g5000 = []")
    assert sentence.startswith("dependency-groups in FILE has a chain of includes from 'g")


WORDS = """
p|a|b|g|A_a|i|x[y]>=1|p[a]|p[q]|z; os_name == 'nt'|a @ https://files.example/a.whl|https://index.example/i|all||'|${X}|
sys_platform == 'linux'|extra == 'a'|2025-01-31|3 days|P1Y|>=3.11|highest|allow|flat|first-index
"""
NAMES = """
name url extra group package index marker path git explicit default format include-group requires-dist version
requires-python provides-extra a b A p
"""
LEAVES = (
    st.sampled_from(WORDS.replace("\n", "").split("|"))
    | st.text(max_size=8)
    | st.booleans()
    | st.integers()
    | st.dates()
    | st.datetimes()
    | st.floats()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES.split()) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
SETTINGS = st.dictionaries(
    st.sampled_from(sorted(KEYS_OF_SATLOCK | _NOT_SUPPORTED)) | st.text(max_size=4), VALUES, max_size=6
)
EXTRAS = st.just({"a": ["x"], "b": ["p[a]"]}) | VALUES
PROJECTS = st.fixed_dictionaries(
    {"name": st.just("p") | VALUES, "requires-python": st.just(">=3.11") | VALUES},
    optional={"dependencies": st.just(["x"]) | VALUES, "optional-dependencies": EXTRAS, "dynamic": VALUES},
)
DOCUMENTS = st.fixed_dictionaries(
    {"project": PROJECTS | VALUES},
    optional={
        "dependency-groups": st.just({"g": ["y", {"include-group": "h"}], "h": []}) | VALUES,
        "tool": st.fixed_dictionaries({}, optional={"uv": SETTINGS | VALUES, "satlock": SETTINGS | VALUES}) | VALUES,
    },
)


def read_bytes(content: bytes) -> Project | None:
    """The project, or None after an error that is one sentence about the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pyproject.toml"
        path.write_bytes(content)
        try:
            project = read_project(path, now=datetime(2025, 6, 15, tzinfo=UTC))
        except ProjectError as error:
            sentence = str(error)
            assert str(path) in sentence
            assert sentence.endswith(".") and sentence.isprintable()
            return None
    assert all(warning.endswith(".") and warning.isprintable() for warning in project.warnings)
    hash((project.dependencies, project.constraints, project.overrides, project.environments, project.indexes))
    return project


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(content):
    read_bytes(content)


@given(DOCUMENTS)
def test_any_values_are_read_or_refused(document):
    read_bytes(tomli_w.dumps(document).encode())


@given(SETTINGS, SETTINGS)
def test_any_settings_of_a_good_project_are_read_or_refused(uv, satlock):
    project = {"name": "p", "requires-python": ">=3.11", "optional-dependencies": {"a": ["x"], "b": ["p[a]"]}}
    document = {"project": project, "dependency-groups": {"g": ["y"]}, "tool": {"uv": uv, "satlock": satlock}}
    read_bytes(tomli_w.dumps(document).encode())


def test_broken_toml_is_shown_with_line_and_column(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'p'\nversion = 1.x", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"\(at line 3, column 12\)"):
        read_project(tmp_path)
