"""The marker domain and what is read with it, against ``packaging``'s own evaluation, environment by environment."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from packaging.markers import Marker as Pep508Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.corpora.facts import Listing, Release
from satlock.encoder.formula.candidates import Candidates, runs
from satlock.encoder.formula.ranking import candidates_of
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import (
    TRUE,
    Choice,
    Formula,
    all_of,
    any_of,
    chosen,
    forget_switches,
    from_marker,
    from_python_specifier,
)
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.markers.structure import Marker
from satlock.encoder.markers.tags import installs_on
from satlock.encoder.project.dependencies import Dependencies, Edits
from satlock.encoder.project.project import Project
from tests.bruteforce import PLATFORMS, Environment, marker_variables, wheel_fits

PYTHONS = ("2.7.18", "3.8.0", "3.10.12", "3.11.0", "3.11.1", "3.11.9", "3.12.0", "3.12.1", "3.13.0", "3.14.2")
MACHINES = {
    "linux": ("x86_64", "aarch64", "riscv64"),
    "win32": ("AMD64", "ARM64"),
    "darwin": ("x86_64", "arm64"),
    "freebsd14": ("amd64",),
}
BASES = [
    Environment(python, platform, machine, implementation)
    for python, platform, implementation in itertools.product(PYTHONS, PLATFORMS, ("cpython", "pypy"))
    for machine in MACHINES[platform]
]
bases = st.sampled_from(BASES)
TIMES = 20 if os.environ.get("SATLOCK_NIGHTLY") == "1" else 1


def examples(number: int) -> settings:
    """So many examples in CI, and twenty times as many at night."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(deadline=None, max_examples=TIMES * number, suppress_health_check=quiet)


def point(env: Environment) -> Formula:
    """The formula that holds in one environment only, as far as any marker can tell."""
    variables = marker_variables(env)
    told = ("python_full_version", "sys_platform", "platform_system", "platform_machine", "implementation_name")
    return from_marker(Marker(" and ".join(f"{name} == '{variables[name]}'" for name in told)))


POINTS = {env: point(env) for env in BASES}

# Markers

VERSIONS = ("3.8", "3.11", "3.12", "3.13", "3", "4", "3.11.1", "3.12.0", "3.12.1", "3.13.0", "2.7")
VALUES = {
    "sys_platform": ("linux", "win32", "darwin", "cygwin", "freebsd14", "linux2"),
    "os_name": ("posix", "nt", "java"),
    "platform_system": ("Linux", "Windows", "Darwin", "FreeBSD"),
    "platform_machine": ("x86_64", "aarch64", "arm64", "AMD64", "ARM64", "amd64", "riscv64", "armv7l"),
    "implementation_name": ("cpython", "pypy"),
    "platform_python_implementation": ("CPython", "PyPy", "Jython"),
}
LISTS = {
    "sys_platform": ("linux darwin", "win32,cygwin"),
    "os_name": ("posix java",),
    "platform_system": ("Linux Darwin", "Windows"),
    "platform_machine": ("x86_64 AMD64 aarch64", "arm64,ARM64"),
    "implementation_name": ("cpython pypy",),
    "platform_python_implementation": ("CPython,PyPy",),
}


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    shape = draw(st.sampled_from(("version", "version", "listed versions", "text", "text", "list", "part")))
    if shape == "version":
        variable = draw(st.sampled_from(("python_version", "python_full_version")))
        op = draw(st.sampled_from(("<", "<=", ">", ">=", "==", "!=", "~=", "===")))
        version = draw(st.sampled_from(VERSIONS))
        if op == "~=":
            return f"{variable} ~= '{version if '.' in version else version + '.0'}'"
        if op in ("==", "!=") and draw(st.integers(0, 3)) == 3:
            return f"{variable} {op} '{version}.*'"
        return draw(st.sampled_from((f"{variable} {op} '{version}'", f"'{version}' {op} {variable}")))
    if shape == "listed versions":
        op = draw(st.sampled_from(("in", "not in")))
        listed = ("3.8 3.11", "3.11, 3.12", "2.7", "3.11.1 3.12.0")
        return (
            f"{draw(st.sampled_from(('python_version', 'python_full_version')))} {op} '{draw(st.sampled_from(listed))}'"
        )
    variable = draw(st.sampled_from(sorted(VALUES)))
    if shape == "list":
        return f"{variable} {draw(st.sampled_from(('in', 'not in')))} '{draw(st.sampled_from(LISTS[variable]))}'"
    value = draw(st.sampled_from(VALUES[variable]))
    if shape == "part":
        return f"'{value[:3]}' {draw(st.sampled_from(('in', 'not in')))} {variable}"
    op = draw(st.sampled_from(("==", "!=", "<", "<=", ">", ">=")))
    return draw(st.sampled_from((f"{variable} {op} '{value}'", f"'{value}' {op} {variable}")))


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda a, word, b: f"({a}) {word} ({b})", parts, st.sampled_from(("and", "or")), parts)


