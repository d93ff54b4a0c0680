"""The reading of a pyproject.toml: what each part of it means."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from satlock.corpora.references import GitReference, PathReference, UrlReference
from satlock.encoder.project.project import (
    Choice,
    DependencyMetadata,
    Index,
    Project,
    ProjectError,
    Scope,
    ScopedExclude,
    Source,
)
from satlock.encoder.project.reading import read_project

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)

PROJECT = """
[project]
name = "Trainer"
version = "0.1.0"
requires-python = ">=3.11,<3.14"
dependencies = ["numpy>=1.26", "Torch_Vision"]
[project.optional-dependencies]
cpu = ["torch==2.5.1"]
cu124 = ["torch==2.5.1"]
[dependency-groups]
dev = ["pytest"]
docs = ["sphinx"]
"""

INDEXES = """
[[tool.uv.index]]
name = "torch-cpu"
url = "https://index.example/cpu"
explicit = true
[[tool.uv.index]]
name = "torch-cu124"
url = "https://index.example/cu124"
explicit = true
"""


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str, **options: object) -> Project:
        path = tmp_path / "pyproject.toml"
        path.write_text(text)
        return read_project(path, now=NOW, **options)  # type: ignore[arg-type]

    return read


def test_the_project_table(read):
    project = read(PROJECT)
    assert project.name == "trainer"
    assert str(project.requires_python) == "<3.14,>=3.11"
    assert [requirement.name for requirement in project.dependencies] == ["numpy", "torch-vision"]
    assert project.dependencies[0].origin == "project.dependencies"
    assert list(project.extras) == ["cpu", "cu124"]
    assert project.extras["cpu"][0].origin == "project.optional-dependencies.cpu"
    assert list(project.groups) == ["dev", "docs"]
    assert project.default_groups == ("dev",)
    assert project.warnings == ()


def test_a_folder_stands_for_its_pyproject(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert read_project(tmp_path).path == tmp_path / "pyproject.toml"


def test_names_are_normalised_everywhere(read):
    project = read("""
        [project]
        name = "My.Project"
        requires-python = ">=3.11"
        [project.optional-dependencies]
        Type_Checking = ["A_B[Some_Extra,other.extra]; extra == 'Foo_Bar'"]
        all = ["my_project[TYPE-checking]"]
        [dependency-groups]
        Dev_Tools = [{include-group = "LINT.er"}]
        lint_er = []
        [tool.uv]
        default-groups = ["dev.tools"]
        conflicts = [[{extra = "type.checking"}, {group = "DEV-tools"}]]
        no-build-package = ["A.B"]
    """)
    requirement = project.extras["type-checking"][0]
    assert (requirement.name, requirement.extras) == ("a-b", ("other-extra", "some-extra"))
    assert str(requirement.marker) == 'extra == "foo-bar"'
    assert project.extras["all"][0].name == project.name == "my-project"
    assert project.group_includes == {"dev-tools": ("lint-er",)}
    assert project.default_groups == ("dev-tools",)
    assert project.conflicts == ((Choice("extra", "type-checking"), Choice("group", "dev-tools")),)
    assert project.no_build_package == {"a-b"}


def test_direct_references_keep_their_url(read):
    project = read("""
        [project]
        name = "p"
        requires-python = ">=3.11"
        dependencies = [
            "a @ https://files.example/a.whl ; sys_platform == 'linux'",
            "b @ git+https://git.example/b@main; sys_platform == 'linux'",
        ]
    """)
    assert [requirement.url for requirement in project.dependencies] == [
        "https://files.example/a.whl",
        "git+https://git.example/b@main",
    ]
    assert {str(requirement.marker) for requirement in project.dependencies} == {'sys_platform == "linux"'}


def test_groups_alone_are_a_project_without_a_name(read):
    project = read('[dependency-groups]\ndev = ["pytest", {include-group = "lint"}, "mypy"]\nlint = ["ruff"]')
    assert project.name is None
    assert [requirement.text for requirement in project.groups["dev"]] == ["pytest", "mypy"]
    assert project.group_includes == {"dev": ("lint",)}


def test_a_requires_python_without_lower_bound_counts_and_is_named(read):
    project = read('[project]\nname = "p"\nrequires-python = "<3.13"')
    assert str(project.requires_python) == "<3.13"
    assert project.warnings == (
        "project.requires-python has no lower bound, so the lock is for every older Python too; add one.",
    )


def test_a_project_named_like_a_package_that_it_needs_is_told_so(read):
    head = '[project]\nname = "Trust.LLM"\nrequires-python = ">=3.11"\noptional-dependencies = {a = []}\n'
    assert read(head + 'dependencies = ["trust-llm[a]"]').warnings == ()
    assert read(head + 'dependencies = ["trust-llm>=2"]').warnings == (
        "project.dependencies requires 'trust-llm>=2', which is the project itself, so no package is locked for it; "
        "rename the project if one of an index is meant.",
    )


def test_a_dynamic_version_is_fine(read):
    assert read('[project]\nname = "p"\nrequires-python = ">=3.11"\ndynamic = ["version", "readme"]').warnings == ()


def test_legacy_dev_dependencies_join_the_group_dev(read):
    project = read(PROJECT + '[tool.uv]\ndev-dependencies = ["ruff"]')
    assert [requirement.name for requirement in project.groups["dev"]] == ["pytest", "ruff"]
    alone = read('[project]\nname = "p"\n[tool.uv]\ndev-dependencies = ["ruff"]')
    assert alone.default_groups == ("dev",)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", ("dev",)),
        ("default-groups = []", ()),
        ('default-groups = ["docs", "docs"]', ("docs",)),
        ('default-groups = "all"', ("dev", "docs")),
    ],
)
def test_default_groups(read, setting, expected):
    assert read(PROJECT + "[tool.uv]\n" + setting).default_groups == expected


def test_conflicts_mix_extras_and_groups(read):
    project = read(
        PROJECT
        + '[tool.uv]\nconflicts = [[{extra = "cpu"}, {extra = "cu124"}], [{group = "docs"}, '
        + '{package = "trainer", extra = "cpu"}]]'
    )
    assert project.conflicts == (
        (Choice("extra", "cpu"), Choice("extra", "cu124")),
        (Choice("group", "docs"), Choice("extra", "cpu")),
    )


def test_conflicts_may_name_other_packages(read):
    project = read(
        PROJECT
        + """
        [tool.uv]
        conflicts = [
            [{extra = "cpu"}, {package = "other", extra = "x"}, {package = "other", group = "y"}],
            [{package = "trainer"}, {package = "other"}],
        ]
        """
    )
    assert project.conflicts == (
        (Choice("extra", "cpu"), Choice("extra", "x", "other"), Choice("group", "y", "other")),
        (Choice("project", ""), Choice("project", "", "other")),
    )
    assert not project.warnings


def test_sources_keep_their_scopes_in_order(read):
    project = read(
        PROJECT
        + INDEXES
        + """
        [tool.uv.sources]
        Torch = [
            {index = "torch-cpu", extra = "cpu"},
            {index = "torch-cu124", group = "docs", marker = "sys_platform == 'linux'"},
        ]
        numpy = {index = "torch-cpu"}
        """
    )
    assert list(project.sources) == ["torch", "numpy"]
    cpu, cu124 = project.sources["torch"]
    assert cpu == Source("torch-cpu", Choice("extra", "cpu"), None)
    assert (cu124.choice, str(cu124.marker)) == (Choice("group", "docs"), 'sys_platform == "linux"')
    assert project.sources["numpy"] == (Source("torch-cpu", None, None),)


def test_sources_that_are_no_index_are_references(read):
    project = read(
        PROJECT
        + INDEXES
        + """
        [tool.uv.sources]
        a = {path = "../a", editable = true}
        b = [
            {git = "https://me:secret@b.example/b.git", rev = "main", subdirectory = "x/y", marker = "os_name == 'a'"},
            {index = "torch-cpu", marker = "os_name == 'nt'"},
        ]
        c = [
            {url = "https://files.example/1.whl", marker = "os_name == 'nt'"},
            {url = "https://files.example/2.zip", subdirectory = "z", marker = "os_name != 'nt'"},
        ]
        d = {workspace = true}
        e = {path = "dist/e-1.whl"}
        f = {git = "ssh://git@git.example/f", tag = "v1", lfs = true}
        """
    )
    found = {name: [source.reference for source in sources] for name, sources in project.sources.items()}
    here = project.path.parent
    assert found == {
        "a": [PathReference(str(here.parent / "a"), True, True)],
        "b": [GitReference("https://b.example/b.git", "rev", "main", "x/y"), None],
        "c": [UrlReference("https://files.example/1.whl"), UrlReference("https://files.example/2.zip", "z")],
        "e": [PathReference(str(here / "dist" / "e-1.whl"), False)],
        "f": [GitReference("ssh://git@git.example/f", "tag", "v1", lfs=True)],
    }
    assert "secret" not in repr(project)
    assert project.warnings == ("tool.uv.sources.d names 'd', which no member of the workspace is; it has no effect.",)


@pytest.mark.parametrize("said", ["1", "On", "0", ""])
def test_git_lfs_by_the_environment(read, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """As uv 0.13.9 reads it: for a source that says nothing, and for an address."""
    monkeypatch.setenv("UV_GIT_LFS", said)
    project = read(
        """
        [project]
        name = "own"
        dependencies = ["a", "b", "c @ git+https://git.example/c"]
        [tool.uv.sources]
        a = {git = "https://git.example/a"}
        b = {git = "https://git.example/b", lfs = false}
        """
    )
    found = {name: sources[0].reference for name, sources in project.sources.items()}
    found["c"] = project.dependencies[2].reference
    assert found == {
        name: GitReference(f"https://git.example/{name}", None, "", lfs=name != "b" and said in ("1", "On"))
        for name in "abc"
    }


@pytest.mark.parametrize(
    "source, said",
    [
        ('{git = "ext::sh -c id"}', "an address that is not https, http, ssh, git or file"),
        ('{git = "https://-oProxyCommand=x/a"}', "that starts with '-'"),
        ('{git = "https://git.example/a", rev = "--upload-pack=x"}', "is not one that git may have"),
        ('{git = "https://git.example/a", rev = "x", tag = "y"}', "stands beside rev"),
        ('{git = "https://git.example/a", subdirectory = "../b"}', "leads out of it"),
        ('{git = "https://git.example/a", editable = true}', "does not belong to a source with git"),
        ('{url = "https://files.example/a"}', "neither a wheel nor a source archive"),
        ('{url = "ftp://files.example/a.whl"}', "is not an address"),
        ('{path = "a.whl", editable = true}', "cannot be editable"),
        ("{workspace = false}", "write true"),
    ],
)
def test_sources_that_cannot_be_meant_are_refused(read, source, said):
    with pytest.raises(ProjectError, match=re.escape(said)):
        read(PROJECT + f"[tool.uv.sources]\na = {source}\n")


def test_indexes_are_in_order_of_priority_with_the_default_last(read):
    project = read(
        PROJECT
        + """
        [tool.uv]
        extra-index-url = ["https://index.example/extra"]
        index-url = "https://index.example/legacy"
        [[tool.uv.index]]
        name = "main"
        url = "https://index.example/main"
        default = true
        [[tool.uv.index]]
        url = "https://${USER}@index.example/first"
        """
    )
    assert project.indexes == (
        Index("", "https://${USER}@index.example/first"),
        Index("", "https://index.example/extra"),
        Index("main", "https://index.example/main", default=True),
    )


def test_the_legacy_index_url_is_the_default(read):
    project = read(PROJECT + '[tool.uv]\nindex-url = "https://index.example/legacy"')
    assert project.indexes == (Index("", "https://index.example/legacy", default=True),)


def test_a_local_path_is_an_index_beside_the_project(read, tmp_path):
    project = read(PROJECT + '[[tool.uv.index]]\nurl = "./simple"')
    assert project.indexes[0].url == (tmp_path / "simple").as_uri()


def test_find_links_stand_before_the_indexes_and_have_no_place_among_them(read, tmp_path):
    text = PROJECT + '[tool.uv]\nfind-links = ["wheels", "https://index.example/links"]\n'
    project = read(text + '[[tool.uv.index]]\nurl = "https://index.example/simple"')
    assert project.indexes == (
        Index("", (tmp_path / "wheels").as_uri(), flat=True, beside=True, relative=True),
        Index("", "https://index.example/links", flat=True, beside=True),
        Index("", "https://index.example/simple"),
    )


def test_a_flat_index_is_kept_and_named(read):
    project = read(PROJECT + '[[tool.uv.index]]\nname = "f"\nurl = "https://index.example/f"\nformat = "flat"\nx = 1')
    assert project.indexes == (Index("f", "https://index.example/f", flat=True),)
    assert project.warnings == ("x of entry 1 of tool.uv.index is unknown and has no effect.",)


def test_the_command_line_wins_over_the_indexes_of_the_file(read):
    text = PROJECT + INDEXES + '[[tool.uv.index]]\nname = "main"\nurl = "https://index.example/main"\ndefault = true'
    project = read(
        text,
        default_index="https://mirror.example/simple",
        named_indexes={"torch-cpu": "https://mirror.example/cpu", "new": "https://mirror.example/new"},
    )
    assert project.indexes == (
        Index("new", "https://mirror.example/new"),
        Index("torch-cpu", "https://mirror.example/cpu", explicit=True),
        Index("torch-cu124", "https://index.example/cu124", explicit=True),
        Index("main", "https://index.example/main", explicit=True),
        Index("", "https://mirror.example/simple", default=True),
    )


def test_the_settings_of_versions(read):
    project = read(
        PROJECT
        + """
        [tool.uv]
        index-strategy = "unsafe-best-match"
        constraint-dependencies = ["urllib3<2"]
        override-dependencies = ["apex; sys_platform == 'never'", {package = {name = "A"}, dependencies = ["b<2", "c"]}]
        exclude-dependencies = ["Some_Thing", {package = {name = "a", version = "1.0.0"}, dependencies = ["B"]}]
        environments = "sys_platform == 'linux'"
        required-environments = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
        prerelease = "allow"
        prerelease-package = {Black_ = "disallow", Torch = "explicit"}
        resolution = "lowest-direct"
        no-build = true
        no-binary = false
        no-binary-package = ["B"]
        """.replace("Black_", "Black")
    )
    assert project.index_strategy == "unsafe-best-match"
    assert [(each.text, each.origin) for each in project.constraints] == [
        ("urllib3<2", "tool.uv.constraint-dependencies")
    ]
    assert [each.name for each in project.overrides] == ["apex"]
    assert project.excludes == {"some-thing"}
    (override,), (exclude,) = project.scoped_overrides, project.scoped_excludes
    assert (override.scope, [each.text for each in override.requirements]) == (Scope("a"), ["b<2", "c"])
    assert exclude == ScopedExclude(Scope("a", "1.0.0"), ("b",))
    assert exclude.scope.covers("a", "1") and not exclude.scope.covers("a", "1.1")
    assert [str(marker) for marker in project.environments] == ['sys_platform == "linux"']
    assert len(project.required_environments) == 2
    assert (project.prerelease, project.prerelease_package) == ("allow", {"black": "disallow", "torch": "explicit"})
    assert project.resolution == "lowest-direct"
    assert (project.no_build, project.no_binary, project.no_binary_package) == (True, False, {"b"})
    assert project.warnings == ()


def test_cutoffs(read):
    project = read(
        PROJECT
        + """
        [tool.uv]
        exclude-newer = "7 days"
        [tool.uv.exclude-newer-package]
        A_a = "2025-01-31"
        b = false
        c = 2025-01-31
        d = 2025-01-31T12:00:00+02:00
        """
    )
    assert project.exclude_newer == datetime(2025, 6, 8, 12, tzinfo=UTC)
    assert project.exclude_newer_package == {
        "a-a": datetime(2025, 2, 1, tzinfo=UTC),
        "b": None,
        "c": datetime(2025, 2, 1, tzinfo=UTC),
        "d": datetime(2025, 1, 31, 10, tzinfo=UTC),
    }
    assert read(PROJECT + "[tool.uv]\nexclude-newer = false").exclude_newer is None


def test_dependency_metadata(read):
    project = read(
        PROJECT
        + """
        [[tool.uv.dependency-metadata]]
        name = "Flash_Attn"
        version = "2.8"
        requires-dist = ["torch", "einops ; extra == 'x'"]
        requires-python = ">=3.9"
        provides-extra = ["X"]
        [[tool.uv.dependency-metadata]]
        name = "other"
        """
    )
    assert project.dependency_metadata == (
        DependencyMetadata("flash-attn", "2.8", ("torch", "einops ; extra == 'x'"), ">=3.9", ("x",)),
        DependencyMetadata("other", None, (), None, ()),
    )


def test_tool_satlock_wins_key_by_key(read):
    project = read(
        PROJECT
        + """
        [tool.uv]
        prerelease = "allow"
        resolution = "lowest"
        constraint-dependencies = ["a", "b"]
        single-version = ["numpy"]
        [tool.satlock]
        prerelease = "disallow"
        constraint-dependencies = ["c"]
        single-version = ["Torch"]
        """
    )
    assert (project.prerelease, project.resolution) == ("disallow", "lowest")
    assert [each.name for each in project.constraints] == ["c"]
    assert project.single_version == ("torch",)
    assert project.warnings == ("tool.uv.single-version is unknown and has no effect.",)


def test_each_other_key_is_fine_or_named(read):
    project = read(
        PROJECT
        + """
        [tool.uv]
        package = true
        managed = true
        cache-keys = []
        python-preference = "system"
        link-mode = "copy"
        required-version = ">=0.9"
        publish-url = "https://index.example/legacy"
        fork-strategy = "fewest"
        no-index = false
        nonsense = 1
        "odd\\nkey" = 1
        [tool.uv.pip]
        [tool.uv.build-backend]
        """
    )
    assert project.warnings == (
        "tool.uv.nonsense is unknown and has no effect.",
        "tool.uv.'odd\\nkey' is unknown and has no effect.",
    )


@pytest.mark.parametrize(
    "written", ["file:///${PROJECT_ROOT}/libs/lib", "file://${PROJECT_ROOT}/libs/lib", "${PROJECT_ROOT}/libs/lib"]
)
def test_the_variable_for_the_root_where_one_works_in_it(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(
        f'[project]\nname = "proj"\nrequires-python = ">=3.11"\ndependencies = ["lib @ {written}"]\n', encoding="utf-8"
    )
    (required,) = read_project(Path()).dependencies
    assert isinstance(required.reference, PathReference)
    assert required.reference.path == os.path.realpath(tmp_path / "libs" / "lib")


HEAD, INDEX = "[dependency-groups]", "[[tool.uv.index]]\nurl = 'https://index.example/'\n"


@pytest.mark.parametrize(
    ("old", "new", "key", "meant"),
    [
        ("dependencies = ", "dependancies = ", "project.dependancies", "dependencies"),
        ("requires-python", "require-python", "project.require-python", "requires-python"),
        ("optional-dependencies", "optional_dependencies", "project.optional_dependencies", "optional-dependencies"),
        (HEAD, "[dependency-group]", "dependency-group", "dependency-groups"),
        (HEAD, f"[tool.satlok]\nx = 1\n{HEAD}", "tool.satlok", "satlock"),
        (HEAD, f"[tool.uv]\nconflict = []\n{HEAD}", "tool.uv.conflict", "conflicts"),
        (HEAD, f"{INDEX}explict = true\n{HEAD}", "explict of entry 1 of tool.uv.index", "explicit"),
    ],
)
def test_what_is_misspelt_is_named_with_what_is_meant(read, old: str, new: str, key: str, meant: str):
    assert PROJECT.count(old) == 1
    found = read(PROJECT.replace(old, new))
    assert f"{key} is unknown and has no effect; did you mean {meant}?" in found.warnings


def test_tables_of_other_tools_are_nobodys_business(read):
    assert read(PROJECT + "[tool.ruff]\nline-length = 1\n[tool.poetry]\nname = 'x'\n[tool.pdm.dev]\n").warnings == ()