markers = st.recursive(comparisons(), joined, max_leaves=5)


def evaluated(marker: str, env: Environment) -> bool:
    """What packaging says."""
    return Pep508Marker(marker).evaluate(marker_variables(env))


SHARED = Domain()
"""One domain for all examples: what it has learned before must change no answer."""


@given(marker=markers, envs=st.lists(bases, min_size=5, max_size=25, unique=True))
@examples(100)
def test_a_marker_holds_where_packaging_says(marker: str, envs: list[Environment]) -> None:
    formula = from_marker(Marker(marker))
    for env in envs:
        truth = evaluated(marker, env)
        assert SHARED.satisfiable(formula, POINTS[env]) == truth, env
        assert SHARED.implies(POINTS[env], formula) == truth, env


@given(marker=markers)
@examples(100)
def test_a_witness_is_an_environment_where_the_marker_holds(marker: str) -> None:
    formula, domain = from_marker(Marker(marker)), Domain()
    for part, truth in ((formula, True), (~formula, False)):
        witness = domain.witness(part)
        if witness is not None:
            assert Pep508Marker(marker).evaluate(dict(witness.variables)) == truth
        else:
            assert not any(evaluated(marker, env) == truth for env in BASES)


@given(one=markers, other=markers)
@examples(100)
def test_markers_that_no_environment_tells_apart_are_equivalent(one: str, other: str) -> None:
    domain = Domain()
    left, right = from_marker(Marker(one)), from_marker(Marker(other))
    found = domain.witness(left, ~right) or domain.witness(right, ~left)
    assert domain.equivalent(left, right) == (found is None)
    if found is not None:
        assert Pep508Marker(one).evaluate(dict(found.variables)) != Pep508Marker(other).evaluate(dict(found.variables))
    else:
        assert all(evaluated(one, env) == evaluated(other, env) for env in BASES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sys_platform == 'win32'", "os_name == 'nt'"),
        ("sys_platform == 'win32'", "platform_system == 'Windows'"),
        ("platform_python_implementation == 'PyPy'", "implementation_name == 'pypy'"),
        ("python_version >= '3.12'", "python_full_version >= '3.12.0'"),
        ("python_version == '3.12'", "python_full_version >= '3.12.0' and python_full_version < '3.13'"),
        ("python_version > '3.12'", "python_version >= '3.13'"),
        ("python_full_version > '3.12.0'", "python_full_version >= '3.12.1'"),
        ("'3.12' <= python_version", "python_version >= '3.12'"),
        ("python_version ~= '3.8'", "python_version >= '3.8' and python_version < '4'"),
        ("sys_platform == 'linux2'", "python_version < '2'"),
    ],
)
def test_spellings_of_one_thing_are_equivalent(one: str, other: str) -> None:
    assert Domain().equivalent(from_marker(Marker(one)), from_marker(Marker(other)))


@pytest.mark.parametrize("marker", ["sys_platform == 'win32'", "sys_platform == 'darwin'", "sys_platform == 'linux'"])
def test_no_platform_spells_machines_as_another(marker: str) -> None:
    foreign = {"win32": "x86_64", "darwin": "AMD64", "linux": "AMD64"}[marker.split("'")[1]]
    assert not Domain().satisfiable(from_marker(Marker(f"{marker} and platform_machine == '{foreign}'")))


@pytest.mark.parametrize(
    "specifier", [">=3.11", ">=3.11,<3.13", "==3.12.*", "~=3.11", "!=3.12.1", ">3.11", ">=3.11.1,!=3.12.*", ""]
)
def test_requires_python_admits_what_it_says(specifier: str) -> None:
    domain, formula = Domain(), from_python_specifier(specifier)
    for env in BASES:
        assert domain.satisfiable(formula, POINTS[env]) == SpecifierSet(specifier).contains(env.python)


@pytest.mark.parametrize("variable", ["platform_release", "platform_version", "implementation_version"])
def test_questions_that_nothing_is_known_about_may_have_either_answer(variable: str) -> None:
    asked = from_marker(Marker(f"{variable} >= '5' and sys_platform == 'linux'"))
    mac = from_marker(Marker("sys_platform == 'darwin'"))
    domain = Domain()
    assert domain.satisfiable(asked) and domain.satisfiable(~asked) and not domain.satisfiable(asked, mac)


# Choices, by enumeration and by Z3

CHOICES = [Choice("extra", name) for name in "abcde"] + [Choice("group", name) for name in "fg"]


def formulas_of(leaves: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(all_of),
            st.lists(inner, min_size=2, max_size=3).map(any_of),
            inner.map(lambda formula: ~formula),
        ),
        max_leaves=8,
    )


opaque = st.sampled_from(("platform_release >= '5'", "platform_version == 'x'"))
formulas = formulas_of(
    st.one_of(
        comparisons().map(lambda text: from_marker(Marker(text))),
        st.sampled_from(CHOICES).map(chosen),
        st.sampled_from(CHOICES).map(chosen),
        opaque.map(lambda text: from_marker(Marker(text))),
    )
)


@st.composite
def universes(draw: st.DrawFn) -> Formula:
    """As a project makes them: Pythons, platforms, and pairs of choices that exclude each other."""
    pairs = draw(st.lists(st.lists(st.sampled_from(CHOICES), min_size=2, max_size=2, unique=True), max_size=4))
    python = from_python_specifier(draw(st.sampled_from((">=3.11", ">=3.11,<3.13", ""))))
    platform = from_marker(Marker(draw(st.sampled_from(("sys_platform == 'linux'", "sys_platform != 'win32'")))))
    axioms = [~(chosen(one) & chosen(other)) for one, other in pairs]
    return all_of([python, platform if draw(st.booleans()) else TRUE, *axioms])


def holds(formula: Formula, variables: dict[str, str], on: frozenset[Choice]) -> bool:
    """Plain evaluation; questions that nothing is known about must not occur."""
    if formula.op in ("and", "or"):
        return (all if formula.op == "and" else any)(holds(arg, variables, on) for arg in formula.args)
    if formula.op == "not":
        return not holds(formula.args[0], variables, on)
    if formula.op in ("true", "false"):
        return formula.op == "true"
    atom = formula.atom
    if isinstance(atom, Choice):
        return atom in on
    if hasattr(atom, "release"):
        return tuple(map(int, variables["python_full_version"].split("."))) >= atom.release
    assert hasattr(atom, "comparison"), atom
    return atom.holds(variables[atom.variable])


@given(universe=universes(), parts=st.lists(formulas, min_size=1, max_size=3))
@examples(60)
def test_z3_and_enumeration_agree(universe: Formula, parts: list[Formula]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("satlock.encoder.markers.domain.ENUMERATED_ROWS", 1 << 40)
        counted = Domain(universe)
        expected = counted.satisfiable(*parts)
        assert counted.asked_z3 == 0
        patch.setattr("satlock.encoder.markers.domain.ENUMERATED_ROWS", 0)
        asked = Domain(universe)
        assert asked.satisfiable(*parts) == expected
        assert asked.asked_z3 == 1
        witness = asked.witness(*parts)
    assert (witness is not None) == expected
    if witness is not None and "Opaque" not in repr((universe, parts)):
        on = frozenset(Choice("extra", name) for name in witness.extras)
        on |= frozenset(Choice("group", name) for name in witness.groups)
        assert all(holds(part, dict(witness.variables), on) for part in (universe, *parts))


def test_z3_is_asked_only_where_there_is_much_to_enumerate() -> None:
    many = [Choice("extra", f"e{n}") for n in range(12)]
    free = Domain()
    assert free.satisfiable(all_of(map(chosen, many[:8]))) and free.asked_z3 == 0
    assert free.satisfiable(all_of(map(chosen, many))) and free.asked_z3 == 1


def test_what_conflicts_forbid_is_not_enumerated() -> None:
    many = [Choice("extra", f"e{n}") for n in range(40)]
    one_of_all = Domain(all_of(~(chosen(a) & chosen(b)) for a, b in itertools.combinations(many, 2)))
    assert one_of_all.satisfiable(*(~chosen(choice) for choice in many[1:]), chosen(many[0]))
    assert not one_of_all.satisfiable(any_of(map(chosen, many)), chosen(many[3]), chosen(many[7]))
    assert one_of_all.asked_z3 == 0


@given(formula=formulas)
@examples(100)
def test_forgetting_choices_widens_as_little_as_it_can(formula: Formula) -> None:
    """Nothing that the formula admits is lost, and no choice is left."""
    domain, wide = Domain(), forget_switches(formula)
    assert not wide.switches
    assert domain.implies(formula, wide)


# The shortest marker


@given(universe=universes(), region=formulas_of(st.one_of(comparisons().map(lambda text: from_marker(Marker(text))),
                                                          st.sampled_from(CHOICES[:3]).map(chosen))))  # fmt: skip
@examples(60)
def test_a_shortened_marker_says_the_same_and_nothing_needless(universe: Formula, region: Formula) -> None:
    domain = Domain(universe)
    assume(domain.satisfiable(region))
    shortener = Shortener(domain)
    text, cover = shortener.marker(region), shortener.cover(region)
    if text is None or cover is None:
        assert text is None and cover is None and domain.implies(TRUE, region)
        return
    assert domain.equivalent(from_marker(Marker(text)), region)
    assert domain.equivalent(shortener.formula(region), region)
    for cube in cover:
        others = any_of(all_of(other) for other in cover if other is not cube)
        assert not domain.implies(all_of(cube), others), f"{cube} is covered by the rest of {text}"
        for literal in cube:
            rest = all_of(other for other in cube if other is not literal)
            assert not domain.implies(rest, region), f"{literal} is needless in {text}"


@pytest.mark.parametrize(
    ("region", "shortest"),
    [
        ("python_version >= '3.11'", None),
        ("os_name == 'nt' and sys_platform == 'win32'", "sys_platform == 'win32'"),
        ("sys_platform == 'linux' and python_version >= '3.8'", "sys_platform == 'linux'"),
        ("sys_platform == 'linux' or sys_platform != 'linux' and os_name == 'nt'",
         "os_name == 'nt' or sys_platform == 'linux'"),
        ("python_full_version >= '3.12.0' and python_full_version < '3.13'", "python_version == '3.12'"),
        ("'cpu' in extras and 'cu' not in extras", "'cpu' in extras"),
    ],
)  # fmt: skip
def test_the_shortest_of_some_markers(region: str, shortest: str | None) -> None:
    """In a universe of Python 3.11 and later, with ``cpu`` and ``cu`` in conflict."""
    rivals = ~(chosen(Choice("extra", "cpu")) & chosen(Choice("extra", "cu")))
    domain = Domain(from_python_specifier(">=3.11") & rivals)
    assert Shortener(domain).marker(from_marker(Marker(region))) == shortest


# Wheels


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any", "py2.py3-none-any", "py2-none-any", "py312-none-any", "cp312-cp312-win_amd64",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp312-cp312-manylinux_2_17_aarch64",
        "cp38-abi3-macosx_10_9_universal2", "cp311-none-macosx_11_0_arm64", "py3-none-macosx_10_9_x86_64",
        "cp312-cp312-linux_x86_64", "pp310-pypy310_pp73-manylinux2014_x86_64", "cp37-abi3-win_arm64",
        "cp313-cp313t-win_amd64", "cp312-cp312.cp312t-win_amd64",
        "py3-none-manylinux1_x86_64.win_amd64", "cp312-cp312-manylinux_2_28_riscv64",
    ],
)  # fmt: skip
def test_a_wheel_installs_where_its_tags_say(tags: str) -> None:
    formula = installs_on(f"x-1-{tags}.whl")
    for env in BASES:
        assert SHARED.satisfiable(formula, POINTS[env]) == wheel_fits(tags, env), env


def test_a_source_distribution_installs_anywhere() -> None:
    assert installs_on("x-1.tar.gz") is TRUE


# Versions

releases = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
suffixes = st.sampled_from(("", "", "", "", "a1", "b2", "rc1", ".post1", ".dev1", "a1.post1", ".post1.dev2"))
locals_ = st.sampled_from(("", "", "", "+cpu", "+cu124", "+1"))
epochs = st.sampled_from(("", "", "", "", "", "1!"))
some_versions = st.builds("{}{}{}{}".format, epochs, releases, suffixes, locals_)


@st.composite
def specifiers(draw: st.DrawFn) -> str:
    op = draw(st.sampled_from((">=", "<=", ">", "<", "==", "!=", "~=", "===", "==", "!=")))
    version = draw(some_versions)
    public = version.partition("+")[0]
    if op in ("==", "!=") and draw(st.booleans()):
        return f"{op}{draw(epochs)}{draw(releases)}.*"
    if op == "~=":
        return f"~={draw(epochs)}{draw(releases)}.{draw(st.integers(0, 3))}"
    return f"{op}{public if op in ('>=', '<=', '>', '<') else version}"


def candidates(texts: list[str]) -> Candidates:
    """Candidates of these versions, each with a wheel, those with a local part for Linux only."""
    versions = sorted({str(Version(text)) for text in texts}, key=Version)
    found = []
    for version in versions:
        platform = "manylinux2014_x86_64" if "+" in version else "any"
        wheel = (f"x-{version}-py3-none-{platform}.whl", "", (), None, None, None, None, None)
        found.append(Release(version, None, False, None, True, False, (wheel,)))
    project = Project(path=None, name=None, requires_python=SpecifierSet(), dependencies=(), extras={}, groups={})  # type: ignore[arg-type]
    return candidates_of("x", [Listing("x", "https://index.example/simple", tuple(found))], project, Domain())


@given(texts=st.lists(some_versions, min_size=1, max_size=14), wanted=st.lists(specifiers(), min_size=1, max_size=2))
@examples(300)
def test_ranks_are_admitted_as_packaging_says(texts: list[str], wanted: list[str]) -> None:
    found, specifier = candidates(texts), SpecifierSet(",".join(wanted))
    admitted = found.admitted(specifier)
    for rank, candidate in enumerate(found.ranked, start=1):
        expected = all(specifier.contains(build.version, prereleases=True) for build in candidate.builds)
        assert bool(admitted >> rank & 1) == expected, (str(candidate), str(specifier))
    assert not admitted & 1 and admitted < 1 << (found.top + 1)


@given(texts=st.lists(some_versions, min_size=1, max_size=14))
@examples(100)
def test_candidates_are_ranked_by_version(texts: list[str]) -> None:
    """Oldest first; where builds of one version share the platforms, all of them together come last."""
    found = candidates(texts)
    versions = [Version(candidate.version) for candidate in found.ranked if len(candidate.builds) == 1]
    assert versions == sorted(versions) and len(versions) == len(set(map(str, versions)))
    publics = [Version(candidate.version.partition("+")[0]) for candidate in found.ranked]
    assert publics == sorted(publics)


@given(ranks=st.integers(0, 1 << 40))
def test_runs_are_maximal_and_make_up_the_set(ranks: int) -> None:
    found = list(runs(ranks))
    assert sum((1 << (last + 1)) - (1 << first) for first, last in found) == ranks
    assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(found))


# Requirements


@st.composite
def requirement_lines(draw: st.DrawFn) -> list[str]:
    lines = []
    for number in range(draw(st.integers(1, 5))):
        extra = draw(st.sampled_from(("x", "y", "Under_Score")))
        marker = draw(comparisons())
        shapes = (
            "", marker, f"extra == '{extra}'", f"'{extra}' == extra", f"({marker}) and extra == '{extra}'",
            f"extra == '{extra}' and ({marker})", f"extra == 'x' or extra == '{extra}'", f"extra != '{extra}'",
            f"({marker}) or extra == '{extra}'", f"(extra == '{extra}' and {marker}) or (extra == 'y' and not_it)",
        )  # fmt: skip
        shape = draw(st.sampled_from(shapes)).replace("not_it", "os_name == 'nt'")
        lines.append(f"p{number}>={number}" + (f" ; {shape}" if shape else ""))
    return lines


def needed(lines: list[str], env: Environment, extra: str) -> Iterator[str]:
    """What packaging says is needed with one extra: as pip, what is active without it, and what is active with it."""
    for line in lines:
        requirement = Requirement(line)
        variables = marker_variables(env)
        if requirement.marker is None or any(
            requirement.marker.evaluate({**variables, "extra": one}) for one in ("", extra)
        ):
            yield requirement.name


@given(lines=requirement_lines(), extra=st.sampled_from(("x", "y", "under-score", "nowhere")), env=bases)
@examples(100)
def test_extras_add_what_packaging_says(lines: list[str], extra: str, env: Environment) -> None:
    found = Dependencies(lines, (), "a", "1.0", Edits({}, frozenset()))
    active = {
        dependency.name
        for dependency in (*found.of(), *found.of(extra))
        if SHARED.satisfiable(dependency.marker, POINTS[env])
    }
    assert active == set(needed(lines, env, extra))
